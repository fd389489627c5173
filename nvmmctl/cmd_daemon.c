/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The verbs on the daemon itself, and `raw', which sends any method.
 */

#include <stdlib.h>

#include "client.h"
#include "nvmmctl.h"
#include "output.h"
#include "remote.h"

int
cmd_identify(struct ctl *ctl)
{
	return call_once(ctl, request_new("daemon.identify"),
	    ctl->out->identify);
}

int
cmd_info(struct ctl *ctl)
{
	return call_once(ctl, request_new("daemon.info"), ctl->out->info);
}

int
cmd_describe(struct ctl *ctl)
{
	return call_once(ctl, request_new("daemon.describe"),
	    ctl->out->describe);
}

/* A reload that went well has nothing to say. */
static void
reload_show(const struct reply *reply)
{
	(void)reply;
}

int
cmd_reload(struct ctl *ctl)
{
	return call_once(ctl, request_new("daemon.reload"),
	    ctl->json != NULL ? json_result : reload_show);
}

int
cmd_raw(struct ctl *ctl)
{
	struct request *req;
	int status;

	req = request_new(ctl->operands[0]);
	if (ctl->noperands > 1) {
		status = request_params(req, ctl->operands[1]);
		if (status != CTL_OK) {
			request_free(req);
			return status;
		}
	}
	return call_once(ctl, req, json_result);
}

int
cmd_proxy(struct ctl *ctl)
{
	struct client *client;
	int status;

	status = client_open(ctl, &client);
	if (status != CTL_OK)
		return status;
	remote_proxy(client_fd(client));
	client_close(client);
	return CTL_OK;
}
