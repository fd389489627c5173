/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The hosted build's part of nvmm_os.h: the driver as a library in a process
 * of its owner. Locks know who holds them, so that asserts about them mean
 * something.
 */

#ifndef _NVMM_OSDEP_H_
#define _NVMM_OSDEP_H_

#include <sys/types.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define OS_PAGE_SIZE	4096

#define OS_CTASSERT(e)	_Static_assert(e, #e)
#define OS_ASSERT(e)							\
	((e) ? (void)0 : hosted_assert_failed(#e, __FILE__, __LINE__))

#define os_atomic_load(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define os_atomic_store(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)

typedef struct {
	pthread_mutex_t m;
	void *owner;		/* atomic; a mark of the thread, or NULL */
} os_mutex_t;

typedef pthread_cond_t os_cv_t;

/* The process that opened the driver. */
struct os_file {
	pid_t pid;
};

struct os_vmobj;
struct os_vmspace;

void	hosted_assert_failed(const char *, const char *, int)
	    __attribute__((noreturn));

static inline unsigned
os_atomic_swap(volatile int *p, int v)
{

	return (unsigned)__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);
}

static inline int
os_atomic_add(volatile int *p, int v)
{

	return __atomic_add_fetch(p, v, __ATOMIC_SEQ_CST);
}

#endif /* _NVMM_OSDEP_H_ */
