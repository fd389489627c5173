/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Who is at the other end of a connection, as the kernel said when it was
 * accepted, with the role of the socket that it came by; and what he may see
 * and do of whose machines. Main thread only.
 */

#ifndef _PEER_H_
#define _PEER_H_

#include <sys/types.h>

#include <stdbool.h>

#include "policy.h"
#include "proto.h"

#define PEER_NAME_MAX	POLICY_NAME_MAX

/* Which machines a socket lets see. */
enum peer_sees {
	PEER_OWN,			/* one's own */
	PEER_GROUP,			/* and those of one's groups */
	PEER_ALL,
	PEER_NSEES
};
extern const char *const peer_sees_names[PEER_NSEES];

/* Whose a machine is. The names are "" where there are none. */
struct peer_owner {
	uid_t uid;
	gid_t gid;
	char user[PEER_NAME_MAX];
	char group[PEER_NAME_MAX];
};

struct peer {
	unsigned refs;
	struct peer_owner me;
	gid_t *groups;			/* besides me.gid */
	unsigned ngroups;
	bool told;			/* the kernel told the groups */
	pid_t pid;			/* 0: the host does not tell */
	enum proto_privilege role;
	enum peer_sees sees;
};

/* The other end of the socket. Returns NULL and errno. */
struct peer *peer_new(int fd);
struct peer *peer_hold(struct peer *);
/* NULL is allowed. */
void	peer_drop(struct peer *);
/*
 * What else is known of him: his names, and his groups where the kernel does
 * not tell those of the process.
 */
void	peer_know(struct peer *, const struct peer_owner *,
	    const gid_t *groups, unsigned n);

bool	peer_member(const struct peer *, gid_t);
/* May he see, and may he act on, the machine of that owner? */
bool	peer_may_see(const struct peer *, const struct peer_owner *);
bool	peer_may_act(const struct peer *, const struct peer_owner *);
/* => as long as the peer is held */
struct policy_who peer_who(const struct peer *);
/* "alice", or "uid 1001" where there is no name. */
const char *peer_user(const struct peer_owner *, char *, size_t);
const char *peer_group(const struct peer_owner *, char *, size_t);

#endif /* _PEER_H_ */
