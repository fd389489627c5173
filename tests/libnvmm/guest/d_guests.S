/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guests of a few instructions for t_guest: each from its label to the next
 * end label, copied to 0x100000 and entered there in long mode. Addresses of
 * their own are written AT(label). Each ends by the exit port.
 */

#include "guest_abi.h"

#define BASE		0x100000
#define IDT		0x110000
#define SCRATCH		0x111000
#define DATA		0x102000	/* what the test hands over */
#define AP_PAGE		0x8000
#define AP_COUNT	0x9000
#define AP_GOT		0x9004
#define LAPIC(reg)	(GUEST_LAPIC_BASE + (reg))

	.section .rodata
	.macro GUEST name
	.global \name, \name\()_end
\name:
	.set start, \name
	.endm
	.macro END name
\name\()_end:
	.endm
#define AT(label)	(BASE + (label) - start)

	/* Leave with a status. */
	.macro EXIT status
	movb	$\status, %al
	outb	%al, $GUEST_EXIT_PORT
9:	jmp	9b
	.endm

	/* An interrupt gate, and the IDT loaded. Clobbers RAX, RDI. */
	.macro GATE vector, handler
	mov	$IDT + \vector * 16, %edi
	mov	$\handler, %eax
	movw	%ax, (%rdi)
	movw	%cs, 2(%rdi)
	movw	$0x8e00, 4(%rdi)
	shr	$16, %eax
	movw	%ax, 6(%rdi)
	mov	$SCRATCH, %edi
	movw	$0xfff, (%rdi)
	movq	$IDT, 2(%rdi)
	lidt	(%rdi)
	.endm

	/* A local APIC register written. Clobbers RDI. */
	.macro APIC reg, value
	mov	$LAPIC(\reg), %edi
	movl	$\value, (%rdi)
	.endm

	.code64
	GUEST g_exit
	EXIT	5
	END g_exit

	GUEST g_spin
	cli
	jmp	.
	END g_spin

	GUEST g_halt
	cli
1:	hlt
	jmp	1b
	END g_halt

	/* One exit after the other, without end. */
	GUEST g_busy
1:	outb	%al, $0x80
	jmp	1b
	END g_busy

	/* Ends with 6 when it is asked to. */
	GUEST g_power
	GATE	0x41, AT(power_handler)
	APIC	GUEST_LAPIC_SVR, 0x1ff
	movb	$0x41, %al
	outb	%al, $GUEST_POWER_PORT
	mov	$SCRATCH + 0x800, %esp
	sti
1:	hlt
	jmp	1b
power_handler:
	inb	$GUEST_POWER_PORT, %al
	cmpb	$GUEST_POWER_ASKED, %al
	jne	9f
	EXIT	6
9:	EXIT	1
	END g_power

	/* Ends with 7 by an NMI. */
	GUEST g_nmi
	GATE	2, AT(nmi_handler)
	mov	$SCRATCH + 0x800, %esp
1:	hlt
	jmp	1b
nmi_handler:
	EXIT	7
	END g_nmi

	/* Spins with interrupts on until the timer ends it. */
	GUEST g_timer
	GATE	0x40, AT(timer_handler)
	APIC	GUEST_LAPIC_SVR, 0x1ff
	APIC	GUEST_LAPIC_TIMER_DCR, GUEST_LAPIC_DCR_BY_1
	APIC	GUEST_LAPIC_LVT_TIMER, 0x40
	APIC	GUEST_LAPIC_TIMER_ICR, 5000000
	sti
	jmp	.
timer_handler:
	EXIT	7
	END g_timer

	/* A TSC deadline met while idle so; 1 if the TSC is not that far. */
	.macro DEADLINE idle:vararg
	GATE	0x41, AT(1f)
	APIC	GUEST_LAPIC_SVR, 0x1ff
	APIC	GUEST_LAPIC_LVT_TIMER, GUEST_LAPIC_LVT_TSCDEADLINE | 0x41
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	add	$20000000, %rax
	mov	%rax, %rbx
	mov	%rax, %rdx
	shr	$32, %rdx
	mov	$GUEST_MSR_TSC_DEADLINE, %ecx
	wrmsr
	sti
3:	\idle
	jmp	3b
1:	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	cmp	%rbx, %rax
	jb	4f
	EXIT	8
4:	EXIT	1
	.endm

	GUEST g_deadline
	DEADLINE hlt
	END g_deadline

	GUEST g_deadline_spin
	DEADLINE pause
	END g_deadline_spin

	/* An interrupt held off by the TPR comes when that is lowered. */
	GUEST g_tpr
	GATE	0x40, AT(tpr_handler)
	APIC	GUEST_LAPIC_SVR, 0x1ff
	APIC	GUEST_LAPIC_TPR, 0x40
	mov	%cr8, %rax
	cmp	$4, %rax
	jne	1f
	xor	%ebx, %ebx
	sti
	APIC	GUEST_LAPIC_ICR_LO, 0x44040
	mov	$1000, %ecx
2:	dec	%ecx
	jnz	2b
	mov	$1, %ebx
	APIC	GUEST_LAPIC_TPR, 0x30
	mov	$1000, %ecx
2:	dec	%ecx
	jnz	2b
1:	EXIT	1
tpr_handler:
	test	%ebx, %ebx
	jz	1f
	EXIT	9
1:	EXIT	2
	END g_tpr

	/* The APIC base is there; an MSR that is not raises #GP. */
	GUEST g_msr
	GATE	13, AT(gp_handler)
	mov	$GUEST_MSR_APIC_BASE, %ecx
	rdmsr
	cmp	$GUEST_LAPIC_BASE | 0x900, %eax
	jne	1f
	test	%edx, %edx
	jne	1f
	/* x2APIC mode cannot be entered. */
	or	$0x400, %eax
	movb	$1, %bl
	wrmsr
1:	EXIT	1
gp_handler:
	cmpb	$1, %bl
	jne	2f
	movb	$2, %bl
	mov	$0x12345, %ecx
	rdmsr
	EXIT	1
2:	EXIT	13
	END g_msr

	/* Nobody answers: ones, from memory and ports. */
	GUEST g_nobody
	mov	$0xd0000000, %edi
	mov	(%rdi), %eax
	cmp	$-1, %eax
	jne	1f
	movl	$0, (%rdi)
	mov	$0x1234, %dx
	inl	%dx, %eax
	cmp	$-1, %eax
	jne	1f
	outl	%eax, %dx
	EXIT	11
1:	EXIT	1
	END g_nobody

	/* Executes where there is nothing. */
	GUEST g_lost
	mov	$0xd0000000, %eax
	jmp	*%rax
	END g_lost

	/* Sends itself an INIT. */
	GUEST g_init
	APIC	GUEST_LAPIC_SVR, 0x1ff
	APIC	GUEST_LAPIC_ICR_HI, 0
	APIC	GUEST_LAPIC_ICR_LO, 0x4500
	jmp	.
	END g_init

	/*
	 * Starts all others, which count themselves and halt; sends them an
	 * interrupt, then an NMI, both of which they count. Leaves with the sum of
	 * all; DATA says how many others there are.
	 */
	GUEST g_smp
	mov	$AT(ap_start), %esi
	mov	$AP_PAGE, %edi
	mov	$ap_end - ap_start, %ecx
	rep movsb
	movq	$0, AP_COUNT
	movb	$0xf4, 0		/* HLT, for one that starts there */
	mov	DATA, %ebp
	APIC	GUEST_LAPIC_SVR, 0x1ff
	APIC	GUEST_LAPIC_ICR_LO, 0xc4500
	APIC	GUEST_LAPIC_ICR_LO, 0xc4608
	APIC	GUEST_LAPIC_ICR_LO, 0xc4608
1:	cmp	%ebp, AP_COUNT
	jne	1b
	APIC	GUEST_LAPIC_ICR_LO, 0xc4040
1:	cmp	%ebp, AP_GOT
	jne	1b
	APIC	GUEST_LAPIC_ICR_LO, 0xc4400
	add	%ebp, %ebp
1:	cmp	%ebp, AP_GOT
	jne	1b
	mov	AP_COUNT, %al
	add	AP_GOT, %al
	outb	%al, $GUEST_EXIT_PORT
	jmp	.

	/* In real mode at AP_PAGE. */
#define AP(label)	(AP_PAGE + (label) - ap_start)
	.code16
ap_start:
	cli
	movw	%cs, %ax
	movw	%ax, %ds
	lgdtl	ap_gdtr - ap_start
	mov	%cr0, %eax
	or	$1, %eax
	mov	%eax, %cr0
	ljmpl	$8, $AP(ap_flat)
	.code32
ap_flat:
	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %ss
	mov	%eax, %es
	/* A stack by the APIC's ID. */
	mov	LAPIC(GUEST_LAPIC_ID), %eax
	shr	$14, %eax
	lea	0x20000(%eax), %esp
	movl	$0x1ff, LAPIC(GUEST_LAPIC_SVR)
	lidtl	AP(ap_idtr)
	lock incl AP_COUNT
ap_idle:
	sti
1:	hlt
	jmp	1b
	/* No IRET: there are hosts that cannot do it here. */
ap_intr:
	movl	$0, LAPIC(GUEST_LAPIC_EOI)
ap_nmi:
	lock incl AP_GOT
	jmp	ap_idle
	.balign	8
ap_gdt:
	.quad	0, 0x00cf9b000000ffff, 0x00cf93000000ffff
ap_gdtr:
	.word	23
	.long	AP(ap_gdt)
ap_idtr:
	.word	0x40 * 8 + 7
	.long	AP(ap_idt)
	.balign	8
ap_idt:
	.skip	16
	.word	AP(ap_nmi), 8, 0x8e00, 0
	.skip	(0x40 - 3) * 8
	.word	AP(ap_intr), 8, 0x8e00, 0
ap_end:
	.code64
	END g_smp

	.section .note.GNU-stack, "", @progbits
