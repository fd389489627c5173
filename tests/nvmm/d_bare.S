/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guests of h_bare: each goes wrong where the host's KVM has a fault.
 */

#include "h_guest.h"

	/* Anything at all with paging on. */
	.code32
	GUEST	b_paging32
	TELL	0x80
	END	b_paging32

	/* A port in ring 3 with IOPL 3. */
	.code64
	GUEST	b_iopl
	TELL	0x80
	END	b_iopl

	/* The selector that was loaded. */
	.code64
	GUEST	b_ss3
	movw	%ss, %ax
	cmpw	$SEL_UDATA, %ax
	jne	.
	ud2
	END	b_ss3

	/* Interrupts on: the window is open at once. */
	.code64
	GUEST	b_window
	pushq	$0x202
	popfq
	nop
	TELL	0x80
	END	b_window
