/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The guest of t_api: it is there.
 */

#include "h_guest.h"

	.code64
	GUEST	g_there
	TELL	0x80
	END	g_there
