/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * For the guests' assembler: a guest runs from its name to its end, copied to
 * G_CODE; addresses of its own are written AT(label).
 */

#include "h_layout.h"

	.section .note.GNU-stack, "", @progbits
	.section .rodata

	.macro GUEST name
	.global \name, \name\()_end
\name:
	.set start, \name
	.endm
	.macro END name
\name\()_end:
	hlt
	.endm
#define AT(label)	(G_CODE + (label) - start)

	/* Tell the test; the value in EAX comes along. */
	.macro TELL port
	outl	%eax, $\port
	.endm
