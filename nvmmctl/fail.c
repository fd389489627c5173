/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * One-line errors.  Their text may carry what a user or another machine's
 * owner chose, so control characters never reach the terminal.
 */

#include <stdarg.h>
#include <stdio.h>

#include "nvmmctl.h"

/* Replaces control characters, line ends included, by question marks. */
void
text_clean(char *text)
{
	unsigned char *p;

	for (p = (unsigned char *)text; *p != '\0'; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
}

/* Prints "nvmmctl: ..." on standard error.  Returns the status it is given. */
int
fail(int status, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_clean(text);
	(void)fflush(stdout);
	(void)fprintf(stderr, "nvmmctl: %s\n", text);
	return status;
}
