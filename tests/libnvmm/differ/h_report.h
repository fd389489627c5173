/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A case that differs, made small and put into words.
 */

#ifndef _H_REPORT_H_
#define _H_REPORT_H_

#include "h_run.h"

/* Take out of a case all that it differs without. */
void	report_shrink(struct testcase *, struct result *);
/* Print it: bytes, disassembled where Zydis is there, before and after. */
void	report_print(const struct testcase *, const struct result *);

#endif /* _H_REPORT_H_ */
