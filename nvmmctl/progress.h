/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A line that says what takes so long: on a terminal only, after a second,
 * and gone when it is over.
 */

#ifndef _PROGRESS_H_
#define _PROGRESS_H_

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what;
	double since, told;		/* seconds */
	bool shown;
};

void	progress_begin(struct progress *, const char *);
void	progress_percent(struct progress *, uint64_t, uint64_t);
/* Waits until fd can be read, for ever. */
void	progress_wait(struct progress *, int);
void	progress_end(struct progress *);

#endif /* !_PROGRESS_H_ */
