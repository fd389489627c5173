/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the x86 backends share within the driver: the reset state, the CPUID
 * bits that a guest may see, and small checks. The rules are those of the AMD
 * APM, volumes 2 and 3.
 */

#ifndef _NVMM_X86_INTERNAL_H_
#define _NVMM_X86_INTERNAL_H_

#include "nvmm_internal.h"

/* The four registers that CPUID answers in. */
struct nvmm_x86_cpuid {
	uint32_t eax;
	uint32_t ebx;
	uint32_t ecx;
	uint32_t edx;
};

/* The groups that nvmm_x86_exitstate() reads. */
#define NVMM_X86_EXITSTATE_GROUPS					\
	(NVMM_X64_STATE_GPRS | NVMM_X64_STATE_CRS | NVMM_X64_STATE_INTR)

/* A processor right after power-on, APM vol. 2, 14.1.3. */
void	nvmm_x86_reset_state(struct nvmm_x64_state *);

/* Copy the groups in flags. */
void	nvmm_x86_copy_state(struct nvmm_x64_state *,
	    const struct nvmm_x64_state *, uint64_t flags);

/* Fill comm->exit.exitstate out of comm->state. */
void	nvmm_x86_exitstate(struct nvmm_comm_page *);

/*
 * Interrupts that wait behind another. The last to come goes first: its owner's
 * controller has both in service, and gave it the higher priority. There is
 * one of each priority of an APIC.
 */
struct nvmm_x86_irqs {
	uint8_t vector[15];
	unsigned n;
};

/* One more, before *irq, which is -1 if there is none. => False: no room. */
static inline bool
nvmm_x86_irq_push(int *irq, struct nvmm_x86_irqs *behind, uint8_t vector)
{

	if (*irq >= 0) {
		if (behind->n == sizeof(behind->vector))
			return false;
		behind->vector[behind->n++] = (uint8_t)*irq;
	}
	*irq = vector;
	return true;
}

/* *irq is taken: the next. */
static inline void
nvmm_x86_irq_pop(int *irq, struct nvmm_x86_irqs *behind)
{

	*irq = behind->n != 0 ? behind->vector[--behind->n] : -1;
}

/* For the function below alone. */
extern const uint8_t nvmm_x86_exit_stats[3][8];

/*
 * The NVMM_STAT_* under which an exit is counted. => A reason that is not known
 *    counts as INVALID.
 */
static inline unsigned
nvmm_x86_exit_stat(uint64_t reason)
{

	if (reason == NVMM_VCPU_EXIT_STOPPED)
		return NVMM_STAT_STOPPED;
	if ((reason & ~0x3007ULL) != 0 || reason >> 12 > 2)
		return NVMM_STAT_INVALID;
	return nvmm_x86_exit_stats[reason >> 12][reason & 7];
}

/*
 * Clear in what the host's CPUID answers for leaf and subleaf all but what is
 * known to be good for a guest, and put NVMM's own in the hypervisors' leaves.
 * Bits that belong to the VCPU's state (OSXSAVE, OSPKE, APIC id) or say that
 * there is a hypervisor are cleared too, for the backend to set.
 */
void	nvmm_x86_cpuid_filter(uint32_t leaf, uint32_t subleaf,
	    struct nvmm_x86_cpuid *);
/* Apply a rule with .mask: first del, then set. */
void	nvmm_x86_cpuid_mask(const struct nvmm_vcpu_conf_cpuid *,
	    struct nvmm_x86_cpuid *);
/* Leaf 0x40000000: "___ NVMM ___", and no further leaf. */
#define NVMM_X86_CPUID_HYPERVISOR	0x40000000
void	nvmm_x86_cpuid_hypervisor(struct nvmm_x86_cpuid *);

/* True if each of the eight entries is a memory type, APM vol. 2, 7.8.1. */
bool	nvmm_x86_pat_valid(uint64_t);

#endif /* _NVMM_X86_INTERNAL_H_ */
