/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Errors as values: nothing in libguest prints, it fills a struct guest_error
 * that the caller prints with the words in front that it likes.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "guest_error.h"

/* The error filled, errno set, and -1 to return. */
int
guest_fail(struct guest_error *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err != NULL) {
		err->code = code;
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
	}
	errno = code;
	return -1;
}
