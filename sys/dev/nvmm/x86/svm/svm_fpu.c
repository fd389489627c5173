/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Registers that VMRUN leaves alone: the FPU's, XCR0, PKRU, and DR0 to DR3.
 * Extended state changes hands eagerly, at the bounds of a region, so that
 * neither side ever finds the other's. Debug registers do so only when the
 * guest uses them: until then its accesses are intercepted. APM vol. 2, 11.5
 * and 13.1.
 */

#include "x86/svm/svm.h"

/* The bytes of an XSAVE area with these components, CPUID Fn0000_000D. */
size_t
svm_fpu_size(uint64_t xcr0)
{
	uint32_t eax, ebx, ecx, edx;
	size_t size;
	unsigned i;

	size = NVMM_X64_XSTATE_MIN;
	for (i = 2; i < 63; i++) {
		if ((xcr0 >> i & 1) == 0)
			continue;
		svm_cpuid(0xD, i, &eax, &ebx, &ecx, &edx);
		if (ebx + eax > size)
			size = ebx + eax;
	}
	return size;
}

/*
 * The MXCSR bits that there are, APM vol. 2, 11.4.4, and vol. 1, 4.2.2: a
 * processor with SVM has all but perhaps MM.
 */
static uint32_t
fpu_mxcsr_mask(void)
{
	uint32_t eax, ebx, ecx, edx;

	svm_cpuid(0x80000001, 0, &eax, &ebx, &ecx, &edx);
	return (ecx & SVM_CPUID_EXT_ECX_MISALIGN) != 0 ? 0x2FFFF : 0xFFFF;
}

/* The parts of XSAVE's form; without it the area has the first two. */
static void
fpu_init_layout(void)
{
	uint32_t eax, ebx, ecx, edx;
	unsigned i;

	nvmm_x86_xlayout_init(&svm.xlayout, svm.mxcsr_mask);
	for (i = 2; i < NVMM_X86_NXPART; i++) {
		if ((svm.xcr0_mask >> i & 1) == 0)
			continue;
		svm_cpuid(0xD, i, &eax, &ebx, &ecx, &edx);
		nvmm_x86_xlayout_add(&svm.xlayout, i, ebx, eax);
	}
}

void
svm_fpu_init(void)
{
	uint32_t eax, ebx, ecx, edx;

	svm_cpuid(1, 0, &eax, &ebx, &ecx, &edx);
	svm.xsave = (ecx & SVM_CPUID_1_ECX_OSXSAVE) != 0;
	svm.pku = (svm_rdcr4() & SVM_CR4_PKE) != 0;
	if (svm.xsave) {
		svm.host_xcr0 = svm_xgetbv();
		svm.xcr0_mask = svm.host_xcr0 & (SVM_XCR0_X87 | SVM_XCR0_SSE |
		    SVM_XCR0_AVX | SVM_XCR0_AVX512 | SVM_XCR0_PKRU);
	}
	svm.mxcsr_mask = fpu_mxcsr_mask();
	fpu_init_layout();
	svm.fpu_pages = (svm.xlayout.size + OS_PAGE_SIZE - 1) / OS_PAGE_SIZE;
}

/* => In a region. XRSTOR comes under the host's XCR0, which allows it all. */
void
svm_fpu_load(struct svm_vcpu *vc)
{

	if (svm.pku)
		vc->host_pkru = svm_rdpkru();
	if (svm.x87_leak)
		svm_clear_x87_pointers();
	if (!svm.xsave) {
		svm_fxrstor(vc->fpu);
		return;
	}
	svm_xrstor(vc->fpu, svm.xcr0_mask);
	if (vc->xcr0 != svm.host_xcr0)
		svm_xsetbv(vc->xcr0);
}

/* => In a region. The FPU's registers go back to the thread at its end. */
void
svm_fpu_unload(struct svm_vcpu *vc)
{
	uint64_t xcr0;

	if (!svm.xsave) {
		svm_fxsave(vc->fpu);
		return;
	}
	/* Some emulators carry XSETBV out, whatever is intercepted. */
	xcr0 = svm_xgetbv();
	if (xcr0 != vc->xcr0)
		vc->xcr0 = svm_xcr0_valid(xcr0);
	if (xcr0 != svm.host_xcr0)
		svm_xsetbv(svm.host_xcr0);
	svm_xsave(vc->fpu, svm.xcr0_mask);
	if (svm.pku)
		svm_wrpkru(vc->host_pkru);
}

void
svm_fpu_get(struct svm_vcpu *vc, struct fxsave *fpu)
{

	memcpy(fpu, vc->fpu, sizeof(*fpu));
	fpu->fx_mxcsr_mask = svm.mxcsr_mask;
}

/* Bits that MXCSR has not would be #GP in the host. */
void
svm_fpu_set(struct svm_vcpu *vc, const struct fxsave *fpu)
{
	struct fxsave *fx = vc->fpu;

	memcpy(fx, fpu, sizeof(*fx));
	fx->fx_mxcsr &= svm.mxcsr_mask;
	fx->fx_mxcsr_mask = svm.mxcsr_mask;
	nvmm_x86_xheader(fx)->xstate_bv |= SVM_XCR0_X87 | SVM_XCR0_SSE;
}

int
svm_vcpu_getxstate(struct nvmm_cpu *cpu, void *area, size_t size)
{

	nvmm_x86_xstate_get(&svm.xlayout, svm_vcpu(cpu)->fpu, area, size);
	return 0;
}

/* What could be #GP in the host is refused. */
int
svm_vcpu_setxstate(struct nvmm_cpu *cpu, const void *area, size_t size)
{

	return nvmm_x86_xstate_set(&svm.xlayout, svm_vcpu(cpu)->fpu, area,
	    size);
}

/*
 * The nearest value that XSETBV takes: x87 always, AVX with SSE only, the three
 * parts of AVX-512 all or none and with AVX only.
 */
uint64_t
svm_xcr0_valid(uint64_t xcr0)
{

	xcr0 = (xcr0 & svm.xcr0_mask) | SVM_XCR0_X87;
	if ((xcr0 & SVM_XCR0_SSE) == 0)
		xcr0 &= ~(SVM_XCR0_AVX | SVM_XCR0_AVX512);
	if ((xcr0 & SVM_XCR0_AVX) == 0 || (xcr0 & SVM_XCR0_AVX512) != SVM_XCR0_AVX512)
		xcr0 &= ~SVM_XCR0_AVX512;
	return xcr0;
}

/* Keep the host's, if they are armed. */
static void
drs_save_host(struct svm_vcpu *vc)
{

	if ((vc->host_dr7 & SVM_DR7_ENABLED) == 0)
		return;
	vc->host_drs[0] = svm_rddr0();
	vc->host_drs[1] = svm_rddr1();
	vc->host_drs[2] = svm_rddr2();
	vc->host_drs[3] = svm_rddr3();
}

static void
drs_write(const uint64_t drs[4])
{

	svm_wrdr0(drs[0]);
	svm_wrdr1(drs[1]);
	svm_wrdr2(drs[2]);
	svm_wrdr3(drs[3]);
}

/* The guest has them from now on. => In a region. */
void
svm_drs_load(struct svm_vcpu *vc)
{

	drs_save_host(vc);
	/* An address of the guest's must not match in the host. */
	if ((vc->host_dr7 & SVM_DR7_ENABLED) != 0)
		svm_wrdr7(SVM_DR7_ONES);
	drs_write(vc->drs);
	vc->drs_loaded = true;
	vc->vmcb->ctrl.intercept_dr = 0;
	svm_dirty(vc, SVM_CLEAN_I);
}

static void
drs_save_guest(struct svm_vcpu *vc)
{

	vc->drs[0] = svm_rddr0();
	vc->drs[1] = svm_rddr1();
	vc->drs[2] = svm_rddr2();
	vc->drs[3] = svm_rddr3();
	vc->drs_loaded = false;
}

/* The guest had them; the host has its own again. => In a region. */
void
svm_drs_unload(struct svm_vcpu *vc)
{

	drs_save_guest(vc);
	if ((vc->host_dr7 & SVM_DR7_ENABLED) != 0)
		drs_write(vc->host_drs);
}
