/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What a guest wrote to its console: the last 64 KiB, addressed by the count
 * of bytes since the machine's start. VCPU threads write, main reads.
 *
 * Synchronization: c->lock protects everything; it is a leaf. Writers are
 * never held up by readers: what nobody read in time is overwritten, and the
 * reader is told how much that was.
 */

#ifndef _CONSOLE_H_
#define _CONSOLE_H_

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONSOLE_SIZE	65536		/* bytes kept */

/* Marks: c = c->lock */
struct console {
	pthread_mutex_t lock;
	uint8_t *ring;			/* c, CONSOLE_SIZE bytes at first use */
	uint64_t total;			/* c, bytes ever written */
	bool woken;			/* c, main has been told */
};

int	console_init(struct console *);
void	console_fini(struct console *);
/* Returns true if main has to be woken: it has not been since its last ack. */
bool	console_write(struct console *, const void *, size_t);
/* Main is about to read: the next write wakes it again. */
void	console_ack(struct console *);
/*
 * Copies up to max bytes from *offset on, or from the oldest kept. Advances
 * *offset past them; *lost is how many before them were overwritten. An
 * offset beyond the end reads as the end.
 */
size_t	console_read(struct console *, uint64_t *offset, void *, size_t max,
	    uint64_t *lost);
/* Bytes ever written, and of those the ones no longer kept. */
void	console_count(struct console *, uint64_t *total, uint64_t *lost);

#endif /* _CONSOLE_H_ */
