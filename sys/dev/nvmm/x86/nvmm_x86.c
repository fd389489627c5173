/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the x86 backends share: pure functions and tables, no state.
 */

#include "x86/nvmm_x86_internal.h"

/* A segment of real mode, at 0 and 64 KiB long. */
#define SEG_REAL(t, code_or_data)					\
	{ .selector = 0, .limit = 0xFFFF, .base = 0,			\
	  .attrib = { .type = (t), .s = (code_or_data), .p = 1 } }

/* Types of descriptors, APM vol. 2, 4.7 and 4.8. */
#define TYPE_DATA	0x3	/* writable, accessed */
#define TYPE_CODE	0xB	/* readable, accessed */
#define TYPE_LDT	0x2
#define TYPE_TSS	0xB	/* 32-bit, busy: what VMX also takes */

static const struct nvmm_x64_state reset_state = {
	.segs = {
		[NVMM_X64_SEG_ES] = SEG_REAL(TYPE_DATA, 1),
		[NVMM_X64_SEG_CS] = {
			.selector = 0xF000,
			.attrib = { .type = TYPE_CODE, .s = 1, .p = 1 },
			.limit = 0xFFFF,
			.base = 0xFFFF0000,
		},
		[NVMM_X64_SEG_SS] = SEG_REAL(TYPE_DATA, 1),
		[NVMM_X64_SEG_DS] = SEG_REAL(TYPE_DATA, 1),
		[NVMM_X64_SEG_FS] = SEG_REAL(TYPE_DATA, 1),
		[NVMM_X64_SEG_GS] = SEG_REAL(TYPE_DATA, 1),
		[NVMM_X64_SEG_GDT] = { .limit = 0xFFFF },
		[NVMM_X64_SEG_IDT] = { .limit = 0xFFFF },
		[NVMM_X64_SEG_LDT] = SEG_REAL(TYPE_LDT, 0),
		[NVMM_X64_SEG_TR] = SEG_REAL(TYPE_TSS, 0),
	},
	.gprs = {
		[NVMM_X64_GPR_RDX] = 0x600,	/* family, model, stepping */
		[NVMM_X64_GPR_RIP] = 0xFFF0,
		[NVMM_X64_GPR_RFLAGS] = 0x2,
	},
	.crs = {
		[NVMM_X64_CR_CR0] = 0x60000010,	/* CD, NW, ET */
		[NVMM_X64_CR_XCR0] = 0x1,
	},
	.drs = {
		[NVMM_X64_DR_DR6] = 0xFFFF0FF0,
		[NVMM_X64_DR_DR7] = 0x400,
	},
	.msrs = {
		[NVMM_X64_MSR_PAT] = 0x0007040600070406ULL,
	},
	.fpu = {
		/*
		 * RESET, not FNINIT: exceptions unmasked, and tags of 5555h, all
		 * registers zero and none empty; FXSAVE has a bit for each.
		 */
		.fx_cw = 0x40,
		.fx_tw = 0xFF,
		.fx_mxcsr = 0x1F80,
	},
};

OS_CTASSERT(sizeof(struct nvmm_x64_state) == 1008);
OS_CTASSERT(sizeof(struct fxsave) == 512);

void
nvmm_x86_reset_state(struct nvmm_x64_state *state)
{

	memcpy(state, &reset_state, sizeof(*state));
}

void
nvmm_x86_copy_state(struct nvmm_x64_state *to,
    const struct nvmm_x64_state *from, uint64_t flags)
{

	if (flags & NVMM_X64_STATE_SEGS)
		memcpy(to->segs, from->segs, sizeof(to->segs));
	if (flags & NVMM_X64_STATE_GPRS)
		memcpy(to->gprs, from->gprs, sizeof(to->gprs));
	if (flags & NVMM_X64_STATE_CRS)
		memcpy(to->crs, from->crs, sizeof(to->crs));
	if (flags & NVMM_X64_STATE_DRS)
		memcpy(to->drs, from->drs, sizeof(to->drs));
	if (flags & NVMM_X64_STATE_MSRS)
		memcpy(to->msrs, from->msrs, sizeof(to->msrs));
	if (flags & NVMM_X64_STATE_INTR)
		memcpy(&to->intr, &from->intr, sizeof(to->intr));
	if (flags & NVMM_X64_STATE_FPU)
		memcpy(&to->fpu, &from->fpu, sizeof(to->fpu));
}

void
nvmm_x86_exitstate(struct nvmm_comm_page *comm)
{
	const struct nvmm_x64_state *state = &comm->state;

	memset(&comm->exit.exitstate, 0, sizeof(comm->exit.exitstate));
	comm->exit.exitstate.rflags = state->gprs[NVMM_X64_GPR_RFLAGS];
	comm->exit.exitstate.cr8 = state->crs[NVMM_X64_CR_CR8];
	comm->exit.exitstate.int_shadow = state->intr.int_shadow;
	comm->exit.exitstate.int_window_exiting =
	    state->intr.int_window_exiting;
	comm->exit.exitstate.nmi_window_exiting =
	    state->intr.nmi_window_exiting;
	comm->exit.exitstate.evt_pending = state->intr.evt_pending;
}

/* By the reason's class, and its number within. */
const uint8_t nvmm_x86_exit_stats[3][8] = {
	{
		[NVMM_VCPU_EXIT_NONE] = NVMM_STAT_NONE,
		[NVMM_VCPU_EXIT_MEMORY] = NVMM_STAT_MEMORY,
		[NVMM_VCPU_EXIT_IO] = NVMM_STAT_IO,
		[3] = NVMM_STAT_INVALID, NVMM_STAT_INVALID, NVMM_STAT_INVALID,
		NVMM_STAT_INVALID, NVMM_STAT_INVALID,
	},
	{
		[NVMM_VCPU_EXIT_SHUTDOWN & 7] = NVMM_STAT_SHUTDOWN,
		[NVMM_VCPU_EXIT_INT_READY & 7] = NVMM_STAT_INT_READY,
		[NVMM_VCPU_EXIT_NMI_READY & 7] = NVMM_STAT_NMI_READY,
		[NVMM_VCPU_EXIT_HALTED & 7] = NVMM_STAT_HALTED,
		[NVMM_VCPU_EXIT_TPR_CHANGED & 7] = NVMM_STAT_TPR_CHANGED,
		[5] = NVMM_STAT_INVALID, NVMM_STAT_INVALID, NVMM_STAT_INVALID,
	},
	{
		[NVMM_VCPU_EXIT_RDMSR & 7] = NVMM_STAT_RDMSR,
		[NVMM_VCPU_EXIT_WRMSR & 7] = NVMM_STAT_WRMSR,
		[NVMM_VCPU_EXIT_MONITOR & 7] = NVMM_STAT_MONITOR,
		[NVMM_VCPU_EXIT_MWAIT & 7] = NVMM_STAT_MWAIT,
		[NVMM_VCPU_EXIT_CPUID & 7] = NVMM_STAT_CPUID,
		[5] = NVMM_STAT_INVALID, NVMM_STAT_INVALID, NVMM_STAT_INVALID,
	},
};

/*
 * CPUID, APM vol. 3, appendix E, and Intel SDM vol. 2, CPUID. Of a leaf that is
 * not listed nothing passes: what a future host offers no guest sees before
 * somebody has looked at it.
 */
#define B(n)		(1U << (n))
#define PASS		0xFFFFFFFFU
#define ANY_SUBLEAF	0xFFFFFFFFU

/* SSE3 PCLMUL SSSE3 FMA CX16 PCID SSE4.1 SSE4.2 MOVBE POPCNT */
#define LEAF1_ECX	(B(0) | B(1) | B(9) | B(12) | B(13) | B(17) |	\
			 B(19) | B(20) | B(22) | B(23) |		\
			 /* AES XSAVE AVX F16C RDRAND */		\
			 B(25) | B(26) | B(28) | B(29) | B(30))
/* FPU VME DE PSE TSC MSR PAE CX8 APIC, without MCE */
#define LEAF1_EDX_LOW	(B(0) | B(1) | B(2) | B(3) | B(4) | B(5) |	\
			 B(6) | B(8) | B(9))
/* PGE CMOV PAT PSE36 MMX FXSR, without MTRR and MCA */
#define LEAF1_EDX_HIGH	(B(13) | B(15) | B(16) | B(17) | B(23) | B(24))
/* SEP CLFSH SSE SSE2 SS */
#define LEAF1_EDX	(LEAF1_EDX_LOW | LEAF1_EDX_HIGH | B(11) |	\
			 B(19) | B(25) | B(26) | B(27))
/* FSGSBASE BMI1 AVX2 SMEP BMI2 ERMS INVPCID */
#define LEAF7_EBX	(B(0) | B(3) | B(5) | B(7) | B(8) | B(9) | B(10) |	\
			 /* RDSEED ADX SMAP CLFLUSHOPT CLWB SHA */	\
			 B(18) | B(19) | B(20) | B(23) | B(24) | B(29))
/* UMIP PKU GFNI VAES VPCLMULQDQ */
#define LEAF7_ECX	(B(2) | B(3) | B(8) | B(9) | B(10))
/* FSRM MD_CLEAR SERIALIZE */
#define LEAF7_EDX	(B(4) | B(10) | B(14))
/* LAHF AltMovCr8 ABM SSE4A MisAlignSse 3DNowPrefetch; SVM stays hidden */
#define EXT1_ECX	(B(0) | B(4) | B(5) | B(6) | B(7) | B(8))
/* What is in leaf 1 too, and SYSCALL NX MmxExt FFXSR Page1GB LM */
#define EXT1_EDX	(LEAF1_EDX_LOW | LEAF1_EDX_HIGH | B(11) | B(20) |	\
			 B(22) | B(25) | B(26) | B(29))

/* The last leaves that a guest is told of; what is beyond reads as zero. */
#define MAX_BASIC	0x00000016U
#define MAX_EXTENDED	0x80000021U

/* Cache leaves, without the counts of threads and cores. */
#define CACHE_EAX	0x00003FFFU

static const struct {
	uint32_t leaf;
	uint32_t subleaf;
	struct nvmm_x86_cpuid keep;
} cpuid_masks[] = {
	/* The vendor; cache descriptors. */
	{ 0x00000000, ANY_SUBLEAF, { PASS, PASS, PASS, PASS } },
	/* .ebx without the APIC id and the count of threads. */
	{ 0x00000001, ANY_SUBLEAF, { PASS, 0x0000FFFF, LEAF1_ECX, LEAF1_EDX } },
	{ 0x00000002, ANY_SUBLEAF, { PASS, PASS, PASS, PASS } },
	{ 0x00000004, ANY_SUBLEAF, { CACHE_EAX, PASS, PASS, PASS } },
	/* Of thermal and power, ARAT. */
	{ 0x00000006, ANY_SUBLEAF, { B(2), 0, 0, 0 } },
	{ 0x00000007, 0, { 0, LEAF7_EBX, LEAF7_ECX, LEAF7_EDX } },
	/* XCR0 and sizes; XSAVEOPT XSAVEC XGETBV1, no XSAVES; components. */
	{ 0x0000000D, 0, { PASS, PASS, PASS, PASS } },
	{ 0x0000000D, 1, { B(0) | B(1) | B(2), 0, 0, 0 } },
	{ 0x0000000D, ANY_SUBLEAF, { PASS, PASS, PASS, PASS } },
	/* The TSC's frequency; the processor's. */
	{ 0x00000015, ANY_SUBLEAF, { PASS, PASS, PASS, 0 } },
	{ 0x00000016, ANY_SUBLEAF, { PASS, PASS, PASS, 0 } },
	{ 0x80000000, ANY_SUBLEAF, { PASS, PASS, PASS, PASS } },
	{ 0x80000001, ANY_SUBLEAF, { PASS, PASS, EXT1_ECX, EXT1_EDX } },
	/* The processor's name. */
	{ 0x80000002, ANY_SUBLEAF, { PASS, PASS, PASS, PASS } },
	{ 0x80000003, ANY_SUBLEAF, { PASS, PASS, PASS, PASS } },
	{ 0x80000004, ANY_SUBLEAF, { PASS, PASS, PASS, PASS } },
	/* Caches and TLBs. */
	{ 0x80000005, ANY_SUBLEAF, { PASS, PASS, PASS, PASS } },
	{ 0x80000006, ANY_SUBLEAF, { PASS, PASS, PASS, PASS } },
	/* The invariant TSC. */
	{ 0x80000007, ANY_SUBLEAF, { 0, 0, 0, B(8) } },
	/* Address sizes; CLZERO and WBNOINVD. */
	{ 0x80000008, ANY_SUBLEAF, { PASS, B(0) | B(9), 0, 0 } },
	/* TLBs of 1 GiB pages; FP128 MOVU FP256; caches. */
	{ 0x80000019, ANY_SUBLEAF, { PASS, PASS, 0, 0 } },
	{ 0x8000001A, ANY_SUBLEAF, { B(0) | B(1) | B(2), 0, 0, 0 } },
	{ 0x8000001D, ANY_SUBLEAF, { CACHE_EAX, PASS, PASS, PASS } },
	/* LFENCE serializes; a null selector clears the base. */
	{ 0x80000021, ANY_SUBLEAF, { B(2) | B(6), 0, 0, 0 } },
};

/* What of the leaf passes: the first row that fits, or nothing. */
static struct nvmm_x86_cpuid
cpuid_keep(uint32_t leaf, uint32_t subleaf)
{
	const struct nvmm_x86_cpuid nothing = { 0, 0, 0, 0 };
	size_t i;

	for (i = 0; i < sizeof(cpuid_masks) / sizeof(cpuid_masks[0]); i++) {
		if (cpuid_masks[i].leaf == leaf &&
		    (cpuid_masks[i].subleaf == ANY_SUBLEAF ||
		    cpuid_masks[i].subleaf == subleaf))
			return cpuid_masks[i].keep;
	}
	return nothing;
}

void
nvmm_x86_cpuid_filter(uint32_t leaf, uint32_t subleaf,
    struct nvmm_x86_cpuid *regs)
{
	const struct nvmm_x86_cpuid keep = cpuid_keep(leaf, subleaf);

	regs->eax &= keep.eax;
	regs->ebx &= keep.ebx;
	regs->ecx &= keep.ecx;
	regs->edx &= keep.edx;
	if (leaf == 0 && regs->eax > MAX_BASIC)
		regs->eax = MAX_BASIC;
	if (leaf == 0x80000000 && regs->eax > MAX_EXTENDED)
		regs->eax = MAX_EXTENDED;
	if (leaf == NVMM_X86_CPUID_HYPERVISOR)
		nvmm_x86_cpuid_hypervisor(regs);
}

void
nvmm_x86_cpuid_mask(const struct nvmm_vcpu_conf_cpuid *conf,
    struct nvmm_x86_cpuid *regs)
{

	regs->eax = (regs->eax & ~conf->u.mask.del.eax) | conf->u.mask.set.eax;
	regs->ebx = (regs->ebx & ~conf->u.mask.del.ebx) | conf->u.mask.set.ebx;
	regs->ecx = (regs->ecx & ~conf->u.mask.del.ecx) | conf->u.mask.set.ecx;
	regs->edx = (regs->edx & ~conf->u.mask.del.edx) | conf->u.mask.set.edx;
}

void
nvmm_x86_cpuid_hypervisor(struct nvmm_x86_cpuid *regs)
{
	static const char name[12] = "___ NVMM ___";

	regs->eax = NVMM_X86_CPUID_HYPERVISOR;
	memcpy(&regs->ebx, name, 4);
	memcpy(&regs->ecx, name + 4, 4);
	memcpy(&regs->edx, name + 8, 4);
}

/* The types are 0, 1 and 4 to 7: UC, WC, WT, WP, WB, UC-. */
bool
nvmm_x86_pat_valid(uint64_t pat)
{
	unsigned i;
	uint8_t type;

	for (i = 0; i < 8; i++) {
		type = (uint8_t)(pat >> (i * 8));
		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}
