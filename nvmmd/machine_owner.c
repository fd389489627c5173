/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Whose machines are, what their owners have in use, and what of the policy
 * holds for them. A machine remembers its owner's groups and role, as limits
 * that last, like the share of run time, follow the policy when it changes.
 */

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "machine_impl.h"

/* Adds one machine up. */
static void
machine_use_add(const struct machine *m, struct policy_use *use)
{

	use->machines++;
	use->vcpus += m->ncpus;
	use->memory += m->memory;
}

/* What is admitted now. */
void
machine_use(struct policy_use *use)
{
	const struct machine *m;

	memset(use, 0, sizeof(*use));
	TAILQ_FOREACH(m, &machines, link)
		machine_use_add(m, use);
}

/* What of that is one user's. */
void
machine_use_of(uid_t uid, struct policy_use *use)
{
	const struct machine *m;

	memset(use, 0, sizeof(*use));
	TAILQ_FOREACH(m, &machines, link) {
		if (m->owner.uid == uid)
			machine_use_add(m, use);
	}
}

/* Remembers what the policy wants to know of the owner. */
void
machine_who(struct machine *m, const struct policy_who *who)
{

	free(m->groups);
	m->groups = calloc(who->ngroups + 1, sizeof(*m->groups));
	m->ngroups = m->groups != NULL ? who->ngroups : 0;
	if (m->ngroups > 0)
		memcpy(m->groups, who->groups,
		    m->ngroups * sizeof(*m->groups));
	m->owner_gid = who->gid;
	m->role = who->role;
}

/* The limits of the machine's owner. */
void
machine_limits(const struct machine *m, struct policy_mine *mine)
{
	const struct policy_who who = {
		.uid = m->owner.uid,
		.gid = m->owner_gid,
		.groups = m->groups,
		.ngroups = m->ngroups,
		.role = m->role,
	};

	policy_resolve(machine_policy, &who, mine);
}

/* Gives it away. Whoever follows the console does not any more. */
void
machine_own(struct machine *m, const struct peer_owner *owner,
    const struct policy_who *who)
{

	if (m->owner.uid != owner->uid)
		machine_who(m, who);
	if (m->owner.uid != owner->uid || m->owner.gid != owner->gid)
		machine_console(m, true);
	m->owner = *owner;
	machine_share_update(m);
	log_info("machine: %s: owned by uid %d, gid %d", m->name,
	    (int)owner->uid, (int)owner->gid);
	machine_tell(m, EVENTS_CHANGED, NULL);
}

/* Sets its share of run time; 0: what the policy says. */
void
machine_set_share(struct machine *m, unsigned percent, bool admin)
{

	m->share = percent;
	m->share_free = admin;
	machine_share_update(m);
	machine_tell(m, EVENTS_CHANGED, NULL);
}

/* The share that counts. */
unsigned
machine_share(const struct machine *m)
{
	struct policy_mine mine;
	unsigned most;

	machine_limits(m, &mine);
	most = (unsigned)mine.value[POLICY_MACHINE_SHARE];
	if (m->share == 0 || (!m->share_free && m->share > most))
		return most;
	return m->share;
}
