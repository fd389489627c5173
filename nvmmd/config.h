/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * nvmmd.conf(5), read into a structure without pointers, so that it crosses
 * fork(2) and the socketpair as it is. Users and groups are looked up while
 * the file is read: only their numbers count afterwards.
 */

#ifndef _CONFIG_H_
#define _CONFIG_H_

#include <sys/types.h>

#include <stdbool.h>

#include "peer.h"
#include "policy.h"

#define CONFIG_TEXT_MAX		512
#define CONFIG_PATH_MAX		1024
#define CONFIG_SOCKET_MAX	104		/* sun_path of the shortest host */
#define CONFIG_NAME_MAX		64
#define CONFIG_IMAGES_MAX	8
#define CONFIG_SOCKETS_MAX	16
#define CONFIG_GROUP		"nvmm"		/* may use the default socket */

struct config_socket {
	char path[CONFIG_SOCKET_MAX];
	uid_t uid;				/* (uid_t)-1: as it is made */
	gid_t gid;				/* (gid_t)-1 */
	mode_t mode;
	enum proto_privilege role;
	enum peer_sees sees;
};

struct config {
	struct config_socket sockets[CONFIG_SOCKETS_MAX];
	unsigned nsockets;
	char user[CONFIG_NAME_MAX];
	bool user_named;			/* by the file */
	char empty[CONFIG_PATH_MAX];		/* what nvmmd proper sees of files */
	char images[CONFIG_IMAGES_MAX][CONFIG_PATH_MAX];
	unsigned nimages;
	unsigned clients;
	unsigned requests;			/* unanswered, a client */
	uid_t starter;				/* always an admin, as root is */
	struct policy policy;
};

void	config_defaults(struct config *);
/*
 * The defaults, changed by the file. NULL is the default file, which may be
 * missing. names: whom the file names the daemon's user has to exist, too.
 * Returns 0, or -1 with a line in text, CONFIG_TEXT_MAX bytes.
 */
int	config_load(struct config *, const char *file, bool names, char *text);
/* One socket at that path and no other. Returns as config_load. */
int	config_one_socket(struct config *, const char *path, char *text);

#endif /* _CONFIG_H_ */
