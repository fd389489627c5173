/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the files of the Linux layer share among themselves.
 */

#ifndef _NVMM_LINUX_H_
#define _NVMM_LINUX_H_

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/mm_types.h>
#include <linux/mmu_notifier.h>

#include "nvmm_internal.h"

/* Pages that one entry of the second level of tables covers: 2 MiB. */
#define LINUX_CHUNK_PAGES	512

/*
 * Pages for a guest: charged to the owner's group, and given up on with an
 * error rather than by having the kernel kill somebody.
 */
#define LINUX_GFP_GUEST							\
	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/* An open file of the device; freed by the last look of its notifier. */
struct os_file {
	struct nvmm_owner owner;
	struct mm_struct *mm;		/* (c) the owner's, held */
	struct pid *pid;		/* (c) the process that opened, held */
	struct mmu_notifier notifier;	/* tells of the mm's end */
};

/*
 * What the driver holds, to be read in /sys/module/nvmm/parameters. (a) each.
 */
struct linux_held {
	atomic_long_t machines;		/* guest-physical address spaces */
	atomic_long_t vcpus;		/* comm pages mapped for the driver */
	atomic_long_t objects;		/* struct os_vmobj */
	atomic_long_t pages;		/* of objects and of nested tables */
	atomic_long_t hwpages;		/* os_pages_zalloc: the backend's */
	atomic_long_t allocs;		/* os_mem_zalloc not yet freed */
};

extern struct linux_held linux_held;

/* linux_os.c */
/* => Before os_time_ticks(). */
void	linux_time_init(void);

/* linux_vm.c */
/*
 * The page at an index of the object, made if it is not there; NULL without
 * memory. => Good while the caller's reference to the object is. Any number of
 * callers at once. A page of 2 MiB comes as the part of it at the index.
 */
struct page *linux_vmobj_page(struct os_vmobj *, size_t index, gfp_t);
/* The page at an index, or NULL where there is none yet. => Never sleeps. */
struct page *linux_vmobj_peek(struct os_vmobj *, size_t index);

/* linux_cpu.c */
/* Begin and end to hear of CPUs, suspend and reboot. => Attached. */
int	linux_cpu_init(void);
void	linux_cpu_fini(void);

#endif /* _NVMM_LINUX_H_ */
