/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Questions to the parent and their answers, matched by number.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "evloop.h"

static int ask_sock = -1;
static struct evloop_io *ask_io;
static void (*ask_gone)(void *);
static void (*ask_config)(const struct parent_config *, const int *, unsigned);
static uint32_t ask_next;
static TAILQ_HEAD(, ask_wait) ask_waits = TAILQ_HEAD_INITIALIZER(ask_waits);

/* One answer; nobody may want it any more. */
static void
ask_answered(const struct parent_msg *msg, int fd)
{
	struct ask_wait *w;

	TAILQ_FOREACH(w, &ask_waits, link) {
		if (w->id == msg->id)
			break;
	}
	if (w != NULL) {
		ask_cancel(w);
		w->done(w, msg, fd);
	} else if (fd != -1) {
		(void)close(fd);
	}
}

/* The event loop's callback. */
static void
ask_event(void *arg, int what)
{
	static struct parent_config in;		/* main's */
	int fds[CONFIG_SOCKETS_MAX];
	unsigned nfds;
	ssize_t n;

	(void)arg;
	(void)what;
	while ((n = parent_recv(ask_sock, &in.msg, sizeof(in), fds,
	    &nfds)) == 1) {
		if (in.msg.type == PARENT_CONFIG)
			ask_config(&in, fds, nfds);
		else
			ask_answered(&in.msg, nfds > 0 ? fds[0] : -1);
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		(void)evloop_io_set(ask_io, 0);
		ask_gone(NULL);
	}
}

/* Starts listening to the parent. */
int
ask_init(int sock, void (*gone)(void *),
    void (*config)(const struct parent_config *, const int *, unsigned))
{

	ask_sock = sock;
	ask_gone = gone;
	ask_config = config;
	ask_io = evloop_io_new(sock, ask_event, NULL);
	if (ask_io == NULL)
		return -1;
	return evloop_io_set(ask_io, EVLOOP_READ);
}

/* The last answers. */
void
ask_fini(void)
{
	struct parent_msg msg;
	struct ask_wait *w;

	memset(&msg, 0, sizeof(msg));
	msg.type = PARENT_ANSWER;
	msg.error = ECANCELED;
	while ((w = TAILQ_FIRST(&ask_waits)) != NULL) {
		ask_cancel(w);
		w->done(w, &msg, -1);
	}
	evloop_io_free(ask_io);
	(void)close(ask_sock);
}

/* The first message. */
int
ask_ready(void)
{
	struct parent_msg msg;

	memset(&msg, 0, sizeof(msg));
	msg.type = PARENT_READY;
	return parent_send(ask_sock, &msg, sizeof(msg), NULL, 0);
}

/* One question. */
int
ask_send(struct parent_msg *msg, struct ask_wait *w)
{

	msg->id = w->id = ask_next++;
	if (parent_send(ask_sock, msg, sizeof(*msg), NULL, 0) == -1)
		return -1;
	w->pending = true;
	TAILQ_INSERT_TAIL(&ask_waits, w, link);
	return 0;
}

/* Forgets it. */
void
ask_cancel(struct ask_wait *w)
{

	if (w->pending)
		TAILQ_REMOVE(&ask_waits, w, link);
	w->pending = false;
}
