/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The requests for a VCPU's extended state, which is too large and too seldom
 * asked for to have a place in the comm page. The area is copied between the
 * owner and the driver outside the claim, as the owner's memory may take its
 * time; what is in it is the backend's to judge.
 */

#include "nvmm_internal.h"

/* Longer than the area of any processor, AMX's included. */
#define XSTATE_MAX	(4 * OS_PAGE_SIZE)

static bool
xstate_size_valid(size_t size)
{

	return size >= NVMM_X64_XSTATE_MIN && size <= XSTATE_MAX;
}

/* Whether the backend has the state. */
static bool
xstate_supported(bool set)
{

	return set ? nvmm_impl->vcpu_setxstate != NULL :
	    nvmm_impl->vcpu_getxstate != NULL;
}

/*
 * Between the area and a claimed VCPU. What the owner changed by way of the
 * comm page comes first; its part of a state that is set is another afterwards.
 */
static int
xstate_move(struct nvmm_cpu *vcpu, void *area, size_t size, bool set)
{
	int error;

	error = nvmm_vcpu_settle(vcpu, NVMM_X64_STATE_FPU);
	if (error)
		return error;
	if (!set)
		return nvmm_impl->vcpu_getxstate(vcpu, area, size);
	error = nvmm_impl->vcpu_setxstate(vcpu, area, size);
	if (!error)
		vcpu->comm->state_cached &= ~(uint64_t)NVMM_X64_STATE_FPU;
	return error;
}

/* The same for the VCPU that the request names. => ENOTSUP: no such backend. */
static int
xstate_request(struct nvmm_owner *owner,
    const struct nvmm_ioc_vcpu_xstate *ioc, void *area, bool set)
{
	struct nvmm_cpu *vcpu;
	int error;

	if (!xstate_supported(set))
		return ENOTSUP;
	error = nvmm_vcpu_claim(owner, ioc->machid, ioc->cpuid, &vcpu);
	if (error)
		return error;
	error = xstate_move(vcpu, area, ioc->size, set);
	nvmm_vcpu_release(vcpu);
	return error;
}

int
nvmm_do_vcpu_getxstate(struct nvmm_owner *owner,
    struct nvmm_ioc_vcpu_xstate *ioc)
{
	void *area;
	int error;

	if (!xstate_size_valid(ioc->size))
		return EINVAL;
	area = os_mem_zalloc(ioc->size);
	if (area == NULL)
		return ENOMEM;
	error = xstate_request(owner, ioc, area, false);
	if (!error)
		error = os_copyout(area, ioc->area, ioc->size);
	os_mem_free(area, ioc->size);
	return error;
}

int
nvmm_do_vcpu_setxstate(struct nvmm_owner *owner,
    struct nvmm_ioc_vcpu_xstate *ioc)
{
	void *area;
	int error;

	if (!xstate_size_valid(ioc->size))
		return EINVAL;
	area = os_mem_zalloc(ioc->size);
	if (area == NULL)
		return ENOMEM;
	error = os_copyin(ioc->area, area, ioc->size);
	if (!error)
		error = xstate_request(owner, ioc, area, true);
	os_mem_free(area, ioc->size);
	return error;
}
