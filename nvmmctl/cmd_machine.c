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
	struct request *req;
	int status;

	status = create_request(ctl, &req);
	return status != CTL_OK ? status :
	    call_once(ctl, req, ctl->out->created);
}

int
cmd_show(struct ctl *ctl)
{
	return call_each(ctl, "vm.show", ctl->out->show, NULL, NULL);
}

int
cmd_regs(struct ctl *ctl)
{
	return call_each(ctl, "vm.regs", ctl->out->regs, NULL, NULL);
}

/* What is to be changed: the options, and the share as a number. */
struct set {
	const struct ctl *ctl;
	uint64_t share;
};

/* Adds it. */
static void
set_add(struct request *req, const void *arg)
{
	const struct set *set = arg;
	const struct ctl *ctl = set->ctl;

	if (ctl->owner != NULL)
		request_string(req, "owner", ctl->owner);
	if (ctl->group != NULL)
		request_string(req, "group", ctl->group);
	if (ctl->share != NULL)
		request_integer(req, "share", set->share);
	if (ctl->restart != NULL)
		request_string(req, "restart", ctl->restart);
}

int
cmd_set(struct ctl *ctl)
{
	struct set set = { .ctl = ctl };
	const char *wrong = NULL;

	if (ctl->share != NULL)
		wrong = number_parse(ctl->share, &set.share);
	if (wrong != NULL)
		return fail(CTL_USAGE, "--share %s: %s", ctl->share, wrong);
	if (ctl->owner == NULL && ctl->group == NULL && ctl->share == NULL &&
	    ctl->restart == NULL)
		return fail(CTL_USAGE, "set needs --owner, --group, --share "
		    "or --restart");
	return call_each(ctl, "vm.set", ctl->out->changed, set_add, &set);
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
