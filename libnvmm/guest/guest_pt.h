/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Long-mode page tables in guest memory: 2 MiB pages where they fit, else
 * 4 KiB ones; everything writable and executable.
 */

#ifndef _GUEST_PT_H_
#define _GUEST_PT_H_

#include <stdint.h>

#include "guest_mem.h"

struct guest_pt {
	const struct guest_mem *mem;
	uint64_t root;			/* gpa of the PML4 */
	uint64_t next;			/* gpa of the next free page */
	uint64_t end;			/* gpa behind the last one */
};

/* Pages that tables for such a mapping need at most, the PML4 apart. */
uint64_t guest_pt_bound(uint64_t va, uint64_t pa, uint64_t len);
/* An empty set of tables made of zeroed pages in [base, end). */
int	guest_pt_init(struct guest_pt *, const struct guest_mem *,
	    uint64_t base, uint64_t end);
/*
 * Map whole 4 KiB pages. EINVAL: not aligned, or no canonical addresses;
 * EEXIST: mapped to something else; ENOSPC: no free page; ENOMEM.
 */
int	guest_pt_map(struct guest_pt *, uint64_t va, uint64_t pa, uint64_t len);

#endif /* _GUEST_PT_H_ */
