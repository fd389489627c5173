/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Who may do what: the one place that every request passes on its way to its
 * handler. The row says the least role, its first parameter whether it is
 * about a machine. A machine that the caller may not see is not there for
 * him; one that he may see and not act on is denied him, with who may.
 */

#include <stdio.h>

#include "control.h"
#include "method.h"

/* Refuses for a machine that is not there, for all that the caller knows. */
void
method_absent(struct request *r, const char *name)
{

	method_fail(r, PROTO_NOT_FOUND, "vm", "there is no machine %.64s",
	    name);
}

/* Has the caller the role for the row and its parameters? -1: answered. */
static int
method_role(struct request *r)
{
	const struct proto_row *row = r->p.row;
	enum proto_privilege role = r->peer->role;
	int i;

	if (role < row->privilege) {
		method_fail(r, PROTO_DENIED, NULL,
		    "%s is for the role %s; this is %s", row->name,
		    proto_privileges[row->privilege], proto_privileges[role]);
		return -1;
	}
	if (role == PROTO_ADMIN)
		return 0;
	for (i = 0; i < PROTO_PARAMS_MAX && row->params[i].name != NULL; i++) {
		if (row->params[i].required == PROTO_OF_ADMIN &&
		    r->p.values[i].set) {
			method_fail(r, PROTO_DENIED, row->params[i].name,
			    "%s is for the role admin; this is %s",
			    row->params[i].name, proto_privileges[role]);
			return -1;
		}
	}
	return 0;
}

/* Says who may. */
static void
method_denied(struct request *r, const struct machine *m)
{
	char user[PEER_NAME_MAX], group[PEER_NAME_MAX];

	method_fail(r, PROTO_DENIED, "vm",
	    "%s is for the owner of %s, %s, an operator in group %s and an "
	    "admin", r->p.row->name, m->name,
	    peer_user(&m->owner, user, sizeof(user)),
	    peer_group(&m->owner, group, sizeof(group)));
}

/* Finds the machine, if the row is about one. -1: answered. */
static int
method_find(struct request *r)
{
	const char *name;
	struct machine *m;

	if (r->p.row->params[0].type != PROTO_VM ||
	    r->p.row->params[0].name == NULL)
		return 0;
	name = request_value(r, VM)->string;
	m = machine_find(name);
	if (m == NULL || !peer_may_see(r->peer, &m->owner)) {
		method_absent(r, name);
		return -1;
	}
	if (r->p.row->privilege > PROTO_MONITOR &&
	    !peer_may_act(r->peer, &m->owner)) {
		method_denied(r, m);
		return -1;
	}
	r->machine = m;
	return 0;
}

/* Both. */
int
method_allowed(struct request *r)
{

	return method_role(r) == 0 && method_find(r) == 0 ? 0 : -1;
}

/* One request. */
void
method_dispatch(struct request *r)
{

	if (method_allowed(r) == 0)
		r->p.row->handler(r);
}
