/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guests of t_state: they store what they see from G_DATA on, and load what
 * lies from G_DATA + 0x100 on, eight bytes an item.
 */

#include "h_guest.h"

#define SEEN(n)		G_DATA + (n) * 8
#define GIVEN(n)	G_DATA + 0x100 + (n) * 8
#define AREA		G_FREE			/* FXSAVE's */
#define AREA2		G_FREE + 0x200

	/* In the order of NVMM_X64_GPR_*, RFLAGS last, RSP G_STACK. */
	.code64
	GUEST	g_gprs
	movq	%rax, SEEN(0)
	movq	%rcx, SEEN(1)
	movq	%rdx, SEEN(2)
	movq	%rbx, SEEN(3)
	movq	%rsp, SEEN(4)
	movq	%rbp, SEEN(5)
	movq	%rsi, SEEN(6)
	movq	%rdi, SEEN(7)
	movq	%r8, SEEN(8)
	movq	%r9, SEEN(9)
	movq	%r10, SEEN(10)
	movq	%r11, SEEN(11)
	movq	%r12, SEEN(12)
	movq	%r13, SEEN(13)
	movq	%r14, SEEN(14)
	movq	%r15, SEEN(15)
	pushfq
	popq	SEEN(17)
	TELL	0x80
	pushq	GIVEN(17)
	popfq
	movq	GIVEN(0), %rax
	movq	GIVEN(1), %rcx
	movq	GIVEN(2), %rdx
	movq	GIVEN(3), %rbx
	movq	GIVEN(4), %rsp
	movq	GIVEN(5), %rbp
	movq	GIVEN(6), %rsi
	movq	GIVEN(7), %rdi
	movq	GIVEN(8), %r8
	movq	GIVEN(9), %r9
	movq	GIVEN(10), %r10
	movq	GIVEN(11), %r11
	movq	GIVEN(12), %r12
	movq	GIVEN(13), %r13
	movq	GIVEN(14), %r14
	movq	GIVEN(15), %r15
	TELL	0x81
	END	g_gprs

	/* Selectors and tables; FS's and GS's bases. */
	.code64
	GUEST	g_segs
	movw	%es, SEEN(0)
	movw	%cs, SEEN(1)
	movw	%ss, SEEN(2)
	movw	%ds, SEEN(3)
	movw	%fs, SEEN(4)
	movw	%gs, SEEN(5)
	sgdt	SEEN(6)
	sidt	SEEN(8)
	sldt	SEEN(10)
	str	SEEN(11)
	movq	%fs:0, %rax
	movq	%rax, SEEN(12)
	movq	%gs:0, %rax
	movq	%rax, SEEN(13)
	TELL	0x80
	movl	$0xc0000100, %ecx
	movl	$0x55667788, %eax
	movl	$0x11, %edx
	wrmsr
	incl	%ecx
	movl	$0x99aabbcc, %eax
	movl	$0xffff8123, %edx
	wrmsr
	lgdt	GIVEN(0)
	lidt	GIVEN(2)
	movl	$SEL_LDT, %eax
	lldt	%ax
	movl	$SEL_UDATA, %eax
	movw	%ax, %ds
	xorl	%eax, %eax
	movw	%ax, %es
	TELL	0x81
	END	g_segs

	/* Bases and limits of 32-bit segments at work. */
	.code32
	GUEST	g_limits
	movl	%es:0x10, %eax
	TELL	0x80
	movl	%fs:0x1010, %eax
	TELL	0x81
	movl	%es:0x1ffd, %eax	/* over the limit of 0x1fff */
	TELL	PORT_FAIL
	END	g_limits

	.code64
	GUEST	g_crs
	mov	%cr0, %rax
	movq	%rax, SEEN(0)
	mov	%cr2, %rax
	movq	%rax, SEEN(1)
	mov	%cr3, %rax
	movq	%rax, SEEN(2)
	mov	%cr4, %rax
	movq	%rax, SEEN(3)
	mov	%cr8, %rax
	movq	%rax, SEEN(4)
	TELL	0x80
	movq	GIVEN(0), %rax
	mov	%rax, %cr0
	movq	GIVEN(1), %rax
	mov	%rax, %cr2
	movq	GIVEN(2), %rax
	mov	%rax, %cr3
	movq	GIVEN(3), %rax
	mov	%rax, %cr4
	movq	GIVEN(4), %rax
	mov	%rax, %cr8
	TELL	0x81
	END	g_crs

	.code64
	GUEST	g_xgetbv
	xorl	%ecx, %ecx
	xgetbv
	movl	%eax, SEEN(0)
	movl	%edx, SEEN(0) + 4
	ud2
	END	g_xgetbv

	.code64
	GUEST	g_xsetbv
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	movl	$3, %eax
	xsetbv
	TELL	0x80
	movl	$2, %eax			/* SSE without x87: #GP */
	xsetbv
	TELL	PORT_FAIL
	END	g_xsetbv

	.code64
	GUEST	g_drs
	mov	%db0, %rax
	movq	%rax, SEEN(0)
	mov	%db1, %rax
	movq	%rax, SEEN(1)
	mov	%db2, %rax
	movq	%rax, SEEN(2)
	mov	%db3, %rax
	movq	%rax, SEEN(3)
	mov	%db6, %rax
	movq	%rax, SEEN(4)
	mov	%db7, %rax
	movq	%rax, SEEN(5)
	TELL	0x80
	movq	GIVEN(0), %rax
	mov	%rax, %db0
	movq	GIVEN(1), %rax
	mov	%rax, %db1
	movq	GIVEN(2), %rax
	mov	%rax, %db2
	movq	GIVEN(3), %rax
	mov	%rax, %db3
	movq	GIVEN(4), %rax
	mov	%rax, %db6
	movq	GIVEN(5), %rax
	mov	%rax, %db7
	TELL	0x81
	END	g_drs

	/* RDMSR and WRMSR of ECX, the test's choice, once each. */
	.code64
	GUEST	g_msr
	rdmsr
	movl	%eax, SEEN(0)
	movl	%edx, SEEN(0) + 4
	TELL	0x80
	movl	GIVEN(0), %eax
	movl	GIVEN(0) + 4, %edx
	wrmsr
	TELL	0x81
	END	g_msr

	.code64
	GUEST	g_rdtsc
	rdtsc
	movl	%eax, SEEN(0)
	movl	%edx, SEEN(0) + 4
	movl	$0x10, %ecx
	rdmsr
	movl	%eax, SEEN(1)
	movl	%edx, SEEN(1) + 4
	TELL	0x80
	movl	$0x10, %ecx
	xorl	%eax, %eax
	movl	$0x70000000, %edx
	wrmsr
	rdtsc
	movl	%eax, SEEN(2)
	movl	%edx, SEEN(2) + 4
	TELL	0x81
	END	g_rdtsc

	/* In ring 3, where a KVM that interprets ring 0 leaves SSE alone. */
	.code64
	GUEST	g_fpu
	fxsave64 AREA
	ud2
	fxrstor64 AREA2
	ud2
	END	g_fpu

	/* RDI in three registers; 64 bytes on they must still hold it. */
	.balign	64
	.code64
	GUEST	g_fpu_own
	movq	%rdi, %xmm0
	movdqa	%xmm0, %xmm15
	fninit
	movq	%rdi, (%rsp)
	fildq	(%rsp)
	ud2
	.balign	64
	movq	%xmm0, %rax
	cmpq	%rdi, %rax
	jne	1f
	movq	%xmm15, %rax
	cmpq	%rdi, %rax
	jne	1f
	fistl	(%rsp)
	cmpl	%edi, (%rsp)
	jne	1f
	ud2
1:	mov	%cr0, %rax
	END	g_fpu_own

	/* The same with the upper halves of YMM, and with PKRU. */
	.balign	64
	.code64
	GUEST	g_avx_own
	movq	%rdi, %xmm0
	vinsertf128 $1, %xmm0, %ymm0, %ymm0
	vmovaps	%ymm0, %ymm15
	ud2
	.balign	64
	vextractf128 $1, %ymm15, %xmm1
	vmovq	%xmm1, %rax
	cmpq	%rdi, %rax
	jne	1f
	ud2
1:	mov	%cr0, %rax
	END	g_avx_own

	.balign	64
	.code64
	GUEST	g_pkru_own
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	movl	%edi, %eax
	wrpkru
	ud2
	.balign	64
	xorl	%ecx, %ecx
	rdpkru
	cmpl	%edi, %eax
	jne	1f
	ud2
1:	mov	%cr0, %rax
	END	g_pkru_own

	/* SYSCALL to 64 bytes on, and back behind it. */
	.balign	64
	.code64
	GUEST	g_syscall
	movl	$0x11, %ebx
	syscall
1:	movl	$0x33, %ebx
	ud2
	.balign	64
	movl	%ebx, %eax
	TELL	0x80
	swapgs
	movl	$0x22, %ebx
	sysretq
	END	g_syscall

	/* Everything the host could lose. */
	.code64
	GUEST	g_fpu_trash
	pushq	$0x1f80
	ldmxcsr	(%rsp)
	fninit
	fldpi
	pxor	%xmm0, %xmm0
	pxor	%xmm7, %xmm7
	pxor	%xmm8, %xmm8
	pxor	%xmm15, %xmm15
	ud2
	END	g_fpu_trash

	.code64
	GUEST	g_avx_trash
	vzeroall
	ud2
	END	g_avx_trash

	.code16
	GUEST	g_reset
	TELL	0x80
	END	g_reset
