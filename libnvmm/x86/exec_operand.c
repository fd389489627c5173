/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Operands as the executor loads and stores them.
 */

#include <errno.h>

#include "exec.h"

/* #GP unless the operand is aligned; that goes before its segment's #SS. */
static int __attribute__((noinline))
operand_aligned(struct x86_exec *x, const struct x86_operand *o,
    uint64_t offset)
{
	const struct nvmm_x64_state *st = x->cpu->state;

	if (x86_mode(st) != 64 || o->mem.seg >= NVMM_X64_SEG_FS)
		offset += st->segs[o->mem.seg].base;
	return (offset & (o->size - 1u)) == 0 ? 0 :
	    x86_raise(x->cpu, X86_EXC_GP, 0);
}

/* The linear address of a memory operand. */
static inline int
operand_linear(struct x86_exec *x, const struct x86_operand *o, bool write,
    gvaddr_t *lin)
{
	uint64_t offset;
	int error;

	offset = x86_mem_offset(x->cpu->state, &o->mem, x->insn->addrsize,
	    x->next);
	if (x->insn->aligned) {
		error = operand_aligned(x, o, offset);
		if (error != 0)
			return error;
	}
	return x86_linear(x->cpu, o->mem.seg, offset, o->size, write, lin);
}

/* Load a memory operand. */
static inline int
operand_load(struct x86_exec *x, const struct x86_operand *o, void *data)
{
	gvaddr_t lin;
	int error;

	error = operand_linear(x, o, false, &lin);
	if (error != 0)
		return error;
	return x->bus->load(x->bus->arg, lin, data, o->size, NVMM_PROT_READ);
}

/* Store to a memory operand. */
static inline int
operand_store(struct x86_exec *x, const struct x86_operand *o,
    const void *data)
{
	gvaddr_t lin;
	int error;

	error = operand_linear(x, o, true, &lin);
	if (error != 0)
		return error;
	return x->bus->store(x->bus->arg, lin, data, o->size);
}

int
x86_exec_linear(struct x86_exec *x, const struct x86_operand *o, bool write,
    gvaddr_t *lin)
{

	return operand_linear(x, o, write, lin);
}

int
x86_exec_load_bytes(struct x86_exec *x, const struct x86_operand *o,
    void *data)
{

	return operand_load(x, o, data);
}

int
x86_exec_store_bytes(struct x86_exec *x, const struct x86_operand *o,
    const void *data)
{

	return operand_store(x, o, data);
}

int
x86_exec_swap(struct x86_exec *x, gvaddr_t lin, const void *old,
    const void *val, size_t size)
{
	const struct x86_bus *bus = x->bus;

	if (bus->swap == NULL)
		return bus->store(bus->arg, lin, val, size);
	return bus->swap(bus->arg, lin, old, val, size);
}

int
x86_exec_load(struct x86_exec *x, const struct x86_operand *o, uint64_t *val)
{
	const struct nvmm_x64_state *st = x->cpu->state;

	switch (o->kind) {
	case X86_KIND_REG:
		*val = x86_reg_get(st, o->reg, o->size, o->shift);
		return 0;
	case X86_KIND_IMM:
		*val = x86_cut(o->imm, o->size);
		return 0;
	case X86_KIND_MEM:
		*val = 0;
		return operand_load(x, o, val);
	case X86_KIND_SEG:
		*val = st->segs[o->reg].selector;
		return 0;
	default:
		*val = 0;
		return ENOTSUP;
	}
}

int
x86_exec_store(struct x86_exec *x, const struct x86_operand *o, uint64_t val)
{

	if (o->kind == X86_KIND_MEM)
		return operand_store(x, o, &val);
	if (o->kind != X86_KIND_REG)
		return ENOTSUP;
	x86_reg_set(x->cpu->state, o->reg, o->size, o->shift, val);
	return 0;
}

int
x86_exec_load_modify(struct x86_exec *x, const struct x86_operand *o,
    uint64_t *val)
{
	int error;

	if (o->kind != X86_KIND_MEM)
		return x86_exec_load(x, o, val);
	*val = 0;
	error = operand_linear(x, o, true, &x->lin);
	if (error != 0)
		return error;
	return x->bus->load(x->bus->arg, x->lin, val, o->size,
	    NVMM_PROT_READ | NVMM_PROT_WRITE);
}

int
x86_exec_update(struct x86_exec *x, const struct x86_operand *o, uint64_t old,
    uint64_t val)
{

	if (o->kind != X86_KIND_MEM)
		return x86_exec_store(x, o, val);
	if (x->insn->lock || x->insn->op == X86_OP_XCHG)
		return x86_exec_swap(x, x->lin, &old, &val, o->size);
	return x->bus->store(x->bus->arg, x->lin, &val, o->size);
}
