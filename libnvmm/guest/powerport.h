/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The power port: how a guest is asked to end by itself, as a power button
 * asks. A guest that is willing writes the vector of an interrupt to it; being
 * asked, it gets that interrupt, and from then on the port reads as 1.
 */

#ifndef _POWERPORT_H_
#define _POWERPORT_H_

#include <stdbool.h>
#include <stdint.h>

struct powerport {
	uint8_t vector;			/* 0: the guest does not listen */
	bool asked;
	void (*interrupt)(void *arg, uint8_t vector);
	void *arg;
};

/* interrupt is called from powerport_write and powerport_ask. */
void	powerport_init(struct powerport *,
	    void (*interrupt)(void *arg, uint8_t vector), void *arg);
/* 1 once the guest was asked to end. */
uint32_t powerport_read(const struct powerport *, unsigned off);
/* The vector, 16 to 255; anything else is 0. Who was asked before hears now. */
void	powerport_write(struct powerport *, unsigned off, uint32_t);
/* Ask. Returns true if the guest listens. */
bool	powerport_ask(struct powerport *);

#endif /* _POWERPORT_H_ */
