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
wait_one(struct ctl *ctl, struct client *client, const char *name, void *arg)
{
	const uint64_t *timeout_ms = arg;
	struct request *req = request_new("vm.wait");
	struct reply *reply;
	int status;

	request_string(req, "vm", name);
	if (ctl->timeout != NULL)
		request_integer(req, "timeout_ms", *timeout_ms);
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
	uint64_t ms = 0;
	int status = CTL_OK;

	if (ctl->timeout != NULL)
		status = seconds_parse("--timeout", ctl->timeout, &ms);
	return status != CTL_OK ? status : targets_each(ctl, wait_one, &ms);
}

int
cmd_start(struct ctl *ctl)
{
	int status;

	status = call_each(ctl, "vm.start", ctl->out->changed, NULL, NULL);
	if (status != CTL_OK || ctl->wait == NULL)
		return status;
	return targets_each(ctl, wait_one, NULL);
}

/* Adds the grace of a stop, in milliseconds. */
static void
stop_grace(struct request *req, const void *arg)
{
	const uint64_t *ms = arg;

	request_integer(req, "grace_ms", *ms);
}

/* Adds that a stop does not ask. */
static void
stop_force(struct request *req, const void *arg)
{
	(void)arg;
	request_boolean(req, "force", true);
}

int
cmd_stop(struct ctl *ctl)
{
	add_t add = ctl->force != NULL ? stop_force :
	    ctl->grace != NULL ? stop_grace : NULL;
	uint64_t ms = 0;
	int status = CTL_OK;

	if (ctl->force != NULL && ctl->grace != NULL)
		return fail(CTL_USAGE, "either --grace or --force");
	if (ctl->grace != NULL)
		status = seconds_parse("--grace", ctl->grace, &ms);
	return status != CTL_OK ? status :
	    call_each(ctl, "vm.stop", ctl->out->changed, add, &ms);
}

int
cmd_pause(struct ctl *ctl)
{
	return call_each(ctl, "vm.pause", ctl->out->changed, NULL, NULL);
}

int
cmd_resume(struct ctl *ctl)
{
	return call_each(ctl, "vm.resume", ctl->out->changed, NULL, NULL);
}

int
cmd_reset(struct ctl *ctl)
{
	return call_each(ctl, "vm.reset", ctl->out->changed, NULL, NULL);
}

int
cmd_destroy(struct ctl *ctl)
{
	return call_each(ctl, "vm.destroy", ctl->out->destroyed, NULL, NULL);
}

/* Adds the VCPU that is meant. */
static void
nmi_add(struct request *req, const void *arg)
{
	const uint64_t *cpu = arg;

	request_integer(req, "cpu", *cpu);
}

int
cmd_nmi(struct ctl *ctl)
{
	const char *wrong = NULL;
	uint64_t cpu = 0;

	if (ctl->cpu != NULL)
		wrong = number_parse(ctl->cpu, &cpu);
	if (wrong != NULL)
		return fail(CTL_USAGE, "--cpu %s: %s", ctl->cpu, wrong);
	return call_each(ctl, "vm.nmi", ctl->out->changed,
	    ctl->cpu != NULL ? nmi_add : NULL, &cpu);
}
