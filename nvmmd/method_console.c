/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The methods that follow machines: consoles and events.
 */

#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "control.h"
#include "events.h"
#include "method.h"

/* Checks console.read's numbers and its encoding. Returns -1: answered. */
static int
method_read_check(struct request *r, bool *base64)
{
	const struct proto_value *max = request_value(r, READ_MAX);
	const struct proto_value *encoding = request_value(r, READ_ENCODING);

	*base64 = encoding->set && strcmp(encoding->string, "base64") == 0;
	if (request_value(r, READ_OFFSET)->integer < 0)
		method_fail(r, PROTO_INVALID_PARAMS, "offset",
		    "offset must be 0 or more");
	else if (max->set && max->integer < 1)
		method_fail(r, PROTO_INVALID_PARAMS, "max",
		    "max must be 1 or more");
	else if (encoding->set && !*base64 &&
	    strcmp(encoding->string, "utf-8") != 0)
		method_fail(r, PROTO_INVALID_PARAMS, "encoding",
		    "encoding must be utf-8 or base64");
	else
		return 0;
	return -1;
}

/* Reads up to max bytes, and no half character unless nothing follows it. */
static size_t
method_read_bytes(struct machine *m, uint64_t *offset, char *buf, size_t max,
    bool whole, uint64_t *lost)
{
	uint64_t total, before;
	size_t len, cut;

	len = console_read(&m->console, offset, buf, max, lost);
	console_count(&m->console, &total, &before);
	if (!whole || (machine_over(m) && *offset == total))
		return len;
	cut = proto_utf8_whole(buf, len);
	/* A character that does not fit max at all goes out in pieces. */
	if (cut == 0 && len == max)
		return len;
	*offset -= len - cut;
	return cut;
}

/* console.read */
void
method_console_read(struct request *r)
{
	static char buf[CONSOLE_SIZE];		/* main's */
	const struct proto_value *max = request_value(r, READ_MAX);
	uint64_t offset, lost, total, before;
	struct proto_out *o;
	struct machine *m;
	size_t len;
	bool base64;

	if (method_read_check(r, &base64) == -1)
		return;
	m = r->machine;
	offset = (uint64_t)request_value(r, READ_OFFSET)->integer;
	len = max->set && max->integer < (int64_t)sizeof(buf) ?
	    (size_t)max->integer : sizeof(buf);
	len = method_read_bytes(m, &offset, buf, len, !base64, &lost);
	console_count(&m->console, &total, &before);
	o = request_result(r);
	if (base64)
		proto_out_base64(o, "data_base64", buf, len);
	else
		proto_out_bytes(o, "data", buf, len);
	proto_out_unsigned(o, "offset", offset);
	proto_out_unsigned(o, "lost", lost);
	proto_out_boolean(o, "end", machine_over(m) && offset == total);
	request_done(r);
}

/* console.attach */
void
method_console_attach(struct request *r)
{
	struct client *c = r->client;
	bool replay = request_value(r, ATTACH_REPLAY)->boolean;
	struct machine *m;

	if (request_others(r)) {
		method_fail(r, PROTO_BUSY, NULL,
		    "other requests of this connection are unanswered");
		return;
	}
	m = r->machine;
	proto_out_string(request_result(r), "name", m->name);
	request_done(r);
	(void)attach_client(c, m, replay);
}

struct method_sub {
	struct events_sub sub;		/* first */
	struct client *client;
};

/* An event for a subscriber. */
static bool
method_event(void *arg, const char *line, size_t len)
{
	struct method_sub *s = arg;

	return control_send(s->client, line, len, EVENTS_QUEUE_MAX);
}

/* Is it about a machine that the subscriber may see? */
static bool
method_event_sees(void *arg, const struct peer_owner *owner)
{
	struct method_sub *s = arg;

	return peer_may_see(control_peer(s->client), owner);
}

/* The subscriber is gone. */
static void
method_event_close(void *arg)
{
	struct method_sub *s = arg;

	events_unsubscribe(&s->sub);
	free(s);
}

/* events.subscribe */
void
method_events_subscribe(struct request *r)
{
	struct method_sub *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		method_fail(r, PROTO_NO_MEMORY, NULL, "out of memory");
		return;
	}
	s->client = r->client;
	s->sub.send = method_event;
	s->sub.sees = method_event_sees;
	s->sub.arg = s;
	if (control_on_close(s->client, method_event_close, s))
		events_subscribe(&s->sub);
	else
		free(s);		/* it is subscribed already */
	(void)request_result(r);
	request_done(r);
}
