/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The exit port, after QEMU's isa-debug-exit: one register, written once. It
 * keeps no state, hence needs no reset.
 */

#include "exitport.h"

/* A port that calls back with what is written. */
void
exitport_init(struct exitport *port,
    void (*exited)(void *arg, uint32_t status), void *arg)
{
	port->exited = exited;
	port->arg = arg;
}

/* What an empty register reads as. */
uint32_t
exitport_read(const struct exitport *port, unsigned off)
{
	(void)port;
	(void)off;
	return UINT32_MAX;
}

/* The status handed on. */
void
exitport_write(struct exitport *port, unsigned off, uint32_t val)
{
	if (off == 0)
		port->exited(port->arg, val);
}
