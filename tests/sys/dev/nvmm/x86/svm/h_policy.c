/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * See h_policy.h.
 */

#include "h_policy.h"

uint64_t h_seed;
static uint64_t state;

void
h_random_start(uint64_t seed)
{

	h_seed = seed;
	state = seed;
}

/* The splitmix64 generator. */
uint64_t
h_random64(void)
{
	uint64_t z;

	state += 0x9E3779B97F4A7C15;
	z = state;
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
	return z ^ (z >> 31);
}

unsigned
h_random(unsigned n)
{

	return (unsigned)(h_random64() % n);
}

void
hosted_assert_failed(const char *expr, const char *file, int line)
{

	atf_tc_fail("seed %#jx: %s:%d: assertion failed: %s",
	    (uintmax_t)h_seed, file, line, expr);
}
