/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The guest's physical memory, and the one checked gate to it.
 */

#ifndef _GUEST_MEM_H_
#define _GUEST_MEM_H_

#include <stdbool.h>
#include <stdint.h>

/* (c) all: RAM from 0 up to the hole, the rest of it behind the hole. */
struct guest_mem {
	uint8_t *base;			/* host address of gpa 0 */
	uint64_t low;			/* bytes at gpa 0 */
	uint64_t high;			/* bytes at GUEST_HOLE_END */
};

/* Lay out size bytes of host memory at base as the guest's RAM. */
void	guest_mem_init(struct guest_mem *, void *base, uint64_t size);
/* The first guest-physical address behind all RAM. */
uint64_t guest_mem_top(const struct guest_mem *);
/* True if the whole range is RAM. Length 0: false. */
bool	guest_mem_has(const struct guest_mem *, uint64_t gpa, uint64_t len);
/*
 * The gate: where the range lies in the host, its pages present. NULL and
 * EFAULT: not RAM, or not in one piece; ENOMEM: the host has no pages for it.
 */
void	*guest_mem_ptr(const struct guest_mem *, uint64_t gpa, uint64_t len);
/* The same for a range that has been through the gate before. EFAULT. */
void	*guest_mem_again(const struct guest_mem *, uint64_t gpa, uint64_t len);
/* Copy into the guest. EFAULT, ENOMEM: nothing was written. Length 0: 0. */
int	guest_mem_write(const struct guest_mem *, uint64_t gpa, const void *,
	    uint64_t len);

#endif /* _GUEST_MEM_H_ */
