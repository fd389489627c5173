/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The power port. One register: the vector when written, the request when
 * read, so that a guest may poll, too.
 */

#include "guest_abi.h"
#include "powerport.h"

/* A port that calls back with the guest's vector. */
void
powerport_init(struct powerport *port,
    void (*interrupt)(void *arg, uint8_t vector), void *arg)
{
	port->vector = 0;
	port->asked = false;
	port->interrupt = interrupt;
	port->arg = arg;
}

/* The request. */
uint32_t
powerport_read(const struct powerport *port, unsigned off)
{
	return off == 0 && port->asked ? GUEST_POWER_ASKED : 0;
}

/* The vector that the guest listens to. */
void
powerport_write(struct powerport *port, unsigned off, uint32_t val)
{
	if (off != 0)
		return;
	port->vector = val >= GUEST_POWER_VECTOR_MIN && val <= UINT8_MAX ?
	    (uint8_t)val : 0;
	if (port->asked && port->vector != 0)
		port->interrupt(port->arg, port->vector);
}

/* The request made, or made again. */
bool
powerport_ask(struct powerport *port)
{
	port->asked = true;
	if (port->vector == 0)
		return false;
	port->interrupt(port->arg, port->vector);
	return true;
}
