/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The memory that instructions work on: a window of pages with different
 * protections, once for the processor, at a low and at a high address, and
 * once as the copy that the executor's bus reaches at the same addresses. In
 * between two cases both hold the same pattern.
 */

#ifndef _H_WINDOW_H_
#define _H_WINDOW_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "x86.h"

#define WINDOW_PAGES	8
#define WINDOW_SIZE	(WINDOW_PAGES * 4096u)
#define WINDOW_LOW	0x10000000ULL
#define WINDOW_HIGH	0x6AAAA0000000ULL
#define CODE_BASE	0x20000000ULL
#define CODE_SIZE	4096u

/* What the executor's bus was asked for. */
struct window_bus {
	struct x86_cpu *cpu;
	bool stray;			/* memory of the test itself */
	bool pauses;			/* a REP pauses now and then */
	bool swaps;			/* locked stores compare */
};

/* Map all; false if the addresses are taken. */
bool	window_init(uint64_t seed);
/* Of a page: NVMM_PROT_READ and WRITE, or none. */
nvmm_prot_t window_prot(unsigned page);
/* Put bytes into both; what goes over the end is left out. */
void	window_patch(unsigned offset, const void *, size_t);
/* Copy bytes out of the processor's. */
void	window_peek(unsigned offset, void *, size_t);
/* Put code at CODE_BASE + offset. */
void	window_code(unsigned offset, const void *, size_t);
/* The executor's bus. */
struct x86_bus window_bus(struct window_bus *);
/* The first offset at which the two differ, or WINDOW_SIZE. */
unsigned window_differs(void);
/* The byte there: of the processor's, and of the copy. */
uint8_t	window_native(unsigned offset);
uint8_t	window_ours(unsigned offset);
/* The pattern again in both; all: wherever it may be gone. */
void	window_reset(bool all);

#endif /* _H_WINDOW_H_ */
