/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Multiplication and division, AMD APM vol. 3. Flags that the manual leaves
 * undefined stay as they are.
 */

#include "exec.h"

__extension__ typedef unsigned __int128 uint128;
__extension__ typedef __int128 int128;

/* CF and OF together: the product needs its upper half. */
static void
mul_flags(struct x86_exec *x, bool wide)
{
	uint64_t *flags = x86_exec_flags(x);

	*flags &= ~(uint64_t)(X86_FL_CF | X86_FL_OF);
	if (wide)
		*flags |= X86_FL_CF | X86_FL_OF;
}

/* a * b of size bytes each, signed or not. */
static uint128
mul_product(uint64_t a, uint64_t b, unsigned size, bool is_signed)
{

	if (is_signed)
		return (uint128)((int128)x86_sext(a, size) * x86_sext(b, size));
	return (uint128)a * b;
}

/* True if a signed product is more than its low size bytes say. */
static bool
mul_wide_signed(uint128 product, unsigned size)
{

	return (int128)product != x86_sext((uint64_t)product, size);
}

/* rDX:rAX, or AX for bytes. */
static void
pair_set(struct x86_exec *x, unsigned size, uint64_t low, uint64_t high)
{
	struct nvmm_x64_state *st = x->cpu->state;

	if (size == 1) {
		x86_reg_set(st, NVMM_X64_GPR_RAX, 1, 0, low);
		x86_reg_set(st, NVMM_X64_GPR_RAX, 1, 8, high);
		return;
	}
	x86_reg_set(st, NVMM_X64_GPR_RAX, size, 0, low);
	x86_reg_set(st, NVMM_X64_GPR_RDX, size, 0, high);
}

static uint128
pair_get(struct x86_exec *x, unsigned size)
{
	const struct nvmm_x64_state *st = x->cpu->state;

	if (size == 1)
		return x86_reg_get(st, NVMM_X64_GPR_RAX, 2, 0);
	return (uint128)x86_reg_get(st, NVMM_X64_GPR_RDX, size, 0) <<
	    (size * 8) | x86_reg_get(st, NVMM_X64_GPR_RAX, size, 0);
}

/* MUL, and IMUL with one operand. */
int
x86_exec_mul(struct x86_exec *x)
{
	unsigned size = x->insn->src.size;
	bool is_signed = x->insn->op == X86_OP_IMULA;
	uint128 product;
	uint64_t b;
	int error;

	error = x86_exec_load(x, &x->insn->src, &b);
	if (error != 0)
		return error;
	product = mul_product(x86_reg_get(x->cpu->state, NVMM_X64_GPR_RAX,
	    size, 0), b, size, is_signed);
	pair_set(x, size, (uint64_t)product,
	    (uint64_t)(product >> (size * 8)));
	mul_flags(x, is_signed ? mul_wide_signed(product, size) :
	    product >> (size * 8) != 0);
	return 0;
}

/* IMUL with two operands or three. */
int
x86_exec_imul(struct x86_exec *x)
{
	const struct x86_insn *insn = x->insn;
	unsigned size = insn->dst.size;
	uint128 product;
	uint64_t a, b;
	int error;

	error = x86_exec_load(x, &insn->src, &a);
	if (error != 0)
		return error;
	(void)x86_exec_load(x, insn->third.kind != X86_KIND_NONE ?
	    &insn->third : &insn->dst, &b);
	product = mul_product(a, b, size, true);
	(void)x86_exec_store(x, &insn->dst, (uint64_t)product);
	mul_flags(x, mul_wide_signed(product, size));
	return 0;
}

/* DIV: false if the quotient does not fit. */
static bool
div_unsigned(uint128 n, uint64_t d, unsigned size, uint64_t *quot,
    uint64_t *rem)
{
	uint128 q;

	if (d == 0)
		return false;
	q = n / d;
	*quot = (uint64_t)q;
	*rem = (uint64_t)(n % d);
	return q >> (size * 8) == 0;
}

/* IDIV, by magnitudes; the remainder has the dividend's sign. */
static bool
div_signed(uint128 n, uint64_t d, unsigned size, uint64_t *quot, uint64_t *rem)
{
	unsigned bits = size * 8;
	int128 sn = (int128)(n << (128 - 2 * bits)) >> (128 - 2 * bits);
	int64_t sd = x86_sext(d, size);
	bool minus = (sn < 0) != (sd < 0);
	uint128 most = ((uint128)1 << (bits - 1)) - !minus, q;
	uint64_t mag = sd < 0 ? -(uint64_t)sd : (uint64_t)sd;

	if (sd == 0)
		return false;
	n = sn < 0 ? -(uint128)sn : (uint128)sn;
	q = n / mag;
	*quot = minus ? -(uint64_t)q : (uint64_t)q;
	*rem = (uint64_t)(n % mag);
	if (sn < 0)
		*rem = -*rem;
	return q <= most;
}

/* DIV, IDIV. */
int
x86_exec_div(struct x86_exec *x)
{
	unsigned size = x->insn->src.size;
	uint64_t d, quot = 0, rem = 0;
	bool fits;
	int error;

	error = x86_exec_load(x, &x->insn->src, &d);
	if (error != 0)
		return error;
	if (x->insn->op == X86_OP_DIV)
		fits = div_unsigned(pair_get(x, size), d, size, &quot, &rem);
	else
		fits = div_signed(pair_get(x, size), d, size, &quot, &rem);
	if (!fits)
		return x86_raise(x->cpu, X86_EXC_DE, 0);
	pair_set(x, size, quot, rem);
	return 0;
}
