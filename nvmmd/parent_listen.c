/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The listening sockets' places in the file system. A socket that nobody
 * answers on is left over and replaced; one that somebody answers on means
 * that a daemon runs already; anything else there is not ours to remove.
 */

#include <sys/param.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "parent.h"
#include "proto.h"

#define PARENT_BACKLOG	128

/* The reason in text; always LOG_EXIT_SOCKET. */
static int __attribute__((__format__(__printf__, 2, 3)))
parent_refuse(char *text, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, CONFIG_TEXT_MAX, fmt, ap);
	va_end(ap);
	return LOG_EXIT_SOCKET;
}

/* The same for what errno says, with what to do about it. */
static int
parent_refuse_errno(char *text, const char *what)
{
	int error = errno;

	return parent_refuse(text, "%s: %s%s", what, strerror(error),
	    error == EACCES || error == EPERM || error == EROFS ?
	    " (-s names another socket)" : "");
}

/* The default sockets' folder is made where it is missing. */
static int
parent_folder(const char *path, char *text)
{
	char copy[CONFIG_SOCKET_MAX], ours[] = PROTO_SOCKET;
	const char *folder, *default_folder;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	folder = dirname(copy);
	default_folder = dirname(ours);
	if (strcmp(folder, default_folder) != 0 ||
	    mkdir(folder, 0755) == 0 || errno == EEXIST)
		return 0;
	return parent_refuse_errno(text, folder);
}

/* Takes a left-over socket away; anything else there is in the way. */
static int
parent_probe(const struct sockaddr_un *sun, char *text)
{
	const char *path = sun->sun_path;
	struct stat st;
	int fd, error;

	if (lstat(path, &st) == -1)
		return parent_refuse_errno(text, path);
	if (!S_ISSOCK(st.st_mode))
		return parent_refuse(text, "%s exists and is not a socket",
		    path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return parent_refuse_errno(text, path);
	error = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 ?
	    0 : errno;
	(void)close(fd);
	if (error == 0 || error == EAGAIN || error == EINPROGRESS)
		return parent_refuse(text, "another nvmmd answers on %s",
		    path);
	errno = error;
	if (error != ECONNREFUSED)
		return parent_refuse_errno(text, path);
	log_info("parent: %s was left over, replaced", path);
	return unlink(path) == 0 ? 0 : parent_refuse_errno(text, path);
}

/* Binds, in the place of a left-over socket if there is one. */
static int
parent_bind_at(int fd, const char *path, char *text)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const struct sockaddr *sa = (const struct sockaddr *)&sun;
	mode_t before;
	int status = 0;

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	before = umask(0177);
	if (bind(fd, sa, sizeof(sun)) == -1) {
		if (errno != EADDRINUSE)
			status = parent_refuse_errno(text, path);
		else
			status = parent_probe(&sun, text);
		if (status == 0 && bind(fd, sa, sizeof(sun)) == -1)
			status = parent_refuse_errno(text, path);
	}
	(void)umask(before);
	return status;
}

/* Remembers which socket it is, by a path that outlives chdir(2). */
static int
parent_remember(struct parent_socket *s, char *text)
{
	char folder[CONFIG_SOCKET_MAX], base[CONFIG_SOCKET_MAX], *real;
	const char *path = s->conf.path;
	struct stat st;

	(void)snprintf(folder, sizeof(folder), "%s", path);
	(void)snprintf(base, sizeof(base), "%s", path);
	real = realpath(dirname(folder), NULL);
	if (real == NULL || lstat(path, &st) == -1) {
		free(real);
		return parent_refuse_errno(text, path);
	}
	(void)snprintf(s->path, sizeof(s->path), "%s/%s", real,
	    basename(base));
	free(real);
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->uid = st.st_uid;
	s->gid = st.st_gid;
	return 0;
}

/* Owner, group and permissions; where none is said, as it was made. */
int
parent_permit(const struct parent_socket *s, const struct config_socket *c,
    char *text)
{
	uid_t uid = c->uid != (uid_t)-1 ? c->uid : s->uid;
	gid_t gid = c->gid != (gid_t)-1 ? c->gid : s->gid;

	if (lchown(s->path, uid, gid) == -1)
		return parent_refuse(text, "%s: owner and group: %s", c->path,
		    strerror(errno));
	if (chmod(s->path, c->mode) == -1)
		return parent_refuse(text, "%s: mode: %s", c->path,
		    strerror(errno));
	return 0;
}

/* A socket that listens. */
int
parent_bind(const struct config_socket *conf, struct parent_socket *s,
    char *text)
{
	int status;

	memset(s, 0, sizeof(*s));
	s->conf = *conf;
	status = parent_folder(conf->path, text);
	if (status != 0)
		return status;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd == -1)
		return parent_refuse_errno(text, "socket");
	status = parent_bind_at(s->fd, conf->path, text);
	if (status == 0) {
		status = parent_remember(s, text);
		if (status == 0 && listen(s->fd, PARENT_BACKLOG) == -1)
			status = parent_refuse_errno(text, conf->path);
		if (status == 0)
			status = parent_permit(s, conf, text);
		if (status != 0)
			(void)unlink(conf->path);
	}
	if (status != 0)
		(void)close(s->fd);
	return status;
}

/* The socket goes, unless another one has its place. */
void
parent_unbind(struct parent_socket *s)
{
	struct stat st;

	if (s->fd != -1)
		(void)close(s->fd);
	s->fd = -1;
	if (lstat(s->path, &st) == 0 && st.st_dev == s->dev &&
	    st.st_ino == s->ino)
		(void)unlink(s->path);
}

/* All sockets of a configuration. */
int
parent_bind_all(const struct config *config, struct parent_sockets *all,
    char *text)
{
	int status;

	for (all->n = 0; all->n < config->nsockets; all->n++) {
		status = parent_bind(&config->sockets[all->n],
		    &all->s[all->n], text);
		if (status != 0) {
			parent_unbind_all(all);
			return status;
		}
	}
	return 0;
}

/* All that there are. */
void
parent_unbind_all(struct parent_sockets *all)
{

	while (all->n > 0)
		parent_unbind(&all->s[--all->n]);
}

/* The descriptors are nvmmd proper's. */
void
parent_forget(struct parent_sockets *all)
{
	unsigned i;

	for (i = 0; i < all->n; i++) {
		if (all->s[i].fd != -1)
			(void)close(all->s[i].fd);
		all->s[i].fd = -1;
	}
}
