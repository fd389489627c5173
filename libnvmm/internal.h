/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the files of libnvmm share and its clients do not see.
 */

#ifndef _LIBNVMM_INTERNAL_H_
#define _LIBNVMM_INTERNAL_H_

#include "nvmm.h"
#include "nvmm_dev.h"

#define NVMM_PAGE_SIZE	4096

/* The way to the driver that initialization chose; NULL before. */
const struct nvmm_dev *nvmm_dev(void);
/* One request to the driver. -1 and ENXIO before initialization. */
int	nvmm_request(unsigned long cmd, void *record);
/* The page that a VCPU shares with the driver. */
struct nvmm_comm_page *nvmm_comm(const struct nvmm_vcpu *);

/* devs.c: the ways to the driver, in the order to try; NULL-terminated. */
extern const struct nvmm_dev *const nvmm_devs[];

#endif /* _LIBNVMM_INTERNAL_H_ */
