/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * vm.set: what can be changed of a machine that there is. All values are
 * checked before the first is set. Owners are names, or numbers in strings:
 * the parent looks them up, and until it has answered everything else waits.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "method.h"
#include "who.h"

struct set {
	struct who_wait who;		/* first */
	struct request *request;
};

/* Checks the share. Returns -1: answered. */
static int
set_check_share(struct request *r)
{
	const struct proto_value *v = request_value(r, SET_SHARE);
	struct policy_mine mine;

	if (v->integer < 0 || v->integer > POLICY_SHARE_MAX) {
		method_fail(r, PROTO_INVALID_PARAMS, "share",
		    "share must be 0 to %d", POLICY_SHARE_MAX);
		return -1;
	}
	machine_limits(r->machine, &mine);
	if (r->peer->role == PROTO_ADMIN ||
	    (uint64_t)v->integer <= mine.value[POLICY_MACHINE_SHARE])
		return 0;
	method_fail(r, PROTO_LIMIT, "share",
	    "share limit of a machine of %s is %" PRIu64 ": %" PRId64
	    " asked for", policy_whose_text((char [POLICY_WHOSE_MAX]){ 0 },
	    mine.rule[POLICY_MACHINE_SHARE]),
	    mine.value[POLICY_MACHINE_SHARE], v->integer);
	return -1;
}

/* Checks what is not the owner. Returns -1: answered. */
static int
set_check(struct request *r)
{
	const struct proto_value *restart = request_value(r, SET_RESTART);
	enum restart_policy policy;

	if (restart->set && restart_parse(restart->string, &policy) == -1) {
		method_fail(r, PROTO_INVALID_PARAMS, "restart",
		    "restart must be never, on-failure or always");
		return -1;
	}
	return set_check_share(r);
}

/* Sets what is not the owner, and answers. */
static void
set_rest(struct request *r)
{
	const struct proto_value *share = request_value(r, SET_SHARE);
	const struct proto_value *restart = request_value(r, SET_RESTART);
	struct machine *m = r->machine;

	if (share->set)
		machine_set_share(m, (unsigned)share->integer,
		    r->peer->role == PROTO_ADMIN);
	if (restart->set)
		(void)restart_parse(restart->string, &m->restart.policy);
	method_record(request_result(r), m);
	request_done(r);
}

/* The client is gone. */
static void
set_cancel(struct request *r)
{
	struct set *e = r->state;

	who_cancel(&e->who);
	free(e);
	request_drop(r);
}

/* May the caller give the machine to that group? As chgrp(1). -1: answered. */
static int
set_check_group(struct request *r, const struct peer_owner *to)
{
	char group[PEER_NAME_MAX];

	if (r->peer->role == PROTO_ADMIN || (peer_member(r->peer, to->gid) &&
	    r->peer->me.uid == r->machine->owner.uid))
		return 0;
	method_fail(r, PROTO_DENIED, "group",
	    "group %s is for an owner who is in it and an admin",
	    peer_group(to, group, sizeof(group)));
	return -1;
}

/* The parent knows the owner, or not. The machine may be gone by now. */
static void
set_known(struct who_wait *w, const struct parent_msg *msg)
{
	struct set *e = (struct set *)w;
	struct request *r = e->request;
	const struct policy_who who = {
		.uid = msg->owner.uid,
		.gid = msg->ngroups > 0 ? msg->groups[0] : msg->owner.gid,
		.groups = msg->groups,
		.ngroups = msg->ngroups,
		.role = PROTO_USER,
	};

	free(e);
	r->cancel = NULL;
	if (msg->error != 0)
		method_fail(r, msg->error == ENOENT ? PROTO_INVALID_PARAMS :
		    PROTO_SHUTTING_DOWN, NULL, "%s", msg->error == ENOENT ?
		    msg->name : "the daemon is ending");
	else if (method_allowed(r) == 0 && set_check(r) == 0 &&
	    set_check_group(r, &msg->owner) == 0) {
		machine_own(r->machine, &msg->owner, &who);
		set_rest(r);
	}
}

/* Takes a name or a number. Returns -1: answered. */
static int
set_name(struct request *r, unsigned param, char *name, uint32_t *id)
{
	const char *text = request_value(r, param)->string;
	unsigned long long n;
	char *end;

	if (!request_value(r, param)->set)
		return 0;
	n = strtoull(text, &end, 10);
	name[0] = '\0';
	if (*text >= '0' && *text <= '9' && *end == '\0' && n < UINT32_MAX) {
		*id = (uint32_t)n;
	} else if (*text != '\0' && strlen(text) < PEER_NAME_MAX) {
		(void)strcpy(name, text);
	} else {
		method_fail(r, PROTO_INVALID_PARAMS,
		    r->p.row->params[param].name, "%s must have 1 to %d bytes",
		    r->p.row->params[param].name, PEER_NAME_MAX - 1);
		return -1;
	}
	return 0;
}

/* Asks who the new owner is. */
static void
set_owner(struct request *r)
{
	struct peer_owner to = r->machine->owner;
	struct set *e;

	/* By number, so that a name that is another's by now does no harm. */
	to.user[0] = to.group[0] = '\0';
	if (set_name(r, SET_OWNER, to.user, &to.uid) == -1 ||
	    set_name(r, SET_GROUP, to.group, &to.gid) == -1)
		return;
	e = calloc(1, sizeof(*e));
	if (e != NULL) {
		e->request = r;
		e->who.done = set_known;
	}
	if (e == NULL || who_ask(&to, &e->who) == -1) {
		method_fail(r, e == NULL ? PROTO_NO_MEMORY : PROTO_INTERNAL,
		    NULL, "%s", strerror(errno));
		free(e);
		return;
	}
	r->state = e;
	r->cancel = set_cancel;
}

/* vm.set */
void
method_vm_set(struct request *r)
{

	if (set_check(r) == -1)
		return;
	if (request_value(r, SET_OWNER)->set ||
	    request_value(r, SET_GROUP)->set)
		set_owner(r);
	else
		set_rest(r);
}
