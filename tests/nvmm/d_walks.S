/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guest of t_walks: one access at RBX each, then #UD, which ring 3 may raise on any
 * host. The same bytes serve 32-bit modes.
 */

#include "h_guest.h"

	.code64
	.balign	16
	GUEST	g_walks
	movl	(%rbx), %eax
	ud2
	.org	g_walks + 16
	movl	%eax, (%rbx)
	ud2
	.org	g_walks + 32
	lock addl $1, (%rbx)
	ud2
	.org	g_walks + 48
	jmp	*%rbx
	END	g_walks
