/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Traps: everything that makes the processor leave what it was doing, and how
 * a check catches one.
 */

#ifndef _TRAP_H_
#define _TRAP_H_

#define TRAP_DE		0
#define TRAP_DB		1
#define TRAP_BP		3
#define TRAP_UD		6
#define TRAP_NM		7
#define TRAP_DF		8
#define TRAP_NP		11
#define TRAP_SS		12
#define TRAP_GP		13
#define TRAP_PF		14

#define TRAP_NEXCEPTIONS 32
#define TRAP_NVECTORS	256
#define TRAP_STUB_SIZE	16	/* bytes from one stub in trap.S to the next */

#define VECTOR_LOW	0x41	/* three vectors for interrupts, each of a */
#define VECTOR_TIMER	0x52	/* higher priority class than the one before */
#define VECTOR_HIGH	0x63
#define VECTOR_SYSCALL	0x80	/* INT 0x80 from ring 3 */
#define VECTOR_SPURIOUS	0xff

#define TRAP_SYSCALL	0x100	/* in tf_vector: came by SYSCALL */

/* Offsets into struct trapframe for the assembler. */
#define TF_VECTOR	0x78
#define TF_RIP		0x88
#define TF_RFLAGS	0x98
#define TF_RSP		0xa0
#define TF_SIZE		0xb0

/* Bits of a page fault's error code. */
#define PF_PRESENT	0x01
#define PF_WRITE	0x02
#define PF_USER		0x04
#define PF_FETCH	0x10

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The registers of whoever was trapped: ours first, then the processor's. */
struct trapframe {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rdi, rsi, rbp, rbx, rcx, rdx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

_Static_assert(offsetof(struct trapframe, vector) == TF_VECTOR, "TF_VECTOR");
_Static_assert(offsetof(struct trapframe, rip) == TF_RIP, "TF_RIP");
_Static_assert(offsetof(struct trapframe, rflags) == TF_RFLAGS, "TF_RFLAGS");
_Static_assert(offsetof(struct trapframe, rsp) == TF_RSP, "TF_RSP");
_Static_assert(sizeof(struct trapframe) == TF_SIZE, "TF_SIZE");

/* What trap() has seen of one interrupt vector. */
struct interrupt {
	volatile unsigned count;
	volatile unsigned order;	/* in the sequence of all interrupts */
	volatile uint64_t rip;		/* what it interrupted, the last time */
	volatile uint64_t tsc;		/* when, the last time */
};

/* idt.c */
void	idt_init(void);
void	trap(struct trapframe *);
struct interrupt *interrupt_clear(unsigned);
bool	interrupt_wait(unsigned, unsigned);
bool	interrupt_wait_short(unsigned, unsigned);

/* trap.S */
bool	trap_catch(void (*)(void *), void *, struct trapframe *);
void	trap_unwind(void) __attribute__((noreturn));
void	user_resume(struct trapframe *);
void	user_leave(void) __attribute__((noreturn));
void	syscall_entry(void);
extern const char trap_stubs[];
extern char	trap_stack_top[];
extern char	fault_stack_top[];
extern struct trapframe *trap_caught;	/* where trap_catch wants the frame */
extern struct trapframe *user_current;	/* likewise, the task in ring 3 */

#endif /* !__ASSEMBLER__ */

#endif /* !_TRAP_H_ */
