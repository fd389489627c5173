/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The backends of the hosted build. Tests of the frontend leave this file out
 * and bring a list of their own.
 */

#include "nvmm_internal.h"
#include "fake.h"
#include "kvm.h"

const struct nvmm_impl *const nvmm_impls[] = {
	&nvmm_kvm,
	&nvmm_fake,	/* only when asked for by name */
	NULL
};
