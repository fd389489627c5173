/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The console between standard input and output and the guest's UART.
 *
 * The main thread waits in poll(2) for input and for a pipe, into which signal
 * handlers and VCPUs' threads write one byte: a signal's number, or one of the
 * marks below. Output goes out on the VCPU's own thread; a second pipe becomes
 * readable when the guest is to end, so that a reader who does not read cannot
 * hold us up.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "toyvirt.h"

#define MARK_ROOM	0xf0		/* the UART takes input again */
#define MARK_DONE	0xf1		/* a VCPU's thread is through */
#define ESCAPE		0x1d		/* Ctrl-] */
#define OUT_CHUNK	512		/* what POLLOUT promises for a pipe */

/* Constant after console_init(). */
static int wake_pipe[2];
static int stop_pipe[2];

/* The main thread's. */
struct console {
	struct guest *guest;
	bool escape;
	bool eof;
	int signo;			/* that asked for the end, or 0 */
	uint8_t buf[256];		/* input not taken yet */
	size_t off, len;
};

/* A byte for the main thread. Full: it wakes up anyway. */
static void
console_wake(uint8_t mark)
{
	int error = errno;
	ssize_t n;

	n = write(wake_pipe[1], &mark, 1);
	(void)n;
	errno = error;
}

/* A signal that ends us. */
static void
console_signal(int signo)
{
	console_wake((uint8_t)signo);
}

/* A pipe of which neither end blocks. */
static int
console_pipe(int fds[2])
{
	int i;

	if (pipe(fds) == -1)
		return -1;
	for (i = 0; i < 2; i++) {
		if (fcntl(fds[i], F_SETFD, FD_CLOEXEC) == -1 ||
		    fcntl(fds[i], F_SETFL, O_NONBLOCK) == -1)
			return -1;
	}
	return 0;
}

/* The pipes, and handlers for the signals that end us unless ignored. */
int
console_init(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	struct sigaction sa, old;
	size_t i;

	if (console_pipe(wake_pipe) == -1 || console_pipe(stop_pipe) == -1)
		return -1;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = console_signal;
	sa.sa_flags = SA_RESTART;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (sigaction(signals[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(signals[i], &sa, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

/* True once standard output can be written; false: we are to end. */
static bool
console_may_write(void)
{
	struct pollfd fds[2] = {
		{ .fd = STDOUT_FILENO, .events = POLLOUT },
		{ .fd = stop_pipe[0], .events = POLLIN },
	};

	while (poll(fds, 2, -1) == -1) {
		if (errno != EINTR && errno != EAGAIN)
			return false;
	}
	return fds[0].revents != 0;
}

/* The guest's bytes written, or dropped when we are to end. */
void
console_output(void *arg, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	ssize_t n;

	(void)arg;
	while (len != 0) {
		if (!console_may_write())
			return;
		n = write(STDOUT_FILENO, p, len < OUT_CHUNK ? len : OUT_CHUNK);
		if (n == -1 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n == -1) {
			if (errno == EPIPE)
				console_wake(SIGPIPE);
			return;
		}
		p += n;
		len -= (size_t)n;
	}
}

/* The main thread tries again to pass input on. */
void
console_room(void *arg)
{
	(void)arg;
	console_wake(MARK_ROOM);
}

/* The main thread looks whether the guest has ended. */
void
console_vcpu_done(void)
{
	console_wake(MARK_DONE);
}

/* The guest's end asked for, and output let go. */
static void
console_stop(struct console *c, int signo)
{
	uint8_t byte = 0;
	ssize_t n;

	if (c->signo == 0)
		c->signo = signo;
	n = write(stop_pipe[1], &byte, 1);
	(void)n;
	guest_stop(c->guest);
}

/* What was written into the pipe acted on. */
static void
console_marks(struct console *c)
{
	uint8_t marks[64];
	ssize_t i, n;

	n = read(wake_pipe[0], marks, sizeof(marks));
	for (i = 0; i < n; i++) {
		if (marks[i] < MARK_ROOM)
			console_stop(c, marks[i]);
	}
}

/* Input passed on as far as the guest takes it. */
static void
console_pass(struct console *c)
{
	size_t n;

	if (c->len == 0)
		return;
	n = guest_console_input(c->guest, c->buf + c->off, c->len);
	c->off += n;
	c->len -= n;
}

/* Input put behind what waits already; what has no room there is dropped. */
static void
console_keep(struct console *c, const uint8_t *buf, size_t len)
{
	memmove(c->buf, c->buf + c->off, c->len);
	c->off = 0;
	if (len > sizeof(c->buf) - c->len)
		len = sizeof(c->buf) - c->len;
	memcpy(c->buf + c->len, buf, len);
	c->len += len;
}

/* More input, of which what follows the escape is not the guest's. */
static void
console_read(struct console *c)
{
	uint8_t buf[sizeof(c->buf)], *esc;
	ssize_t n;

	n = read(STDIN_FILENO, buf, sizeof(buf));
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		c->eof = true;
		return;
	}
	esc = c->escape ? memchr(buf, ESCAPE, (size_t)n) : NULL;
	if (esc != NULL) {
		n = esc - buf;
		guest_stop(c->guest);
	}
	console_keep(c, buf, (size_t)n);
}

/* True while the guest has not ended. */
static bool
console_running(const struct console *c)
{
	struct guest_result result;

	guest_result(c->guest, &result);
	return result.end == GUEST_RUNNING;
}

/*
 * One wait for what comes next. Input waits outside while the guest takes none;
 * but keys are always read, as the escape may be among them.
 */
static void
console_turn(struct console *c)
{
	struct pollfd fds[2] = {
		{ .fd = wake_pipe[0], .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};
	bool input = !c->eof && (c->escape || c->len == 0);

	if (poll(fds, input ? 2 : 1, -1) == -1)
		return;
	if (fds[0].revents != 0)
		console_marks(c);
	if (input && fds[1].revents != 0)
		console_read(c);
	console_pass(c);
}

/* The signal that ended the guest, or 0. */
int
console_serve(struct guest *g, bool escape)
{
	struct console c = { .guest = g, .escape = escape };

	while (console_running(&c))
		console_turn(&c);
	return c.signo;
}
