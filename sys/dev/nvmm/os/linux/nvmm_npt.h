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

/* Addresses in a tree are below this: one table of the third level. */
#define NPT_MAXGPA	(1ULL << 39)

/*
 * A tree. All addresses go through the first entries of the tables above the
 * third level, which are made with it and not walked in software.
 */
struct npt {
	uint64_t root_pa;		/* for the hardware */
	uint64_t *top;			/* the table of the third level */
	uint64_t *upper[2];		/* those above it; NULL if not there */
};

/* An empty tree. => ENOMEM. */
int	npt_create(struct npt *);
/* => No guest runs by it any more. */
void	npt_destroy(struct npt *);
/*
 * Enter the page at gpa with NVMM_PROT_*, at the level, or at the lowest where
 * a table stands in its way; leave alone what is there already. => ENOMEM: no
 * memory for a table. Any number of callers at once.
 */
int	npt_enter(struct npt *, uint64_t gpa, struct page *, int level,
	    int prot);
/*
 * Take [gpa, end) out; a large page goes whole, and what was not asked for
 * comes back by a fault. => No guest runs, nobody enters.
 */
void	npt_remove(struct npt *, uint64_t gpa, uint64_t end);
/* The driver's view of gpa, or NULL where nothing is entered. */
const void *npt_peek(const struct npt *, uint64_t gpa);

#endif /* _NVMM_NPT_H_ */
