/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The guest of t_stops: it counts, tells the count, opens the interrupt window
 * and stays a while in the guest.
 */

#include "h_guest.h"

	.code64
	GUEST	g_counts
	xorl	%eax, %eax
1:	cli
	incl	%eax
	TELL	0x80
	sti
	nop
	movl	$12, %ecx
2:	decl	%ecx
	jnz	2b
	jmp	1b
	END	g_counts
