/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Which ends are followed by a start, after how long, and when that is given
 * up.
 */

#include <atf-c.h>

#include "restart.h"

#define QUICK	(RESTART_GOOD_MS - 1)

ATF_TC_WITHOUT_HEAD(names);
ATF_TC_BODY(names, tc)
{
	enum restart_policy policy;

	(void)tc;
	ATF_CHECK_EQ(restart_parse("never", &policy), 0);
	ATF_CHECK_EQ(policy, RESTART_NEVER);
	ATF_CHECK_EQ(restart_parse("on-failure", &policy), 0);
	ATF_CHECK_EQ(policy, RESTART_ON_FAILURE);
	ATF_CHECK_EQ(restart_parse("always", &policy), 0);
	ATF_CHECK_EQ(policy, RESTART_ALWAYS);
	ATF_CHECK_EQ(restart_parse("", &policy), -1);
	ATF_CHECK_EQ(restart_parse("Always", &policy), -1);
}

ATF_TC_WITHOUT_HEAD(who_is_started_again);
ATF_TC_BODY(who_is_started_again, tc)
{
	static const struct {
		enum restart_policy policy;
		bool good;
		enum restart_answer answer;
	} rows[] = {
		{ RESTART_NEVER, false, RESTART_NO },
		{ RESTART_NEVER, true, RESTART_NO },
		{ RESTART_ON_FAILURE, false, RESTART_AFTER },
		{ RESTART_ON_FAILURE, true, RESTART_NO },
		{ RESTART_ALWAYS, false, RESTART_AFTER },
		{ RESTART_ALWAYS, true, RESTART_AFTER },
	};
	unsigned i, delay;

	(void)tc;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct restart r = { .policy = rows[i].policy };

		ATF_CHECK_EQ_MSG(restart_decide(&r, rows[i].good,
		    RESTART_GOOD_MS, &delay), rows[i].answer, "row %u", i);
		ATF_CHECK_EQ(r.total, rows[i].answer == RESTART_AFTER);
	}
}

ATF_TC_WITHOUT_HEAD(quick_ends_are_given_up);
ATF_TC_BODY(quick_ends_are_given_up, tc)
{
	struct restart r = { .policy = RESTART_ALWAYS };
	unsigned delay, before = RESTART_DELAY_MS, i;

	(void)tc;
	for (i = 1; i < RESTART_QUICK_MAX; i++) {
		ATF_CHECK_EQ(restart_decide(&r, true, QUICK, &delay),
		    RESTART_AFTER);
		ATF_CHECK_EQ(delay, before * 2);
		before = delay;
	}
	ATF_CHECK_EQ(restart_decide(&r, true, QUICK, &delay),
	    RESTART_GIVE_UP);
	ATF_CHECK_EQ(r.total, RESTART_QUICK_MAX - 1);
}

ATF_TC_WITHOUT_HEAD(a_good_run_makes_up_for_it);
ATF_TC_BODY(a_good_run_makes_up_for_it, tc)
{
	struct restart r = { .policy = RESTART_ON_FAILURE };
	unsigned delay, i;

	(void)tc;
	for (i = 1; i < RESTART_QUICK_MAX; i++)
		ATF_CHECK_EQ(restart_decide(&r, false, 0, &delay),
		    RESTART_AFTER);
	ATF_CHECK_EQ(restart_decide(&r, false, RESTART_GOOD_MS, &delay),
	    RESTART_AFTER);
	ATF_CHECK_EQ(delay, RESTART_DELAY_MS);
	ATF_CHECK_EQ(restart_decide(&r, false, QUICK, &delay), RESTART_AFTER);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, names);
	ATF_TP_ADD_TC(tp, who_is_started_again);
	ATF_TP_ADD_TC(tp, quick_ends_are_given_up);
	ATF_TP_ADD_TC(tp, a_good_run_makes_up_for_it);
	return atf_no_error();
}
