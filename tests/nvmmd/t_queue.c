/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The queue between threads: order, blocking, and a descriptor that is
 * readable exactly while something may be queued.
 */

#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include <atf-c.h>

#include "queue.h"

#define PUTTERS	4
#define ITEMS	5000

struct item {
	struct queue_item item;		/* first */
	unsigned putter, number;
};

static struct queue queue;
static struct item items[PUTTERS][ITEMS];

/* Is the descriptor readable? */
static bool
readable(void)
{
	struct pollfd pfd = { .fd = queue_fd(&queue), .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

ATF_TC_WITHOUT_HEAD(descriptor);
ATF_TC_BODY(descriptor, tc)
{
	struct item a, b;

	ATF_REQUIRE_EQ(0, queue_init(&queue, true));
	ATF_CHECK(!readable());
	queue_put(&queue, &a.item);
	queue_put(&queue, &b.item);
	ATF_CHECK(readable());
	ATF_CHECK_EQ(&a.item, queue_tryget(&queue));
	ATF_CHECK(readable());
	ATF_CHECK_EQ(&b.item, queue_tryget(&queue));
	ATF_CHECK_EQ(NULL, queue_tryget(&queue));
	ATF_CHECK(!readable());
	queue_put(&queue, &a.item);
	ATF_CHECK(readable());
	ATF_CHECK_EQ(&a.item, queue_tryget(&queue));
	queue_put(&queue, &b.item);
	ATF_CHECK_EQ(&b.item, queue_tryget(&queue));
	ATF_CHECK_EQ(NULL, queue_tryget(&queue));
	ATF_CHECK_EQ(NULL, queue_tryget(&queue));
	ATF_CHECK(!readable());
	queue_fini(&queue);
}

/* Puts its items in order. */
static void *
putter(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg, i;

	for (i = 0; i < ITEMS; i++) {
		items[me][i].putter = me;
		items[me][i].number = i;
		queue_put(&queue, &items[me][i].item);
	}
	return NULL;
}

/* Gets them all, by the given way, and checks the order of each putter. */
static void
get_all(bool wakeable)
{
	unsigned next[PUTTERS] = { 0 }, got = 0;
	pthread_t threads[PUTTERS];
	struct pollfd pfd;
	struct item *item;
	uintptr_t i;

	ATF_REQUIRE_EQ(0, queue_init(&queue, wakeable));
	pfd.fd = queue_fd(&queue);
	pfd.events = POLLIN;
	for (i = 0; i < PUTTERS; i++)
		ATF_REQUIRE_EQ(0, pthread_create(&threads[i], NULL, putter,
		    (void *)i));
	while (got < PUTTERS * ITEMS) {
		if (wakeable)
			ATF_REQUIRE_EQ_MSG(1, poll(&pfd, 1, 10000),
			    "no wake-up after %u items", got);
		item = (struct item *)(wakeable ? queue_tryget(&queue) :
		    queue_get(&queue));
		if (item == NULL)
			continue;
		ATF_REQUIRE_EQ(next[item->putter], item->number);
		next[item->putter]++;
		got++;
	}
	for (i = 0; i < PUTTERS; i++)
		ATF_REQUIRE_EQ(0, pthread_join(threads[i], NULL));
	queue_fini(&queue);
}

ATF_TC(blocking);
ATF_TC_HEAD(blocking, tc)
{

	atf_tc_set_md_var(tc, "timeout", "60");
}
ATF_TC_BODY(blocking, tc)
{

	get_all(false);
}

ATF_TC(polled);
ATF_TC_HEAD(polled, tc)
{

	atf_tc_set_md_var(tc, "timeout", "60");
}
ATF_TC_BODY(polled, tc)
{

	get_all(true);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, descriptor);
	ATF_TP_ADD_TC(tp, blocking);
	ATF_TP_ADD_TC(tp, polled);
	return atf_no_error();
}
