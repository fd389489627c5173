/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * h_send SOCKET ARG ...: send text to a daemon, half-close, print what comes
 * back. +FILE and -FILE open a file to read (or to write) whose descriptor
 * goes with the first byte of the next text; in a text \n is a line feed.
 * Each text is one sendmsg(2).
 */

#include <sys/socket.h>
#include <sys/un.h>

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FDS_MAX	8

/* A connection. */
static int
dial(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	if (fd == -1 || connect(fd, (struct sockaddr *)&sun,
	    sizeof(sun)) == -1)
		err(1, "%s", path);
	return fd;
}

/* Replaces each \n by a line feed, in place. */
static size_t
unescape(char *text)
{
	char *from, *to = text;

	for (from = text; *from != '\0'; from++) {
		if (from[0] == '\\' && from[1] == 'n') {
			*to++ = '\n';
			from++;
		} else {
			*to++ = *from;
		}
	}
	return (size_t)(to - text);
}

/* One text with its descriptors. */
static void
send_text(int sock, char *text, const int *fds, size_t nfds)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = { text, unescape(text) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	if (nfds > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, nfds * sizeof(int));
	}
	if (sendmsg(sock, &msg, MSG_NOSIGNAL) != (ssize_t)iov.iov_len)
		err(1, "sendmsg");
}

/* All texts, then all answers. */
int
main(int argc, char **argv)
{
	int sock, fds[FDS_MAX], i;
	size_t nfds = 0;
	char buf[4096];
	ssize_t n;

	if (argc < 3)
		errx(2, "usage: h_send SOCKET ARG ...");
	sock = dial(argv[1]);
	for (i = 2; i < argc; i++) {
		if (argv[i][0] == '+' || argv[i][0] == '-') {
			fds[nfds] = open(argv[i] + 1, argv[i][0] == '+' ?
			    O_RDONLY | O_NONBLOCK : O_WRONLY);
			if (fds[nfds++] == -1)
				err(1, "%s", argv[i] + 1);
			continue;
		}
		send_text(sock, argv[i], fds, nfds);
		while (nfds > 0)
			(void)close(fds[--nfds]);
	}
	(void)shutdown(sock, SHUT_WR);
	while ((n = read(sock, buf, sizeof(buf))) > 0)
		(void)!write(STDOUT_FILENO, buf, (size_t)n);
	return 0;
}
