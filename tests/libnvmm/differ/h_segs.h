/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Segments for generated cases: flat ones, and in 16- and 32-bit code those of
 * an LDT that has every type, limits of both granularities and odd bases.
 */

#ifndef _H_SEGS_H_
#define _H_SEGS_H_

#include <stdbool.h>
#include <stdint.h>

#include "h_native.h"

/* Fill the LDT; false if there is none, and then 32-bit code is flat. */
bool	segs_init(uint64_t seed);
/*
 * Choose all segments, and the modes of the CPU that go with them, for code of
 * bits (16, 32, 64); RIP becomes that of the byte at CODE_BASE + offset.
 */
void	segs_choose(struct nvmm_x64_state *, unsigned bits, unsigned offset);

#endif /* _H_SEGS_H_ */
