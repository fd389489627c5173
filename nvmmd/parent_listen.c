/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The listening socket's place in the file system. A socket that nobody
 * answers on is left over and replaced; one that somebody answers on means
 * that a daemon runs already; anything else there is not ours to remove.
 */

#include <sys/param.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "log.h"
#include "parent.h"
#include "proto.h"

#define PARENT_BACKLOG	128

/* What to do about it, for whoever tries nvmmd out without rights. */
static const char *
parent_hint(int error)
{

	return error == EACCES || error == EPERM || error == EROFS ?
	    " (-s names another socket)" : "";
}

/* The default socket's folder is made where it is missing. */
static void
parent_folder(const char *path)
{
	char copy[CONFIG_SOCKET_MAX];
	const char *folder;

	if (strcmp(path, PROTO_SOCKET) != 0)
		return;
	(void)snprintf(copy, sizeof(copy), "%s", path);
	folder = dirname(copy);
	if (mkdir(folder, 0755) == 0 || errno == EEXIST)
		return;
	fatalx(LOG_EXIT_SOCKET, "parent: cannot make the folder %s: %s%s",
	    folder, strerror(errno), parent_hint(errno));
}

/* Binds. => errno is set, and nothing done, where something is already. */
static int
parent_bind(int fd, const struct sockaddr_un *sun)
{

	if (bind(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		fatalx(LOG_EXIT_SOCKET, "parent: %s: %s%s", sun->sun_path,
		    strerror(errno), parent_hint(errno));
	return -1;
}

/* Takes a left-over socket away; anything else there is fatal. */
static void
parent_probe(const struct sockaddr_un *sun)
{
	struct stat st;
	int fd;

	if (lstat(sun->sun_path, &st) == -1)
		fatal(LOG_EXIT_SOCKET, "parent: %s", sun->sun_path);
	if (!S_ISSOCK(st.st_mode))
		fatalx(LOG_EXIT_SOCKET,
		    "parent: %s exists and is not a socket", sun->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		fatal(LOG_EXIT_SOCKET, "parent: socket");
	if (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 ||
	    errno == EAGAIN || errno == EINPROGRESS)
		fatalx(LOG_EXIT_SOCKET, "parent: another nvmmd answers on %s",
		    sun->sun_path);
	if (errno != ECONNREFUSED)
		fatal(LOG_EXIT_SOCKET, "parent: %s", sun->sun_path);
	(void)close(fd);
	log_info("parent: %s was left over, replaced", sun->sun_path);
	if (unlink(sun->sun_path) == -1)
		fatal(LOG_EXIT_SOCKET, "parent: %s", sun->sun_path);
}

/* The configured group, or -1 to leave it. */
static gid_t
parent_group(const struct config *config)
{
	struct group *group;

	if (config->group[0] == '\0')
		return (gid_t)-1;
	group = getgrnam(config->group);
	if (group == NULL)
		fatalx(LOG_EXIT_CONFIG, "parent: there is no group %s",
		    config->group);
	return group->gr_gid;
}

/* Group and permissions, as configured. */
static void
parent_permit(const struct config *config, gid_t group)
{

	if ((group == (gid_t)-1 ||
	    chown(config->socket, (uid_t)-1, group) == 0) &&
	    chmod(config->socket, config->mode) == 0)
		return;
	log_warn("parent: %s: group and mode", config->socket);
	(void)unlink(config->socket);
	exit(LOG_EXIT_SOCKET);
}

/* Remembers which socket it is, by a path that outlives chdir(2). */
static void
parent_remember(const char *path, struct parent_socket *s)
{
	char folder[CONFIG_SOCKET_MAX], base[CONFIG_SOCKET_MAX], *real;
	struct stat st;

	(void)snprintf(folder, sizeof(folder), "%s", path);
	(void)snprintf(base, sizeof(base), "%s", path);
	real = realpath(dirname(folder), NULL);
	if (real == NULL || stat(path, &st) == -1)
		fatal(LOG_EXIT_SOCKET, "parent: %s", path);
	(void)snprintf(s->path, sizeof(s->path), "%s/%s", real,
	    basename(base));
	free(real);
	s->dev = st.st_dev;
	s->ino = st.st_ino;
}

/* A socket that listens. */
void
parent_listen(const struct config *config, struct parent_socket *s)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	gid_t group = parent_group(config);
	mode_t before;

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s",
	    config->socket);
	parent_folder(config->socket);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd == -1)
		fatal(LOG_EXIT_SOCKET, "parent: socket");
	before = umask(0177);
	if (parent_bind(s->fd, &sun) == -1) {
		parent_probe(&sun);
		if (parent_bind(s->fd, &sun) == -1)
			fatal(LOG_EXIT_SOCKET, "parent: %s", config->socket);
	}
	(void)umask(before);
	parent_remember(config->socket, s);
	if (listen(s->fd, PARENT_BACKLOG) == -1)
		fatal(LOG_EXIT_SOCKET, "parent: %s", config->socket);
	parent_permit(config, group);
}
