/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * No stop is lost, none comes twice, and the guest does not notice: its owner
 * opens every group of state and asks for a window at each exit, is stopped out
 * of a signal handler wherever that finds it, and runs the guest again.
 *
 * NVMM_TEST_STOPS says how many stops there are; a million takes minutes.
 */

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "h_case.h"

#define STOPS		10000
#define EXITS_PER_STOP	1000000		/* without it: one is lost */

static struct vm *stopped;
#if !defined(__NetBSD__)
static pthread_t owner;
#endif
static volatile unsigned asked, got;	/* atomic: stops */
static volatile int running;		/* atomic: the owner is inside run */
static unsigned windows;		/* that have opened */
static volatile uint32_t count;		/* atomic: as the guest told it last */

static void
on_stop(int sig)
{

	(void)sig;
	(void)nvmm_vcpu_stop(&stopped->cpus[0].v);
}

/*
 * A moment, another one each time, more often short than long: by a linear
 * congruential generator.
 */
static void
moment(void)
{
	static uint32_t seed = 1;
	volatile uint32_t n;

	seed = seed * 1664525 + 1013904223;
	for (n = seed >> (15 + (seed >> 8 & 7)); n != 0; n--)
		continue;
}

/* The signal, to the thread that runs the guest. */
static void
ask(void)
{

#if defined(__NetBSD__)
	(void)kill(getpid(), SIGUSR1);
#else
	(void)pthread_kill(owner, SIGUSR1);
#endif
}

/* Wait by turns until the guest is run, until it has counted, and not at all. */
static void
await_turn(unsigned i)
{
	const uint32_t before = __atomic_load_n(&count, __ATOMIC_SEQ_CST);

	if (i % 4 == 1) {
		while (!__atomic_load_n(&running, __ATOMIC_SEQ_CST))
			(void)usleep(0);
	} else if (i % 4 == 3) {
		while (__atomic_load_n(&count, __ATOMIC_SEQ_CST) == before)
			(void)usleep(0);
	}
	moment();
}

/* Ask for the next stop once the last one has been seen. */
static void *
asker(void *arg)
{
	const unsigned n = *(const unsigned *)arg;
	unsigned i;

	for (i = 1; i <= n; i++) {
		await_turn(i);
		__atomic_store_n(&asked, i, __ATOMIC_SEQ_CST);
		ask();
		while (__atomic_load_n(&got, __ATOMIC_SEQ_CST) != i)
			(void)usleep(0);
	}
	return NULL;
}

/* All groups are read and written back, the window wanted where it is shut. */
static void
open_all(struct vm *vm)
{
	struct nvmm_x64_state *state = vm_get(vm, ALL);

	state->intr.int_window_exiting =
	    (state->gprs[R_RFLAGS] & FL_IF) == 0;
	vm_set(vm, ALL);
}

/* One exit, and what the guest counts at it. */
static void
step(struct vm *vm)
{
	uint64_t reason;

	__atomic_store_n(&running, 1, __ATOMIC_SEQ_CST);
	reason = vm_run(vm);
	__atomic_store_n(&running, 0, __ATOMIC_SEQ_CST);
	switch (reason) {
	case NVMM_VCPU_EXIT_STOPPED:
		ATF_REQUIRE_EQ_MSG(got + 1, asked, "stop %u has not been asked "
		    "for", got + 1);
		__atomic_store_n(&got, got + 1, __ATOMIC_SEQ_CST);
		break;
	case NVMM_VCPU_EXIT_INT_READY:
		windows++;
		break;
	case NVMM_VCPU_EXIT_IO:
		vm_assist(vm);
		ATF_REQUIRE_EQ_MSG(count + 1, (uint32_t)vm_val(vm),
		    "the guest has counted %u after %u",
		    (unsigned)vm_val(vm), count);
		__atomic_store_n(&count, count + 1, __ATOMIC_SEQ_CST);
		break;
	default:
		atf_tc_fail("%s", vm_strexit(vm));
	}
}

static void
handler(struct vm *vm)
{
	struct sigaction sa = { .sa_handler = on_stop };
	unsigned n = vm_param("NVMM_TEST_STOPS", STOPS), exits, last;
	pthread_t thread;

	VM_START(vm, VM_LONG, g_counts);
	stopped = vm;
#if !defined(__NetBSD__)
	owner = pthread_self();
#endif
	ATF_REQUIRE_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	vm_alarm(vm, VM_SECONDS + n / 100);
	ATF_REQUIRE_EQ(0, pthread_create(&thread, NULL, asker, &n));
	for (last = exits = 0; got != n; exits++) {
		if (got != last) {
			last = got;
			exits = 0;
		}
		if (exits == EXITS_PER_STOP)
			atf_tc_fail("stop %u of %u is lost", got + 1, n);
		open_all(vm);
		step(vm);
	}
	ATF_REQUIRE_EQ(0, pthread_join(thread, NULL));
	vm_alarm(vm, 0);
	ATF_CHECK(count >= n / 4);
	ATF_CHECK(windows > 0);
	printf("%u stops, none lost, while the guest counted to %u and %u "
	    "windows opened\n", got, count, windows);
}

static const struct vm_case table[] = {
	{ "handler", "Stops out of a handler: each is seen, once", MUST, MUST,
	  NULL, handler, 0 },
};

VM_CASES("stops", table)
