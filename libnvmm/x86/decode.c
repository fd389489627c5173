/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The instruction decoder: one function per stage of the encoding, AMD APM
 * vol. 3, chapter 1, from bytes to struct x86_insn. It looks at nothing else.
 */

#include <errno.h>
#include <string.h>

#include "optable.h"

#define REX_W	0x8
#define REX_R	0x4
#define REX_X	0x2
#define REX_B	0x1

struct decoder {
	struct x86_insn *insn;
	unsigned bits;			/* 16, 32, 64 */
	const uint8_t *bytes;
	size_t len;
	size_t pos;
	uint8_t rex;
	bool has_rex;
	bool opsize;			/* 66h */
	bool addrsize;			/* 67h */
	uint8_t opcode;
	enum x86_map map;
	const struct x86_row *row;
	uint8_t mod, reg, rm;		/* ModRM, not extended */
	bool has_modrm;
};

/* The next n bytes, little-endian, sign-extended. */
static int
next_bytes(struct decoder *d, unsigned n, int64_t *val)
{
	uint64_t raw = 0;

	if (d->pos + n > X86_INSN_MAX)
		return EINVAL;
	if (d->pos + n > d->len)
		return EMSGSIZE;
	memcpy(&raw, d->bytes + d->pos, n);
	d->pos += n;
	*val = x86_sext(raw, n);
	return 0;
}

/* The next byte. */
static int
next_byte(struct decoder *d, uint8_t *byte)
{
	int64_t val = 0;
	int error;

	error = next_bytes(d, 1, &val);
	*byte = (uint8_t)val;
	return error;
}

/* Note a segment override; four of them mean nothing in 64-bit mode. */
static bool
prefix_segment(struct decoder *d, unsigned seg)
{

	if (d->bits != 64 || seg == NVMM_X64_SEG_FS || seg == NVMM_X64_SEG_GS)
		d->insn->seg = (uint8_t)seg;
	return true;
}

/* Note a legacy prefix; false if the byte is none. */
static bool
prefix_legacy(struct decoder *d, uint8_t byte)
{

	switch (byte) {
	case 0x66: d->opsize = true; return true;
	case 0x67: d->addrsize = true; return true;
	case 0xF0: d->insn->lock = true; return true;
	case 0xF2:
	case 0xF3: d->insn->rep = byte; return true;
	case 0x26: return prefix_segment(d, NVMM_X64_SEG_ES);
	case 0x2E: return prefix_segment(d, NVMM_X64_SEG_CS);
	case 0x36: return prefix_segment(d, NVMM_X64_SEG_SS);
	case 0x3E: return prefix_segment(d, NVMM_X64_SEG_DS);
	case 0x64: return prefix_segment(d, NVMM_X64_SEG_FS);
	case 0x65: return prefix_segment(d, NVMM_X64_SEG_GS);
	default: return false;
	}
}

/* Legacy prefixes, in any order; a REX counts if it is the last. */
static int
stage_prefixes(struct decoder *d)
{
	uint8_t byte;
	int error;

	for (;;) {
		error = next_byte(d, &byte);
		if (error != 0)
			return error;
		if (prefix_legacy(d, byte)) {
			d->has_rex = false;
			continue;
		}
		if (d->bits != 64 || (byte & 0xF0) != 0x40)
			break;
		d->has_rex = true;
		d->rex = byte & 0x0F;
	}
	if (!d->has_rex)
		d->rex = 0;
	d->opcode = byte;
	return 0;
}

/* The opcode's bytes, one to three of them. */
static int
stage_opcode(struct decoder *d)
{
	int error;

	d->map = X86_MAP_1;
	if (d->opcode == 0x0F) {
		d->map = X86_MAP_0F;
		error = next_byte(d, &d->opcode);
		if (error != 0)
			return error;
		if (d->opcode == 0x38) {
			d->map = X86_MAP_0F38;
			error = next_byte(d, &d->opcode);
			if (error != 0)
				return error;
		}
	}
	d->row = &x86_rows[d->map][d->opcode];
	return 0;
}

/* The prefix that selects among SSE opcodes. */
static uint8_t
sse_prefix(const struct decoder *d)
{

	if (d->insn->rep != 0)
		return d->insn->rep;
	return d->opsize ? 0x66 : 0;
}

/* True if an operand is encoded in ModRM. */
static bool
enc_in_modrm(uint8_t enc)
{

	return enc >= X86_ENC_E && enc <= X86_ENC_V;
}

/* The ModRM byte, if there is one, and the row that it settles. */
static int
stage_modrm(struct decoder *d)
{
	uint8_t byte;
	int error;

	if ((d->row->flags & X86_ROW_SSE) != 0)
		d->row = x86_sse_row(d->opcode, sse_prefix(d));
	if (d->row == NULL)
		return ENOTSUP;
	if (d->row->group == 0 && !enc_in_modrm(d->row->dst) &&
	    !enc_in_modrm(d->row->src))
		return 0;
	error = next_byte(d, &byte);
	if (error != 0)
		return error;
	d->has_modrm = true;
	d->mod = byte >> 6;
	d->reg = (byte >> 3) & 7;
	d->rm = byte & 7;
	if (d->row->group != 0)
		d->row = &x86_groups[d->row->group][d->reg];
	return 0;
}

/*
 * Operand and address size, APM vol. 3, 1.2.2 and 1.2.3. The 66h that is part
 * of MOVD's opcode says nothing of its size.
 */
static void
stage_sizes(struct decoder *d)
{
	struct x86_insn *insn = d->insn;
	bool wide = (d->row->flags & X86_ROW_D64) != 0;
	bool fixed = (d->row->flags & X86_ROW_MOVD) != 0;

	if (d->bits == 64) {
		insn->addrsize = d->addrsize ? 4 : 8;
		if ((d->rex & REX_W) != 0)
			insn->opsize = 8;
		else if (d->opsize && !fixed)
			insn->opsize = 2;
		else
			insn->opsize = wide ? 8 : 4;
		return;
	}
	insn->addrsize = (d->bits == 16) == d->addrsize ? 4 : 2;
	insn->opsize = fixed || (d->bits == 16) == d->opsize ? 4 : 2;
}

/* The segment of an operand: the override, or its default. */
static uint8_t
mem_segment(const struct decoder *d, unsigned seg)
{

	return d->insn->seg != X86_NOREG ? d->insn->seg : (uint8_t)seg;
}

/* 16-bit forms, APM vol. 3, table A-33. */
static int
mem_16(struct decoder *d, struct x86_mem *mem)
{
	static const struct {
		uint8_t base, index;
	} forms[8] = {
		[0] = { NVMM_X64_GPR_RBX, NVMM_X64_GPR_RSI },
		[1] = { NVMM_X64_GPR_RBX, NVMM_X64_GPR_RDI },
		[2] = { NVMM_X64_GPR_RBP, NVMM_X64_GPR_RSI },
		[3] = { NVMM_X64_GPR_RBP, NVMM_X64_GPR_RDI },
		[4] = { NVMM_X64_GPR_RSI, X86_NOREG },
		[5] = { NVMM_X64_GPR_RDI, X86_NOREG },
		[6] = { NVMM_X64_GPR_RBP, X86_NOREG },
		[7] = { NVMM_X64_GPR_RBX, X86_NOREG },
	};

	mem->base = forms[d->rm].base;
	mem->index = forms[d->rm].index;
	if (d->mod == 0 && d->rm == 6) {
		mem->base = X86_NOREG;
		mem->seg = mem_segment(d, NVMM_X64_SEG_DS);
		return next_bytes(d, 2, &mem->disp);
	}
	mem->seg = mem_segment(d, mem->base == NVMM_X64_GPR_RBP ?
	    NVMM_X64_SEG_SS : NVMM_X64_SEG_DS);
	if (d->mod == 0)
		return 0;
	return next_bytes(d, d->mod == 1 ? 1 : 2, &mem->disp);
}

/* The SIB byte; *nobase: a displacement stands in for the base. */
static int
stage_sib(struct decoder *d, struct x86_mem *mem, bool *nobase)
{
	uint8_t byte, index;
	int error;

	error = next_byte(d, &byte);
	if (error != 0)
		return error;
	index = ((byte >> 3) & 7) | ((d->rex & REX_X) != 0 ? 8 : 0);
	if (index != NVMM_X64_GPR_RSP)
		mem->index = index;
	mem->scale = (uint8_t)(1 << (byte >> 6));
	mem->base = (byte & 7) | ((d->rex & REX_B) != 0 ? 8 : 0);
	*nobase = d->mod == 0 && (byte & 7) == 5;
	if (*nobase)
		mem->base = X86_NOREG;
	return 0;
}

/* The displacement of a 32- or 64-bit form. */
static int
stage_disp(struct decoder *d, struct x86_mem *mem, bool nobase)
{

	if (d->mod == 1)
		return next_bytes(d, 1, &mem->disp);
	if (d->mod == 2 || nobase)
		return next_bytes(d, 4, &mem->disp);
	return 0;
}

/* 32- and 64-bit forms, APM vol. 3, 1.4. */
static int
mem_wide(struct decoder *d, struct x86_mem *mem)
{
	bool nobase = false;
	int error = 0;

	if (d->rm == 4)
		error = stage_sib(d, mem, &nobase);
	else if (d->mod == 0 && d->rm == 5) {
		nobase = true;
		if (d->bits == 64)
			mem->base = NVMM_X64_GPR_RIP;
	} else
		mem->base = d->rm | ((d->rex & REX_B) != 0 ? 8 : 0);
	if (error != 0)
		return error;
	mem->seg = mem_segment(d, mem->base == NVMM_X64_GPR_RSP ||
	    mem->base == NVMM_X64_GPR_RBP ? NVMM_X64_SEG_SS : NVMM_X64_SEG_DS);
	return stage_disp(d, mem, nobase);
}

/* Make a general register of an operand; AH to BH without REX only. */
static void
operand_reg(const struct decoder *d, struct x86_operand *o, unsigned reg)
{

	o->kind = X86_KIND_REG;
	o->reg = (uint8_t)reg;
	if (o->size == 1 && !d->has_rex && reg >= 4 && reg < 8) {
		o->reg = (uint8_t)(reg - 4);
		o->shift = 8;
	}
}

/* ModRM.rm, a register or memory. */
static int
operand_rm(struct decoder *d, struct x86_operand *o)
{

	if (d->mod == 3) {
		operand_reg(d, o, d->rm | ((d->rex & REX_B) != 0 ? 8u : 0));
		return 0;
	}
	o->kind = X86_KIND_MEM;
	if (d->insn->addrsize == 2)
		return mem_16(d, &o->mem);
	return mem_wide(d, &o->mem);
}

/* An address within the instruction. */
static int
operand_moffs(struct decoder *d, struct x86_operand *o)
{

	o->kind = X86_KIND_MEM;
	o->mem.seg = mem_segment(d, NVMM_X64_SEG_DS);
	return next_bytes(d, d->insn->addrsize, &o->mem.disp);
}

/* A string's operand. */
static int
operand_string(struct x86_operand *o, unsigned base, uint8_t seg)
{

	o->kind = X86_KIND_MEM;
	o->mem.base = (uint8_t)base;
	o->mem.seg = seg;
	return 0;
}

/* An immediate of n bytes. */
static int
stage_imm(struct decoder *d, struct x86_operand *o, unsigned n)
{
	int64_t val = 0;
	int error;

	o->kind = X86_KIND_IMM;
	error = next_bytes(d, n, &val);
	o->imm = (uint64_t)val;
	return error;
}

/* One operand, wherever it is encoded. */
static int
stage_operand(struct decoder *d, struct x86_operand *o, uint8_t enc)
{
	unsigned reg = d->reg | ((d->rex & REX_R) != 0 ? 8u : 0);

	switch (enc) {
	case X86_ENC_M:
		return d->mod == 3 ? ENOTSUP : operand_rm(d, o);
	case X86_ENC_E:
		return operand_rm(d, o);
	case X86_ENC_G:
		operand_reg(d, o, reg);
		return 0;
	case X86_ENC_V:
		o->kind = X86_KIND_XMM;
		o->reg = (uint8_t)reg;
		return 0;
	case X86_ENC_A:
		o->kind = X86_KIND_REG;
		return 0;
	case X86_ENC_IB:
		return stage_imm(d, o, 1);
	case X86_ENC_IZ:
		return stage_imm(d, o, d->insn->opsize == 2 ? 2 : 4);
	case X86_ENC_O:
		return operand_moffs(d, o);
	case X86_ENC_X:
		return operand_string(o, NVMM_X64_GPR_RSI,
		    mem_segment(d, NVMM_X64_SEG_DS));
	case X86_ENC_Y:
		return operand_string(o, NVMM_X64_GPR_RDI, NVMM_X64_SEG_ES);
	default:
		return 0;
	}
}

/* Both operands' sizes, then the operands. */
static int
stage_operands(struct decoder *d)
{
	struct x86_insn *insn = d->insn;
	unsigned size;
	int error;

	size = d->row->size != 0 ? d->row->size : insn->opsize;
	if ((d->row->flags & X86_ROW_DOUBLE) != 0)
		size = size == 8 ? 16 : 8;
	insn->dst.size = (uint8_t)size;
	insn->src.size = (uint8_t)size;
	if (d->row->ssize != 0 && d->row->ssize < size)
		insn->src.size = d->row->ssize;
	error = stage_operand(d, &insn->dst, d->row->dst);
	if (error == 0)
		error = stage_operand(d, &insn->src, d->row->src);
	return error;
}

/* What is left to refuse once everything is known. */
static int
stage_check(const struct decoder *d)
{
	const struct x86_insn *insn = d->insn;

	if (insn->lock && ((d->row->flags & X86_ROW_LOCK) == 0 ||
	    insn->dst.kind != X86_KIND_MEM))
		return EINVAL;
	return 0;
}

/* True if the row cannot be meant under these prefixes in this mode. */
static bool
row_refused(const struct decoder *d)
{

	if (d->row->op == X86_OP_UNKNOWN)
		return true;
	if ((d->row->flags & X86_ROW_LONG) != 0 && d->bits != 64)
		return true;
	return d->map == X86_MAP_0F38 && d->insn->rep != 0;
}

/* From the opcode on. */
static int
decode_rest(struct decoder *d)
{
	int error;

	error = stage_modrm(d);
	if (error != 0)
		return error;
	if (row_refused(d))
		return ENOTSUP;
	d->insn->op = d->row->op;
	d->insn->cond = d->opcode & 0x0F;
	d->insn->aligned = (d->row->flags & X86_ROW_ALIGN) != 0;
	stage_sizes(d);
	error = stage_operands(d);
	if (error == 0)
		error = stage_check(d);
	d->insn->len = (uint8_t)d->pos;
	return error;
}

/* An instruction in which nothing is said yet. */
static void
insn_init(struct x86_insn *insn)
{
	static const struct x86_mem mem = {
		.base = X86_NOREG, .index = X86_NOREG, .scale = 1,
	};

	memset(insn, 0, sizeof(*insn));
	insn->seg = X86_NOREG;
	insn->dst.mem = mem;
	insn->src.mem = mem;
}

int
x86_decode(struct x86_insn *insn, unsigned bits, const uint8_t *bytes,
    size_t len)
{
	struct decoder d = {
		.insn = insn, .bits = bits, .bytes = bytes, .len = len,
	};
	int error;

	insn_init(insn);
	error = stage_prefixes(&d);
	if (error == 0)
		error = stage_opcode(&d);
	if (error == 0)
		error = decode_rest(&d);
	return error;
}
