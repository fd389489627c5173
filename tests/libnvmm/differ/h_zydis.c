/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Operands of both, matched one by one: each that the decoder names has to be
 * among the disassembler's, hidden ones too, and each that is written in the
 * disassembly has to be the decoder's.
 */

#if __has_include(<Zydis/Zydis.h>)

#include <string.h>

#include "h_zydis.h"

void
zydis_decode(unsigned bits, const uint8_t *bytes, size_t len, struct zydis *z)
{
	static ZydisDecoder decoders[3];
	static bool ready;
	ZydisDecoder *d = &decoders[bits / 32];

	if (!ready) {
		ZydisDecoderInit(&decoders[0], ZYDIS_MACHINE_MODE_LEGACY_16,
		    ZYDIS_STACK_WIDTH_16);
		ZydisDecoderInit(&decoders[1], ZYDIS_MACHINE_MODE_LEGACY_32,
		    ZYDIS_STACK_WIDTH_32);
		ZydisDecoderInit(&decoders[2], ZYDIS_MACHINE_MODE_LONG_64,
		    ZYDIS_STACK_WIDTH_64);
		/* 66h before a near branch makes it 16 bits wide. */
		ZydisDecoderEnableMode(&decoders[2],
		    ZYDIS_DECODER_MODE_AMD_BRANCHES, ZYAN_TRUE);
		ready = true;
	}
	z->taken = ZYAN_SUCCESS(ZydisDecoderDecodeFull(d, bytes, len, &z->insn,
	    z->ops));
}

bool
zydis_has_memory(const struct zydis *z)
{
	unsigned i;

	for (i = 0; i < z->insn.operand_count; i++) {
		if (z->ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    z->ops[i].mem.type == ZYDIS_MEMOP_TYPE_MEM)
			return true;
	}
	return false;
}

/* A general register as the decoder counts them, NOREG if it is none. */
static uint8_t
gpr_number(ZydisRegister reg)
{

	if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP)
		return NVMM_X64_GPR_RIP;
	if (reg == ZYDIS_REGISTER_NONE)
		return X86_NOREG;
	return (uint8_t)ZydisRegisterGetId(reg);
}

/* True if reg is the general register of the operand. */
static bool
is_gpr(const struct x86_operand *o, ZydisRegister reg)
{
	static const ZydisRegister low[] = { [1] = ZYDIS_REGISTER_AL,
	    [2] = ZYDIS_REGISTER_AX, [4] = ZYDIS_REGISTER_EAX,
	    [8] = ZYDIS_REGISTER_RAX };

	if (o->size == 1 && o->shift == 8)
		return reg == (ZydisRegister)(ZYDIS_REGISTER_AH + o->reg);
	if (o->size == 1 && o->reg >= 4)	/* SPL follows BH */
		return reg == (ZydisRegister)(ZYDIS_REGISTER_SPL + o->reg - 4);
	return o->size <= 8 && (o->size & (o->size - 1)) == 0 &&
	    reg == (ZydisRegister)(low[o->size] + o->reg);
}

/* True if reg is the vector or segment register of the operand. */
static bool
is_other(const struct x86_operand *o, ZydisRegister reg)
{
	ZydisRegisterClass class = ZydisRegisterGetClass(reg);

	if (ZydisRegisterGetId(reg) != o->reg)
		return false;
	switch (o->kind) {
	case X86_KIND_XMM:
		return class == (o->size == 32 ? ZYDIS_REGCLASS_YMM :
		    ZYDIS_REGCLASS_XMM);
	case X86_KIND_MMX:
		return class == ZYDIS_REGCLASS_MMX;
	case X86_KIND_SEG:
		return class == ZYDIS_REGCLASS_SEGMENT;
	default:
		return false;
	}
}

/* True if the memory operands are the same. */
static bool
is_memory(const struct x86_operand *o, const ZydisDecodedOperand *z)
{
	const struct x86_mem *m = &o->mem;

	return ZydisRegisterGetId(z->mem.segment) == m->seg &&
	    gpr_number(z->mem.base) == m->base &&
	    gpr_number(z->mem.index) == m->index &&
	    (m->index == X86_NOREG || z->mem.scale == m->scale) &&
	    z->mem.disp.value == m->disp;
}

/*
 * True if the immediates are the same. The decoder extends the sign of all;
 * where there is none the disassembler does not, and the size is what counts.
 */
static bool
is_immediate(const struct x86_operand *o, const ZydisDecodedOperand *z)
{
	unsigned size = z->imm.is_signed ? o->size : z->size / 8u;

	return x86_cut(o->imm, size) == x86_cut(z->imm.value.u, size);
}

/* True if the operand is this one. */
static bool
is_operand(const struct x86_operand *o, const ZydisDecodedOperand *z)
{

	switch (z->type) {
	case ZYDIS_OPERAND_TYPE_REGISTER:
		return o->kind == X86_KIND_REG ? is_gpr(o, z->reg.value) :
		    is_other(o, z->reg.value);
	case ZYDIS_OPERAND_TYPE_MEMORY:
		return o->kind == X86_KIND_MEM && is_memory(o, z);
	case ZYDIS_OPERAND_TYPE_IMMEDIATE:
		return o->kind == X86_KIND_IMM && is_immediate(o, z);
	default:
		return false;
	}
}

/* True if an access is as wide; a line of cache has no width. */
static bool
is_size(const struct x86_operand *o, const ZydisDecodedOperand *z,
    ZydisMnemonic mnemonic)
{

	return o->kind != X86_KIND_MEM || z->size == o->size * 8u ||
	    mnemonic == ZYDIS_MNEMONIC_CLFLUSH ||
	    mnemonic == ZYDIS_MNEMONIC_CLFLUSHOPT ||
	    mnemonic == ZYDIS_MNEMONIC_CLWB;
}

/* Find the operand among those not taken yet; false if it is not there. */
static bool
take_operand(const struct x86_operand *o, const struct zydis *z, bool *taken)
{
	unsigned i;

	if (o->kind == X86_KIND_NONE)
		return true;
	for (i = 0; i < z->insn.operand_count; i++) {
		if (!taken[i] && is_operand(o, &z->ops[i])) {
			taken[i] = true;
			return is_size(o, &z->ops[i], z->insn.mnemonic);
		}
	}
	return false;
}

/* True if it is the immediate beside the operands, the same on either side. */
static bool
is_selector(const struct x86_insn *insn, const ZydisDecodedOperand *z)
{

	return (insn->op == X86_OP_INSERT || insn->op == X86_OP_EXTRACT) &&
	    z->type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
	    z->imm.value.u == insn->sel;
}

/* All operands, of either side. */
static const char *
compare_operands(const struct x86_insn *insn, const struct zydis *z)
{
	bool taken[ZYDIS_MAX_OPERAND_COUNT] = { false };
	unsigned i;

	if (!take_operand(&insn->dst, z, taken))
		return "first operand";
	if (!take_operand(&insn->src, z, taken))
		return "second operand";
	if (!take_operand(&insn->third, z, taken))
		return "third operand";
	for (i = 0; i < z->insn.operand_count_visible; i++) {
		if (!taken[i] && !is_selector(insn, &z->ops[i]) &&
		    z->ops[i].visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT)
			return "an operand that is left out";
	}
	return NULL;
}

/* True if the destination, if it is written in the text, is the first there. */
static bool
in_order(const struct x86_insn *insn, const struct zydis *z)
{
	unsigned i;

	for (i = 0; i < z->insn.operand_count_visible; i++) {
		if (is_operand(&insn->dst, &z->ops[i]))
			return i == 0;
	}
	return true;
}

/* The prefixes that change what an instruction does. */
static const char *
compare_prefixes(const struct x86_insn *insn, const struct zydis *z)
{
	const ZydisInstructionAttributes rep = ZYDIS_ATTRIB_HAS_REP |
	    ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE;
	bool string = insn->op >= X86_OP_MOVS && insn->op <= X86_OP_OUTS;

	if (insn->lock != ((z->insn.attributes & ZYDIS_ATTRIB_HAS_LOCK) != 0))
		return "LOCK";
	if (string &&
	    (insn->rep != 0) != ((z->insn.attributes & rep) != 0))
		return "REP";
	if (zydis_has_memory(z) && insn->addrsize * 8u !=
	    z->insn.address_width)
		return "address size";
	return NULL;
}

const char *
zydis_compare(const struct x86_insn *insn, const struct zydis *z)
{
	const char *what;

	if (insn->len != z->insn.length)
		return "length";
	if (!zydis_is_mnemonic(insn, z->insn.mnemonic))
		return "operation";
	what = compare_prefixes(insn, z);
	if (what == NULL)
		what = compare_operands(insn, z);
	if (what == NULL && !in_order(insn, z))
		what = "order of operands";
	return what;
}

#endif
