/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Test cases as lines of a file, and bytes in hexadecimal.
 */

#ifndef _H_CASES_H_
#define _H_CASES_H_

#include <stddef.h>
#include <stdint.h>

/*
 * Call fn with each line of the test's file that holds a case, and its
 * number. => Fails the test unless there are at least min.
 */
void	h_cases(const char *srcdir, const char *file, unsigned min,
	    void (*fn)(char *line, unsigned number));
/* Bytes from hexadecimal digits; fails the test if they are none. */
size_t	h_hex(const char *, uint8_t *buf, size_t room);

#endif /* _H_CASES_H_ */
