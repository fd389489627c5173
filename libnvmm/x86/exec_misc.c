/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Bit tests, the stack, and moves of vector registers, AMD APM vol. 3 and 4.
 */

#include <string.h>

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
	case X86_OP_BTC:
		return val ^ bit;
	default:
		return val;
	}
}

/* BT, BTS, BTR, BTC: of the flags the carry alone is defined. */
int
x86_exec_bit(struct x86_exec *x)
{
	uint64_t *flags = &x->cpu->state->gprs[NVMM_X64_GPR_RFLAGS];
	bool modify = x->insn->op != X86_OP_BT;
	struct x86_operand o;
	uint64_t n, val, bit;
	int error;

	(void)x86_exec_load(x, &x->insn->src, false, &n);
	o = bit_unit(x, n);
	bit = 1ULL << (n & (o.size * 8u - 1));
	error = x86_exec_load(x, &o, modify, &val);
	if (error == 0 && modify)
		error = x86_exec_store(x, &o,
		    bit_change(x->insn->op, val, bit));
	if (error != 0)
		return error;
	*flags &= ~(uint64_t)X86_FL_CF;
	if ((val & bit) != 0)
		*flags |= X86_FL_CF;
	return 0;
}

/* The width of the stack pointer. */
static unsigned
stack_width(const struct nvmm_x64_state *st)
{

	if (x86_mode(st) == 64)
		return 8;
	return st->segs[NVMM_X64_SEG_SS].attrib.def ? 4 : 2;
}

/* Linear address of the stack at offset sp. */
static int
stack_linear(struct x86_exec *x, uint64_t sp, unsigned size, bool write,
    gvaddr_t *lin)
{

	return x86_linear(x->cpu, NVMM_X64_SEG_SS,
	    x86_cut(sp, stack_width(x->cpu->state)), size, write, lin);
}

/* Move the stack pointer, as wide as the stack is. */
static void
stack_set(struct x86_exec *x, uint64_t sp)
{

	x86_reg_set(x->cpu->state, NVMM_X64_GPR_RSP,
	    stack_width(x->cpu->state), 0, sp);
}

int
x86_exec_push(struct x86_exec *x)
{
	unsigned size = x->insn->src.size;
	uint64_t sp = x->cpu->state->gprs[NVMM_X64_GPR_RSP] - size, val;
	gvaddr_t lin;
	int error;

	error = x86_exec_load(x, &x->insn->src, false, &val);
	if (error == 0)
		error = stack_linear(x, sp, size, true, &lin);
	if (error == 0)
		error = x->bus->store(x->bus->arg, lin, &val, size);
	if (error == 0)
		stack_set(x, sp);
	return error;
}

/* A destination addressed by RSP is so by its value after the pop. */
int
x86_exec_pop(struct x86_exec *x)
{
	unsigned size = x->insn->dst.size;
	uint64_t sp = x->cpu->state->gprs[NVMM_X64_GPR_RSP], val = 0;
	gvaddr_t lin;
	int error;

	error = stack_linear(x, sp, size, false, &lin);
	if (error == 0)
		error = x->bus->load(x->bus->arg, lin, &val, size,
		    NVMM_PROT_READ);
	if (error != 0)
		return error;
	stack_set(x, sp + size);
	error = x86_exec_store(x, &x->insn->dst, val);
	if (error != 0)
		x->cpu->state->gprs[NVMM_X64_GPR_RSP] = sp;
	return error;
}

/* Loads clear what they do not fill; stores take the low bytes. */
int
x86_exec_vector(struct x86_exec *x)
{
	const struct x86_insn *insn = x->insn;
	struct xmmreg reg;
	int error;

	if (insn->src.kind == X86_KIND_XMM)
		return x86_exec_store_bytes(x, &insn->dst,
		    &x->cpu->state->fpu.fx_xmm[insn->src.reg]);
	memset(&reg, 0, sizeof(reg));
	error = x86_exec_load_bytes(x, &insn->src, false, &reg);
	if (error == 0)
		memcpy(&x->cpu->state->fpu.fx_xmm[insn->dst.reg], &reg,
		    sizeof(reg));
	return error;
}
