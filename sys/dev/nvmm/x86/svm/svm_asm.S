/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * From the host's registers to the guest's and back, around VMRUN. AMD APM
 * vol. 2, 15.5.
 *
 * void svm_vmrun(uint64_t vmcb_pa, uint64_t *gprs, uint64_t host_save_pa);
 *
 * VMRUN itself carries RAX, RSP, RIP, RFLAGS, CR0 to CR4, EFER, the segments
 * ES to DS and the descriptor tables; VMLOAD and VMSAVE the rest but for the
 * registers below, the FPU's and DR0 to DR3. gprs is in the API's order. Until
 * the last VMLOAD the host has no per-CPU data. No register leaves here with
 * what the guest had in it.
 */

#include "nvmm_osdep.h"

#define GPR(n)		((n) * 8)
#define RCX		GPR(1)
#define RDX		GPR(2)
#define RBX		GPR(3)
#define RBP		GPR(5)
#define RSI		GPR(6)
#define RDI		GPR(7)
#define R8		GPR(8)
#define R9		GPR(9)
#define R10		GPR(10)
#define R11		GPR(11)
#define R12		GPR(12)
#define R13		GPR(13)
#define R14		GPR(14)
#define R15		GPR(15)

OS_ASM_ENTRY(svm_vmrun)
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushq	%rdx
	pushq	%rsi

	movq	%rdi, %rax
	movq	RCX(%rsi), %rcx
	movq	RDX(%rsi), %rdx
	movq	RBX(%rsi), %rbx
	movq	RBP(%rsi), %rbp
	movq	RDI(%rsi), %rdi
	movq	R8(%rsi), %r8
	movq	R9(%rsi), %r9
	movq	R10(%rsi), %r10
	movq	R11(%rsi), %r11
	movq	R12(%rsi), %r12
	movq	R13(%rsi), %r13
	movq	R14(%rsi), %r14
	movq	R15(%rsi), %r15
	movq	RSI(%rsi), %rsi

	OS_ASM_BEFORE_GUEST
	vmload	%rax
	vmrun	%rax
	vmsave	%rax

	popq	%rax
	movq	%rcx, RCX(%rax)
	movq	%rdx, RDX(%rax)
	movq	%rbx, RBX(%rax)
	movq	%rbp, RBP(%rax)
	movq	%rsi, RSI(%rax)
	movq	%rdi, RDI(%rax)
	movq	%r8, R8(%rax)
	movq	%r9, R9(%rax)
	movq	%r10, R10(%rax)
	movq	%r11, R11(%rax)
	movq	%r12, R12(%rax)
	movq	%r13, R13(%rax)
	movq	%r14, R14(%rax)
	movq	%r15, R15(%rax)

	popq	%rax
	vmload	%rax

	OS_ASM_AFTER_GUEST

	/* The callee-saved ones are popped. */
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%esi, %esi
	xorl	%edi, %edi
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	OS_ASM_RET
OS_ASM_END(svm_vmrun)
