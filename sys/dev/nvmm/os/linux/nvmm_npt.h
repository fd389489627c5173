/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Nested page tables: trees of tables that the hardware walks, for
 * linux_vmspace.c, which knows what is to be in them.
 */

#ifndef _NVMM_NPT_H_
#define _NVMM_NPT_H_

#include "linux.h"

#define NPT_LARGE_SIZE	((uint64_t)LINUX_CHUNK_PAGES * OS_PAGE_SIZE)

/* Levels that a page is entered at. */
#define NPT_SMALL	1
#define NPT_LARGE	2

/* Addresses in a tree are below this. */
#define NPT_MAXGPA	(1ULL << 48)

/* An empty tree's root, or NULL. */
uint64_t *npt_create(void);
/* => No guest runs by it any more. */
void	npt_destroy(uint64_t *root);
/* The root for the hardware. */
uint64_t npt_root_pa(const uint64_t *root);
/*
 * Enter the page at gpa with NVMM_PROT_*, at the level, or at the lowest where
 * a table stands in its way; leave alone what is there already. => ENOMEM: no
 * memory for a table. Any number of callers at once.
 */
int	npt_enter(uint64_t *root, uint64_t gpa, struct page *, int level,
	    int prot);
/*
 * Take [gpa, end) out; a large page goes whole, and what was not asked for
 * comes back by a fault. => No guest runs, nobody enters.
 */
void	npt_remove(uint64_t *root, uint64_t gpa, uint64_t end);
/* The driver's view of gpa, or NULL where nothing is entered. */
const void *npt_peek(uint64_t *root, uint64_t gpa);

#endif /* _NVMM_NPT_H_ */
