/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Exits that the host has decoded: the driver says what is accessed, the
 * client's callback does it, the driver completes the instruction.
 */

#include <errno.h>
#include <string.h>

#include "vmem.h"

/* One item through the client's port callback. */
static void
decoded_io(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu,
    const struct nvmm_dev_access *a, uint8_t *data)
{
	struct nvmm_io io = {
		.mach = mach, .vcpu = vcpu, .port = (uint16_t)a->addr,
		.in = !a->write, .size = a->size, .data = data,
	};

	vcpu->cbs.io(&io);
}

/* One item through the client's memory callback. */
static void
decoded_mem(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu,
    const struct nvmm_dev_access *a, uint8_t *data)
{
	struct nvmm_mem mem = {
		.mach = mach, .vcpu = vcpu, .gpa = a->addr,
		.write = a->write, .size = a->size, .data = data,
	};

	vcpu->cbs.mem(&mem);
}

/* All items; each sees zeroes where the device leaves an input alone. */
static void
decoded_items(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu,
    const struct nvmm_dev_access *a)
{
	uint8_t *data = a->data;
	uint32_t i;

	for (i = 0; i < a->count; i++, data += a->size) {
		if (!a->write)
			memset(data, 0, a->size);
		if (a->mem)
			decoded_mem(mach, vcpu, a, data);
		else
			decoded_io(mach, vcpu, a, data);
	}
}

int
nvmm_assist_decoded(const struct nvmm_dev *dev, struct nvmm_machine *mach,
    struct nvmm_vcpu *vcpu, bool mem)
{
	struct nvmm_dev_access a;

	a.token = 0;
	if (dev->access(mach->machid, vcpu->cpuid, &a) == -1)
		return -1;
	if (a.token == 0)
		return ASSIST_RAW;
	if (a.mem != mem) {
		errno = EINVAL;
		return -1;
	}
	decoded_items(mach, vcpu, &a);
	return dev->access_done(mach->machid, vcpu->cpuid, &a);
}
