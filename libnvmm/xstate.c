/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Extended state: all of it for those who save a machine, and the upper halves
 * of YMM for the instructions that an assist carries out.
 */

#include <errno.h>
#include <string.h>

#include "internal.h"

#define XSTATE_BIT_AVX	0x4ULL

/* One request for an area. */
static int
xstate_request(unsigned long cmd, const struct nvmm_machine *mach,
    const struct nvmm_vcpu *vcpu, void *area, size_t size)
{
	struct nvmm_ioc_vcpu_xstate args = {
		.machid = mach->machid, .cpuid = vcpu->cpuid,
		.area = area, .size = size,
	};

	return nvmm_request(cmd, &args);
}

/* Fill the area, as far as it reaches. */
int
nvmm_vcpu_getxstate(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu,
    void *area, size_t size)
{

	return xstate_request(NVMM_IOC_VCPU_GETXSTATE, mach, vcpu, area, size);
}

/* Set what the area has; what lies beyond it stays. */
int
nvmm_vcpu_setxstate(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu,
    const void *area, size_t size)
{

	return xstate_request(NVMM_IOC_VCPU_SETXSTATE, mach, vcpu,
	    (void *)(uintptr_t)area, size);
}

/* An area with AVX, and reg's upper half in it. NULL and errno. */
static uint8_t *
ymmh_find(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu, unsigned reg,
    uint8_t area[NVMM_X64_XSTATE_AVX])
{
	uint64_t bv;

	if (nvmm_vcpu_getxstate(mach, vcpu, area, NVMM_X64_XSTATE_AVX) == -1)
		return NULL;
	memcpy(&bv, area + NVMM_X64_XSTATE_BV, sizeof(bv));
	if ((bv & XSTATE_BIT_AVX) == 0) {
		errno = ENOTSUP;
		return NULL;
	}
	return area + NVMM_X64_XSTATE_YMMH + reg * 16;
}

int
nvmm_ymmh_get(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu, unsigned reg,
    void *half)
{
	uint8_t area[NVMM_X64_XSTATE_AVX];
	const uint8_t *p;

	p = ymmh_find(mach, vcpu, reg, area);
	if (p == NULL)
		return -1;
	memcpy(half, p, 16);
	return 0;
}

int
nvmm_ymmh_set(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu, unsigned reg,
    const void *half)
{
	uint8_t area[NVMM_X64_XSTATE_AVX], *p;

	p = ymmh_find(mach, vcpu, reg, area);
	if (p == NULL)
		return -1;
	memcpy(p, half, 16);
	return nvmm_vcpu_setxstate(mach, vcpu, area, sizeof(area));
}
