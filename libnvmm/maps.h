/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What nvmm_machine.areas points to, for the core to make and unmake.
 */

#ifndef _LIBNVMM_MAPS_H_
#define _LIBNVMM_MAPS_H_

#include <dev/nvmm/nvmm.h>

#include "areas.h"

/* An empty table with its lock, or NULL and errno. */
void	*nvmm_maps_create(void);
/*
 * Note the VCPU's comm page, NULL for none. => Unmaps the one noted before: the
 * driver leaves that to its owner. NULL for a table is allowed.
 */
void	nvmm_maps_set_comm(void *, nvmm_cpuid_t, struct nvmm_comm_page *);
/*
 * The links, to stay as they are until they are released, which is to be soon:
 * nvmm_gpa_map() and its like wait for it, so that none of them, and no
 * callback of the owner's, may come in between. NULL for a table gives NULL.
 */
const struct nvmm_areas *nvmm_maps_hold(void *);
void	nvmm_maps_release(void *);
/*
 * The VCPU's slot for memory that whoever runs it keeps, NULL at first. => Freed
 * by free() with the VCPU; not for a cpuid that the driver does not know.
 */
void	**nvmm_maps_slot(void *, nvmm_cpuid_t);
/* => Unmaps the comm pages that are left. NULL is allowed. */
void	nvmm_maps_destroy(void *);

#endif /* _LIBNVMM_MAPS_H_ */
