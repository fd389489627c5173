/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The bus: it finds a device's row by address and calls it with an offset. An
 * access that begins in a row and ends outside it reaches nobody.
 */

#include <string.h>

#include "guest_bus.h"

/* The row that answers for the whole access, or NULL. */
static const struct guest_bus_row *
bus_find(const struct guest_bus *bus, uint64_t addr, size_t size)
{
	const struct guest_bus_row *row;

	for (row = bus->rows; row < bus->rows + bus->nrows; row++) {
		if (addr >= row->base && addr - row->base < row->size &&
		    size <= row->size - (addr - row->base))
			return row;
	}
	return NULL;
}

/* The data read, ones where nobody answers. */
void
guest_bus_read(const struct guest_bus *bus, void *ctx, uint64_t addr,
    void *data, size_t size)
{
	const struct guest_bus_row *row = bus_find(bus, addr, size);
	uint64_t val = UINT64_MAX;

	if (size > sizeof(val)) {
		memset(data, 0xff, size);
		return;
	}
	if (row != NULL)
		val = row->read(ctx, addr - row->base, (unsigned)size);
	memcpy(data, &val, size);
}

/* The data written to whoever answers. */
void
guest_bus_write(const struct guest_bus *bus, void *ctx, uint64_t addr,
    const void *data, size_t size)
{
	const struct guest_bus_row *row = bus_find(bus, addr, size);
	uint64_t val = 0;

	if (row == NULL || size > sizeof(val))
		return;
	memcpy(&val, data, size);
	row->write(ctx, addr - row->base, (unsigned)size, val);
}
