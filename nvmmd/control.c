/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Clients.
 *
 * Life cycle. A client is accepted, its credentials are stamped, and it lives
 * until its connection is gone, or it has sent its last line and read its
 * last answer. A request lives from its line to its answer; if its client
 * goes first, request->client turns NULL. Clients are never freed under the
 * feet of a caller: control_dead marks them, and a timer of no delay frees
 * them from the event loop.
 */

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control_impl.h"
#include "log.h"

#define CONTROL_LINGER		1000		/* ms to read why it is closed */
#define CONTROL_BUF_MIN		512
#define CONTROL_BUF_KEEP	65536

struct control_config control_conf;
struct control_clients control_clients =
    TAILQ_HEAD_INITIALIZER(control_clients);
unsigned control_nclients;
bool control_ending;

static struct evloop_timer *control_reaper;

/* Makes room behind .end. */
bool
control_buf_room(struct control_buf *b, size_t len)
{
	size_t used = b->end - b->start, size;
	char *data;

	if (len <= b->size - b->end)
		return true;
	if (b->start > 0)
		memmove(b->data, b->data + b->start, used);
	b->start = 0;
	b->end = used;
	for (size = b->size != 0 ? b->size : CONTROL_BUF_MIN;
	    len > size - used; size *= 2)
		continue;
	if (size == b->size)
		return true;
	data = realloc(b->data, size);
	if (data == NULL)
		return false;
	b->data = data;
	b->size = size;
	return true;
}

/* The client ends as soon as nobody is looking. */
void
control_dead(struct client *c)
{

	if (!c->dead)
		evloop_timer_set(control_reaper, 0);
	c->dead = true;
}

/* May more be read from it? */
bool
control_reading(const struct client *c)
{

	return !c->dead && !c->eof && !c->closing && !c->hold && !c->unknown &&
	    c->out.end - c->out.start < CONTROL_HIGH_WATER;
}

/* Is there anything that it still waits for? */
static bool
control_finished(const struct client *c)
{

	if (c->out.end > c->out.start)
		return false;
	if (c->closing)
		return c->leaving == NULL || c->nrequests == 0;
	return c->eof && !c->raw && c->nrequests == 0 && c->on_close == NULL;
}

/* The client had its time to read why it is closed. */
static void
control_lingered(void *arg)
{

	control_dead(arg);
}

/*
 * Ends a client that has its last answer: at once if it has sent its last
 * line too, else when it closes, or after a while.
 */
static void
control_finish(struct client *c)
{

	if (c->linger != NULL)
		return;
	if (!c->eof && control_nclients <= control_conf.clients * 2)
		c->linger = evloop_timer_new(control_lingered, c);
	if (c->linger == NULL) {
		control_dead(c);
		return;
	}
	evloop_timer_set(c->linger, CONTROL_LINGER);
	(void)shutdown(c->fd, SHUT_WR);
	if (!control_discard(c))
		control_dead(c);
}

/* Watches for what it can do next. */
void
control_arm(struct client *c)
{
	bool pending = c->out.end > c->out.start;
	int what = 0;

	if (!c->dead && control_finished(c))
		control_finish(c);
	if (c->dead || c->unknown)
		what = 0;
	else if (c->linger != NULL)
		what = EVLOOP_READ;
	else if (c->eof)
		what = EVLOOP_READ | EVLOOP_WRITE | EVLOOP_EDGE;
	else if (control_reading(c))
		what = EVLOOP_READ | (pending ? EVLOOP_WRITE : 0);
	else
		what = pending ? EVLOOP_WRITE : 0;
	if (!c->dead && !c->unknown && what == 0)
		what = EVLOOP_READ | EVLOOP_EDGE;
	if (evloop_io_set(c->io, what) == -1)
		control_dead(c);
	if (!pending && c->out.size > CONTROL_BUF_KEEP) {
		free(c->out.data);
		memset(&c->out, 0, sizeof(c->out));
	}
}

/* Is the other end gone altogether? Seen by those that are not read. */
static void
control_check(struct client *c)
{
	struct pollfd pfd = { .fd = c->fd, .events = 0 };

	if (control_reading(c) || c->dead)
		return;
	if (c->linger != NULL) {
		if (!control_discard(c))
			control_dead(c);
		return;
	}
	if (poll(&pfd, 1, 0) == 1 && (pfd.revents & (POLLHUP | POLLERR)) != 0)
		control_dead(c);
}

/* The event loop's callback for a client. */
static void
control_event(void *arg, int what)
{
	struct client *c = arg;

	c->busy = true;
	if ((what & EVLOOP_WRITE) != 0)
		control_write(c);
	control_check(c);
	if ((what & EVLOOP_READ) != 0 && control_reading(c))
		control_read(c);
	c->busy = false;
	control_arm(c);
}

/* Lets go of a client's requests. */
static void
control_abandon(struct client *c)
{
	struct request *r;

	while ((r = TAILQ_FIRST(&c->requests)) != NULL) {
		TAILQ_REMOVE(&c->requests, r, link);
		r->client = NULL;
		if (r->cancel != NULL)
			r->cancel(r);
	}
}

/* Closes what was uploaded and not used. */
static void
control_close_uploads(struct client *c)
{
	unsigned i;

	for (i = 0; i < PROTO_FDS_MAX; i++) {
		if (c->uploads[i] != -1)
			(void)close(c->uploads[i]);
	}
}

/* Frees a client. */
static void
control_free(struct client *c)
{

	log_debug("control: client %d closed", c->fd);
	control_abandon(c);
	if (c->raw)
		c->stream.closed(c->stream.arg);
	if (c->on_close != NULL)
		c->on_close(c->on_close_arg);
	control_close_fds(c);
	control_close_uploads(c);
	who_cancel(&c->who);
	evloop_timer_free(c->linger);
	evloop_timer_free(c->leaving);
	evloop_io_free(c->io);
	(void)close(c->fd);
	peer_drop(c->peer);
	TAILQ_REMOVE(&control_clients, c, link);
	control_nclients--;
	free(c->in.data);
	free(c->out.data);
	free(c);
}

/* Frees the dead. */
static void
control_reap(void *arg)
{
	struct client *c, *next;

	(void)arg;
	for (c = TAILQ_FIRST(&control_clients); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->dead)
			control_free(c);
	}
}

/* Sends an error that belongs to no request, and ends the client. */
void
control_refuse(struct client *c, enum proto_error name, const char *text)
{
	struct proto_request none = { .id = "null" };
	struct proto_failure f;
	struct proto_out o;

	if (c->closing || c->dead)
		return;
	proto_fail(&f, name, 0, NULL, "%s", text);
	proto_out_init(&o);
	proto_out_failure(&o, &none, &f);
	if (o.buf != NULL)
		control_append(c, o.buf, o.len);
	proto_out_free(&o);
	c->closing = true;
}

/* The parent has said who it is, or there is no parent any more. */
static void
control_known(struct who_wait *w, const struct parent_msg *msg)
{
	struct client *c = (struct client *)((char *)w -
	    offsetof(struct client, who));

	c->unknown = false;
	if (msg->error == 0)
		peer_know(c->peer, &msg->owner, msg->groups, msg->ngroups);
	if (!c->dead)
		control_arm(c);
}

/* Finds his name. Until that is known nothing is read of him. */
void
control_who(struct client *c)
{
	const struct peer_owner *me = &c->peer->me;
	const struct parent_msg *msg = who_known(me->uid, me->gid);

	if (msg != NULL) {
		peer_know(c->peer, &msg->owner, msg->groups, msg->ngroups);
		return;
	}
	c->who.done = control_known;
	c->unknown = who_ask(me, &c->who) == 0;
}

/* Who it is, and what he may: the socket's role, unless he is above that. */
static struct peer *
control_peer_new(const struct listener *l, int fd)
{
	struct peer *p = peer_new(fd);
	bool above;

	if (p == NULL)
		return NULL;
	above = p->me.uid == 0 || p->me.uid == control_conf.starter;
	p->role = above ? PROTO_ADMIN : l->role;
	p->sees = above ? PEER_ALL : l->sees;
	log_debug("control: client %d: uid %d, gid %d, pid %d, %s", fd,
	    (int)p->me.uid, (int)p->me.gid, (int)p->pid,
	    proto_privileges[p->role]);
	return p;
}

/* A client on that socket. */
struct client *
control_client(const struct listener *l, int fd)
{
	struct client *c = calloc(1, sizeof(*c));
	unsigned i;

	if (c == NULL)
		return NULL;
	c->fd = fd;
	c->from = l;
	for (i = 0; i < PROTO_FDS_MAX; i++)
		c->uploads[i] = -1;
	TAILQ_INIT(&c->requests);
	c->io = evloop_io_new(fd, control_event, c);
	c->peer = c->io != NULL ? control_peer_new(l, fd) : NULL;
	if (c->peer == NULL) {
		log_warn("control: client %d", fd);
		evloop_io_free(c->io);
		free(c);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&control_clients, c, link);
	control_nclients++;
	return c;
}

/* The client had its time to get its last answers. */
static void
control_left(void *arg)
{

	control_dead(arg);
}

/* Has a client leave. */
void
control_leave(struct client *c)
{

	c->from = NULL;
	c->leaving = evloop_timer_new(control_left, c);
	if (c->leaving == NULL || c->raw || c->unknown) {
		control_dead(c);
		return;
	}
	evloop_timer_set(c->leaving, CONTROL_LINGER);
	c->closing = true;
	if (!c->busy)
		control_arm(c);
}

/* Other limits; whoever is above them stays. */
void
control_limits(unsigned clients, unsigned requests)
{

	control_conf.clients = clients;
	control_conf.requests = requests;
}

/* Prepares for the first socket. */
int
control_init(const struct control_config *config)
{

	control_conf = *config;
	control_reaper = evloop_timer_new(control_reap, NULL);
	return control_reaper != NULL ? control_listen_init() : -1;
}

/* Stops listening. */
void
control_shutdown(void)
{
	struct client *c;

	if (control_ending)
		return;
	control_ending = true;
	TAILQ_FOREACH(c, &control_clients, link)
		c->from = NULL;
	control_listen_fini();
}

/* Ends all clients, without waiting for any. */
void
control_fini(void)
{
	struct client *c;

	control_shutdown();
	TAILQ_FOREACH(c, &control_clients, link)
		c->dead = true;
	control_reap(NULL);
	evloop_timer_free(control_reaper);
}

/* The client's other end. */
const struct peer *
control_peer(const struct client *c)
{

	return c->peer;
}

/* Remembers whom to tell of the end. */
bool
control_on_close(struct client *c, void (*fn)(void *), void *arg)
{

	if (c->on_close != NULL)
		return false;
	c->on_close = fn;
	c->on_close_arg = arg;
	return true;
}

/* A line that is no answer. */
bool
control_send(struct client *c, const char *line, size_t len, size_t max)
{

	if (c->dead || c->out.end - c->out.start + len > max)
		return false;
	control_append(c, line, len);
	if (!c->busy)
		control_arm(c);
	return true;
}

/* Leaves lines for so many bytes. */
void
control_sink(struct client *c, uint64_t len,
    void (*input)(void *, const void *, size_t), void (*done)(void *),
    void *arg)
{

	c->sink.left = len;
	c->sink.input = input;
	c->sink.done = done;
	c->sink.arg = arg;
}

/* Turns the connection into a stream. */
void
control_raw(struct client *c, const struct control_raw *stream)
{

	c->stream = *stream;
	c->raw = true;
	control_raw_pump(c);
}

/* Writes output as far as it goes. */
void
control_raw_pump(struct client *c)
{

	control_write(c);
	if (!c->busy)
		control_arm(c);
}

/* Input pauses or goes on. */
void
control_raw_hold(struct client *c, bool hold)
{

	c->hold = hold;
	if (!c->busy)
		control_arm(c);
}

/* The stream has ended: what it still has is at most a console's ring. */
void
control_raw_end(struct client *c)
{

	while (control_fetch(c))
		continue;
	c->closing = true;
	control_write(c);
	if (!c->busy)
		control_arm(c);
}
