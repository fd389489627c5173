/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Sizes of memory as people write them: 512M, 4G. The parser also holds them
 * against what a guest may have, so that every refusal says what was wrong.
 */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest_error.h"

/* The power of two of a unit letter, with "B" or "iB" allowed behind; or -1. */
static int
size_shift(const char *unit)
{
	static const char letters[] = "KMGT";
	const char *p;

	if (*unit == '\0' || strcmp(unit, "B") == 0)
		return 0;
	p = strchr(letters, toupper((unsigned char)*unit));
	if (p == NULL)
		return -1;
	if (unit[1] != '\0' && strcmp(unit + 1, "B") != 0 &&
	    strcmp(unit + 1, "iB") != 0)
		return -1;
	return 10 * (int)(p - letters + 1);
}

/* The number of bytes that the text says, whatever it is good for. */
static int
size_number(const char *text, uint64_t *sizep, struct guest_error *err)
{
	unsigned long long n;
	char *end;
	int shift;

	errno = 0;
	n = strtoull(text, &end, 10);
	shift = size_shift(end);
	if (!isdigit((unsigned char)text[0]) || shift == -1)
		return guest_fail(err, EINVAL,
		    "%.32s: not a size such as 512M or 4G", text);
	if (errno == ERANGE || n > UINT64_MAX >> shift)
		return guest_fail(err, ERANGE, "%.32s: too large", text);
	*sizep = (uint64_t)n << shift;
	return 0;
}

/* Bytes of guest memory, checked against what a guest may have. */
int
guest_parse_size(const char *text, uint64_t *sizep, struct guest_error *err)
{
	uint64_t size = 0;

	if (size_number(text, &size, err) == -1)
		return -1;
	if (size < GUEST_MEM_MIN)
		return guest_fail(err, EINVAL,
		    "%.32s: less than the least of %lluM", text,
		    GUEST_MEM_MIN >> 20);
	if (size > GUEST_MEM_MAX)
		return guest_fail(err, ERANGE,
		    "%.32s: more than the most of %lluG", text,
		    GUEST_MEM_MAX >> 30);
	if (size % GUEST_MEM_ALIGN != 0)
		return guest_fail(err, EINVAL,
		    "%.32s: not a multiple of %d bytes", text,
		    GUEST_MEM_ALIGN);
	*sizep = size;
	return 0;
}
