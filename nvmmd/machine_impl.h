/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the machine's files share: machine.c has the records, machine_life.c
 * what makes them run and end.
 */

#ifndef _MACHINE_IMPL_H_
#define _MACHINE_IMPL_H_

#include "events.h"
#include "machine.h"

/* machine.c */
/* Is it on its way in or out? -1 with the failure. */
int	machine_settled(const struct machine *, struct proto_failure *);
/* Puts a wait, if there is one, on a list. */
void	machine_wait_on(struct machine_waits *, struct machine_wait *);
/* Calls all of a list back. */
void	machine_answer(struct machine *, struct machine_waits *,
	    const struct proto_failure *);
/* The state and why, for all to know. */
void	machine_enter(struct machine *, enum machine_state, const char *kind,
	    const char *text);
/* Tells those who may see the machine. */
void	machine_tell(const struct machine *, enum events_type,
	    const char *reason);
/* Tells the console's readers. */
void	machine_console(struct machine *, bool ended);

extern const struct policy *machine_policy;

/* machine_owner.c */
void	machine_who(struct machine *, const struct policy_who *);

/* machine_share.c */
void	machine_shared(struct machine *, const struct worker_msg *);
/* What its VCPUs have used since it was made. */
void	machine_share_count(struct machine *, uint64_t cpu_ns);
/* Its limits, or its owner's, may be others now, or it has been started. */
void	machine_share_update(struct machine *);
void	machine_share_fini(void);

/* machine_life.c: what workers say */
void	machine_started(struct machine *, const struct worker_msg *);
void	machine_powered(struct machine *, const struct worker_msg *);
void	machine_paused(struct machine *, const struct worker_msg *);
void	machine_resumed(struct machine *);
void	machine_ended(struct machine *, const struct worker_msg *);

#endif /* _MACHINE_IMPL_H_ */
