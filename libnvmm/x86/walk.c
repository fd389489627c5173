/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The guest's own page tables, AMD APM vol. 2, chapter 5: no paging, 32-bit
 * with 4 MiB pages and PSE-36, PAE, and 4 levels with 2 MiB and 1 GiB pages.
 * The tables are read through a callback, so that tests can feed their own.
 */

#include <errno.h>

#include "x86.h"

#define PTE_P		0x001ULL
#define PTE_W		0x002ULL
#define PTE_U		0x004ULL
#define PTE_PS		0x080ULL
#define PTE_NX		(1ULL << 63)
#define PTE_ADDR	0x000FFFFFFFFFF000ULL

#define CR3_PAE		0xFFFFFFE0ULL
#define CR3_32		0xFFFFF000ULL
#define PDE_4M		0xFFC00000ULL
#define PDE_4M_HIGH	0x001FE000ULL	/* PSE-36: bits 39:32 */

struct walk {
	const struct x86_paging *pg;
	gvaddr_t gva;
	int (*read)(void *, gpaddr_t, void *, size_t);
	void *arg;
	nvmm_prot_t prot;
	gpaddr_t gpa;
};

/* One entry of size bytes; EFAULT unless it is present. */
static int
walk_read(struct walk *w, gpaddr_t gpa, size_t size, uint64_t *pte)
{
	uint32_t narrow;
	int error;

	if (size == sizeof(narrow)) {
		error = w->read(w->arg, gpa, &narrow, sizeof(narrow));
		*pte = narrow;
	} else
		error = w->read(w->arg, gpa, pte, sizeof(*pte));
	if (error != 0)
		return EFAULT;
	return (*pte & PTE_P) != 0 ? 0 : EFAULT;
}

/* Narrow the protection by what one level allows, APM vol. 2, 5.6. */
static int
walk_protect(struct walk *w, uint64_t pte)
{

	if ((pte & PTE_W) == 0)
		w->prot &= ~(nvmm_prot_t)NVMM_PROT_WRITE;
	if ((pte & PTE_U) == 0)
		w->prot &= ~(nvmm_prot_t)NVMM_PROT_USER;
	if ((pte & PTE_NX) != 0) {
		if ((w->pg->efer & X86_EFER_NXE) == 0)
			return EFAULT;		/* reserved */
		w->prot &= ~(nvmm_prot_t)NVMM_PROT_EXEC;
	}
	return 0;
}

/* The page at pte, of 1 << shift bytes. */
static int
walk_leaf(struct walk *w, uint64_t pte, unsigned shift)
{
	uint64_t mask = (1ULL << shift) - 1;

	w->gpa = (pte & PTE_ADDR & ~mask) | (w->gva & mask);
	return 0;
}

/* Tables of 64-bit entries, from the level of shift down, APM vol. 2, 5.2-3. */
static int
walk_wide(struct walk *w, gpaddr_t table, unsigned shift)
{
	uint64_t pte;
	int error;

	for (;; shift -= 9) {
		error = walk_read(w, table + ((w->gva >> shift) & 511) * 8,
		    8, &pte);
		if (error == 0)
			error = walk_protect(w, pte);
		if (error != 0)
			return error;
		if (shift == 12 || (shift <= 30 && (pte & PTE_PS) != 0))
			return walk_leaf(w, pte, shift);
		if ((pte & PTE_PS) != 0)
			return EFAULT;		/* reserved at this level */
		table = pte & PTE_ADDR;
	}
}

/* Four levels, APM vol. 2, 5.3. */
static int
walk_long(struct walk *w)
{

	if ((w->pg->cr4 & X86_CR4_LA57) != 0)
		return ENOTSUP;
	if ((uint64_t)((int64_t)(w->gva << 16) >> 16) != w->gva)
		return EFAULT;
	return walk_wide(w, w->pg->cr3 & PTE_ADDR, 39);
}

/* PAE: four pointers that carry no protection, then two levels. */
static int
walk_pae(struct walk *w)
{
	uint64_t pdpte;
	int error;

	error = walk_read(w, (w->pg->cr3 & CR3_PAE) + (w->gva >> 30) * 8, 8,
	    &pdpte);
	if (error != 0)
		return error;
	return walk_wide(w, pdpte & PTE_ADDR, 21);
}

/* A 4 MiB page; its upper address bits are PSE-36's. */
static int
walk_big(struct walk *w, uint64_t pde)
{

	w->gpa = (pde & PDE_4M) | ((pde & PDE_4M_HIGH) << 19) |
	    (w->gva & ~PDE_4M);
	return 0;
}

/* Two levels of 32-bit entries. */
static int
walk_narrow(struct walk *w)
{
	uint64_t pte;
	int error;

	error = walk_read(w, (w->pg->cr3 & CR3_32) + (w->gva >> 22) * 4, 4,
	    &pte);
	if (error != 0)
		return error;
	(void)walk_protect(w, pte);
	if ((pte & PTE_PS) != 0 && (w->pg->cr4 & X86_CR4_PSE) != 0)
		return walk_big(w, pte);
	error = walk_read(w, (pte & CR3_32) + ((w->gva >> 12) & 1023) * 4, 4,
	    &pte);
	if (error != 0)
		return error;
	(void)walk_protect(w, pte);
	return walk_leaf(w, pte, 12);
}

/* Whichever mode the registers select, APM vol. 2, 5.1. */
static int
walk_mode(struct walk *w)
{

	if ((w->pg->cr0 & X86_CR0_PG) == 0) {
		w->gpa = w->gva;
		return 0;
	}
	if ((w->pg->efer & X86_EFER_LMA) != 0)
		return walk_long(w);
	if (w->gva > UINT32_MAX)
		return EFAULT;
	if ((w->pg->cr4 & X86_CR4_PAE) != 0)
		return walk_pae(w);
	return walk_narrow(w);
}

int
x86_walk(const struct x86_paging *pg, gvaddr_t gva,
    int (*read)(void *, gpaddr_t, void *, size_t), void *arg,
    gpaddr_t *gpa, nvmm_prot_t *prot)
{
	struct walk w = {
		.pg = pg, .gva = gva, .read = read, .arg = arg,
		.prot = NVMM_PROT_ALL,
	};
	int error;

	error = walk_mode(&w);
	if (error != 0)
		return error;
	*gpa = w.gpa;
	*prot = w.prot;
	return 0;
}
