/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The way into an instruction and out of it. In: a signal frame made by hand
 * holds all registers, and rt_sigreturn(2) loads them, the single-step flag
 * among them. Out: the signal of the trap or fault comes on a stack of its
 * own. The frame does not have data segments and the bases of FS and GS; FS is
 * the C library's, so it is the handler's first act to take it back.
 */

#if defined(__linux__) && defined(__x86_64__)

#define SYS_rt_sigreturn	15
#define SYS_arch_prctl		158
#define ARCH_SET_GS		0x1001
#define ARCH_SET_FS		0x1002
#define FLAG_AC			0x40000

	.text

/* native_enter(const struct entry *): see h_native.c for its layout. */
	.globl	native_enter
	.hidden	native_enter
	.type	native_enter, @function
native_enter:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, host_rsp(%rip)
	movq	%rdi, %rbx
	movw	24(%rbx), %es
	movw	26(%rbx), %ds
	cmpl	$0, 32(%rbx)
	je	1f
	movl	$ARCH_SET_FS, %edi
	movq	8(%rbx), %rsi
	movl	$SYS_arch_prctl, %eax
	syscall
	movl	$ARCH_SET_GS, %edi
	movq	16(%rbx), %rsi
	movl	$SYS_arch_prctl, %eax
	syscall
	jmp	2f
1:	movw	28(%rbx), %fs
	movw	30(%rbx), %gs
2:	movq	(%rbx), %rsp
	movl	$SYS_rt_sigreturn, %eax
	syscall
	ud2
	.size	native_enter, . - native_enter

/* The signal handler: three arguments as C has them. */
	.globl	native_handler
	.hidden	native_handler
	.type	native_handler, @function
native_handler:
	pushfq
	andq	$~FLAG_AC, (%rsp)
	popfq
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	movl	$ARCH_SET_FS, %edi
	movq	native_host_fs(%rip), %rsi
	movl	$SYS_arch_prctl, %eax
	syscall
	popq	%rdx
	popq	%rsi
	popq	%rdi
	jmp	native_caught
	.size	native_handler, . - native_handler

/* Return from native_enter(). */
	.globl	native_leave
	.hidden	native_leave
	.type	native_leave, @function
native_leave:
	movq	host_rsp(%rip), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret
	.size	native_leave, . - native_leave

	.local	host_rsp
	.comm	host_rsp, 8, 8

#endif

	.section .note.GNU-stack, "", %progbits
