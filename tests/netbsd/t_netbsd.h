/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The groups of cases that init.c runs.
 */

#ifndef _T_NETBSD_H_
#define _T_NETBSD_H_

#include "h_atf.h"

/* Those of tests/nvmm, as the build finds them; NULL-terminated. */
extern atf_error_t (*const t_groups[])(atf_tp_t *);

/* t_netbsd.c: with the module loaded */
void	t_netbsd(void);

#endif /* _T_NETBSD_H_ */
