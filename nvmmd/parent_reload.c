/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The configuration read again while all runs. Everything that can fail is
 * done, and taken back if something fails, before anything that cannot: new
 * sockets are bound first, then those that stay get their new owners and
 * permissions, then nvmmd proper is told, and only then old ones go. A socket
 * is the same one if it has the same path.
 */

#include <string.h>
#include <unistd.h>

#include "log.h"
#include "parent.h"

/* The socket of that path, or NULL. */
static struct parent_socket *
parent_find(struct parent_sockets *all, const char *path)
{
	unsigned i;

	for (i = 0; i < all->n; i++) {
		if (strcmp(all->s[i].conf.path, path) == 0)
			return &all->s[i];
	}
	return NULL;
}

/* Do the two say the same of a socket? */
static bool
parent_same(const struct config_socket *a, const struct config_socket *b)
{

	return a->uid == b->uid && a->gid == b->gid && a->mode == b->mode &&
	    a->role == b->role && a->sees == b->sees;
}

/* One socket of the new configuration: bound, or as it is. */
static int
parent_reload_socket(struct parent_sockets *old,
    const struct config_socket *conf, struct parent_socket *s, char *text)
{
	const struct parent_socket *had = parent_find(old, conf->path);

	if (had == NULL) {
		if (parent_bind(conf, s, text) != 0)
			return -1;
		s->change = SOCKET_NEW;
		return 0;
	}
	*s = *had;
	s->conf = *conf;
	s->change = parent_same(&had->conf, conf) ? SOCKET_SAME :
	    SOCKET_CHANGED;
	if (s->change == SOCKET_SAME ||
	    parent_permit(s, conf, text) == 0)
		return 0;
	(void)parent_permit(s, &had->conf, text + strlen(text) + 1);
	return -1;
}

/* Takes back what was done for the first n sockets. */
static void
parent_reload_undo(struct parent_sockets *old, struct parent_sockets *new)
{
	char text[CONFIG_TEXT_MAX];
	struct parent_socket *s;

	while (new->n > 0) {
		s = &new->s[--new->n];
		if (s->change == SOCKET_NEW)
			parent_unbind(s);
		else if (s->change == SOCKET_CHANGED)
			(void)parent_permit(s, &parent_find(old,
			    s->conf.path)->conf, text);
	}
}

/* All sockets of the new configuration, or -1 and everything as it was. */
static int
parent_reload_sockets(struct parent_sockets *old, struct parent_config *to,
    char *text)
{
	struct parent_sockets *new = &to->sockets;
	char why[2 * CONFIG_TEXT_MAX];

	for (new->n = 0; new->n < to->config.nsockets; new->n++) {
		if (parent_reload_socket(old, &to->config.sockets[new->n],
		    &new->s[new->n], why) == -1) {
			(void)strcpy(text, why);
			parent_reload_undo(old, new);
			return -1;
		}
	}
	return 0;
}

/* Tells nvmmd proper. Returns 0, or -1 and errno. */
static int
parent_reload_send(struct parent *p, struct parent_config *to)
{
	int fds[CONFIG_SOCKETS_MAX];
	unsigned i, nfds = 0;

	for (i = 0; i < to->sockets.n; i++) {
		if (to->sockets.s[i].change == SOCKET_NEW)
			fds[nfds++] = to->sockets.s[i].fd;
	}
	to->msg.type = PARENT_CONFIG;
	return parent_send(p->sock, &to->msg, sizeof(*to), fds, nfds);
}

/* Makes the new configuration the one that counts. */
static void
parent_reload_done(struct parent *p, struct parent_config *to)
{
	struct parent_socket *s;
	unsigned i;

	for (i = 0; i < p->sockets->n; i++) {
		s = &p->sockets->s[i];
		if (parent_find(&to->sockets, s->conf.path) == NULL) {
			log_info("parent: reload: %s is removed", s->path);
			parent_unbind(s);
		}
	}
	for (i = 0; i < to->sockets.n; i++) {
		s = &to->sockets.s[i];
		if (s->change != SOCKET_SAME)
			log_info("parent: reload: %s is %s, role %s", s->path,
			    s->change == SOCKET_NEW ? "new" : "changed",
			    proto_privileges[s->conf.role]);
	}
	if (strcmp(p->config->user, to->config.user) != 0)
		log_info("parent: reload: another user takes effect when "
		    "nvmmd is started again");
	*p->sockets = to->sockets;
	parent_forget(p->sockets);
	*p->config = to->config;
}

/* The whole of it. */
int
parent_reload(struct parent *p, char *text)
{
	static struct parent_config to;

	memset(&to, 0, sizeof(to));
	if (config_load(&to.config, p->config_file, geteuid() == 0,
	    text) == -1)
		return -1;
	to.config.starter = p->config->starter;
	if (p->socket != NULL &&
	    config_one_socket(&to.config, p->socket, text) == -1)
		return -1;
	if (parent_reload_sockets(p->sockets, &to, text) == -1)
		return -1;
	if (parent_reload_send(p, &to) == -1) {
		parent_reload_undo(p->sockets, &to.sockets);
		(void)strcpy(text, "nvmmd cannot be told");
		return -1;
	}
	parent_reload_done(p, &to);
	return 0;
}
