/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The page tables that a guest starts with in long mode (AMD APM volume 2,
 * 5.3; Intel SDM volume 3, 4.5). Only the pages that are written come into
 * being, and a table once made is found again without a system call.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "guest_pt.h"

#define PT_P		0x001ULL
#define PT_W		0x002ULL
#define PT_PS		0x080ULL
#define PT_ADDR		0x000ffffffffff000ULL

#define PAGE_4K		(1ULL << 12)
#define PAGE_2M		(1ULL << 21)

/* The most pages that tables for one mapping take. */
uint64_t
guest_pt_bound(uint64_t va, uint64_t pa, uint64_t len)
{
	uint64_t pts = 2;

	if (((va ^ pa) & (PAGE_2M - 1)) != 0)
		pts += len >> 21;
	return pts + (len >> 30) + 2 + (len >> 39) + 2;
}

/* The address of a fresh table, or 0 and errno. */
static uint64_t
pt_alloc(struct guest_pt *pt)
{
	uint64_t gpa = pt->next;

	if (gpa >= pt->end) {
		errno = ENOSPC;
		return 0;
	}
	if (guest_mem_ptr(pt->mem, gpa, PAGE_4K) == NULL)
		return 0;
	pt->next += PAGE_4K;
	return gpa;
}

/* An empty PML4, and the rest of the range for what it will lead to. */
int
guest_pt_init(struct guest_pt *pt, const struct guest_mem *mem, uint64_t base,
    uint64_t end)
{
	pt->mem = mem;
	pt->next = base;
	pt->end = end;
	pt->root = pt_alloc(pt);
	return pt->root == 0 ? -1 : 0;
}

/* The entry for va in a table of the given level (4 is the PML4). */
static uint64_t *
pt_entry(struct guest_pt *pt, uint64_t table, uint64_t va, int level)
{
	uint64_t *p = guest_mem_again(pt->mem, table, PAGE_4K);

	if (p == NULL)
		return NULL;
	return &p[(va >> (12 + 9 * (level - 1))) & 511];
}

/*
 * The entry for va at the level asked for, tables above it made; or a 2 MiB
 * page's entry met on the way, and then *level says 2. NULL: errno.
 */
static uint64_t *
pt_walk(struct guest_pt *pt, uint64_t va, int *level)
{
	uint64_t table = pt->root, *e;
	int l;

	for (l = 4;; l--) {
		e = pt_entry(pt, table, va, l);
		if (e == NULL || l == *level)
			return e;
		if ((*e & PT_PS) != 0) {
			*level = l;
			return e;
		}
		if (*e == 0) {
			table = pt_alloc(pt);
			if (table == 0)
				return NULL;
			*e = table | PT_P | PT_W;
		}
		table = *e & PT_ADDR;
	}
}

/* One page mapped. EISDIR: a table is in the place of the 2 MiB page. */
static int
pt_map_one(struct guest_pt *pt, uint64_t va, uint64_t pa, int level)
{
	int found = level;
	uint64_t *e = pt_walk(pt, va, &found);

	if (e == NULL)
		return -1;
	if (*e == 0) {
		*e = pa | PT_P | PT_W | (level == 2 ? PT_PS : 0);
		return 0;
	}
	if (level == 2 && (*e & PT_PS) == 0) {
		errno = EISDIR;
		return -1;
	}
	if (found != level)
		pa -= va & (PAGE_2M - 1);
	if ((*e & PT_ADDR) == pa)
		return 0;
	errno = EEXIST;
	return -1;
}

/* True if both ends lie in the same half of the canonical addresses. */
static bool
pt_canonical(uint64_t va, uint64_t len)
{
	uint64_t top = va >> 47, limit;

	if (top != 0 && top != 0x1ffff)
		return false;
	limit = (1ULL << 47) - (va & ((1ULL << 47) - 1));
	return len <= limit;
}

/* The range mapped, or errno and a part of it mapped. */
int
guest_pt_map(struct guest_pt *pt, uint64_t va, uint64_t pa, uint64_t len)
{
	uint64_t step;

	if (((va | pa | len) & (PAGE_4K - 1)) != 0 || !pt_canonical(va, len)) {
		errno = EINVAL;
		return -1;
	}
	while (len != 0) {
		step = PAGE_4K;
		if (((va | pa) & (PAGE_2M - 1)) == 0 && len >= PAGE_2M) {
			if (pt_map_one(pt, va, pa, 2) == 0)
				step = PAGE_2M;
			else if (errno != EISDIR)
				return -1;
		}
		if (step == PAGE_4K && pt_map_one(pt, va, pa, 1) == -1)
			return -1;
		va += step;
		pa += step;
		len -= step;
	}
	return 0;
}
