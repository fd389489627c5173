/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The instruction assists against the processor: every form that the decoder
 * takes, with generated operands, prefixes, segments and modes, runs natively
 * and through decoder and executor. NVMM_DIFFER_CASES sets the number of cases
 * of each test, NVMM_DIFFER_SEED what they are made from, and NVMM_DIFFER_ONLY
 * runs the case of that number alone. `make check-differ` runs a million.
 */

#include <atf-c.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h_report.h"
#include "h_rnd.h"
#include "h_segs.h"
#include "h_window.h"

#define SEED		0x4E564D4D
#define REPORTS_MAX	(unsigned)setting("NVMM_DIFFER_REPORTS", 20)
#define NOPS		256

/* A run of cases. */
struct run {
	unsigned bits;
	uint64_t seed;
	unsigned long cases, only;
	bool one;			/* only */
	unsigned long verdicts[NVERDICTS];
	unsigned long invalid;		/* and so refused by both */
	unsigned long faults;
	unsigned long by_op[NOPS];	/* that were the same */
	unsigned reports;
};

static struct form forms[FORMS_MAX];

/* A number from the environment. */
static unsigned long
setting(const char *name, unsigned long otherwise)
{
	const char *s = getenv(name);

	return s != NULL ? strtoul(s, NULL, 0) : otherwise;
}

/* Make ready, or skip. */
static void
begin(struct run *run, unsigned bits, unsigned long cases)
{

	memset(run, 0, sizeof(*run));
	run->bits = bits;
	run->seed = setting("NVMM_DIFFER_SEED", SEED);
	run->cases = setting("NVMM_DIFFER_CASES", cases);
	run->one = getenv("NVMM_DIFFER_ONLY") != NULL;
	run->only = setting("NVMM_DIFFER_ONLY", 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!native_init())
		atf_tc_skip("no way to run instructions natively here");
	ATF_REQUIRE_MSG(window_init(run->seed), "memory at fixed addresses");
	if (!segs_init(run->seed) && bits == 16)
		atf_tc_skip("no modify_ldt(2), so no 16-bit code");
	printf("seed %#" PRIx64 "\n", run->seed);
}

/* Tell of a case that differs. */
static void
report(struct run *run, const struct testcase *tc, const struct result *r,
    unsigned long i)
{
	struct testcase small = *tc;
	struct result now = *r;

	if (++run->reports > REPORTS_MAX)
		return;
	printf("case %lu: NVMM_DIFFER_SEED=%#" PRIx64 " NVMM_DIFFER_ONLY=%lu "
	    "t_differ mode%u\n", i, run->seed, i, run->bits);
	report_shrink(&small, &now);
	report_print(&small, &now);
}

/* Count a case. */
static void
count(struct run *run, const struct testcase *tc, const struct result *r)
{

	run->verdicts[r->verdict]++;
	if (r->verdict != SAME)
		return;
	if (tc->error != 0)
		run->invalid++;
	else
		run->by_op[tc->insn.op]++;
	if (r->ours.event.vector != NATIVE_DONE)
		run->faults++;
}

/* Case i: of a form, or random bytes. */
static void
one_case(struct run *run, const struct form *f, unsigned long i)
{
	struct testcase tc = { .bits = run->bits };
	struct result r;

	rnd_begin(run->seed, i);
	if (f != NULL)
		gen_insn(&tc, f);
	else
		gen_random(&tc);
	if (tc.error == ENOTSUP || (tc.error != 0 && f == NULL))
		return;
	gen_operands(&tc);
	run_case(&tc, &r);
	count(run, &tc, &r);
	if (r.verdict == DIFFERENT)
		report(run, &tc, &r, i);
}

/* All that were asked for. */
static void
run_cases(struct run *run, size_t nforms)
{
	unsigned long i;

	if (run->one) {
		one_case(run, nforms != 0 ? &forms[run->only % nforms] : NULL,
		    run->only);
		return;
	}
	for (i = 0; i < run->cases; i++)
		one_case(run, nforms != 0 ? &forms[i % nforms] : NULL, i);
}

/* What came of them, in a line. */
static void
summarize(const struct run *run, size_t nforms)
{

	printf("%u-bit code: %zu forms; %lu cases the same, of them %lu faults "
	    "and %lu invalid; %lu different, %lu astray, %lu refused, "
	    "%lu undefined, %lu not on this processor\n",
	    run->bits, nforms, run->verdicts[SAME], run->faults, run->invalid,
	    run->verdicts[DIFFERENT], run->verdicts[STRAY],
	    run->verdicts[REFUSED], run->verdicts[OPEN],
	    run->verdicts[ABSENT]);
	ATF_CHECK_EQ_MSG(run->verdicts[DIFFERENT], 0, "%lu cases differ, "
	    "seed %#" PRIx64, run->verdicts[DIFFERENT], run->seed);
}

/* Operations of ports, which the executor leaves to nvmm_assist_io(3). */
static bool
is_refused(enum x86_op op)
{

	return op == X86_OP_INS || op == X86_OP_OUTS;
}

/* Every operation was carried out, and hardly a case went astray. */
static void
check_coverage(const struct run *run, size_t nforms)
{
	size_t i;

	if (run->one || run->cases < 4 * nforms)
		return;
	for (i = 0; i < nforms; i++)
		ATF_CHECK_MSG(is_refused(forms[i].op) ||
		    run->by_op[forms[i].op] > 0, "operation %d of opcode %02x "
		    "in map %u never ran", forms[i].op, forms[i].opcode,
		    forms[i].map);
	ATF_CHECK_MSG(run->verdicts[STRAY] < run->cases / 20, "%lu astray",
	    run->verdicts[STRAY]);
}

/* A mode by its forms. */
static void
test_mode(unsigned bits, unsigned long cases)
{
	struct run run;
	size_t nforms;

	begin(&run, bits, cases);
	nforms = forms_find(forms, bits);
	ATF_REQUIRE_MSG(nforms > 200 && nforms < FORMS_MAX, "%zu forms",
	    nforms);
	run_cases(&run, nforms);
	summarize(&run, nforms);
	check_coverage(&run, nforms);
}

/* Bytes at random: what the decoder makes of them, it makes right. */
static void
test_random(unsigned bits, unsigned long cases)
{
	struct run run;

	begin(&run, bits, cases);
	run_cases(&run, 0);
	summarize(&run, 0);
}

#define TEST(name, call)						\
	ATF_TC_WITHOUT_HEAD(name);					\
	ATF_TC_BODY(name, tc)						\
	{								\
		(void)tc;						\
		call;							\
	}								\
	struct swallow_the_semicolon

TEST(mode64, test_mode(64, 40000));
TEST(mode32, test_mode(32, 30000));
TEST(mode16, test_mode(16, 30000));
TEST(random64, test_random(64, 20000));
TEST(random32, test_random(32, 20000));
TEST(random16, test_random(16, 20000));

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, mode64);
	ATF_TP_ADD_TC(tp, mode32);
	ATF_TP_ADD_TC(tp, mode16);
	ATF_TP_ADD_TC(tp, random64);
	ATF_TP_ADD_TC(tp, random32);
	ATF_TP_ADD_TC(tp, random16);
	return atf_no_error();
}
