/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The assembler between the processor and trap(): one stub per vector, the
 * SYSCALL entry, the way into ring 3 and back, and how a trap is caught.
 */

#include "cpu.h"
#include "trap.h"

/* The registers that a C function must give back as they were. */
.macro SAVE_CALLEE
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushfq
.endm

.macro RESTORE_CALLEE
	popfq
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
.endm

/* All registers but RSP, to and from a struct trapframe at RSP. */
.macro PUSH_REGISTERS
	pushq	%rax
	pushq	%rdx
	pushq	%rcx
	pushq	%rbx
	pushq	%rbp
	pushq	%rsi
	pushq	%rdi
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
.endm

.macro POP_REGISTERS
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rdi
	popq	%rsi
	popq	%rbp
	popq	%rbx
	popq	%rcx
	popq	%rdx
	popq	%rax
.endm

	.text

/* Stub N pushes an error code where the processor has not, then N. */
	.globl	trap_stubs
	.balign	TRAP_STUB_SIZE
trap_stubs:
	.set	vector, 0
	.rept	TRAP_NVECTORS
	.balign	TRAP_STUB_SIZE
	.if	vector != 8 && (vector < 10 || vector > 14) && vector != 17
	pushq	$0
	.endif
	pushq	$vector
	jmp	trap_common
	.set	vector, vector + 1
	.endr

trap_common:
	PUSH_REGISTERS
	movq	%rsp, %rdi
	cld
	call	trap
	POP_REGISTERS
	addq	$16, %rsp		/* vector and error code */
	iretq

/*
 * SYSCALL leaves RIP in RCX, RFLAGS in R11 and RSP alone.  Build the frame
 * that a trap would have built; GS leads to the stack for the while.
 */
	.globl	syscall_entry
syscall_entry:
	swapgs
	movq	%rsp, %gs:8
	movq	%gs:0, %rsp
	pushq	$(SEL_UDATA | SEL_RPL_USER)
	pushq	%gs:8
	swapgs
	pushq	%r11
	pushq	$(SEL_UCODE | SEL_RPL_USER)
	pushq	%rcx
	pushq	$0
	pushq	$TRAP_SYSCALL
	jmp	trap_common

/*
 * void user_resume(struct trapframe *tf): runs ring 3 from *tf on, and returns
 * when it traps, with its registers in *tf again.
 */
	.globl	user_resume
user_resume:
	SAVE_CALLEE
	movq	%rsp, user_kernel_rsp
	movq	%rdi, user_current
	movq	%rdi, %rsp
	cmpq	$TRAP_SYSCALL, TF_VECTOR(%rsp)
	POP_REGISTERS
	je	1f
	addq	$16, %rsp
	iretq
1:	movq	(TF_RIP - TF_VECTOR)(%rsp), %rcx
	movq	(TF_RFLAGS - TF_VECTOR)(%rsp), %r11
	movq	(TF_RSP - TF_VECTOR)(%rsp), %rsp
	sysretq

/* Makes user_resume() return, for good. */
	.globl	user_leave
user_leave:
	movq	user_kernel_rsp, %rsp
	movq	$0, user_current
	RESTORE_CALLEE
	ret

/*
 * bool trap_catch(void (*fn)(void *), void *arg, struct trapframe *tf): calls
 * fn(arg).  False if it came back, true if an exception ended it; *tf tells.
 */
	.globl	trap_catch
trap_catch:
	SAVE_CALLEE
	movq	%rsp, trap_caught_rsp
	movq	%rdx, trap_caught
	movq	%rdi, %rax
	movq	%rsi, %rdi
	call	*%rax
	xorl	%eax, %eax
	jmp	1f

/* Makes trap_catch() return true. */
	.globl	trap_unwind
trap_unwind:
	movq	trap_caught_rsp, %rsp
	movl	$1, %eax
1:	movq	$0, trap_caught
	RESTORE_CALLEE
	ret

	.bss
	.balign	16
	.globl	trap_caught, user_current, trap_stack_top, fault_stack_top
trap_caught:
	.skip	8
trap_caught_rsp:
	.skip	8
user_current:
	.skip	8
user_kernel_rsp:
	.skip	8
	.skip	4096
trap_stack_top:
	.skip	4096
fault_stack_top:

	.section .note.GNU-stack, "", @progbits
