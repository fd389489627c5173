/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The door to the hosted driver. It knows one owner, the process that it is
 * part of: limits and the right to list and destroy cover this process only.
 * All functions return 0 or a positive errno.
 */

#ifndef _NVMM_HOSTED_H_
#define _NVMM_HOSTED_H_

#include <stdbool.h>

#include <dev/nvmm/nvmm_ioctl.h>
#include <dev/nvmm/nvmm_access.h>

/*
 * Name the backend that the next open takes, "kvm" or "fake"; NULL: the best
 * one. => The string must live as long as the driver. EBUSY when open.
 */
int	nvmm_hosted_backend(const char *);

/*
 * Start the driver. root: to list and destroy only. Opening again in the same
 * way is a second name for the same owner; in the other way EBUSY. ENXIO: no
 * backend for this host; ENOENT, EACCES and others: what opening /dev/kvm says;
 * EPERM: that too, or in the child of a process that had it open.
 */
int	nvmm_hosted_open(bool root);
/* End every machine and the driver. => No other call is in progress. */
int	nvmm_hosted_close(void);

/* As ioctl(2) on /dev/nvmm would. */
int	nvmm_hosted_request(unsigned long cmd, void *record);
/*
 * Have a run in progress return soon.
 * => Async-signal-safe. The caller answers for the VCPU's existence.
 */
int	nvmm_hosted_kick(nvmm_machid_t, nvmm_cpuid_t);

/* See vcpu_access in nvmm_internal.h; token 0: the last exit carries none. */
int	nvmm_hosted_access(nvmm_machid_t, nvmm_cpuid_t, struct nvmm_access *);
int	nvmm_hosted_access_done(nvmm_machid_t, nvmm_cpuid_t,
	    const struct nvmm_access *);

#endif /* _NVMM_HOSTED_H_ */
