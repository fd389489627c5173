/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The parent: waits for its child, nvmmd proper, passes signals on, opens
 * images for it, looks up who users are, reads the configuration
 * again, and takes the sockets away at the end.
 *
 * Life cycle. The parent has one descriptor to watch and signals, which are
 * blocked except while it waits. SIGTERM and SIGINT are passed on; a child that
 * does not end within PARENT_GRACE is killed. When the child is gone the
 * parent exits with its status. When the parent goes first, the child reads
 * the end of the socketpair and ends by itself.
 */

#include <sys/param.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "log.h"
#include "parent.h"

#define PARENT_GRACE	30		/* seconds */

static volatile sig_atomic_t parent_got_term, parent_got_hup;

/* Remembers the signal; SIGCHLD only has to end the wait. */
static void
parent_signal(int signo)
{

	if (signo == SIGTERM || signo == SIGINT)
		parent_got_term = 1;
	if (signo == SIGHUP)
		parent_got_hup = 1;
}

/* Blocks the signals that parent_wait lets through. */
static void
parent_signals(sigset_t *waiting)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	struct sigaction sa = { .sa_handler = parent_signal };
	sigset_t blocked;
	size_t i;

	sigemptyset(&sa.sa_mask);
	sigemptyset(&blocked);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		(void)sigaction(signals[i], &sa, NULL);
		sigaddset(&blocked, signals[i]);
	}
	(void)sigprocmask(SIG_BLOCK, &blocked, waiting);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigdelset(waiting, signals[i]);
}

/* The background: two forks' worth of detachment in one. */
int
parent_daemonize(void)
{
	int pipefd[2];
	unsigned char status;

	if (pipe2(pipefd, O_CLOEXEC) == -1)
		fatal(LOG_EXIT_OTHER, "parent: pipe");
	switch (fork()) {
	case -1:
		fatal(LOG_EXIT_OTHER, "parent: fork");
	case 0:
		(void)close(pipefd[0]);
		(void)setsid();
		return pipefd[1];
	default:
		break;
	}
	(void)close(pipefd[1]);
	/* The end without a byte: it failed, and has said so. */
	_exit(read(pipefd[0], &status, 1) == 1 ? status : LOG_EXIT_OTHER);
}

/* Tells whoever started us with which status to exit. */
static void
parent_tell(int *ready, int status)
{
	unsigned char byte = (unsigned char)status;

	if (*ready == -1)
		return;
	(void)!write(*ready, &byte, 1);
	(void)close(*ready);
	*ready = -1;
}

/* All is well: whoever started us may go on. */
static void
parent_ready(int *ready)
{
	int fd;

	if (*ready == -1)
		return;
	fd = open("/dev/null", O_RDWR);
	if (fd != -1) {
		(void)dup2(fd, STDIN_FILENO);
		(void)dup2(fd, STDOUT_FILENO);
		(void)dup2(fd, STDERR_FILENO);
		if (fd > STDERR_FILENO)
			(void)close(fd);
	}
	log_prepare();
	log_to_syslog();
	(void)chdir("/");
	parent_tell(ready, 0);
}

/* Opens an image in one folder. Returns -1 and errno. */
static int
parent_open_in(const char *folder, const char *name)
{
	struct stat st;
	int dir, fd, error;

	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		return -1;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	error = errno;
	(void)close(dir);
	if (fd != -1 && (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))) {
		(void)close(fd);
		fd = -1;
		error = EINVAL;
	}
	errno = error;
	return fd;
}

/* Opens an image by its bare name. Returns -1 and errno. */
static int
parent_open(const struct config *config, const char *name)
{
	unsigned i;
	int fd;

	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL) {
		errno = EINVAL;
		return -1;
	}
	errno = ENOENT;
	for (i = 0; i < config->nimages; i++) {
		fd = parent_open_in(config->images[i], name);
		if (fd != -1 || errno != ENOENT)
			return fd;
	}
	return -1;
}

/* Answers a request for an image. */
static void
parent_image(struct parent *p, struct parent_msg *msg)
{
	int fd = parent_open(p->config, msg->name);

	msg->type = PARENT_ANSWER;
	msg->error = fd == -1 ? errno : 0;
	if (parent_send(p->sock, msg, sizeof(*msg), &fd,
	    fd != -1 ? 1 : 0) == -1)
		log_warn("parent: image %s", msg->name);
	if (fd != -1)
		(void)close(fd);
}

/* Reads the configuration again, and says what came of it. */
static int
parent_renew(struct parent *p, char *text)
{

	if (parent_reload(p, text) == 0) {
		log_info("parent: reload: done");
		return 0;
	}
	log_warnx("parent: reload: %s; nothing was changed", text);
	return EINVAL;
}

/* Answers any other question. */
static void
parent_answer(struct parent *p, struct parent_msg *msg)
{

	if (msg->type == PARENT_WHO)
		parent_who(msg);
	else
		msg->error = parent_renew(p, msg->name);
	msg->type = PARENT_ANSWER;
	if (parent_send(p->sock, msg, sizeof(*msg), NULL, 0) == -1)
		log_warn("parent: answer");
}

/* One message from nvmmd proper. Returns false at its end. */
static bool
parent_message(struct parent *p)
{
	struct parent_msg msg;
	int fds[CONFIG_SOCKETS_MAX];
	unsigned nfds;
	ssize_t n;

	n = parent_recv(p->sock, &msg, sizeof(msg), fds, &nfds);
	if (n == 0)
		return false;
	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	while (nfds > 0)
		(void)close(fds[--nfds]);
	if (msg.type == PARENT_READY)
		parent_ready(&p->ready);
	else if (msg.type == PARENT_IMAGE)
		parent_image(p, &msg);
	else if (msg.type == PARENT_WHO || msg.type == PARENT_RELOAD)
		parent_answer(p, &msg);
	return true;
}

/* Is the child gone? Its exit status for ours, or -1. */
static int
parent_child(pid_t child)
{
	int status;

	if (waitpid(child, &status, WNOHANG) != child)
		return -1;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	log_warnx("parent: nvmmd was ended by signal %d", WTERMSIG(status));
	return 1;
}

/* Passes the end on, once, and kills after the grace. */
static void
parent_end(pid_t child, time_t *since)
{
	time_t now = time(NULL);

	if (*since == 0) {
		*since = now;
		(void)kill(child, SIGTERM);
	} else if (now - *since >= PARENT_GRACE) {
		log_warnx("parent: nvmmd does not end, killed");
		(void)kill(child, SIGKILL);
		*since = now;
	}
}

/* Waits, and does what it is told, until the child is gone. */
_Noreturn void
parent_main(struct parent *p)
{
	struct timespec second = { 1, 0 };
	struct pollfd pfd = { .fd = p->sock, .events = POLLIN };
	char text[CONFIG_TEXT_MAX];
	sigset_t waiting;
	time_t since = 0;
	int status;

	parent_signals(&waiting);
	while ((status = parent_child(p->child)) == -1) {
		if (parent_got_term)
			parent_end(p->child, &since);
		if (parent_got_hup) {
			parent_got_hup = 0;
			(void)parent_renew(p, text);
		}
		if (ppoll(&pfd, 1, since != 0 ? &second : NULL,
		    &waiting) <= 0)
			continue;
		if (!parent_message(p))
			pfd.fd = -1;
	}
	parent_unbind_all(p->sockets);
	/* Ended before it served, it has failed, even if it was told to. */
	parent_tell(&p->ready, status != 0 ? status : LOG_EXIT_OTHER);
	exit(status);
}
