/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The MSRs that leave the driver: the two of the local APIC, and those that a
 * kernel reads or writes in passing and that mean nothing here. Any other
 * raises #GP, as on a processor that lacks it.
 */

#include <errno.h>

#include "guest_abi.h"
#include "guest_impl.h"

#define VECTOR_GP	13

/* MSRs with a constant value; writes are dropped or, if it is so, refused. */
static const struct msr_row {
	uint32_t msr;
	bool refuse;			/* writes */
	uint64_t val;
} msr_rows[] = {
	{ 0x00000017, true, 0 },	/* platform ID */
	{ 0x0000002a, false, 0 },	/* power-on configuration */
	{ 0x0000003a, true, 1 },	/* feature control: locked */
	{ 0x0000008b, false, 0 },	/* microcode revision */
	{ 0x000000fe, true, 0 },	/* MTRR capabilities: none */
	{ 0x00000179, true, 0 },	/* machine check capabilities: none */
	{ 0x0000017a, false, 0 },	/* machine check status */
	{ 0x000001a0, false, 1 },	/* misc. enable: fast strings */
	{ 0x000001d9, false, 0 },	/* debug control */
	{ 0x000002ff, false, 0 },	/* MTRR default type */
	{ 0xc0010010, false, 0 },	/* SYSCFG */
	{ 0xc0010015, false, 0 },	/* HWCR */
	{ 0xc001001f, false, 0 },	/* NB_CFG */
	{ 0xc0010055, false, 0 },	/* interrupt pending and CMP-halt */
};

/* The row of a constant MSR, or NULL. */
static const struct msr_row *
msr_find(uint32_t msr)
{
	const struct msr_row *row;

	for (row = msr_rows; row < msr_rows + NITEMS(msr_rows); row++) {
		if (row->msr == msr)
			return row;
	}
	return NULL;
}

/* The APIC base as this VCPU has it. */
static uint64_t
msr_apic_base(const struct guest_vcpu *v)
{
	return GUEST_LAPIC_BASE |
	    (v->cpu == 0 ? GUEST_MSR_APIC_BASE_BSP : 0) |
	    (v->lapic.enabled ? GUEST_MSR_APIC_BASE_ENABLE : 0);
}

/* The MSR's value, or false if there is none. */
static bool
msr_get(const struct guest_vcpu *v, uint32_t msr, uint64_t *valp)
{
	const struct msr_row *row;

	switch (msr) {
	case GUEST_MSR_APIC_BASE:
		*valp = msr_apic_base(v);
		return true;
	case GUEST_MSR_TSC_DEADLINE:
		*valp = lapic_tsc_deadline(&v->lapic);
		return true;
	default:
		row = msr_find(msr);
		if (row == NULL)
			return false;
		*valp = row->val;
		return true;
	}
}

/* True if the MSR can be written so. */
static bool
msr_may_set(const struct guest_vcpu *v, uint32_t msr, uint64_t val)
{
	const struct msr_row *row;

	switch (msr) {
	case GUEST_MSR_APIC_BASE:
		/* It stays where it is, and there is no x2APIC. */
		return ((val ^ msr_apic_base(v)) &
		    ~(uint64_t)GUEST_MSR_APIC_BASE_ENABLE) == 0;
	case GUEST_MSR_TSC_DEADLINE:
		return true;
	default:
		row = msr_find(msr);
		return row != NULL && !row->refuse;
	}
}

/* What writing the MSR brings about. */
static void
msr_set(struct guest_vcpu *v, uint32_t msr, uint64_t val)
{
	if (msr == GUEST_MSR_APIC_BASE)
		lapic_enable(&v->lapic,
		    (val & GUEST_MSR_APIC_BASE_ENABLE) != 0);
	else if (msr == GUEST_MSR_TSC_DEADLINE)
		lapic_set_tsc_deadline(&v->lapic, val);
}

/* The guest has its value, or a #GP. */
int
guest_msr_read(struct guest_vcpu *v)
{
	struct nvmm_machine *mach = &v->g->mach;
	uint32_t msr = v->nv.exit->u.rdmsr.msr;
	uint64_t npc = v->nv.exit->u.rdmsr.npc, *gprs, val;

	if (!msr_get(v, msr, &val)) {
		guest_exit_exception(v, VECTOR_GP, 0);
		return 0;
	}
	if (nvmm_vcpu_getstate(mach, &v->nv, NVMM_X64_STATE_GPRS) == -1)
		return -1;
	gprs = v->nv.state->gprs;
	gprs[NVMM_X64_GPR_RAX] = val & UINT32_MAX;
	gprs[NVMM_X64_GPR_RDX] = val >> 32;
	gprs[NVMM_X64_GPR_RIP] = npc;
	return nvmm_vcpu_setstate(mach, &v->nv, NVMM_X64_STATE_GPRS);
}

/* The MSR is written, or the guest has a #GP. */
int
guest_msr_write(struct guest_vcpu *v)
{
	struct nvmm_machine *mach = &v->g->mach;
	uint32_t msr = v->nv.exit->u.wrmsr.msr;
	uint64_t npc = v->nv.exit->u.wrmsr.npc;
	uint64_t val = v->nv.exit->u.wrmsr.val;

	if (!msr_may_set(v, msr, val)) {
		guest_exit_exception(v, VECTOR_GP, 0);
		return 0;
	}
	if (nvmm_vcpu_getstate(mach, &v->nv, NVMM_X64_STATE_GPRS) == -1)
		return -1;
	v->nv.state->gprs[NVMM_X64_GPR_RIP] = npc;
	if (nvmm_vcpu_setstate(mach, &v->nv, NVMM_X64_STATE_GPRS) == -1)
		return -1;
	msr_set(v, msr, val);
	return 0;
}
