/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the executor's files share: an instruction in execution.
 */

#ifndef _LIBNVMM_EXEC_H_
#define _LIBNVMM_EXEC_H_

#include "x86.h"

struct x86_exec {
	struct x86_cpu *cpu;
	const struct x86_insn *insn;
	const struct x86_bus *bus;
	uint64_t next;			/* RIP after the instruction */
	bool paused;			/* a REP stopped before its end */
};

/* execute.c */
/* An operand's value, zero-extended; modify: it will be stored to as well. */
int	x86_exec_load(struct x86_exec *, const struct x86_operand *, bool modify,
	    uint64_t *);
/* Store to an operand. => Registers never fail. */
int	x86_exec_store(struct x86_exec *, const struct x86_operand *, uint64_t);
/* The linear address of a memory operand. */
int	x86_exec_linear(struct x86_exec *, const struct x86_operand *, bool write,
	    gvaddr_t *);
/* Bytes of a memory operand, more than 8 too. */
int	x86_exec_load_bytes(struct x86_exec *, const struct x86_operand *,
	    bool modify, void *);
int	x86_exec_store_bytes(struct x86_exec *, const struct x86_operand *,
	    const void *);

/* exec_string.c, exec_atomic.c, exec_misc.c: one function each */
int	x86_exec_string(struct x86_exec *);
int	x86_exec_xchg(struct x86_exec *);
int	x86_exec_xadd(struct x86_exec *);
int	x86_exec_cmpxchg(struct x86_exec *);
int	x86_exec_cmpxchgb(struct x86_exec *);
int	x86_exec_bit(struct x86_exec *);
int	x86_exec_push(struct x86_exec *);
int	x86_exec_pop(struct x86_exec *);
int	x86_exec_vector(struct x86_exec *);

#endif /* _LIBNVMM_EXEC_H_ */
