/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The FPU's registers. All goes through an area in XSAVE's form: KVM's own, or,
 * where the kernel is too old for that, one made of what its old interface
 * knows, x87 and SSE. NVMM's FXSAVE area is the front of it, so that what XCR0
 * has enabled beyond stays.
 */

#include <cpuid.h>

#include "kvm.h"
#include "x86/nvmm_x86_internal.h"
#include "x86/nvmm_x86_xstate.h"

/* Constant once attached. */
static struct nvmm_x86_xlayout layout;

/* The bits of MXCSR that this processor knows, Intel SDM vol. 1, 11.6.6. */
static uint32_t
mxcsr_mask(void)
{
	struct fxsave fx __attribute__((aligned(16)));

	memset(&fx, 0, sizeof(fx));
	__asm volatile("fxsave64 %0" : "=m" (fx));
	return fx.fx_mxcsr_mask != 0 ? fx.fx_mxcsr_mask : 0xFFBF;
}

/*
 * The parts that KVM's area of 4 KiB has room for, where the host has them;
 * KVM's CPUID says the same. => kvm_cpuid_init() has been.
 */
void
kvm_fpu_init(void)
{
	uint32_t eax, ebx, ecx, edx;
	unsigned i;

	nvmm_x86_xlayout_init(&layout, mxcsr_mask());
	for (i = 2; kvm_host.xsave && i < NVMM_X86_NXPART; i++) {
		if ((kvm_host.xcr0 >> i & 1) == 0)
			continue;
		__cpuid_count(0xD, i, eax, ebx, ecx, edx);
		if (ebx + eax <= sizeof(struct kvm_xsave))
			nvmm_x86_xlayout_add(&layout, i, ebx, eax);
	}
}

void
kvm_fpu_capability(struct nvmm_cap_md *arch)
{

	arch->mxcsr_mask = layout.mxcsr_mask;
	arch->xstate_size = layout.size;
}

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

/* The VCPU's area as KVM has it. */
static int
area_get(struct kvm_vcpu *vc, struct kvm_xsave *area)
{
	struct kvm_fpu fpu;
	int error;

	if (kvm_host.xsave)
		return kvm_ioctl(vc->fd, KVM_GET_XSAVE, area);
	error = kvm_ioctl(vc->fd, KVM_GET_FPU, &fpu);
	if (error)
		return error;
	memset(area, 0, sizeof(*area));
	fpu_to_fxsave(&fpu, (struct fxsave *)area);
	nvmm_x86_xheader(area)->xstate_bv = layout.mask;
	return 0;
}

static int
area_put(struct kvm_vcpu *vc, struct kvm_xsave *area)
{
	struct kvm_fpu fpu;

	if (kvm_host.xsave)
		return kvm_ioctl(vc->fd, KVM_SET_XSAVE, area);
	fpu_from_fxsave(&fpu, (struct fxsave *)area);
	return kvm_ioctl(vc->fd, KVM_SET_FPU, &fpu);
}

/* => The registers of x87 and SSE only. */
int
kvm_get_fpu(struct kvm_vcpu *vc, struct nvmm_x64_state *state)
{
	struct kvm_xsave area;
	int error;

	error = kvm_fpu_flush(vc);
	if (!error)
		error = area_get(vc, &area);
	if (!error)
		memcpy(&state->fpu, &area, sizeof(state->fpu));
	return error;
}

/* => The parts beyond FXSAVE stay, but for a VCPU that has none yet. */
int
kvm_set_fpu(struct kvm_vcpu *vc, const struct nvmm_x64_state *state)
{
	struct kvm_xsave area;
	int error;

	error = 0;
	if (vc->fpu_reset)
		memset(&area, 0, sizeof(area));
	else
		error = area_get(vc, &area);
	if (error)
		return error;
	memcpy(&area, &state->fpu, sizeof(state->fpu));
	nvmm_x86_xheader(&area)->xstate_bv |=
	    NVMM_X86_XCR0_X87 | NVMM_X86_XCR0_SSE;
	error = area_put(vc, &area);
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

/* => As for the FPU's group of state, an access that waits is completed. */
static int
xstate_begin(struct kvm_vcpu *vc, struct kvm_xsave *area)
{
	int error;

	error = kvm_cpuid_flush(vc);
	if (!error)
		error = kvm_access_complete(vc);
	if (!error)
		error = kvm_fpu_flush(vc);
	if (!error)
		error = area_get(vc, area);
	return error;
}

int
kvm_vcpu_getxstate(struct nvmm_cpu *cpu, void *to, size_t size)
{
	struct kvm_xsave area;
	int error;

	error = xstate_begin(kvm_vcpu(cpu), &area);
	if (!error)
		nvmm_x86_xstate_get(&layout, &area, to, size);
	return error;
}

int
kvm_vcpu_setxstate(struct nvmm_cpu *cpu, const void *from, size_t size)
{
	struct kvm_vcpu *vc = kvm_vcpu(cpu);
	struct kvm_xsave area;
	int error;

	error = xstate_begin(vc, &area);
	if (!error)
		error = kvm_msr_finish(vc);
	if (!error)
		error = nvmm_x86_xstate_set(&layout, &area, from, size);
	return error ? error : area_put(vc, &area);
}
