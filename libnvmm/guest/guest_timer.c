/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Time for the local APICs' timers. A guest has one timer thread, made when
 * the first timer is armed. It sleeps until the earliest deadline of all VCPUs
 * and then leaves mail, which brings a running VCPU out and wakes a halted one.
 *
 * timer_lock guards the deadlines; a VCPU's lock may be taken under it.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "guest_impl.h"

#define NS_PER_S	1000000000ULL
#define NEVER		UINT64_MAX
/* The longest time that ticks are turned into: a year. */
#define TSC_NS_MAX	(365ULL * 86400 * NS_PER_S)

/* Monotonic time, nanoseconds. */
static uint64_t
timer_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Mail for those whose time has come; returns the next time. */
static uint64_t
timer_fire(struct guest *g, uint64_t now)
{
	struct guest_vcpu *v;
	uint64_t next = NEVER;

	for (v = g->vcpus; v < g->vcpus + g->conf.ncpus; v++) {
		if (v->deadline == 0)
			continue;
		if (v->deadline <= now) {
			v->deadline = 0;
			guest_mail_post(v, MAIL_TIMER, 0);
		} else if (v->deadline < next)
			next = v->deadline;
	}
	return next;
}

/* The thread: sleeps and fires until told to quit. */
static void *
timer_main(void *arg)
{
	struct guest *g = arg;
	struct timespec ts;

	pthread_mutex_lock(&g->timer_lock);
	while (!g->timer_quit) {
		g->timer_next = timer_fire(g, timer_now());
		if (g->timer_next == NEVER) {
			pthread_cond_wait(&g->timer_cv, &g->timer_lock);
			continue;
		}
		ts.tv_sec = (time_t)(g->timer_next / NS_PER_S);
		ts.tv_nsec = (long)(g->timer_next % NS_PER_S);
		pthread_cond_timedwait(&g->timer_cv, &g->timer_lock, &ts);
	}
	pthread_mutex_unlock(&g->timer_lock);
	return NULL;
}

/* The thread made, which takes no signals. => timer_lock held. */
static int
timer_start(struct guest *g)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&g->timer_thread, NULL, timer_main, g);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	g->timer_started = error == 0;
	return error;
}

/* lapic: a deadline set or, with 0, taken back. */
static void
timer_arm(void *arg, uint64_t when)
{
	struct guest_vcpu *v = arg;
	struct guest *g = v->g;
	int error = 0;

	pthread_mutex_lock(&g->timer_lock);
	v->deadline = when;
	if (when != 0) {
		if (!g->timer_started)
			error = timer_start(g);
		else if (when < g->timer_next) {
			g->timer_next = when;
			pthread_cond_signal(&g->timer_cv);
		}
	}
	pthread_mutex_unlock(&g->timer_lock);
	if (error != 0)
		guest_end(g, v, GUEST_FAILED, 0,
		    "VCPU %u: no thread for the timer: %s", v->cpu,
		    strerror(error));
}

/* lapic: the time. */
static uint64_t
timer_lapic_now(void *arg)
{
	(void)arg;
	return timer_now();
}

/*
 * The guest's TSC as an offset to the host's. The driver's word is a snapshot,
 * taken at the exit or now, and stands still until the next run; hence a VCPU
 * that goes to sleep asks before.
 */
void
guest_timer_sync_tsc(struct guest_vcpu *v)
{
	uint64_t tsc = UINT64_MAX / 2;

	if (nvmm_vcpu_getstate(&v->g->mach, &v->nv, NVMM_X64_STATE_MSRS) == 0)
		tsc = v->nv.state->msrs[NVMM_X64_MSR_TSC];
	v->tsc_offset = tsc - __builtin_ia32_rdtsc();
	v->tsc_stale = false;
}

/* lapic: the guest's TSC. */
static uint64_t
timer_lapic_tsc(void *arg)
{
	struct guest_vcpu *v = arg;

	if (v->tsc_stale)
		guest_timer_sync_tsc(v);
	return __builtin_ia32_rdtsc() + v->tsc_offset;
}

/*
 * lapic: ticks as time, by the host's rate since the guest's creation. A rate
 * that is a little off does no harm: who wakes too early sleeps again.
 */
static uint64_t
timer_lapic_tsc_ns(void *arg, uint64_t ticks)
{
	struct guest_vcpu *v = arg;
	uint64_t dns = timer_now() - v->g->ns0;
	uint64_t dtsc = __builtin_ia32_rdtsc() - v->g->tsc0;
	unsigned __int128 ns;

	if (dns == 0 || dtsc == 0)
		return 0;
	ns = (unsigned __int128)ticks * dns / dtsc;
	return ns > TSC_NS_MAX ? TSC_NS_MAX : (uint64_t)ns;
}

const struct lapic_callbacks guest_timer_lapic = {
	.now = timer_lapic_now,
	.tsc = timer_lapic_tsc,
	.tsc_ns = timer_lapic_tsc_ns,
	.arm = timer_arm,
	.ipi = guest_smp_ipi,
};

/* No thread yet. */
void
guest_timer_init(struct guest *g)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&g->timer_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&g->timer_cv, &attr);
	pthread_condattr_destroy(&attr);
	g->timer_next = NEVER;
	g->ns0 = timer_now();
	g->tsc0 = __builtin_ia32_rdtsc();
}

/* No thread any more. */
void
guest_timer_fini(struct guest *g)
{
	bool started;

	pthread_mutex_lock(&g->timer_lock);
	g->timer_quit = true;
	started = g->timer_started;
	pthread_cond_signal(&g->timer_cv);
	pthread_mutex_unlock(&g->timer_lock);
	if (started)
		pthread_join(g->timer_thread, NULL);
	pthread_cond_destroy(&g->timer_cv);
	pthread_mutex_destroy(&g->timer_lock);
}
