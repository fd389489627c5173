/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The Linux kernel's part of nvmm_os.h.
 */

#ifndef _NVMM_OSDEP_H_
#define _NVMM_OSDEP_H_

#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/wait.h>

/* What user space calls it; the kernel's own ENOTSUPP is for NFS alone. */
#define ENOTSUP		EOPNOTSUPP

#define OS_PAGE_SIZE	4096

#define OS_CTASSERT(e)	static_assert(e)
#ifdef NVMM_DEBUG
#define OS_ASSERT(e)	BUG_ON(!(e))
#else
/* Not evaluated, but compiled, so that it stays right. */
#define OS_ASSERT(e)	((void)sizeof((e) ? 1 : 0))
#endif

#define os_atomic_load(p)	smp_load_acquire(p)
#define os_atomic_store(p, v)	smp_store_release(p, v)

typedef struct {
	struct mutex m;
	struct task_struct *owner;	/* the holder; others may read it stale */
} os_mutex_t;

typedef wait_queue_head_t os_cv_t;

/*
 * Macros, as lockdep tells classes of locks by the place of their
 * initialization: in a function, all of them would be one.
 */
#define os_mutex_init(mtx)						\
	do {								\
		mutex_init(&(mtx)->m);					\
		(mtx)->owner = NULL;					\
	} while (0)
#define os_cv_init(cv)	init_waitqueue_head(cv)

struct os_file;
struct os_vmobj;
struct os_vmspace;

static inline unsigned
os_atomic_swap(volatile int *p, int v)
{

	return (unsigned)xchg(p, v);
}

#endif /* _NVMM_OSDEP_H_ */
