/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The decoder against a disassembler, Zydis, over byte strings in the three
 * modes: those of the forms that the decoder takes, opcodes of all maps under
 * all prefixes, and bytes at random. NVMM_DIFFER_CASES sets the number of each
 * test, NVMM_DIFFER_SEED what they are made from. NVMM_DIFFER_MISSING=1 lists
 * what has operands in memory and is outside the set.
 */

#include <atf-c.h>

#if __has_include(<Zydis/Zydis.h>)

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h_gen.h"
#include "h_known.h"
#include "h_rnd.h"
#include "h_zydis.h"

#define SEED		0x5A594449
#define REPORTS_MAX	20

/* Counts of a mode, by mnemonic. */
struct tally {
	unsigned long taken[ZYDIS_MNEMONIC_MAX_VALUE + 1];
	unsigned long refused[ZYDIS_MNEMONIC_MAX_VALUE + 1];
	unsigned long agreed, invalid, outside, known;
	unsigned bad;
};

static struct form forms[FORMS_MAX];
static struct tally tally;

/* A number from the environment. */
static unsigned long
setting(const char *name, unsigned long otherwise)
{
	const char *s = getenv(name);

	return s != NULL ? strtoul(s, NULL, 0) : otherwise;
}

/* Tell of bytes that the two disagree about. */
static void
report(const struct testcase *tc, const struct zydis *z, const char *what)
{
	ZydisDisassembledInstruction d;
	unsigned i;

	if (++tally.bad > setting("NVMM_DIFFER_REPORTS", REPORTS_MAX))
		return;
	printf("%u-bit code, %s:", tc->bits, what);
	for (i = 0; i < (z->taken ? z->insn.length : X86_INSN_MAX); i++)
		printf(" %02x", tc->bytes[i]);
	if (z->taken && ZYAN_SUCCESS(ZydisDisassembleIntel(tc->bits == 64 ?
	    ZYDIS_MACHINE_MODE_LONG_64 : tc->bits == 32 ?
	    ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16, 0,
	    tc->bytes, X86_INSN_MAX, &d)))
		printf(": %s", d.text);
	printf("\n    ours: %s, length %u, operation %u\n",
	    tc->error == 0 ? "taken" : strerror(tc->error), tc->insn.len,
	    tc->insn.op);
}

/* What the decoder takes, the disassembler takes, and says the same of it. */
static void
check_taken(const struct testcase *tc, const struct zydis *z)
{
	const char *what;

	what = z->taken ? zydis_compare(&tc->insn, z) :
	    "an instruction, Zydis says it is none";
	if (what == NULL) {
		tally.agreed++;
		tally.taken[z->insn.mnemonic]++;
	} else if (known_disagreement(tc, z))
		tally.known++;
	else
		report(tc, z, what);
}

/* What it calls none, is none. */
static void
check_invalid(const struct testcase *tc, const struct zydis *z)
{

	if (!z->taken)
		tally.invalid++;
	else
		report(tc, z, "none, Zydis says it is one");
}

/* One byte string. */
static void
check(const struct testcase *tc)
{
	struct zydis z;

	zydis_decode(tc->bits, tc->bytes, X86_INSN_MAX, &z);
	if (tc->error == 0)
		check_taken(tc, &z);
	else if (tc->error == EINVAL || tc->error == E2BIG)
		check_invalid(tc, &z);
	else if (tc->error != ENOTSUP)
		report(tc, &z, "another error");
	else if (z.taken && zydis_has_memory(&z)) {
		tally.refused[z.insn.mnemonic] += !known_outside(&z);
		tally.outside++;
	}
}

/* Any opcode of any map, under any prefixes. */
static void
any_opcode(struct testcase *tc)
{
	struct form f = {
		.map = (uint8_t)rnd_below(FORM_NMAPS), .any_reg = true,
		.opcode = (uint8_t)rnd(), .pp = rnd_below(4), .modrm = true,
		.mem = rnd_percent(80), .vex_l = rnd_percent(50),
		.vex_w = rnd_percent(50), .vvvv = rnd_percent(50),
	};

	gen_insn(tc, &f);
}

/* Case i. */
static void
one_case(unsigned bits, uint64_t seed, unsigned long i, size_t nforms)
{
	struct testcase tc = { .bits = bits };

	rnd_begin(seed, i);
	if (i % 4 == 0)
		gen_random(&tc);
	else if (i % 4 == 1)
		any_opcode(&tc);
	else
		gen_insn(&tc, &forms[rnd_below((unsigned)nforms)]);
	check(&tc);
}

/*
 * What is refused is outside the set altogether: nothing else of its name, with
 * an operand in memory, is taken.
 */
static void
check_refused(unsigned bits)
{
	bool list = setting("NVMM_DIFFER_MISSING", 0) != 0;
	unsigned i, n = 0;

	for (i = 0; i <= ZYDIS_MNEMONIC_MAX_VALUE; i++) {
		n += tally.refused[i] != 0;
		if (list && tally.refused[i] != 0)
			printf("outside the set: %6lu %s\n", tally.refused[i],
			    ZydisMnemonicGetString(i));
		ATF_CHECK_MSG(tally.refused[i] == 0 || tally.taken[i] == 0,
		    "%s in %u-bit code is taken %lu times and refused %lu",
		    ZydisMnemonicGetString(i), bits, tally.taken[i],
		    tally.refused[i]);
	}
	printf("%u mnemonics with operands in memory are outside the set\n", n);
}

static void
test(unsigned bits)
{
	uint64_t seed = setting("NVMM_DIFFER_SEED", SEED);
	unsigned long n = setting("NVMM_DIFFER_CASES", 1000000), i;
	size_t nforms;

	nforms = forms_find(forms, bits);
	ATF_REQUIRE(nforms > 200 && nforms < FORMS_MAX);
	for (i = 0; i < n; i++)
		one_case(bits, seed, i, nforms);
	printf("%u-bit code, seed %#" PRIx64 ": %lu agreed, %lu invalid to "
	    "both, %lu outside the set, %lu known to differ, %u disagreed\n",
	    bits, seed, tally.agreed, tally.invalid, tally.outside,
	    tally.known, tally.bad);
	ATF_CHECK_EQ_MSG(tally.bad, 0, "%u disagreed", tally.bad);
	check_refused(bits);
}

#else

static void
test(unsigned bits)
{

	(void)bits;
	atf_tc_skip("Zydis is not installed");
}

#endif

#define TEST(name, bits)						\
	ATF_TC_WITHOUT_HEAD(name);					\
	ATF_TC_BODY(name, tc)						\
	{								\
		(void)tc;						\
		test(bits);						\
	}								\
	struct swallow_the_semicolon

TEST(disasm64, 64);
TEST(disasm32, 32);
TEST(disasm16, 16);

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, disasm64);
	ATF_TP_ADD_TC(tp, disasm32);
	ATF_TP_ADD_TC(tp, disasm16);
	return atf_no_error();
}
