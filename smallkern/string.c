/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The functions that a compiler calls by itself, even without a C library,
 * to copy and to clear structures.
 */

#include <stddef.h>

void	*memcpy(void *, const void *, size_t);
void	*memset(void *, int, size_t);

/* Copies len bytes; returns dst. */
void *
memcpy(void *dst, const void *src, size_t len)
{
	void *d = dst;

	__asm volatile ("rep movsb" : "+D" (d), "+S" (src), "+c" (len)
	    : : "memory");
	return dst;
}

/* Sets len bytes; returns dst. */
void *
memset(void *dst, int c, size_t len)
{
	void *d = dst;

	__asm volatile ("rep stosb" : "+D" (d), "+c" (len) : "a" (c)
	    : "memory");
	return dst;
}
