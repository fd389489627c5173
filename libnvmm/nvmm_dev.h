/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * libnvmm's only door to the driver. Two drivers stand behind it: /dev/nvmm
 * by ioctl (dev_ioctl.c), and the same driver linked into the library and
 * called directly (dev_hosted.c).
 */

#ifndef _NVMM_DEV_H_
#define _NVMM_DEV_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dev/nvmm/nvmm_ioctl.h>

/*
 * One access of a host-decoded exit: count items of size bytes at data, in
 * the driver's memory. token 0: the exit is raw, the library decodes it.
 */
struct nvmm_dev_access {
	uint64_t token;
	bool mem;			/* memory, or else port */
	bool write;			/* towards the device */
	uint8_t size;
	uint32_t count;
	uint64_t addr;			/* gpa, or port */
	uint8_t *data;
};

/* A way to the driver. Methods return 0, or -1 and errno. */
struct nvmm_dev {
	const char *name;
	/* root: to list and destroy the machines of all. */
	int (*open)(bool root);
	int (*request)(unsigned long cmd, void *record);
	/* => Async-signal-safe. */
	int (*kick)(nvmm_machid_t, nvmm_cpuid_t, struct nvmm_comm_page *);
	/* NULL where no backend decodes. */
	int (*access)(nvmm_machid_t, nvmm_cpuid_t, struct nvmm_dev_access *);
	int (*access_done)(nvmm_machid_t, nvmm_cpuid_t,
	    const struct nvmm_dev_access *);
};

extern const struct nvmm_dev nvmm_dev_ioctl;
extern const struct nvmm_dev nvmm_dev_hosted;

#endif /* _NVMM_DEV_H_ */
