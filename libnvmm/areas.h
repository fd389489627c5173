/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The library's own table of a machine's guest-physical memory: where each
 * range lies in the owner's address space. Pure but for its allocations; the
 * lock is the caller's.
 */

#ifndef _LIBNVMM_AREAS_H_
#define _LIBNVMM_AREAS_H_

#include <stddef.h>
#include <stdint.h>

#include <dev/nvmm/nvmm.h>

/* One link, [gpa, gpa + size) to hva. */
struct nvmm_area {
	gpaddr_t gpa;
	size_t size;
	uintptr_t hva;
	nvmm_prot_t prot;
};

/* Sorted by gpa, without overlaps. All zero is an empty table. */
struct nvmm_areas {
	struct nvmm_area *v;
	size_t n;
	size_t room;
	uint64_t changes;		/* so far */
};

/* Make room for one more change of any kind. -1: ENOMEM. */
int	nvmm_areas_reserve(struct nvmm_areas *);
/* Add a link. => Room was reserved; what it overlaps is replaced. */
void	nvmm_areas_add(struct nvmm_areas *, const struct nvmm_area *);
/* Take a range out, parts of links too. => Room was reserved. */
void	nvmm_areas_cut(struct nvmm_areas *, gpaddr_t, size_t);
/* Take out what lies at [hva, hva + size) of the owner. => Room likewise. */
void	nvmm_areas_cut_hva(struct nvmm_areas *, uintptr_t, size_t);
/* The link that holds gpa, or NULL. => Good until the next change. */
const struct nvmm_area *nvmm_areas_find(const struct nvmm_areas *, gpaddr_t);
/* True if some link overlaps the range. */
bool	nvmm_areas_overlap(const struct nvmm_areas *, gpaddr_t, size_t);
/* => Frees the table, not the structure. */
void	nvmm_areas_free(struct nvmm_areas *);

#endif /* _LIBNVMM_AREAS_H_ */
