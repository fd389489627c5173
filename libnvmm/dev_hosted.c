/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The door to the driver that is linked into the library, for hosts without
 * /dev/nvmm. It turns the driver's positive errno into -1 and errno.
 */

#include <errno.h>

#include "nvmm_dev.h"
#include "nvmm_hosted.h"

/* -1 and errno for a driver's error. */
static int
dev_result(int error)
{

	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

/* Start the driver. */
static int
dev_hosted_open(bool root)
{

	return dev_result(nvmm_hosted_open(root));
}

/* One request, served on the calling thread. */
static int
dev_hosted_request(unsigned long cmd, void *record)
{

	return dev_result(nvmm_hosted_request(cmd, record));
}

/* Make a run in progress return. */
static int
dev_hosted_kick(nvmm_machid_t machid, nvmm_cpuid_t cpuid,
    struct nvmm_comm_page *comm)
{

	(void)comm;
	return dev_result(nvmm_hosted_kick(machid, cpuid));
}

/* The access of the last exit, if the host decoded it. */
static int
dev_hosted_access(nvmm_machid_t machid, nvmm_cpuid_t cpuid,
    struct nvmm_dev_access *da)
{
	struct nvmm_access a = { .token = 0 };
	int error;

	error = nvmm_hosted_access(machid, cpuid, &a);
	if (error != 0)
		return dev_result(error);
	*da = (struct nvmm_dev_access){
		.token = a.token, .mem = a.mem, .write = a.write,
		.size = a.size, .count = a.count, .addr = a.addr,
		.data = a.data,
	};
	return 0;
}

/* Give the access back, carried out. */
static int
dev_hosted_access_done(nvmm_machid_t machid, nvmm_cpuid_t cpuid,
    const struct nvmm_dev_access *da)
{
	struct nvmm_access a = {
		.token = da->token, .mem = da->mem, .write = da->write,
		.size = da->size, .count = da->count, .addr = da->addr,
		.data = da->data,
	};

	return dev_result(nvmm_hosted_access_done(machid, cpuid, &a));
}

const struct nvmm_dev nvmm_dev_hosted = {
	.name = "hosted",
	.open = dev_hosted_open,
	.request = dev_hosted_request,
	.kick = dev_hosted_kick,
	.access = dev_hosted_access,
	.access_done = dev_hosted_access_done,
};
