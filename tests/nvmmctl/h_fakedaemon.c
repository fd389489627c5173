/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A daemon that plays canned answers, so that nvmmctl is tested alone and
 * against answers that the real one never gives.
 *
 *	h_fakedaemon SOCKET SCRIPT LOG
 *
 * listens, goes to the background and prints its pid; it ends by itself after
 * a minute.  The script has a line per answer, `METHOD ANSWER', used in turn
 * on each connection, the last one of a method for all that follow:
 *
 *	{"result":...}		sent with the request's id
 *	!line TEXT		sent as it is
 *	!held ANSWER		sent before the answer to the next request; at
 *				once if an answer has told of a stopped machine
 *	!close			closes the connection
 *	!never			sends nothing
 *	!stream TEXT		a result, then TEXT as raw bytes, then the end;
 *				\n and \377 in TEXT are escapes
 *	!echo			a result, then all input back, up to a Q
 *
 * The log gets each request, `fd SIZE' before it for each descriptor.
 */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <err.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAXLINE		(1 << 16)
#define MAXANSWERS	64
#define LIFETIME	60

struct answer {
	char method[64];
	char text[4096];
	bool used;
};

static struct answer answers[MAXANSWERS];
static int nanswers;
static FILE *logfile;

/* Reads the script. */
static void
script_read(const char *path)
{
	static char line[8192];
	struct answer *a;
	FILE *fp;

	fp = fopen(path, "r");
	if (fp == NULL)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), fp) != NULL) {
		if (nanswers == MAXANSWERS)
			errx(1, "%s: too many answers", path);
		a = &answers[nanswers];
		if (sscanf(line, "%63s %4095[^\n]", a->method, a->text) == 2)
			nanswers++;
	}
	(void)fclose(fp);
}

/* Returns the next answer for a method, the last one again at the end. */
static const char *
script_next(const char *method)
{
	const char *last = "{\"error\":{\"code\":-32601,\"message\":"
	    "\"not in the script\",\"data\":{\"name\":\"METHOD_NOT_FOUND\"}}}";
	int i;

	for (i = 0; i < nanswers; i++) {
		if (strcmp(answers[i].method, method) != 0)
			continue;
		last = answers[i].text;
		if (!answers[i].used) {
			answers[i].used = true;
			break;
		}
	}
	return last;
}

/* Sends all of some bytes. */
static void
put(int fd, const void *bytes, size_t len)
{
	const char *p = bytes;
	ssize_t n;

	while (len > 0) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n <= 0)
			exit(0);
		p += n;
		len -= (size_t)n;
	}
}

/* Sends an answer with an id put in. */
static void
put_answer(int fd, const char *text, long id)
{
	char line[MAXLINE];
	int n;

	n = snprintf(line, sizeof(line), "{\"id\":%ld,%s\n", id, text + 1);
	put(fd, line, (size_t)n);
}

/* Sends bytes in which \n and \377 are escapes. */
static void
put_stream(int fd, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strncmp(text, "\\n", 2) == 0) {
			put(fd, "\n", 1);
			text++;
		} else if (strncmp(text, "\\377", 4) == 0) {
			put(fd, "\377", 1);
			text += 3;
		} else {
			put(fd, text, 1);
		}
	}
}

/* Sends back what comes, until a Q. */
static void
echo(int fd)
{
	char c;

	while (read(fd, &c, 1) == 1 && c != 'Q')
		put(fd, &c, 1);
}

/* Answers one request. */
static void
answer(int fd, const char *text, long id)
{
	static const char ok[] = "{\"result\":{\"name\":\"vm0\"}}";
	static const char *held;
	static long heldid;
	static bool stopped;

	if (held != NULL) {
		put_answer(fd, held, heldid);
		held = NULL;
	}
	if (strncmp(text, "!held ", 6) == 0 && stopped) {
		put_answer(fd, text + 6, id);
	} else if (strncmp(text, "!held ", 6) == 0) {
		held = text + 6;
		heldid = id;
	} else if (strncmp(text, "!line ", 6) == 0) {
		put(fd, text + 6, strlen(text + 6));
		put(fd, "\n", 1);
	} else if (strcmp(text, "!close") == 0) {
		exit(0);
	} else if (strncmp(text, "!stream ", 8) == 0) {
		put_answer(fd, ok, id);
		put_stream(fd, text + 8);
		exit(0);
	} else if (strcmp(text, "!echo") == 0) {
		put_answer(fd, ok, id);
		echo(fd);
		exit(0);
	} else if (strcmp(text, "!never") != 0) {
		stopped = stopped || strstr(text, "\"stopped\"") != NULL;
		put_answer(fd, text, id);
	}
}

/* Logs and closes the descriptors that came with a message. */
static void
log_fds(struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	struct stat st;
	int fd;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL;
	    cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
		if (fstat(fd, &st) == 0)
			(void)fprintf(logfile, "fd %lld\n",
			    (long long)st.st_size);
		(void)close(fd);
	}
}

/* Reads a byte of a request, with any descriptor; false at the end. */
static bool
get_byte(int fd, char *c)
{
	char control[CMSG_SPACE(sizeof(int) * 4)];
	struct iovec iov = { .iov_base = c, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};

	if (recvmsg(fd, &msg, 0) != 1)
		return false;
	log_fds(&msg);
	return true;
}

/* Serves a connection to its end. */
static void
serve(int fd)
{
	static char line[MAXLINE];
	char method[64], *p;
	size_t len = 0;
	long id;

	while (len < sizeof(line) - 1 && get_byte(fd, &line[len])) {
		if (line[len++] != '\n')
			continue;
		line[len] = '\0';
		len = 0;
		(void)fputs(line, logfile);
		(void)fflush(logfile);
		p = strstr(line, "\"method\":\"");
		if (p == NULL ||
		    sscanf(p, "\"method\":\"%63[^\"]", method) != 1)
			exit(1);
		p = strstr(line, "\"id\":");
		id = (p != NULL) ? strtol(p + 5, NULL, 10) : -1;
		answer(fd, script_next(method), id);
	}
}

/* Listens on the socket. */
static int
listen_on(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path))
		errx(1, "%s: too long", path);
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(fd, 8) == -1)
		err(1, "%s", path);
	return fd;
}

int
main(int argc, char **argv)
{
	int fd, conn;
	pid_t pid;

	if (argc != 4)
		errx(1, "usage: h_fakedaemon SOCKET SCRIPT LOG");
	script_read(argv[2]);
	logfile = fopen(argv[3], "a");
	if (logfile == NULL)
		err(1, "%s", argv[3]);
	fd = listen_on(argv[1]);
	pid = fork();
	if (pid == -1)
		err(1, "fork");
	if (pid != 0) {
		printf("%d\n", (int)pid);
		return 0;
	}
	(void)signal(SIGCHLD, SIG_IGN);
	(void)close(STDIN_FILENO);
	(void)close(STDOUT_FILENO);
	(void)close(STDERR_FILENO);
	(void)alarm(LIFETIME);
	while ((conn = accept(fd, NULL, NULL)) != -1) {
		if (fork() == 0) {
			(void)alarm(LIFETIME);
			serve(conn);
			_exit(0);
		}
		(void)close(conn);
	}
	return 0;
}
