/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The list of subscribers and the sequence number that all of them see.
 */

#include <time.h>

#include "events.h"
#include "proto_out.h"

const char *const events_names[EVENTS_NTYPES] = {
	[EVENTS_CREATED] = "vm.created",
	[EVENTS_STARTED] = "vm.started",
	[EVENTS_PAUSED] = "vm.paused",
	[EVENTS_RESUMED] = "vm.resumed",
	[EVENTS_RESET] = "vm.reset",
	[EVENTS_CHANGED] = "vm.changed",
	[EVENTS_STOPPED] = "vm.stopped",
	[EVENTS_FAILED] = "vm.failed",
	[EVENTS_DESTROYED] = "vm.destroyed",
};

static LIST_HEAD(, events_sub) events_subs = LIST_HEAD_INITIALIZER(events_subs);
static uint64_t events_seq;

/* Adds one; send, sees and arg are set. */
void
events_subscribe(struct events_sub *sub)
{

	sub->lost = 0;
	LIST_INSERT_HEAD(&events_subs, sub, link);
}

/* Takes one off. */
void
events_unsubscribe(struct events_sub *sub)
{

	LIST_REMOVE(sub, link);
}

/* The line for one subscriber. */
static void
events_line(struct proto_out *o, const struct events_sub *sub,
    enum events_type type, const char *vm, const char *reason)
{

	proto_out_init(o);
	proto_out_event(o);
	proto_out_unsigned(o, "seq", events_seq);
	proto_out_integer(o, "time", (int64_t)time(NULL));
	proto_out_string(o, "type", events_names[type]);
	proto_out_string(o, "vm", vm);
	proto_out_string(o, "reason", reason);
	if (sub->lost != 0)
		proto_out_unsigned(o, "lost", sub->lost);
	proto_out_event_end(o);
}

/* Tells all who may know. */
void
events_tell(enum events_type type, const char *vm, const char *reason,
    const struct peer_owner *owner)
{
	struct events_sub *sub;
	struct proto_out o;

	events_seq++;
	LIST_FOREACH(sub, &events_subs, link) {
		if (!sub->sees(sub->arg, owner))
			continue;
		events_line(&o, sub, type, vm, reason);
		if (o.buf != NULL && sub->send(sub->arg, o.buf, o.len))
			sub->lost = 0;
		else
			sub->lost++;
		proto_out_free(&o);
	}
}
