/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What nvmm_machine.areas points to, for the core to make and unmake.
 */

#ifndef _LIBNVMM_MAPS_H_
#define _LIBNVMM_MAPS_H_

/* An empty table with its lock, or NULL and errno. */
void	*nvmm_maps_create(void);
/* => NULL is allowed. */
void	nvmm_maps_destroy(void *);

#endif /* _LIBNVMM_MAPS_H_ */
