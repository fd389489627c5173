/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The processor's own words: the instructions, MSRs and feature bits that the
 * SVM backend deals in, under the names of the AMD APM. All of them need the
 * privileges of a kernel.
 */

#ifndef _SVM_CPU_H_
#define _SVM_CPU_H_

#include "nvmm_os.h"

/* MSRs, APM vol. 2, appendix A. */
#define SVM_MSR_TSC			0x00000010
#define SVM_MSR_PRED_CMD		0x00000049
#define   SVM_PRED_CMD_IBPB		0x1ULL
#define SVM_MSR_PATCH_LEVEL		0x0000008B
#define SVM_MSR_SYSENTER_CS		0x00000174
#define SVM_MSR_SYSENTER_ESP	0x00000175
#define SVM_MSR_SYSENTER_EIP	0x00000176
#define SVM_MSR_PAT			0x00000277
#define SVM_MSR_EFER		0xC0000080
#define   SVM_EFER_SCE		0x0001ULL
#define   SVM_EFER_LME		0x0100ULL
#define   SVM_EFER_LMA		0x0400ULL
#define   SVM_EFER_NXE		0x0800ULL
#define   SVM_EFER_SVME		0x1000ULL
#define   SVM_EFER_FFXSR		0x4000ULL
#define SVM_MSR_STAR		0xC0000081
#define SVM_MSR_LSTAR		0xC0000082
#define SVM_MSR_CSTAR		0xC0000083
#define SVM_MSR_SFMASK		0xC0000084
#define SVM_MSR_FSBASE		0xC0000100
#define SVM_MSR_GSBASE		0xC0000101
#define SVM_MSR_KERNELGSBASE	0xC0000102
#define SVM_MSR_SYSCFG		0xC0010010
#define SVM_MSR_HWCR		0xC0010015
#define SVM_MSR_PATCH_LOADER	0xC0010020
#define SVM_MSR_NB_CFG		0xC001001F
#define SVM_MSR_VM_CR		0xC0010114
#define   SVM_VM_CR_SVMDIS		0x10ULL
#define SVM_MSR_VM_HSAVE_PA		0xC0010117
#define SVM_MSR_DE_CFG		0xC0011029
#define   SVM_DE_CFG_LFENCE		0x2ULL

/* Control register and flag bits. */
#define SVM_CR0_PE			0x00000001ULL
#define SVM_CR0_ET			0x00000010ULL
#define SVM_CR0_PG			0x80000000ULL
#define SVM_CR4_PAE		0x00000020ULL
#define SVM_CR4_MCE		0x00000040ULL
#define SVM_CR4_UMIP		0x00000800ULL
#define SVM_CR4_FSGSBASE	0x00010000ULL
#define SVM_CR4_PCIDE		0x00020000ULL
#define SVM_CR4_OSXSAVE		0x00040000ULL
#define SVM_CR4_SMEP		0x00100000ULL
#define SVM_CR4_SMAP		0x00200000ULL
#define SVM_CR4_PKE			0x00400000ULL
#define SVM_CR8_MAX			15
#define SVM_RFLAGS_ONE		0x00000002ULL
#define SVM_RFLAGS_TF		0x00000100ULL
#define SVM_RFLAGS_IF		0x00000200ULL
#define SVM_RFLAGS_RF		0x00010000ULL
#define SVM_DR6_ONES		0xFFFF0FF0ULL
#define SVM_DR6_BS			0x00004000ULL
#define SVM_DR6_KEEP		0x0000E00FULL	/* B0-B3, BD, BS, BT */
#define SVM_DR7_ONES		0x00000400ULL
#define SVM_DR7_KEEP		0xFFFF2BFFULL
#define SVM_DR7_ENABLED		0x000000FFULL	/* L0, G0 to L3, G3 */

/* XCR0 bits, APM vol. 2, 11.5.2. */
#define SVM_XCR0_X87		0x001ULL
#define SVM_XCR0_SSE		0x002ULL
#define SVM_XCR0_AVX		0x004ULL
#define SVM_XCR0_AVX512		0x0E0ULL	/* opmask, ZMM_Hi256, Hi16_ZMM */
#define SVM_XCR0_PKRU		0x200ULL

/* Exception vectors, APM vol. 2, 8.2. */
#define SVM_VECTOR_DE		0
#define SVM_VECTOR_DB		1
#define SVM_VECTOR_NMI		2
#define SVM_VECTOR_BP		3
#define SVM_VECTOR_OF		4
#define SVM_VECTOR_BR		5
#define SVM_VECTOR_UD		6
#define SVM_VECTOR_NM		7
#define SVM_VECTOR_TS		10
#define SVM_VECTOR_NP		11
#define SVM_VECTOR_SS		12
#define SVM_VECTOR_GP		13
#define SVM_VECTOR_PF		14
#define SVM_VECTOR_MF		16
#define SVM_VECTOR_AC		17
#define SVM_VECTOR_MC		18
#define SVM_VECTOR_XF		19
#define SVM_VECTOR_CP		21
/* #DF #TS #NP #SS #GP #PF #AC #CP #VC #SX */
#define SVM_EXCEPTIONS_WITH_ERROR						\
	(1U << 8 | 1U << 10 | 1U << 11 | 1U << 12 | 1U << 13 |		\
	 1U << 14 | 1U << 17 | 1U << 21 | 1U << 29 | 1U << 30)

/* CPUID Fn8000_000A EDX, and others. */
#define SVM_CPUID_SVM_NP		0x00000001U
#define SVM_CPUID_SVM_NRIPS		0x00000008U
#define SVM_CPUID_SVM_FLUSHBYASID	0x00000040U
#define SVM_CPUID_SVM_DECODE	0x00000080U
#define SVM_CPUID_EXT_ECX_SVM	0x00000004U
#define SVM_CPUID_EXT_ECX_MISALIGN 0x00000080U
#define SVM_CPUID_1_ECX_OSXSAVE	0x08000000U
#define SVM_CPUID_8_EBX_XSAVEERPTR 0x00000004U
#define SVM_CPUID_8_EBX_IBPB	0x00001000U

static inline void
svm_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t *eax, uint32_t *ebx,
    uint32_t *ecx, uint32_t *edx)
{

	__asm volatile ("cpuid" : "=a" (*eax), "=b" (*ebx), "=c" (*ecx),
	    "=d" (*edx) : "a" (leaf), "c" (subleaf));
}

static inline uint64_t
svm_rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm volatile ("rdmsr" : "=a" (lo), "=d" (hi) : "c" (msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void
svm_wrmsr(uint32_t msr, uint64_t val)
{

	__asm volatile ("wrmsr" : : "c" (msr), "a" ((uint32_t)val),
	    "d" ((uint32_t)(val >> 32)) : "memory");
}

static inline uint64_t
svm_rdtsc(void)
{
	uint32_t lo, hi;

	__asm volatile ("rdtsc" : "=a" (lo), "=d" (hi));
	return (uint64_t)hi << 32 | lo;
}

/* From here to svm_stgi() the CPU takes no interrupt, not even an NMI. */
static inline void
svm_clgi(void)
{

	__asm volatile ("clgi" : : : "memory");
}

static inline void
svm_stgi(void)
{

	__asm volatile ("stgi" : : : "memory");
}

/* Save what VMLOAD will put back: FS, GS, TR, LDTR, and the system call MSRs. */
static inline void
svm_vmsave(uint64_t pa)
{

	__asm volatile ("vmsave %%rax" : : "a" (pa) : "memory");
}

static inline uint64_t
svm_xgetbv(void)
{
	uint32_t lo, hi;

	__asm volatile ("xgetbv" : "=a" (lo), "=d" (hi) : "c" (0));
	return (uint64_t)hi << 32 | lo;
}

static inline void
svm_xsetbv(uint64_t val)
{

	__asm volatile ("xsetbv" : : "c" (0), "a" ((uint32_t)val),
	    "d" ((uint32_t)(val >> 32)));
}

static inline void
svm_xsave(void *area, uint64_t mask)
{

	__asm volatile ("xsave64 (%0)" : : "r" (area), "a" ((uint32_t)mask),
	    "d" ((uint32_t)(mask >> 32)) : "memory");
}

static inline void
svm_xrstor(const void *area, uint64_t mask)
{

	__asm volatile ("xrstor64 (%0)" : : "r" (area), "a" ((uint32_t)mask),
	    "d" ((uint32_t)(mask >> 32)) : "memory");
}

static inline void
svm_fxsave(void *area)
{

	__asm volatile ("fxsave64 (%0)" : : "r" (area) : "memory");
}

static inline void
svm_fxrstor(const void *area)
{

	__asm volatile ("fxrstor64 (%0)" : : "r" (area) : "memory");
}

/*
 * Overwrite the last x87 instruction's pointers, which processors without
 * XSAVEERPTR neither save nor restore while no exception is pending, APM vol. 2,
 * 11.4.4.3. => The x87 registers are about to be loaded.
 */
static inline void
svm_clear_x87_pointers(void)
{
	static const uint32_t zero;

	__asm volatile ("fnclex; emms; fildl %0" : : "m" (zero));
}

static inline uint64_t
svm_rdcr4(void)
{
	uint64_t val;

	__asm volatile ("movq %%cr4, %0" : "=r" (val));
	return val;
}

static inline uint32_t
svm_rdpkru(void)
{
	uint32_t val, edx;

	__asm volatile (".byte 0x0f, 0x01, 0xee" : "=a" (val), "=d" (edx) :
	    "c" (0));
	return val;
}

static inline void
svm_wrpkru(uint32_t val)
{

	__asm volatile (".byte 0x0f, 0x01, 0xef" : : "a" (val), "c" (0),
	    "d" (0));
}

#define SVM_DR(n)							\
static inline uint64_t							\
svm_rddr##n(void)							\
{									\
	uint64_t val;							\
									\
	__asm volatile ("movq %%db" #n ", %0" : "=r" (val));		\
	return val;							\
}									\
									\
static inline void							\
svm_wrdr##n(uint64_t val)						\
{									\
									\
	__asm volatile ("movq %0, %%db" #n : : "r" (val));		\
}

SVM_DR(0)
SVM_DR(1)
SVM_DR(2)
SVM_DR(3)
SVM_DR(6)
SVM_DR(7)
#undef SVM_DR

#endif /* _SVM_CPU_H_ */
