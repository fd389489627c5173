/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guests of t_modes: one for each width of code, and one that goes through
 * all modes. What they see lies in G_DATA, eight bytes an item.
 */

#include "h_guest.h"

	/* CR0, CR3, CR4, CS, SS, and what bytes of two meanings do. */
	.macro LOOK
	mov	%cr0, %eax
	movl	%eax, G_DATA
	mov	%cr3, %eax
	movl	%eax, G_DATA + 8
	mov	%cr4, %eax
	movl	%eax, G_DATA + 16
	movw	%cs, %ax
	movw	%ax, G_DATA + 24
	movw	%ss, %ax
	movw	%ax, G_DATA + 32
	.endm

	.code16
	GUEST	g_look16
	LOOK
	xorl	%eax, %eax
	.byte	0x48		/* dec ax: 0xffff; REX.W elsewhere */
	nop
	movl	%eax, G_DATA + 40
	TELL	0x80
	END	g_look16

	.code32
	GUEST	g_look32
	LOOK
	xorl	%eax, %eax
	.byte	0x48		/* dec eax */
	nop
	movl	%eax, G_DATA + 40
	TELL	0x80
	END	g_look32

	.code64
	GUEST	g_look64
	mov	%cr0, %rax
	mov	%rax, G_DATA
	mov	%cr3, %rax
	mov	%rax, G_DATA + 8
	mov	%cr4, %rax
	mov	%rax, G_DATA + 16
	movw	%cs, G_DATA + 24
	movw	%ss, G_DATA + 32
	xorl	%eax, %eax
	.byte	0x48		/* REX.W */
	nop
	movl	%eax, G_DATA + 40
	TELL	0x80
	END	g_look64

	/* Ring 3 tells by #UD, and may not look at control registers. */
	.code32
	GUEST	g_user32
	movw	$SEL_TSS, %ax
	ltr	%ax
	pushl	$SEL_UDATA
	pushl	$G_STACK
	pushl	$0x2
	pushl	$SEL_UCODE32
	pushl	$AT(2f)
	iretl
2:	movw	$SEL_UDATA, %ax
	movw	%ax, %ds
	movw	%cs, %ax
	movw	%ax, G_DATA + 24
	movw	%ss, %ax
	movw	%ax, G_DATA + 32
	movl	$AT(1f), G_DATA
1:	mov	%cr0, %eax
	ud2
	END	g_user32

	.code64
	GUEST	g_user64
	movw	%cs, G_DATA + 24
	movw	%ss, G_DATA + 32
	movq	$AT(1f), G_DATA
1:	mov	%cr0, %rax
	ud2
	END	g_user64

	/* Memory by its alias, and what the walk left in the tables. */
	.code32
	GUEST	g_alias32
	movl	$0x600dcafe, G_ALIAS + G_DATA
	movl	G_DATA, %eax
	TELL	0x80
	movl	$0x600df00d, G_DATA
	movl	G_ALIAS + G_DATA, %eax
	TELL	0x81
	END	g_alias32

	.code64
	GUEST	g_alias64
	movl	$0x600dcafe, G_ALIAS + G_DATA
	movl	G_DATA, %eax
	TELL	0x80
	movl	$0x600df00d, G_DATA
	movl	G_ALIAS + G_DATA, %eax
	TELL	0x81
	END	g_alias64

	/* Load the data segments. Clobbers AX. */
	.macro DATASEGS sel
	movw	$\sel, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	.endm

	/* Paging off, other tables and CR4, paging on. Clobbers EAX. */
	.macro PAGING cr3, cr4
	mov	%cr0, %eax
	andl	$0x7fffffff, %eax
	mov	%eax, %cr0
	movl	$\cr4, %eax
	mov	%eax, %cr4
	movl	$\cr3, %eax
	mov	%eax, %cr3
	mov	%cr0, %eax
	orl	$0x80000000, %eax
	mov	%eax, %cr0
	.endm

	/* EFER's low half. Clobbers EAX, ECX, EDX. */
	.macro EFER value
	movl	$0xc0000080, %ecx
	movl	$\value, %eax
	xorl	%edx, %edx
	wrmsr
	.endm

	.code16
	GUEST	g_all_modes
	lgdtl	AT(5f)
	TELL	1			/* real */
	mov	%cr0, %eax
	orb	$1, %al
	mov	%eax, %cr0
	ljmp	$SEL_CODE16, $AT(1f)
1:	DATASEGS SEL_DATA16
	TELL	2			/* 16-bit protected */
	ljmpl	$SEL_CODE32, $AT(2f)
	.code32
2:	DATASEGS SEL_DATA
	TELL	3			/* 32-bit, no paging */
	PAGING	G_PD_32, 0
	TELL	4			/* 32-bit, 4 KiB pages */
	PAGING	G_PD_PSE, 0x10
	TELL	5			/* 4 MiB pages */
	PAGING	G_PDPT_PAE, 0x20
	TELL	6			/* PAE */
	mov	%cr0, %eax
	andl	$0x7fffffff, %eax
	mov	%eax, %cr0
	EFER	0x100
	PAGING	G_PML4, 0x20
	TELL	7			/* compatibility */
	ljmp	$SEL_CODE64, $AT(3f)
	.code64
3:	movq	$0x1122334455667788, %rbx
	TELL	8			/* long */
	pushq	$SEL_CODE32
	pushq	$AT(4f)
	lretq
	.code32
4:	TELL	9			/* compatibility */
	ljmp	$SEL_CODE64, $AT(6f)
5:	.word	G_GDT_SIZE - 1
	.long	G_GDT
	.code64
6:	TELL	10			/* long */
	pushq	$SEL_CODE32
	pushq	$AT(7f)
	lretq
	.code32
7:	mov	%cr0, %eax
	andl	$0x7fffffff, %eax
	mov	%eax, %cr0
	EFER	0
	xorl	%eax, %eax
	mov	%eax, %cr4
	TELL	11			/* 32-bit, no paging */
	ljmp	$SEL_CODE16, $AT(8f)
	.code16
8:	DATASEGS SEL_DATA16
	mov	%cr0, %eax
	andb	$0xfe, %al
	mov	%eax, %cr0
	ljmp	$0, $AT(9f)
9:	DATASEGS 0
	movl	$0x0ea15afe, G_DATA
	TELL	12			/* real */
	END	g_all_modes
