/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The verbs on a guest's console: attach to it, or print what it has said.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "attach.h"
#include "client.h"
#include "nvmmctl.h"
#include "output.h"

#define LOG_READS	64	/* a guest that never falls silent */
#define LOG_POLL_NS	200000000

/* Asks for the console; the connection then is the console. */
static int
console_attach(struct ctl *ctl, struct client *client)
{
	struct request *req;
	struct reply *reply;
	int status;

	req = request_new("console.attach");
	request_string(req, "vm", ctl->operands[0]);
	if (ctl->replay != NULL)
		request_boolean(req, "replay", true);
	status = client_call(client, req, &reply);
	if (status == CTL_OK)
		reply_free(reply);
	return status;
}

/* Hands over the bytes that came along with the daemon's answer. */
static void
console_rest(struct attach *a, struct client *client)
{
	char bytes[4096];
	size_t n;

	while ((n = client_rest(client, bytes, sizeof(bytes))) > 0)
		attach_output(a, bytes, n);
}

/* Moves bytes until there is a reason not to; returns the exit status. */
static int
console_follow(const char *name, struct client *client)
{
	struct attach a;
	bool other;

	attach_begin(&a, STDOUT_FILENO);
	a.confd = client_fd(client);
	if (attach_terminal(&a, false))
		(void)fprintf(stderr, "[attached to %s; ~. leaves]\n", name);
	console_rest(&a, client);
	while (!a.ended && !a.left && a.signal == 0 && a.error == 0)
		(void)attach_step(&a, -1, -1, &other);
	if (a.tty && !a.left)
		(void)fprintf(stderr, "\n[%s: the console has ended]\n", name);
	else if (a.tty)
		(void)fprintf(stderr, "\n[detached from %s]\n", name);
	attach_end(&a);
	if (a.error != 0)
		return fail(CTL_FAILED, "standard output: %s",
		    strerror(a.error));
	return a.signal != 0 ? CTL_SIGNAL + a.signal : CTL_OK;
}

int
cmd_console(struct ctl *ctl)
{
	struct client *client;
	int status;

	status = client_open(ctl, &client);
	if (status != CTL_OK)
		return status;
	status = console_attach(ctl, client);
	if (status == CTL_OK)
		status = console_follow(ctl->operands[0], client);
	client_close(client);
	return status;
}

/* Prints the bytes of one console.read; *len tells how many. */
static int
log_print(const struct reply *reply, size_t *len)
{
	const char *text = reply_string(reply, "data_base64");
	unsigned char *bytes;
	int status = CTL_OK;

	if (text == NULL)
		text = "";
	bytes = malloc(strlen(text) / 4 * 3 + 1);
	if (bytes == NULL)
		return fail(CTL_FAILED, "%s", strerror(errno));
	if (base64_decode(text, bytes, len))
		(void)fwrite(bytes, 1, *len, stdout);
	else
		status = fail(CTL_FAILED, "the daemon's answer is not base64");
	free(bytes);
	return status;
}

/* Says so if the first part of the console is gone. */
static void
log_lost(const struct reply *reply)
{
	int64_t lost = reply_integer(reply, "lost", 0);

	if (lost > 0)
		(void)fail(CTL_OK, "the first %" PRId64
		    " bytes are no longer kept", lost);
}

/* Reads from an offset on; tells where to go on, and how much that was. */
static int
log_read(struct client *client, const char *name, int64_t *offset,
    size_t *len, bool *end)
{
	struct request *req;
	struct reply *reply;
	int status;

	req = request_new("console.read");
	request_string(req, "vm", name);
	request_integer(req, "offset", (uint64_t)*offset);
	request_string(req, "encoding", "base64");
	status = client_call(client, req, &reply);
	if (status != CTL_OK)
		return status;
	if (*offset == 0)
		log_lost(reply);
	*offset = reply_integer(reply, "offset", *offset);
	*end = json_is_true(json_object_get(reply_result(reply), "end"));
	status = log_print(reply, len);
	reply_free(reply);
	return status;
}

/* Prints the console's bytes, exactly, up to now. */
static int
log_text(struct client *client, const char *name)
{
	int64_t offset = 0;
	size_t len = 1;
	bool end;
	int i, status = CTL_OK;

	for (i = 0; i < LOG_READS && len > 0 && status == CTL_OK; i++)
		status = log_read(client, name, &offset, &len, &end);
	return status;
}

/* Prints them as they come, until the machine has no more to say. */
static int
log_follow(struct client *client, const char *name)
{
	static const struct timespec pause = { 0, LOG_POLL_NS };
	int64_t offset = 0;
	bool end = false;
	size_t len = 1;
	int status = CTL_OK;

	while (status == CTL_OK && (len > 0 || !end)) {
		if (len == 0)
			(void)nanosleep(&pause, NULL);
		status = log_read(client, name, &offset, &len, &end);
		if (fflush(stdout) != 0)
			return fail(CTL_FAILED, "standard output: %s",
			    strerror(errno));
	}
	return status;
}

/* Prints one answer as JSON. */
static int
log_json(struct client *client, const char *name)
{
	struct request *req;
	struct reply *reply;
	int status;

	req = request_new("console.read");
	request_string(req, "vm", name);
	status = client_call(client, req, &reply);
	if (status != CTL_OK)
		return status;
	json_result(reply);
	reply_free(reply);
	return CTL_OK;
}

int
cmd_log(struct ctl *ctl)
{
	struct client *client;
	int status;

	status = client_open(ctl, &client);
	if (status != CTL_OK)
		return status;
	if (ctl->follow != NULL)
		status = log_follow(client, ctl->operands[0]);
	else if (ctl->json != NULL)
		status = log_json(client, ctl->operands[0]);
	else
		status = log_text(client, ctl->operands[0]);
	client_close(client);
	return status;
}
