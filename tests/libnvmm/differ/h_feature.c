/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Instructions that not every processor has, by the bits of CPUID that tell:
 * the assist executes them for guests whose processor does.
 */

#include "h_undefined.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

enum reg { EAX, EBX, ECX, EDX };

/* A feature, and the operation or the unit that needs it. */
static const struct feature {
	uint32_t leaf;
	enum reg reg;
	unsigned bit;
	enum x86_op op;
	enum x86_unit unit;
	uint8_t opcode[3];		/* 0F and what follows, or nothing */
} features[] = {
	{ 1, ECX, 20, .op = X86_OP_CRC32 },
	{ 1, ECX, 22, .op = X86_OP_MOVBE },
	{ 1, ECX, 23, .op = X86_OP_POPCNT },
	{ 0x80000001, ECX, 5, .op = X86_OP_LZCNT },
	{ 0x80000001, ECX, 6, .opcode = { 0x0F, 0x2B } }, /* MOVNTSS, MOVNTSD */
	{ 7, EBX, 3, .op = X86_OP_TZCNT }, { 7, EBX, 3, .op = X86_OP_ANDN },
	{ 7, EBX, 3, .op = X86_OP_BLSR }, { 7, EBX, 3, .op = X86_OP_BLSMSK },
	{ 7, EBX, 3, .op = X86_OP_BLSI }, { 7, EBX, 3, .op = X86_OP_BEXTR },
	{ 7, EBX, 5, .unit = X86_UNIT_AVX },		/* AVX2 */
	{ 7, EBX, 8, .op = X86_OP_BZHI }, { 7, EBX, 8, .op = X86_OP_PDEP },
	{ 7, EBX, 8, .op = X86_OP_PEXT }, { 7, EBX, 8, .op = X86_OP_MULX },
	{ 7, EBX, 8, .op = X86_OP_RORX }, { 7, EBX, 8, .op = X86_OP_SHLX },
	{ 7, EBX, 8, .op = X86_OP_SHRX }, { 7, EBX, 8, .op = X86_OP_SARX },
	{ 7, EBX, 19, .op = X86_OP_ADCX }, { 7, EBX, 19, .op = X86_OP_ADOX },
	{ 7, EBX, 23, .op = X86_OP_CLFLUSH },		/* CLFLUSHOPT */
	{ 7, EBX, 24, .op = X86_OP_CLFLUSH },		/* CLWB */
	{ 7, ECX, 27, .opcode = { 0x0F, 0x38, 0xF9 } },	/* MOVDIRI */
};

#define NFEATURES	(sizeof(features) / sizeof(features[0]))

/* True if the processor has it. */
static bool
ask_cpu(const struct feature *f)
{
#if defined(__x86_64__)
	unsigned regs[4] = { 0, 0, 0, 0 };

	if (!__get_cpuid_count(f->leaf, 0, &regs[EAX], &regs[EBX], &regs[ECX],
	    &regs[EDX]))
		return false;
	return (regs[f->reg] >> f->bit & 1) != 0;
#else
	(void)f;
	return true;
#endif
}

bool
feature_amd(void)
{
	static int amd = -1;
#if defined(__x86_64__)
	unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;

	if (amd == -1) {
		(void)__get_cpuid(0, &eax, &ebx, &ecx, &edx);
		amd = ebx != 0x756E6547;	/* "Genu", of Intel's */
	}
#endif
	return amd != 0;
}

/* True for a prefix byte of the mode. */
static bool
is_prefix(unsigned bits, uint8_t byte)
{

	switch (byte) {
	case 0x26: case 0x2E: case 0x36: case 0x3E: case 0x64: case 0x65:
	case 0x66: case 0x67: case 0xF0: case 0xF2: case 0xF3:
		return true;
	default:
		return bits == 64 && (byte & 0xF0) == 0x40;
	}
}

unsigned
feature_prefixes(const struct testcase *tc)
{
	unsigned n = 0;

	while (n < X86_INSN_MAX && is_prefix(tc->bits, tc->bytes[n]))
		n++;
	return n;
}

/* True if the instruction's opcode begins so; only MOVNTPS has no REP. */
static bool
is_opcode(const struct testcase *tc, const uint8_t *opcode)
{
	const uint8_t *p = tc->bytes + feature_prefixes(tc);

	if (p[0] != opcode[0] || p[1] != opcode[1] || opcode[0] == 0)
		return false;
	return opcode[2] != 0 ? p[2] == opcode[2] : tc->insn.rep != 0;
}

/* True if the case needs the feature. */
static bool
is_needed(const struct testcase *tc, const struct feature *f)
{

	if (f->op != X86_OP_UNKNOWN)
		return tc->insn.op == f->op;
	if (f->unit != X86_UNIT_NONE)
		return tc->insn.unit == f->unit;
	return is_opcode(tc, f->opcode);
}

bool
feature_missing(const struct testcase *tc)
{
	static bool asked, there[NFEATURES];
	size_t i;

	for (i = 0; i < NFEATURES && !asked; i++)
		there[i] = ask_cpu(&features[i]);
	asked = true;
	for (i = 0; i < NFEATURES; i++) {
		if (!there[i] && is_needed(tc, &features[i]))
			return true;
	}
	return false;
}
