/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Questions to the parent and their answers, matched by number.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "evloop.h"
#include "image.h"

static int image_sock = -1;
static struct evloop_io *image_io;
static void (*image_gone)(void *);
static uint32_t image_next;
static TAILQ_HEAD(, image_wait) image_waits =
    TAILQ_HEAD_INITIALIZER(image_waits);

/* One answer. */
static void
image_opened(const struct parent_msg *msg, int fd)
{
	struct image_wait *w;

	TAILQ_FOREACH(w, &image_waits, link) {
		if (w->id == msg->id)
			break;
	}
	if (w == NULL) {
		if (fd != -1)
			(void)close(fd);
		return;
	}
	TAILQ_REMOVE(&image_waits, w, link);
	w->done(w, fd, fd == -1 && msg->error == 0 ? EIO : msg->error);
}

/* The event loop's callback. */
static void
image_event(void *arg, int what)
{
	struct parent_msg msg;
	ssize_t n;
	int fd;

	(void)arg;
	(void)what;
	while ((n = parent_recv(image_sock, &msg, &fd)) == 1)
		image_opened(&msg, fd);
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		(void)evloop_io_set(image_io, 0);
		image_gone(NULL);
	}
}

/* Starts listening to the parent. */
int
image_init(int sock, void (*gone)(void *))
{

	image_sock = sock;
	image_gone = gone;
	image_io = evloop_io_new(sock, image_event, NULL);
	if (image_io == NULL)
		return -1;
	return evloop_io_set(image_io, EVLOOP_READ);
}

/* Whoever still waits is told that nothing comes. */
void
image_fini(void)
{
	struct image_wait *w;

	while ((w = TAILQ_FIRST(&image_waits)) != NULL) {
		TAILQ_REMOVE(&image_waits, w, link);
		w->done(w, -1, ECANCELED);
	}
	evloop_io_free(image_io);
	(void)close(image_sock);
}

/* The first message. */
int
image_ready(void)
{
	struct parent_msg msg;

	memset(&msg, 0, sizeof(msg));
	msg.type = PARENT_READY;
	return parent_send(image_sock, &msg, -1);
}

/* Asks for an image. */
int
image_open(const char *name, struct image_wait *w)
{
	struct parent_msg msg;

	memset(&msg, 0, sizeof(msg));
	msg.type = PARENT_IMAGE;
	msg.id = w->id = image_next++;
	if (strlen(name) >= sizeof(msg.name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	(void)strcpy(msg.name, name);
	if (parent_send(image_sock, &msg, -1) == -1)
		return -1;
	TAILQ_INSERT_TAIL(&image_waits, w, link);
	return 0;
}
