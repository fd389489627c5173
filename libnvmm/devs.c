/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Which drivers the library knows: the one place to drop the hosted driver
 * from, and the seam at which tests put drivers of their own.
 */

#include "internal.h"

const struct nvmm_dev *const nvmm_devs[] = {
	&nvmm_dev_ioctl,
#ifndef __NetBSD__
	&nvmm_dev_hosted,
#endif
	NULL
};
