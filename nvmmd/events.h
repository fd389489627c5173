/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What happens to machines, told to the connections that asked. Main thread
 * only. A subscriber that cannot take an event misses it, and the next one
 * that it gets says how many it missed; of machines that it may not see it
 * hears nothing.
 */

#ifndef _EVENTS_H_
#define _EVENTS_H_

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENTS_QUEUE_MAX	65536	/* bytes unread, a subscriber */

struct peer_owner;

struct events_sub {
	LIST_ENTRY(events_sub) link;
	/* Returns false if that many bytes do not fit. */
	bool (*send)(void *arg, const char *, size_t);
	/* May the subscriber know of machines of that owner? */
	bool (*sees)(void *arg, const struct peer_owner *);
	void *arg;
	uint64_t lost;
};

enum events_type {
	EVENTS_CREATED,
	EVENTS_STARTED,
	EVENTS_PAUSED,
	EVENTS_RESUMED,
	EVENTS_RESET,
	EVENTS_CHANGED,			/* vm.set */
	EVENTS_STOPPED,
	EVENTS_FAILED,
	EVENTS_DESTROYED,
	EVENTS_NTYPES
};
extern const char *const events_names[EVENTS_NTYPES];

void	events_subscribe(struct events_sub *);
void	events_unsubscribe(struct events_sub *);
/* reason may be NULL. */
void	events_tell(enum events_type, const char *vm, const char *reason,
	    const struct peer_owner *);

#endif /* _EVENTS_H_ */
