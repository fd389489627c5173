/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A list under one lock. The wake-up pipe holds at most one byte: it is
 * written when the list turns from empty to filled and read, under the same
 * lock, when a getter finds the list empty; so it never fills up, and no
 * put is missed.
 */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "queue.h"

/* Prepares an empty queue. */
int
queue_init(struct queue *q, bool wakeable)
{
	int error;

	STAILQ_INIT(&q->items);
	q->wake[0] = q->wake[1] = -1;
	if (wakeable && pipe2(q->wake, O_NONBLOCK | O_CLOEXEC) == -1)
		return -1;
	error = pthread_mutex_init(&q->lock, NULL);
	if (error == 0) {
		error = pthread_cond_init(&q->filled, NULL);
		if (error == 0)
			return 0;
		pthread_mutex_destroy(&q->lock);
	}
	if (wakeable) {
		close(q->wake[0]);
		close(q->wake[1]);
	}
	errno = error;
	return -1;
}

/* => No thread may use it any more; what is queued is forgotten. */
void
queue_fini(struct queue *q)
{

	pthread_cond_destroy(&q->filled);
	pthread_mutex_destroy(&q->lock);
	if (q->wake[0] != -1) {
		close(q->wake[0]);
		close(q->wake[1]);
	}
}

/* The descriptor for the getter's event loop. */
int
queue_fd(const struct queue *q)
{

	return q->wake[0];
}

/* Hands the item to the getter and wakes it. */
void
queue_put(struct queue *q, struct queue_item *item)
{

	pthread_mutex_lock(&q->lock);
	if (STAILQ_EMPTY(&q->items)) {
		if (q->wake[1] != -1)
			(void)!write(q->wake[1], "", 1);
		else
			pthread_cond_signal(&q->filled);
	}
	STAILQ_INSERT_TAIL(&q->items, item, link);
	pthread_mutex_unlock(&q->lock);
}

/* Takes the first item off the list. => q->lock is held. */
static struct queue_item *
queue_first(struct queue *q)
{
	struct queue_item *item = STAILQ_FIRST(&q->items);

	if (item != NULL)
		STAILQ_REMOVE_HEAD(&q->items, link);
	return item;
}

/* The next item, waited for. */
struct queue_item *
queue_get(struct queue *q)
{
	struct queue_item *item;

	pthread_mutex_lock(&q->lock);
	while ((item = queue_first(q)) == NULL)
		pthread_cond_wait(&q->filled, &q->lock);
	pthread_mutex_unlock(&q->lock);
	return item;
}

/* The next item if there is one. */
struct queue_item *
queue_tryget(struct queue *q)
{
	struct queue_item *item;
	char byte[8];

	pthread_mutex_lock(&q->lock);
	item = queue_first(q);
	if (item == NULL && q->wake[0] != -1)
		(void)!read(q->wake[0], byte, sizeof(byte));
	pthread_mutex_unlock(&q->lock);
	return item;
}
