/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Every limit from both sides, whose value it is that counts, and the words of
 * every refusal.
 */

#include <string.h>

#include <atf-c.h>

#include "policy.h"

#define MIB	(1ULL << 20)
#define GIB	(1ULL << 30)

#define ALICE	1001
#define BOB	1002
#define STAFF	50
#define WHEEL	51
#define GUESTS	52

static const uint32_t groups[] = { STAFF, WHEEL };
static const struct policy_who alice = { ALICE, GUESTS, groups, 2, 1 };
static const struct policy_who bob = { BOB, STAFF, NULL, 0, 1 };

/* A policy of a 64 GiB host without a file. */
static struct policy
defaults(void)
{
	struct policy p;

	policy_defaults(&p, 64 * GIB);
	return p;
}

/* Adds a rule of one value. */
static void
rule(struct policy *p, enum policy_whose whose, uint32_t id, const char *name,
    enum policy_limit limit, uint64_t value)
{
	struct policy_rule *r = &p->rules[p->nrules++];

	memset(r, 0, sizeof(*r));
	r->whose = whose;
	r->id = id;
	(void)strcpy(r->name, name);
	r->has = 1U << limit;
	r->value[limit] = value;
}

/* The answer to one question, with the same in use by all and by him. */
static enum policy_answer
ask(const struct policy *p, const struct policy_who *who, uint64_t machines,
    uint64_t cpus, uint64_t used, uint64_t memory, int64_t vcpus, char *text)
{
	struct policy_use use = { machines, cpus, used };
	struct policy_ask a = { memory, vcpus };

	return policy_admit(p, who, &use, &use, &a, text);
}

ATF_TC_WITHOUT_HEAD(built_in);
ATF_TC_BODY(built_in, tc)
{
	char text[POLICY_TEXT_MAX];
	struct policy p = defaults();

	ATF_CHECK_EQ(POLICY_OK, ask(&p, &bob, 127, 0, 0, 2 * MIB, 256, text));
	ATF_CHECK_EQ(POLICY_MACHINES, ask(&p, &bob, 128, 0, 0, 2 * MIB, 1,
	    text));
	ATF_CHECK_STREQ("machine limit of all users together reached: 128 of "
	    "128 in use, 1 asked for", text);
	ATF_CHECK_EQ(POLICY_OK, ask(&p, &bob, 0, 0, 0, 4 * GIB, 1, text));
	ATF_CHECK_EQ(POLICY_MEMORY, ask(&p, &bob, 0, 0, 0, 4 * GIB + 4096, 1,
	    text));
	ATF_CHECK_EQ(POLICY_MEMORY, ask(&p, &bob, 0, 0, 0, 5 * 1024 * GIB, 1,
	    text));
	ATF_CHECK_STREQ("memory limit of a machine of each user is 4G: 5T "
	    "asked for", text);
	ATF_CHECK_EQ(POLICY_MEMORY, ask(&p, &bob, 0, 0, 0, UINT64_MAX - 4095,
	    1, text));
}

ATF_TC_WITHOUT_HEAD(nonsense);
ATF_TC_BODY(nonsense, tc)
{
	char text[POLICY_TEXT_MAX];
	struct policy p = defaults();

	ATF_CHECK_EQ(POLICY_BAD_VCPUS, ask(&p, &bob, 0, 0, 0, 2 * MIB, 0,
	    text));
	ATF_CHECK_STREQ("vcpus must be 1 to 256, not 0", text);
	ATF_CHECK_EQ(POLICY_BAD_VCPUS, ask(&p, &bob, 0, 0, 0, 2 * MIB, 257,
	    text));
	ATF_CHECK_EQ(POLICY_BAD_VCPUS, ask(&p, &bob, 0, 0, 0, 2 * MIB, -1,
	    text));
	ATF_CHECK_EQ(POLICY_BAD_MEMORY, ask(&p, &bob, 0, 0, 0, 0, 1, text));
	ATF_CHECK_EQ(POLICY_BAD_MEMORY, ask(&p, &bob, 0, 0, 0, 3 * 1024, 1,
	    text));
	ATF_CHECK_STREQ("memory 3K is less than the least, 2M", text);
	ATF_CHECK_EQ(POLICY_BAD_MEMORY, ask(&p, &bob, 0, 0, 0, 2 * MIB + 1, 1,
	    text));
	ATF_CHECK_STREQ("memory 2097153 is not a multiple of 4K", text);
}

ATF_TC_WITHOUT_HEAD(sums);
ATF_TC_BODY(sums, tc)
{
	char text[POLICY_TEXT_MAX];
	struct policy p = defaults();
	uint64_t total = p.all.memory;

	ATF_CHECK(total <= 48 * GIB && total > 47 * GIB);
	ATF_CHECK_EQ(POLICY_OK, ask(&p, &bob, 9, 9, total - GIB, GIB, 1,
	    text));
	ATF_CHECK_EQ(POLICY_MEMORY, ask(&p, &bob, 9, 9, total - GIB,
	    GIB + 4096, 1, text));
	ATF_CHECK_EQ(POLICY_MEMORY, ask(&p, &bob, 9, 9, total + 1, 2 * MIB, 1,
	    text));
	p.all = (struct policy_use){ 2, 8, 12 * MIB };
	ATF_CHECK_EQ(POLICY_OK, ask(&p, &bob, 1, 4, 8 * MIB, 4 * MIB, 4,
	    text));
	ATF_CHECK_EQ(POLICY_VCPUS, ask(&p, &bob, 1, 4, 8 * MIB, 4 * MIB, 5,
	    text));
	ATF_CHECK_STREQ("vcpu limit of all users together reached: 4 of 8 in "
	    "use, 5 asked for", text);
	ATF_CHECK_EQ(POLICY_MEMORY, ask(&p, &bob, 1, 4, 8 * MIB, 8 * MIB, 4,
	    text));
	ATF_CHECK_STREQ("memory limit of all users together reached: 8M of "
	    "12M in use, 8M asked for", text);
	ATF_CHECK_EQ(POLICY_MACHINES, ask(&p, &bob, 2, 4, 8 * MIB, 4 * MIB, 1,
	    text));
}

ATF_TC_WITHOUT_HEAD(sums_of_a_user);
ATF_TC_BODY(sums_of_a_user, tc)
{
	const struct policy_use all = { 7, 40, 4 * GIB };
	const struct policy_use his = { 2, 6, 64 * MIB };
	struct policy_ask a = { 32 * MIB, 4 };
	char text[POLICY_TEXT_MAX];
	struct policy p = defaults();

	/* What others have does not count against him. */
	p.general[POLICY_USER_MACHINES] = 3;
	p.general[POLICY_USER_VCPUS] = 10;
	p.general[POLICY_USER_MEMORY] = 96 * MIB;
	ATF_CHECK_EQ(POLICY_OK, policy_admit(&p, &alice, &all, &his, &a,
	    text));
	p.general[POLICY_USER_MACHINES] = 2;
	ATF_CHECK_EQ(POLICY_MACHINES, policy_admit(&p, &alice, &all, &his,
	    &a, text));
	ATF_CHECK_STREQ("machine limit of each user reached: 2 of 2 in use, 1 "
	    "asked for", text);
	p.general[POLICY_USER_MACHINES] = 128;
	rule(&p, POLICY_USER, ALICE, "alice", POLICY_USER_VCPUS, 8);
	ATF_CHECK_EQ(POLICY_VCPUS, policy_admit(&p, &alice, &all, &his, &a,
	    text));
	ATF_CHECK_STREQ("vcpu limit of user alice reached: 6 of 8 in use, 4 "
	    "asked for", text);
	ATF_CHECK_EQ(POLICY_OK, policy_admit(&p, &bob, &all, &his, &a, text));
	rule(&p, POLICY_GROUP, STAFF, "staff", POLICY_USER_MEMORY, 95 * MIB);
	ATF_CHECK_EQ(POLICY_MEMORY, policy_admit(&p, &bob, &all, &his, &a,
	    text));
	ATF_CHECK_STREQ("memory limit of each member of group staff reached: "
	    "64M of 95M in use, 32M asked for", text);
	/* A limit lowered below what is in use admits nothing. */
	p.rules[1].value[POLICY_USER_MEMORY] = 0;
	ATF_CHECK_EQ(POLICY_MEMORY, policy_admit(&p, &bob, &all, &his, &a,
	    text));
	/* A user's limit above all users' says nothing. */
	p = defaults();
	p.all.vcpus = 42;
	p.general[POLICY_USER_VCPUS] = 42;
	ATF_CHECK_EQ(POLICY_VCPUS, policy_admit(&p, &bob, &all, &all, &a,
	    text));
	ATF_CHECK_STREQ("vcpu limit of all users together reached: 40 of 42 "
	    "in use, 4 asked for", text);
}

ATF_TC_WITHOUT_HEAD(one_machine);
ATF_TC_BODY(one_machine, tc)
{
	char text[POLICY_TEXT_MAX];
	struct policy p = defaults();

	rule(&p, POLICY_ROLE, 1, "user", POLICY_MACHINE_VCPUS, 4);
	rule(&p, POLICY_USER, ALICE, "alice", POLICY_MACHINE_MEMORY, 8 * MIB);
	ATF_CHECK_EQ(POLICY_OK, ask(&p, &alice, 0, 0, 0, 8 * MIB, 4, text));
	ATF_CHECK_EQ(POLICY_VCPUS, ask(&p, &alice, 0, 0, 0, 8 * MIB, 5, text));
	ATF_CHECK_STREQ("vcpu limit of a machine of each user of role user "
	    "is 4: 5 asked for", text);
	ATF_CHECK_EQ(POLICY_MEMORY, ask(&p, &alice, 0, 0, 0, 9 * MIB, 4,
	    text));
	ATF_CHECK_STREQ("memory limit of a machine of user alice is 8M: 9M "
	    "asked for", text);
	ATF_CHECK_EQ(POLICY_OK, ask(&p, &bob, 0, 0, 0, 9 * MIB, 4, text));
}

/* One user's value of the limit that the case below is about. */
static uint64_t
mine(const struct policy *p, const struct policy_who *who)
{
	struct policy_mine m;

	policy_resolve(p, who, &m);
	return m.value[POLICY_USER_SHARE];
}

ATF_TC_WITHOUT_HEAD(most_specific);
ATF_TC_BODY(most_specific, tc)
{
	const struct policy_who other = { 7, 8, NULL, 0, 2 };
	struct policy p = defaults();

	ATF_CHECK_EQ(POLICY_SHARE_MAX, mine(&p, &alice));
	p.general[POLICY_USER_SHARE] = 10;
	ATF_CHECK_EQ(10, mine(&p, &alice));
	/* Each more specific one wins, whatever its size and place. */
	rule(&p, POLICY_ROLE, 1, "user", POLICY_USER_SHARE, 5);
	ATF_CHECK_EQ(5, mine(&p, &alice));
	ATF_CHECK_EQ(10, mine(&p, &other));
	rule(&p, POLICY_GROUP, STAFF, "staff", POLICY_USER_SHARE, 3);
	ATF_CHECK_EQ(3, mine(&p, &alice));
	ATF_CHECK_EQ(3, mine(&p, &bob));
	rule(&p, POLICY_USER, ALICE, "alice", POLICY_USER_SHARE, 2);
	ATF_CHECK_EQ(2, mine(&p, &alice));
	ATF_CHECK_EQ(3, mine(&p, &bob));
	rule(&p, POLICY_GROUP, WHEEL, "wheel", POLICY_USER_SHARE, 100);
	ATF_CHECK_EQ(2, mine(&p, &alice));
	p.rules[2].has = 0;
	/* Of several groups the most generous, whichever comes first. */
	ATF_CHECK_EQ(100, mine(&p, &alice));
	p.rules[3].value[POLICY_USER_SHARE] = 1;
	ATF_CHECK_EQ(3, mine(&p, &alice));
	/* The primary group counts as well. */
	rule(&p, POLICY_GROUP, GUESTS, "guests", POLICY_USER_SHARE, 4);
	ATF_CHECK_EQ(4, mine(&p, &alice));
	ATF_CHECK_EQ(3, mine(&p, &bob));
	ATF_CHECK_EQ(10, mine(&p, &other));
}

ATF_TC_WITHOUT_HEAD(each_value_by_itself);
ATF_TC_BODY(each_value_by_itself, tc)
{
	struct policy p = defaults();
	struct policy_mine m;

	p.general[POLICY_USER_VCPUS] = 99;
	rule(&p, POLICY_USER, ALICE, "alice", POLICY_USER_MACHINES, 1);
	rule(&p, POLICY_GROUP, STAFF, "staff", POLICY_USER_MACHINES, 2);
	rule(&p, POLICY_GROUP, STAFF, "staff", POLICY_USER_MEMORY, 3);
	policy_resolve(&p, &alice, &m);
	ATF_CHECK_EQ(1, m.value[POLICY_USER_MACHINES]);
	ATF_CHECK_EQ(&p.rules[0], m.rule[POLICY_USER_MACHINES]);
	ATF_CHECK_EQ(3, m.value[POLICY_USER_MEMORY]);
	ATF_CHECK_EQ(&p.rules[2], m.rule[POLICY_USER_MEMORY]);
	ATF_CHECK_EQ(99, m.value[POLICY_USER_VCPUS]);
	ATF_CHECK_EQ(NULL, m.rule[POLICY_USER_VCPUS]);
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

	ATF_TP_ADD_TC(tp, built_in);
	ATF_TP_ADD_TC(tp, nonsense);
	ATF_TP_ADD_TC(tp, sums);
	ATF_TP_ADD_TC(tp, sums_of_a_user);
	ATF_TP_ADD_TC(tp, one_machine);
	ATF_TP_ADD_TC(tp, most_specific);
	ATF_TP_ADD_TC(tp, each_value_by_itself);
	ATF_TP_ADD_TC(tp, sizes);
	return atf_no_error();
}
