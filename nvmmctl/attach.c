/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The byte pump between a console's connection and standard input and output.
 *
 * Signals are blocked but while waiting in ppoll(2), so none is lost between
 * looking at the flag and going to sleep.  The connection is never written to
 * blockingly: a guest that does not read must not keep its output from here.
 */

#include <sys/param.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"

#define OUTPUT_CHUNK	16384

static volatile sig_atomic_t attach_signal;	/* the last one caught */

static void
attach_catch(int signo)
{
	attach_signal = signo;
}

/* Starts with the signals held back; the connection may come later. */
void
attach_begin(struct attach *a, int outfd)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = attach_catch }, old;
	sigset_t set;
	size_t i;

	memset(a, 0, sizeof(*a));
	a->confd = -1;
	a->infd = STDIN_FILENO;
	a->outfd = outfd;
	a->linestart = true;
	(void)sigemptyset(&set);
	(void)sigemptyset(&sa.sa_mask);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		(void)sigaction(signals[i], NULL, &old);
		if (old.sa_handler == SIG_IGN)
			continue;
		(void)sigaddset(&set, signals[i]);
		(void)sigaction(signals[i], &sa, NULL);
	}
	(void)sigprocmask(SIG_BLOCK, &set, &a->savedmask);
}

/*
 * Makes a terminal on standard input raw, so that keys reach the guest; line
 * ends are still translated on output.  In the background it is left alone.
 */
bool
attach_terminal(struct attach *a, bool signals)
{
	struct termios raw;

	if (tcgetattr(a->infd, &a->saved) == -1)
		return false;
	if (tcgetpgrp(a->infd) != getpgrp()) {
		a->infd = -1;
		return false;
	}
	raw = a->saved;
	cfmakeraw(&raw);
	raw.c_oflag = a->saved.c_oflag;
	if (signals)
		raw.c_lflag |= ISIG;
	a->tty = (tcsetattr(a->infd, TCSADRAIN, &raw) == 0);
	return a->tty;
}

/* Gives the terminal back. */
void
attach_end(struct attach *a)
{
	if (a->tty)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &a->saved);
	a->tty = false;
}

/* Writes all of the bytes; after an error they are dropped. */
void
attach_output(struct attach *a, const char *bytes, size_t len)
{
	ssize_t n;

	while (len > 0 && a->error == 0) {
		n = write(a->outfd, bytes, len);
		if (n == -1 && errno != EINTR)
			a->error = errno;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
}

/* Moves what the guest wrote to the output. */
static void
attach_receive(struct attach *a)
{
	char bytes[OUTPUT_CHUNK];
	ssize_t n;

	n = recv(a->confd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n > 0)
		attach_output(a, bytes, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		a->ended = true;
}

/* Keeps one byte for the guest. */
static void
attach_keep(struct attach *a, char c)
{
	a->input[a->inputlen++] = c;
	a->linestart = (c == '\r' || c == '\n');
}

/*
 * Takes one byte typed.  After a line end, ~. leaves and ~~ is one tilde; a
 * tilde before anything else goes to the guest with it.
 */
static void
attach_type(struct attach *a, char c)
{
	bool tilde = a->tilde;

	a->tilde = false;
	if (tilde && c == '.') {
		a->left = true;
	} else if (!tilde && c == '~' && a->linestart) {
		a->tilde = true;
	} else {
		if (tilde)
			attach_keep(a, '~');
		if (!tilde || c != '~')
			attach_keep(a, c);
	}
}

/* Reads from the user. */
static void
attach_read(struct attach *a)
{
	char bytes[sizeof(a->input) / 2];
	ssize_t i, n;

	n = read(a->infd, bytes, sizeof(bytes));
	if (n == 0 || (n == -1 && errno != EINTR && errno != EAGAIN))
		a->infd = -1;
	for (i = 0; i < n; i++) {
		if (a->tty)
			attach_type(a, bytes[i]);
		else
			attach_keep(a, bytes[i]);
	}
}

/* Sends the guest what it takes of the bytes kept for it. */
static void
attach_send(struct attach *a)
{
	ssize_t n;

	n = send(a->confd, a->input, a->inputlen, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0) {
		a->inputlen -= (size_t)n;
		memmove(a->input, a->input + n, a->inputlen);
	} else if (n == -1 && errno != EAGAIN && errno != EINTR) {
		a->inputlen = 0;
		a->infd = -1;
	}
}

/* Waits until something can be moved; false if the time ran out. */
bool
attach_step(struct attach *a, int otherfd, int timeout, bool *otherp)
{
	struct timespec ts = { timeout / 1000, timeout % 1000 * 1000000L };
	struct pollfd fds[3] = {
		{ .fd = a->ended ? -1 : a->confd, .events = POLLIN },
		{ .fd = a->inputlen == 0 ? a->infd : -1, .events = POLLIN },
		{ .fd = otherfd, .events = POLLIN },
	};
	int n;

	if (a->inputlen > 0)
		fds[0].events |= POLLOUT;
	n = ppoll(fds, 3, timeout < 0 ? NULL : &ts, &a->savedmask);
	if (attach_signal != 0) {
		a->signal = attach_signal;
		attach_signal = 0;
	}
	*otherp = (n > 0 && fds[2].revents != 0);
	if (n <= 0)
		return n != 0;
	if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
		attach_receive(a);
	if (fds[0].revents & POLLOUT)
		attach_send(a);
	if (fds[1].revents != 0)
		attach_read(a);
	return true;
}
