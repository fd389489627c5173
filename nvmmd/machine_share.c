/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Run time shares kept: while a machine runs that has a limit, or whose owner
 * has, a timer looks every few milliseconds. Where the credit can have been
 * used up since the last look, or is there again, it asks the worker for the
 * processor time of the machine's VCPU threads and tells it whether to hold
 * them. What they used is taken off the machine's credit and its owner's.
 *
 * A user's credit is kept until it is full, beyond his last machine: who
 * destroys a machine and makes another one still owes what he used.
 */

#include <stdlib.h>

#include "evloop.h"
#include "host.h"
#include "log.h"
#include "machine_impl.h"

#define SHARE_TICK	10		/* ms */

struct share_user {
	LIST_ENTRY(share_user) link;
	uid_t uid;
	struct share share;
	unsigned vcpus;			/* of all his machines */
	bool runs;			/* there is credit */
};

static LIST_HEAD(, share_user) share_users = LIST_HEAD_INITIALIZER(share_users);
static struct evloop_timer *share_timer;

/* The record of a user, made where there is none; NULL without memory. */
static struct share_user *
share_user(uid_t uid, bool make)
{
	struct share_user *u;

	LIST_FOREACH(u, &share_users, link) {
		if (u->uid == uid)
			return u;
	}
	u = make ? calloc(1, sizeof(*u)) : NULL;
	if (u != NULL) {
		u->uid = uid;
		u->runs = true;
		LIST_INSERT_HEAD(&share_users, u, link);
	}
	return u;
}

/* A limit as a share has it. */
static unsigned
share_percent(uint64_t limit)
{

	return limit < POLICY_SHARE_MAX ? (unsigned)limit : 0;
}

/* His limit, by the most generous of the ways in which he made machines. */
static unsigned
share_of_user(uid_t uid)
{
	struct policy_mine mine;
	struct machine *m;
	uint64_t most = 0;

	TAILQ_FOREACH(m, &machines, link) {
		if (m->owner.uid != uid)
			continue;
		machine_limits(m, &mine);
		if (mine.value[POLICY_USER_SHARE] > most)
			most = mine.value[POLICY_USER_SHARE];
	}
	return share_percent(most);
}

/* Fills the users' credit, and forgets those of whom nothing is left. */
static void
share_fill_users(uint64_t now)
{
	struct share_user *u, *next;

	for (u = LIST_FIRST(&share_users); u != NULL; u = next) {
		next = LIST_NEXT(u, link);
		u->runs = share_fill(&u->share, now);
		if (u->share.percent == 0 || (share_full(&u->share) &&
		    share_of_user(u->uid) == 0)) {
			LIST_REMOVE(u, link);
			free(u);
		}
	}
}

/* Sends SHARE, if there is reason to. */
static void
share_ask(struct machine *m, const struct share_user *u, bool runs,
    uint64_t now)
{
	uint64_t lasts = share_lasts(&m->bucket, m->ncpus), his;

	if (m->sharing || (runs != m->held && now < m->share_look))
		return;
	his = u != NULL ? share_lasts(&u->share, u->vcpus) : lasts;
	m->share_look = now + (his < lasts ? his : lasts);
	m->sharing = true;
	m->held = !runs;
	worker_share(m->worker, m->held);
}

/* One machine. Returns whether to look again. */
static bool
share_machine(struct machine *m, uint64_t now)
{
	struct share_user *u = share_user(m->owner.uid, false);
	bool runs;

	if (m->creating || m->doomed || (m->state != MACHINE_RUNNING &&
	    m->state != MACHINE_PAUSED))
		return false;
	if (m->bucket.percent == 0 && u == NULL && !m->held) {
		m->uncounted = true;
		return false;
	}
	runs = share_fill(&m->bucket, now) && (u == NULL || u->runs);
	if (m->state == MACHINE_RUNNING && (runs || !m->held))
		share_ask(m, u, runs, now);
	return true;
}

/* A look at all. */
static void
share_tick(void *arg)
{
	uint64_t now = host_clock();
	struct machine *m;
	bool again;

	(void)arg;
	share_fill_users(now);
	again = !LIST_EMPTY(&share_users);
	TAILQ_FOREACH(m, &machines, link)
		again |= share_machine(m, now);
	if (again)
		evloop_timer_set(share_timer, SHARE_TICK);
}

/* Takes off what was used since the last time. */
void
machine_share_count(struct machine *m, uint64_t cpu_ns)
{
	struct share_user *u = share_user(m->owner.uid, false);
	uint64_t used = 0;

	if (cpu_ns > m->cpu_ns && !m->uncounted)
		used = cpu_ns - m->cpu_ns;
	if (cpu_ns > m->cpu_ns)
		m->cpu_ns = cpu_ns;
	m->uncounted = false;
	share_use(&m->bucket, used);
	if (u != NULL)
		share_use(&u->share, used);
}

/* SHARE's answer. */
void
machine_shared(struct machine *m, const struct worker_msg *msg)
{

	m->sharing = false;
	machine_share_count(m, msg->cpu_ns);
}

/* The machine's limits, or its owner's, may be others now. */
void
machine_share_update(struct machine *m)
{
	unsigned percent = share_of_user(m->owner.uid);
	uint64_t now = host_clock();
	struct policy_use use;
	struct share_user *u;

	share_set(&m->bucket, share_percent(machine_share(m)), now);
	u = share_user(m->owner.uid, percent != 0);
	if (u != NULL) {
		machine_use_of(m->owner.uid, &use);
		u->vcpus = (unsigned)use.vcpus;
		share_set(&u->share, percent, now);
	}
	m->share_look = now;
	if (share_timer == NULL)
		share_timer = evloop_timer_new(share_tick, NULL);
	if (share_timer == NULL)
		log_warn("machine: %s: its share is not kept", m->name);
	else
		evloop_timer_set(share_timer, SHARE_TICK);
}

/* The policy has changed. */
void
machine_policy_changed(void)
{
	struct machine *m;

	TAILQ_FOREACH(m, &machines, link)
		machine_share_update(m);
}

/* => There are no machines. */
void
machine_share_fini(void)
{
	struct share_user *u;

	while ((u = LIST_FIRST(&share_users)) != NULL) {
		LIST_REMOVE(u, link);
		free(u);
	}
	evloop_timer_free(share_timer);
	share_timer = NULL;
}
