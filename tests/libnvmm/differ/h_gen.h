/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A case: an instruction, and the registers and memory that it starts from.
 */

#ifndef _H_GEN_H_
#define _H_GEN_H_

#include "h_forms.h"
#include "h_native.h"

#define CASE_BYTES	24		/* more than an instruction can have */
#define CASE_PATCH	64
#define CASE_PATCHES	4

struct patch {
	unsigned offset;		/* in the window */
	uint8_t len;
	uint8_t bytes[CASE_PATCH];
};

struct testcase {
	unsigned bits;
	uint8_t bytes[CASE_BYTES];
	unsigned code_offset;
	uint8_t disp_at, disp_size;	/* in bytes; 0: none */
	struct x86_insn insn;
	int error;			/* of x86_decode() */
	struct native before;
	struct patch patches[CASE_PATCHES];
	unsigned npatches;
	bool pauses;			/* a REP pauses now and then */
	bool swaps;			/* the bus has stores that compare */
};

/* h_insn.c: the bytes, of a form, or any; decoded by the assist's decoder. */
void	gen_insn(struct testcase *, const struct form *);
void	gen_random(struct testcase *);
/* Decode anew, after a change of the bytes. */
void	gen_decode(struct testcase *);

/* h_operands.c: registers and memory for an instruction. */
void	gen_operands(struct testcase *);

#endif /* _H_GEN_H_ */
