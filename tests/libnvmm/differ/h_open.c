/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The open faults.
 */

#include <errno.h>

#include "h_open.h"

bool
open_decode(const struct testcase *tc)
{
	enum x86_op op = tc->insn.op;

	/* VEX.W of broadcasts is taken in 16- and 32-bit mode. */
	if (op == X86_OP_BROADCAST && tc->bits != 64)
		return true;
	/* REX.W makes INSD and OUTSD 8 bytes wide. */
	if ((op == X86_OP_INS || op == X86_OP_OUTS) && tc->insn.opsize == 8)
		return true;
	/* VMOVSS and VMOVSD between registers are EINVAL, not ENOTSUP. */
	return tc->error == EINVAL;
}

bool
open_execute(const struct testcase *tc)
{

	if (tc->error != 0)
		return false;
	/* VEX.W of broadcasts is taken in 16- and 32-bit mode. */
	if (tc->insn.op == X86_OP_BROADCAST && tc->bits != 64)
		return true;
	/* No page fault; no execute-only segment. */
	if (tc->insn.op == X86_OP_CLFLUSH)
		return true;
	/* Stores in part before it faults. */
	return tc->insn.op == X86_OP_MASKMOV;
}
