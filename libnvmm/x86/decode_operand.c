/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The decoder's operands: registers, ModRM and SIB with their displacements,
 * and immediates. AMD APM vol. 3, 1.4 to 1.7.
 */

#include "decode.h"

/* The segment of an operand: the override, or its default. */
static inline uint8_t
mem_segment(const struct x86_decoder *d, unsigned seg)
{

	return d->insn->seg != X86_NOREG ? d->insn->seg : (uint8_t)seg;
}

/* 16-bit forms, APM vol. 3, table A-33. */
static int
mem_16(struct x86_decoder *d, struct x86_mem *mem)
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
		return x86_dec_bytes(d, 2, &mem->disp);
	}
	mem->seg = mem_segment(d, mem->base == NVMM_X64_GPR_RBP ?
	    NVMM_X64_SEG_SS : NVMM_X64_SEG_DS);
	if (d->mod == 0)
		return 0;
	return x86_dec_bytes(d, d->mod == 1 ? 1 : 2, &mem->disp);
}

/* The SIB byte; *nobase: a displacement stands in for the base. */
static int
mem_sib(struct x86_decoder *d, struct x86_mem *mem, bool *nobase)
{
	uint8_t byte, index;
	int error;

	error = x86_dec_byte(d, &byte);
	if (error != 0)
		return error;
	index = ((byte >> 3) & 7) | ((d->rex & REX_X) != 0 ? 8 : 0);
	if (index != NVMM_X64_GPR_RSP) {
		mem->index = index;
		mem->scale = (uint8_t)(1 << (byte >> 6));
	}
	mem->base = (byte & 7) | ((d->rex & REX_B) != 0 ? 8 : 0);
	*nobase = d->mod == 0 && (byte & 7) == 5;
	if (*nobase)
		mem->base = X86_NOREG;
	return 0;
}

/* The displacement of a 32- or 64-bit form. */
static inline int
mem_disp(struct x86_decoder *d, struct x86_mem *mem, bool nobase)
{

	if (d->mod == 1)
		return x86_dec_bytes(d, 1, &mem->disp);
	if (d->mod == 2 || nobase)
		return x86_dec_bytes(d, 4, &mem->disp);
	return 0;
}

/* 32- and 64-bit forms, APM vol. 3, 1.4. */
static int
mem_wide(struct x86_decoder *d, struct x86_mem *mem)
{
	bool nobase = false;
	int error = 0;

	if (d->rm == 4)
		error = mem_sib(d, mem, &nobase);
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
	return mem_disp(d, mem, nobase);
}

/* ModRM.rm as memory. */
static int
operand_mem(struct x86_decoder *d, struct x86_operand *o)
{

	o->kind = X86_KIND_MEM;
	if ((d->row->flags & X86_ROW_SEL) != 0)
		o->size = 2;
	if ((d->row->flags & X86_ROW_HALF) != 0)
		o->size /= 2;
	if (d->insn->addrsize == 2)
		return mem_16(d, &o->mem);
	return mem_wide(d, &o->mem);
}

/* Make a general register of an operand; AH to BH without REX only. */
static int
operand_reg(const struct x86_decoder *d, struct x86_operand *o, unsigned reg)
{

	o->kind = X86_KIND_REG;
	o->reg = (uint8_t)reg;
	if (o->size == 1 && !d->has_rex && reg >= 4 && reg < 8) {
		o->reg = (uint8_t)(reg - 4);
		o->shift = 8;
	}
	return 0;
}

/* ModRM.rm as a register number, ModRM.reg likewise. */
static inline unsigned
modrm_rm(const struct x86_decoder *d)
{

	return d->rm | ((d->rex & REX_B) != 0 ? 8u : 0);
}

static inline unsigned
modrm_reg(const struct x86_decoder *d)
{

	return d->reg | ((d->rex & REX_R) != 0 ? 8u : 0);
}

/* VEX.vvvv as a register number; its top bit is none below 64-bit mode. */
static unsigned
vex_reg(const struct x86_decoder *d)
{

	return d->bits == 64 ? d->vvvv : d->vvvv & 7;
}

/* A register that is not a general one. */
static int
operand_kind(struct x86_operand *o, enum x86_kind kind, unsigned reg)
{

	o->kind = kind;
	o->reg = (uint8_t)reg;
	return 0;
}

/* An XMM or YMM register, or a half of one. */
static int
operand_xmm(const struct x86_decoder *d, struct x86_operand *o, unsigned reg)
{

	if ((d->row->flags & X86_ROW_HIGH) != 0)
		o->shift = 64;
	return operand_kind(o, X86_KIND_XMM, reg);
}

/* A segment register by ModRM.reg or opcode; there are six. */
static int
operand_seg(struct x86_operand *o, unsigned reg)
{

	return reg > NVMM_X64_SEG_GS ? EINVAL :
	    operand_kind(o, X86_KIND_SEG, reg);
}

/* An address within the instruction. */
static int
operand_moffs(struct x86_decoder *d, struct x86_operand *o)
{

	o->kind = X86_KIND_MEM;
	o->mem.seg = mem_segment(d, NVMM_X64_SEG_DS);
	return x86_dec_bytes(d, d->insn->addrsize, &o->mem.disp);
}

/* Memory at a register that the opcode implies. */
static int
operand_at(struct x86_operand *o, unsigned base, uint8_t seg)
{

	o->kind = X86_KIND_MEM;
	o->mem.base = (uint8_t)base;
	o->mem.seg = seg;
	return 0;
}

/* An immediate of n bytes. */
static int
operand_imm(struct x86_decoder *d, struct x86_operand *o, unsigned n)
{
	int64_t val = 0;
	int error;

	o->kind = X86_KIND_IMM;
	error = x86_dec_bytes(d, n, &val);
	o->imm = (uint64_t)val;
	return error;
}

/* Those that name no byte of the instruction. */
static int
operand_implied(struct x86_decoder *d, struct x86_operand *o, uint8_t enc)
{
	uint8_t seg = mem_segment(d, NVMM_X64_SEG_DS);

	switch (enc) {
	case X86_ENC_A:
		o->kind = X86_KIND_REG;
		return 0;
	case X86_ENC_C:
		o->size = 1;
		return operand_kind(o, X86_KIND_REG, NVMM_X64_GPR_RCX);
	case X86_ENC_ONE:
		o->kind = X86_KIND_IMM;
		o->imm = 1;
		return 0;
	case X86_ENC_T:
		return operand_at(o, NVMM_X64_GPR_RBX, seg);
	case X86_ENC_D:
		return operand_at(o, NVMM_X64_GPR_RDI, seg);
	case X86_ENC_X:
		return operand_at(o, NVMM_X64_GPR_RSI, seg);
	case X86_ENC_Y:
		return operand_at(o, NVMM_X64_GPR_RDI, NVMM_X64_SEG_ES);
	default:
		return 0;
	}
}

/* Those in the opcode, in VEX, or behind ModRM. */
static int
operand_other(struct x86_decoder *d, struct x86_operand *o, uint8_t enc)
{

	switch (enc) {
	case X86_ENC_Z:
		return operand_reg(d, o, (d->opcode & 7u) |
		    ((d->rex & REX_B) != 0 ? 8u : 0));
	case X86_ENC_SOP:
		return operand_seg(o, (d->opcode >> 3) & 7);
	case X86_ENC_B:
		return operand_kind(o, X86_KIND_REG, vex_reg(d));
	case X86_ENC_H:
		return d->vex ? operand_xmm(d, o, vex_reg(d)) : 0;
	case X86_ENC_IB:
		return operand_imm(d, o, 1);
	case X86_ENC_IW:
		return operand_imm(d, o, 2);
	case X86_ENC_IZ:
		return operand_imm(d, o, d->insn->opsize == 2 ? 2 : 4);
	case X86_ENC_O:
		return operand_moffs(d, o);
	default:
		return operand_implied(d, o, enc);
	}
}

/* One operand, wherever it is encoded. */
int
x86_dec_operand(struct x86_decoder *d, struct x86_operand *o, uint8_t enc)
{
	bool memory = d->mod != 3;

	switch (enc) {
	case X86_ENC_E:
		return memory ? operand_mem(d, o) :
		    operand_reg(d, o, modrm_rm(d));
	case X86_ENC_G:
		return operand_reg(d, o, modrm_reg(d));
	case X86_ENC_M:
		return memory ? operand_mem(d, o) : EINVAL;
	case X86_ENC_W:
		return memory ? operand_mem(d, o) : ENOTSUP;
	case X86_ENC_U:
		return memory ? EINVAL : operand_xmm(d, o, modrm_rm(d));
	case X86_ENC_N:
		return memory ? EINVAL :
		    operand_kind(o, X86_KIND_MMX, d->rm);
	case X86_ENC_V:
		return operand_xmm(d, o, modrm_reg(d));
	case X86_ENC_P:
		return operand_kind(o, X86_KIND_MMX, d->reg);
	case X86_ENC_S:
		return operand_seg(o, d->reg);
	default:
		return operand_other(d, o, enc);
	}
}
