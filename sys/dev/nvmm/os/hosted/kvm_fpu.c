/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The FPU's registers: NVMM's FXSAVE area within KVM's XSAVE area, so that what
 * XCR0 has enabled beyond it stays; or KVM's old interface on old kernels.
 */

#include "kvm.h"
#include "x86/nvmm_x86_internal.h"

/* In an XSAVE area: which parts are there, Intel SDM vol. 1, 13.4.2. */
#define XSTATE_BV_AT		512
#define XSTATE_BV_LEGACY	0x3ULL	/* x87 and SSE */

/* The FXSAVE area as KVM's old interface has it. */
static void
fpu_to_fxsave(const struct kvm_fpu *fpu, struct fxsave *fx)
{

	memset(fx, 0, sizeof(*fx));
	fx->fx_cw = fpu->fcw;
	fx->fx_sw = fpu->fsw;
	fx->fx_tw = fpu->ftwx;
	fx->fx_opcode = fpu->last_opcode;
	fx->fx_ip.fa_64 = fpu->last_ip;
	fx->fx_dp.fa_64 = fpu->last_dp;
	fx->fx_mxcsr = fpu->mxcsr;
	memcpy(fx->fx_87_ac, fpu->fpr, sizeof(fx->fx_87_ac));
	memcpy(fx->fx_xmm, fpu->xmm, sizeof(fx->fx_xmm));
}

static void
fpu_from_fxsave(struct kvm_fpu *fpu, const struct fxsave *fx)
{

	memset(fpu, 0, sizeof(*fpu));
	fpu->fcw = fx->fx_cw;
	fpu->fsw = fx->fx_sw;
	fpu->ftwx = fx->fx_tw;
	fpu->last_opcode = fx->fx_opcode;
	fpu->last_ip = fx->fx_ip.fa_64;
	fpu->last_dp = fx->fx_dp.fa_64;
	fpu->mxcsr = fx->fx_mxcsr;
	memcpy(fpu->fpr, fx->fx_87_ac, sizeof(fpu->fpr));
	memcpy(fpu->xmm, fx->fx_xmm, sizeof(fpu->xmm));
}

/* => The registers of x87 and SSE only. */
int
kvm_get_fpu(struct kvm_vcpu *vc, struct nvmm_x64_state *state)
{
	struct kvm_xsave xsave;
	struct kvm_fpu fpu;
	int error;

	error = kvm_fpu_flush(vc);
	if (error)
		return error;
	if (kvm_host.xsave) {
		error = kvm_ioctl(vc->fd, KVM_GET_XSAVE, &xsave);
		if (!error)
			memcpy(&state->fpu, &xsave, sizeof(state->fpu));
		return error;
	}
	error = kvm_ioctl(vc->fd, KVM_GET_FPU, &fpu);
	if (!error)
		fpu_to_fxsave(&fpu, &state->fpu);
	return error;
}

/* Hand an FXSAVE area to KVM; the XSAVE area around it stays as given. */
static int
put_xsave(struct kvm_vcpu *vc, struct kvm_xsave *xsave,
    const struct fxsave *fx)
{
	uint8_t *area = (uint8_t *)xsave;
	uint64_t bv;

	memcpy(area, fx, sizeof(*fx));
	memcpy(&bv, area + XSTATE_BV_AT, sizeof(bv));
	bv |= XSTATE_BV_LEGACY;
	memcpy(area + XSTATE_BV_AT, &bv, sizeof(bv));
	return kvm_ioctl(vc->fd, KVM_SET_XSAVE, xsave);
}

static int
put_fpu(struct kvm_vcpu *vc, const struct fxsave *fx)
{
	struct kvm_fpu fpu;

	fpu_from_fxsave(&fpu, fx);
	return kvm_ioctl(vc->fd, KVM_SET_FPU, &fpu);
}

/* => The parts beyond FXSAVE stay, but for a VCPU that has none yet. */
int
kvm_set_fpu(struct kvm_vcpu *vc, const struct nvmm_x64_state *state)
{
	struct kvm_xsave xsave;
	int error;

	if (!kvm_host.xsave)
		return put_fpu(vc, &state->fpu);
	if (vc->fpu_reset)
		memset(&xsave, 0, sizeof(xsave));
	else {
		error = kvm_ioctl(vc->fd, KVM_GET_XSAVE, &xsave);
		if (error)
			return error;
	}
	error = put_xsave(vc, &xsave, &state->fpu);
	if (!error)
		vc->fpu_reset = false;
	return error;
}

/* Put the FPU in its reset state, unless it has been set since. */
int
kvm_fpu_flush(struct kvm_vcpu *vc)
{
	struct nvmm_x64_state state;

	if (!vc->fpu_reset)
		return 0;
	nvmm_x86_reset_state(&state);
	return kvm_set_fpu(vc, &state);
}
