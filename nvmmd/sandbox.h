/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What nvmmd proper gives up before it looks at anything from a client: the
 * file system, its user and groups, capabilities, and, on Linux, every system
 * call but those that it needs.
 */

#ifndef _SANDBOX_H_
#define _SANDBOX_H_

#include <sys/types.h>

#include <stdbool.h>

struct sandbox {
	const char *folder;		/* to chroot(2) to; NULL: none */
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	int ngroups;
};

/* Looks the user up, while that is possible. -1: there is no such user. */
int	sandbox_user(struct sandbox *, const char *name);
/*
 * Gives privileges up for good; needs those of root. -1 and errno, and *what
 * says at which step.
 */
int	sandbox_drop(const struct sandbox *, const char **what);
/* What needs no privileges: no new ones, no core files with guests in them. */
void	sandbox_self(void);

/*
 * sandbox_calls.c: refuses all system calls that are not on the list, for this
 * thread and those that it makes; fatal: ends the process that tries one.
 * -1 and errno: there is no such filter here.
 */
int	sandbox_calls(bool fatal);

#endif /* _SANDBOX_H_ */
