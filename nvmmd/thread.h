/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Threads with stacks of our own: small, with a guard page, and given back to
 * the system at the join, where the C library would keep them for later.
 */

#ifndef _THREAD_H_
#define _THREAD_H_

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct thread {
	pthread_t id;
	void *stack;		/* with the guard page, stack_size bytes */
	size_t stack_size;
};

/*
 * Starts start(arg) with every signal blocked. Returns 0 or an errno.
 * => thread_join follows exactly once
 */
int	thread_create(struct thread *, size_t stack, void *(*start)(void *),
	    void *arg);
void	thread_join(struct thread *);
/* The calling thread's processor time: a clock for thread_cpu_ns. */
clockid_t thread_clock(void);
/* Nanoseconds; 0 if that thread is gone. */
uint64_t thread_cpu_ns(clockid_t);
/* Names the calling thread for ps(1) and debuggers; the text may be cut. */
void	thread_name(const char *);

/*
 * The main thread's and the VCPUs' priorities: a daemon with the right to do
 * so raises itself, before it gives the right up; VCPUs then step back.
 */
void	thread_priority_main(void);
void	thread_priority_vcpu(void);
/* The calling thread's number; to let that thread run soon, as it is to end. */
int	thread_self(void);
void	thread_hasten(int self);
/* Keeps the right to hasten beyond the loss of privileges. */
void	thread_priority_keep(void);

#endif /* _THREAD_H_ */
