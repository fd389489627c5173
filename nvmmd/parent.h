/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The two processes: the parent, which keeps the privileges and does little,
 * and nvmmd proper, which gives them up. Between them a socketpair with the
 * messages below, one a packet, descriptors along with them.
 */

#ifndef _PARENT_H_
#define _PARENT_H_

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "config.h"

enum parent_type {
	PARENT_READY,			/* to the parent: clients are served */
	PARENT_IMAGE,			/* to the parent: open the image .name */
	PARENT_OPENED			/* back: a descriptor, or .error */
};

#define PARENT_NAME_MAX	256

struct parent_msg {
	enum parent_type type;
	uint32_t id;			/* the asker's */
	int error;			/* errno or 0 */
	char name[PARENT_NAME_MAX];
};

/* A listening socket, and what is needed to take it away again. */
struct parent_socket {
	int fd;				/* -1: it is nvmmd proper's alone */
	struct config_socket conf;
	char path[1024];		/* absolute */
	dev_t dev;
	ino_t ino;
};

struct parent_sockets {
	struct parent_socket s[CONFIG_SOCKETS_MAX];
	unsigned n;
};

/*
 * Binds one. Returns 0, or the exit status for that failure, with the reason
 * in text, CONFIG_TEXT_MAX bytes.
 */
int	parent_bind(const struct config_socket *, struct parent_socket *,
	    char *text);
/* Takes it away, if it is still ours. */
void	parent_unbind(struct parent_socket *);
/* Binds all, or none. Returns as parent_bind. */
int	parent_bind_all(const struct config *, struct parent_sockets *,
	    char *text);
void	parent_unbind_all(struct parent_sockets *);
/*
 * Goes to the background: returns in the daemon only, with a descriptor by
 * which to tell the process that was started that all is well.
 */
int	parent_daemonize(void);
/*
 * The parent's whole life after the fork; exits. ready: from
 * parent_daemonize, or -1. config_file as given by -c, or NULL.
 */
_Noreturn void parent_main(const struct config *, const char *config_file,
	    int sock, pid_t child, struct parent_sockets *, int ready);

/* The socketpair's ends; -1 and errno, 0 is the end of the other process. */
int	parent_send(int sock, const struct parent_msg *, int fd);
ssize_t	parent_recv(int sock, struct parent_msg *, int *fd);

#endif /* _PARENT_H_ */
