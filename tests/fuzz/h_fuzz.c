/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the targets share.
 */

#include <sys/mman.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h_fuzz.h"

void
fuzz_take(struct fuzz_input *in, void *buf, size_t n)
{
	size_t k = n < in->left ? n : in->left;

	memset(buf, 0, n);
	if (k == 0)
		return;
	memcpy(buf, in->p, k);
	in->p += k;
	in->left -= k;
}

uint8_t
fuzz_byte(struct fuzz_input *in)
{
	uint8_t byte;

	fuzz_take(in, &byte, sizeof(byte));
	return byte;
}

uint64_t
fuzz_u64(struct fuzz_input *in)
{
	uint64_t val;

	fuzz_take(in, &val, sizeof(val));
	return val;
}

uint8_t *
fuzz_tight(const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n != 0 ? n : 1);

	FUZZ_CHECK(copy != NULL);
	if (n != 0)
		memcpy(copy, p, n);
	return copy;
}

int
fuzz_file(const uint8_t *p, size_t n)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	FUZZ_CHECK(fd != -1);
	FUZZ_CHECK(write(fd, p, n) == (ssize_t)n);
	FUZZ_CHECK(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

void
fuzz_failed(const char *what, const char *file, int line)
{

	fprintf(stderr, "%s:%d: %s does not hold\n", file, line, what);
	abort();
}
