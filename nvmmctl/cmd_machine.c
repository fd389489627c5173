/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The verbs that make machines and show what they are.
 */

#include <stdlib.h>

#include "client.h"
#include "nvmmctl.h"
#include "output.h"

int
cmd_create(struct ctl *ctl)
{
	struct client *client;
	struct request *req;
	int status;

	status = create_request(ctl, &req);
	if (status != CTL_OK)
		return status;
	status = client_open(ctl, &client);
	if (status != CTL_OK) {
		request_free(req);
		return status;
	}
	status = call_show(client, req, ctl->out->created);
	client_close(client);
	return status;
}

int
cmd_show(struct ctl *ctl)
{
	return call_each(ctl, "vm.show", ctl->out->show, NULL);
}

int
cmd_regs(struct ctl *ctl)
{
	return call_each(ctl, "vm.regs", ctl->out->regs, NULL);
}

/* Adds what is to be changed. */
static void
set_add(const struct ctl *ctl, struct request *req)
{
	uint64_t share;

	if (ctl->owner != NULL)
		request_string(req, "owner", ctl->owner);
	if (ctl->group != NULL)
		request_string(req, "group", ctl->group);
	if (ctl->share != NULL && number_parse(ctl->share, &share) == NULL)
		request_integer(req, "share", share);
	if (ctl->restart != NULL)
		request_string(req, "restart", ctl->restart);
}

int
cmd_set(struct ctl *ctl)
{
	const char *wrong = NULL;
	uint64_t share;

	if (ctl->share != NULL)
		wrong = number_parse(ctl->share, &share);
	if (wrong != NULL)
		return fail(CTL_USAGE, "--share %s: %s", ctl->share, wrong);
	if (ctl->owner == NULL && ctl->group == NULL && ctl->share == NULL &&
	    ctl->restart == NULL)
		return fail(CTL_USAGE, "set needs --owner, --group, --share "
		    "or --restart");
	return call_each(ctl, "vm.set", ctl->out->changed, set_add);
}

int
cmd_list(struct ctl *ctl)
{
	struct client *client;
	struct reply *reply;
	int status;

	if (ctl->columns != NULL && !text_columns(ctl->columns))
		return CTL_USAGE;
	status = client_open(ctl, &client);
	if (status != CTL_OK)
		return status;
	status = client_call(client, request_new("vm.list"), &reply);
	client_close(client);
	if (status != CTL_OK)
		return status;
	ctl->out->list(reply, ctl->columns);
	reply_free(reply);
	return CTL_OK;
}
