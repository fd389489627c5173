/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The sockets that the file names, and the one that there is without.
 */

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_impl.h"

/* What a role sees where the file does not say. */
static const enum peer_sees config_sees[PROTO_NPRIVILEGES] = {
	[PROTO_MONITOR] = PEER_ALL,
	[PROTO_USER] = PEER_OWN,
	[PROTO_OPERATOR] = PEER_GROUP,
	[PROTO_ADMIN] = PEER_ALL,
};

/* A socket of which nothing is said. */
static void
config_socket_blank(struct config_socket *s)
{

	memset(s, 0, sizeof(*s));
	s->uid = (uid_t)-1;
	s->gid = (gid_t)-1;
	s->mode = 0660;
	s->role = PROTO_USER;
	s->sees = config_sees[s->role];
}

/* The socket of a host without configuration. */
void
config_socket_default(struct config *c)
{
	struct group *group = getgrnam(CONFIG_GROUP);

	config_socket_blank(&c->sockets[0]);
	(void)strcpy(c->sockets[0].path, PROTO_SOCKET);
	if (group != NULL)
		c->sockets[0].gid = group->gr_gid;
	c->nsockets = 1;
}

/* The socket of a trial. */
int
config_one_socket(struct config *c, const char *path, char *text)
{

	if (*path == '\0' || strlen(path) >= CONFIG_SOCKET_MAX) {
		(void)snprintf(text, CONFIG_TEXT_MAX, *path == '\0' ?
		    "the socket's path is empty" :
		    "the socket's path is longer than %d bytes",
		    CONFIG_SOCKET_MAX - 1);
		return -1;
	}
	config_socket_blank(&c->sockets[0]);
	(void)strcpy(c->sockets[0].path, path);
	c->nsockets = 1;
	return 0;
}

/* Takes an absolute path. */
static int
config_socket_path(struct config_socket *s, const char *path, char *why)
{

	if (*path == '/')
		return config_text(s->path, sizeof(s->path), path, why);
	(void)snprintf(why, PROTO_WHY_MAX, "must be an absolute path");
	return -1;
}

/* Takes permission bits in octal. */
static int
config_mode(mode_t *to, const char *text, char *why)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (*text >= '0' && *text <= '7' && *end == '\0' && mode <= 0777) {
		*to = (mode_t)mode;
		return 0;
	}
	(void)snprintf(why, PROTO_WHY_MAX,
	    "must be permissions in octal, as \"0660\"");
	return -1;
}

/* Takes what the socket lets see. */
static int
config_socket_sees(struct config_load *load, struct config_socket *s,
    const char *name, char *why)
{
	unsigned i;

	for (i = 0; i < PEER_NSEES; i++) {
		if (strcmp(peer_sees_names[i], name) == 0) {
			s->sees = (enum peer_sees)i;
			load->sees = true;
			return 0;
		}
	}
	(void)snprintf(why, PROTO_WHY_MAX, "must be own, group or all");
	return -1;
}

/* What is wrong with the socket as a whole. */
static int
config_socket_check(struct config_load *load, const struct config_socket *s,
    char *why)
{
	const struct config *c = load->config;
	unsigned i;

	for (i = 0; &c->sockets[i] != s; i++) {
		if (strcmp(c->sockets[i].path, s->path) == 0)
			break;
	}
	if (s->path[0] == '\0')
		(void)snprintf(why, PROTO_WHY_MAX, "has no path");
	else if (&c->sockets[i] != s)
		(void)snprintf(why, PROTO_WHY_MAX,
		    "has the path of sockets[%u]", i);
	else if (s->role == PROTO_ADMIN && s->sees != PEER_ALL)
		(void)snprintf(why, PROTO_WHY_MAX,
		    "has the role admin, which sees all");
	else if (s->role == PROTO_OPERATOR && s->sees == PEER_OWN)
		(void)snprintf(why, PROTO_WHY_MAX,
		    "has the role operator, which sees group or all");
	else
		return 0;
	return -1;
}

/* The whole socket. */
static int
config_socket_whole(struct config_load *load, struct config_socket *s,
    char *why)
{

	if (!load->sees)
		s->sees = config_sees[s->role];
	load->sees = false;
	return config_socket_check(load, s, why);
}

/* One value of the socket of that index, or all of it. */
int
config_socket_set(struct config_load *load, enum config_socket_key key,
    unsigned index, const struct proto_value *v, char *why)
{
	struct config *c = load->config;
	struct config_socket *s = &c->sockets[index];

	if (v == NULL || index >= CONFIG_SOCKETS_MAX) {
		(void)snprintf(why, PROTO_WHY_MAX, "must be 1 to %d sockets",
		    CONFIG_SOCKETS_MAX);
		return -1;
	}
	if (index == c->nsockets) {
		config_socket_blank(s);
		c->nsockets++;
	}
	switch (key) {
	case SOCKET_PATH:
		return config_socket_path(s, v->string, why);
	case SOCKET_OWNER:
		return config_user(v->string, &s->uid, why);
	case SOCKET_GROUP:
		return config_group(v->string, &s->gid, why);
	case SOCKET_MODE:
		return config_mode(&s->mode, v->string, why);
	case SOCKET_ROLE:
		return config_role(v->string, &s->role, why);
	case SOCKET_SEES:
		return config_socket_sees(load, s, v->string, why);
	case SOCKET_WHOLE:
		return config_socket_whole(load, s, why);
	}
	return -1;
}
