/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The rules of who may do what with whose machines: nothing but the owner,
 * the caller's user and groups, and the role of his socket are looked at.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "peer.h"

const char *const peer_sees_names[PEER_NSEES] = {
	[PEER_OWN] = "own",
	[PEER_GROUP] = "group",
	[PEER_ALL] = "all",
};

/* The socket's other end; monitor until the caller says better. */
struct peer *
peer_new(int fd)
{
	struct peer *p = calloc(1, sizeof(*p));
	struct host_peer h;

	if (p == NULL)
		return NULL;
	if (host_peer(fd, &h) == -1) {
		free(p);
		return NULL;
	}
	p->refs = 1;
	p->me.uid = h.uid;
	p->me.gid = h.gid;
	p->pid = h.pid;
	p->groups = h.groups;
	p->ngroups = h.ngroups;
	p->told = h.groups != NULL;
	return p;
}

/* One more holder. */
struct peer *
peer_hold(struct peer *p)
{

	p->refs++;
	return p;
}

/* One holder less. */
void
peer_drop(struct peer *p)
{

	if (p == NULL || --p->refs > 0)
		return;
	free(p->groups);
	free(p);
}

/* Takes the names in, and a copy of the groups. */
void
peer_know(struct peer *p, const struct peer_owner *o, const gid_t *groups,
    unsigned n)
{

	(void)strcpy(p->me.user, o->user);
	(void)strcpy(p->me.group, o->group);
	if (p->told)
		return;
	free(p->groups);
	p->groups = calloc(n + 1, sizeof(*groups));
	p->ngroups = p->groups != NULL ? n : 0;
	if (p->ngroups > 0)
		memcpy(p->groups, groups, n * sizeof(*groups));
}

/* Is that one of his groups? */
bool
peer_member(const struct peer *p, gid_t gid)
{
	unsigned i;

	for (i = 0; i < p->ngroups; i++) {
		if (p->groups[i] == gid)
			return true;
	}
	return p->me.gid == gid;
}

/* Does his socket let him see that one's machines? */
bool
peer_may_see(const struct peer *p, const struct peer_owner *o)
{

	switch (p->sees) {
	case PEER_ALL:
		return true;
	case PEER_GROUP:
		return p->me.uid == o->uid || peer_member(p, o->gid);
	default:
		return p->me.uid == o->uid;
	}
}

/* Does his role let him act on them? */
bool
peer_may_act(const struct peer *p, const struct peer_owner *o)
{

	switch (p->role) {
	case PROTO_ADMIN:
		return true;
	case PROTO_OPERATOR:
		return p->me.uid == o->uid || peer_member(p, o->gid);
	case PROTO_USER:
		return p->me.uid == o->uid;
	default:
		return false;
	}
}

/* The peer as the policy knows it. */
struct policy_who
peer_who(const struct peer *p)
{
	const struct policy_who who = {
		.uid = p->me.uid,
		.gid = p->me.gid,
		.groups = p->groups,
		.ngroups = p->ngroups,
		.role = p->role,
	};

	return who;
}

/* The user in words. */
const char *
peer_user(const struct peer_owner *o, char *buf, size_t size)
{

	if (o->user[0] != '\0')
		(void)snprintf(buf, size, "%s", o->user);
	else
		(void)snprintf(buf, size, "uid %lu", (unsigned long)o->uid);
	return buf;
}

/* The group in words. */
const char *
peer_group(const struct peer_owner *o, char *buf, size_t size)
{

	if (o->group[0] != '\0')
		(void)snprintf(buf, size, "%s", o->group);
	else
		(void)snprintf(buf, size, "gid %lu", (unsigned long)o->gid);
	return buf;
}
