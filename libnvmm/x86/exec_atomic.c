/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Instructions that read and write their operand in one, locked or not, AMD
 * APM vol. 3. Towards a device a lock has no meaning; what other VCPUs do to
 * RAM in between is not held off.
 */

#include <string.h>

#include "exec.h"

int
x86_exec_xchg(struct x86_exec *x)
{
	uint64_t a, b;
	int error;

	error = x86_exec_load(x, &x->insn->dst, true, &a);
	if (error == 0)
		error = x86_exec_load(x, &x->insn->src, false, &b);
	if (error == 0)
		error = x86_exec_store(x, &x->insn->dst, b);
	if (error == 0)
		error = x86_exec_store(x, &x->insn->src, a);
	return error;
}

/* => The destination is stored last where it may be the same register. */
int
x86_exec_xadd(struct x86_exec *x)
{
	uint64_t *flags = &x->cpu->state->gprs[NVMM_X64_GPR_RFLAGS];
	uint64_t a, b, sum, after = *flags;
	int error;

	error = x86_exec_load(x, &x->insn->dst, true, &a);
	if (error == 0)
		error = x86_exec_load(x, &x->insn->src, false, &b);
	if (error != 0)
		return error;
	sum = x86_alu(X86_OP_ADD, a, b, x->insn->dst.size, &after);
	error = x86_exec_store(x, &x->insn->dst, sum);
	if (error != 0)
		return error;
	(void)x86_exec_store(x, &x->insn->src, a);
	if (x->insn->dst.kind == X86_KIND_REG)
		(void)x86_exec_store(x, &x->insn->dst, sum);
	*flags = after;
	return 0;
}

/* The destination is written whether it was equal or not. */
int
x86_exec_cmpxchg(struct x86_exec *x)
{
	struct nvmm_x64_state *st = x->cpu->state;
	unsigned size = x->insn->dst.size;
	uint64_t acc, old, val, after = st->gprs[NVMM_X64_GPR_RFLAGS];
	int error;

	error = x86_exec_load(x, &x->insn->dst, true, &old);
	if (error == 0)
		error = x86_exec_load(x, &x->insn->src, false, &val);
	if (error != 0)
		return error;
	acc = x86_reg_get(st, NVMM_X64_GPR_RAX, size, 0);
	(void)x86_alu(X86_OP_CMP, acc, old, size, &after);
	error = x86_exec_store(x, &x->insn->dst, acc == old ? val : old);
	if (error != 0)
		return error;
	if (acc != old)
		x86_reg_set(st, NVMM_X64_GPR_RAX, size, 0, old);
	st->gprs[NVMM_X64_GPR_RFLAGS] = after;
	return 0;
}

/* Two registers of half bytes each, low first, as one value in memory. */
static void
pair_get(const struct nvmm_x64_state *st, unsigned lo, unsigned hi,
    unsigned half, uint8_t *buf)
{

	memcpy(buf, &st->gprs[lo], half);
	memcpy(buf + half, &st->gprs[hi], half);
}

/* The reverse. */
static void
pair_set(struct nvmm_x64_state *st, unsigned lo, unsigned hi, unsigned half,
    const uint8_t *buf)
{
	uint64_t val = 0;

	memcpy(&val, buf, half);
	x86_reg_set(st, lo, half, 0, val);
	memcpy(&val, buf + half, half);
	x86_reg_set(st, hi, half, 0, val);
}

/* CMPXCHG8B, CMPXCHG16B. */
int
x86_exec_cmpxchgb(struct x86_exec *x)
{
	struct nvmm_x64_state *st = x->cpu->state;
	unsigned size = x->insn->dst.size, half = size / 2;
	uint8_t old[16], want[16], val[16];
	gvaddr_t lin;
	bool equal;
	int error;

	error = x86_exec_linear(x, &x->insn->dst, true, &lin);
	if (error == 0 && size == 16 && (lin & 15) != 0)
		error = x86_raise(x->cpu, X86_EXC_GP, 0);
	if (error == 0)
		error = x86_exec_load_bytes(x, &x->insn->dst, true, old);
	if (error != 0)
		return error;
	pair_get(st, NVMM_X64_GPR_RAX, NVMM_X64_GPR_RDX, half, want);
	pair_get(st, NVMM_X64_GPR_RBX, NVMM_X64_GPR_RCX, half, val);
	equal = memcmp(old, want, size) == 0;
	error = x86_exec_store_bytes(x, &x->insn->dst, equal ? val : old);
	if (error != 0)
		return error;
	st->gprs[NVMM_X64_GPR_RFLAGS] &= ~(uint64_t)X86_FL_ZF;
	if (equal)
		st->gprs[NVMM_X64_GPR_RFLAGS] |= X86_FL_ZF;
	else
		pair_set(st, NVMM_X64_GPR_RAX, NVMM_X64_GPR_RDX, half, old);
	return 0;
}
