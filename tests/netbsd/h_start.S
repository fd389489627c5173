/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Where a program enters and leaves a NetBSD kernel on amd64.
 */

#include <sys/syscall.h>

#define ENTRY(name)	.globl name; .type name, @function; name:

/* What makes it a NetBSD program. */
	.section ".note.netbsd.ident", "a", @note
	.align	4
	.long	7, 4, 1
	.asciz	"NetBSD"
	.byte	0
	.long	NETBSD_VERSION

	.section .note.GNU-stack, "", @progbits
	.text

ENTRY(_start)
	xorl	%ebp, %ebp
	movl	(%rsp), %edi
	leaq	8(%rsp), %rsi
	andq	$-16, %rsp
	call	main
	movl	%eax, %edi
	movl	$SYS_exit, %eax
	syscall

/*
 * long h_syscall(long number, ...), up to seven arguments: what it returns, or
 * an error negated. The seventh lies on the stack, above a return address.
 */
ENTRY(h_syscall)
	movq	%rdi, %rax
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	movq	%rcx, %rdx
	movq	%r8, %r10
	movq	%r9, %r8
	movq	8(%rsp), %r9
	pushq	16(%rsp)
	pushq	$0
	syscall
	jnc	1f
	negq	%rax
1:	addq	$16, %rsp
	ret

/* A signal's handler returns here. */
ENTRY(h_sigtramp)
	movq	%r15, %rdi
	movl	$SYS_setcontext, %eax
	syscall
	movl	$SYS_exit, %eax
	syscall
