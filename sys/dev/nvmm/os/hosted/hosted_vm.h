/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Memory of the hosted driver, as its backends see it: where the pages of a
 * guest-physical range lie in this process.
 */

#ifndef _NVMM_HOSTED_VM_H_
#define _NVMM_HOSTED_VM_H_

#include "nvmm_os.h"

/* A range of linked guest-physical memory. */
struct hosted_region {
	uint64_t gpa;
	size_t size;
	uint8_t *host;		/* the driver's own mapping, read and write */
	int prot;		/* NVMM_PROT_* */
};

/*
 * The links, sorted by gpa, without overlaps; neighbours are not merged.
 * => Good until the next change; read it with the machine locked or parked.
 */
const struct hosted_region *hosted_vmspace_regions(const struct os_vmspace *,
    size_t *n);

/*
 * Where gpa lies, and in *len how many bytes follow within its link; NULL
 * where nothing is linked. Protection is not looked at.
 */
void	*hosted_vmspace_host(struct os_vmspace *, uint64_t gpa, size_t *len);

/* An object's size, and where the driver has mapped all of it. */
size_t	hosted_vmobj_size(const struct os_vmobj *);
uint8_t	*hosted_vmobj_host(const struct os_vmobj *);

/*
 * For tests: the nth allocation from now on (1: the next) fails, of
 * os_mem_zalloc, os_vmobj_create and every other verb that may run out of
 * memory; 0 switches off. Returns how many there were since the last call.
 */
unsigned hosted_fail_nth(unsigned nth);
/* True if the allocation that the caller is about to make shall fail. */
bool	hosted_fail_now(void);
/* Bytes and objects now held by os_mem_zalloc and os_vmobj_create. */
size_t	hosted_mem_held(void);
size_t	hosted_vmobj_held(void);

#endif /* _NVMM_HOSTED_VM_H_ */
