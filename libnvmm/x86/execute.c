/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The executor: operands, the plain instructions, and the table of all. Memory
 * is stored to before any register changes, so that a fault leaves the CPU as
 * it was.
 */

#include <errno.h>

#include "exec.h"

int
x86_exec_linear(struct x86_exec *x, const struct x86_operand *o, bool write,
    gvaddr_t *lin)
{
	uint64_t offset;
	int error;

	offset = x86_mem_offset(x->cpu->state, &o->mem, x->insn->addrsize,
	    x->next);
	error = x86_linear(x->cpu, o->mem.seg, offset, o->size, write, lin);
	if (error == 0 && x->insn->aligned && (*lin & (o->size - 1u)) != 0)
		error = x86_raise(x->cpu, X86_EXC_GP, 0);
	return error;
}

int
x86_exec_load_bytes(struct x86_exec *x, const struct x86_operand *o,
    bool modify, void *data)
{
	nvmm_prot_t prot = NVMM_PROT_READ | (modify ? NVMM_PROT_WRITE : 0);
	gvaddr_t lin;
	int error;

	error = x86_exec_linear(x, o, modify, &lin);
	if (error != 0)
		return error;
	return x->bus->load(x->bus->arg, lin, data, o->size, prot);
}

int
x86_exec_store_bytes(struct x86_exec *x, const struct x86_operand *o,
    const void *data)
{
	gvaddr_t lin;
	int error;

	error = x86_exec_linear(x, o, true, &lin);
	if (error != 0)
		return error;
	return x->bus->store(x->bus->arg, lin, data, o->size);
}

int
x86_exec_load(struct x86_exec *x, const struct x86_operand *o, bool modify,
    uint64_t *val)
{

	*val = 0;
	switch (o->kind) {
	case X86_KIND_REG:
		*val = x86_reg_get(x->cpu->state, o->reg, o->size, o->shift);
		return 0;
	case X86_KIND_IMM:
		*val = x86_cut(o->imm, o->size);
		return 0;
	case X86_KIND_MEM:
		return x86_exec_load_bytes(x, o, modify, val);
	default:
		return ENOTSUP;
	}
}

int
x86_exec_store(struct x86_exec *x, const struct x86_operand *o, uint64_t val)
{

	switch (o->kind) {
	case X86_KIND_REG:
		x86_reg_set(x->cpu->state, o->reg, o->size, o->shift, val);
		return 0;
	case X86_KIND_MEM:
		return x86_exec_store_bytes(x, o, &val);
	default:
		return ENOTSUP;
	}
}

/* MOV, MOVZX, MOVNTI. */
static int
exec_mov(struct x86_exec *x)
{
	uint64_t val;
	int error;

	error = x86_exec_load(x, &x->insn->src, false, &val);
	if (error == 0)
		error = x86_exec_store(x, &x->insn->dst, val);
	return error;
}

/* MOVSX, MOVSXD. */
static int
exec_movsx(struct x86_exec *x)
{
	uint64_t val;
	int error;

	error = x86_exec_load(x, &x->insn->src, false, &val);
	if (error == 0)
		error = x86_exec_store(x, &x->insn->dst,
		    (uint64_t)x86_sext(val, x->insn->src.size));
	return error;
}

/* MOVBE. */
static int
exec_movbe(struct x86_exec *x)
{
	uint64_t val;
	int error;

	error = x86_exec_load(x, &x->insn->src, false, &val);
	if (error != 0)
		return error;
	val = __builtin_bswap64(val) >> (64 - x->insn->src.size * 8);
	return x86_exec_store(x, &x->insn->dst, val);
}

/* CMOVcc: the source is read, and a 32-bit register cleared above, anyway. */
static int
exec_cmov(struct x86_exec *x)
{
	uint64_t val, old;
	int error;

	error = x86_exec_load(x, &x->insn->src, false, &val);
	if (error == 0)
		error = x86_exec_load(x, &x->insn->dst, false, &old);
	if (error != 0)
		return error;
	if (!x86_cond(x->insn->cond,
	    x->cpu->state->gprs[NVMM_X64_GPR_RFLAGS]))
		val = old;
	return x86_exec_store(x, &x->insn->dst, val);
}

/* SETcc. */
static int
exec_set(struct x86_exec *x)
{

	return x86_exec_store(x, &x->insn->dst, x86_cond(x->insn->cond,
	    x->cpu->state->gprs[NVMM_X64_GPR_RFLAGS]));
}

/* Arithmetic and logic; store says whether the result goes anywhere. */
static int
exec_arith(struct x86_exec *x, bool store)
{
	uint64_t *flags = &x->cpu->state->gprs[NVMM_X64_GPR_RFLAGS];
	uint64_t a, b = 0, after = *flags;
	int error;

	error = x86_exec_load(x, &x->insn->dst, store, &a);
	if (error == 0 && x->insn->src.kind != X86_KIND_NONE)
		error = x86_exec_load(x, &x->insn->src, false, &b);
	if (error != 0)
		return error;
	a = x86_alu(x->insn->op, a, b, x->insn->dst.size, &after);
	if (store)
		error = x86_exec_store(x, &x->insn->dst, a);
	if (error == 0)
		*flags = after;
	return error;
}

/* ADD and its like, INC, DEC, NEG. */
static int
exec_alu(struct x86_exec *x)
{

	return exec_arith(x, true);
}

/* CMP, TEST. */
static int
exec_compare(struct x86_exec *x)
{

	return exec_arith(x, false);
}

/* NOT: no flags. */
static int
exec_not(struct x86_exec *x)
{
	uint64_t val;
	int error;

	error = x86_exec_load(x, &x->insn->dst, true, &val);
	if (error == 0)
		error = x86_exec_store(x, &x->insn->dst, ~val);
	return error;
}

/* Ports are nvmm_assist_io's. */
static int
exec_refused(struct x86_exec *x)
{

	(void)x;
	return ENOTSUP;
}

static int (*const exec_ops[X86_NOP])(struct x86_exec *) = {
	[X86_OP_UNKNOWN] = exec_refused,
	[X86_OP_MOV] = exec_mov,
	[X86_OP_MOVSX] = exec_movsx,
	[X86_OP_MOVBE] = exec_movbe,
	[X86_OP_CMOV] = exec_cmov,
	[X86_OP_SET] = exec_set,
	[X86_OP_ADD] = exec_alu,
	[X86_OP_OR] = exec_alu,
	[X86_OP_ADC] = exec_alu,
	[X86_OP_SBB] = exec_alu,
	[X86_OP_AND] = exec_alu,
	[X86_OP_SUB] = exec_alu,
	[X86_OP_XOR] = exec_alu,
	[X86_OP_CMP] = exec_compare,
	[X86_OP_TEST] = exec_compare,
	[X86_OP_XCHG] = x86_exec_xchg,
	[X86_OP_XADD] = x86_exec_xadd,
	[X86_OP_CMPXCHG] = x86_exec_cmpxchg,
	[X86_OP_CMPXCHGB] = x86_exec_cmpxchgb,
	[X86_OP_INC] = exec_alu,
	[X86_OP_DEC] = exec_alu,
	[X86_OP_NOT] = exec_not,
	[X86_OP_NEG] = exec_alu,
	[X86_OP_BT] = x86_exec_bit,
	[X86_OP_BTS] = x86_exec_bit,
	[X86_OP_BTR] = x86_exec_bit,
	[X86_OP_BTC] = x86_exec_bit,
	[X86_OP_PUSH] = x86_exec_push,
	[X86_OP_POP] = x86_exec_pop,
	[X86_OP_MOVS] = x86_exec_string,
	[X86_OP_CMPS] = x86_exec_string,
	[X86_OP_STOS] = x86_exec_string,
	[X86_OP_LODS] = x86_exec_string,
	[X86_OP_SCAS] = x86_exec_string,
	[X86_OP_INS] = exec_refused,
	[X86_OP_OUTS] = exec_refused,
	[X86_OP_MOVV] = x86_exec_vector,
};

int
x86_execute(struct x86_cpu *cpu, const struct x86_insn *insn,
    const struct x86_bus *bus)
{
	struct x86_exec x = {
		.cpu = cpu, .insn = insn, .bus = bus,
		.next = cpu->state->gprs[NVMM_X64_GPR_RIP] + insn->len,
	};
	int error;

	error = exec_ops[insn->op](&x);
	if (error == 0 && !x.paused)
		x86_advance(cpu->state, x.next);
	return error;
}
