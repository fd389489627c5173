/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The gate to guest memory. Every guest-physical address that libguest follows
 * passes here and comes out as a host pointer or an error. The pages are made
 * present first, so that a host without memory shows as ENOMEM and not as a
 * SIGBUS in the middle of a copy.
 */

#include <sys/mman.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "guest_abi.h"
#include "guest_mem.h"

/* The layout: what fits below the hole is there, the rest behind it. */
void
guest_mem_init(struct guest_mem *mem, void *base, uint64_t size)
{
	mem->base = base;
	mem->low = size < GUEST_HOLE_START ? size : GUEST_HOLE_START;
	mem->high = size - mem->low;
}

/* The end of the highest piece of RAM. */
uint64_t
guest_mem_top(const struct guest_mem *mem)
{
	return mem->high != 0 ? GUEST_HOLE_END + mem->high : mem->low;
}

/* The range's offset in host memory, or -1 if it is not RAM in one piece. */
static int
mem_offset(const struct guest_mem *mem, uint64_t gpa, uint64_t len,
    uint64_t *offp)
{
	if (len == 0)
		return -1;
	if (gpa < mem->low) {
		*offp = gpa;
		return len > mem->low - gpa ? -1 : 0;
	}
	if (gpa < GUEST_HOLE_END || gpa - GUEST_HOLE_END >= mem->high)
		return -1;
	gpa -= GUEST_HOLE_END;
	*offp = mem->low + gpa;
	return len > mem->high - gpa ? -1 : 0;
}

/* True if the guest has RAM in the whole range. */
bool
guest_mem_has(const struct guest_mem *mem, uint64_t gpa, uint64_t len)
{
	uint64_t off;

	return mem_offset(mem, gpa, len, &off) == 0;
}

#ifdef MADV_POPULATE_WRITE
/* Pages for the range, or ENOMEM. Kernels that cannot say are believed. */
static int
mem_populate(uint8_t *p, uint64_t len)
{
	uintptr_t mask = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
	uintptr_t start = (uintptr_t)p & ~mask;
	uintptr_t end = ((uintptr_t)p + len + mask) & ~mask;

	while (madvise((void *)start, end - start, MADV_POPULATE_WRITE) == -1) {
		if (errno == EINVAL)
			return 0;
		if (errno == EINTR || errno == EAGAIN)
			continue;
		errno = ENOMEM;
		return -1;
	}
	return 0;
}
#else
/* This host cannot make pages present on request. */
static int
mem_populate(uint8_t *p, uint64_t len)
{
	(void)p;
	(void)len;
	return 0;
}
#endif

/* A host pointer to the range, or NULL and EFAULT. */
void *
guest_mem_again(const struct guest_mem *mem, uint64_t gpa, uint64_t len)
{
	uint64_t off;

	if (mem_offset(mem, gpa, len, &off) == -1) {
		errno = EFAULT;
		return NULL;
	}
	return mem->base + off;
}

/* A host pointer to the range with its pages present, or NULL and errno. */
void *
guest_mem_ptr(const struct guest_mem *mem, uint64_t gpa, uint64_t len)
{
	uint8_t *p = guest_mem_again(mem, gpa, len);

	if (p == NULL || mem_populate(p, len) == -1)
		return NULL;
	return p;
}

/* The bytes in the guest's memory, or an error and nothing written. */
int
guest_mem_write(const struct guest_mem *mem, uint64_t gpa, const void *buf,
    uint64_t len)
{
	void *p;

	if (len == 0)
		return 0;
	p = guest_mem_ptr(mem, gpa, len);
	if (p == NULL)
		return -1;
	memcpy(p, buf, len);
	return 0;
}
