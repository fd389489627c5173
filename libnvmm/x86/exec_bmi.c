/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The bit manipulation instructions BMI1 and BMI2: AMD APM vol. 3. All load
 * one operand, that may be memory, and store to a register.
 */

#include "exec.h"

/* BLSR, BLSMSK, BLSI: the carry tells of a source of zeroes, or of another. */
static uint64_t
bmi_lowest(enum x86_op op, uint64_t a, bool *carry)
{

	*carry = a == 0;
	switch (op) {
	case X86_OP_BLSR:
		return a & (a - 1);
	case X86_OP_BLSMSK:
		return a ^ (a - 1);
	default:
		*carry = a != 0;
		return a & -a;
	}
}

/* BZHI: bits from n on are cleared; the carry tells that n is beyond all. */
static uint64_t
bmi_bzhi(uint64_t a, uint64_t index, unsigned bits, bool *carry)
{
	unsigned n = index & 0xFF;

	*carry = n >= bits;
	return *carry ? a : a & ((1ULL << n) - 1);
}

/* BEXTR: start and length are bytes of its control. */
static uint64_t
bmi_bextr(uint64_t a, uint64_t control)
{
	unsigned start = control & 0xFF, len = (control >> 8) & 0xFF;

	if (start >= 64)
		return 0;
	a >>= start;
	return len >= 64 ? a : a & ((1ULL << len) - 1);
}

/* The result of those that set flags. */
static uint64_t
bmi_result(const struct x86_exec *x, uint64_t a, uint64_t b, bool *carry)
{

	*carry = false;
	switch (x->insn->op) {
	case X86_OP_ANDN:
		return ~b & a;
	case X86_OP_BZHI:
		return bmi_bzhi(a, b, x->insn->src.size * 8u, carry);
	case X86_OP_BEXTR:
		return bmi_bextr(a, b);
	default:
		return bmi_lowest(x->insn->op, a, carry);
	}
}

/* ANDN, BLSR, BLSMSK, BLSI, BZHI, BEXTR: AF and PF, undefined, are clear. */
int
x86_exec_bmi(struct x86_exec *x)
{
	const struct x86_insn *insn = x->insn;
	unsigned size = insn->src.size;
	uint64_t *flags = x86_exec_flags(x), a, b = 0, r;
	bool carry;
	int error;

	error = x86_exec_load(x, &insn->src, &a);
	if (error != 0)
		return error;
	if (insn->third.kind != X86_KIND_NONE)
		(void)x86_exec_load(x, &insn->third, &b);
	r = x86_cut(bmi_result(x, a, b, &carry), size);
	*flags = (*flags & ~(uint64_t)X86_FL_ARITH) |
	    (x86_alu_common(r, size) & ~(uint64_t)X86_FL_PF);
	if (carry)
		*flags |= X86_FL_CF;
	return x86_exec_store(x, &insn->dst, r);
}

/* PDEP: the mask's bits take those of src in turn. */
static uint64_t
bmi_deposit(uint64_t src, uint64_t mask)
{
	uint64_t r = 0;

	for (; mask != 0; mask &= mask - 1, src >>= 1) {
		if ((src & 1) != 0)
			r |= mask & -mask;
	}
	return r;
}

/* PEXT: src's bits under the mask, one beside the other. */
static uint64_t
bmi_extract(uint64_t src, uint64_t mask)
{
	uint64_t r = 0, bit = 1;

	for (; mask != 0; mask &= mask - 1, bit <<= 1) {
		if ((src & mask & -mask) != 0)
			r |= bit;
	}
	return r;
}

/* The result of those that set no flag. */
static uint64_t
bmi_plain(enum x86_op op, uint64_t a, uint64_t b, unsigned size)
{
	uint64_t flags = 0;

	switch (op) {
	case X86_OP_PDEP:
		return bmi_deposit(b, a);
	case X86_OP_PEXT:
		return bmi_extract(b, a);
	case X86_OP_RORX:
		return x86_shift(X86_OP_ROR, a, (unsigned)(b & 63), size,
		    &flags);
	case X86_OP_SHLX:
		return x86_shift(X86_OP_SHL, a, (unsigned)(b & 63), size,
		    &flags);
	case X86_OP_SHRX:
		return x86_shift(X86_OP_SHR, a, (unsigned)(b & 63), size,
		    &flags);
	default:
		return x86_shift(X86_OP_SAR, a, (unsigned)(b & 63), size,
		    &flags);
	}
}

/* PDEP, PEXT, RORX, SHLX, SHRX, SARX. */
int
x86_exec_bmi_shift(struct x86_exec *x)
{
	const struct x86_insn *insn = x->insn;
	uint64_t a, b;
	int error;

	error = x86_exec_load(x, &insn->src, &a);
	if (error != 0)
		return error;
	(void)x86_exec_load(x, &insn->third, &b);
	return x86_exec_store(x, &insn->dst,
	    bmi_plain(insn->op, a, b, insn->src.size));
}

/* MULX: rDX times the source; the low half first, so that the high one wins. */
int
x86_exec_mulx(struct x86_exec *x)
{
	const struct x86_insn *insn = x->insn;
	unsigned size = insn->src.size;
	__extension__ unsigned __int128 product;
	uint64_t a, b;
	int error;

	error = x86_exec_load(x, &insn->src, &a);
	if (error != 0)
		return error;
	b = x86_reg_get(x->cpu->state, NVMM_X64_GPR_RDX, size, 0);
	product = a;
	product *= b;
	(void)x86_exec_store(x, &insn->third, (uint64_t)product);
	return x86_exec_store(x, &insn->dst,
	    (uint64_t)(product >> (size * 8)));
}
