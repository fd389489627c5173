/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Base64 (RFC 4648, section 4), the form in which console bytes travel when
 * they must arrive exactly.
 */

#include <string.h>

#include "nvmmctl.h"

/* Returns the six bits that a character stands for, -1 if it is not one. */
static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return (c == '/') ? 63 : -1;
}

/*
 * Decodes text into bytes, which must have room for 3 for each 4 characters.
 * Returns false, and nothing useful, if the text is not base64.
 */
bool
base64_decode(const char *text, unsigned char *bytes, size_t *len)
{
	size_t i, n = strlen(text), pad = 0;
	unsigned int acc = 0;
	int v;

	if (n % 4 != 0)
		return false;
	while (pad < 2 && pad < n && text[n - 1 - pad] == '=')
		pad++;
	*len = 0;
	for (i = 0; i < n; i++) {
		v = (i < n - pad) ? base64_value(text[i]) : 0;
		if (v < 0)
			return false;
		acc = acc << 6 | (unsigned int)v;
		if (i % 4 != 3)
			continue;
		bytes[(*len)++] = (unsigned char)(acc >> 16);
		bytes[(*len)++] = (unsigned char)(acc >> 8);
		bytes[(*len)++] = (unsigned char)acc;
		acc = 0;
	}
	*len -= pad;
	return true;
}
