/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * How libguest's rooms say what went wrong: an errno and one line of text.
 */

#ifndef _GUEST_ERROR_H_
#define _GUEST_ERROR_H_

#include "guest.h"

/* Fill the error, which may be NULL, and errno. Returns -1. */
int	guest_fail(struct guest_error *, int code, const char *fmt, ...)
	    __attribute__((__format__(__printf__, 3, 4)));

#endif /* _GUEST_ERROR_H_ */
