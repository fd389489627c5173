/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A ring of bytes with a running count. The ring is allocated by the first
 * byte written, so that a silent machine costs nothing.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"

/* Prepares an empty console. Returns 0, or -1 and errno. */
int
console_init(struct console *c)
{

	memset(c, 0, sizeof(*c));
	errno = pthread_mutex_init(&c->lock, NULL);
	return errno == 0 ? 0 : -1;
}

/* => Nobody may use it any more. */
void
console_fini(struct console *c)
{

	pthread_mutex_destroy(&c->lock);
	free(c->ring);
	c->ring = NULL;
}

/* The least offset still kept. => c->lock is held. */
static uint64_t
console_oldest(const struct console *c)
{

	if (c->ring == NULL)
		return c->total;
	return c->total > CONSOLE_SIZE ? c->total - CONSOLE_SIZE : 0;
}

/* Copies into the ring at the running count. => c->lock is held. */
static void
console_append(struct console *c, const uint8_t *from, size_t len)
{
	size_t at, part;

	if (len > CONSOLE_SIZE) {
		c->total += len - CONSOLE_SIZE;
		from += len - CONSOLE_SIZE;
		len = CONSOLE_SIZE;
	}
	at = c->total % CONSOLE_SIZE;
	part = len < CONSOLE_SIZE - at ? len : CONSOLE_SIZE - at;
	memcpy(c->ring + at, from, part);
	memcpy(c->ring, from + part, len - part);
	c->total += len;
}

/* Keeps the bytes; without memory they only count as lost. */
bool
console_write(struct console *c, const void *buf, size_t len)
{
	bool wake;

	pthread_mutex_lock(&c->lock);
	if (c->ring == NULL && c->total == 0)
		c->ring = malloc(CONSOLE_SIZE);
	if (c->ring != NULL)
		console_append(c, buf, len);
	else
		c->total += len;
	wake = !c->woken;
	c->woken = true;
	pthread_mutex_unlock(&c->lock);
	return wake;
}

/* Lets the next write wake main. */
void
console_ack(struct console *c)
{

	pthread_mutex_lock(&c->lock);
	c->woken = false;
	pthread_mutex_unlock(&c->lock);
}

/* The bytes from *offset on. */
size_t
console_read(struct console *c, uint64_t *offset, void *buf, size_t max,
    uint64_t *lost)
{
	uint64_t oldest;
	size_t at, part, len;

	pthread_mutex_lock(&c->lock);
	oldest = console_oldest(c);
	*lost = 0;
	if (*offset > c->total)
		*offset = c->total;
	if (*offset < oldest) {
		*lost = oldest - *offset;
		*offset = oldest;
	}
	len = c->total - *offset < max ? (size_t)(c->total - *offset) : max;
	at = *offset % CONSOLE_SIZE;
	part = len < CONSOLE_SIZE - at ? len : CONSOLE_SIZE - at;
	if (len != 0) {
		memcpy(buf, c->ring + at, part);
		memcpy((uint8_t *)buf + part, c->ring, len - part);
	}
	*offset += len;
	pthread_mutex_unlock(&c->lock);
	return len;
}

/* The counts for statistics. */
void
console_count(struct console *c, uint64_t *total, uint64_t *lost)
{

	pthread_mutex_lock(&c->lock);
	*total = c->total;
	*lost = console_oldest(c);
	pthread_mutex_unlock(&c->lock);
}
