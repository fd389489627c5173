/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * VCPUs held between two runs, so that nothing of the guest moves, and what
 * can be seen of one that is held or has ended: its registers. Time is not
 * held: the TSC goes on, and timers that were due are so at the resume.
 */

#include <errno.h>
#include <string.h>

#include "guest_impl.h"

/* The registers left for others to see; none while the VCPU runs. */
void
guest_hold_publish(struct guest_vcpu *v, bool show)
{
	bool have;

	have = show && nvmm_vcpu_getstate(&v->g->mach, &v->nv,
	    NVMM_X64_STATE_ALL) == 0;
	pthread_mutex_lock(&v->lock);
	if (have)
		v->regs = *v->nv.state;
	v->have_regs = have;
	pthread_mutex_unlock(&v->lock);
}

/* The calling VCPU stays here while the guest is throttled, unless paused. */
static void
hold_throttled(struct guest *g)
{
	pthread_mutex_lock(&g->lock);
	while (g->throttled && !g->paused && !g->ended)
		pthread_cond_wait(&g->hold_cv, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

/* The calling VCPU stays here while the guest is paused or throttled. */
void
guest_hold(struct guest_vcpu *v)
{
	struct guest *g = v->g;

	if (!g->paused) {
		hold_throttled(g);
		return;
	}
	guest_hold_publish(v, true);
	pthread_mutex_lock(&g->lock);
	g->nheld++;
	pthread_cond_broadcast(&g->hold_cv);
	while (g->paused && !g->ended)
		pthread_cond_wait(&g->hold_cv, &g->lock);
	g->nheld--;
	pthread_mutex_unlock(&g->lock);
	guest_hold_publish(v, false);
}

/* Every VCPU held; those that have not begun are held when they do. */
int
guest_pause(struct guest *g)
{
	bool held;
	unsigned i;

	pthread_mutex_lock(&g->lock);
	g->paused = true;
	pthread_cond_broadcast(&g->hold_cv);
	pthread_mutex_unlock(&g->lock);
	for (i = 0; i < g->conf.ncpus; i++)
		guest_mail_post(&g->vcpus[i], MAIL_PAUSE, 0);
	pthread_mutex_lock(&g->lock);
	while (g->paused && !g->ended && g->nheld < g->nrunning)
		pthread_cond_wait(&g->hold_cv, &g->lock);
	held = g->paused && !g->ended;
	pthread_mutex_unlock(&g->lock);
	if (held)
		return 0;
	errno = ESRCH;
	return -1;
}

/* Every VCPU goes on. */
void
guest_resume(struct guest *g)
{
	pthread_mutex_lock(&g->lock);
	g->paused = false;
	pthread_cond_broadcast(&g->hold_cv);
	pthread_mutex_unlock(&g->lock);
}

/* Every VCPU held, as soon as it looks, or let go on. */
void
guest_throttle(struct guest *g, bool hold)
{
	unsigned i;

	pthread_mutex_lock(&g->lock);
	if (g->throttled == hold) {
		pthread_mutex_unlock(&g->lock);
		return;
	}
	g->throttled = hold;
	pthread_cond_broadcast(&g->hold_cv);
	pthread_mutex_unlock(&g->lock);
	for (i = 0; hold && i < g->conf.ncpus; i++)
		guest_mail_post(&g->vcpus[i], MAIL_PAUSE, 0);
}

/* A non-maskable interrupt, as by a button on the front. */
int
guest_nmi(struct guest *g, unsigned cpu)
{
	if (cpu >= g->conf.ncpus) {
		errno = EINVAL;
		return -1;
	}
	guest_mail_post(&g->vcpus[cpu], MAIL_NMI, 0);
	return 0;
}

/* The registers of a VCPU that stands still. */
int
guest_vcpu_regs(struct guest *g, unsigned cpu, struct nvmm_x64_state *state)
{
	struct guest_vcpu *v;
	bool have;

	if (cpu >= g->conf.ncpus) {
		errno = EINVAL;
		return -1;
	}
	v = &g->vcpus[cpu];
	pthread_mutex_lock(&v->lock);
	have = v->have_regs;
	if (have)
		memcpy(state, &v->regs, sizeof(*state));
	pthread_mutex_unlock(&v->lock);
	if (have)
		return 0;
	errno = EBUSY;
	return -1;
}
