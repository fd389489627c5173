/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The one queue by which threads hand each other messages. A message is part
 * of the structure it speaks of (its first member is a struct queue_item), so
 * that putting one never needs memory.
 *
 * Many threads may put; one thread gets. The getter either blocks in
 * queue_get, or was given a descriptor that turns readable and then empties
 * the queue by queue_tryget. Messages come out in the order they went in.
 *
 * Synchronization: q->lock protects the list. It is a leaf: nothing else is
 * locked while it is held. The item belongs to the putter before queue_put,
 * to the queue in between, to the getter after.
 */

#ifndef _QUEUE_H_
#define _QUEUE_H_

#include <sys/queue.h>

#include <pthread.h>
#include <stdbool.h>

struct queue_item {
	STAILQ_ENTRY(queue_item) link;		/* q */
};

/* Marks: q = q->lock, - = set before the first thread */
struct queue {
	pthread_mutex_t lock;
	pthread_cond_t filled;			/* q */
	STAILQ_HEAD(, queue_item) items;	/* q */
	int wake[2];				/* - pipe, or -1 */
};

/* wakeable: make the descriptor. Returns 0, or -1 and errno. */
int	queue_init(struct queue *, bool wakeable);
void	queue_fini(struct queue *);
/* Readable while something may be queued. */
int	queue_fd(const struct queue *);
void	queue_put(struct queue *, struct queue_item *);
/* Waits for an item. */
struct queue_item *queue_get(struct queue *);
/* The next item or NULL; on NULL the descriptor is quiet until the next put. */
struct queue_item *queue_tryget(struct queue *);

#endif /* _QUEUE_H_ */
