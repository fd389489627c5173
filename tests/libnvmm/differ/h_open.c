/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The open faults.
 */

#include <errno.h>

#include "h_open.h"

bool
open_decode(const struct testcase *tc)
{

	(void)tc;
	return false;
}

bool
open_execute(const struct testcase *tc)
{

	(void)tc;
	return false;
}
