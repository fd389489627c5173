/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The progress line, on standard error.
 */

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "nvmmctl.h"
#include "progress.h"

#define PROGRESS_AFTER	1.0	/* seconds */
#define PROGRESS_EVERY	0.5

void
progress_begin(struct progress *p, const char *what)
{
	p->what = what;
	p->since = p->told = clock_seconds();
	p->shown = false;
}

/* Tells whether the line is due again. */
static bool
progress_due(struct progress *p)
{
	double now = clock_seconds();

	if (now - p->since < PROGRESS_AFTER || now - p->told < PROGRESS_EVERY ||
	    !isatty(STDERR_FILENO))
		return false;
	p->told = now;
	p->shown = true;
	return true;
}

void
progress_percent(struct progress *p, uint64_t done, uint64_t size)
{
	if (progress_due(p))
		(void)fprintf(stderr, "\r%s: %.0f%%", p->what, size == 0 ? 0 :
		    100.0 * (double)done / (double)size);
}

void
progress_wait(struct progress *p, int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	while (poll(&pfd, 1, (int)(PROGRESS_EVERY * 1000)) == 0) {
		if (progress_due(p))
			(void)fprintf(stderr, "\r%s: %.0f s", p->what,
			    p->told - p->since);
	}
}

void
progress_end(struct progress *p)
{
	if (p->shown)
		(void)fprintf(stderr, "\r\033[K");
}
