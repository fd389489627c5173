/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What nvmm_machine.areas points to, for the core to make and unmake.
 */

#ifndef _LIBNVMM_MAPS_H_
#define _LIBNVMM_MAPS_H_

#include <dev/nvmm/nvmm.h>

/* An empty table with its lock, or NULL and errno. */
void	*nvmm_maps_create(void);
/*
 * Note the VCPU's comm page, NULL for none. => Unmaps the one noted before: the
 * driver leaves that to its owner. NULL for a table is allowed.
 */
void	nvmm_maps_set_comm(void *, nvmm_cpuid_t, struct nvmm_comm_page *);
/* => Unmaps the comm pages that are left. NULL is allowed. */
void	nvmm_maps_destroy(void *);

#endif /* _LIBNVMM_MAPS_H_ */
