/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Times on the command line: whole seconds, which the protocol has in
 * milliseconds.
 */

#include <limits.h>

#include "nvmmctl.h"

/* Gives the option's time in milliseconds; what is wrong has been printed. */
int
seconds_parse(const char *option, const char *text, uint64_t *ms)
{
	const char *wrong;

	wrong = number_parse(text, ms);
	if (wrong == NULL && *ms > INT_MAX / 1000)
		wrong = "too long a time";
	if (wrong != NULL)
		return fail(CTL_USAGE, "%s %s: %s", option, text, wrong);
	*ms *= 1000;
	return CTL_OK;
}
