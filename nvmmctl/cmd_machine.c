/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The verbs on machines that are one request and one answer each.
 */

#include <stdlib.h>

#include "client.h"
#include "nvmmctl.h"
#include "output.h"

typedef void (*show_t)(const struct reply *);

/* Calls a method on the connection and shows the result; consumes req. */
static int
call_show(struct client *client, struct request *req, show_t show)
{
	struct reply *reply;
	int status;

	status = client_call(client, req, &reply);
	if (status != CTL_OK)
		return status;
	show(reply);
	reply_free(reply);
	return CTL_OK;
}

/*
 * Calls a method for each operand, the machine's name.  One that fails does
 * not keep the others from their turn; the last failure's status counts.
 */
static int
call_each(struct ctl *ctl, const char *method, show_t show)
{
	struct client *client;
	struct request *req;
	int i, one, status;

	status = client_open(ctl->socket, &client);
	if (status != CTL_OK)
		return status;
	for (i = 0; i < ctl->noperands; i++) {
		req = request_new(method);
		request_string(req, "vm", ctl->operands[i]);
		one = call_show(client, req, show);
		if (one != CTL_OK)
			status = one;
		if (one == CTL_NODAEMON)
			break;
	}
	client_close(client);
	return status;
}

int
cmd_create(struct ctl *ctl)
{
	struct client *client;
	struct request *req;
	int status;

	status = create_request(ctl, &req);
	if (status != CTL_OK)
		return status;
	status = client_open(ctl->socket, &client);
	if (status != CTL_OK) {
		request_free(req);
		return status;
	}
	status = call_show(client, req, ctl->out->created);
	client_close(client);
	return status;
}

int
cmd_start(struct ctl *ctl)
{
	return call_each(ctl, "vm.start", ctl->out->changed);
}

int
cmd_stop(struct ctl *ctl)
{
	return call_each(ctl, "vm.stop", ctl->out->changed);
}

int
cmd_destroy(struct ctl *ctl)
{
	return call_each(ctl, "vm.destroy", ctl->out->destroyed);
}

int
cmd_show(struct ctl *ctl)
{
	return call_each(ctl, "vm.show", ctl->out->show);
}

int
cmd_stats(struct ctl *ctl)
{
	return call_each(ctl, "vm.stats", ctl->out->stats);
}

int
cmd_list(struct ctl *ctl)
{
	struct client *client;
	int status;

	status = client_open(ctl->socket, &client);
	if (status != CTL_OK)
		return status;
	status = call_show(client, request_new("vm.list"), ctl->out->list);
	client_close(client);
	return status;
}

/* Waits for the machine and shows how it ended, whose status this returns. */
static int
wait_show(struct ctl *ctl, struct client *client, struct request *req)
{
	struct reply *reply;
	int status;

	status = client_call(client, req, &reply);
	if (status != CTL_OK)
		return status;
	ctl->out->ended(reply);
	status = guest_status(reply);
	reply_free(reply);
	return status;
}

int
cmd_wait(struct ctl *ctl)
{
	const char *wrong = NULL;
	struct client *client;
	struct request *req;
	uint64_t seconds = 0;
	int status;

	if (ctl->timeout != NULL)
		wrong = number_parse(ctl->timeout, &seconds);
	if (wrong == NULL && seconds > INT32_MAX / 1000)
		wrong = "too long a time";
	if (wrong != NULL)
		return fail(CTL_USAGE, "--timeout %s: %s", ctl->timeout, wrong);
	status = client_open(ctl->socket, &client);
	if (status != CTL_OK)
		return status;
	req = request_new("vm.wait");
	request_string(req, "vm", ctl->operands[0]);
	if (ctl->timeout != NULL)
		request_integer(req, "timeout_ms", seconds * 1000);
	status = wait_show(ctl, client, req);
	client_close(client);
	return status;
}
