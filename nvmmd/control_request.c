/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Requests: from a line of a client's to the answer.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control_impl.h"
#include "log.h"

static struct proto_out control_out;	/* the answer being written */

/* Frees a request, with what its handler did not take. */
static void
request_free(struct request *r)
{
	unsigned i;

	for (i = 0; i < PROTO_FDS_MAX; i++) {
		if (r->fds[i] != -1)
			(void)close(r->fds[i]);
	}
	if (r->client != NULL) {
		TAILQ_REMOVE(&r->client->requests, r, link);
		r->client->nrequests--;
		if (!r->client->busy)
			control_arm(r->client);
	}
	proto_request_free(&r->p);
	peer_drop(r->peer);
	free(r);
}

/* Sends the answer that was written, and frees the request. */
static void
request_send(struct request *r)
{

	if (r->client != NULL) {
		if (control_out.buf != NULL)
			control_append(r->client, control_out.buf,
			    control_out.len);
		else
			control_dead(r->client);
	}
	proto_out_free(&control_out);
	request_free(r);
}

/* Begins an answer. */
struct proto_out *
request_result(struct request *r)
{

	proto_out_init(&control_out);
	proto_out_result(&control_out, &r->p);
	return &control_out;
}

/* Ends and sends it. => The request is gone. */
void
request_done(struct request *r)
{

	proto_out_result_end(&control_out, &r->p);
	request_send(r);
}

/*
 * Answers with an error. => The request is gone, and the connection ends if
 * bytes follow that nobody wants.
 */
void
request_fail(struct request *r, const struct proto_failure *f)
{

	log_debug("control: %s: %s: %s", r->p.row != NULL ? r->p.row->name :
	    "request", proto_errors[f->name].name, f->text);
	if (r->client != NULL && r->p.row != NULL &&
	    proto_row_streams(r->p.row))
		r->client->closing = true;
	proto_out_init(&control_out);
	proto_out_failure(&control_out, &r->p, f);
	request_send(r);
}

/* Forgets the request. => Its client is gone. */
void
request_drop(struct request *r)
{

	request_free(r);
}

/* A parameter's value. */
const struct proto_value *
request_value(const struct request *r, unsigned i)
{

	return &r->p.values[i];
}

/* The line's descriptor; it belongs to the caller. */
int
request_take_fd(struct request *r, unsigned i)
{
	int fd = r->fds[i];

	r->fds[i] = -1;
	return fd;
}

/* The upload's descriptor; it belongs to the caller. */
int
request_take_upload(struct request *r, unsigned i)
{
	int fd;

	if (r->client == NULL || i >= PROTO_FDS_MAX)
		return -1;
	fd = r->client->uploads[i];
	r->client->uploads[i] = -1;
	return fd;
}

/* Keeps it in the first free place. */
int
request_keep_upload(struct request *r, int fd)
{
	int i;

	for (i = 0; i < PROTO_FDS_MAX; i++) {
		if (r->client->uploads[i] == -1) {
			r->client->uploads[i] = fd;
			return i;
		}
	}
	return -1;
}

/* Is it alone on its connection? */
bool
request_others(const struct request *r)
{

	return r->client != NULL && r->client->nrequests > 1;
}

/* A request of this client, with the descriptors of the line. */
static struct request *
control_request(struct client *c)
{
	struct request *r = calloc(1, sizeof(*r));
	unsigned i;

	if (r == NULL)
		return NULL;
	r->client = c;
	r->peer = peer_hold(c->peer);
	for (i = 0; i < PROTO_FDS_MAX; i++)
		r->fds[i] = i < c->nfds ? c->fds[i] : -1;
	c->nfds = 0;
	TAILQ_INSERT_TAIL(&c->requests, r, link);
	c->nrequests++;
	return r;
}

/* One line: a request, or an error. */
void
control_line(struct client *c, const char *line, size_t len)
{
	struct proto_failure f;
	struct request *r = control_request(c);
	int error;

	if (r == NULL) {
		control_dead(c);
		return;
	}
	error = proto_parse(control_conf.rows, control_conf.nrows, line, len,
	    &r->p, &f);
	if (error == 0 && control_ending)
		error = proto_fail(&f, PROTO_SHUTTING_DOWN, 0, NULL,
		    "the daemon is ending");
	if (error == 0 && c->nrequests > control_conf.requests) {
		error = proto_fail(&f, PROTO_TOO_MANY_REQUESTS, 0, NULL,
		    "request limit reached: %u of %u unanswered",
		    c->nrequests - 1, control_conf.requests);
		c->closing = true;
	}
	if (error == -1)
		request_fail(r, &f);
	else
		control_conf.dispatch(r);
}
