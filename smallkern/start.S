/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The two entry points and the page tables that the first of them needs.
 * PVH enters in 32-bit mode with EBX = hvm_start_info, the other way is entered
 * in long mode with RDI = hvm_start_info; both end in kmain().
 */

#include "cpu.h"
#include "guest_abi.h"
#include "paging.h"

/* The note that makes this file a PVH kernel. */
	.section .note.Xen, "a", @note
	.balign	4
	.long	2f - 1f
	.long	4f - 3f
	.long	HVM_NOTE_PHYS32_ENTRY
1:	.asciz	HVM_NOTE_OWNER
2:	.balign	4
3:	.quad	start32
4:

	.text
	.code32

/* PVH: switch on PAE, long mode and paging, in the order that manuals ask. */
	.globl	start32
start32:
	cld
	movl	$boot_pml4, %eax
	movl	%eax, %cr3
	movl	$CR4_PAE, %eax
	movl	%eax, %cr4
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$EFER_LME, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$(CR0_PG | CR0_PE), %eax
	movl	%eax, %cr0
	lgdt	boot_gdt_pointer
	movl	%ebx, %edi
	ljmpl	$SEL_KCODE, $start64

	.code64

/* Long mode: a stack is all that C needs. */
	.globl	start64
start64:
	movl	$boot_stack_top, %esp
	xorl	%ebp, %ebp
	cld
	call	kmain
1:	cli
	hlt
	jmp	1b

	.section .rodata
	.balign	8
boot_gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* SEL_KCODE: 64-bit code, ring 0 */
	.quad	0x00cf93000000ffff	/* SEL_KDATA */
boot_gdt_pointer:
	.word	. - boot_gdt - 1
	.long	boot_gdt

/*
 * The first 4 GiB mapped to themselves by 2 MiB pages.  Written out here they
 * cost no instruction; paging.c refines them once the kernel talks.
 */
	.section .tables, "aw", @progbits
	.globl	boot_pml4, boot_pdpt, boot_pd
	.balign	PAGE_SIZE
boot_pml4:
	.quad	boot_pdpt + (PTE_P | PTE_W | PTE_U)
	.balign	PAGE_SIZE
boot_pdpt:
	.quad	boot_pd + 0x0000 + (PTE_P | PTE_W | PTE_U)
	.quad	boot_pd + 0x1000 + (PTE_P | PTE_W | PTE_U)
	.quad	boot_pd + 0x2000 + (PTE_P | PTE_W | PTE_U)
	.quad	boot_pd + 0x3000 + (PTE_P | PTE_W | PTE_U)
	.balign	PAGE_SIZE
boot_pd:
	.set	frame, 0
	.rept	4 * 512
	.quad	frame + (PTE_P | PTE_W | PTE_PS)
	.set	frame, frame + 0x200000
	.endr

	.bss
	.balign	16
	.skip	16384
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
