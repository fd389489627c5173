/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Fuzz targets: each takes bytes that nobody vouches for through one parser of
 * such bytes, and aborts where a promise of that room is broken. libFuzzer
 * finds inputs (h_libfuzzer.c), t_replay tries those that are kept.
 */

#ifndef _H_FUZZ_H_
#define _H_FUZZ_H_

#include <stddef.h>
#include <stdint.h>

/* Bytes to take from. */
struct fuzz_input {
	const uint8_t *p;
	size_t left;
};

/* Take n bytes; zeroes when there are no more. */
void	fuzz_take(struct fuzz_input *, void *, size_t n);
uint8_t	fuzz_byte(struct fuzz_input *);
uint64_t fuzz_u64(struct fuzz_input *);
/* A copy of exact size, for the sanitizers to see an overrun; free(3) it. */
uint8_t	*fuzz_tight(const uint8_t *, size_t);
/* A file with the bytes, without a name; close(2) it. */
int	fuzz_file(const uint8_t *, size_t);
/* Abort, with words, unless the condition holds. */
#define FUZZ_CHECK(cond)						\
	((cond) ? (void)0 : fuzz_failed(#cond, __FILE__, __LINE__))
void	fuzz_failed(const char *, const char *, int) __attribute__((noreturn));

/* The targets, each in the file of its name. */
void	fuzz_execute(const uint8_t *, size_t);
void	fuzz_walk(const uint8_t *, size_t);
void	fuzz_elf(const uint8_t *, size_t);
void	fuzz_devices(const uint8_t *, size_t);
void	fuzz_proto(const uint8_t *, size_t);
void	fuzz_config(const uint8_t *, size_t);

#endif /* _H_FUZZ_H_ */
