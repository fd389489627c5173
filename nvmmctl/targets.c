/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The machines that a verb is for, and one call for each of them.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "client.h"
#include "nvmmctl.h"

/* The names of machines. */
struct targets {
	char **names;
	size_t count;
};

/* Adds a name. */
static int
targets_add(struct targets *t, const char *name)
{
	char **names;

	names = realloc(t->names, (t->count + 1) * sizeof(*names));
	if (names != NULL) {
		t->names = names;
		names[t->count] = strdup(name);
	}
	if (names == NULL || names[t->count] == NULL)
		return fail(CTL_FAILED, "%s", strerror(errno));
	t->count++;
	return CTL_OK;
}

/* Adds the machines of a list. */
static int
targets_list(struct targets *t, const struct reply *reply)
{
	const json_t *machines, *m;
	const char *name;
	size_t i;
	int status;

	machines = json_object_get(reply_result(reply), "machines");
	json_array_foreach(machines, i, m) {
		name = json_string_value(json_object_get(m, "name"));
		status = name != NULL ? targets_add(t, name) : CTL_OK;
		if (status != CTL_OK)
			return status;
	}
	return CTL_OK;
}

/* Asks which machines there are. */
static int
targets_all(struct client *client, struct targets *t)
{
	struct reply *reply;
	int status;

	status = client_call(client, request_new("vm.list"), &reply);
	if (status != CTL_OK)
		return status;
	status = targets_list(t, reply);
	reply_free(reply);
	return status;
}

/* Frees the names. */
static void
targets_free(struct targets *t)
{
	while (t->count > 0)
		free(t->names[--t->count]);
	free(t->names);
	t->names = NULL;
}

/* Gives the names; what fails has been printed, and there are none. */
static int
targets_new(struct ctl *ctl, struct client *client, struct targets *t)
{
	int i, status = CTL_OK;

	memset(t, 0, sizeof(*t));
	if (ctl->all != NULL)
		status = targets_all(client, t);
	for (i = 0; i < ctl->noperands && status == CTL_OK; i++)
		status = targets_add(t, ctl->operands[i]);
	if (status != CTL_OK)
		targets_free(t);
	return status;
}

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

int
call_once(struct ctl *ctl, struct request *req, show_t show)
{
	struct client *client;
	int status;

	status = client_open(ctl, &client);
	if (status != CTL_OK) {
		request_free(req);
		return status;
	}
	status = call_show(client, req, show);
	client_close(client);
	return status;
}

int
targets_each(struct ctl *ctl, target_t fn, void *arg)
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
		one = fn(ctl, client, t.names[i], arg);
		if (one != CTL_OK)
			status = one;
		if (one == CTL_NODAEMON)
			break;
	}
	targets_free(&t);
	client_close(client);
	return status;
}

/* One method for many machines. */
struct call {
	const char *method;
	show_t show;
	add_t add;		/* or NULL */
	const void *arg;
};

/* Calls it for one of them. */
static int
call_target(struct ctl *ctl, struct client *client, const char *name,
    void *arg)
{
	const struct call *call = arg;
	struct request *req = request_new(call->method);

	(void)ctl;
	request_string(req, "vm", name);
	if (call->add != NULL)
		call->add(req, call->arg);
	return call_show(client, req, call->show);
}

int
call_each(struct ctl *ctl, const char *method, show_t show, add_t add,
    const void *arg)
{
	struct call call = { method, show, add, arg };

	return targets_each(ctl, call_target, &call);
}
