/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The x86-SVM backend: guests on AMD's Secure Virtual Machine with nested
 * paging, AMD APM vol. 2, chapter 15.
 *
 * Life of a run. svm_vcpu_run() enters a region in which the CPU is the VCPU's
 * (svm_run.c): its FPU, debug registers and TSC are loaded, and VMRUN repeats
 * for as long as exits can be served on the spot. A host interrupt, or anything
 * that may sleep, ends the region; then comes another, or the owner.
 *
 * Keys to the fields, beside those of nvmm_internal.h:
 *	(h) the CPU that it belongs to, within a region or os_cpu_call
 *	(i) constant from init on
 *	(s) svm.lock
 */

#ifndef _SVM_H_
#define _SVM_H_

#include "nvmm_internal.h"
#include "x86/nvmm_x86_internal.h"
#include "x86/nvmm_x86_fetch.h"
#include "x86/svm/svm_cpu.h"
#include "x86/svm/svm_tlb.h"
#include "x86/svm/svm_tsc.h"
#include "x86/svm/svm_vmcb.h"

#define SVM_CPUID_RULES		32
#define SVM_IOPM_PAGES		3
#define SVM_MSRPM_PAGES		2

/* A CPU of the host. */
struct svm_host {
	struct svm_tlb_cpu tlb;		/* (h) */
	uint64_t mach_serial;		/* (h) the last machine that ran here */
	bool enabled;			/* (h) by us */
	void *pages;			/* (i) the two below */
	uint64_t hsave_pa;		/* (i) VM_HSAVE_PA */
	uint64_t save_pa;		/* (i) what VMSAVE and VMLOAD carry over */
};

/* CPUID of a guest, as far as it is the same for all. */
#define SVM_CPUID_BASIC		0x20
#define SVM_CPUID_EXTENDED	0x30

struct svm_global {
	bool nrips;			/* (i) features that the CPUs have */
	bool decode;			/* (i) */
	bool by_asid;			/* (i) */
	bool ibpb;			/* (i) */
	bool xsave;			/* (i) */
	bool x87_leak;			/* (i) see svm_clear_x87_pointers() */
	bool pku;			/* (i) the host uses PKRU */
	uint64_t host_xcr0;		/* (i) */
	uint64_t xcr0_mask;		/* (i) what guests may set; 0: no XSAVE */
	uint32_t mxcsr_mask;		/* (i) */
	size_t fpu_pages;		/* (i) for a VCPU's FPU area */
	void *iopm;			/* (i) */
	uint64_t iopm_pa;		/* (i) */
	void *msrpm;			/* (i) */
	uint64_t msrpm_pa;		/* (i) */
	struct svm_host *hosts;		/* (i) the array, by number of CPU */
	unsigned nhosts;		/* (i) */
	os_mutex_t lock;
	volatile int enabled;		/* (a) */
	uint64_t serial;		/* (s) given out so far */
	struct svm_asids asids;		/* (s) */
	/* (i) filtered; leaves that depend on more are made at each exit */
	struct nvmm_x86_cpuid basic[SVM_CPUID_BASIC];
	struct nvmm_x86_cpuid extended[SVM_CPUID_EXTENDED];
};

extern struct svm_global svm;
/* Parameters, to be set before nvmm_attach(). */
extern unsigned nvmm_param_nasid;	/* limit of ASIDs, 0: the hardware's */
extern long nvmm_param_tsc_skew;	/* for tests: CPU n's TSC is n times
					   this ahead */

struct svm_machine {
	uint64_t serial;		/* (c) */
};

/* All fields are (v) but for those marked. */
struct svm_vcpu {
	struct nvmm_cpu *cpu;		/* (c) */
	struct os_vmspace *vm;		/* (c) */
	struct svm_vmcb *vmcb;
	uint64_t vmcb_pa;		/* (c) */
	uint64_t gprs[16];		/* in the API's order; RAX and RSP are in
					   the VMCB */
	uint64_t drs[4];		/* DR0 to DR3 */
	uint64_t xcr0;
	void *fpu;			/* (c) XSAVE or FXSAVE area */
	uint64_t mach_serial;		/* (c) */
	volatile int on_cpu;		/* (a) number + 1 within a region, or 0 */
	struct svm_host *host;		/* within a region */
	struct svm_tlb_vcpu tlb;
	struct svm_tsc tsc;
	uint64_t tsc_reported;		/* by the last getstate */
	bool tsc_told;			/* since the last region */
	unsigned ran_on;		/* CPU, if tlb.ran */

	/* The host's, within a region. */
	uint32_t host_pkru;
	uint64_t host_dr7;
	uint64_t host_drs[4];
	bool drs_loaded;

	/* Where instructions were looked at last; within a region or claim. */
	struct nvmm_x86_walk walk;

	/* Events, svm_event.c. */
	bool event_busy;		/* something waits, or has just gone */
	uint64_t eventinj;		/* goes in with the next VMRUN, or 0 */
	uint64_t injected;		/* went in with the last one */
	int irq;			/* vector that waits, or -1 */
	bool nmi;			/* one waits */
	bool nmi_masked;		/* until IRET */
	bool nmi_step;			/* IRET is being stepped over */
	uint64_t step_rflags;		/* RFLAGS before the step */
	uint64_t step_dr6;
	bool int_window;		/* asked for by the owner */
	bool nmi_window;		/* likewise */

	/* Configuration. */
	bool tpr_exit;
	unsigned nrules;
	struct nvmm_vcpu_conf_cpuid rule[SVM_CPUID_RULES];

#ifdef NVMM_DEBUG
	struct svm_vmcb *shadow;	/* as the last exit left it */
	bool shadow_valid;
#endif
};

/* What follows an exit. */
enum svm_next {
	SVM_AGAIN,			/* VMRUN */
	SVM_LEAVE,			/* end the region, then VMRUN */
	SVM_FAULT,			/* end the region, serve a nested fault */
	SVM_USER			/* the owner: comm->exit is filled */
};

/* svm_asm.S: run until #VMEXIT. => Interrupts held off by CLGI. */
void	svm_vmrun(uint64_t vmcb_pa, uint64_t *gprs, uint64_t host_save_pa);

/* svm.c */
extern const struct nvmm_impl nvmm_x86_svm;
uint64_t svm_serial(void);
uint64_t svm_host_tsc(unsigned cpu);

/* svm_vcpu.c */
int	svm_vcpu_create(struct nvmm_machine *, struct nvmm_cpu *);
void	svm_vcpu_destroy(struct nvmm_machine *, struct nvmm_cpu *);
int	svm_vcpu_configure(struct nvmm_cpu *, uint64_t, void *);
extern const size_t svm_vcpu_conf_sizes[2];

static inline struct svm_vcpu *
svm_vcpu(struct nvmm_cpu *cpu)
{

	return cpu->cpudata;
}

/* The VMCB's groups that were changed: VMRUN must not use a cached copy. */
static inline void
svm_dirty(struct svm_vcpu *vc, uint32_t groups)
{

	vc->vmcb->ctrl.clean &= ~groups;
}

/* True in 64-bit mode. */
static inline bool
svm_is_64(const struct svm_vcpu *vc)
{
	const struct svm_vmcb_state *st = &vc->vmcb->state;

	return (st->efer & SVM_EFER_LMA) != 0 &&
	    (st->cs.attrib & SVM_ATTR_L) != 0;
}

/* RFLAGS as the guest has it: the step for the sake of NMIs is ours. */
static inline uint64_t
svm_rflags(const struct svm_vcpu *vc)
{
	const uint64_t rflags = vc->vmcb->state.rflags;

	if (!vc->nmi_step)
		return rflags;
	return (rflags & ~SVM_RFLAGS_TF) | (vc->step_rflags & SVM_RFLAGS_TF);
}

/* svm_run.c */
int	svm_vcpu_run(struct nvmm_machine *, struct nvmm_cpu *);
void	svm_vcpu_kick(struct nvmm_cpu *);

/* svm_fpu.c: extended state and debug registers, of guest and host */
void	svm_fpu_init(void);
size_t	svm_fpu_size(uint64_t xcr0);
void	svm_fpu_load(struct svm_vcpu *);
void	svm_fpu_unload(struct svm_vcpu *);
void	svm_fpu_get(struct svm_vcpu *, struct fxsave *);
void	svm_fpu_set(struct svm_vcpu *, const struct fxsave *);
uint64_t svm_xcr0_valid(uint64_t);
void	svm_drs_enter(struct svm_vcpu *);
void	svm_drs_load(struct svm_vcpu *);
void	svm_drs_leave(struct svm_vcpu *);

/* svm_event.c */
int	svm_vcpu_inject(struct nvmm_cpu *, const struct nvmm_vcpu_event *);
void	svm_exception(struct svm_vcpu *, unsigned vector, uint32_t error);
bool	svm_event_enter(struct svm_vcpu *);
void	svm_event_exit(struct svm_vcpu *);
void	svm_event_drop(struct svm_vcpu *);
bool	svm_event_wakes(struct svm_vcpu *);
bool	svm_event_pending(const struct svm_vcpu *);
enum svm_next svm_exit_vintr(struct svm_vcpu *);
enum svm_next svm_exit_iret(struct svm_vcpu *);
enum svm_next svm_exit_db(struct svm_vcpu *);

/* svm_exit.c */
enum svm_next svm_exit(struct svm_vcpu *);
int	svm_fault(struct svm_vcpu *, bool *user);
void	svm_exit_state(struct svm_vcpu *);
enum svm_next svm_user(struct svm_vcpu *, uint64_t reason);

/* svm_insn.c */
void	svm_where(struct svm_vcpu *, struct nvmm_x86_where *);
bool	svm_npc(struct svm_vcpu *, const uint8_t *op, size_t nop,
	    uint64_t *npc);
void	svm_advance(struct svm_vcpu *, uint64_t npc);
uint64_t svm_gpr(const struct svm_vcpu *, unsigned reg);
enum svm_next svm_exit_cr8(struct svm_vcpu *);

/* svm_cpuid.c */
void	svm_cpuid_init(void);
int	svm_cpuid_configure(struct svm_vcpu *,
	    const struct nvmm_vcpu_conf_cpuid *);
enum svm_next svm_exit_cpuid(struct svm_vcpu *);

/* svm_msr.c */
void	svm_msrpm_init(uint8_t *msrpm);
uint64_t svm_efer(uint64_t efer, uint64_t cr0);
enum svm_next svm_exit_msr(struct svm_vcpu *);

/* svm_state.c */
int	svm_vcpu_setstate(struct nvmm_cpu *, const struct nvmm_x64_state *,
	    uint64_t flags);
int	svm_vcpu_getstate(struct nvmm_cpu *, uint64_t flags);

/* svm_debug.c: what only a debug build checks */
#ifdef NVMM_DEBUG
int	svm_debug_create(struct svm_vcpu *);
void	svm_debug_destroy(struct svm_vcpu *);
void	svm_debug_enter(struct svm_vcpu *, uint32_t tlb_control);
void	svm_debug_exit(struct svm_vcpu *);
#else
static inline int
svm_debug_create(struct svm_vcpu *vc)
{

	(void)vc;
	return 0;
}

static inline void
svm_debug_destroy(struct svm_vcpu *vc)
{

	(void)vc;
}

static inline void
svm_debug_enter(struct svm_vcpu *vc, uint32_t tlb_control)
{

	(void)vc;
	(void)tlb_control;
}

static inline void
svm_debug_exit(struct svm_vcpu *vc)
{

	(void)vc;
}
#endif

#endif /* _SVM_H_ */
