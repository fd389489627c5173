/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The backend on Linux's /dev/kvm. All but nvmm_kvm is private to the kvm_
 * files: one struct for the host, one for a machine, one for a VCPU, and what
 * the files ask of each other.
 *
 * KVM is used without its interrupt controllers, as the owner of an NVMM
 * machine emulates them. Keys to the fields are those of nvmm_internal.h.
 */

#ifndef _NVMM_KVM_H_
#define _NVMM_KVM_H_

#include <linux/kvm.h>

#include "nvmm_internal.h"
#include "x86/nvmm_x86_internal.h"

extern const struct nvmm_impl nvmm_kvm;

/* CPUID leaves that can be configured for a VCPU. */
#define KVM_CPUID_RULES		32
/* CPUID entries of a VCPU: KVM's own, and those that rules add. */
#define KVM_CPUID_ENTRIES	256

/* What /dev/kvm offers, asked once. (g) to change, constant while attached. */
struct kvm_host {
	int fd;
	size_t run_size;	/* of the mapping of struct kvm_run */
	size_t nslots;		/* memory slots of a machine */
	uint64_t sync;		/* KVM_SYNC_X86_* that come with each exit */
	uint64_t xcr0;		/* bits that a guest may set */
	bool readonly;		/* read-only memory slots */
	bool msr_exit;		/* MSRs leave to user space */
	bool msr_filter;	/* chosen MSRs that KVM knows do so too */
	bool xsave;
	bool xcrs;
	bool nmi;
	struct kvm_cpuid_entry2 *cpuid;	/* filtered */
	size_t ncpuid;
};
extern struct kvm_host kvm_host;

/* A range of guest-physical memory as KVM knows it. */
struct kvm_slot {
	uint64_t gpa;
	uint64_t size;
	uint8_t *host;
	uint32_t flags;		/* KVM_MEM_* */
	uint32_t id;
};

struct kvm_slots {
	size_t n;
	size_t max;
	struct kvm_slot *slot;	/* sorted by gpa */
};

struct kvm_vm {
	int fd;			/* (c) */
	struct kvm_slots slots;	/* (x) */
	unsigned long reborn;	/* (x) VCPUs made where one was destroyed */
};

/* What KVM still has to finish of the last exit. */
enum kvm_pending {
	KVM_PENDING_NONE,
	KVM_PENDING_IO,
	KVM_PENDING_MMIO,
	KVM_PENDING_RDMSR,
	KVM_PENDING_WRMSR
};

/* Copies that show the VCPU as it is; lost when it runs. */
#define KVM_VALID_REGS		0x1	/* run->s.regs.regs */
#define KVM_VALID_EVENTS	0x2	/* run->s.regs.events */
#define KVM_VALID_SREGS		0x4	/* sregs */
#define KVM_VALID_XCR0		0x8	/* xcr0 */

struct kvm_vcpu {
	int fd;				/* (c) */
	struct kvm_run *run;		/* (c) shared with KVM */
	struct nvmm_cpu *cpu;		/* (c) */
	int tid;			/* (a) the thread inside run, or 0 */

	unsigned valid;			/* (v) KVM_VALID_* */
	struct kvm_sregs sregs;		/* (v) */
	uint64_t xcr0;			/* (v) */
	uint64_t tsc;			/* (v) as last told to the owner */
	bool tsc_told;			/* (v) and not set since */
	bool fpu_reset;			/* (v) FPU yet to be put in its reset state */

	enum kvm_pending pending;	/* (v) */
	bool again;			/* (v) pending is new to the owner */
	uint64_t token;			/* (v) of the last access; 0 before it */
	struct kvm_regs msr_regs;	/* (v) at an exit for an MSR */

	int irq;			/* (v) vector yet to be injected, or -1 */
	struct nvmm_x86_irqs irqs;	/* (v) and those behind it */
	bool window;			/* (v) the owner wants EXIT_INT_READY */
	bool changed;			/* (v) the owner changed state since the exit */

	bool ran;			/* (v) */
	bool cpuid_set;			/* (v) KVM knows the CPUID as it is here */
	unsigned nrules;		/* (v) */
	struct nvmm_vcpu_conf_cpuid rule[KVM_CPUID_RULES];
};

static inline struct kvm_vm *
kvm_vm(const struct nvmm_machine *mach)
{

	return mach->machdata;
}

static inline struct kvm_vcpu *
kvm_vcpu(const struct nvmm_cpu *cpu)
{

	return cpu->cpudata;
}

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* A register in KVM's structure, at the index that NVMM knows it by. */
#define AT(s, f)	offsetof(struct s, f)

static inline uint64_t
kvm_reg_load(const void *base, size_t at)
{
	uint64_t value;

	memcpy(&value, (const uint8_t *)base + at, sizeof(value));
	return value;
}

static inline void
kvm_reg_store(void *base, size_t at, uint64_t value)
{

	memcpy((uint8_t *)base + at, &value, sizeof(value));
}

/* kvm.c: as ioctl(2), but returns 0 or a positive errno. */
int	kvm_ioctl(int fd, unsigned long req, void *arg);

/* kvm_cpuid.c */
int	kvm_cpuid_init(void);
void	kvm_cpuid_fini(void);
int	kvm_cpuid_flush(struct kvm_vcpu *);
int	kvm_cpuid_configure(struct kvm_vcpu *,
	    const struct nvmm_vcpu_conf_cpuid *);

/* kvm_memory.c */
int	kvm_memory_changed(struct nvmm_machine *, uint64_t, size_t);
void	kvm_memory_fini(struct kvm_vm *);

/* kvm_state.c */
int	kvm_need_regs(struct kvm_vcpu *);
int	kvm_put_regs(struct kvm_vcpu *);
int	kvm_need_events(struct kvm_vcpu *);
int	kvm_put_events(struct kvm_vcpu *);
void	kvm_get_gprs(const struct kvm_vcpu *, struct nvmm_x64_state *);
int	kvm_vcpu_setstate(struct nvmm_cpu *, const struct nvmm_x64_state *,
	    uint64_t);
int	kvm_vcpu_getstate(struct nvmm_cpu *, uint64_t);

/* kvm_sregs.c */
int	kvm_need_sregs(struct kvm_vcpu *);
int	kvm_put_sregs(struct kvm_vcpu *, const struct kvm_sregs *before);
int	kvm_get_segs(struct kvm_vcpu *, struct nvmm_x64_state *);
int	kvm_set_segs(struct kvm_vcpu *, const struct nvmm_x64_state *);
int	kvm_get_crs(struct kvm_vcpu *, struct nvmm_x64_state *);
int	kvm_set_crs(struct kvm_vcpu *, const struct nvmm_x64_state *);

/* kvm_fpu.c */
int	kvm_get_fpu(struct kvm_vcpu *, struct nvmm_x64_state *);
int	kvm_set_fpu(struct kvm_vcpu *, const struct nvmm_x64_state *);
int	kvm_fpu_flush(struct kvm_vcpu *);
void	kvm_fpu_init(void);
void	kvm_fpu_capability(struct nvmm_cap_md *);
int	kvm_vcpu_getxstate(struct nvmm_cpu *, void *, size_t);
int	kvm_vcpu_setxstate(struct nvmm_cpu *, const void *, size_t);

/* kvm_event.c */
bool	kvm_event_pending(const struct kvm_vcpu *);
bool	kvm_event_ready(struct kvm_vcpu *);
int	kvm_event_enter(struct kvm_vcpu *);
int	kvm_vcpu_inject(struct nvmm_cpu *, const struct nvmm_vcpu_event *);

/* kvm_run.c */
int	kvm_run_init(void);
int	kvm_run_complete(struct kvm_vcpu *);
int	kvm_vcpu_run(struct nvmm_machine *, struct nvmm_cpu *);
void	kvm_vcpu_kick(struct nvmm_cpu *);

/* kvm_access.c */
enum kvm_pending kvm_access_kind(const struct kvm_run *);
void	kvm_access_begin(struct kvm_vcpu *);
int	kvm_access_complete(struct kvm_vcpu *);
int	kvm_access_drop(struct kvm_vcpu *);
int	kvm_msr_finish(struct kvm_vcpu *);
int	kvm_msr_enter(struct kvm_vcpu *);
int	kvm_vcpu_access(struct nvmm_cpu *, struct nvmm_access *);
int	kvm_vcpu_access_done(struct nvmm_cpu *, const struct nvmm_access *);

/* kvm_exit.c */
bool	kvm_exit(struct kvm_vcpu *, struct nvmm_vcpu_exit *);
void	kvm_exit_state(struct kvm_vcpu *, struct nvmm_vcpu_exit *);

#endif /* _NVMM_KVM_H_ */
