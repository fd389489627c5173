/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The rules of restarting. A guest that dies again and again right after its
 * start would keep the host busy for nothing, so pauses grow and have an end.
 */

#include <string.h>

#include "restart.h"

const char *const restart_names[RESTART_NPOLICIES] = {
	[RESTART_NEVER] = "never",
	[RESTART_ON_FAILURE] = "on-failure",
	[RESTART_ALWAYS] = "always",
};

/* The policy of that name. */
int
restart_parse(const char *name, enum restart_policy *policy)
{
	unsigned i;

	for (i = 0; i < RESTART_NPOLICIES; i++) {
		if (strcmp(restart_names[i], name) == 0) {
			*policy = (enum restart_policy)i;
			return 0;
		}
	}
	return -1;
}

/* One end, and what follows from it. */
enum restart_answer
restart_decide(struct restart *r, bool good, uint64_t ran_ms,
    unsigned *delay_ms)
{

	if (r->policy == RESTART_NEVER ||
	    (r->policy == RESTART_ON_FAILURE && good))
		return RESTART_NO;
	if (ran_ms >= RESTART_GOOD_MS)
		r->quick = 0;
	else
		r->quick++;
	if (r->quick >= RESTART_QUICK_MAX)
		return RESTART_GIVE_UP;
	*delay_ms = RESTART_DELAY_MS << r->quick;
	r->total++;
	return RESTART_AFTER;
}
