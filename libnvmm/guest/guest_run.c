/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The run loop, which toyvirt and nvmmd share, and how a guest's threads live
 * together.
 *
 * Overview. Each VCPU is run by one thread of the caller's, in
 * guest_vcpu_run(). Its registers, its local APIC and everything marked (o)
 * belong to that thread alone; no lock is taken to touch them. Other threads
 * are the other VCPUs', the timer's (guest_timer.c), and whoever calls
 * guest_stop(), guest_console_input() and the functions that only ask. What
 * they want of a VCPU they put into its mail (guest_mail.c).
 *
 * Life cycle. One turn of the loop takes the mail, sleeps if the VCPU is halted
 * or waits for its SIPI, prepares what the next run brings in (an event, an
 * interrupt window, CR8), runs, and does what the exit asks for. The loop ends
 * when the guest has ended: the first guest_end() counts, sets .ended and
 * mails everyone. Each thread leaves its registers in .regs on its way out;
 * the last one makes the result visible by .nrunning. While the guest is
 * paused or throttled, each thread waits at the beginning of its turn
 * (guest_hold.c).
 *
 * Synchronization. Mail must not be overlooked by a VCPU about to run. It sets
 * .in_run and then reads .attention; who posts sets .attention and then reads
 * .in_run, and calls nvmm_vcpu_stop() if it is set. Both are sequentially
 * consistent, so one of them sees the other. A stop that comes too late makes
 * the next run return EXIT_STOPPED at once, which means nothing but another
 * turn. A sleeping VCPU waits on .cv for .attention under its lock.
 *
 * Lock order: timer_lock or the guest's lock -> a VCPU's lock; uart_lock is
 * taken alone. No lock is held during nvmm_vcpu_run() and the caller's
 * callbacks.
 */

#include <errno.h>
#include <string.h>

#include "guest_impl.h"

#define RFLAGS_IF	0x200
#define VECTOR_NMI	2

/* The guest's end by an error of the driver's. */
static void
run_fail(struct guest_vcpu *v, const char *what)
{
	guest_end(v->g, v, GUEST_FAILED, 0, "VCPU %u: %s: %s", v->cpu, what,
	    strerror(errno));
}

/* True if an event is on its way into the guest already. */
static bool
run_busy(const struct guest_vcpu *v)
{
	return v->injected || v->nv.exit->exitstate.evt_pending;
}

/* True if the guest has interrupts enabled. */
static bool
run_interruptible(const struct guest_vcpu *v)
{
	return (v->nv.exit->exitstate.rflags & RFLAGS_IF) != 0;
}

/* An interrupt, or the NMI, for the next run to deliver. */
static void
run_inject(struct guest_vcpu *v, uint8_t vector)
{
	struct nvmm_vcpu_event *event = v->nv.event;

	memset(event, 0, sizeof(*event));
	event->type = NVMM_VCPU_EVENT_INTR;
	event->vector = vector;
	nvmm_vcpu_inject(&v->g->mach, &v->nv);
	v->injected = true;
	v->ninjected++;
}

/* An exit asked for as soon as an interrupt can be delivered. */
static int
run_ask_window(struct guest_vcpu *v)
{
	struct nvmm_machine *mach = &v->g->mach;

	if (v->window || v->nv.exit->exitstate.int_window_exiting)
		return 0;
	if (nvmm_vcpu_getstate(mach, &v->nv, NVMM_X64_STATE_INTR) == -1)
		return -1;
	v->nv.state->intr.int_window_exiting = 1;
	v->window = true;
	return nvmm_vcpu_setstate(mach, &v->nv, NVMM_X64_STATE_INTR);
}

/* Exits asked for, from now on, when the guest changes its CR8. */
static int
run_watch_tpr(struct guest_vcpu *v)
{
	struct nvmm_vcpu_conf_tpr conf;

	if (v->watch_tpr || !v->g->tpr_conf)
		return 0;
	memset(&conf, 0, sizeof(conf));
	conf.exit_changed = 1;
	v->watch_tpr = true;
	return nvmm_vcpu_configure(&v->g->mach, &v->nv, NVMM_VCPU_CONF_TPR,
	    &conf);
}

/* The VCPU's CR8 made what the guest wrote to the local APIC's TPR. */
static int
run_sync_cr8(struct guest_vcpu *v)
{
	struct nvmm_machine *mach = &v->g->mach;
	uint8_t cr8 = lapic_cr8(&v->lapic);

	if (v->cr8 == cr8)
		return 0;
	if (nvmm_vcpu_getstate(mach, &v->nv, NVMM_X64_STATE_CRS) == -1)
		return -1;
	v->nv.state->crs[NVMM_X64_CR_CR8] = cr8;
	v->cr8 = cr8;
	return nvmm_vcpu_setstate(mach, &v->nv, NVMM_X64_STATE_CRS);
}

/* What waits is brought in now, or as soon as the guest allows. */
static int
run_events(struct guest_vcpu *v)
{
	int vector;

	if (v->nmi && !run_busy(v) &&
	    !v->nv.exit->exitstate.nmi_window_exiting) {
		v->nmi = false;
		run_inject(v, VECTOR_NMI);
	}
	vector = lapic_pending(&v->lapic);
	if (vector == -1)
		return lapic_held_by_tpr(&v->lapic) ? run_watch_tpr(v) : 0;
	if (run_busy(v) || !run_interruptible(v) ||
	    v->nv.exit->exitstate.int_shadow)
		return run_ask_window(v);
	lapic_accept(&v->lapic, (uint8_t)vector);
	run_inject(v, (uint8_t)vector);
	return 0;
}

/* True if the VCPU has something to run; a halt ends with an event. */
static bool
run_awake(struct guest_vcpu *v)
{
	if (v->wait_sipi)
		return false;
	if (v->halted && (v->nmi || run_busy(v) ||
	    (run_interruptible(v) && lapic_pending(&v->lapic) != -1)))
		v->halted = false;
	return !v->halted;
}

/* What the VCPU tells with every exit taken over. */
static void
run_returned(struct guest_vcpu *v)
{
	v->injected = false;
	v->window = false;
	v->tsc_stale = true;
	v->cr8 = (uint8_t)v->nv.exit->exitstate.cr8;
	lapic_set_cr8(&v->lapic, v->cr8);
	guest_stats_exit(v);
}

/* One run and what it asks for, unless mail came first. */
static void
run_once(struct guest_vcpu *v)
{
	int error;

	v->in_run = true;
	if (v->attention) {
		v->in_run = false;
		return;
	}
	error = nvmm_vcpu_run(&v->g->mach, &v->nv);
	v->in_run = false;
	if (error == -1) {
		if (errno != EINTR)
			run_fail(v, "run");
		return;
	}
	run_returned(v);
	guest_exit(v);
}

/* One turn of the loop. */
static void
run_turn(struct guest_vcpu *v)
{
	guest_mail_take(v);
	if (v->g->ended)
		return;
	if (v->g->paused || v->g->throttled) {
		guest_hold(v);
		return;
	}
	if (!run_awake(v)) {
		guest_mail_wait(v);
		return;
	}
	if (run_sync_cr8(v) == -1 || run_events(v) == -1) {
		run_fail(v, "state");
		return;
	}
	run_once(v);
}

/* True if the calling thread has the VCPU for itself. */
static bool
run_enter(struct guest_vcpu *v)
{
	struct guest *g = v->g;
	bool ok;

	pthread_mutex_lock(&v->lock);
	ok = !v->running;
	v->running = true;
	pthread_mutex_unlock(&v->lock);
	if (!ok)
		return false;
	pthread_mutex_lock(&g->lock);
	g->nrunning++;
	pthread_mutex_unlock(&g->lock);
	return true;
}

/* The registers kept for others to see, and the VCPU let go. */
static void
run_leave(struct guest_vcpu *v)
{
	struct guest *g = v->g;

	guest_hold_publish(v, true);
	pthread_mutex_lock(&v->lock);
	v->running = false;
	pthread_mutex_unlock(&v->lock);
	pthread_mutex_lock(&g->lock);
	g->nrunning--;
	pthread_cond_broadcast(&g->hold_cv);
	pthread_mutex_unlock(&g->lock);
}

/* The guest has ended. */
void
guest_vcpu_run(struct guest *g, unsigned cpu)
{
	struct guest_vcpu *v;

	if (cpu >= g->conf.ncpus)
		return;
	v = &g->vcpus[cpu];
	if (!run_enter(v))
		return;
	if (!g->loaded)
		guest_end(g, v, GUEST_FAILED, 0, "nothing is loaded");
	while (!g->ended)
		run_turn(v);
	run_leave(v);
}
