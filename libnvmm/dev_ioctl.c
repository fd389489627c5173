/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The door to the driver in the kernel, by ioctl(2) on /dev/nvmm. The one
 * descriptor lives as long as the process; the kernel destroys the machines
 * with it.
 */

#include <sys/ioctl.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "nvmm_dev.h"

#define DEV_PATH	"/dev/nvmm"

/* A writable shared mapping needs a writable file on Linux. */
#if defined(__NetBSD__)
#define DEV_OWNER_MODE	O_RDONLY
#else
#define DEV_OWNER_MODE	O_RDWR
#endif

static int dev_fd = -1;		/* constant once initialization is over */

/* Open the device. => May be called again until its first use. */
static int
dev_ioctl_open(bool root)
{

	if (dev_fd != -1)
		(void)close(dev_fd);
	dev_fd = open(DEV_PATH, (root ? O_WRONLY : DEV_OWNER_MODE) | O_CLOEXEC);
	return dev_fd == -1 ? -1 : 0;
}

/* One ioctl: none of the driver's gives anything but 0 or -1. */
static int
dev_ioctl_request(unsigned long cmd, void *record)
{

	return ioctl(dev_fd, cmd, record);
}

/* Make a run in progress return. => Leaves errno alone unless it fails. */
static int
dev_ioctl_kick(nvmm_machid_t machid, nvmm_cpuid_t cpuid,
    struct nvmm_comm_page *comm)
{
	struct nvmm_ioc_vcpu args = { .machid = machid, .cpuid = cpuid };

	(void)comm;
	return dev_ioctl_request(NVMM_IOC_VCPU_KICK, &args);
}

const struct nvmm_dev nvmm_dev_ioctl = {
	.name = DEV_PATH,
	.open = dev_ioctl_open,
	.request = dev_ioctl_request,
	.kick = dev_ioctl_kick,
	.access = NULL,
	.access_done = NULL,
};
