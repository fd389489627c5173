/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guests of t_exits. An instruction whose exit tells of itself has its address
 * in g_NAME's table of labels, 4 bytes each, at the end of the guest.
 */

#include "h_guest.h"

	/* Ports: in order as t_exits' table has them. */
	.macro PORTS
	movw	$0x1234, %dx
	movl	$0x44332211, %eax
11:	outb	%al, $0x10
12:	outw	%ax, $0x11
13:	outl	%eax, $0x12
14:	outb	%al, %dx
15:	outw	%ax, %dx
16:	outl	%eax, %dx
21:	inb	$0x13, %al
22:	inw	$0x14, %ax
23:	inl	$0x15, %eax
24:	inb	%dx, %al
25:	inw	%dx, %ax
26:	inl	%dx, %eax
31:
	.endm

	.code16
	GUEST	g_ports16
	PORTS
	TELL	0x80
	.balign	4
	.long	AT(11b), AT(12b), AT(13b), AT(14b), AT(15b), AT(16b), AT(21b)
	.long	AT(22b), AT(23b), AT(24b), AT(25b), AT(26b), AT(31b)
	END	g_ports16

	.code32
	GUEST	g_ports32
	PORTS
	TELL	0x80
	.balign	4
	.long	AT(11b), AT(12b), AT(13b), AT(14b), AT(15b), AT(16b), AT(21b)
	.long	AT(22b), AT(23b), AT(24b), AT(25b), AT(26b), AT(31b)
	END	g_ports32

	.code64
	GUEST	g_ports64
	PORTS
	TELL	0x80
	.balign	4
	.long	AT(11b), AT(12b), AT(13b), AT(14b), AT(15b), AT(16b), AT(21b)
	.long	AT(22b), AT(23b), AT(24b), AT(25b), AT(26b), AT(31b)
	END	g_ports64

	/* Strings: sources at G_DATA, destinations at G_DATA + 0x100. */
	.macro STRINGS
	cld
	movw	$0x20, %dx
	movl	$G_DATA, %esi
	movl	$G_DATA + 0x100, %edi
11:	outsb
12:	outsw
13:	outsl
	movl	$5, %ecx
14:	rep outsb
	movl	$3, %ecx
15:	rep outsl
16:	outsb	%fs:(%esi), %dx
21:	insb
22:	insw
23:	insl
	movl	$4, %ecx
24:	rep insw
	std
25:	insb
	cld
31:
	.endm

	.code16
	GUEST	g_strings16
	cld
	movw	$0x20, %dx
	movw	$G_DATA, %si
	movw	$G_DATA + 0x100, %di
11:	outsb
12:	outsw
13:	outsl
	movw	$5, %cx
14:	rep outsb
	movw	$3, %cx
15:	rep outsl
16:	outsb	%fs:(%si), %dx
21:	insb
22:	insw
23:	insl
	movw	$4, %cx
24:	rep insw
	std
25:	insb
	cld
31:	TELL	0x80
	.balign	4
	.long	AT(11b), AT(12b), AT(13b), AT(14b), AT(15b), AT(16b), AT(21b)
	.long	AT(22b), AT(23b), AT(24b), AT(25b), AT(31b)
	END	g_strings16

	.code32
	GUEST	g_strings32
	STRINGS
	TELL	0x80
	.balign	4
	.long	AT(11b), AT(12b), AT(13b), AT(14b), AT(15b), AT(16b), AT(21b)
	.long	AT(22b), AT(23b), AT(24b), AT(25b), AT(31b)
	END	g_strings32

	.code64
	GUEST	g_strings64
	STRINGS
	TELL	0x80
	.balign	4
	.long	AT(11b), AT(12b), AT(13b), AT(14b), AT(15b), AT(16b), AT(21b)
	.long	AT(22b), AT(23b), AT(24b), AT(25b), AT(31b)
	END	g_strings64

	/* Memory that is not there; BX holds its address, segment 0xb000. */
	.code16
	GUEST	g_memory16
	movw	$G_MMIO >> 4, %ax
	movw	%ax, %ds
	movw	$0x10, %bx
	movl	$0x44332211, %eax
	movb	%al, (%bx)
	movw	%ax, 0x1(%bx)
	movl	%eax, 0x3(%bx)
	movb	(%bx), %cl
	movw	(%bx), %dx
	movl	(%bx), %esi
	movl	%esi, %eax
	TELL	0x80
	END	g_memory16

	.code32
	GUEST	g_memory32
	movl	$G_MMIO + 0x10, %ebx
	movl	$0x44332211, %eax
	movb	%al, (%ebx)
	movw	%ax, 0x1(%ebx)
	movl	%eax, 0x3(%ebx)
	movb	(%ebx), %cl
	movw	(%ebx), %dx
	movl	(%ebx), %esi
	movl	%esi, %eax
	TELL	0x80
	END	g_memory32

	.code64
	GUEST	g_memory64
	movl	$G_MMIO + 0x10, %ebx
	movl	$0x44332211, %eax
	movb	%al, (%rbx)
	movw	%ax, 0x1(%rbx)
	movl	%eax, 0x3(%rbx)
	movb	(%rbx), %cl
	movw	(%rbx), %dx
	movl	(%rbx), %esi
	movl	%esi, %eax
	TELL	0x80
	movq	%rax, 0x8(%rbx)
	movq	0x10(%rbx), %rcx
	movq	%rcx, %rax
	TELL	0x81
	END	g_memory64

	.code64
	GUEST	g_fetch
	movl	$G_MMIO + 0x20, %eax
	jmp	*%rax
	END	g_fetch

	/* MSRs that nobody knows. */
	.code64
	GUEST	g_msrs
	movl	$0x000001b7, %ecx
	movl	$0x11223344, %eax
	movl	$0x55667788, %edx
	wrmsr
	rdmsr
	movl	%eax, G_DATA
	movl	%edx, G_DATA + 4
	movl	$0xc0011fed, %ecx
	rdmsr
	movl	%eax, G_DATA + 8
	movl	%edx, G_DATA + 12
	TELL	0x80
	END	g_msrs

	/* The leaf in EAX and the subleaf in ECX. */
	.code64
	GUEST	g_cpuid
	cpuid
	movl	%eax, G_DATA
	movl	%ebx, G_DATA + 4
	movl	%ecx, G_DATA + 8
	movl	%edx, G_DATA + 12
	TELL	0x80
	END	g_cpuid

	.code64
	GUEST	g_hlt
	hlt
	TELL	0x80
	END	g_hlt

	.code64
	GUEST	g_ud2
	ud2
	END	g_ud2

	.code64
	GUEST	g_monitor
	movl	$G_DATA, %eax
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	monitor
	xorl	%eax, %eax
	mwait
	TELL	0x80
	END	g_monitor

	.code64
	GUEST	g_spin
	jmp	.
	END	g_spin

	.code64
	GUEST	g_tell
	TELL	0x80
	TELL	0x81
	TELL	0x82
	END	g_tell

	/* Interrupts on by POPF, whose shadow is none. */
	.code64
	GUEST	g_window
	pushq	$0x202
	popfq
1:	nop
	TELL	0x80
	.balign	4
	.long	AT(1b)
	END	g_window

	.code64
	GUEST	g_tpr
	movl	$9, %eax
	mov	%rax, %cr8
	TELL	0x80
	movl	$2, %eax
	mov	%rax, %cr8
	TELL	0x81
	mov	%cr8, %rax
	TELL	0x82
	END	g_tpr
