/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Is a machine that has ended started again, and when? The history goes in
 * and comes out changed, with the answer; nothing else is remembered here.
 */

#ifndef _RESTART_H_
#define _RESTART_H_

#include <stdbool.h>
#include <stdint.h>

/* A run that lasted that long was a good one. */
#define RESTART_GOOD_MS		10000
/* So many runs in a row that were not, and it is left alone. */
#define RESTART_QUICK_MAX	5
/* The first pause before a start; it doubles with each quick end. */
#define RESTART_DELAY_MS	200

enum restart_policy {
	RESTART_NEVER,
	RESTART_ON_FAILURE,		/* and on an exit status other than 0 */
	RESTART_ALWAYS,
	RESTART_NPOLICIES
};
extern const char *const restart_names[RESTART_NPOLICIES];

struct restart {
	enum restart_policy policy;
	unsigned quick;			/* ends in a row soon after the start */
	uint64_t total;			/* starts by the policy */
};

enum restart_answer {
	RESTART_NO,			/* the policy does not want it */
	RESTART_AFTER,			/* start in *delay milliseconds */
	RESTART_GIVE_UP			/* it would, but that leads nowhere */
};

/* Returns -1 if there is no policy of that name. */
int	restart_parse(const char *, enum restart_policy *);
/* good: the guest ended by itself with status 0; ran: for how long. */
enum restart_answer restart_decide(struct restart *, bool good,
	    uint64_t ran_ms, unsigned *delay_ms);

#endif /* _RESTART_H_ */
