/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guests of h_bare: each goes wrong where the host's KVM has a fault.
 */

#include "h_guest.h"

	/* Anything at all with paging on. */
	.code32
	GUEST	b_paging32
	TELL	0x80
	END	b_paging32

	/* A port in ring 3 with IOPL 3. */
	.code64
	GUEST	b_iopl
	TELL	0x80
	END	b_iopl

	/* The selector that was loaded. */
	.code64
	GUEST	b_ss3
	movw	%ss, %ax
	cmpw	$SEL_UDATA, %ax
	jne	.
	ud2
	END	b_ss3

	/* Interrupts on: the window is open at once. */
	.code64
	GUEST	b_window
	pushq	$0x202
	popfq
	nop
	TELL	0x80
	END	b_window

	.code32
	GUEST	b_iret32
	pushl	$0x2
	pushl	$SEL_CODE32
	pushl	$AT(1f)
	iretl
1:	TELL	0x80
	END	b_iret32

	.code64
	GUEST	b_int
	int	$0x85
	TELL	0x80
	END	b_int

	/* The handler lies 64 bytes behind the start. */
	.balign	64
	.code64
	GUEST	b_nmi
	TELL	0x80
	TELL	0x81
	hlt
	.balign	64
	TELL	0x90
	TELL	0x91
	iretq
	END	b_nmi

	/* 1 in a new VCPU; #UD without CR4.OSXSAVE is right as well. */
	.code64
	GUEST	b_xcr0
	xorl	%ecx, %ecx
	xgetbv
	cmpl	$1, %eax
	jne	.
	ud2
	END	b_xcr0

	.code64
	GUEST	b_tsc
	rdtsc
	shrl	$24, %edx
	cmpl	$0x60, %edx
	jne	.
	TELL	0x80
	END	b_tsc

	.code64
	GUEST	b_watch
	movl	$G_DATA, %eax
	mov	%rax, %db1
	movl	$0xd00408, %eax
	mov	%rax, %db7
	movl	$1, G_DATA
	TELL	0x80
	END	b_watch

	/* SYSCALL leaves flags and the next RIP in R11 and RCX. */
	.balign	128
	.code64
	GUEST	b_syscall
	movl	$0xc0000080, %ecx
	rdmsr
	orl	$1, %eax
	wrmsr
	movl	$0xc0000081, %ecx
	xorl	%eax, %eax
	movl	$0x00400018, %edx
	wrmsr
	incl	%ecx
	movl	$G_CODE + 128, %eax
	xorl	%edx, %edx
	wrmsr
	movl	$AT(1f), %ecx
	movl	$0x2, %r11d
	sysretq
1:	stc
	syscall
2:	ud2
	.balign	128
	cmpl	$AT(2b), %ecx
	jne	.
	testb	$1, %r11b
	jz	.
	TELL	0x80
	sysretq
	END	b_syscall
