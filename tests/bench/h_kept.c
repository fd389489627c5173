/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * How long a question takes on a connection that is kept: writes a line to a
 * UNIX socket, or to a command's standard input, and reads to a line end
 * that closes the answer.
 *
 *	h_kept -s SOCKET -r LINE [-n RUNS] -l LABEL
 *	h_kept -r LINE -t TEXT [-n RUNS] -l LABEL COMMAND ...
 *
 * With -t an answer is complete when it ends in TEXT (a prompt), else at its
 * first line end. Prints label, minimum, median and maximum in milliseconds.
 */

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAXRUNS	100000

static const char *path, *line, *tail = "\n", *label = "";
static int nruns = 1000;
static double ms[MAXRUNS];

/* Returns a clock in milliseconds. */
static double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Returns a connection to the socket. */
static int
connect_to(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path))
		errx(1, "%s: too long", path);
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd == -1 || connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		err(1, "%s", path);
	return fd;
}

/* Starts a command; returns a socket that is its standard input and output. */
static int
start(char **argv)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == -1)
		err(1, "socketpair");
	switch (fork()) {
	case -1:
		err(1, "fork");
	case 0:
		if (dup2(fds[1], STDIN_FILENO) == -1 ||
		    dup2(fds[1], STDOUT_FILENO) == -1)
			err(1, "dup2");
		(void)execvp(argv[0], argv);
		err(1, "%s", argv[0]);
	}
	(void)close(fds[1]);
	return fds[0];
}

/* Reads an answer to its end. */
static void
answer(int fd)
{
	static char bytes[1 << 20];
	size_t len = 0, taillen = strlen(tail);
	ssize_t n;

	do {
		n = read(fd, bytes + len, sizeof(bytes) - len);
		if (n <= 0)
			errx(1, "%s: the connection ended", label);
		len += (size_t)n;
	} while (len < taillen ||
	    memcmp(bytes + len - taillen, tail, taillen) != 0);
}

/* Asks once; returns the time to the whole answer. */
static double
ask(int fd)
{
	double begin = now();
	size_t len = strlen(line);

	if (write(fd, line, len) != (ssize_t)len || write(fd, "\n", 1) != 1)
		err(1, "%s", label);
	answer(fd);
	return now() - begin;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Reads the options. */
static void
parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+s:r:t:n:l:")) != -1) {
		switch (c) {
		case 's':
			path = optarg;
			break;
		case 'r':
			line = optarg;
			break;
		case 't':
			tail = optarg;
			break;
		case 'n':
			nruns = atoi(optarg);
			break;
		case 'l':
			label = optarg;
			break;
		default:
			exit(2);
		}
	}
	if (line == NULL || nruns < 1 || nruns > MAXRUNS ||
	    (path == NULL) == (argv[optind] == NULL))
		errx(2, "usage: h_kept -r LINE (-s SOCKET | COMMAND ...)");
}

int
main(int argc, char **argv)
{
	int fd, i;

	parse(argc, argv);
	fd = (path != NULL) ? connect_to() : start(argv + optind);
	if (path == NULL)
		answer(fd);		/* its greeting and first prompt */
	(void)ask(fd);
	for (i = 0; i < nruns; i++)
		ms[i] = ask(fd);
	(void)close(fd);
	while (wait(NULL) > 0)
		continue;
	qsort(ms, (size_t)nruns, sizeof(ms[0]), compare);
	printf("%-28s %10.3f %10.3f %10.3f\n", label, ms[0],
	    (ms[(nruns - 1) / 2] + ms[nruns / 2]) / 2, ms[nruns - 1]);
	return 0;
}
