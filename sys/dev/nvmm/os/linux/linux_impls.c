/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The backends of the Linux module.
 */

#include "nvmm_internal.h"

#ifdef NVMM_SVM
#include "x86/svm/svm.h"
#endif

const struct nvmm_impl *const nvmm_impls[] = {
#ifdef NVMM_SVM
	&nvmm_x86_svm,
#endif
	NULL
};
