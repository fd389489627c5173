/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Numbers at random, by splitmix64: each case has a sequence of its own, so
 * that one case is reproduced without those before it.
 */

#include <string.h>

#include "h_rnd.h"

static uint64_t state;

uint64_t
rnd(void)
{
	uint64_t z;

	state += 0x9E3779B97F4A7C15ULL;
	z = state;
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
	return z ^ (z >> 31);
}

void
rnd_begin(uint64_t seed, uint64_t index)
{

	state = seed;
	state = rnd() ^ index;
	state = rnd();
}

unsigned
rnd_below(unsigned n)
{

	return (unsigned)((rnd() >> 32) % n);
}

bool
rnd_percent(unsigned percent)
{

	return rnd_below(100) < percent;
}

uint64_t
rnd_value(void)
{
	static const uint64_t edges[] = { 0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF,
	    0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
	    0x7FFFFFFFFFFFFFFF, 0x8000000000000000, UINT64_MAX - 1,
	    UINT64_MAX };

	if (rnd_percent(35))
		return edges[rnd_below(sizeof(edges) / sizeof(edges[0]))];
	if (rnd_percent(20))
		return rnd() & 0xFF;
	return rnd();
}

void
rnd_bytes(void *buf, size_t n)
{
	uint8_t *p = buf;
	uint64_t val;
	size_t k;

	for (; n > 0; p += k, n -= k) {
		val = rnd();
		k = n < sizeof(val) ? n : sizeof(val);
		memcpy(p, &val, k);
	}
}
