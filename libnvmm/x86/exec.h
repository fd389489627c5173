/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the executor's files share: an instruction in execution. Memory is
 * stored to before any register changes, so that a fault leaves the CPU as it
 * was.
 */

#ifndef _LIBNVMM_EXEC_H_
#define _LIBNVMM_EXEC_H_

#include "x86.h"

struct x86_exec {
	struct x86_cpu *cpu;
	const struct x86_insn *insn;
	const struct x86_bus *bus;
	uint64_t next;			/* RIP after the instruction */
	gvaddr_t lin;			/* of the operand loaded to be modified */
	bool trap;			/* RFLAGS.TF was set */
	bool paused;			/* a REP stopped before its end */
};

/* exec_operand.c */
/* An operand's value, zero-extended. */
int	x86_exec_load(struct x86_exec *, const struct x86_operand *,
	    uint64_t *);
/* Store to an operand. => Registers never fail. */
int	x86_exec_store(struct x86_exec *, const struct x86_operand *, uint64_t);
/* As load, of the operand that x86_exec_update() will store to. */
int	x86_exec_load_modify(struct x86_exec *, const struct x86_operand *,
	    uint64_t *);
/*
 * Store to the operand last loaded to be modified, which held old. EAGAIN: it is
 * locked, and RAM does not hold old any more.
 */
int	x86_exec_update(struct x86_exec *, const struct x86_operand *,
	    uint64_t old, uint64_t val);
/* The linear address of a memory operand. */
int	x86_exec_linear(struct x86_exec *, const struct x86_operand *, bool write,
	    gvaddr_t *);
/* Bytes of a memory operand, more than 8 too. */
int	x86_exec_load_bytes(struct x86_exec *, const struct x86_operand *,
	    void *);
int	x86_exec_store_bytes(struct x86_exec *, const struct x86_operand *,
	    const void *);
/* Store at a linear address in one with the comparison, where that can be. */
int	x86_exec_swap(struct x86_exec *, gvaddr_t, const void *old, const void *,
	    size_t);

/* The arithmetic flags, RFLAGS with them. */
static inline uint64_t *
x86_exec_flags(struct x86_exec *x)
{

	return &x->cpu->state->gprs[NVMM_X64_GPR_RFLAGS];
}

/* exec_string.c, exec_atomic.c: one function each */
int	x86_exec_string(struct x86_exec *);
int	x86_exec_xchg(struct x86_exec *);
int	x86_exec_xadd(struct x86_exec *);
int	x86_exec_cmpxchg(struct x86_exec *);
int	x86_exec_cmpxchgb(struct x86_exec *);
/* exec_shift.c */
int	x86_exec_shift(struct x86_exec *);
int	x86_exec_shift_double(struct x86_exec *);
/* exec_muldiv.c */
int	x86_exec_mul(struct x86_exec *);
int	x86_exec_imul(struct x86_exec *);
int	x86_exec_div(struct x86_exec *);
/* exec_bits.c */
int	x86_exec_bit(struct x86_exec *);
int	x86_exec_scan(struct x86_exec *);
int	x86_exec_count(struct x86_exec *);
int	x86_exec_crc32(struct x86_exec *);
/* exec_bmi.c */
int	x86_exec_bmi(struct x86_exec *);
int	x86_exec_bmi_shift(struct x86_exec *);
int	x86_exec_mulx(struct x86_exec *);
/* exec_stack.c */
int	x86_exec_push(struct x86_exec *);
int	x86_exec_pushf(struct x86_exec *);
int	x86_exec_pop(struct x86_exec *);
int	x86_exec_leave(struct x86_exec *);
int	x86_exec_call(struct x86_exec *);
int	x86_exec_jmp(struct x86_exec *);
int	x86_exec_ret(struct x86_exec *);
/* exec_vector.c */
/* 0 if the state lets the instruction's unit be used; EFAULT, or ENOTSUP. */
int	x86_exec_unit(struct x86_exec *);
int	x86_exec_vector(struct x86_exec *);
int	x86_exec_half(struct x86_exec *);
int	x86_exec_spread(struct x86_exec *);
int	x86_exec_insert(struct x86_exec *);
int	x86_exec_extract(struct x86_exec *);
int	x86_exec_maskmov(struct x86_exec *);
int	x86_exec_ldmxcsr(struct x86_exec *);
int	x86_exec_stmxcsr(struct x86_exec *);

#endif /* _LIBNVMM_EXEC_H_ */
