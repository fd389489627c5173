/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * One instruction, executed by the processor that the tests run on: in 64-bit
 * mode, or through descriptors of 32- and 16-bit protected mode. Linux on
 * x86-64 alone; elsewhere native_init() says so.
 */

#ifndef _H_NATIVE_H_
#define _H_NATIVE_H_

#include <stdbool.h>
#include <stdint.h>

#include <dev/nvmm/nvmm.h>

/* Selectors that Linux gives every process. */
#define NATIVE_CS32	0x23
#define NATIVE_CS64	0x33
#define NATIVE_DS	0x2B

/* Where an instruction begins and what it leaves. */
struct native {
	struct nvmm_x64_state st;	/* segs, gprs, fpu */
	uint8_t high[16][16];		/* upper halves of the YMM registers */
};

/* The exception that ended it; vector 1, of single-stepping, if none. */
struct native_event {
	unsigned vector;
	uint32_t error;
	uint64_t cr2;
};

#define NATIVE_DONE	1

/*
 * Make ready; false if native code cannot be tested here.
 * => Takes over SIGSEGV, SIGBUS, SIGILL, SIGTRAP and SIGFPE.
 */
bool	native_init(void);
/* True if 16-bit and based segments can be made: modify_ldt(2). */
bool	native_has_ldt(void);
/* True if the YMM registers are there and saved. */
bool	native_has_avx(void);
/* The bits that MXCSR has. */
uint32_t native_mxcsr_mask(void);
/*
 * A segment with DPL 3 in the LDT; its selector is filled in. Any code or
 * data type but conforming code; limit in bytes, as g has it.
 */
bool	native_segment(unsigned index, struct nvmm_x64_state_seg *);
/*
 * Execute what lies at CS:RIP: one instruction, or one item of a REP. Of the
 * segments, selectors are used, and in 64-bit mode the bases of FS and GS.
 */
void	native_step(const struct native *before, struct native *after,
	    struct native_event *);

#endif /* _H_NATIVE_H_ */
