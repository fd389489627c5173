/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The backends of the NetBSD kernel.
 */

#include "nvmm_internal.h"
#include "x86/svm/svm.h"

const struct nvmm_impl *const nvmm_impls[] = {
	&nvmm_x86_svm,
	NULL
};
