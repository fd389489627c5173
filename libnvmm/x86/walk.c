/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The guest's own page tables as the CPU walks them, AMD APM vol. 2, chapter 5:
 * no paging, 32-bit with 4 MiB pages and PSE-36, PAE, and 4 levels with 2 MiB
 * and 1 GiB pages. Other CPUs walk and change the same tables meanwhile: each
 * entry is read once, and accessed and dirty bits are set in that very value or
 * the walk begins anew. The accessed bit of an upper level is set on the way
 * down, as the CPU may even if the access then faults; the last level's bits
 * are set only once the access is allowed.
 */

#include <errno.h>

#include "x86.h"

#define PTE_P		0x001ULL
#define PTE_W		0x002ULL
#define PTE_U		0x004ULL
#define PTE_A		0x020ULL
#define PTE_D		0x040ULL
#define PTE_PS		0x080ULL
#define PTE_G		0x100ULL
#define PTE_NX		(1ULL << 63)
#define PTE_ADDR	0x000FFFFFFFFFF000ULL
#define PTE_HIGH	0x7FF0000000000000ULL	/* 62:52, reserved in PAE */
#define PTE_LOW		0x1FFFULL	/* of a large page: flags and PAT */
/*
 * Of PAE's four pointers. The manual has bit 5, the accessed bit elsewhere, in
 * it too; but where the processor is QEMU's, it is that which sets it.
 */
#define PDPTE_RSVD	(PTE_NX | 0x1C6ULL)

#define CR3_PAE		0xFFFFFFE0ULL
#define CR3_32		0xFFFFF000ULL
#define PDE_4M		0xFFC00000ULL
#define PDE_4M_HIGH	0x001FE000ULL	/* PSE-36: bits 39:32 */
#define PDE_4M_SHIFT	19
#define PDE_4M_RSVD	0x00200000ULL

#define TRIES		64		/* until the tables stand still */

struct walk {
	const struct x86_paging *pg;
	struct x86_ram *ram;
	gvaddr_t gva;
	unsigned access;
	uint64_t rsvd;			/* bits reserved at every level */
	uint64_t allow;			/* W and U of all levels; not NX */
	struct x86_xlat *t;
};

/* The access faults. => EFAULT. */
static inline int
walk_fault(struct walk *w, uint32_t error)
{

	w->t->error = error;
	return EFAULT;
}

/* Note the entry that was read, as the next one of the trail. */
static inline void
walk_note(struct walk *w, const void *at, uint64_t pte)
{

	w->t->at[w->t->nlevels] = at;
	w->t->pte[w->t->nlevels++] = pte;
}

/*
 * Set bits in the entry that was noted last, 64 or 32 bits wide. => EAGAIN: it
 * is no longer what was read.
 */
static int __attribute__((noinline))
walk_set(struct x86_xlat *t, void *at, uint64_t bits)
{
	uint64_t pte = t->pte[t->nlevels - 1];
	uint32_t narrow = (uint32_t)pte;
	bool done;

	t->pte[t->nlevels - 1] |= bits;
	if (t->wide)
		done = __atomic_compare_exchange_n((uint64_t *)at, &pte,
		    pte | bits, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	else
		done = __atomic_compare_exchange_n((uint32_t *)at, &narrow,
		    narrow | (uint32_t)bits, false, __ATOMIC_SEQ_CST,
		    __ATOMIC_RELAXED);
	return done ? 0 : EAGAIN;
}

/* See to it that bits are set in the entry; those of a ROM stay as they are. */
static inline int
walk_mark(const struct walk *w, void *at, uint64_t pte, uint64_t bits)
{

	if ((bits & ~pte) == 0 || !w->ram->writable ||
	    (w->access & (X86_ACC_LOOK | X86_ACC_QUERY)) != 0)
		return 0;
	return walk_set(w->t, at, bits);
}

/* The bits that an access sets in the entry that maps the page. */
static inline uint64_t
walk_bits(const struct walk *w)
{

	return (w->access & X86_ACC_WRITE) != 0 ? PTE_A | PTE_D : PTE_A;
}

/* True if the levels' rights together allow the access, APM vol. 2, 5.6. */
static inline bool
walk_allowed(const struct walk *w)
{
	const bool user = (w->access & X86_ACC_USER) != 0;
	const bool users = (w->allow & PTE_U) != 0;

	if ((w->access & X86_ACC_QUERY) != 0)
		return true;
	if (user && !users)
		return false;
	if ((w->access & X86_ACC_EXEC) != 0)
		return (w->allow & PTE_NX) != 0 &&
		    (user || !users || (w->pg->cr4 & X86_CR4_SMEP) == 0);
	if (!user && users && (w->pg->cr4 & X86_CR4_SMAP) != 0 &&
	    (w->access & X86_ACC_AC) == 0)
		return false;
	if ((w->access & X86_ACC_WRITE) == 0 || (w->allow & PTE_W) != 0)
		return true;
	return !user && (w->pg->cr0 & X86_CR0_WP) == 0;
}

/* True if the entry is one that levels above 2 MiB must not have. */
static bool
walk_upper_reserved(const struct x86_paging *pg, uint64_t pte, unsigned shift)
{

	if ((pte & PTE_PS) != 0)
		return shift == 39 || !pg->gibpages;
	return (pte & PTE_G) != 0 && pg->upperglobal;
}

/*
 * Tables of 64-bit entries, from the level of shift down, APM vol. 2, 5.2-3.
 * This is what an emulated access spends its time with.
 */
static inline int
walk_wide(struct walk *w, gpaddr_t table, unsigned shift)
{
	uint64_t *at, pte, mask;
	int error;

	for (;; shift -= 9) {
		at = x86_ram_at(w->ram, table + ((w->gva >> shift) & 511) * 8);
		if (at == NULL)
			return ENXIO;
		pte = __atomic_load_n(at, __ATOMIC_RELAXED);
		if ((pte & PTE_P) == 0)
			return walk_fault(w, 0);
		if ((pte & w->rsvd) != 0 || (shift >= 30 &&
		    (pte & (PTE_PS | PTE_G)) != 0 &&
		    walk_upper_reserved(w->pg, pte, shift)))
			return walk_fault(w, X86_PF_P | X86_PF_RSVD);
		walk_note(w, at, pte);
		w->allow &= pte ^ PTE_NX;
		if (shift == 12 || (pte & PTE_PS) != 0)
			break;
		error = walk_mark(w, at, pte, PTE_A);
		if (error != 0)
			return error;
		table = pte & PTE_ADDR;
	}
	mask = (1ULL << shift) - 1;
	if ((pte & mask & ~PTE_LOW) != 0)
		return walk_fault(w, X86_PF_P | X86_PF_RSVD);
	if (!walk_allowed(w))
		return walk_fault(w, X86_PF_P);
	w->t->gpa = (pte & PTE_ADDR & ~mask) | (w->gva & mask);
	return walk_mark(w, at, pte, walk_bits(w));
}

/* Four levels, APM vol. 2, 5.3. */
static inline int
walk_long(struct walk *w)
{

	if ((w->pg->cr4 & X86_CR4_LA57) != 0)
		return ENOTSUP;
	if ((uint64_t)((int64_t)(w->gva << 16) >> 16) != w->gva)
		return walk_fault(w, 0);
	return walk_wide(w, w->pg->cr3 & PTE_ADDR, 39);
}

/*
 * PAE: four pointers without rights, then two levels. A CPU that is virtualized
 * with nested paging reads the pointers at each walk, APM vol. 2, 15.25.10.
 */
static inline int
walk_pae(struct walk *w)
{
	const uint64_t *at;
	uint64_t pdpte;

	w->rsvd |= PTE_HIGH;
	at = x86_ram_at(w->ram, (w->pg->cr3 & CR3_PAE) + (w->gva >> 30) * 8);
	if (at == NULL)
		return ENXIO;
	pdpte = __atomic_load_n(at, __ATOMIC_RELAXED);
	if ((pdpte & PTE_P) == 0)
		return walk_fault(w, 0);
	if ((pdpte & (w->rsvd | PDPTE_RSVD)) != 0)
		return walk_fault(w, X86_PF_P | X86_PF_RSVD);
	walk_note(w, at, pdpte);
	return walk_wide(w, pdpte & PTE_ADDR, 21);
}

/* The page that a 32-bit entry maps, with its offset's mask. */
static int
walk_narrow_leaf(struct walk *w, uint32_t *at, uint32_t pte, gpaddr_t page,
    uint32_t mask)
{

	if (!walk_allowed(w))
		return walk_fault(w, X86_PF_P);
	w->t->gpa = page | (w->gva & mask);
	return walk_mark(w, at, pte, walk_bits(w));
}

/* A 4 MiB page; its upper address bits are PSE-36's. */
static int
walk_big(struct walk *w, uint32_t *at, uint32_t pde)
{
	const uint64_t high = (pde & PDE_4M_HIGH) << PDE_4M_SHIFT;

	if ((pde & PDE_4M_RSVD) != 0 || (high & w->rsvd) != 0)
		return walk_fault(w, X86_PF_P | X86_PF_RSVD);
	return walk_narrow_leaf(w, at, pde, (pde & PDE_4M) | high,
	    ~(uint32_t)PDE_4M);
}

/* Two levels of 32-bit entries, none of whose bits are reserved. */
static int
walk_narrow(struct walk *w)
{
	gpaddr_t table = w->pg->cr3 & CR3_32;
	unsigned shift;
	uint32_t *at, pte;
	int error;

	w->t->wide = false;
	for (shift = 22;; shift -= 10) {
		at = x86_ram_at(w->ram, table + ((w->gva >> shift) & 1023) * 4);
		if (at == NULL)
			return ENXIO;
		pte = __atomic_load_n(at, __ATOMIC_RELAXED);
		if ((pte & PTE_P) == 0)
			return walk_fault(w, 0);
		walk_note(w, at, pte);
		w->allow &= pte ^ PTE_NX;
		table = pte & CR3_32;
		if (shift == 12)
			return walk_narrow_leaf(w, at, pte, table, 0xFFF);
		if ((pte & PTE_PS) != 0 && (w->pg->cr4 & X86_CR4_PSE) != 0)
			return walk_big(w, at, pte);
		error = walk_mark(w, at, pte, PTE_A);
		if (error != 0)
			return error;
	}
}

/* Whichever mode the registers select, APM vol. 2, 5.1. */
static inline int
walk_mode(struct walk *w)
{

	if ((w->pg->cr0 & X86_CR0_PG) == 0) {
		w->t->gpa = w->gva;
		return 0;
	}
	if ((w->pg->efer & X86_EFER_LMA) != 0)
		return walk_long(w);
	if (w->gva > UINT32_MAX)
		return walk_fault(w, 0);
	if ((w->pg->cr4 & X86_CR4_PAE) != 0)
		return walk_pae(w);
	return walk_narrow(w);
}

/* An error code with the access's part of it, APM vol. 2, 8.2.15. */
static uint32_t
walk_error(const struct x86_paging *pg, unsigned access, uint32_t error)
{

	if ((access & X86_ACC_WRITE) != 0)
		error |= X86_PF_W;
	if ((access & X86_ACC_USER) != 0)
		error |= X86_PF_U;
	/* Where fetches have rights of their own. */
	if ((access & X86_ACC_EXEC) != 0 && ((pg->cr4 & X86_CR4_SMEP) != 0 ||
	    ((pg->cr4 & X86_CR4_PAE) != 0 && (pg->efer & X86_EFER_NXE) != 0)))
		error |= X86_PF_ID;
	return error;
}

/* The rights of all levels as protections. */
static nvmm_prot_t
walk_prot(uint64_t allow)
{
	nvmm_prot_t prot = NVMM_PROT_READ;

	if ((allow & PTE_W) != 0)
		prot |= NVMM_PROT_WRITE;
	if ((allow & PTE_U) != 0)
		prot |= NVMM_PROT_USER;
	if ((allow & PTE_NX) != 0)
		prot |= NVMM_PROT_EXEC;
	return prot;
}

int
x86_walk(const struct x86_paging *pg, struct x86_ram *ram, gvaddr_t gva,
    unsigned access, struct x86_xlat *t)
{
	unsigned tries = TRIES;
	struct walk w;
	int error;

	do {
		w = (struct walk){
			.pg = pg, .ram = ram, .gva = gva, .access = access,
			.rsvd = PTE_ADDR & ~((1ULL << pg->physbits) - 1),
			.allow = PTE_W | PTE_U | PTE_NX, .t = t,
		};
		if ((pg->efer & X86_EFER_NXE) == 0)
			w.rsvd |= PTE_NX;
		t->nlevels = 0;
		t->wide = true;
		error = walk_mode(&w);
	} while (error == EAGAIN && --tries != 0);
	if ((access & X86_ACC_QUERY) != 0)
		t->prot = walk_prot(w.allow);
	if (error == EFAULT)
		t->error = walk_error(pg, access, t->error);
	return error;
}
