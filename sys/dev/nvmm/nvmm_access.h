/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * How an access that the host has already decoded travels from a backend to
 * whoever carries it out: shared by the driver and the door of its hosted
 * build, not part of the binary interface.
 */

#ifndef _DEV_NVMM_NVMM_ACCESS_H_
#define _DEV_NVMM_NVMM_ACCESS_H_

#include <dev/nvmm/nvmm.h>

/*
 * One access of a host-decoded exit, see vcpu_access in nvmm_internal.h. data
 * holds count * size bytes in the backend's memory, good until the next run,
 * setstate or getstate.
 */
struct nvmm_access {
	uint64_t token;			/* of the exit; 0 is no access */
	bool mem;			/* memory, or else port */
	bool write;			/* towards the device */
	uint8_t size;			/* 1, 2, 4 (port); 1 to 8 (memory) */
	uint32_t count;			/* of a string instruction, else 1 */
	uint64_t addr;			/* gpa, or port */
	uint8_t *data;
};

#endif /* _DEV_NVMM_NVMM_ACCESS_H_ */
