/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Every form of an instruction that the decoder takes, found by asking it
 * about all opcodes: a form that is added there is tested without a word here.
 */

#ifndef _H_FORMS_H_
#define _H_FORMS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "x86.h"

/* How an opcode is reached. */
enum form_map {
	FORM_1, FORM_0F, FORM_0F38, FORM_0F3A,		/* legacy */
	FORM_VEX1, FORM_VEX2, FORM_VEX3,		/* the same by VEX */
	FORM_NMAPS
};

struct form {
	uint8_t map;			/* enum form_map */
	uint8_t opcode;
	uint8_t pp;			/* 1, 2, 3: 66h, F3h, F2h; part of it */
	bool vex_l, vex_w;
	bool vvvv;			/* VEX.vvvv may name a register */
	bool modrm;			/* there is a ModRM byte ... */
	bool mem;			/* ... that names memory, or a register */
	bool any_reg;			/* ModRM.reg is free ... */
	uint8_t reg;			/* ... or this */
	enum x86_op op;
};

#define FORMS_MAX	8192

/* Find the forms of a mode. Returns how many there are. */
size_t	forms_find(struct form *, unsigned bits);
/* The legacy prefix that pp stands for, or 0. */
uint8_t	form_prefix(unsigned pp);
/*
 * The opcode's bytes, a VEX prefix before it: rxb are the bits that extend
 * registers, for VEX alone, vvvv is not inverted. Returns how many there are.
 */
size_t	form_opcode(const struct form *, uint8_t *buf, unsigned rxb,
	    unsigned vvvv);

#endif /* _H_FORMS_H_ */
