/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Every limit from both sides, and the words of every refusal.
 */

#include <string.h>

#include <atf-c.h>

#include "policy.h"

#define MIB	(1ULL << 20)
#define GIB	(1ULL << 30)

/* The answer to one question under the default limits of a 64 GiB host. */
static enum policy_answer
ask(uint32_t machines, uint64_t used, uint64_t memory, int64_t vcpus,
    char *text)
{
	struct policy_use use = { machines, used };
	struct policy_ask a = { memory, vcpus };
	struct policy p;

	policy_defaults(&p, 64 * GIB);
	text[0] = '\0';
	return policy_admit(&p, &use, &a, text);
}

ATF_TC_WITHOUT_HEAD(limits);
ATF_TC_BODY(limits, tc)
{
	char text[POLICY_TEXT_MAX];

	ATF_CHECK_EQ(POLICY_OK, ask(127, 0, 2 * MIB, 256, text));
	ATF_CHECK_EQ(POLICY_MACHINES, ask(128, 0, 2 * MIB, 1, text));
	ATF_CHECK_STREQ("machine limit reached: 128 of 128", text);
	ATF_CHECK_EQ(POLICY_OK, ask(0, 0, 4 * GIB, 1, text));
	ATF_CHECK_EQ(POLICY_MEMORY, ask(0, 0, 4 * GIB + 4096, 1, text));
	ATF_CHECK_EQ(POLICY_MEMORY, ask(0, 0, 5 * 1024 * GIB, 1, text));
	ATF_CHECK_STREQ("memory 5T is more than the policy allows "
	    "(4G a machine)", text);
	ATF_CHECK_EQ(POLICY_MEMORY, ask(0, 0, UINT64_MAX - 4095, 1, text));
}

ATF_TC_WITHOUT_HEAD(nonsense);
ATF_TC_BODY(nonsense, tc)
{
	char text[POLICY_TEXT_MAX];

	ATF_CHECK_EQ(POLICY_BAD_VCPUS, ask(0, 0, 2 * MIB, 0, text));
	ATF_CHECK_STREQ("vcpus must be 1 to 256, not 0", text);
	ATF_CHECK_EQ(POLICY_BAD_VCPUS, ask(0, 0, 2 * MIB, 257, text));
	ATF_CHECK_EQ(POLICY_BAD_VCPUS, ask(0, 0, 2 * MIB, -1, text));
	ATF_CHECK_EQ(POLICY_BAD_MEMORY, ask(0, 0, 0, 1, text));
	ATF_CHECK_EQ(POLICY_BAD_MEMORY, ask(0, 0, 3 * 1024, 1, text));
	ATF_CHECK_STREQ("memory 3K is less than the least, 2M", text);
	ATF_CHECK_EQ(POLICY_BAD_MEMORY, ask(0, 0, 2 * MIB + 1, 1, text));
	ATF_CHECK_STREQ("memory 2097153 is not a multiple of 4K", text);
}

ATF_TC_WITHOUT_HEAD(sum_of_memory);
ATF_TC_BODY(sum_of_memory, tc)
{
	char text[POLICY_TEXT_MAX];
	struct policy p;
	uint64_t total;

	policy_defaults(&p, 64 * GIB);
	total = p.memory_total;
	ATF_CHECK(total <= 48 * GIB && total > 47 * GIB);
	ATF_CHECK_EQ(POLICY_OK, ask(9, total - GIB, GIB, 1, text));
	ATF_CHECK_EQ(POLICY_TOTAL, ask(9, total - GIB, GIB + 4096, 1, text));
	ATF_CHECK_MSG(strstr(text, "in use") != NULL, "%s", text);
	ATF_CHECK_EQ(POLICY_TOTAL, ask(9, total + 1, 2 * MIB, 1, text));
}

ATF_TC_WITHOUT_HEAD(configured_below_built_in);
ATF_TC_BODY(configured_below_built_in, tc)
{
	struct policy p = { 2, 4, 8 * MIB, 12 * MIB };
	struct policy_use use = { 1, 8 * MIB };
	struct policy_ask a = { 4 * MIB, 4 };
	char text[POLICY_TEXT_MAX];

	ATF_CHECK_EQ(POLICY_OK, policy_admit(&p, &use, &a, text));
	a.vcpus = 5;
	ATF_CHECK_EQ(POLICY_VCPUS, policy_admit(&p, &use, &a, text));
	ATF_CHECK_STREQ("vcpus 5 is more than the policy allows "
	    "(4 a machine)", text);
	a.vcpus = 4;
	a.memory = 8 * MIB;
	ATF_CHECK_EQ(POLICY_TOTAL, policy_admit(&p, &use, &a, text));
	ATF_CHECK_STREQ("memory 8M is more than what is left: 8M of 12M in "
	    "use", text);
	use.machines = 2;
	ATF_CHECK_EQ(POLICY_MACHINES, policy_admit(&p, &use, &a, text));
}

ATF_TC_WITHOUT_HEAD(sizes);
ATF_TC_BODY(sizes, tc)
{
	char buf[POLICY_SIZE_MAX];

	ATF_CHECK_STREQ("0", policy_size(buf, 0));
	ATF_CHECK_STREQ("1023", policy_size(buf, 1023));
	ATF_CHECK_STREQ("1K", policy_size(buf, 1024));
	ATF_CHECK_STREQ("1536M", policy_size(buf, 1536 * MIB));
	ATF_CHECK_STREQ("8388608T", policy_size(buf, 1ULL << 63));
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, limits);
	ATF_TP_ADD_TC(tp, nonsense);
	ATF_TP_ADD_TC(tp, sum_of_memory);
	ATF_TP_ADD_TC(tp, configured_below_built_in);
	ATF_TP_ADD_TC(tp, sizes);
	return atf_no_error();
}
