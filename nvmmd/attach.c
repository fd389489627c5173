/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The join of a client's stream and a machine's console. Each reader has an
 * offset of its own into the ring. Input goes in pieces, one under way at a
 * time: while the guest does not take it, the client is not read.
 */

#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "control.h"
#include "machine.h"

struct attach {
	struct machine_reader reader;	/* first */
	struct machine *machine;	/* NULL: it has ended */
	struct client *client;
	uint64_t offset;
};

/* The stream's output. */
static size_t
attach_output(void *arg, void *buf, size_t max)
{
	struct attach *a = arg;
	uint64_t lost;

	if (a->machine == NULL)
		return 0;
	return console_read(&a->machine->console, &a->offset, buf, max, &lost);
}

/* The stream's input. Without memory, or a machine, it is dropped. */
static void
attach_input(void *arg, const void *buf, size_t len)
{
	struct attach *a = arg;
	struct worker_input *in;

	if (a->machine == NULL)
		return;
	in = calloc(1, sizeof(*in));
	if (in == NULL)
		return;
	memcpy(in->data, buf, len);
	in->len = len;
	control_raw_hold(a->client, true);
	machine_input(a->machine, in, &a->reader);
}

/* The guest has taken the input. */
static void
attach_taken(struct machine_reader *r, struct worker_input *in)
{
	struct attach *a = (struct attach *)r;

	free(in);
	control_raw_hold(a->client, false);
}

/* The console has bytes, or has had its last. */
static void
attach_notify(struct machine_reader *r, struct machine *m, bool ended)
{
	struct attach *a = (struct attach *)r;

	(void)m;
	if (!ended) {
		control_raw_pump(a->client);
		return;
	}
	control_raw_end(a->client);
	machine_reader_remove(&a->reader);
	a->machine = NULL;
}

/* The client is gone. */
static void
attach_closed(void *arg)
{
	struct attach *a = arg;

	if (a->machine != NULL)
		machine_reader_remove(&a->reader);
	free(a);
}

/* Joins the two. */
int
attach_client(struct client *c, struct machine *m, bool replay)
{
	struct attach *a = calloc(1, sizeof(*a));
	struct control_raw raw = {
		.output = attach_output,
		.input = attach_input,
		.input_max = WORKER_INPUT_MAX,
		.closed = attach_closed,
		.arg = a,
	};
	uint64_t lost;

	if (a == NULL)
		return -1;
	a->reader.notify = attach_notify;
	a->reader.taken = attach_taken;
	a->machine = m;
	a->client = c;
	if (!replay)
		console_count(&m->console, &a->offset, &lost);
	machine_reader_add(m, &a->reader);
	control_raw(c, &raw);
	if (machine_over(m))
		attach_notify(&a->reader, m, true);
	return 0;
}
