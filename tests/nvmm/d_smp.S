/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guests of t_smp. Their parameters are in registers.
 */

#include "h_guest.h"

	/* Two by turns: wait for (RBX) to be RDX, add one, RCX times. */
	.code64
	GUEST	g_turns
1:	cmpq	%rdx, (%rbx)
	je	2f
	pause
	jmp	1b
2:	incq	(%rbx)
	addq	$2, %rdx
	decq	%rcx
	jnz	1b
	TELL	0x80
	END	g_turns

	/* Add to (RBX) RCX times, with LOCK. */
	.code64
	GUEST	g_lock
1:	lock incq (%rbx)
	decq	%rcx
	jnz	1b
	TELL	0x80
	END	g_lock

	/* The TSC never goes back; R8 is what it was. */
	.code64
	GUEST	g_tsc
start_tsc:
	movl	$500, %ecx
1:	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	cmpq	%r8, %rax
	jb	2f
	movq	%rax, %r8
	decl	%ecx
	jnz	1b
	TELL	0x80
	jmp	start_tsc
2:	TELL	PORT_FAIL
	END	g_tsc

	/*
	 * Two address spaces, CR3 in RBX and RBP, whose page at 8 MiB holds RSI
	 * and RDI. R9 is where the entry of the first lies, R10 what it is, R11
	 * the second's entry.
	 */
	.code64
	GUEST	g_spaces
start_spaces:
	movl	$200, %ecx
1:	mov	%rbx, %cr3
	cmpq	%rsi, 0x800000
	jne	2f
	incq	0x800008
	mov	%rbp, %cr3
	cmpq	%rdi, 0x800000
	jne	2f
	mov	%rbx, %cr3
	movq	%r11, (%r9)
	invlpg	0x800000
	cmpq	%rdi, 0x800000
	jne	3f
	movq	%r10, (%r9)
	invlpg	0x800000
	cmpq	%rsi, 0x800000
	jne	3f
	decl	%ecx
	jnz	1b
	TELL	0x80
	jmp	start_spaces
2:	movl	$1, %eax
	TELL	PORT_FAIL
3:	movl	$2, %eax
	TELL	PORT_FAIL
	END	g_spaces

	.code64
	GUEST	g_forever
start_forever:
	incq	(%rbx)
	jmp	start_forever
	END	g_forever

	.code64
	GUEST	g_once
	movl	%ebx, %eax
	TELL	0x80
	END	g_once
