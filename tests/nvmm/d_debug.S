/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guests of t_debug. A table of addresses, 4 bytes each, lies where G_DATA
 * points to: AT() of what the test wants to know.
 */

#include "h_guest.h"

	/* TF on, over four instructions, and off again. */
	.code64
	GUEST	g_step
	pushq	$0x102
	popfq
	nop
	incl	%eax
	nop
	pushq	$0x2
	popfq
	nop
	TELL	0x80
	END	g_step

	/* Over instructions that the driver carries out. */
	.code64
	GUEST	g_step_cpuid
	movl	$0x277, %ecx
	pushq	$0x102
	popfq
	nop				/* at 0xb */
	rdmsr				/* 0xc */
	cpuid				/* 0xe */
	nop				/* 0x10 */
	pushq	$0x2
	popfq
	TELL	0x80
	END	g_step_cpuid

	/* A breakpoint at 1:, and a watch of G_DATA + 0x20. */
	.code64
	GUEST	g_break
	movl	$AT(1f), %eax
	mov	%rax, %db0
	movl	$G_DATA + 0x20, %eax
	mov	%rax, %db1
	movl	$0xd00403, %eax		/* L0 G0: fetch */
	mov	%rax, %db7
	xorl	%ecx, %ecx
	nop
1:	incl	%ecx
	movl	%ecx, %eax
	TELL	0x80
	movl	$0xd00408, %eax		/* G1: writes of 4 bytes */
	mov	%rax, %db7
	movl	G_DATA + 0x20, %eax
	movl	$0x1234, G_DATA + 0x20
2:	nop
	TELL	0x81
	movl	$0x400, %eax
	mov	%rax, %db7
	movl	$0x1235, G_DATA + 0x20
	TELL	0x82
	.balign	4
	.long	AT(1b), AT(2b)
	END	g_break

	.code64
	GUEST	g_break_owner
	nop
	nop
	nop
	TELL	0x80
	END	g_break_owner

	/* What SVM's instructions do without SVM: 3 bytes each. */
	.code64
	GUEST	g_svm_insns
	xorl	%eax, %eax
	xorl	%ecx, %ecx
	.byte	0x0f, 0x01, 0xd8	/* VMRUN */
	.byte	0x0f, 0x01, 0xda	/* VMLOAD */
	.byte	0x0f, 0x01, 0xdb	/* VMSAVE */
	.byte	0x0f, 0x01, 0xdc	/* STGI */
	.byte	0x0f, 0x01, 0xdd	/* CLGI */
	.byte	0x0f, 0x01, 0xde	/* SKINIT */
	.byte	0x0f, 0x01, 0xdf	/* INVLPGA */
	TELL	0x80
	END	g_svm_insns

	.code64
	GUEST	g_vmmcall
	.byte	0x0f, 0x01, 0xd9
	TELL	0x80
	END	g_vmmcall

	.code64
	GUEST	g_svme
	movl	$0x80000001, %eax
	cpuid
	movl	%ecx, G_DATA
	movl	$0x8000000a, %eax
	cpuid
	orl	%ebx, %eax
	orl	%edx, %eax
	movl	%eax, G_DATA + 4
	movl	$0xc0000080, %ecx
	rdmsr
	movl	%eax, G_DATA + 8
	orl	$0x1000, %eax
	wrmsr
	TELL	PORT_FAIL
	END	g_svme

	/* VM_CR and VM_HSAVE_PA. */
	.code64
	GUEST	g_vm_cr
	rdmsr
	TELL	0x80
	END	g_vm_cr
