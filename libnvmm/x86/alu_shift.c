/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Results and flags of shifts and rotations: AMD APM vol. 3. A count of 0
 * changes no flag; what the manual leaves undefined is as most processors have
 * it, or clear.
 */

#include "x86.h"

/* Bit n of x. */
static uint64_t
bit(uint64_t x, unsigned n)
{

	return (x >> n) & 1;
}

/* CF and OF. */
static void
set_carry(uint64_t *flags, uint64_t carry, uint64_t overflow)
{

	*flags &= ~(uint64_t)(X86_FL_CF | X86_FL_OF);
	if (carry != 0)
		*flags |= X86_FL_CF;
	if (overflow != 0)
		*flags |= X86_FL_OF;
}

/* All flags of a shift's result. */
static uint64_t
shifted(uint64_t r, unsigned size, uint64_t carry, uint64_t overflow,
    uint64_t *flags)
{

	*flags = (*flags & ~(uint64_t)X86_FL_ARITH) | x86_alu_common(r, size);
	set_carry(flags, carry, overflow);
	return r;
}

static uint64_t
shift_left(uint64_t a, unsigned count, unsigned size, uint64_t *flags)
{
	unsigned bits = size * 8;
	uint64_t r = x86_cut(a << count, size), carry = 0;

	if (count <= bits)
		carry = bit(a, bits - count);
	return shifted(r, size, carry, bit(r, bits - 1) ^ carry, flags);
}

static uint64_t
shift_right(uint64_t a, unsigned count, unsigned size, uint64_t *flags)
{

	return shifted(a >> count, size, bit(a, count - 1),
	    bit(a, size * 8 - 1), flags);
}

static uint64_t
shift_arithmetic(uint64_t a, unsigned count, unsigned size, uint64_t *flags)
{
	int64_t s = x86_sext(a, size);

	return shifted(x86_cut((uint64_t)(s >> count), size), size,
	    bit((uint64_t)s, count - 1), 0, flags);
}

static uint64_t
rotate_left(uint64_t a, unsigned count, unsigned size, uint64_t *flags)
{
	unsigned bits = size * 8;
	uint64_t r = a;

	count %= bits;
	if (count != 0)
		r = x86_cut(a << count | a >> (bits - count), size);
	set_carry(flags, r & 1, (r & 1) ^ bit(r, bits - 1));
	return r;
}

static uint64_t
rotate_right(uint64_t a, unsigned count, unsigned size, uint64_t *flags)
{
	unsigned bits = size * 8;
	uint64_t r = a;

	count %= bits;
	if (count != 0)
		r = x86_cut(a >> count | a << (bits - count), size);
	set_carry(flags, bit(r, bits - 1), bit(r, bits - 1) ^ bit(r, bits - 2));
	return r;
}

/* Through the carry, which makes one more bit. */
static uint64_t
rotate_carry_left(uint64_t a, unsigned count, unsigned size, uint64_t *flags)
{
	unsigned bits = size * 8;
	uint64_t carry = *flags & X86_FL_CF, out;

	for (count %= bits + 1; count != 0; count--) {
		out = bit(a, bits - 1);
		a = x86_cut(a << 1 | carry, size);
		carry = out;
	}
	set_carry(flags, carry, carry ^ bit(a, bits - 1));
	return a;
}

static uint64_t
rotate_carry_right(uint64_t a, unsigned count, unsigned size, uint64_t *flags)
{
	unsigned bits = size * 8;
	uint64_t carry = *flags & X86_FL_CF, out;

	for (count %= bits + 1; count != 0; count--) {
		out = a & 1;
		a = a >> 1 | carry << (bits - 1);
		carry = out;
	}
	set_carry(flags, carry, bit(a, bits - 1) ^ bit(a, bits - 2));
	return a;
}

/* The part of a count that the CPU looks at. */
static unsigned
count_masked(unsigned count, unsigned size)
{

	return count & (size == 8 ? 63 : 31);
}

uint64_t
x86_shift(enum x86_op op, uint64_t a, unsigned count, unsigned size,
    uint64_t *flags)
{

	a = x86_cut(a, size);
	count = count_masked(count, size);
	if (count == 0)
		return a;
	switch (op) {
	case X86_OP_ROL:
		return rotate_left(a, count, size, flags);
	case X86_OP_ROR:
		return rotate_right(a, count, size, flags);
	case X86_OP_RCL:
		return rotate_carry_left(a, count, size, flags);
	case X86_OP_RCR:
		return rotate_carry_right(a, count, size, flags);
	case X86_OP_SHL:
		return shift_left(a, count, size, flags);
	case X86_OP_SHR:
		return shift_right(a, count, size, flags);
	default:
		return shift_arithmetic(a, count, size, flags);
	}
}

/* Over 16 bits, which the manual leaves open, a follows b again. */
uint64_t
x86_shift_double(enum x86_op op, uint64_t a, uint64_t b, unsigned count,
    unsigned size, uint64_t *flags)
{
	unsigned bits = size * 8;
	uint64_t first = x86_cut(a, size), second = x86_cut(b, size), r, carry;

	count = count_masked(count, size);
	if (count == 0)
		return first;
	if (count > bits) {
		first = x86_cut(b, size);
		second = x86_cut(a, size);
		count -= bits;
	}
	if (op == X86_OP_SHLD) {
		r = x86_cut(first << count | second >> (bits - count), size);
		carry = bit(first, bits - count);
	} else {
		r = x86_cut(first >> count | second << (bits - count), size);
		carry = bit(first, count - 1);
	}
	return shifted(r, size, carry, bit(r ^ x86_cut(a, size), bits - 1),
	    flags);
}
