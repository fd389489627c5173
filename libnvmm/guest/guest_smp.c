/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * VCPUs among each other: to whom an IPI goes, and how INIT and SIPI start a
 * VCPU (Intel SDM volume 3, 9.4 and table 10-1).
 */

#include <errno.h>
#include <string.h>

#include "guest_impl.h"

#define X86_CR0_RESET	0x60000010
#define X86_RFLAGS_ONE	0x2
#define X86_DR6_RESET	0xffff0ff0
#define X86_DR7_RESET	0x400

/* True if VCPU v sends this IPI to VCPU t, too. */
static bool
smp_is_target(const struct guest_vcpu *v, struct guest_vcpu *t,
    const struct lapic_ipi *ipi)
{
	switch (ipi->to) {
	case LAPIC_TO_SELF:
		return t == v;
	case LAPIC_TO_ALL:
		return true;
	case LAPIC_TO_OTHERS:
		return t != v;
	default:
		return lapic_is_destination(&t->lapic, ipi->dest,
		    ipi->logical);
	}
}

/* The IPI at its target. */
static void
smp_deliver(struct guest_vcpu *v, struct guest_vcpu *t,
    const struct lapic_ipi *ipi)
{
	switch (ipi->mode) {
	case LAPIC_FIXED:
	case LAPIC_LOWEST:
		if (t == v)
			lapic_post(&v->lapic, ipi->vector);
		else
			guest_mail_post(t, MAIL_INTR, ipi->vector);
		break;
	case LAPIC_NMI:
		guest_mail_post(t, MAIL_NMI, 0);
		break;
	case LAPIC_INIT:
		guest_mail_post(t, MAIL_INIT, 0);
		break;
	case LAPIC_SIPI:
		guest_mail_post(t, MAIL_SIPI, ipi->vector);
		break;
	}
}

/* The IPI with everyone it is for; lowest priority is the first of them. */
void
guest_smp_ipi(void *vcpu, const struct lapic_ipi *ipi)
{
	struct guest_vcpu *v = vcpu, *t;
	struct guest *g = v->g;

	for (t = g->vcpus; t < g->vcpus + g->conf.ncpus; t++) {
		if (!smp_is_target(v, t, ipi))
			continue;
		smp_deliver(v, t, ipi);
		if (ipi->mode == LAPIC_LOWEST)
			break;
	}
}

/* The VCPU waits for a SIPI; VCPU 0 would restart the firmware it has not. */
void
guest_smp_init(struct guest_vcpu *v)
{
	if (v->cpu == 0) {
		guest_end(v->g, v, GUEST_SHUTDOWN, 0,
		    "VCPU 0: reset by an INIT interrupt");
		return;
	}
	lapic_reset(&v->lapic);
	v->nmi = false;
	v->halted = false;
	v->wait_sipi = true;
}

/* The segment registers of real mode, CS at the vector's page. */
static void
smp_reset_segs(struct nvmm_x64_state_seg *segs, uint8_t vector)
{
	int i;

	memset(segs, 0, NVMM_X64_NSEG * sizeof(*segs));
	for (i = 0; i < NVMM_X64_NSEG; i++) {
		segs[i].limit = 0xffff;
		segs[i].attrib.p = 1;
		segs[i].attrib.s = i <= NVMM_X64_SEG_GS;
		segs[i].attrib.type = i <= NVMM_X64_SEG_GS ? 3 : 2;
	}
	segs[NVMM_X64_SEG_CS].attrib.type = 11;
	segs[NVMM_X64_SEG_CS].selector = (uint16_t)(vector << 8);
	segs[NVMM_X64_SEG_CS].base = (uint64_t)vector << 12;
	segs[NVMM_X64_SEG_TR].attrib.type = 11;
}

/* The registers after INIT and SIPI; FPU, TSC and XCR0 stay. */
static void
smp_reset_state(struct nvmm_x64_state *state, uint8_t vector)
{
	uint64_t xcr0 = state->crs[NVMM_X64_CR_XCR0];
	uint64_t tsc = state->msrs[NVMM_X64_MSR_TSC];
	uint64_t pat = state->msrs[NVMM_X64_MSR_PAT];

	smp_reset_segs(state->segs, vector);
	memset(state->gprs, 0, sizeof(state->gprs));
	state->gprs[NVMM_X64_GPR_RFLAGS] = X86_RFLAGS_ONE;
	memset(state->crs, 0, sizeof(state->crs));
	state->crs[NVMM_X64_CR_CR0] = X86_CR0_RESET;
	state->crs[NVMM_X64_CR_XCR0] = xcr0;
	memset(state->drs, 0, sizeof(state->drs));
	state->drs[NVMM_X64_DR_DR6] = X86_DR6_RESET;
	state->drs[NVMM_X64_DR_DR7] = X86_DR7_RESET;
	memset(state->msrs, 0, sizeof(state->msrs));
	state->msrs[NVMM_X64_MSR_TSC] = tsc;
	state->msrs[NVMM_X64_MSR_PAT] = pat;
	memset(&state->intr, 0, sizeof(state->intr));
}

/* A waiting VCPU started; any other does not notice. */
void
guest_smp_sipi(struct guest_vcpu *v, uint8_t vector)
{
	struct guest *g = v->g;

	if (!v->wait_sipi)
		return;
	if (nvmm_vcpu_getstate(&g->mach, &v->nv, NVMM_X64_STATE_ALL) == -1) {
		guest_end(g, v, GUEST_FAILED, 0, "VCPU %u: registers: %s",
		    v->cpu, strerror(errno));
		return;
	}
	smp_reset_state(v->nv.state, vector);
	if (nvmm_vcpu_setstate(&g->mach, &v->nv, NVMM_X64_STATE_ALL &
	    ~NVMM_X64_STATE_FPU) == -1) {
		guest_end(g, v, GUEST_FAILED, 0, "VCPU %u: registers: %s",
		    v->cpu, strerror(errno));
		return;
	}
	v->wait_sipi = false;
	v->cr8 = 0;
}
