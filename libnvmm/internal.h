/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the files of libnvmm share and its clients do not see.
 */

#ifndef _LIBNVMM_INTERNAL_H_
#define _LIBNVMM_INTERNAL_H_

#include "nvmm.h"
#include "nvmm_dev.h"

#define NVMM_PAGE_SIZE	4096

/* The way to the driver that initialization chose; see nvmm_dev(). */
extern const struct nvmm_dev *nvmm_init_dev
    __attribute__((visibility("hidden")));
/* One request to the driver. -1 and ENXIO before initialization. */
int	nvmm_request(unsigned long cmd, void *record);
/* devs.c: the ways to the driver, in the order to try; NULL-terminated. */
extern const struct nvmm_dev *const nvmm_devs[];

/* The way to the driver; NULL before initialization. */
static inline const struct nvmm_dev *
nvmm_dev(void)
{

	return __atomic_load_n(&nvmm_init_dev, __ATOMIC_ACQUIRE);
}

/* The page that a VCPU shares with the driver. */
static inline struct nvmm_comm_page *
nvmm_comm(const struct nvmm_vcpu *vcpu)
{

	return (struct nvmm_comm_page *)((uintptr_t)vcpu->stop -
	    offsetof(struct nvmm_comm_page, stop));
}

/*
 * xstate.c: the upper half of YMM register reg, 16 bytes. => The lower half is
 * an XMM register of state; the order of the two does not matter. ENOTSUP: the
 * host has no AVX.
 */
int	nvmm_ymmh_get(struct nvmm_machine *, struct nvmm_vcpu *, unsigned reg,
	    void *half);
int	nvmm_ymmh_set(struct nvmm_machine *, struct nvmm_vcpu *, unsigned reg,
	    const void *half);

/* nvmm_vcpu_getstate() of groups that there are, mostly at hand. */
static inline int
nvmm_state_get(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu,
    uint64_t flags)
{
	struct nvmm_comm_page *comm = nvmm_comm(vcpu);

	if ((flags & ~(comm->state_cached | comm->state_commit)) != 0)
		return nvmm_vcpu_getstate(mach, vcpu, flags);
	comm->state_wanted |= flags;
	return 0;
}

/* nvmm_vcpu_setstate() of groups that there are. */
static inline void
nvmm_state_set(struct nvmm_vcpu *vcpu, uint64_t flags)
{
	struct nvmm_comm_page *comm = nvmm_comm(vcpu);

	comm->state_commit |= flags;
	comm->state_cached |= flags;
}

#endif /* _LIBNVMM_INTERNAL_H_ */
