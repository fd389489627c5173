/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * libevent behind a few verbs. A descriptor has one event, whose mask changes:
 * libevent does not mix edge- and level-triggered events on one descriptor.
 */

#include <sys/queue.h>
#include <sys/time.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "evloop.h"
#include "log.h"

struct evloop_io {
	struct event event;
	int fd;
	int what;			/* EVLOOP_*, 0: not added */
	evloop_io_fn fn;
	void *arg;
};

struct evloop_timer {
	struct event event;
	evloop_fn fn;
	void *arg;
};

struct evloop_sig {
	SLIST_ENTRY(evloop_sig) link;
	struct event event;
	evloop_fn fn;
};

static struct event_base *evloop_base;
static SLIST_HEAD(, evloop_sig) evloop_sigs =
    SLIST_HEAD_INITIALIZER(evloop_sigs);

/* libevent's log goes into ours. */
static void
evloop_log(int severity, const char *text)
{

	if (severity <= EVENT_LOG_DEBUG)
		log_debug("evloop: %s", text);
	else
		log_warnx("evloop: %s", text);
}

/* Makes the loop. */
int
evloop_init(void)
{

	event_set_log_callback(evloop_log);
	evloop_base = event_base_new();
	if (evloop_base == NULL) {
		errno = ENOMEM;
		return -1;
	}
	log_debug("evloop: libevent %s, %s", event_get_version(),
	    event_base_get_method(evloop_base));
	return 0;
}

/* => All descriptors and timers have been freed. */
void
evloop_fini(void)
{
	struct evloop_sig *sig;

	while ((sig = SLIST_FIRST(&evloop_sigs)) != NULL) {
		SLIST_REMOVE_HEAD(&evloop_sigs, link);
		event_del(&sig->event);
		free(sig);
	}
	event_base_free(evloop_base);
	libevent_global_shutdown();
}

/* Runs callbacks until stopped. */
void
evloop_run(void)
{

	(void)event_base_loop(evloop_base, EVLOOP_NO_EXIT_ON_EMPTY);
}

/* Lets evloop_run return after the callback that runs now. */
void
evloop_stop(void)
{

	event_base_loopbreak(evloop_base);
}

/* libevent's callback for descriptors. */
static void
evloop_io_event(evutil_socket_t fd, short events, void *arg)
{
	struct evloop_io *io = arg;
	int what = 0;

	(void)fd;
	if ((events & EV_READ) != 0)
		what |= EVLOOP_READ;
	if ((events & EV_WRITE) != 0)
		what |= EVLOOP_WRITE;
	io->fn(io->arg, what);
}

/* A watch on fd, asleep. */
struct evloop_io *
evloop_io_new(int fd, evloop_io_fn fn, void *arg)
{
	struct evloop_io *io = calloc(1, sizeof(*io));

	if (io == NULL)
		return NULL;
	io->fd = fd;
	io->fn = fn;
	io->arg = arg;
	return io;
}

/* Changes what is watched for. */
int
evloop_io_set(struct evloop_io *io, int what)
{
	short events = EV_PERSIST;

	if (io->what == what)
		return 0;
	if (io->what != 0)
		event_del(&io->event);
	io->what = 0;
	if ((what & (EVLOOP_READ | EVLOOP_WRITE)) == 0)
		return 0;
	if ((what & EVLOOP_READ) != 0)
		events |= EV_READ;
	if ((what & EVLOOP_WRITE) != 0)
		events |= EV_WRITE;
	if ((what & EVLOOP_EDGE) != 0)
		events |= EV_ET;
	if (event_assign(&io->event, evloop_base, io->fd, events,
	    evloop_io_event, io) == -1 || event_add(&io->event, NULL) == -1)
		return -1;
	io->what = what;
	return 0;
}

/* NULL is allowed. */
void
evloop_io_free(struct evloop_io *io)
{

	if (io == NULL)
		return;
	(void)evloop_io_set(io, 0);
	free(io);
}

/* libevent's callback for timers. */
static void
evloop_timer_event(evutil_socket_t fd, short events, void *arg)
{
	struct evloop_timer *t = arg;

	(void)fd;
	(void)events;
	t->fn(t->arg);
}

/* A timer, not set. */
struct evloop_timer *
evloop_timer_new(evloop_fn fn, void *arg)
{
	struct evloop_timer *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->fn = fn;
	t->arg = arg;
	if (evtimer_assign(&t->event, evloop_base, evloop_timer_event,
	    t) == -1) {
		free(t);
		errno = EINVAL;
		return NULL;
	}
	return t;
}

/* Arms the timer. */
void
evloop_timer_set(struct evloop_timer *t, unsigned ms)
{
	struct timeval tv;

	tv.tv_sec = ms / 1000;
	tv.tv_usec = (ms % 1000) * 1000;
	(void)evtimer_add(&t->event, &tv);
}

/* NULL is allowed. */
void
evloop_timer_free(struct evloop_timer *t)
{

	if (t == NULL)
		return;
	(void)evtimer_del(&t->event);
	free(t);
}

/* libevent's callback for signals; no longer in the handler's context. */
static void
evloop_sig_event(evutil_socket_t signo, short events, void *arg)
{
	struct evloop_sig *sig = arg;

	(void)signo;
	(void)events;
	sig->fn(NULL);
}

/* Calls fn from the loop for each signal. */
int
evloop_signal(int signo, evloop_fn fn)
{
	struct evloop_sig *sig = calloc(1, sizeof(*sig));

	if (sig == NULL)
		return -1;
	sig->fn = fn;
	if (evsignal_assign(&sig->event, evloop_base, signo, evloop_sig_event,
	    sig) == -1 || evsignal_add(&sig->event, NULL) == -1) {
		free(sig);
		errno = EINVAL;
		return -1;
	}
	SLIST_INSERT_HEAD(&evloop_sigs, sig, link);
	return 0;
}
