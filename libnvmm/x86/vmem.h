/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guest-virtual memory for the assists: instructions load and store through
 * it, RAM directly and all else through the client's callback.
 */

#ifndef _LIBNVMM_VMEM_H_
#define _LIBNVMM_VMEM_H_

#include <errno.h>

#include "../internal.h"
#include "x86.h"

/* State that an assist needs which touches guest-virtual memory. */
#define VMEM_STATE	(NVMM_X64_STATE_SEGS | NVMM_X64_STATE_GPRS | \
			 NVMM_X64_STATE_CRS | NVMM_X64_STATE_MSRS)

struct vmem {
	struct nvmm_machine *mach;
	struct nvmm_vcpu *vcpu;
	struct x86_cpu cpu;
	unsigned items;			/* of a REP, so far */
};

/* Fetch the state and begin. -1 and errno. */
int	vmem_begin(struct vmem *, struct nvmm_machine *, struct nvmm_vcpu *);
/* The bus that x86_execute() takes. */
struct x86_bus vmem_bus(struct vmem *);
/* True if a store of size bytes would succeed; or an errno, fault raised. */
int	vmem_probe_store(struct vmem *, gvaddr_t, size_t);
/* Copy up to X86_INSN_MAX bytes at CS:RIP. Returns how many there are. */
size_t	vmem_fetch(struct vmem *, uint8_t *bytes);
/* See vmem_end_shadow(). */
int	vmem_clear_shadow(struct nvmm_machine *, struct nvmm_vcpu *);
/*
 * Hand the state over to the next run: after an instruction (error 0), or
 * with the exception that it raised. -1 and errno for other errors.
 */
int	vmem_end(struct vmem *, int error);

/* End the interrupt shadow, as any instruction does. -1 and errno. */
static inline int
vmem_end_shadow(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{

	if (!vcpu->exit->exitstate.int_shadow)
		return 0;
	return vmem_clear_shadow(mach, vcpu);
}

/* A host-decoded exit: carry it out item by item. See assist.c. */
#define ASSIST_RAW	1		/* none: decode it */
int	nvmm_assist_decoded(const struct nvmm_dev *, struct nvmm_machine *,
	    struct nvmm_vcpu *, bool mem);

/* The same, if it is the exit that the assist is for, and has a callback. */
static inline int
assist_decoded(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu, bool mem)
{
	const uint64_t reason = mem ? NVMM_VCPU_EXIT_MEMORY : NVMM_VCPU_EXIT_IO;
	const struct nvmm_dev *dev = nvmm_dev();

	if (dev == NULL || vcpu->exit->reason != reason ||
	    (mem ? vcpu->cbs.mem == NULL : vcpu->cbs.io == NULL)) {
		errno = EINVAL;
		return -1;
	}
	if (dev->access == NULL)
		return ASSIST_RAW;
	return nvmm_assist_decoded(dev, mach, vcpu, mem);
}

#endif /* _LIBNVMM_VMEM_H_ */
