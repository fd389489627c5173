/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The verbs that let machines run and end.
 */

#include <stdlib.h>

#include "client.h"
#include "nvmmctl.h"
#include "output.h"

/* Waits for one machine and shows how it ended, whose status this returns. */
static int
wait_one(struct ctl *ctl, struct client *client, const char *name,
    uint64_t timeout_ms)
{
	struct request *req = request_new("vm.wait");
	struct reply *reply;
	int status;

	request_string(req, "vm", name);
	if (ctl->timeout != NULL)
		request_integer(req, "timeout_ms", timeout_ms);
	status = client_call(client, req, &reply);
	if (status != CTL_OK)
		return status;
	ctl->out->ended(reply);
	status = guest_status(reply);
	reply_free(reply);
	return status;
}

/* Waits for all; the last status that is not CTL_OK counts. */
static int
wait_all(struct ctl *ctl, uint64_t timeout_ms)
{
	struct client *client;
	struct targets t;
	int one, status;
	size_t i;

	status = client_open(ctl, &client);
	if (status != CTL_OK)
		return status;
	status = targets_new(ctl, client, &t);
	for (i = 0; i < t.count; i++) {
		one = wait_one(ctl, client, t.names[i], timeout_ms);
		if (one != CTL_OK)
			status = one;
		if (one == CTL_NODAEMON)
			break;
	}
	targets_free(&t);
	client_close(client);
	return status;
}

int
cmd_wait(struct ctl *ctl)
{
	uint64_t ms = 0;
	int status = CTL_OK;

	if (ctl->timeout != NULL)
		status = seconds_parse("--timeout", ctl->timeout, &ms);
	return status != CTL_OK ? status : wait_all(ctl, ms);
}

int
cmd_start(struct ctl *ctl)
{
	int status;

	status = call_each(ctl, "vm.start", ctl->out->changed, NULL);
	if (status != CTL_OK || ctl->wait == NULL)
		return status;
	return wait_all(ctl, 0);
}

/* Adds how a stop is meant. */
static void
stop_add(const struct ctl *ctl, struct request *req)
{
	uint64_t ms;

	if (ctl->force != NULL)
		request_boolean(req, "force", true);
	if (ctl->grace != NULL &&
	    seconds_parse("--grace", ctl->grace, &ms) == CTL_OK)
		request_integer(req, "grace_ms", ms);
}

int
cmd_stop(struct ctl *ctl)
{
	uint64_t ms;
	int status = CTL_OK;

	if (ctl->force != NULL && ctl->grace != NULL)
		return fail(CTL_USAGE, "either --grace or --force");
	if (ctl->grace != NULL)
		status = seconds_parse("--grace", ctl->grace, &ms);
	return status != CTL_OK ? status :
	    call_each(ctl, "vm.stop", ctl->out->changed, stop_add);
}

int
cmd_pause(struct ctl *ctl)
{
	return call_each(ctl, "vm.pause", ctl->out->changed, NULL);
}

int
cmd_resume(struct ctl *ctl)
{
	return call_each(ctl, "vm.resume", ctl->out->changed, NULL);
}

int
cmd_reset(struct ctl *ctl)
{
	return call_each(ctl, "vm.reset", ctl->out->changed, NULL);
}

int
cmd_destroy(struct ctl *ctl)
{
	return call_each(ctl, "vm.destroy", ctl->out->destroyed, NULL);
}

/* Adds the VCPU that is meant. */
static void
nmi_add(const struct ctl *ctl, struct request *req)
{
	uint64_t cpu;

	if (ctl->cpu != NULL && number_parse(ctl->cpu, &cpu) == NULL)
		request_integer(req, "cpu", cpu);
}

int
cmd_nmi(struct ctl *ctl)
{
	const char *wrong = NULL;
	uint64_t cpu;

	if (ctl->cpu != NULL)
		wrong = number_parse(ctl->cpu, &cpu);
	if (wrong != NULL)
		return fail(CTL_USAGE, "--cpu %s: %s", ctl->cpu, wrong);
	return call_each(ctl, "vm.nmi", ctl->out->changed, nmi_add);
}
