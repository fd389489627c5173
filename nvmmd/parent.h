/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The two processes: the parent, which keeps the privileges and does little,
 * and nvmmd proper, which gives them up. Between them a socketpair with the
 * messages below, one a packet, descriptors along with them. What nvmmd proper
 * asks is answered once, by number; a new configuration comes unasked.
 */

#ifndef _PARENT_H_
#define _PARENT_H_

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "peer.h"

enum parent_type {
	PARENT_READY,			/* to the parent: clients are served */
	PARENT_IMAGE,			/* to the parent: open the image .name */
	PARENT_WHO,			/* to the parent: complete .owner */
	PARENT_RELOAD,			/* to the parent: read the file again */
	PARENT_ANSWER,			/* back, with .error or without */
	PARENT_CONFIG			/* unasked: a struct parent_config */
};

#define PARENT_NAME_MAX		CONFIG_TEXT_MAX
#define PARENT_GROUPS_MAX	64

struct parent_msg {
	enum parent_type type;
	uint32_t id;			/* the asker's */
	int error;			/* errno or 0 */
	char name[PARENT_NAME_MAX];	/* IMAGE's; of an error: its text */
	/* WHO: a name is looked up; where there is none, the number is. */
	struct peer_owner owner;
	unsigned ngroups;		/* of the user */
	gid_t groups[PARENT_GROUPS_MAX];
};

/* A listening socket, and what is needed to take it away again. */
struct parent_socket {
	int fd;				/* -1: it is nvmmd proper's alone */
	enum {
		SOCKET_NEW,		/* .fd is the message's next descriptor */
		SOCKET_SAME,
		SOCKET_CHANGED		/* who came by it so far has to go */
	} change;
	struct config_socket conf;
	char path[1024];		/* absolute */
	dev_t dev;
	ino_t ino;
	uid_t uid;			/* as it was made */
	gid_t gid;
};

struct parent_sockets {
	struct parent_socket s[CONFIG_SOCKETS_MAX];
	unsigned n;
};

struct parent_config {
	struct parent_msg msg;		/* first */
	struct config config;
	struct parent_sockets sockets;	/* all that there are now */
};

/* What the parent lives with. */
struct parent {
	struct config *config;
	const char *config_file;	/* as given by -c, or NULL */
	const char *socket;		/* as given by -s, or NULL */
	struct parent_sockets *sockets;
	int sock;			/* the socketpair's end */
	pid_t child;
	int ready;			/* parent_daemonize()'s, or -1 */
};

/*
 * Binds one. Returns 0, or the exit status for that failure, with the reason
 * in text, CONFIG_TEXT_MAX bytes.
 */
int	parent_bind(const struct config_socket *, struct parent_socket *,
	    char *text);
/* Owner, group and permissions. Returns as parent_bind. */
int	parent_permit(const struct parent_socket *,
	    const struct config_socket *, char *text);
/* Takes it away, if it is still ours. */
void	parent_unbind(struct parent_socket *);
/* Binds all, or none. Returns as parent_bind. */
int	parent_bind_all(const struct config *, struct parent_sockets *,
	    char *text);
void	parent_unbind_all(struct parent_sockets *);
/* nvmmd proper has them: the parent keeps only their places. */
void	parent_forget(struct parent_sockets *);

/*
 * Goes to the background: returns in the daemon only, with a descriptor by
 * which to tell the process that was started that all is well.
 */
int	parent_daemonize(void);
/* The parent's whole life after the fork; exits. */
_Noreturn void parent_main(struct parent *);

/* parent_who.c: answers PARENT_WHO in the message itself. */
void	parent_who(struct parent_msg *);

/*
 * parent_reload.c: the file read again and nvmmd proper told of it. Returns 0,
 * or -1 with why nothing was changed.
 */
int	parent_reload(struct parent *, char *text);

/*
 * The socketpair's ends; -1 and errno, 0 is the end of the other process.
 * size: of the whole message, of which a struct parent_msg is the first part.
 * The descriptors stay open at the sender's. A message that comes short, or
 * with another type than its size says, is EBADMSG.
 */
int	parent_send(int sock, const struct parent_msg *, size_t size,
	    const int *fds, unsigned nfds);
ssize_t	parent_recv(int sock, struct parent_msg *, size_t size, int *fds,
	    unsigned *nfds);

#endif /* _PARENT_H_ */
