/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * events: what happens to machines, a line each, as it happens.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "client.h"
#include "nvmmctl.h"
#include "output.h"

/* Tells whether the event is of a machine that was asked for. */
static bool
events_wanted(const struct ctl *ctl, const struct reply *reply)
{
	const char *vm;
	int i;

	vm = json_string_value(json_object_get(reply_event(reply), "vm"));
	if (ctl->noperands == 0)
		return true;
	for (i = 0; i < ctl->noperands && vm != NULL; i++) {
		if (strcmp(ctl->operands[i], vm) == 0)
			return true;
	}
	return false;
}

/* Shows one line from the daemon, if it is such an event. */
static int
events_take(struct ctl *ctl, struct client *client)
{
	struct reply *reply;
	int status;

	status = client_next(client, &reply);
	if (status != CTL_OK)
		return status;
	status = reply_error(reply);
	if (status == CTL_OK && reply_event(reply) != NULL &&
	    events_wanted(ctl, reply))
		ctl->out->event(reply);
	reply_free(reply);
	if (status == CTL_OK && fflush(stdout) != 0)
		status = fail(CTL_FAILED, "standard output: %s",
		    strerror(errno));
	return status;
}

int
cmd_events(struct ctl *ctl)
{
	struct client *client;
	int64_t id;
	int status;

	status = client_open(ctl, &client);
	if (status != CTL_OK)
		return status;
	status = client_send(client, request_new("events.subscribe"), &id);
	while (status == CTL_OK)
		status = events_take(ctl, client);
	client_close(client);
	return status;
}
