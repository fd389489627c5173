/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The guest's time-stamp counter: see svm_tsc.h.
 */

#include "x86/svm/svm_tsc.h"

void
svm_tsc_set(struct svm_tsc *tsc, uint64_t value, uint64_t now)
{

	tsc->offset = value - now;
	tsc->last = value;
}

uint64_t
svm_tsc_get(const struct svm_tsc *tsc, uint64_t now)
{

	return now + tsc->offset;
}

void
svm_tsc_stop(struct svm_tsc *tsc, uint64_t now)
{

	tsc->last = svm_tsc_get(tsc, now);
}

/*
 * The comparison is of a distance: counters wrap around, and a guest may have
 * set its own near the end.
 */
void
svm_tsc_move(struct svm_tsc *tsc, uint64_t now)
{

	if ((int64_t)(svm_tsc_get(tsc, now) - tsc->last) < 0)
		tsc->offset = tsc->last - now;
}
