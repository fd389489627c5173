/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Bytes out: at once as far as the socket takes them, the rest when it can.
 * A client that does not read is not waited for: from CONTROL_HIGH_WATER on
 * its requests stay unread, at CONTROL_OUT_MAX it is closed.
 */

#include <sys/socket.h>

#include <errno.h>
#include <string.h>

#include "control_impl.h"
#include "log.h"

#define CONTROL_CHUNK	16384

/* Fetches output of a raw stream. Returns false if there is none. */
bool
control_fetch(struct client *c)
{
	size_t n;

	if (!c->raw || c->closing)
		return false;
	if (!control_buf_room(&c->out, CONTROL_CHUNK)) {
		control_dead(c);
		return false;
	}
	n = c->stream.output(c->stream.arg, c->out.data + c->out.end,
	    CONTROL_CHUNK);
	c->out.end += n;
	return n != 0;
}

/* Writes what the socket takes. */
void
control_write(struct client *c)
{
	struct control_buf *b = &c->out;
	ssize_t n;

	while (!c->dead && (b->start < b->end || control_fetch(c))) {
		n = send(c->fd, b->data + b->start, b->end - b->start,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			if (errno != EAGAIN)
				control_dead(c);
			return;
		}
		b->start += (size_t)n;
		if (b->start == b->end)
			b->start = b->end = 0;
	}
}

/* Queues bytes and tries to write them. */
void
control_append(struct client *c, const char *from, size_t len)
{
	struct control_buf *b = &c->out;

	if (c->dead)
		return;
	if (b->end - b->start + len > CONTROL_OUT_MAX ||
	    !control_buf_room(b, len)) {
		log_warnx("control: client %d (uid %d) does not read, closed",
		    c->fd, (int)c->peer->me.uid);
		control_dead(c);
		return;
	}
	memcpy(b->data + b->end, from, len);
	b->end += len;
	control_write(c);
}
