/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Shares of run time: the bucket by itself, and in the long run against a
 * consumer that takes all it is allowed, looked at as coarsely as may be.
 */

#include <string.h>

#include <atf-c.h>

#include "share.h"

#define MS	UINT64_C(1000000)

ATF_TC_WITHOUT_HEAD(no_limit);
ATF_TC_BODY(no_limit, tc)
{
	struct share s;

	memset(&s, 0, sizeof(s));
	share_use(&s, 1000 * MS);
	ATF_CHECK(share_fill(&s, 1));
	ATF_CHECK(share_full(&s));
	ATF_CHECK(share_lasts(&s, 1) > 1000 * MS);
}

ATF_TC_WITHOUT_HEAD(fills_and_empties);
ATF_TC_BODY(fills_and_empties, tc)
{
	struct share s;

	memset(&s, 0, sizeof(s));
	share_set(&s, 50, 1000 * MS);
	ATF_CHECK(!share_fill(&s, 1000 * MS));
	ATF_CHECK(share_fill(&s, 1010 * MS));
	ATF_CHECK_EQ(5 * MS, s.credit);
	ATF_CHECK_EQ(5 * MS, share_lasts(&s, 1));
	ATF_CHECK_EQ(1250000, share_lasts(&s, 4));
	share_use(&s, 9 * MS);
	ATF_CHECK_EQ(0, share_lasts(&s, 1));
	ATF_CHECK(!share_fill(&s, 1018 * MS));
	ATF_CHECK(share_fill(&s, 1018 * MS + 2));
	/* No more than the window's, however long it is. */
	ATF_CHECK(share_fill(&s, 90000 * MS));
	ATF_CHECK_EQ(100 * MS, s.credit);
	ATF_CHECK(share_full(&s));
	ATF_CHECK(share_fill(&s, UINT64_MAX));
	ATF_CHECK_EQ(100 * MS, s.credit);
	/* With another rate debts are paid as soon; the first one owes nothing. */
	share_use(&s, 300 * MS);
	share_set(&s, 25, 0);
	ATF_CHECK_EQ(-100 * (int64_t)MS, s.credit);
	share_set(&s, 200, 0);
	ATF_CHECK_EQ(-800 * (int64_t)MS, s.credit);
	share_set(&s, 0, 0);
	ATF_CHECK(share_fill(&s, 1));
	share_set(&s, 10, 5);
	ATF_CHECK_EQ(0, s.credit);
	/* What nobody can have used does no harm. */
	share_use(&s, UINT64_MAX);
	ATF_CHECK(!share_fill(&s, 1000 * MS));
}

/* Percent that a consumer gets who runs whenever he may, on so many CPUs. */
static double
gets(unsigned percent, unsigned cpus, uint64_t tick)
{
	uint64_t now = 0, used = 0, end = 100000 * MS;
	struct share s;
	bool runs = true;

	memset(&s, 0, sizeof(s));
	share_set(&s, percent, now);
	for (; now < end; now += tick) {
		if (runs) {
			used += tick * cpus;
			share_use(&s, tick * cpus);
		}
		runs = share_fill(&s, now + tick);
	}
	return 100.0 * (double)used / (double)end;
}

ATF_TC_WITHOUT_HEAD(exact_in_the_long_run);
ATF_TC_BODY(exact_in_the_long_run, tc)
{
	static const unsigned percents[] = { 1, 7, 50, 99, 100, 150, 300 };
	size_t i;
	double got;

	for (i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		got = gets(percents[i], 4, 10 * MS);
		ATF_CHECK_MSG(got > percents[i] * 0.98 &&
		    got < percents[i] * 1.02 + 0.1, "%u: %f", percents[i],
		    got);
		got = gets(percents[i], 4, 133 * MS);
		ATF_CHECK_MSG(got > percents[i] * 0.9 &&
		    got < percents[i] * 1.02 + 0.6, "%u: %f", percents[i],
		    got);
	}
	/* Whoever cannot use it up is never held. */
	ATF_CHECK(gets(101, 1, 10 * MS) > 99.9);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, no_limit);
	ATF_TP_ADD_TC(tp, fills_and_empties);
	ATF_TP_ADD_TC(tp, exact_in_the_long_run);
	return atf_no_error();
}
