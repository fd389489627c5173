/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The bucket's arithmetic. Nothing overflows: a fill counts no more time than
 * makes up for what is owed, and a use no more than an hour.
 */

#include "share.h"

#define SHARE_HOUR	UINT64_C(3600000000000)

/* The most credit that there can be. */
static int64_t
share_most(const struct share *s)
{

	return (int64_t)s->percent * (SHARE_WINDOW / 100);
}

/* Sets the rate. */
void
share_set(struct share *s, unsigned percent, uint64_t now)
{

	if (s->percent == 0) {
		s->credit = 0;
		s->when = now;
	} else {
		s->credit = s->credit / s->percent * percent;
	}
	s->percent = percent;
}

/* Takes what was used. */
void
share_use(struct share *s, uint64_t ns)
{

	if (s->percent != 0)
		s->credit -= (int64_t)(ns < SHARE_HOUR ? ns : SHARE_HOUR);
}

/* Adds what time has brought. */
bool
share_fill(struct share *s, uint64_t now)
{
	uint64_t passed = now - s->when, need;

	if (s->percent == 0)
		return true;
	s->when = now;
	/* So much time at most makes it full; then the rest does not count. */
	need = (uint64_t)(share_most(s) - s->credit) / s->percent * 100 + 100;
	if (passed >= need)
		s->credit = share_most(s);
	else
		s->credit += (int64_t)(passed * s->percent / 100);
	if (s->credit > share_most(s))
		s->credit = share_most(s);
	return s->credit > 0;
}

/* Until then it cannot be used up. */
uint64_t
share_lasts(const struct share *s, unsigned cpus)
{

	if (s->percent == 0)
		return SHARE_HOUR;
	return s->credit > 0 ? (uint64_t)s->credit / cpus : 0;
}

/* Neither owes it, nor has it used anything for a while. */
bool
share_full(const struct share *s)
{

	return s->percent == 0 || s->credit >= share_most(s);
}
