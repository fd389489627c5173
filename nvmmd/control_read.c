/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Bytes and descriptors into lines.
 *
 * A descriptor belongs to the first line that ends at or after the byte it
 * came with. The kernel tells only with which read it came; so no read goes
 * beyond the end of a line: a peek finds the line feed, then exactly that much
 * is taken, and whatever descriptors that brings belong to this line. Bytes of
 * an upload or of a raw stream have no lines; they are taken as they come.
 */

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control_impl.h"
#include "log.h"

#define CONTROL_PEEK		16384
#define CONTROL_LINES		64		/* a turn, for fairness */
#define CONTROL_DISCARD		(4 * 1024 * 1024)

#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC	0
#endif

/* Closes what no line has claimed. */
void
control_close_fds(struct client *c)
{

	while (c->nfds > 0)
		(void)close(c->fds[--c->nfds]);
}

/* Keeps the descriptors of one message. Returns false if there are too many. */
static bool
control_keep_fds(struct client *c, const struct cmsghdr *cmsg)
{
	size_t n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int), i;
	bool fits = true;
	int fd;

	for (i = 0; i < n; i++) {
		memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
		if (c->nfds < PROTO_FDS_MAX)
			c->fds[c->nfds++] = fd;
		else {
			(void)close(fd);
			fits = false;
		}
	}
	return fits;
}

/* Takes up to len bytes with their descriptors. Returns as recvmsg(2). */
static ssize_t
control_recv(struct client *c, char *buf, size_t len)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE((PROTO_FDS_MAX + 1) * sizeof(int))];
	} control;
	struct iovec iov = { buf, len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	bool fits;
	ssize_t n;

	n = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n == -1)
		return -1;
	fits = (msg.msg_flags & MSG_CTRUNC) == 0;
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg != NULL;
	    cmsg = CMSG_NXTHDR(&msg, cmsg)) {
		if (cmsg->cmsg_level == SOL_SOCKET &&
		    cmsg->cmsg_type == SCM_RIGHTS)
			fits &= control_keep_fds(c, cmsg);
	}
	if (!fits)
		control_refuse(c, PROTO_INVALID_REQUEST,
		    "more than 4 descriptors came with one line");
	return n;
}

/* How many bytes may be taken: up to the end of a line. As recv(2). */
static ssize_t
control_peek(struct client *c)
{
	static char peek[CONTROL_PEEK];		/* main's */
	const char *lf;
	ssize_t n;

	n = recv(c->fd, peek, sizeof(peek), MSG_PEEK | MSG_DONTWAIT);
	if (n <= 0 || c->raw || c->sink.left > 0)
		return n;
	lf = memchr(peek, '\n', (size_t)n);
	return lf != NULL ? lf - peek + 1 : n;
}

/* The client sends no more: for half of the connection, or for all of it. */
static void
control_eof(struct client *c)
{
	struct pollfd pfd = { .fd = c->fd, .events = 0 };

	c->eof = true;
	if (c->sink.left > 0)
		control_refuse(c, PROTO_PARSE_ERROR,
		    "the upload is shorter than it said");
	else if (c->in.end > c->in.start && !c->raw)
		control_refuse(c, PROTO_PARSE_ERROR,
		    "the last line has no end");
	if (poll(&pfd, 1, 0) == 1 && (pfd.revents & (POLLHUP | POLLERR)) != 0)
		control_dead(c);
}

/* Hands a whole line on, without its LF or CR LF. */
static void
control_whole(struct client *c)
{
	struct control_buf *b = &c->in;
	size_t len = b->end - b->start - 1;
	const char *line = b->data + b->start;

	if (len > 0 && line[len - 1] == '\r')
		len--;
	b->start = b->end = 0;
	control_line(c, line, len);
	control_close_fds(c);
	if (b->size > CONTROL_PEEK) {
		free(b->data);
		memset(b, 0, sizeof(*b));
	}
}

/* Takes bytes of a line. Returns false if there are no more now. */
static bool
control_read_line(struct client *c, size_t want)
{
	struct control_buf *b = &c->in;
	ssize_t n;

	if (b->end - b->start + want > PROTO_LINE_MAX) {
		control_refuse(c, PROTO_TOO_LONG,
		    "the line is longer than 1 MiB");
		return false;
	}
	if (!control_buf_room(b, want)) {
		control_dead(c);
		return false;
	}
	n = control_recv(c, b->data + b->end, want);
	if (n <= 0)
		return n == -1 && errno == EINTR;
	b->end += (size_t)n;
	if (b->data[b->end - 1] == '\n' && !c->closing)
		control_whole(c);
	return true;
}

/* Takes bytes of a raw stream. Returns false if there are no more now. */
static bool
control_read_raw(struct client *c, size_t want)
{
	char buf[4096];
	ssize_t n;

	if (want > sizeof(buf))
		want = sizeof(buf);
	if (want > c->stream.input_max)
		want = c->stream.input_max;
	n = control_recv(c, buf, want);
	control_close_fds(c);
	if (n <= 0)
		return n == -1 && errno == EINTR;
	c->stream.input(c->stream.arg, buf, (size_t)n);
	return true;
}

/* Takes bytes of an upload. Returns false if there are no more now. */
static bool
control_read_sink(struct client *c, size_t want)
{
	static char buf[65536];			/* main's */
	ssize_t n;

	if (want > sizeof(buf))
		want = sizeof(buf);
	if (want > c->sink.left)
		want = (size_t)c->sink.left;
	n = control_recv(c, buf, want);
	control_close_fds(c);
	if (n <= 0)
		return n == -1 && errno == EINTR;
	c->sink.left -= (size_t)n;
	c->sink.input(c->sink.arg, buf, (size_t)n);
	if (c->sink.left == 0)
		c->sink.done(c->sink.arg);
	return true;
}

/* Takes bytes of whatever comes now. Returns false if there are no more. */
static bool
control_read_some(struct client *c, size_t want)
{

	if (c->sink.left > 0)
		return control_read_sink(c, want);
	return c->raw ? control_read_raw(c, want) : control_read_line(c, want);
}

/* A turn of reading. */
void
control_read(struct client *c)
{
	unsigned turns;
	ssize_t want;

	for (turns = 0; turns < CONTROL_LINES && control_reading(c); turns++) {
		want = control_peek(c);
		if (want == 0) {
			control_eof(c);
			return;
		}
		if (want == -1) {
			if (errno != EAGAIN && errno != EINTR)
				control_dead(c);
			return;
		}
		if (!control_read_some(c, (size_t)want))
			return;
	}
}

/*
 * A connection that is closed with unread bytes in it is reset under its
 * client's feet, who then may not get to read why.
 */
bool
control_discard(struct client *c)
{
	static char sink[CONTROL_PEEK];		/* main's */
	ssize_t n = 1;

	while (n > 0 && c->discarded < CONTROL_DISCARD) {
		n = recv(c->fd, sink, sizeof(sink), MSG_DONTWAIT);
		if (n > 0)
			c->discarded += (size_t)n;
	}
	return n == -1 && (errno == EAGAIN || errno == EINTR);
}
