/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the files of the NetBSD layer share.
 */

#ifndef _NVMM_NETBSD_H_
#define _NVMM_NETBSD_H_

#include "nvmm_internal.h"

#include <sys/queue.h>

struct cdevsw;
struct proc;
struct uvm_object;
struct vmspace;

/*
 * An open of the device. Keys: (c) constant while open, (f) the lock of the
 * list of files, (a) atomic.
 */
struct os_file {
	LIST_ENTRY(os_file) list;	/* (f) */
	struct nvmm_owner owner;
	struct proc *proc;		/* (f) who opened; NULL: it is gone */
	struct vmspace *vm;		/* (a) its address space; NULL likewise */
	bool ending;			/* (f) its machines are being ended */
	pid_t pid;			/* (c) */
};

/* Memory of a guest's, or a comm page. */
struct os_vmobj {
	struct uvm_object *uobj;	/* (c) one reference */
	size_t size;			/* (c) */
	volatile unsigned refs;		/* (a) */
};

/* netbsd_cpu.c */
int	netbsd_cpu_init(void);
void	netbsd_cpu_fini(void);
/*
 * Room for a copy of a page of a guest's, of the calling thread's own; NULL if
 * it has been in no region yet. => Good until it has been called
 * NETBSD_COPIES times.
 */
#define NETBSD_COPIES	16
uint8_t	*netbsd_copy_page(void);

/* netbsd_dev.c */
#define NETBSD_MAJOR	345	/* as in MAKEDEV(8) */
extern const struct cdevsw nvmm_cdevsw;
void	netbsd_files_init(void);
/* => No file is open. */
void	netbsd_files_fini(void);
bool	netbsd_files_suspend(void);
void	netbsd_files_resume(void);

/* netbsd_vmspace.c */
int	netbsd_vmspace_init(void);

#endif /* _NVMM_NETBSD_H_ */
