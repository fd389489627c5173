/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The instruction decoder: one function per stage of the encoding, AMD APM
 * vol. 3, chapter 1, from bytes to struct x86_insn. It looks at nothing else.
 */

#include "decode.h"

/* The ModRM byte, if there is one, and the row that it settles. */
static int
stage_modrm(struct x86_decoder *d)
{
	uint8_t byte;
	int error;

	if ((d->row->flags & X86_ROW_MODRM) == 0)
		return 0;
	error = x86_dec_byte(d, &byte);
	if (error != 0)
		return error;
	d->mod = byte >> 6;
	d->reg = (byte >> 3) & 7;
	d->rm = byte & 7;
	if (d->row->group != 0)
		d->row = &x86_groups[d->row->group][d->reg];
	return 0;
}

/* What the row and VEX say of each other; APM vol. 4, 1.1. */
static int
check_vex(const struct x86_decoder *d)
{
	uint8_t vex = d->row->vex;

	if (!d->vex)
		return (vex & X86_VEX_ONLY) != 0 ? ENOTSUP : 0;
	if (vex == 0 || (d->mod == 3 && (d->row->dst == X86_ENC_W ||
	    d->row->src == X86_ENC_W)))
		return ENOTSUP;
	if ((vex & X86_VEX_VVVV) == 0 && d->vvvv != 0)
		return EINVAL;
	if ((vex & X86_VEX_W0) != 0 && d->vex_w)
		return EINVAL;
	if (d->vex_l)
		return (vex & (X86_VEX_256 | X86_VEX_L1 | X86_VEX_LIG)) != 0 ?
		    0 : EINVAL;
	return (vex & X86_VEX_L1) != 0 ? EINVAL : 0;
}

/* Whether the row can be meant in this mode and with these prefixes. */
static int
check_row(const struct x86_decoder *d, uint16_t flags)
{

	if (d->row->op == X86_OP_UNKNOWN)
		return ENOTSUP;
	if (d->row->op == X86_OP_UD)
		return EINVAL;
	if ((flags & X86_ROW_LONG) != 0 && d->bits != 64)
		return ENOTSUP;
	if ((flags & X86_ROW_NO64) != 0 && d->bits == 64)
		return EINVAL;
	if ((d->row->vex | d->vex) == 0)
		return 0;
	return check_vex(d);
}

/*
 * Operand and address size, APM vol. 3, 1.2.2 and 1.2.3. The 66h that is part
 * of MOVD's opcode says nothing of its size.
 */
static inline void
stage_sizes(struct x86_decoder *d)
{
	struct x86_insn *insn = d->insn;
	bool narrow = d->opsize && (d->row->flags & X86_ROW_MOVD) == 0;

	if (d->bits == 64) {
		insn->addrsize = d->addrsize ? 4 : 8;
		if ((d->rex & REX_W) != 0)
			insn->opsize = 8;
		else if (narrow)
			insn->opsize = 2;
		else
			insn->opsize =
			    (d->row->flags & X86_ROW_D64) != 0 ? 8 : 4;
		return;
	}
	insn->addrsize = (d->bits == 16) == d->addrsize ? 4 : 2;
	if ((d->row->flags & X86_ROW_MOVD) != 0 || d->vex)
		insn->opsize = 4;
	else
		insn->opsize = (d->bits == 16) == d->opsize ? 4 : 2;
}

/* The size of both operands, where they have one. */
static inline unsigned
row_size(const struct x86_decoder *d)
{
	unsigned size = d->row->size;

	if (d->vex_l && (d->row->vex & (X86_VEX_256 | X86_VEX_L1)) != 0)
		return 32;
	if (size != 0)
		return size;
	size = d->insn->opsize;
	if ((d->row->flags & X86_ROW_DOUBLE) != 0)
		return size == 8 ? 16 : 8;
	if ((d->row->flags & X86_ROW_MAX4) != 0 && size == 8)
		return 4;
	return size;
}

/* The operands' sizes, then the operands. */
static int
stage_operands(struct x86_decoder *d)
{
	const struct x86_row *row = d->row;
	struct x86_insn *insn = d->insn;
	unsigned size = row_size(d);
	int error;

	insn->dst.size = insn->src.size = insn->third.size = (uint8_t)size;
	if (row->ssize != 0)
		insn->src.size = row->ssize;
	if (row->op == X86_OP_CRC32 && size == 2)
		insn->dst.size = 4;
	if ((row->flags & X86_ROW_DOUBLE) != 0)
		insn->aligned = size == 16;
	error = x86_dec_operand(d, &insn->dst, row->dst);
	if (error == 0 && row->src != X86_ENC_NONE)
		error = x86_dec_operand(d, &insn->src, row->src);
	if (error == 0 && row->third != X86_ENC_NONE)
		error = x86_dec_operand(d, &insn->third, row->third);
	if (error == 0 && (row->flags & X86_ROW_IMM8) != 0)
		error = x86_dec_byte(d, &insn->sel);
	return error;
}

/* The row's own words. */
static inline void
stage_insn(struct x86_decoder *d)
{
	const struct x86_row *row = d->row;
	struct x86_insn *insn = d->insn;

	insn->op = row->op;
	insn->unit = row->unit;
	if (d->vex && row->unit == X86_UNIT_SSE)
		insn->unit = X86_UNIT_AVX;
	insn->cond = d->opcode & 0x0F;
	insn->aligned = (row->flags & (d->vex ? X86_ROW_ALIGN :
	    X86_ROW_ALIGN | X86_ROW_ALIGN1)) != 0;
}

/* From the row on. */
static int
decode_row(struct x86_decoder *d)
{
	uint16_t flags = d->row->flags;
	int error;

	error = stage_modrm(d);
	if (error == 0)
		error = check_row(d, flags | d->row->flags);
	if (error != 0)
		return error;
	stage_insn(d);
	stage_sizes(d);
	error = stage_operands(d);
	if (error == 0 && d->insn->lock &&
	    ((d->row->flags & X86_ROW_LOCK) == 0 ||
	    d->insn->dst.kind != X86_KIND_MEM))
		error = EINVAL;
	return error;
}

/* An instruction of which nothing is known yet. */
static const struct x86_insn insn_none = {
	.seg = X86_NOREG,
	.dst = { .mem = { .base = X86_NOREG, .index = X86_NOREG, .scale = 1 } },
	.src = { .mem = { .base = X86_NOREG, .index = X86_NOREG, .scale = 1 } },
};

int
x86_decode(struct x86_insn *insn, unsigned bits, const uint8_t *bytes,
    size_t len)
{
	struct x86_decoder d = {
		.insn = insn, .bits = bits, .bytes = bytes,
		.avail = len < X86_INSN_MAX ? (unsigned)len : X86_INSN_MAX,
	};
	int error;

	*insn = insn_none;
	error = x86_dec_prefixes(&d);
	if (error == 0)
		error = x86_dec_opcode(&d);
	if (error == 0)
		error = decode_row(&d);
	insn->len = (uint8_t)d.pos;
	return error;
}
