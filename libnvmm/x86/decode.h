/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the decoder's files share: an instruction being decoded, and the reader
 * of its bytes.
 */

#ifndef _LIBNVMM_DECODE_H_
#define _LIBNVMM_DECODE_H_

#include <errno.h>
#include <string.h>

#include "optable.h"

#define REX_W	0x8
#define REX_R	0x4
#define REX_X	0x2
#define REX_B	0x1

struct x86_decoder {
	struct x86_insn *insn;
	const uint8_t *bytes;
	unsigned avail;			/* bytes to look at, at most 15 */
	unsigned pos;
	unsigned bits;			/* 16, 32, 64 */
	uint8_t rex;			/* with VEX too */
	bool has_rex;
	bool opsize;			/* 66h */
	bool addrsize;			/* 67h */
	bool vex;
	bool vex_l;
	bool vex_w;			/* in any mode; .rex has it in 64-bit */
	uint8_t vvvv;
	uint8_t pp;			/* enum x86_pp */
	uint8_t map;			/* enum x86_map */
	uint8_t opcode;
	uint8_t mod, reg, rm;		/* ModRM; reg and rm not extended */
	const struct x86_row *row;
};

/* There are no bytes left: too many for an instruction, or too few given. */
static inline int
x86_dec_end(const struct x86_decoder *d)
{

	return d->avail == X86_INSN_MAX ? E2BIG : EMSGSIZE;
}

/* The next byte. */
static inline int
x86_dec_byte(struct x86_decoder *d, uint8_t *byte)
{

	if (d->pos >= d->avail)
		return x86_dec_end(d);
	*byte = d->bytes[d->pos++];
	return 0;
}

/* The next n bytes (1, 2, 4, 8), little-endian, sign-extended. */
static inline int
x86_dec_bytes(struct x86_decoder *d, unsigned n, int64_t *val)
{
	const uint8_t *p = d->bytes + d->pos;
	int16_t word;
	int32_t dword;

	if (n > d->avail - d->pos)
		return x86_dec_end(d);
	d->pos += n;
	switch (n) {
	case 1:
		*val = (int8_t)p[0];
		break;
	case 2:
		memcpy(&word, p, sizeof(word));
		*val = word;
		break;
	case 4:
		memcpy(&dword, p, sizeof(dword));
		*val = dword;
		break;
	default:
		memcpy(val, p, sizeof(*val));
		break;
	}
	return 0;
}

/* decode_prefix.c: prefixes and opcode; sets .row. */
int	x86_dec_prefixes(struct x86_decoder *);
int	x86_dec_opcode(struct x86_decoder *);

/* decode_operand.c: after ModRM and the sizes. */
int	x86_dec_operand(struct x86_decoder *, struct x86_operand *, uint8_t enc);

#endif /* _LIBNVMM_DECODE_H_ */
