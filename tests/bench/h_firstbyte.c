/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * How long commands take: from exec to the first byte on their standard
 * output, or with -e to their end. With several commands their runs take
 * turns, so that all columns see the same load.
 *
 *	h_firstbyte [-e] [-n RUNS] [-x TEXT] [-l LABEL] COMMAND ...
 *	    [ -- [-l LABEL] COMMAND ... ]
 *
 * Prints for each command: label, minimum, median and maximum in milliseconds,
 * and the medians' ratio to the first one's. With -x the clock stops when TEXT
 * has appeared; output that ends before that is an error.
 */

#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAXCOLUMNS	4
#define MAXRUNS		10000
#define TIMEOUT		20000		/* ms, for one run */

extern char **environ;

struct column {
	const char *label;
	char **argv;
	double ms[MAXRUNS];
};

static struct column columns[MAXCOLUMNS];
static int ncolumns;
static bool toend;
static int nruns = 20;
static const char *text;

/* Returns a clock in milliseconds. */
static double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Starts a command with its standard output in a pipe. */
static pid_t
spawn(char **argv, int *outfd)
{
	posix_spawn_file_actions_t fa;
	pid_t pid;
	int error, fds[2];

	if (pipe2(fds, O_CLOEXEC) == -1)
		err(1, "pipe");
	(void)posix_spawn_file_actions_init(&fa);
	(void)posix_spawn_file_actions_addopen(&fa, STDIN_FILENO, "/dev/null",
	    O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&fa, fds[1], STDOUT_FILENO);
	error = posix_spawnp(&pid, argv[0], &fa, NULL, argv, environ);
	if (error != 0)
		errx(1, "%s: %s", argv[0], strerror(error));
	(void)posix_spawn_file_actions_destroy(&fa);
	(void)close(fds[1]);
	*outfd = fds[0];
	return pid;
}

/* Reads some output; 0 at its end. */
static size_t
get(int fd, char *bytes, size_t size, const char *who)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t n;

	if (poll(&pfd, 1, TIMEOUT) != 1)
		errx(1, "%s: no output for %d ms", who, TIMEOUT);
	n = read(fd, bytes, size);
	if (n == -1)
		err(1, "%s", who);
	return (size_t)n;
}

/* Waits for what stops the clock; false if the output ends without it. */
static bool
awaited(int fd, const char *who)
{
	static char bytes[1 << 16];
	size_t n, len = 0;

	while ((n = get(fd, bytes + len, sizeof(bytes) - 1 - len, who)) > 0) {
		len = toend ? 0 : len + n;
		bytes[len] = '\0';
		if (!toend && (text == NULL || strstr(bytes, text) != NULL))
			return true;
	}
	return toend;
}

/* Reads the rest, so that a full pipe does not keep the command from ending. */
static void
drain(int fd, const char *who)
{
	char bytes[4096];

	while (get(fd, bytes, sizeof(bytes), who) > 0)
		continue;
}

/* Runs a command once; returns the time it took in milliseconds. */
static double
run_once(const struct column *col)
{
	double start, stop;
	int fd, status;
	pid_t pid;

	start = now();
	pid = spawn(col->argv, &fd);
	if (!awaited(fd, col->label))
		errx(1, "%s: the output ended too early", col->label);
	stop = now();
	drain(fd, col->label);
	(void)close(fd);
	if (waitpid(pid, &status, 0) == -1)
		err(1, "waitpid");
	if (toend) {
		stop = now();
		if (status != 0)
			errx(1, "%s: failed", col->label);
	}
	return stop - start;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Returns the median of a column's sorted times. */
static double
median(const struct column *col)
{
	return (col->ms[(nruns - 1) / 2] + col->ms[nruns / 2]) / 2;
}

/* Prints a column's figures. */
static void
report(const struct column *col)
{
	printf("%-28s %10.3f %10.3f %10.3f %8.1f\n", col->label, col->ms[0],
	    median(col), col->ms[nruns - 1], median(col) / median(&columns[0]));
}

/* Splits the arguments into commands. */
static void
parse_commands(char **argv)
{
	struct column *col;

	while (*argv != NULL) {
		if (ncolumns == MAXCOLUMNS)
			errx(2, "too many commands");
		col = &columns[ncolumns++];
		if (strcmp(*argv, "-l") == 0 && argv[1] != NULL) {
			col->label = argv[1];
			argv += 2;
		}
		col->argv = argv;
		while (*argv != NULL && strcmp(*argv, "--") != 0)
			argv++;
		if (*argv != NULL)
			*argv++ = NULL;
		if (col->argv[0] == NULL)
			errx(2, "a command is missing");
		if (col->label == NULL)
			col->label = col->argv[0];
	}
}

/* Reads the options; returns the first command. */
static char **
parse_options(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-e") == 0)
			toend = true;
		else if (strcmp(argv[i], "-n") == 0 && i + 1 < argc)
			nruns = atoi(argv[++i]);
		else if (strcmp(argv[i], "-x") == 0 && i + 1 < argc)
			text = argv[++i];
		else
			break;
	}
	if (nruns < 1 || nruns > MAXRUNS)
		errx(2, "from 1 to %d runs", MAXRUNS);
	return argv + i;
}

int
main(int argc, char **argv)
{
	int i, run;

	parse_commands(parse_options(argc, argv));
	if (ncolumns == 0)
		errx(2, "a command is missing");
	for (run = -1; run < nruns; run++) {
		for (i = 0; i < ncolumns; i++)	/* the first warms up */
			columns[i].ms[run < 0 ? 0 : run] =
			    run_once(&columns[i]);
	}
	printf("%-28s %10s %10s %10s %8s\n", "", "min ms", "median", "max",
	    "ratio");
	for (i = 0; i < ncolumns; i++) {
		qsort(columns[i].ms, (size_t)nruns, sizeof(double), compare);
		report(&columns[i]);
	}
	return 0;
}
