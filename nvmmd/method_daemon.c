/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the caller is to the daemon, and the configuration read again.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "control.h"
#include "method.h"

/* The limits of one user, those that are any. */
static void
method_mine(struct proto_out *o, const struct policy_mine *mine)
{
	unsigned i;

	proto_out_object(o, "limits");
	for (i = 0; i < POLICY_NLIMITS; i++) {
		if (mine->value[i] < POLICY_SHARE_MAX ||
		    policy_limits[i].size)
			proto_out_unsigned(o, policy_limits[i].name,
			    mine->value[i]);
	}
	proto_out_object_end(o);
}

/* Everything that he is judged by. */
void
method_you(struct proto_out *o, const struct peer *p,
    const struct policy *policy)
{
	const struct policy_who who = peer_who(p);
	struct policy_mine mine;
	struct policy_use use;
	unsigned i;

	policy_resolve(policy, &who, &mine);
	machine_use_of(p->me.uid, &use);
	proto_out_object(o, "you");
	proto_out_string(o, "role", proto_privileges[p->role]);
	proto_out_string(o, "sees", peer_sees_names[p->sees]);
	proto_out_integer(o, "uid", p->me.uid);
	proto_out_integer(o, "gid", p->me.gid);
	if (p->me.user[0] != '\0')
		proto_out_string(o, "user", p->me.user);
	if (p->me.group[0] != '\0')
		proto_out_string(o, "group", p->me.group);
	proto_out_array(o, "groups");
	for (i = 0; i < p->ngroups; i++)
		proto_out_integer(o, NULL, p->groups[i]);
	proto_out_array_end(o);
	method_mine(o, &mine);
	proto_out_object(o, "use");
	proto_out_unsigned(o, "machines", use.machines);
	proto_out_unsigned(o, "vcpus", use.vcpus);
	proto_out_unsigned(o, "memory", use.memory);
	proto_out_object_end(o);
	proto_out_object_end(o);
}

struct reload {
	struct ask_wait ask;		/* first */
	struct request *request;
};

/* The client is gone. */
static void
reload_cancel(struct request *r)
{
	struct reload *e = r->state;

	ask_cancel(&e->ask);
	free(e);
	request_drop(r);
}

/* The parent has read it, or has not. */
static void
reload_done(struct ask_wait *ask, const struct parent_msg *msg, int fd)
{
	struct reload *e = (struct reload *)ask;
	struct request *r = e->request;

	(void)fd;
	free(e);
	if (msg->error != 0) {
		method_fail(r, msg->error == ECANCELED ? PROTO_SHUTTING_DOWN :
		    PROTO_BAD_CONFIG, NULL, "%s", msg->error == ECANCELED ?
		    "the daemon is ending" : msg->name);
		return;
	}
	(void)request_result(r);
	request_done(r);
}

/* daemon.reload */
void
method_daemon_reload(struct request *r)
{
	struct reload *e = calloc(1, sizeof(*e));
	struct parent_msg msg;

	memset(&msg, 0, sizeof(msg));
	msg.type = PARENT_RELOAD;
	if (e != NULL) {
		e->request = r;
		e->ask.done = reload_done;
	}
	if (e == NULL || ask_send(&msg, &e->ask) == -1) {
		method_fail(r, e == NULL ? PROTO_NO_MEMORY : PROTO_INTERNAL,
		    NULL, "%s", strerror(errno));
		free(e);
		return;
	}
	r->state = e;
	r->cancel = reload_cancel;
}
