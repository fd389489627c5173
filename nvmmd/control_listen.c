/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The listening sockets, each with its role; they come and go with the
 * configuration, and take their clients along.
 */

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control_impl.h"
#include "log.h"

#define CONTROL_ACCEPTS		16		/* a turn */
#define CONTROL_PAUSE		200		/* ms without descriptors */

static LIST_HEAD(, listener) control_listeners =
    LIST_HEAD_INITIALIZER(control_listeners);
static struct evloop_timer *control_pause;

/* Has all sockets watched, or none. */
static void
control_watch(int what)
{
	struct listener *l;

	LIST_FOREACH(l, &control_listeners, link)
		(void)evloop_io_set(l->io, what);
}

/* Accepts one. Returns false if there are no more now. */
static bool
control_accept_one(const struct listener *l)
{
	char text[PROTO_TEXT_MAX];
	struct client *c;
	int fd;

	fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM) {
			log_warn("control: accepting clients pauses");
			control_watch(0);
			evloop_timer_set(control_pause, CONTROL_PAUSE);
			return false;
		}
		return errno == EINTR || errno == ECONNABORTED;
	}
	c = control_client(l, fd);
	if (c == NULL) {
		(void)close(fd);
		return true;
	}
	if (control_nclients > control_conf.clients) {
		(void)snprintf(text, sizeof(text),
		    "client limit reached: %u of %u", control_nclients - 1,
		    control_conf.clients);
		control_refuse(c, PROTO_LIMIT, text);
	} else {
		control_who(c);
	}
	control_arm(c);
	return true;
}

/* The event loop's callback for a listening socket. */
static void
control_accept(void *arg, int what)
{
	unsigned i;

	(void)what;
	for (i = 0; i < CONTROL_ACCEPTS && control_accept_one(arg); i++)
		continue;
}

/* Accepting goes on after a pause. */
static void
control_resume(void *arg)
{

	(void)arg;
	control_watch(EVLOOP_READ);
}

/* Stops listening on a socket. NULL members are allowed. */
static void
control_deafen(struct listener *l)
{

	evloop_io_free(l->io);
	(void)close(l->fd);
	free(l->path);
	free(l);
}

/* Listens on one more socket. */
int
control_listen(int fd, const char *path, enum proto_privilege role,
    enum peer_sees sees)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		(void)close(fd);
		return -1;
	}
	l->fd = fd;
	l->role = role;
	l->sees = sees;
	l->path = strdup(path);
	l->io = evloop_io_new(fd, control_accept, l);
	if (l->path == NULL || l->io == NULL ||
	    evloop_io_set(l->io, EVLOOP_READ) == -1) {
		control_deafen(l);
		return -1;
	}
	LIST_INSERT_HEAD(&control_listeners, l, link);
	log_debug("control: listening on %s: %s, sees %s", path,
	    proto_privileges[role], peer_sees_names[sees]);
	return 0;
}

/* Has all leave that came by that socket, those not yet accepted too. */
static void
control_evict(const struct listener *l)
{
	struct client *c;
	int fd;

	while ((fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC)) != -1)
		(void)close(fd);
	TAILQ_FOREACH(c, &control_clients, link) {
		if (c->from == l)
			control_leave(c);
	}
}

/* The listener of that path, or NULL. */
static struct listener *
control_listener(const char *path)
{
	struct listener *l;

	LIST_FOREACH(l, &control_listeners, link) {
		if (strcmp(l->path, path) == 0)
			break;
	}
	return l;
}

/* One socket less. */
void
control_unlisten(const char *path)
{
	struct listener *l = control_listener(path);

	if (l == NULL)
		return;
	control_evict(l);
	LIST_REMOVE(l, link);
	control_deafen(l);
}

/* Another role for whoever comes now. */
void
control_relisten(const char *path, enum proto_privilege role,
    enum peer_sees sees)
{
	struct listener *l = control_listener(path);

	if (l == NULL)
		return;
	control_evict(l);
	l->role = role;
	l->sees = sees;
}

/* Prepares for the first socket. */
int
control_listen_init(void)
{

	control_pause = evloop_timer_new(control_resume, NULL);
	return control_pause != NULL ? 0 : -1;
}

/* No socket is left. */
void
control_listen_fini(void)
{
	struct listener *l;

	while ((l = LIST_FIRST(&control_listeners)) != NULL) {
		LIST_REMOVE(l, link);
		control_deafen(l);
	}
	evloop_timer_free(control_pause);
}
