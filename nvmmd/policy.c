/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The checks, in the order in which a person would want to hear of them:
 * what no machine can be, then the limits of one machine, of its owner, and of
 * all owners together.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy.h"

const struct policy_limit_row policy_limits[POLICY_NLIMITS] = {
	[POLICY_USER_MACHINES] = { "machines_per_user", false, 0,
	    POLICY_MACHINES_MAX },
	[POLICY_USER_VCPUS] = { "vcpus_per_user", false, 0,
	    POLICY_VCPUS_ALL_MAX },
	[POLICY_USER_MEMORY] = { "memory_per_user", true, 0,
	    POLICY_MEMORY_ALL_MAX },
	[POLICY_USER_SHARE] = { "share_per_user", false, 1,
	    POLICY_SHARE_MAX },
	[POLICY_MACHINE_VCPUS] = { "vcpus_per_machine", false, 1,
	    POLICY_VCPUS_MAX },
	[POLICY_MACHINE_MEMORY] = { "memory_per_machine", true,
	    POLICY_MEMORY_MIN, POLICY_MEMORY_MAX },
	[POLICY_MACHINE_SHARE] = { "share_per_machine", false, 1,
	    POLICY_SHARE_MAX },
};

/* The built-in limits, with the share of RAM for all machines. */
void
policy_defaults(struct policy *p, uint64_t ram)
{
	unsigned i;

	memset(p, 0, sizeof(*p));
	p->all.machines = POLICY_MACHINES_MAX;
	p->all.vcpus = POLICY_VCPUS_ALL_MAX;
	p->all.memory = ram / 100 * POLICY_RAM_DEFAULT;
	p->all.memory -= p->all.memory % (1 << 20);
	for (i = 0; i < POLICY_NLIMITS; i++)
		p->general[i] = policy_limits[i].max;
	p->general[POLICY_MACHINE_MEMORY] = POLICY_MEMORY_DEFAULT;
}

/* Does the rule speak of him? */
static bool
policy_meant(const struct policy_rule *r, const struct policy_who *who)
{
	unsigned i;

	if (r->whose == POLICY_USER)
		return r->id == who->uid;
	if (r->whose == POLICY_ROLE)
		return r->id == who->role;
	for (i = 0; i < who->ngroups; i++) {
		if (who->groups[i] == r->id)
			return true;
	}
	return r->id == who->gid;
}

/* Takes of one rule what is more specific, or of a further group's more. */
static void
policy_apply(const struct policy_rule *r, struct policy_mine *mine)
{
	const struct policy_rule *had;
	unsigned i;

	for (i = 0; i < POLICY_NLIMITS; i++) {
		had = mine->rule[i];
		if ((r->has & 1U << i) == 0 ||
		    (had != NULL && had->whose > r->whose) ||
		    (had != NULL && had->whose == r->whose &&
		    mine->value[i] >= r->value[i]))
			continue;
		mine->rule[i] = r;
		mine->value[i] = r->value[i];
	}
}

/* One user's limits out of all rules. */
void
policy_resolve(const struct policy *p, const struct policy_who *who,
    struct policy_mine *mine)
{
	unsigned i;

	memcpy(mine->value, p->general, sizeof(mine->value));
	memset(mine->rule, 0, sizeof(mine->rule));
	for (i = 0; i < p->nrules; i++) {
		if (policy_meant(&p->rules[i], who))
			policy_apply(&p->rules[i], mine);
	}
}

/* The size in the largest unit that divides it. */
const char *
policy_size(char *buf, uint64_t bytes)
{
	static const char units[] = { '\0', 'K', 'M', 'G', 'T' };
	unsigned unit = 0;

	while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < sizeof(units)) {
		bytes /= 1024;
		unit++;
	}
	(void)snprintf(buf, POLICY_SIZE_MAX, "%" PRIu64 "%.1s", bytes,
	    &units[unit]);
	return buf;
}

/* A value in words. */
static const char *
policy_value(char *buf, bool size, uint64_t value)
{

	if (size)
		return policy_size(buf, value);
	(void)snprintf(buf, POLICY_SIZE_MAX, "%" PRIu64, value);
	return buf;
}

/* Whom the limit was made for. */
const char *
policy_whose_text(char *buf, const struct policy_rule *r)
{

	(void)snprintf(buf, POLICY_WHOSE_MAX, r == NULL ? "each user" :
	    r->whose == POLICY_USER ? "user %s" : r->whose == POLICY_GROUP ?
	    "each member of group %s" : "each user of role %s",
	    r != NULL ? r->name : "");
	return buf;
}

/* Is there such a machine at all? */
static enum policy_answer
policy_sane(const struct policy_ask *ask, char *text)
{
	char a[POLICY_SIZE_MAX], b[POLICY_SIZE_MAX];

	if (ask->memory < POLICY_MEMORY_MIN)
		(void)snprintf(text, POLICY_TEXT_MAX,
		    "memory %s is less than the least, %s",
		    policy_size(a, ask->memory),
		    policy_size(b, POLICY_MEMORY_MIN));
	else if (ask->memory % POLICY_MEMORY_ALIGN != 0)
		(void)snprintf(text, POLICY_TEXT_MAX,
		    "memory %s is not a multiple of %s",
		    policy_size(a, ask->memory),
		    policy_size(b, POLICY_MEMORY_ALIGN));
	else if (ask->vcpus >= 1 && ask->vcpus <= POLICY_VCPUS_MAX)
		return POLICY_OK;
	if (text[0] != '\0')
		return POLICY_BAD_MEMORY;
	(void)snprintf(text, POLICY_TEXT_MAX,
	    "vcpus must be 1 to %d, not %" PRId64, POLICY_VCPUS_MAX,
	    ask->vcpus);
	return POLICY_BAD_VCPUS;
}

/* One limit of a single machine. Returns whether it is kept. */
static bool
policy_machine(const struct policy_mine *mine, enum policy_limit limit,
    const char *what, uint64_t ask, char *text)
{
	const struct policy_rule *rule = mine->rule[limit];
	char a[POLICY_SIZE_MAX], b[POLICY_SIZE_MAX], whose[POLICY_WHOSE_MAX];
	bool size = policy_limits[limit].size;

	if (ask <= mine->value[limit])
		return true;
	(void)snprintf(text, POLICY_TEXT_MAX,
	    "%s limit of a machine of %s is %s: %s asked for", what,
	    policy_whose_text(whose, rule),
	    policy_value(a, size, mine->value[limit]),
	    policy_value(b, size, ask));
	return false;
}

/* One sum. Returns whether there is room for as much as is asked for. */
static bool
policy_room(const char *what, const char *whose, bool size, uint64_t limit,
    uint64_t use, uint64_t ask, char *text)
{
	char a[POLICY_SIZE_MAX], b[POLICY_SIZE_MAX], c[POLICY_SIZE_MAX];

	if (use <= limit && ask <= limit - use)
		return true;
	(void)snprintf(text, POLICY_TEXT_MAX,
	    "%s limit of %s reached: %s of %s in use, %s asked for", what,
	    whose, policy_value(a, size, use), policy_value(b, size, limit),
	    policy_value(c, size, ask));
	return false;
}

/* Room within three limits, of one user or of all. */
static enum policy_answer
policy_sums(const struct policy_use *limit, const struct policy_use *use,
    const char *const whose[3], const struct policy_ask *ask, char *text)
{

	if (!policy_room("machine", whose[0], false, limit->machines,
	    use->machines, 1, text))
		return POLICY_MACHINES;
	if (!policy_room("vcpu", whose[1], false, limit->vcpus, use->vcpus,
	    (uint64_t)ask->vcpus, text))
		return POLICY_VCPUS;
	if (!policy_room("memory", whose[2], true, limit->memory,
	    use->memory, ask->memory, text))
		return POLICY_MEMORY;
	return POLICY_OK;
}

/* A user's limit, unless the one of all is reached before it anyway. */
static uint64_t
policy_below(uint64_t his, uint64_t all)
{

	return his < all ? his : UINT64_MAX;
}

/* Room within the limits of the one who asks. */
static enum policy_answer
policy_user(const struct policy *p, const struct policy_mine *mine,
    const struct policy_use *use, const struct policy_ask *ask, char *text)
{
	const uint64_t *value = mine->value;
	const struct policy_use limit = {
		policy_below(value[POLICY_USER_MACHINES], p->all.machines),
		policy_below(value[POLICY_USER_VCPUS], p->all.vcpus),
		policy_below(value[POLICY_USER_MEMORY], p->all.memory),
	};
	char buf[3][POLICY_WHOSE_MAX];
	const char *const whose[3] = {
		policy_whose_text(buf[0], mine->rule[POLICY_USER_MACHINES]),
		policy_whose_text(buf[1], mine->rule[POLICY_USER_VCPUS]),
		policy_whose_text(buf[2], mine->rule[POLICY_USER_MEMORY]),
	};

	return policy_sums(&limit, use, whose, ask, text);
}

/* The answer to one request for a machine. */
enum policy_answer
policy_admit(const struct policy *p, const struct policy_who *who,
    const struct policy_use *all, const struct policy_use *his,
    const struct policy_ask *ask, char *text)
{
	static const char *const together[3] = {
		"all users together", "all users together",
		"all users together",
	};
	struct policy_mine mine;
	enum policy_answer answer;

	text[0] = '\0';
	policy_resolve(p, who, &mine);
	answer = policy_sane(ask, text);
	if (answer != POLICY_OK)
		return answer;
	if (!policy_machine(&mine, POLICY_MACHINE_VCPUS, "vcpu",
	    (uint64_t)ask->vcpus, text))
		return POLICY_VCPUS;
	if (!policy_machine(&mine, POLICY_MACHINE_MEMORY, "memory",
	    ask->memory, text))
		return POLICY_MEMORY;
	answer = policy_user(p, &mine, his, ask, text);
	if (answer == POLICY_OK)
		answer = policy_sums(&p->all, all, together, ask, text);
	return answer;
}
