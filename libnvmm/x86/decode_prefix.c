/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The decoder's first stages: legacy prefixes, REX and VEX, and the opcode
 * with its map. AMD APM vol. 3, 1.2; VEX: vol. 3, 1.2.8, and vol. 4, 1.1.
 */

#include "decode.h"

/* What a byte is ahead of the opcode. */
enum prefix { PFX_NONE, PFX_SEG, PFX_SEG_FS, PFX_OPSIZE, PFX_ADDRSIZE,
    PFX_LOCK, PFX_REP, PFX_REX };

#define REX4(n)								\
	[(n) + 0] = PFX_REX, [(n) + 1] = PFX_REX, [(n) + 2] = PFX_REX,	\
	[(n) + 3] = PFX_REX

static const uint8_t prefixes[256] = {
	[0x26] = PFX_SEG, [0x2E] = PFX_SEG, [0x36] = PFX_SEG, [0x3E] = PFX_SEG,
	[0x64] = PFX_SEG_FS, [0x65] = PFX_SEG_FS,
	[0x66] = PFX_OPSIZE, [0x67] = PFX_ADDRSIZE,
	[0xF0] = PFX_LOCK, [0xF2] = PFX_REP, [0xF3] = PFX_REP,
	REX4(0x40), REX4(0x44), REX4(0x48), REX4(0x4C),
};

/* Note a legacy prefix. */
static void
prefix_legacy(struct x86_decoder *d, uint8_t byte)
{

	switch (prefixes[byte]) {
	case PFX_SEG:			/* ES CS SS DS, for nothing in 64-bit */
		if (d->bits != 64)
			d->insn->seg = (byte >> 3) & 3;
		break;
	case PFX_SEG_FS:
		d->insn->seg = byte & 0xF;
		break;
	case PFX_OPSIZE:
		d->opsize = true;
		break;
	case PFX_ADDRSIZE:
		d->addrsize = true;
		break;
	case PFX_LOCK:
		d->insn->lock = true;
		break;
	case PFX_REP:
		d->insn->rep = byte;
		break;
	}
}

/* Legacy prefixes, in any order; a REX counts if it is the last. */
int
x86_dec_prefixes(struct x86_decoder *d)
{
	uint8_t byte, kind;
	int error;

	for (;;) {
		error = x86_dec_byte(d, &byte);
		if (error != 0)
			return error;
		kind = prefixes[byte];
		if (kind == PFX_NONE || (kind == PFX_REX && d->bits != 64))
			break;
		d->has_rex = kind == PFX_REX;
		d->rex = kind == PFX_REX ? byte & 0xF : 0;
		if (kind != PFX_REX)
			prefix_legacy(d, byte);
	}
	d->opcode = byte;
	return 0;
}

/*
 * True if C4 or C5 begins a VEX prefix: always in 64-bit mode; else LES and LDS
 * are what it is with memory. *error: there is no byte to tell.
 */
static bool
vex_begins(struct x86_decoder *d, int *error)
{

	*error = 0;
	if ((d->opcode & 0xFE) != 0xC4)
		return false;
	if (d->bits == 64)
		return true;
	if (d->pos >= d->avail) {
		*error = x86_dec_end(d);
		return false;
	}
	return (d->bytes[d->pos] & 0xC0) == 0xC0;
}

/* The byte that ends both forms of VEX: W, not vvvv, L, pp. */
static void
vex_last(struct x86_decoder *d, uint8_t byte)
{

	d->vvvv = (uint8_t)(~byte >> 3) & 0xF;
	d->vex_l = (byte & 4) != 0;
	d->pp = byte & 3;
}

/* The three-byte form's second byte: not R, X, B, and the map. */
static int
vex_map(struct x86_decoder *d, uint8_t byte)
{

	d->map = byte & 0x1F;
	if (d->map < X86_MAP_0F || d->map >= X86_NMAP)
		return EINVAL;
	d->rex = (uint8_t)(~byte >> 5) & (REX_R | REX_X | REX_B);
	return 0;
}

/* The VEX prefix; none goes before it but segments and 67h. */
static int
stage_vex(struct x86_decoder *d)
{
	bool three = d->opcode == 0xC4;
	uint8_t first = 0, last;
	int error;

	if (d->insn->lock || d->opsize || d->insn->rep != 0 || d->has_rex)
		return EINVAL;
	d->vex = true;
	d->map = X86_MAP_0F;
	error = x86_dec_byte(d, &first);
	last = first;
	if (error == 0 && three)
		error = x86_dec_byte(d, &last);
	if (error != 0)
		return error;
	if (!three)
		d->rex = (first & 0x80) != 0 ? 0 : REX_R;
	else
		error = vex_map(d, first);
	d->vex_w = three && (last & 0x80) != 0;
	if (error == 0 && d->vex_w)
		d->rex |= REX_W;
	if (d->bits != 64)
		d->rex = 0;
	vex_last(d, last);
	return error;
}

/* The bytes that lead to a map other than the first. */
static int
stage_escape(struct x86_decoder *d)
{
	int error;

	d->map = X86_MAP_0F;
	error = x86_dec_byte(d, &d->opcode);
	if (error != 0 || (d->opcode & 0xFD) != 0x38)
		return error;
	d->map = d->opcode == 0x38 ? X86_MAP_0F38 : X86_MAP_0F3A;
	return x86_dec_byte(d, &d->opcode);
}

/* The prefix that is part of some opcodes; F2 and F3 go before 66. */
static uint8_t
legacy_pp(const struct x86_decoder *d)
{

	if (d->insn->rep != 0)
		return d->insn->rep == 0xF3 ? X86_PP_F3 : X86_PP_F2;
	return d->opsize ? X86_PP_66 : X86_PP_NONE;
}

/* The map's row of the opcode, and, if that says so, the prefix's. */
static void
stage_row(struct x86_decoder *d)
{
	static const struct x86_row *const maps[X86_NMAP] = {
		[X86_MAP_1] = x86_rows_1,
		[X86_MAP_0F] = x86_rows_0f,
		[X86_MAP_0F38] = x86_rows_0f38,
		[X86_MAP_0F3A] = x86_rows_0f3a,
	};

	d->row = &maps[d->map][d->opcode];
	if ((d->row->flags & X86_ROW_PREFIX) == 0)
		return;
	if (!d->vex)
		d->pp = legacy_pp(d);
	d->row = &x86_prefixed[d->row->group][d->pp];
}

int
x86_dec_opcode(struct x86_decoder *d)
{
	int error;

	if (d->opcode == 0x0F)
		error = stage_escape(d);
	else if (vex_begins(d, &error)) {
		error = stage_vex(d);
		if (error == 0)
			error = x86_dec_byte(d, &d->opcode);
	}
	if (error == 0)
		stage_row(d);
	return error;
}
