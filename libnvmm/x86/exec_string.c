/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * String instructions with and without REP, AMD APM vol. 3, 1.2.6. Each item
 * is complete before the next begins, so a fault or a pause in between leaves
 * registers from which the instruction goes on when it is executed again. A
 * guest that steps does so item by item.
 */

#include "exec.h"

/* True for the two that compare. */
static bool
string_compares(const struct x86_insn *insn)
{

	return insn->op == X86_OP_CMPS || insn->op == X86_OP_SCAS;
}

/* CMPS reads at rSI first, SCAS at rDI only. */
static int
string_compare(struct x86_exec *x)
{
	const struct x86_insn *insn = x->insn;
	uint64_t a, b;
	int error;

	error = x86_exec_load(x, &insn->dst, &a);
	if (error == 0)
		error = x86_exec_load(x, &insn->src, &b);
	if (error == 0)
		(void)x86_alu(X86_OP_CMP, a, b, insn->dst.size,
		    x86_exec_flags(x));
	return error;
}

/* One item, flags included, registers RSI and RDI not. */
static int
string_item(struct x86_exec *x)
{
	uint64_t val;
	int error;

	if (string_compares(x->insn))
		return string_compare(x);
	error = x86_exec_load(x, &x->insn->src, &val);
	if (error == 0)
		error = x86_exec_store(x, &x->insn->dst, val);
	return error;
}

/* Move an operand's index register past the item. */
static void
string_step(struct x86_exec *x, const struct x86_operand *o)
{
	struct nvmm_x64_state *st = x->cpu->state;
	unsigned asize = x->insn->addrsize;
	uint64_t step = o->size;

	if (o->kind != X86_KIND_MEM)
		return;
	if ((st->gprs[NVMM_X64_GPR_RFLAGS] & X86_FL_DF) != 0)
		step = -step;
	x86_reg_set(st, o->mem.base, asize, 0,
	    x86_reg_get(st, o->mem.base, asize, 0) + step);
}

/* True if the comparison of the last item ends a REPE or REPNE. */
static bool
string_decided(const struct x86_exec *x)
{
	bool equal = (x->cpu->state->gprs[NVMM_X64_GPR_RFLAGS] &
	    X86_FL_ZF) != 0;

	return string_compares(x->insn) && equal != (x->insn->rep == 0xF3);
}

/* One item and the step past it. */
static int
string_once(struct x86_exec *x)
{
	int error;

	error = string_item(x);
	if (error != 0)
		return error;
	string_step(x, &x->insn->src);
	string_step(x, &x->insn->dst);
	return 0;
}

int
x86_exec_string(struct x86_exec *x)
{
	struct nvmm_x64_state *st = x->cpu->state;
	unsigned asize = x->insn->addrsize;
	uint64_t left;
	int error;

	if (x->insn->rep == 0)
		return string_once(x);
	left = x86_reg_get(st, NVMM_X64_GPR_RCX, asize, 0);
	while (left != 0) {
		error = string_once(x);
		if (error != 0)
			return error;
		x86_reg_set(st, NVMM_X64_GPR_RCX, asize, 0, --left);
		if (string_decided(x))
			break;
		if (left != 0 && (x->trap || x->bus->pause(x->bus->arg))) {
			x->paused = true;
			break;
		}
	}
	return 0;
}
