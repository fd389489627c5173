/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Shifts and rotations of an operand, by 1, an immediate or CL. A count of 0
 * stores what was there.
 */

#include "exec.h"

/* ROL, ROR, RCL, RCR, SHL, SHR, SAR. */
int
x86_exec_shift(struct x86_exec *x)
{
	const struct x86_insn *insn = x->insn;
	uint64_t a, r, count, after = *x86_exec_flags(x);
	int error;

	(void)x86_exec_load(x, &insn->src, &count);
	error = x86_exec_load_modify(x, &insn->dst, &a);
	if (error != 0)
		return error;
	r = x86_shift(insn->op, a, (unsigned)count, insn->dst.size, &after);
	error = x86_exec_update(x, &insn->dst, a, r);
	if (error == 0)
		*x86_exec_flags(x) = after;
	return error;
}

/* SHLD, SHRD. */
int
x86_exec_shift_double(struct x86_exec *x)
{
	const struct x86_insn *insn = x->insn;
	uint64_t a, b, r, count, after = *x86_exec_flags(x);
	int error;

	(void)x86_exec_load(x, &insn->src, &b);
	(void)x86_exec_load(x, &insn->third, &count);
	error = x86_exec_load_modify(x, &insn->dst, &a);
	if (error != 0)
		return error;
	r = x86_shift_double(insn->op, a, b, (unsigned)(count & 0xFF),
	    insn->dst.size, &after);
	error = x86_exec_update(x, &insn->dst, a, r);
	if (error == 0)
		*x86_exec_flags(x) = after;
	return error;
}
