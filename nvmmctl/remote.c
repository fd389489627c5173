/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Another host's daemon, through ssh: `-H host' runs `nvmmctl proxy' over
 * there and speaks to it by a socketpair in the place of the daemon's socket.
 * Descriptors do not travel that way, hence files are uploaded.
 */

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nvmmctl.h"
#include "remote.h"

#define PROXY_CHUNK	65536

/* Becomes ssh. The program may be another one, as Git has it, too. */
_Noreturn static void
remote_exec(const char *host, int fd)
{
	const char *ssh = getenv("NVMMCTL_SSH");

	if (ssh == NULL || *ssh == '\0')
		ssh = "ssh";
	(void)dup2(fd, STDIN_FILENO);
	(void)dup2(fd, STDOUT_FILENO);
	(void)execlp(ssh, ssh, "-T", "--", host, "nvmmctl", "proxy",
	    (char *)NULL);
	(void)fprintf(stderr, "nvmmctl: %s: %s\n", ssh, strerror(errno));
	_exit(127);
}

int
remote_open(const char *host, int *fdp)
{
	int pair[2];
	pid_t pid;

	if (*host == '\0' || *host == '-')
		return fail(CTL_USAGE, "-H %s: not a host", host);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		return fail(CTL_FAILED, "socketpair: %s", strerror(errno));
	pid = fork();
	if (pid == 0)
		remote_exec(host, pair[1]);
	(void)close(pair[1]);
	if (pid == -1) {
		(void)close(pair[0]);
		return fail(CTL_FAILED, "fork: %s", strerror(errno));
	}
	*fdp = pair[0];
	return CTL_OK;
}

/* Moves what there is. Returns false at the end, or on an error. */
static bool
proxy_move(int from, int to)
{
	static char buf[PROXY_CHUNK];
	ssize_t n, sent, done;

	n = read(from, buf, sizeof(buf));
	if (n == -1)
		return errno == EINTR || errno == EAGAIN;
	for (done = 0; done < n; done += sent) {
		sent = write(to, buf + done, (size_t)(n - done));
		if (sent == -1 && errno != EINTR)
			return false;
		if (sent == -1)
			sent = 0;
	}
	return n > 0;
}

/* Moves bytes both ways until the daemon has closed. */
void
remote_proxy(int fd)
{
	struct pollfd fds[2] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, 2, -1) == -1) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (fds[0].revents != 0 && !proxy_move(fd, STDOUT_FILENO))
			return;
		if (fds[1].revents != 0 && !proxy_move(STDIN_FILENO, fd)) {
			(void)shutdown(fd, SHUT_WR);
			fds[1].fd = -1;
		}
	}
}
