/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Stop and kick against guests that would never leave by themselves.
 */

#include <sys/time.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <string.h>

#include <atf-c.h>

#include "h_kvm.h"

#define CASE(name, text)						\
	ATF_TC(name);							\
	ATF_TC_HEAD(name, tc)						\
	{								\
		atf_tc_set_md_var(tc, "descr", "%s", text);		\
	}								\
	ATF_TC_BODY(name, tc)

#define SPIN	0xFA, 0xEB, 0xFE	/* cli; jmp to itself */

/* Stops asked for in a row; NVMM_TEST_STOPS for more or fewer. */
#define NSTOPS	20000

static struct guest guest;		/* for signal handlers */
static volatile sig_atomic_t alarms;

static void
stop(struct guest *g)
{

	__atomic_store_n(&g->comm[0]->stop, 1, __ATOMIC_SEQ_CST);
	(void)nvmm_hosted_kick(g->machid, 0);
}

static void
sleep_ms(long ms)
{
	const struct timespec ts = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&ts, NULL);
}

static void *
stop_later(void *arg)
{

	sleep_ms(20);
	stop(arg);
	return NULL;
}

static pthread_t
thread(void *(*func)(void *), void *arg)
{
	pthread_t t;

	ATF_REQUIRE_EQ(0, pthread_create(&t, NULL, func, arg));
	return t;
}

CASE(before, "A stop before the run ends it, and only it")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	CODE(&g, 0xE6, 0x42);
	stop(&g);
	stop(&g);
	ATF_REQUIRE_EQ(0, guest_run(&g, 0));
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_STOPPED, g.comm[0]->exit.reason);
	ATF_CHECK_EQ(0, g.comm[0]->stop);
	ATF_CHECK_EQ(0x42, guest_port(&g));
	guest_destroy(&g);
}

CASE(spinning, "A guest that spins with interrupts off is stopped")
{
	struct guest g;
	pthread_t t;

	(void)tc;
	guest_create(&g);
	CODE(&g, SPIN);
	t = thread(stop_later, &g);
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_STOPPED, guest_exit(&g));
	ATF_CHECK_EQ(0, pthread_join(t, NULL));
	guest_destroy(&g);
}

CASE(blocked, "A thread that has blocked all signals is stopped")
{
	struct guest g;
	pthread_t t;
	sigset_t all;

	(void)tc;
	guest_create(&g);
	CODE(&g, SPIN);
	t = thread(stop_later, &g);
	sigfillset(&all);
	ATF_REQUIRE_EQ(0, pthread_sigmask(SIG_SETMASK, &all, NULL));
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_STOPPED, guest_exit(&g));
	ATF_CHECK_EQ(0, pthread_join(t, NULL));
	guest_destroy(&g);
}

static void
on_alarm(int sig)
{

	(void)sig;
	alarms++;
}

static void
on_alarm_stop(int sig)
{

	(void)sig;
	alarms++;
	stop(&guest);
}

static void
alarm_after(long us, void (*handler)(int))
{
	const struct itimerval it = { .it_value.tv_usec = us };
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	ATF_REQUIRE_EQ(0, sigaction(SIGALRM, &sa, NULL));
	ATF_REQUIRE_EQ(0, setitimer(ITIMER_REAL, &it, NULL));
}

CASE(signal, "A signal of the program's own ends the run with EXIT_NONE")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	CODE(&g, SPIN);
	alarm_after(20000, on_alarm);
	ATF_REQUIRE_EQ(0, guest_run(&g, 0));
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_NONE, g.comm[0]->exit.reason);
	ATF_CHECK_EQ(1, alarms);
	guest_destroy(&g);
}

CASE(handler, "A stop from a signal handler, at any moment, is not lost")
{
	unsigned i;

	(void)tc;
	guest_create(&guest);
	CODE(&guest, SPIN);
	for (i = 0; i < 300; i++) {
		alarm_after(1 + i * 3, on_alarm_stop);
		ATF_REQUIRE_EQ(NVMM_VCPU_EXIT_STOPPED, guest_exit(&guest));
	}
	ATF_CHECK_EQ(300, alarms);
	guest_destroy(&guest);
}

struct stopper {
	struct guest *g;
	unsigned n;
	volatile int over;
};

/* Ask for n stops, each once the one before has been taken. */
static void *
stop_often(void *arg)
{
	struct stopper *s = arg;
	unsigned i;

	for (i = 0; i < s->n; i++) {
		stop(s->g);
		while (__atomic_load_n(&s->g->comm[0]->stop, __ATOMIC_SEQ_CST))
			sched_yield();
	}
	__atomic_store_n(&s->over, 1, __ATOMIC_SEQ_CST);
	stop(s->g);
	return NULL;
}

CASE(storm, "Of many stops in a row, each ends exactly one run")
{
	struct stopper s = { .n = NSTOPS };
	const char *env;
	struct guest g;
	unsigned taken;
	pthread_t t;

	(void)tc;
	env = getenv("NVMM_TEST_STOPS");
	if (env != NULL)
		s.n = (unsigned)strtoul(env, NULL, 10);
	guest_create(&g);
	CODE(&g, SPIN);
	s.g = &g;
	t = thread(stop_often, &s);
	for (taken = 0; taken < s.n + 1; taken++)
		ATF_REQUIRE_EQ(NVMM_VCPU_EXIT_STOPPED, guest_exit(&g));
	ATF_CHECK_EQ(0, pthread_join(t, NULL));
	ATF_CHECK_EQ(1, s.over);
	ATF_CHECK_EQ(0, g.comm[0]->stop);
	guest_destroy(&g);
}

static void *
map_often(void *arg)
{
	struct stopper *s = arg;
	unsigned i;
	int error;

	error = 0;
	for (i = 0; i < 200 && !error; i++) {
		error = guest_map(s->g, 0x400000, 0x10000, 0x1000,
		    NVMM_PROT_READ | NVMM_PROT_WRITE | NVMM_PROT_EXEC);
		if (!error)
			error = guest_unmap(s->g, 0x400000, 0x1000);
	}
	s->n = i;
	stop(s->g);
	return NULL;
}

CASE(park, "Memory changes while a guest spins")
{
	struct stopper s = { .n = 0 };
	struct guest g;
	pthread_t t;

	(void)tc;
	guest_create(&g);
	CODE(&g, SPIN);
	s.g = &g;
	t = thread(map_often, &s);
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_STOPPED, guest_exit(&g));
	ATF_CHECK_EQ(0, pthread_join(t, NULL));
	ATF_CHECK_EQ(200, s.n);
	guest_destroy(&g);
}

static void *
destroy_later(void *arg)
{
	struct guest *g = arg;
	struct nvmm_ioc_machine ioc = { .machid = g->machid };

	sleep_ms(20);
	(void)nvmm_hosted_request(NVMM_IOC_MACHINE_DESTROY, &ioc);
	return NULL;
}

CASE(destroy, "A machine is destroyed under a guest that spins")
{
	struct guest g;
	pthread_t t;
	int error;

	(void)tc;
	guest_create(&g);
	CODE(&g, SPIN);
	t = thread(destroy_later, &g);
	do {
		error = guest_run(&g, 0);
	} while (error == 0);
	ATF_CHECK_EQ(ENOENT, error);
	ATF_CHECK_EQ(0, pthread_join(t, NULL));
	ATF_CHECK_EQ(0, nvmm_hosted_close());
}

static volatile sig_atomic_t own;

static void
on_urgent(int sig)
{

	(void)sig;
	own++;
}

CASE(own_handler, "A handler of the program's own is left in place")
{
	struct sigaction sa;
	struct guest g;
	pthread_t t;

	(void)tc;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_urgent;
	ATF_REQUIRE_EQ(0, sigaction(SIGURG, &sa, NULL));
	guest_create(&g);
	CODE(&g, SPIN);
	t = thread(stop_later, &g);
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_STOPPED, guest_exit(&g));
	ATF_CHECK_EQ(0, pthread_join(t, NULL));
	ATF_CHECK_EQ(1, own);
	guest_destroy(&g);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, before);
	ATF_TP_ADD_TC(tp, spinning);
	ATF_TP_ADD_TC(tp, blocked);
	ATF_TP_ADD_TC(tp, signal);
	ATF_TP_ADD_TC(tp, handler);
	ATF_TP_ADD_TC(tp, storm);
	ATF_TP_ADD_TC(tp, park);
	ATF_TP_ADD_TC(tp, destroy);
	ATF_TP_ADD_TC(tp, own_handler);

	return atf_no_error();
}
