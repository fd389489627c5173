/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The memory of users: a ring of answers, each good for a minute.
 */

#include <string.h>

#include "host.h"
#include "who.h"

#define WHO_KEPT	32
#define WHO_MINUTE	UINT64_C(60000000000)	/* ns */

static struct {
	uint64_t when;			/* host_clock(), 0: none */
	struct parent_msg msg;
} who_ring[WHO_KEPT];
static unsigned who_next;

/* What was answered not long ago. */
const struct parent_msg *
who_known(uid_t uid, gid_t gid)
{
	const struct peer_owner *o;
	unsigned i;

	for (i = 0; i < WHO_KEPT; i++) {
		o = &who_ring[i].msg.owner;
		if (who_ring[i].when != 0 && o->uid == uid && o->gid == gid &&
		    host_clock() - who_ring[i].when < WHO_MINUTE)
			return &who_ring[i].msg;
	}
	return NULL;
}

/* The answer. */
static void
who_answered(struct ask_wait *ask, const struct parent_msg *msg, int fd)
{
	struct who_wait *w = (struct who_wait *)ask;

	(void)fd;
	if (msg->error == 0) {
		who_ring[who_next].when = host_clock();
		who_ring[who_next].msg = *msg;
		who_next = (who_next + 1) % WHO_KEPT;
	}
	w->done(w, msg);
}

/* The question. */
int
who_ask(const struct peer_owner *owner, struct who_wait *w)
{
	struct parent_msg msg;

	memset(&msg, 0, sizeof(msg));
	msg.type = PARENT_WHO;
	msg.owner = *owner;
	w->ask.done = who_answered;
	return ask_send(&msg, &w->ask);
}

/* Nobody waits any more. */
void
who_cancel(struct who_wait *w)
{

	ask_cancel(&w->ask);
}

/* All of it. */
void
who_forget(void)
{

	memset(who_ring, 0, sizeof(who_ring));
}
