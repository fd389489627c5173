/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Giving up privileges, in the order in which each step is still allowed:
 * the file system, groups, the user, and at last what root's capabilities
 * could bring back.
 */

#include <sys/types.h>
#include <sys/resource.h>
#ifdef __linux__
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox.h"

#define SANDBOX_NGROUPS		64

/* The user's ids and all groups that the user is in. */
int
sandbox_user(struct sandbox *s, const char *name)
{
	struct passwd *pw;

	errno = 0;
	pw = getpwnam(name);
	if (pw == NULL)
		return -1;
	s->uid = pw->pw_uid;
	s->gid = pw->pw_gid;
	s->ngroups = SANDBOX_NGROUPS;
	s->groups = calloc(SANDBOX_NGROUPS, sizeof(*s->groups));
	if (s->groups == NULL)
		return -1;
	if (getgrouplist(name, s->gid, s->groups, &s->ngroups) == -1)
		s->ngroups = SANDBOX_NGROUPS;
	return 0;
}

/* The folder is all that there is. */
static int
sandbox_folder(const char *folder)
{

	if (folder == NULL)
		return 0;
	return chroot(folder) == -1 || chdir("/") == -1 ? -1 : 0;
}

#ifdef __linux__

/* Takes capabilities out of what any program could ever have again. */
static int
sandbox_bounds(void)
{
	int cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1)
			return -1;
	}
	return 0;
}

/* Whatever the change of the user may have left. */
static int
sandbox_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

	memset(none, 0, sizeof(none));
	return syscall(SYS_capset, &header, none) == -1 ? -1 : 0;
}

/* No exec gains anything, and no core file has guests' memory in it. */
void
sandbox_self(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

#else

/* There are none. */
static int
sandbox_bounds(void)
{

	return 0;
}

/* The same. */
static int
sandbox_capabilities(void)
{

	return 0;
}

/* No core file has guests' memory in it. */
void
sandbox_self(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
}

#endif

/* The user and nothing of root's. */
static int
sandbox_become(const struct sandbox *s)
{

	if (setgroups((size_t)s->ngroups, s->groups) == -1 ||
	    setgid(s->gid) == -1 || setuid(s->uid) == -1)
		return -1;
	if (s->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0)) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

/* All of it. */
int
sandbox_drop(const struct sandbox *s, const char **what)
{

	*what = s->folder;
	if (sandbox_folder(s->folder) == -1)
		return -1;
	*what = "capabilities";
	if (sandbox_bounds() == -1)
		return -1;
	*what = "user and groups";
	if (sandbox_become(s) == -1)
		return -1;
	*what = "capabilities";
	return sandbox_capabilities();
}
