/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The stack and near branches, AMD APM vol. 3: for operands in a device's
 * memory, and for a stack that lies there.
 */

#include "exec.h"

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

/* Push size bytes of val. */
static int
stack_push(struct x86_exec *x, uint64_t val, unsigned size)
{
	uint64_t sp = x->cpu->state->gprs[NVMM_X64_GPR_RSP] - size;
	gvaddr_t lin;
	int error;

	error = stack_linear(x, sp, size, true, &lin);
	if (error == 0)
		error = x->bus->store(x->bus->arg, lin, &val, size);
	if (error == 0)
		stack_set(x, sp);
	return error;
}

/* What lies at offset sp of the stack. */
static int
stack_load(struct x86_exec *x, uint64_t sp, unsigned size, uint64_t *val)
{
	gvaddr_t lin;
	int error;

	*val = 0;
	error = stack_linear(x, sp, size, false, &lin);
	if (error != 0)
		return error;
	return x->bus->load(x->bus->arg, lin, val, size, NVMM_PROT_READ);
}

int
x86_exec_push(struct x86_exec *x)
{
	uint64_t val;
	int error;

	error = x86_exec_load(x, &x->insn->src, &val);
	if (error == 0)
		error = stack_push(x, val, x->insn->src.size);
	return error;
}

/* VM and RF are pushed clear. In virtual-8086 mode IOPL must be 3. */
int
x86_exec_pushf(struct x86_exec *x)
{
	uint64_t flags = *x86_exec_flags(x);

	if ((flags & X86_FL_VM) != 0 &&
	    (flags & X86_FL_IOPL) != X86_FL_IOPL)
		return x86_raise(x->cpu, X86_EXC_GP, 0);
	flags &= ~(uint64_t)(X86_FL_VM | X86_FL_RF);
	return stack_push(x, flags, x->insn->opsize);
}

/* A destination addressed by RSP is so by its value after the pop. */
int
x86_exec_pop(struct x86_exec *x)
{
	unsigned size = x->insn->dst.size;
	uint64_t sp = x->cpu->state->gprs[NVMM_X64_GPR_RSP], val;
	int error;

	error = stack_load(x, sp, size, &val);
	if (error != 0)
		return error;
	stack_set(x, sp + size);
	error = x86_exec_store(x, &x->insn->dst, val);
	if (error != 0)
		x->cpu->state->gprs[NVMM_X64_GPR_RSP] = sp;
	return error;
}

/* LEAVE: the frame pointer is the stack pointer to pop from. */
int
x86_exec_leave(struct x86_exec *x)
{
	unsigned size = x->insn->opsize;
	uint64_t bp = x->cpu->state->gprs[NVMM_X64_GPR_RBP], val;
	int error;

	error = stack_load(x, bp, size, &val);
	if (error != 0)
		return error;
	stack_set(x, bp + size);
	x86_reg_set(x->cpu->state, NVMM_X64_GPR_RBP, size, 0, val);
	return 0;
}

/* Where a branch goes, cut to its operand size; #GP beyond reach. */
static int
branch_target(struct x86_exec *x, uint64_t rip)
{
	const struct nvmm_x64_state *st = x->cpu->state;

	rip = x86_cut(rip, x->insn->opsize);
	if (x86_mode(st) == 64 ?
	    (uint64_t)((int64_t)(rip << 16) >> 16) != rip :
	    rip > st->segs[NVMM_X64_SEG_CS].limit)
		return x86_raise(x->cpu, X86_EXC_GP, 0);
	x->next = rip;
	return 0;
}

/* CALL, by a displacement or to an address. */
int
x86_exec_call(struct x86_exec *x)
{
	const struct x86_operand *src = &x->insn->src;
	uint64_t from = x->next, rip;
	int error;

	error = x86_exec_load(x, src, &rip);
	if (error == 0)
		error = branch_target(x, src->kind == X86_KIND_IMM ?
		    from + src->imm : rip);
	if (error == 0)
		error = stack_push(x, from, x->insn->opsize);
	return error;
}

int
x86_exec_jmp(struct x86_exec *x)
{
	uint64_t rip;
	int error;

	error = x86_exec_load(x, &x->insn->src, &rip);
	return error != 0 ? error : branch_target(x, rip);
}

/* RET, and RET that drops so many bytes of arguments. */
int
x86_exec_ret(struct x86_exec *x)
{
	uint64_t sp = x->cpu->state->gprs[NVMM_X64_GPR_RSP], rip;
	unsigned size = x->insn->opsize;
	int error;

	error = stack_load(x, sp, size, &rip);
	if (error == 0)
		error = branch_target(x, rip);
	if (error == 0)
		stack_set(x, sp + size + (x->insn->src.imm & 0xFFFF));
	return error;
}
