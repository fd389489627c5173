/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * run: create, start, follow the console to its end, destroy.
 *
 * Two connections: `main' carries requests, `console' becomes the guest's
 * console.  Start and attach are sent together, so that the first byte is not
 * kept waiting by an answer; the answers to start, wait and stop arrive in the
 * loop beside the console's bytes.  A machine that was created is destroyed
 * whatever happens after, unless it is to be kept.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "client.h"
#include "nvmmctl.h"
#include "output.h"

#define RUN_DRAIN	2000	/* ms to wait for the rest of the console */
#define RUN_PATIENCE	1.0	/* s in which signals are taken for one */

struct run {
	struct ctl *ctl;
	struct client *main, *console;
	struct attach att;
	char *name;
	int64_t attachid, startid, waitid, stopid;
	struct reply *end;	/* how the machine ended */
	double asked;		/* when it was asked to stop */
	bool abandoned;		/* a later signal: do not ask again */
	int status;		/* of what failed here */
};

/* Sends a request that has the machine as its only parameter. */
static int
run_send(struct run *run, struct client *client, const char *method,
    int64_t *idp)
{
	struct request *req = request_new(method);

	request_string(req, "vm", run->name);
	if (client == run->console)
		request_boolean(req, "replay", true);
	return client_send(client, req, idp);
}

/* Creates the machine and keeps its name. */
static int
run_create(struct run *run, struct request *req)
{
	struct reply *reply;
	const char *name;
	int status;

	status = client_call(run->main, req, &reply);
	if (status != CTL_OK)
		return status;
	name = reply_string(reply, "name");
	run->name = (name != NULL) ? strdup(name) : NULL;
	reply_free(reply);
	if (run->name == NULL)
		return fail(CTL_FAILED, "the new machine has no name");
	return CTL_OK;
}

/* Starts the machine and gets hold of its console. */
static int
run_start(struct run *run)
{
	struct reply *reply;
	char bytes[4096];
	size_t n;
	int status;

	if ((status = run_send(run, run->main, "vm.start",
	    &run->startid)) != CTL_OK ||
	    (status = run_send(run, run->console, "console.attach",
	    &run->attachid)) != CTL_OK ||
	    (status = client_await(run->console, run->attachid,
	    &reply)) != CTL_OK)
		return status;
	reply_free(reply);
	while ((n = client_rest(run->console, bytes, sizeof(bytes))) > 0)
		attach_output(&run->att, bytes, n);
	return CTL_OK;
}

/* Takes one answer from the main connection. */
static int
run_answer(struct run *run)
{
	struct reply *reply;
	int64_t id;
	int status;

	status = client_next(run->main, &reply);
	if (status != CTL_OK)
		return status;
	id = reply_id(reply);
	if (id == run->waitid && reply_result(reply) != NULL) {
		run->end = reply;
		return CTL_OK;
	}
	status = (id == run->stopid) ? CTL_OK : reply_error(reply);
	reply_free(reply);
	if (status == CTL_OK && id == run->startid)
		status = run_send(run, run->main, "vm.wait", &run->waitid);
	return status;
}

/*
 * Stops the machine, at the first signal, or gives up, at a later one.  The
 * same signal often comes twice, to the process and to its group.
 */
static int
run_interrupt(struct run *run, int signo)
{
	if (run->stopid == 0) {
		run->asked = clock_seconds();
		return run_send(run, run->main, "vm.stop", &run->stopid);
	}
	if (clock_seconds() - run->asked < RUN_PATIENCE)
		return CTL_OK;
	run->abandoned = true;
	return CTL_SIGNAL + signo;
}

/* Takes the answers that have come, until the machine has ended. */
static int
run_answers(struct run *run, bool readable)
{
	int status = CTL_OK;

	while (status == CTL_OK && run->end == NULL &&
	    (readable || client_buffered(run->main))) {
		status = run_answer(run);
		readable = false;
	}
	return status;
}

/* Returns the signal to act on, also for what has the same effect as one. */
static int
run_signal(struct run *run)
{
	struct attach *a = &run->att;
	int signo = a->signal;

	if (a->left || (a->error != 0 && run->stopid == 0))
		signo = SIGINT;
	a->signal = 0;
	a->left = false;
	return signo;
}

/*
 * Follows the console until the machine has ended and the console with it, or
 * the user has had enough.
 */
static int
run_follow(struct run *run)
{
	struct attach *a = &run->att;
	int signo, stopped = 0, status = CTL_OK;
	bool other, moved = true;

	while (status == CTL_OK && (run->end == NULL ||
	    (moved && !a->ended))) {
		moved = attach_step(a, run->end == NULL ?
		    client_fd(run->main) : -1,
		    run->end == NULL ? -1 : RUN_DRAIN, &other);
		status = run_answers(run, other);
		if (a->left && run->ctl->keep != NULL)
			return status;
		signo = run_signal(run);
		if (signo == 0 || status != CTL_OK || run->end != NULL)
			continue;
		stopped = signo;
		status = run_interrupt(run, signo);
	}
	return (status == CTL_OK && stopped != 0) ? CTL_SIGNAL + stopped :
	    status;
}

/* Returns the exit status of a machine that was followed to its end. */
static int
run_judge(struct run *run, int status)
{
	const char *reason;

	if (run->att.error != 0)
		return fail(CTL_FAILED, "standard output: %s",
		    strerror(run->att.error));
	if (status != CTL_OK || run->end == NULL)
		return status;
	run->ctl->out->run(run->end);
	status = guest_status(run->end);
	reason = guest_reason(run->end);
	if (reason != NULL)
		(void)fail(status, "%s: %s", run->name, reason);
	return status;
}

/* Destroys the machine; the first error has been told already. */
static void
run_destroy(struct run *run)
{
	struct reply *reply;
	int64_t id;

	if (run->abandoned) {
		(void)fail(CTL_FAILED, "%s is left behind", run->name);
		return;
	}
	if (run_send(run, run->main, "vm.destroy", &id) == CTL_OK &&
	    client_await(run->main, id, &reply) == CTL_OK)
		reply_free(reply);
}

/* Runs the machine that req creates, on connections that are open. */
static int
run_machine(struct run *run, struct request *req)
{
	int status;

	attach_begin(&run->att, run->ctl->out->console_apart ?
	    STDERR_FILENO : STDOUT_FILENO);
	run->att.confd = client_fd(run->console);
	status = run_create(run, req);
	if (status != CTL_OK)
		return status;
	(void)attach_terminal(&run->att, true);
	status = run_start(run);
	if (status == CTL_OK)
		status = run_follow(run);
	attach_end(&run->att);
	status = run_judge(run, status);
	if (run->ctl->keep == NULL && status != CTL_NODAEMON)
		run_destroy(run);
	return status;
}

int
cmd_run(struct ctl *ctl)
{
	struct run run = { .ctl = ctl };
	struct request *req;
	int status;

	status = create_request(ctl, &req);
	if (status != CTL_OK)
		return status;
	if ((status = client_open(ctl, &run.main)) != CTL_OK ||
	    (status = client_open(ctl, &run.console)) != CTL_OK)
		request_free(req);
	else
		status = run_machine(&run, req);
	client_close(run.console);
	client_close(run.main);
	reply_free(run.end);
	free(run.name);
	return status;
}
