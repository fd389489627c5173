/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guests of t_memory. RBX is the address that the test is about.
 */

#include "h_guest.h"

	/* Read it and tell, for ever. */
	.code64
	GUEST	g_read
1:	movl	(%rbx), %eax
	TELL	0x80
	jmp	1b
	END	g_read

	/* Read, write, read. */
	.code64
	GUEST	g_rw
	movl	(%rbx), %eax
	TELL	0x80
	movl	$0x0badf00d, (%rbx)
	movl	(%rbx), %eax
	TELL	0x81
	END	g_rw

	.code64
	GUEST	g_jump
	jmp	*%rbx
	END	g_jump

	/* Count up at RBX for as long as it may. */
	.code64
	GUEST	g_count
1:	incq	(%rbx)
	jmp	1b
	END	g_count

	/* Wait until what lies there is EDX. */
	.code64
	GUEST	g_await
1:	cmpl	%edx, (%rbx)
	jne	1b
	TELL	0x80
	END	g_await

	/* Two addresses, one memory. */
	.code64
	GUEST	g_twice
	movl	$0x11223344, (%rbx)
	movl	(%rcx), %eax
	TELL	0x80
	movl	$0x55667788, (%rcx)
	movl	(%rbx), %eax
	TELL	0x81
	END	g_twice

	/* From RBX on, RCX times with a step of RDX: each holds its address. */
	.code64
	GUEST	g_fill
	movq	%rcx, %rsi
	movq	%rbx, %rdi
1:	movq	%rdi, (%rdi)
	addq	%rdx, %rdi
	decq	%rsi
	jnz	1b
	movq	%rbx, %rdi
	movq	%rcx, %rsi
2:	cmpq	%rdi, (%rdi)
	jne	3f
	addq	%rdx, %rdi
	decq	%rsi
	jnz	2b
	TELL	0x80
3:	TELL	PORT_FAIL
	END	g_fill

	/* An instruction that changes each time before it is jumped to. */
	.code64
	GUEST	g_smc
	movl	$300, %ecx
1:	movl	%ecx, AT(2f) + 1
	jmp	2f
2:	movl	$0, %eax
	cmpl	%ecx, %eax
	jne	3f
	decl	%ecx
	jnz	1b
	TELL	0x80
3:	TELL	PORT_FAIL
	END	g_smc

	/* The same by an alias of the code, which takes a serialization. */
	.code64
	GUEST	g_smc_alias
	movl	$300, %esi
1:	movl	%esi, G_ALIAS + AT(2f) + 1
	xorl	%eax, %eax
	cpuid
	jmp	2f
2:	movl	$0, %eax
	cmpl	%esi, %eax
	jne	3f
	decl	%esi
	jnz	1b
	TELL	0x80
3:	TELL	PORT_FAIL
	END	g_smc_alias

	/* Code that the owner rewrites between two runs. */
	.code64
	GUEST	g_patched
1:	movl	$0x11111111, %eax
	TELL	0x80
	jmp	1b
	END	g_patched
