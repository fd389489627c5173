/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * nvmmd.conf(5), read once into a structure without pointers, so that it
 * crosses fork(2) and later a socketpair as it is.
 */

#ifndef _CONFIG_H_
#define _CONFIG_H_

#include <sys/types.h>

#include <stdbool.h>

#include "policy.h"

#define CONFIG_TEXT_MAX		512
#define CONFIG_PATH_MAX		1024
#define CONFIG_SOCKET_MAX	104		/* sun_path of the shortest host */
#define CONFIG_NAME_MAX		64
#define CONFIG_IMAGES_MAX	8

struct config {
	char socket[CONFIG_SOCKET_MAX];
	char group[CONFIG_NAME_MAX];		/* of the socket; "": no change */
	mode_t mode;				/* of the socket */
	char user[CONFIG_NAME_MAX];
	bool user_named;			/* by the file */
	char images[CONFIG_IMAGES_MAX][CONFIG_PATH_MAX];
	unsigned nimages;
	unsigned clients;
	unsigned requests;			/* unanswered, a client */
	struct policy policy;
};

void	config_defaults(struct config *);
/*
 * The defaults, changed by the file. NULL is the default file, which may be
 * missing. Returns 0, or -1 with a line in text, CONFIG_TEXT_MAX bytes.
 */
int	config_load(struct config *, const char *file, char *text);
/* Does this host know whom the file names? Returns as config_load does. */
int	config_names(const struct config *, char *text);

#endif /* _CONFIG_H_ */
