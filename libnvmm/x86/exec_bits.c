/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Bit tests, scans and counts, and CRC32: AMD APM vol. 3.
 */

#include "exec.h"

/* The operand's unit that holds bit n; in memory n counts from its start. */
static struct x86_operand
bit_unit(const struct x86_exec *x, uint64_t n)
{
	struct x86_operand o = x->insn->dst;
	unsigned width = o.size * 8u;
	int64_t index;

	if (o.kind != X86_KIND_MEM || x->insn->src.kind != X86_KIND_REG)
		return o;
	index = x86_sext(n, o.size);
	/* Round down, towards lower addresses below 0. */
	index = (index - (int64_t)((uint64_t)index & (width - 1))) / 8;
	o.mem.disp += index;
	return o;
}

/* The unit's new value. */
static uint64_t
bit_change(enum x86_op op, uint64_t val, uint64_t bit)
{

	switch (op) {
	case X86_OP_BTS:
		return val | bit;
	case X86_OP_BTR:
		return val & ~bit;
	default:
		return val ^ bit;
	}
}

/* BT, BTS, BTR, BTC: of the flags the carry alone is defined. */
int
x86_exec_bit(struct x86_exec *x)
{
	uint64_t *flags = x86_exec_flags(x), n, val, bit;
	enum x86_op op = x->insn->op;
	struct x86_operand o;
	int error;

	(void)x86_exec_load(x, &x->insn->src, &n);
	o = bit_unit(x, n);
	bit = 1ULL << (n & (o.size * 8u - 1));
	if (op == X86_OP_BT)
		error = x86_exec_load(x, &o, &val);
	else
		error = x86_exec_load_modify(x, &o, &val);
	if (error == 0 && op != X86_OP_BT)
		error = x86_exec_update(x, &o, val, bit_change(op, val, bit));
	if (error != 0)
		return error;
	*flags &= ~(uint64_t)X86_FL_CF;
	if ((val & bit) != 0)
		*flags |= X86_FL_CF;
	return 0;
}

/* BSF, BSR: of nothing, the destination stays as it is; ZF alone is defined. */
int
x86_exec_scan(struct x86_exec *x)
{
	uint64_t *flags = x86_exec_flags(x), val;
	int error, n;

	error = x86_exec_load(x, &x->insn->src, &val);
	if (error != 0)
		return error;
	*flags &= ~(uint64_t)X86_FL_ZF;
	if (val == 0) {
		*flags |= X86_FL_ZF;
		return 0;
	}
	n = x->insn->op == X86_OP_BSF ? __builtin_ctzll(val) :
	    63 - __builtin_clzll(val);
	return x86_exec_store(x, &x->insn->dst, (uint64_t)n);
}

/* The count of bits; an operand of zeroes has as many as it is wide. */
static uint64_t
count_of(enum x86_op op, uint64_t val, unsigned bits)
{

	if (op == X86_OP_POPCNT)
		return (uint64_t)__builtin_popcountll(val);
	if (val == 0)
		return bits;
	if (op == X86_OP_TZCNT)
		return (uint64_t)__builtin_ctzll(val);
	return (uint64_t)__builtin_clzll(val) - (64 - bits);
}

/* TZCNT and LZCNT: CF of zeroes, ZF of a 0. POPCNT: ZF alone, the rest clear. */
int
x86_exec_count(struct x86_exec *x)
{
	uint64_t *flags = x86_exec_flags(x), val, n;
	enum x86_op op = x->insn->op;
	int error;

	error = x86_exec_load(x, &x->insn->src, &val);
	if (error != 0)
		return error;
	n = count_of(op, val, x->insn->src.size * 8u);
	if (op == X86_OP_POPCNT)
		*flags &= ~(uint64_t)X86_FL_ARITH;
	*flags &= ~(uint64_t)(X86_FL_CF | X86_FL_ZF);
	if (n == 0)
		*flags |= X86_FL_ZF;
	if (val == 0 && op != X86_OP_POPCNT)
		*flags |= X86_FL_CF;
	return x86_exec_store(x, &x->insn->dst, n);
}

/* CRC32: Castagnoli's polynomial, bits reflected; the result is 32 bits wide. */
int
x86_exec_crc32(struct x86_exec *x)
{
	const struct x86_insn *insn = x->insn;
	unsigned i, bits = insn->src.size * 8u;
	uint64_t val, crc;
	int error;

	error = x86_exec_load(x, &insn->src, &val);
	if (error != 0)
		return error;
	crc = x86_reg_get(x->cpu->state, insn->dst.reg, 4, 0);
	for (i = 0; i < bits; i++) {
		crc ^= (val >> i) & 1;
		crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78 : 0);
	}
	x86_reg_set(x->cpu->state, insn->dst.reg, 8, 0, crc);
	return 0;
}
