/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The groups of cases that init.c runs.
 */

#ifndef _T_NETBSD_H_
#define _T_NETBSD_H_

#include "h_atf.h"

/* Those of tests/nvmm, as the build finds them; the last has no name. */
struct t_group {
	const char *name;
	atf_error_t (*run)(atf_tp_t *);
};
extern const struct t_group t_groups[];

/* t_netbsd.c: with the module loaded */
void	t_netbsd(void);
/* with max_ram above what there is */
void	t_netbsd_ram(void);

#endif /* _T_NETBSD_H_ */
