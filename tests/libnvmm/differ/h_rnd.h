/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Numbers at random that a seed reproduces.
 */

#ifndef _H_RND_H_
#define _H_RND_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Begin the sequence of case index under a seed; any index, in any order. */
void	rnd_begin(uint64_t seed, uint64_t index);
/* 64 bits. */
uint64_t rnd(void);
/* Below n, which is not 0. */
unsigned rnd_below(unsigned n);
/* True in so many of 100 calls. */
bool	rnd_percent(unsigned);
/* 64 bits, the values at which carries and signs turn among them. */
uint64_t rnd_value(void);
/* Bytes. */
void	rnd_bytes(void *, size_t);

#endif /* _H_RND_H_ */
