/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A share of run time, kept by a bucket of credit: it fills with time, at so
 * many percent of one processor, and is emptied by what was used. What was
 * used beyond it stays owed, so that the share is exact in the long run however
 * coarse the looks at it are. Times are in nanoseconds.
 */

#ifndef _SHARE_H_
#define _SHARE_H_

#include <stdbool.h>
#include <stdint.h>

/* What nobody used is good for so long. */
#define SHARE_WINDOW	200000000

struct share {
	unsigned percent;		/* 0: no limit */
	int64_t credit;
	uint64_t when;			/* it was filled last */
};

/*
 * A share from now on. What one that was owes is paid in the same time as
 * before.
 */
void	share_set(struct share *, unsigned percent, uint64_t now);
void	share_use(struct share *, uint64_t ns);
/* Fills it. Returns whether there is credit. */
bool	share_fill(struct share *, uint64_t now);
/* How long the credit lasts if that many processors use it. */
uint64_t share_lasts(const struct share *, unsigned cpus);
/* Is there nothing to be remembered of it? */
bool	share_full(const struct share *);

#endif /* _SHARE_H_ */
