/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * nvmmd proper's end of the socketpair to the parent: questions and their
 * answers, and the configurations that come unasked. Main thread only.
 */

#ifndef _ASK_H_
#define _ASK_H_

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "parent.h"

struct ask_wait {
	TAILQ_ENTRY(ask_wait) link;
	uint32_t id;
	bool pending;
	/* The descriptor, or -1, is the callee's. */
	void (*done)(struct ask_wait *, const struct parent_msg *, int fd);
};

/*
 * gone is called when the parent is; config with each new configuration and
 * the descriptors of its new sockets, which are the callee's. Returns 0, or -1
 * and errno.
 */
int	ask_init(int sock, void (*gone)(void *),
	    void (*config)(const struct parent_config *, const int *fds,
	    unsigned nfds));
/* Whoever still waits is told that nothing comes: ECANCELED. */
void	ask_fini(void);
/* Tells the parent that clients are served. */
int	ask_ready(void);
/*
 * Asks; the wait's done is called later. Returns 0, or -1 and errno if the
 * parent could not be asked.
 */
int	ask_send(struct parent_msg *, struct ask_wait *);
/* The answer is not wanted any more. */
void	ask_cancel(struct ask_wait *);

#endif /* _ASK_H_ */
