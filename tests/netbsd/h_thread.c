/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Threads, which are NetBSD's LWPs, locks that spin, and affinity.
 */

#include <sys/param.h>
#include <sys/mman.h>
#include <sys/sysctl.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>

#include "h_libc.h"

#define STACK		(256 * 1024)

struct h_thread {
	void *(*func)(void *);
	void *arg;
	void *ret;
	lwpid_t lid;
};

/* Where a thread begins. */
static void __dead
thread_main(struct h_thread *t)
{

	t->ret = t->func(t->arg);
	for (;;)
		(void)h_syscall(SYS__lwp_exit);
}

/* => The stack's last word is where a return address would be. */
int
pthread_create(pthread_t *thread, const void *attr, void *(*func)(void *),
    void *arg)
{
	struct h_thread *t;
	ucontext_t uc;
	uint8_t *stack;
	long r;

	(void)attr;
	stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON, -1, 0);
	t = malloc(sizeof(*t));
	if (stack == MAP_FAILED || t == NULL)
		return ENOMEM;
	t->func = func;
	t->arg = arg;
	r = h_syscall(SYS_getcontext, &uc);
	if (r < 0)
		return (int)-r;
	uc.uc_flags = _UC_CPU;
	uc.uc_link = NULL;
	uc.uc_mcontext.__gregs[_REG_RIP] = (uintptr_t)thread_main;
	uc.uc_mcontext.__gregs[_REG_RDI] = (uintptr_t)t;
	uc.uc_mcontext.__gregs[_REG_RSP] = (uintptr_t)stack + STACK - 8;
	*thread = t;
	r = h_syscall(SYS__lwp_create, &uc, 0L, &t->lid);
	return r < 0 ? (int)-r : 0;
}

int
pthread_join(pthread_t t, void **ret)
{
	lwpid_t gone;
	long r;

	do {
		r = h_syscall(SYS__lwp_wait, (long)t->lid, &gone);
	} while (r == -EINTR);
	if (r < 0)
		return (int)-r;
	if (ret != NULL)
		*ret = t->ret;
	return 0;
}

int
h_lock(volatile int *l)
{

	while (__atomic_exchange_n(l, 1, __ATOMIC_ACQUIRE) != 0)
		(void)h_syscall(SYS_sched_yield);
	return 0;
}

int
h_unlock(volatile int *l)
{

	__atomic_store_n(l, 0, __ATOMIC_RELEASE);
	return 0;
}

static int
set_affinity(long lid, size_t size, const cpu_set_t *set)
{
	long r;

	r = h_syscall(SYS__sched_setaffinity, 0L, lid, size, set);
	return r < 0 ? (int)-r : 0;
}

int
pthread_setaffinity_np(pthread_t t, size_t size, const cpu_set_t *set)
{

	return set_affinity(t->lid, size, set);
}

int
sched_setaffinity(pid_t self, size_t size, const cpu_set_t *set)
{

	(void)self;
	errno = set_affinity(h_syscall(SYS__lwp_self), size, set);
	return errno != 0 ? -1 : 0;
}

/* All CPUs that there are. */
int
sched_getaffinity(pid_t self, size_t size, cpu_set_t *set)
{
	static const int name[] = { CTL_HW, HW_NCPU };
	size_t len = sizeof(int);
	int i, ncpu = 1;

	(void)self;
	(void)size;
	CPU_ZERO(set);
	(void)h_syscall(SYS___sysctl, name, 2, &ncpu, &len, NULL, 0L);
	for (i = 0; i < ncpu && i < CPU_SETSIZE; i++)
		CPU_SET(i, set);
	return 0;
}
