/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Results and flags of the arithmetic and logic instructions, and the
 * conditions that test those flags: AMD APM vol. 3.
 */

#include "x86.h"

/* The top bit of an operand. */
static uint64_t
alu_sign(unsigned size)
{

	return 1ULL << (size * 8 - 1);
}

uint64_t
x86_alu_common(uint64_t r, unsigned size)
{
	uint64_t flags = 0;

	if (__builtin_parity((unsigned)(r & 0xFF)) == 0)
		flags |= X86_FL_PF;
	if (r == 0)
		flags |= X86_FL_ZF;
	if ((r & alu_sign(size)) != 0)
		flags |= X86_FL_SF;
	return flags;
}

/* a + b + carry. */
static uint64_t
alu_add(uint64_t a, uint64_t b, unsigned carry, unsigned size, uint64_t *flags)
{
	uint64_t r = x86_cut(a + b + carry, size);

	*flags = x86_alu_common(r, size) | ((a ^ b ^ r) & X86_FL_AF);
	if (r < a || (carry != 0 && r == a))
		*flags |= X86_FL_CF;
	if (((a ^ r) & (b ^ r) & alu_sign(size)) != 0)
		*flags |= X86_FL_OF;
	return r;
}

/* a - b - borrow. */
static uint64_t
alu_sub(uint64_t a, uint64_t b, unsigned borrow, unsigned size,
    uint64_t *flags)
{
	uint64_t r = x86_cut(a - b - borrow, size);

	*flags = x86_alu_common(r, size) | ((a ^ b ^ r) & X86_FL_AF);
	if (a < b || (borrow != 0 && a == b))
		*flags |= X86_FL_CF;
	if (((a ^ b) & (a ^ r) & alu_sign(size)) != 0)
		*flags |= X86_FL_OF;
	return r;
}

/* AND, OR, XOR: CF and OF are clear; AF, undefined, as well. */
static uint64_t
alu_logic(uint64_t r, unsigned size, uint64_t *flags)
{

	*flags = x86_alu_common(r, size);
	return r;
}

/* INC and DEC: the carry stays. */
static uint64_t
alu_keep_carry(uint64_t r, uint64_t carry, uint64_t *flags)
{

	*flags = (*flags & ~(uint64_t)X86_FL_CF) | carry;
	return r;
}

/* ADCX and ADOX: one flag is the carry, in and out; the others stay. */
static uint64_t
alu_add_flag(uint64_t a, uint64_t b, uint64_t flag, unsigned size,
    uint64_t *flags)
{
	uint64_t carry = 0, r;

	r = alu_add(a, b, (*flags & flag) != 0, size, &carry);
	*flags &= ~flag;
	if ((carry & X86_FL_CF) != 0)
		*flags |= flag;
	return r;
}

/* The operations with the arithmetic flags alone in *flags. */
static uint64_t
alu_op(enum x86_op op, uint64_t a, uint64_t b, unsigned size, uint64_t *flags)
{
	uint64_t carry = *flags & X86_FL_CF;

	switch (op) {
	case X86_OP_ADD:
	case X86_OP_XADD:
		return alu_add(a, b, 0, size, flags);
	case X86_OP_ADC:
		return alu_add(a, b, (unsigned)carry, size, flags);
	case X86_OP_SBB:
		return alu_sub(a, b, (unsigned)carry, size, flags);
	case X86_OP_AND:
	case X86_OP_TEST:
		return alu_logic(a & b, size, flags);
	case X86_OP_OR:
		return alu_logic(a | b, size, flags);
	case X86_OP_XOR:
		return alu_logic(a ^ b, size, flags);
	case X86_OP_NEG:
		return alu_sub(0, a, 0, size, flags);
	case X86_OP_INC:
		return alu_keep_carry(alu_add(a, 1, 0, size, flags), carry,
		    flags);
	case X86_OP_DEC:
		return alu_keep_carry(alu_sub(a, 1, 0, size, flags), carry,
		    flags);
	case X86_OP_ADCX:
		return alu_add_flag(a, b, X86_FL_CF, size, flags);
	case X86_OP_ADOX:
		return alu_add_flag(a, b, X86_FL_OF, size, flags);
	default:			/* SUB, CMP, CMPXCHG, CMPS, SCAS */
		return alu_sub(a, b, 0, size, flags);
	}
}

uint64_t
x86_alu(enum x86_op op, uint64_t a, uint64_t b, unsigned size,
    uint64_t *flags)
{
	uint64_t arith = *flags & X86_FL_ARITH, r;

	r = alu_op(op, x86_cut(a, size), x86_cut(b, size), size, &arith);
	*flags = (*flags & ~(uint64_t)X86_FL_ARITH) | arith;
	return r;
}

/* SF differs from OF. */
static bool
cond_less(uint64_t flags)
{

	return ((flags & X86_FL_SF) != 0) != ((flags & X86_FL_OF) != 0);
}

bool
x86_cond(unsigned cc, uint64_t flags)
{
	static const uint64_t masks[8] = {
		[0] = X86_FL_OF,
		[1] = X86_FL_CF,
		[2] = X86_FL_ZF,
		[3] = X86_FL_CF | X86_FL_ZF,
		[4] = X86_FL_SF,
		[5] = X86_FL_PF,
		[6] = 0,		/* less */
		[7] = X86_FL_ZF,	/* less or equal */
	};
	unsigned n = (cc >> 1) & 7;
	bool holds = (flags & masks[n]) != 0;

	if (n >= 6)
		holds = holds || cond_less(flags);
	return holds != ((cc & 1) != 0);
}
