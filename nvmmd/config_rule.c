/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The rules of the policy: whom each is for, and its limits.
 */

#include <stdio.h>
#include <string.h>

#include "config_impl.h"

/* Takes a limit. */
int
config_limit(uint64_t *to, enum policy_limit limit, int64_t value, char *why)
{
	const struct policy_limit_row *row = &policy_limits[limit];

	return config_number(to, value, row->min, row->max, row->size, why);
}

/* Takes whom the rule is for. */
static int
config_rule_subject(struct config_load *load, struct policy_rule *r,
    enum config_rule_key key, const char *name, char *why)
{
	enum proto_privilege role = PROTO_MONITOR;
	uid_t uid = 0;
	gid_t gid = 0;

	load->subjects++;
	if (config_text(r->name, sizeof(r->name), name, why) == -1)
		return -1;
	switch (key) {
	case RULE_ROLE:
		r->whose = POLICY_ROLE;
		if (config_role(name, &role, why) == -1)
			return -1;
		r->id = role;
		return 0;
	case RULE_GROUP:
		r->whose = POLICY_GROUP;
		if (config_group(name, &gid, why) == -1)
			return -1;
		r->id = gid;
		return 0;
	default:
		r->whose = POLICY_USER;
		if (config_user(name, &uid, why) == -1)
			return -1;
		r->id = uid;
		return 0;
	}
}

/* What is wrong with the rule as a whole. */
static int
config_rule_whole(struct config_load *load, const struct policy_rule *r,
    char *why)
{
	const struct policy_rule *other = load->config->policy.rules;
	unsigned subjects = load->subjects;

	load->subjects = 0;
	while (other != r && (other->whose != r->whose || other->id != r->id))
		other++;
	if (subjects != 1)
		(void)snprintf(why, PROTO_WHY_MAX,
		    "must be for one of role, group and user");
	else if (other != r)
		(void)snprintf(why, PROTO_WHY_MAX, "is for whom policy[%u] is",
		    (unsigned)(other - load->config->policy.rules));
	else if (r->has == 0)
		(void)snprintf(why, PROTO_WHY_MAX, "limits nothing");
	else
		return 0;
	return -1;
}

/* One value of the rule of that index, or all of it. */
int
config_rule_set(struct config_load *load, enum config_rule_key key,
    enum policy_limit limit, unsigned index, const struct proto_value *v,
    char *why)
{
	struct policy *p = &load->config->policy;
	struct policy_rule *r;

	if (v == NULL)
		return 0;
	if (index >= POLICY_RULES_MAX) {
		(void)snprintf(why, PROTO_WHY_MAX, "is one of more than %d",
		    POLICY_RULES_MAX);
		return -1;
	}
	r = &p->rules[index];
	if (index == p->nrules)
		p->nrules++;
	if (key == RULE_WHOLE)
		return config_rule_whole(load, r, why);
	if (key != RULE_LIMIT)
		return config_rule_subject(load, r, key, v->string, why);
	r->has |= 1U << limit;
	return config_limit(&r->value[limit], limit, v->integer, why);
}
