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
#include "x86/nvmm_x86_xstate.h"
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
	uint64_t cr4_host;		/* (i) what stays on in guests' CR4 */
	uint64_t cr4_mask;		/* (i) what guests may set */
	uint64_t host_xcr0;		/* (i) */
	uint64_t xcr0_mask;		/* (i) what guests may set; 0: no XSAVE */
	uint32_t mxcsr_mask;		/* (i) */
	struct nvmm_x86_xlayout xlayout; /* (i) of a VCPU's FPU area */
	size_t fpu_pages;		/* (i) for it */
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
	uint64_t cr4;			/* the guest's; the VMCB's has MCE */
	uint64_t xcr0;
	void *fpu;			/* (c) XSAVE or FXSAVE area */
	uint64_t mach_serial;		/* (c) */
	volatile int on_cpu;		/* (a) number + 1 within a region, or 0 */
	struct svm_host *host;		/* within a region */
	struct svm_tlb_vcpu tlb;
	struct svm_tsc tsc;
	uint64_t tsc_reported;		/* by the last getstate */
	uint64_t tsc_value;		/* from the owner, if tsc_pending */
	bool tsc_pending;		/* until the next region */
	bool tsc_due;			/* the offset is to be looked at */
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
	bool event_exit;		/* the next VMRUN is to exit at once */
	uint64_t eventinj;		/* goes in with the next VMRUN, or 0 */
	uint64_t injected;		/* went in with the last one */
	uint64_t injected_rip;		/* there, if injected != 0 */
	int irq;			/* vector that waits, or -1 */
	struct nvmm_x86_irqs irqs;	/* and those behind it */
	bool nmi;			/* one waits */
	bool nmi_masked;		/* until IRET */
	bool nmi_step;			/* IRET, or out of a shadow */
	uint64_t step_rflags;		/* RFLAGS before the step */
	uint64_t step_dr6;
	bool int_window;		/* asked for by the owner */
	bool nmi_window;		/* likewise */

	/* The last exit's IN or OUT may be completed by its RAX alone. */
	bool io_waits;

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

/* The TSC of a CPU of the host's, on that CPU. */
static inline uint64_t
svm_host_tsc(unsigned cpu)
{

	return svm_rdtsc() + cpu * (uint64_t)nvmm_param_tsc_skew;
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
int	svm_vcpu_getxstate(struct nvmm_cpu *, void *, size_t);
int	svm_vcpu_setxstate(struct nvmm_cpu *, const void *, size_t);
uint64_t svm_xcr0_valid(uint64_t);
void	svm_drs_load(struct svm_vcpu *);
void	svm_drs_unload(struct svm_vcpu *);

/* Reads of DR0 to DR3; writes of these and of DR5 and DR7, which arm them. */
#define SVM_DR_INTERCEPTS	(0x000F | (0x00AFU << 16))

/* => In a region. */
static inline void
svm_drs_enter(struct svm_vcpu *vc)
{

	vc->host_dr7 = svm_rddr7();
	if ((vc->vmcb->state.dr7 & SVM_DR7_ENABLED) != 0) {
		svm_drs_load(vc);
	} else if (vc->vmcb->ctrl.intercept_dr != SVM_DR_INTERCEPTS) {
		vc->vmcb->ctrl.intercept_dr = SVM_DR_INTERCEPTS;
		svm_dirty(vc, SVM_CLEAN_I);
	}
}

/*
 * #VMEXIT leaves DR7 disarmed and DR6 as the guest had it; the host has its own
 * again. => In a region.
 */
static inline void
svm_drs_leave(struct svm_vcpu *vc)
{

	if (vc->drs_loaded)
		svm_drs_unload(vc);
	if (vc->vmcb->state.dr6 != SVM_DR6_ONES)
		svm_wrdr6(SVM_DR6_ONES);
	if (vc->host_dr7 != SVM_DR7_ONES)
		svm_wrdr7(vc->host_dr7);
}

/* svm_event.c */
int	svm_vcpu_inject(struct nvmm_cpu *, const struct nvmm_vcpu_event *);
void	svm_exception(struct svm_vcpu *, unsigned vector, uint32_t error);
bool	svm_event_next(struct svm_vcpu *);
void	svm_event_again(struct svm_vcpu *);
void	svm_event_stepped_over(struct svm_vcpu *);
void	svm_event_drop(struct svm_vcpu *);
bool	svm_event_wakes(struct svm_vcpu *);
bool	svm_event_pending(const struct svm_vcpu *);
enum svm_next svm_exit_vintr(struct svm_vcpu *);
enum svm_next svm_exit_iret(struct svm_vcpu *);
enum svm_next svm_exit_fault(struct svm_vcpu *);
enum svm_next svm_exit_db(struct svm_vcpu *);

/*
 * Before VMRUN. => False: the owner waits for a window, and it is open.
 *    In a region.
 */
static inline bool
svm_event_enter(struct svm_vcpu *vc)
{

	return !vc->event_busy || svm_event_next(vc);
}

/* After #VMEXIT. */
static inline void
svm_event_exit(struct svm_vcpu *vc)
{

	if ((vc->vmcb->ctrl.exitintinfo & SVM_EVENT_V) != 0 || vc->nmi_step)
		svm_event_again(vc);
}

/* svm_exit.c */
enum svm_next svm_exit(struct svm_vcpu *);
int	svm_fault(struct svm_vcpu *);

/* The exit is the owner's. */
static inline enum svm_next
svm_user(struct svm_vcpu *vc, uint64_t reason)
{

	vc->cpu->comm->exit.reason = reason;
	return SVM_USER;
}

/* svm_io.c */
enum svm_next svm_exit_io(struct svm_vcpu *);
void	svm_vcpu_io_done(struct nvmm_cpu *, uint64_t val);

/* svm_insn.c */
unsigned svm_insn_length(struct svm_vcpu *, const uint8_t *op, size_t nop);
void	svm_advance(struct svm_vcpu *, uint64_t npc);
uint64_t *svm_gpr(struct svm_vcpu *, unsigned reg);

/* RIP len bytes on, as wide as the code segment has it. */
static inline uint64_t
svm_next_rip(const struct svm_vcpu *vc, unsigned len)
{
	const uint64_t rip = vc->vmcb->state.rip + len;

	return svm_is_64(vc) ? rip : (uint32_t)rip;
}

/* Where the VCPU is. */
static inline void
svm_where(struct svm_vcpu *vc, struct nvmm_x86_where *w)
{
	const struct svm_vmcb_state *st = &vc->vmcb->state;

	w->vm = vc->vm;
	w->walk = &vc->walk;
	w->cr0 = st->cr0;
	w->cr3 = st->cr3;
	w->cr4 = st->cr4;
	w->efer = st->efer;
	w->cs_base = st->cs.base;
	w->rip = st->rip;
	w->cs_l = (st->cs.attrib & SVM_ATTR_L) != 0;
	w->cs_d = (st->cs.attrib & SVM_ATTR_D) != 0;
}

/*
 * RIP after the instruction whose opcode is op. => False: it cannot be told, as
 *    the instruction, or the guest's page tables, changed meanwhile; executing
 *    again is then as good as anything.
 */
static inline bool
svm_npc(struct svm_vcpu *vc, const uint8_t *op, size_t nop, uint64_t *npc)
{
	struct nvmm_x86_where w;
	unsigned len;

	if (svm.nrips) {
		*npc = vc->vmcb->ctrl.nrip;
		return true;
	}
	svm_where(vc, &w);
	len = nvmm_x86_insn_known(&w, op, nop) ? (unsigned)nop :
	    svm_insn_length(vc, op, nop);
	*npc = svm_next_rip(vc, len);
	return len != 0;
}

/* svm_cr.c */
void	svm_cr_init(void);
void	svm_cr4_set(struct svm_vcpu *, uint64_t);
enum svm_next svm_exit_cr4_read(struct svm_vcpu *);
enum svm_next svm_exit_cr4_write(struct svm_vcpu *);
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
