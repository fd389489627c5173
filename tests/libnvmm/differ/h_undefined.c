/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The tables of what is undefined, after AMD APM vol. 3 and Intel SDM vol. 2:
 * where one of them defines what the other does not, and processors of both
 * makers agree, it is compared all the same.
 */

#include "h_undefined.h"

#define CF	X86_FL_CF
#define PF	X86_FL_PF
#define AF	X86_FL_AF
#define ZF	X86_FL_ZF
#define SF	X86_FL_SF
#define OF	X86_FL_OF

/* When a row of the table applies. */
enum when {
	ALWAYS,
	SHIFTED,			/* the masked count is not 0 */
	FAR,				/* it is over 1 */
	BEYOND,				/* it is over the operand's bits */
	ENOUGH				/* it is these, or over */
};

static const struct {
	enum x86_op op;
	enum when when;
	uint64_t flags;
} undefined[] = {
	/* AND, OR, XOR, TEST: "AF is undefined". */
	{ X86_OP_AND, ALWAYS, AF }, { X86_OP_OR, ALWAYS, AF },
	{ X86_OP_XOR, ALWAYS, AF }, { X86_OP_TEST, ALWAYS, AF },
	/* BT and its kin: ZF is AMD's "undefined", Intel's "unaffected". */
	{ X86_OP_BT, ALWAYS, OF | SF | AF | PF },
	{ X86_OP_BTS, ALWAYS, OF | SF | AF | PF },
	{ X86_OP_BTR, ALWAYS, OF | SF | AF | PF },
	{ X86_OP_BTC, ALWAYS, OF | SF | AF | PF },
	/* BSF, BSR: ZF alone. TZCNT, LZCNT: CF and ZF. */
	{ X86_OP_BSF, ALWAYS, CF | OF | SF | AF | PF },
	{ X86_OP_BSR, ALWAYS, CF | OF | SF | AF | PF },
	{ X86_OP_TZCNT, ALWAYS, OF | SF | AF | PF },
	{ X86_OP_LZCNT, ALWAYS, OF | SF | AF | PF },
	/* MUL, IMUL: CF and OF. DIV, IDIV: none. */
	{ X86_OP_MUL, ALWAYS, SF | ZF | AF | PF },
	{ X86_OP_IMULA, ALWAYS, SF | ZF | AF | PF },
	{ X86_OP_IMUL, ALWAYS, SF | ZF | AF | PF },
	{ X86_OP_DIV, ALWAYS, X86_FL_ARITH },
	{ X86_OP_IDIV, ALWAYS, X86_FL_ARITH },
	/* Rotations: OF "is affected only on 1-bit rotates". */
	{ X86_OP_ROL, FAR, OF }, { X86_OP_ROR, FAR, OF },
	{ X86_OP_RCL, FAR, OF }, { X86_OP_RCR, FAR, OF },
	/* Shifts: likewise; AF always; CF if all bits are gone. */
	{ X86_OP_SHL, SHIFTED, AF }, { X86_OP_SHL, FAR, OF },
	{ X86_OP_SHL, ENOUGH, CF },
	{ X86_OP_SHR, SHIFTED, AF }, { X86_OP_SHR, FAR, OF },
	{ X86_OP_SHR, ENOUGH, CF },
	{ X86_OP_SAR, SHIFTED, AF }, { X86_OP_SAR, FAR, OF },
	{ X86_OP_SHLD, SHIFTED, AF }, { X86_OP_SHLD, FAR, OF },
	{ X86_OP_SHRD, SHIFTED, AF }, { X86_OP_SHRD, FAR, OF },
	/* BMI: AF and PF, and of BEXTR SF. */
	{ X86_OP_ANDN, ALWAYS, AF | PF }, { X86_OP_BLSR, ALWAYS, AF | PF },
	{ X86_OP_BLSMSK, ALWAYS, AF | PF }, { X86_OP_BLSI, ALWAYS, AF | PF },
	{ X86_OP_BZHI, ALWAYS, AF | PF },
	{ X86_OP_BEXTR, ALWAYS, AF | PF | SF },
};

/* The count of a shift, masked as the CPU does. */
static unsigned
count_of(const struct testcase *tc)
{
	const struct x86_insn *insn = &tc->insn;
	bool twin = insn->op == X86_OP_SHLD || insn->op == X86_OP_SHRD;
	const struct x86_operand *o = twin ? &insn->third : &insn->src;
	uint64_t count = o->imm;

	if (o->kind == X86_KIND_REG)
		count = tc->before.st.gprs[NVMM_X64_GPR_RCX];
	return count & (insn->dst.size == 8 ? 63 : 31);
}

/* True if a row applies. */
static bool
applies(const struct testcase *tc, enum when when)
{
	unsigned bits = tc->insn.dst.size * 8u;

	switch (when) {
	case SHIFTED:
		return count_of(tc) > 0;
	case FAR:
		return count_of(tc) > 1;
	case BEYOND:
		return count_of(tc) > bits;
	case ENOUGH:
		return count_of(tc) >= bits;
	default:
		return true;
	}
}

uint64_t
undefined_flags(const struct testcase *tc)
{
	uint64_t flags = 0;
	size_t i;

	for (i = 0; i < sizeof(undefined) / sizeof(undefined[0]); i++) {
		if (undefined[i].op == tc->insn.op &&
		    applies(tc, undefined[i].when))
			flags |= undefined[i].flags;
	}
	return flags;
}

/*
 * What AMD's and Intel's processors do differently, and this one does the other
 * way: 66h before near branches in 64-bit mode, ignored by Intel's; and before
 * MOVSXD, where AMD's read 32 bits.
 */
static bool
other_maker(const struct testcase *tc)
{
	const struct x86_insn *insn = &tc->insn;

	if (tc->bits != 64 || insn->opsize != 2)
		return false;
	if (insn->op == X86_OP_MOVSX && insn->src.size == 2)
		return feature_amd();
	return !feature_amd() && (insn->op == X86_OP_CALL ||
	    insn->op == X86_OP_JMP || insn->op == X86_OP_RET);
}

/* SHLD, SHRD of 16 bits by more: "the result is undefined". */
bool
undefined_result(const struct testcase *tc)
{

	return other_maker(tc) || ((tc->insn.op == X86_OP_SHLD ||
	    tc->insn.op == X86_OP_SHRD) && applies(tc, BEYOND));
}

/*
 * BSF, BSR of nothing: AMD's leave the destination as it is; Intel's do so as
 * well, but may clear the upper half for an operand of 32 bits.
 */
uint64_t
undefined_bits(const struct testcase *tc, unsigned reg,
    const struct nvmm_x64_state *after)
{
	const struct x86_insn *insn = &tc->insn;

	if ((insn->op == X86_OP_BSF || insn->op == X86_OP_BSR) &&
	    insn->dst.reg == reg && insn->dst.size == 4 &&
	    (after->gprs[NVMM_X64_GPR_RFLAGS] & ZF) != 0)
		return ~(uint64_t)UINT32_MAX;
	return 0;
}

/* True for the exceptions of an access: #SS, #GP, #PF, #AC. */
static bool
is_access(unsigned vector)
{

	return (vector >= X86_EXC_SS && vector <= X86_EXC_PF) ||
	    vector == X86_EXC_AC;
}

/*
 * Of exceptions at the same access the manuals give no order within a class,
 * APM vol. 2, 8.5: #AC and #PF; the #GP of MOVAPS's alignment and #SS. CMPS has
 * two accesses in either order, CALL a push and a target.
 */
bool
undefined_order(const struct testcase *tc, const struct native_event *a,
    const struct native_event *b)
{

	if (!is_access(a->vector) || !is_access(b->vector))
		return false;
	if (a->vector == X86_EXC_AC || b->vector == X86_EXC_AC ||
	    tc->insn.op == X86_OP_CMPS || tc->insn.op == X86_OP_CALL ||
	    tc->insn.op == X86_OP_MASKMOV)
		return true;
	return tc->insn.aligned && a->vector != X86_EXC_PF &&
	    b->vector != X86_EXC_PF;
}

/* Intel SDM vol. 2, MOVUPS: #AC "may or may not be" for 16 bytes and more. */
bool
undefined_alignment(const struct testcase *tc, const struct native_event *a,
    const struct native_event *b)
{
	const struct x86_insn *insn = &tc->insn;

	return tc->error == 0 && a->vector != b->vector &&
	    (a->vector == X86_EXC_AC || b->vector == X86_EXC_AC) &&
	    (insn->unit != X86_UNIT_NONE || insn->op == X86_OP_CMPXCHGB);
}

/* Intel SDM vol. 2, MASKMOVDQU: faults under a clear mask "may or may not be". */
bool
undefined_mask(const struct testcase *tc, const struct native_event *a,
    const struct native_event *b)
{

	return tc->error == 0 && tc->insn.op == X86_OP_MASKMOV &&
	    is_access(a->vector) && b->vector == NATIVE_DONE;
}

/* Over 15 bytes and invalid for another reason: #GP or #UD, whichever. */
bool
undefined_length(const struct testcase *tc, const struct native_event *event)
{

	return event->vector == X86_EXC_GP && feature_prefixes(tc) > 5;
}

/* A fault of MASKMOVQ comes before the switch to MMX, or after it. */
bool
undefined_x87(const struct testcase *tc, bool faulted)
{

	return faulted && tc->insn.unit == X86_UNIT_MMX;
}
