/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * pthread_create(3) with a mapped stack, and what differs between hosts about
 * names and priorities.
 */

#include <sys/mman.h>
#include <sys/resource.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <sched.h>
#endif

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "thread.h"

#define THREAD_NICE_MAIN	(-5)
#define THREAD_NICE_VCPU	5
#define THREAD_NICE_HASTE	(-15)
#define THREAD_SLICE_MAIN	100000		/* ns; the least there is */
#define THREAD_SLICE_VCPU	3000000

/* A race detector keeps its own thread-local megabytes on the stack. */
#ifdef __SANITIZE_THREAD__
#define THREAD_STACK_EXTRA	(4 << 20)
#else
#define THREAD_STACK_EXTRA	0
#endif

#ifndef MAP_STACK
#define MAP_STACK	0
#endif

/* Maps a stack with a guard page below it. Returns 0 or an errno. */
static int
thread_stack(struct thread *t, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	t->stack_size = size + THREAD_STACK_EXTRA + page;
	t->stack = mmap(NULL, t->stack_size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON | MAP_STACK, -1, 0);
	if (t->stack == MAP_FAILED)
		return errno;
	if (mprotect(t->stack, page, PROT_NONE) == -1) {
		int error = errno;

		munmap(t->stack, t->stack_size);
		return error;
	}
	return 0;
}

/* Starts the thread on the stack it has. Returns 0 or an errno. */
static int
thread_start(struct thread *t, void *(*start)(void *), void *arg)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	sigset_t all, before;
	pthread_attr_t attr;
	int error;

	error = pthread_attr_init(&attr);
	if (error != 0)
		return error;
	error = pthread_attr_setstack(&attr, (char *)t->stack + page,
	    t->stack_size - page);
	if (error == 0) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		error = pthread_create(&t->id, &attr, start, arg);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	pthread_attr_destroy(&attr);
	return error;
}

/* A running thread, or the errno of why not. */
int
thread_create(struct thread *t, size_t stack, void *(*start)(void *),
    void *arg)
{
	int error;

	error = thread_stack(t, stack);
	if (error != 0)
		return error;
	error = thread_start(t, start, arg);
	if (error != 0)
		munmap(t->stack, t->stack_size);
	return error;
}

/* Waits for the thread's end and frees its stack. */
void
thread_join(struct thread *t)
{

	pthread_join(t->id, NULL);
	munmap(t->stack, t->stack_size);
	t->stack = NULL;
}

/* Where there is none to be read by others, it is the process's. */
clockid_t
thread_clock(void)
{
	clockid_t clock;

	return pthread_getcpuclockid(pthread_self(), &clock) == 0 ? clock :
	    CLOCK_PROCESS_CPUTIME_ID;
}

/* A thread's processor time. */
uint64_t
thread_cpu_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) == -1)
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

#ifdef __linux__

/* Linux takes 15 characters. */
void
thread_name(const char *name)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%s", name);
	(void)pthread_setname_np(pthread_self(), text);
}

/* What sched_setattr(2) takes; no C library header has it. */
struct thread_sched {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/*
 * Sets a thread's (0: the calling one's) policy, nice value and time slice.
 * From Linux 6.12 on a short slice is run early, at no one's cost and without
 * any right; older kernels ignore it.
 */
static void
thread_sched(int self, uint32_t policy, int nice_value, uint64_t slice)
{
	struct thread_sched attr = {
		.size = sizeof(attr),
		.policy = policy,
		.nice = nice_value,
		.runtime = slice,
	};

	if (syscall(SYS_sched_setattr, self, &attr, 0) == 0)
		return;
	attr.nice = getpriority(PRIO_PROCESS, (id_t)self);
	(void)syscall(SYS_sched_setattr, self, &attr, 0);
}

/* These belong to threads, and new threads inherit them. */
void
thread_priority_main(void)
{

	thread_sched(0, SCHED_OTHER, THREAD_NICE_MAIN, THREAD_SLICE_MAIN);
}

/* Below main, whether that could be raised or not. */
void
thread_priority_vcpu(void)
{

	thread_sched(0, SCHED_BATCH, THREAD_NICE_VCPU, THREAD_SLICE_VCPU);
}

/* gettid(2). */
int
thread_self(void)
{

	return (int)gettid();
}

/* A VCPU among many that spin would wait its turn only to be told to end. */
void
thread_hasten(int self)
{

	if (self != 0)
		thread_sched(self, SCHED_OTHER, THREAD_NICE_HASTE,
		    THREAD_SLICE_MAIN);
}

/* RLIMIT_NICE counts upwards from nice 20. */
void
thread_priority_keep(void)
{
	const struct rlimit limit = { 20 - THREAD_NICE_HASTE,
	    20 - THREAD_NICE_HASTE };

	(void)setrlimit(RLIMIT_NICE, &limit);
}

#else

/* NetBSD's takes a format. */
void
thread_name(const char *name)
{

	(void)pthread_setname_np(pthread_self(), "%s", (void *)(uintptr_t)name);
}

/* Nice values belong to processes: the whole daemon is raised. */
void
thread_priority_main(void)
{

	(void)setpriority(PRIO_PROCESS, 0, THREAD_NICE_MAIN);
}

/* Nothing less than the process has a priority that an owner may lower. */
void
thread_priority_vcpu(void)
{
}

/* No number is needed. */
int
thread_self(void)
{

	return 0;
}

/* The same. */
void
thread_hasten(int self)
{

	(void)self;
}

/* The same. */
void
thread_priority_keep(void)
{
}

#endif
