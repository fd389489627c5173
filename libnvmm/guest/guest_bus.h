/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A bus: who answers at which address, ports and memory alike. Nobody
 * answering is no error: reads give ones, writes are dropped.
 */

#ifndef _GUEST_BUS_H_
#define _GUEST_BUS_H_

#include <stddef.h>
#include <stdint.h>

/* A device's row. ctx is the bus's caller's; offsets count from base. */
struct guest_bus_row {
	const char *name;
	uint64_t base;
	uint64_t size;			/* bytes, or ports */
	uint64_t (*read)(void *ctx, uint64_t off, unsigned size);
	void (*write)(void *ctx, uint64_t off, unsigned size, uint64_t);
};

struct guest_bus {
	const struct guest_bus_row *rows;
	size_t nrows;
};

/* Accesses of 1, 2, 4 or 8 bytes at data, little-endian. */
void	guest_bus_read(const struct guest_bus *, void *ctx, uint64_t addr,
	    void *data, size_t size);
void	guest_bus_write(const struct guest_bus *, void *ctx, uint64_t addr,
	    const void *data, size_t size);

#endif /* _GUEST_BUS_H_ */
