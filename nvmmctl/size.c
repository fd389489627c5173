/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Numbers and memory sizes as they are typed: 4096, 3K, 512M, 4G.  Only the
 * form is judged here; how much a machine may have is the daemon's policy.
 */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../nvmmd/proto.h"
#include "nvmmctl.h"

#define PAGE		4096

/* Returns the power of two that a suffix stands for, -1 if it is none. */
static int
size_shift(const char *suffix)
{
	static const char letters[] = "KMGT";
	const char *p;

	if (*suffix == '\0')
		return 0;
	p = strchr(letters, toupper((unsigned char)*suffix));
	if (p == NULL || suffix[1] != '\0')
		return -1;
	return 10 * (int)(p - letters + 1);
}

/* Reads leading digits; returns what follows, NULL if there are none. */
static const char *
digits(const char *text, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return NULL;
	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno != 0)
		*value = UINT64_MAX;
	return end;
}

/* Parses a decimal number.  Returns NULL, or what is wrong with it. */
const char *
number_parse(const char *text, uint64_t *value)
{
	const char *end;

	end = digits(text, value);
	if (end == NULL || *end != '\0')
		return "not a number";
	if (*value > (uint64_t)PROTO_INTEGER_MAX)
		return "too large a number";
	return NULL;
}

/*
 * Parses a memory size into bytes, a positive multiple of the page size.
 * Returns NULL, or what is wrong with it.
 */
const char *
size_parse(const char *text, uint64_t *bytes)
{
	const char *end;
	int shift;

	end = digits(text, bytes);
	shift = (end == NULL) ? -1 : size_shift(end);
	if (shift < 0)
		return "not a size such as 512M or 4G";
	if (*bytes > (uint64_t)PROTO_INTEGER_MAX >> shift)
		return "too large a size";
	*bytes <<= shift;
	if (*bytes == 0)
		return "a machine needs memory";
	if (*bytes % PAGE != 0)
		return "not a multiple of the page size, 4K";
	return NULL;
}
