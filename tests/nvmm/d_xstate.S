/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guests of t_xstate, in ring 3, where a KVM that interprets ring 0 leaves SSE
 * and AVX alone; #UD says that they are through.
 */

#include "h_guest.h"

#define AREA	G_FREE
#define AREA2	G_FREE + 0x400

	/* All of YMM as it is found, to AREA; then other values, from AREA2. */
	.code64
	GUEST	g_ymm
	.irp	r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovdqu	%ymm\r, AREA + \r * 32
	.endr
	ud2
	.irp	r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovdqu	AREA2 + \r * 32, %ymm\r
	.endr
	ud2
	END	g_ymm

	/* Back to where the processor need not save them. */
	.code64
	GUEST	g_ymm_zero
	vzeroall
	ud2
	END	g_ymm_zero

	.code64
	GUEST	g_mxcsr
	stmxcsr	AREA
	ud2
	END	g_mxcsr
