/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guests of t_events.
 */

#include "h_guest.h"

	.code16
	GUEST	g_event16
	TELL	0x80
	TELL	0x81
	END	g_event16

	.code32
	GUEST	g_event32
	TELL	0x80
	TELL	0x81
	END	g_event32

	.code64
	GUEST	g_event64
	TELL	0x80
	TELL	0x81
	END	g_event64

	/* Interrupts come on late, by POPF: taken before the NOP. */
	.code64
	GUEST	g_popf
	TELL	0x80
	pushq	$0x202
	popfq
	nop
	TELL	0x81
	END	g_popf

	/* STI: taken behind the next instruction. */
	.code64
	GUEST	g_sti
	TELL	0x80
	sti
	nop
	nop
	TELL	0x81
	END	g_sti

	/* MOV SS, with interrupts on: nothing between it and the next. */
	.code64
	GUEST	g_movss
	movl	$SEL_DATA, %ecx
	movw	%cx, %ss
	TELL	0x80
	nop
	TELL	0x81
	END	g_movss

	/* STI at work where the next instruction exits. */
	.code64
	GUEST	g_sti_out
	sti
	TELL	0x80
	cli
	TELL	0x81
	END	g_sti_out

	.code64
	GUEST	g_cr8
	movl	$5, %eax
	mov	%rax, %cr8
	sti
	nop
	TELL	0x80
	movl	$1, %eax
	mov	%rax, %cr8
	nop
	TELL	0x81
	END	g_cr8

	/* CR8 goes up and down while interrupts are off. */
	.code64
	GUEST	g_cr8_off
	movl	$5, %eax
	mov	%rax, %cr8
	movl	$1, %eax
	mov	%rax, %cr8
	TELL	0x80
	movl	$5, %eax
	mov	%rax, %cr8
	sti
	nop
	TELL	0x81
	xorl	%eax, %eax
	mov	%rax, %cr8
	TELL	0x82
	END	g_cr8_off

	/* Waits for an interrupt. */
	.code64
	GUEST	g_wait
	sti
	hlt
	TELL	0x80
	END	g_wait

	/* Spins with interrupts on. */
	.code64
	GUEST	g_loop
	sti
1:	jmp	1b
	END	g_loop

	/* A handler of NMIs that says where it begins and ends. */
	.balign	64
	.code64
	GUEST	g_nmi
	TELL	0x80
	nop
	TELL	0x81
	hlt
	.balign	64
	TELL	0x90
	nop
	TELL	0x91
	iretq
	END	g_nmi

	/* Software interrupts of each kind. */
	.code64
	GUEST	g_int
	int	$0x85
	TELL	0x80
	int3
	TELL	0x81
	END	g_int

	/*
	 * INT3 on another stack, RCX. The first #BP to come to the handler goes
	 * back, EBX being 0; the second tells the RIP that it was pushed.
	 */
	.balign	64
	.code64
	GUEST	g_bp_int3
	movq	%rcx, %rsp
	int3
	TELL	0x80
	.balign	64
	testl	%ebx, %ebx
	jnz	1f
	incl	%ebx
	iretq
1:	movl	(%rsp), %eax
	TELL	0x90
	END	g_bp_int3

	.code32
	GUEST	g_int32
	int	$0x85
	TELL	0x80
	int3
	TELL	0x81
	END	g_int32

	/* Exceptions of its own making; the test moves RIP on. */
	.code64
	GUEST	g_faults
	xorl	%ecx, %ecx
	divl	%ecx			/* #DE, 2 bytes */
	ud2				/* #UD, 2 */
	movb	%cl, 0x900000		/* #PF, 7 */
	movw	%cx, %ds
	movl	$0x7f8, %ecx
	movw	%cx, %fs		/* #GP(0x7f8), 2 */
	TELL	0x80
	END	g_faults
