/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Instructions that read and write their operand in one, locked or not, AMD
 * APM vol. 3.
 *
 * What a LOCK, or XCHG's own, is worth: an operand that lies in RAM and is
 * aligned is changed by one compare-and-exchange of the host's; where RAM has
 * meanwhile changed, nothing is done and the guest executes the instruction
 * again. Towards a device, across pages and unaligned, the load and the store
 * are two accesses, between which other VCPUs may come; so is a write to
 * memory that the guest may only read, which is a device's. Without a lock
 * nothing is promised, as on the CPU.
 */

#include <string.h>

#include "exec.h"

int
x86_exec_xchg(struct x86_exec *x)
{
	uint64_t a, b;
	int error;

	error = x86_exec_load_modify(x, &x->insn->dst, &a);
	if (error == 0)
		error = x86_exec_load(x, &x->insn->src, &b);
	if (error == 0)
		error = x86_exec_update(x, &x->insn->dst, a, b);
	if (error == 0)
		error = x86_exec_store(x, &x->insn->src, a);
	return error;
}

/* => The destination is stored last where it may be the same register. */
int
x86_exec_xadd(struct x86_exec *x)
{
	uint64_t a, b, sum, after = *x86_exec_flags(x);
	int error;

	error = x86_exec_load_modify(x, &x->insn->dst, &a);
	if (error == 0)
		error = x86_exec_load(x, &x->insn->src, &b);
	if (error != 0)
		return error;
	sum = x86_alu(X86_OP_ADD, a, b, x->insn->dst.size, &after);
	error = x86_exec_update(x, &x->insn->dst, a, sum);
	if (error != 0)
		return error;
	(void)x86_exec_store(x, &x->insn->src, a);
	if (x->insn->dst.kind == X86_KIND_REG)
		(void)x86_exec_store(x, &x->insn->dst, sum);
	*x86_exec_flags(x) = after;
	return 0;
}

/* Memory is written whether it was equal or not, a register if it was. */
int
x86_exec_cmpxchg(struct x86_exec *x)
{
	const struct x86_operand *dst = &x->insn->dst;
	struct nvmm_x64_state *st = x->cpu->state;
	uint64_t acc, old, val, after = *x86_exec_flags(x);
	int error;

	error = x86_exec_load_modify(x, dst, &old);
	if (error == 0)
		error = x86_exec_load(x, &x->insn->src, &val);
	if (error != 0)
		return error;
	acc = x86_reg_get(st, NVMM_X64_GPR_RAX, dst->size, 0);
	(void)x86_alu(X86_OP_CMP, acc, old, dst->size, &after);
	if (acc == old || dst->kind == X86_KIND_MEM)
		error = x86_exec_update(x, dst, old, acc == old ? val : old);
	if (error != 0)
		return error;
	if (acc != old)
		x86_reg_set(st, NVMM_X64_GPR_RAX, dst->size, 0, old);
	*x86_exec_flags(x) = after;
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

/* Load the operand. */
static int
cmpxchgb_load(struct x86_exec *x, uint8_t old[16])
{
	const struct x86_operand *o = &x->insn->dst;
	int error;

	error = x86_exec_linear(x, o, true, &x->lin);
	if (error == 0)
		error = x->bus->load(x->bus->arg, x->lin, old, o->size,
		    NVMM_PROT_READ | NVMM_PROT_WRITE);
	return error;
}

/* Store to it what it held, or what it is to hold. */
static int
cmpxchgb_store(struct x86_exec *x, const uint8_t *old, const uint8_t *val)
{
	const struct x86_bus *bus = x->bus;
	unsigned size = x->insn->dst.size;

	if (x->insn->lock)
		return x86_exec_swap(x, x->lin, old, val, size);
	return bus->store(bus->arg, x->lin, val, size);
}

/* CMPXCHG8B, CMPXCHG16B. */
int
x86_exec_cmpxchgb(struct x86_exec *x)
{
	struct nvmm_x64_state *st = x->cpu->state;
	unsigned size = x->insn->dst.size, half = size / 2;
	uint8_t old[16], want[16], val[16];
	bool equal;
	int error;

	error = cmpxchgb_load(x, old);
	if (error != 0)
		return error;
	pair_get(st, NVMM_X64_GPR_RAX, NVMM_X64_GPR_RDX, half, want);
	pair_get(st, NVMM_X64_GPR_RBX, NVMM_X64_GPR_RCX, half, val);
	equal = memcmp(old, want, size) == 0;
	error = cmpxchgb_store(x, old, equal ? val : old);
	if (error != 0)
		return error;
	st->gprs[NVMM_X64_GPR_RFLAGS] &= ~(uint64_t)X86_FL_ZF;
	if (equal)
		st->gprs[NVMM_X64_GPR_RFLAGS] |= X86_FL_ZF;
	else
		pair_set(st, NVMM_X64_GPR_RAX, NVMM_X64_GPR_RDX, half, old);
	return 0;
}
