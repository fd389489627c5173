/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Users and groups by name and by number: nvmmd proper cannot look them up, it
 * has no file system to find them in.
 */

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "parent.h"

/* Says what is missing. */
static void
parent_who_fail(struct parent_msg *msg, const char *what, const char *name)
{

	msg->error = ENOENT;
	(void)snprintf(msg->name, sizeof(msg->name), "there is no %s %s",
	    what, name);
}

/* Takes a name that fits; one that does not is none. */
static void
parent_who_name(char *to, const char *from)
{

	if (strlen(from) < PEER_NAME_MAX)
		(void)strcpy(to, from);
}

/* The user, and all groups that he is in. */
static void
parent_who_user(struct parent_msg *msg)
{
	struct peer_owner *o = &msg->owner;
	int n = PARENT_GROUPS_MAX;
	struct passwd *pw;

	msg->ngroups = 0;
	pw = o->user[0] != '\0' ? getpwnam(o->user) : getpwuid(o->uid);
	if (pw == NULL) {
		if (o->user[0] != '\0')
			parent_who_fail(msg, "user", o->user);
		return;
	}
	o->uid = pw->pw_uid;
	parent_who_name(o->user, pw->pw_name);
	if (getgrouplist(pw->pw_name, pw->pw_gid, msg->groups, &n) == -1)
		n = PARENT_GROUPS_MAX;
	msg->ngroups = (unsigned)n;
}

/* The group. */
static void
parent_who_group(struct parent_msg *msg)
{
	struct peer_owner *o = &msg->owner;
	struct group *group;

	group = o->group[0] != '\0' ? getgrnam(o->group) : getgrgid(o->gid);
	if (group != NULL) {
		o->gid = group->gr_gid;
		parent_who_name(o->group, group->gr_name);
	} else if (o->group[0] != '\0') {
		parent_who_fail(msg, "group", o->group);
	}
}

/* Both. */
void
parent_who(struct parent_msg *msg)
{

	msg->error = 0;
	parent_who_user(msg);
	if (msg->error == 0)
		parent_who_group(msg);
}
