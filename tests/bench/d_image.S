/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The guests of the exit bench; h_image.h says what each does.
 */

#include "h_image.h"

	.section .note.GNU-stack, "", @progbits
	.section .rodata
	.global image, image_end
	.global guest_port, guest_cpuid, guest_mmio, guest_mmio_or, guest_touch

image:
guest_port:
	outb	%al, $I_PORT
	jmp	guest_port

guest_cpuid:
	outb	%al, $I_PORT
	.rept	I_CPUIDS
	xorl	%eax, %eax
	cpuid
	.endr
	jmp	guest_cpuid

guest_mmio:
	movl	$I_MMIO, %edi
1:	movl	%eax, (%rdi)
	jmp	1b

guest_mmio_or:
	movl	$I_MMIO, %edi
1:	orl	%eax, (%rdi)
	jmp	1b

guest_touch:
	outb	%al, $I_PORT
	movl	$I_TABLE, %esi
	movl	$I_TOUCHES, %ecx
1:	lodsq
	movb	$1, (%rax)
	decl	%ecx
	jnz	1b
	jmp	guest_touch
image_end:
