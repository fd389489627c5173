/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Users and groups, asked of the parent, and remembered for a while: who
 * connects often is known.
 */

#ifndef _WHO_H_
#define _WHO_H_

#include "ask.h"

struct who_wait {
	struct ask_wait ask;		/* first */
	/*
	 * .owner and .groups are filled in as far as this host knows them. Not
	 * so if .error is set, then .name says why.
	 */
	void (*done)(struct who_wait *, const struct parent_msg *);
};

/* What is remembered of that user and group; NULL: who_ask. */
const struct parent_msg *who_known(uid_t, gid_t);
/*
 * Asks for the one whose name, or else whose number, is given, and for the
 * group in the same way. Returns 0, or -1 if the parent could not be asked.
 */
int	who_ask(const struct peer_owner *, struct who_wait *);
/* The answer is not wanted any more. */
void	who_cancel(struct who_wait *);
/* Users and groups may be others by now. */
void	who_forget(void);

#endif /* _WHO_H_ */
