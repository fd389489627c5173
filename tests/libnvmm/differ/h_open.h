/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Faults of the assist that are known and still open; what shows them is left
 * out of the tests. A condition here goes with its fault.
 */

#ifndef _H_OPEN_H_
#define _H_OPEN_H_

#include "h_gen.h"

/* True if the executor is known to fail the case. */
bool	open_execute(const struct testcase *);
/* True if the decoder is. */
bool	open_decode(const struct testcase *);

#endif /* _H_OPEN_H_ */
