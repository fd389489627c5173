/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Instruction fetch without decode assists: see nvmm_x86_fetch.h. The VCPU has
 * just executed from these pages, so that rights need no check; what is not
 * present any more simply yields no bytes.
 */

#include "x86/nvmm_x86_fetch.h"

#define WALK_CR0_PG			0x80000000ULL
#define WALK_CR4_PSE			0x00000010ULL
#define WALK_CR4_PAE			0x00000020ULL
#define WALK_CR4_LA57		0x00001000ULL
#define WALK_EFER_LMA		0x00000400ULL

/* Page-table entries, APM vol. 2, 5.3 and 5.4. */
#define WALK_PTE_P			0x001ULL
#define WALK_PTE_PS			0x080ULL
#define WALK_PTE_FRAME		0x000FFFFFFFFFF000ULL
#define WALK_CR3_PAE			0xFFFFFFE0ULL
#define WALK_CR3_LEGACY		0xFFFFF000ULL

/* The driver's view of an entry of 8 bytes, or NULL. Takes note of it. */
static const uint64_t *
walk_entry(const struct nvmm_x86_where *w, uint64_t gpa)
{
	struct nvmm_x86_walk *walk = w->walk;
	const uint64_t *entry;

	entry = os_vmspace_peek(w->vm, gpa);
	if (entry == NULL)
		return NULL;
	walk->entry[walk->n] = entry;
	walk->value[walk->n++] = *entry;
	return entry;
}

/* Tables of 512 entries, the levels from the given one down to 1. */
static bool
walk_512(const struct nvmm_x86_where *w, uint64_t table, unsigned level,
    uint64_t lin, uint64_t *gpa)
{
	const uint64_t *entry;
	unsigned shift;
	uint64_t pte;

	for (;; level--) {
		shift = 12 + 9 * (level - 1);
		entry = walk_entry(w, table + (lin >> shift & 0x1FF) * 8);
		if (entry == NULL)
			return false;
		pte = w->walk->value[w->walk->n - 1];
		if ((pte & WALK_PTE_P) == 0)
			return false;
		table = pte & WALK_PTE_FRAME;
		if (level == 1 || ((pte & WALK_PTE_PS) != 0 && level <= 3))
			break;
	}
	*gpa = (table >> shift << shift) | (lin & (((uint64_t)1 << shift) - 1));
	return true;
}

/* PAE: four pointers, then two levels. */
static bool
walk_pae(const struct nvmm_x86_where *w, uint64_t lin, uint64_t *gpa)
{
	uint64_t pdpte;

	if (walk_entry(w, (w->cr3 & WALK_CR3_PAE) + (lin >> 30 & 3) * 8) ==
	    NULL)
		return false;
	pdpte = w->walk->value[0];
	if ((pdpte & WALK_PTE_P) == 0)
		return false;
	return walk_512(w, pdpte & WALK_PTE_FRAME, 2, lin, gpa);
}

/* An entry of 4 bytes. => False where there is no memory, or none present. */
static bool
walk_entry_32(struct os_vmspace *vm, uint64_t gpa, uint32_t *pte)
{
	const uint32_t *entry;

	entry = os_vmspace_peek(vm, gpa);
	if (entry == NULL)
		return false;
	*pte = *entry;
	return (*pte & WALK_PTE_P) != 0;
}

/* Two levels of 1024 entries, with 4 MiB pages of up to 40 bits. */
static bool
walk_legacy(const struct nvmm_x86_where *w, uint64_t lin, uint64_t *gpa)
{
	uint32_t pde, pte;

	if (!walk_entry_32(w->vm,
	    (w->cr3 & WALK_CR3_LEGACY) + (lin >> 22 & 0x3FF) * 4, &pde))
		return false;
	if ((pde & WALK_PTE_PS) != 0 && (w->cr4 & WALK_CR4_PSE) != 0) {
		*gpa = (uint64_t)(pde >> 13 & 0xFF) << 32 |
		    (pde & 0xFFC00000U) | (lin & 0x3FFFFF);
		return true;
	}
	if (!walk_entry_32(w->vm,
	    (pde & 0xFFFFF000U) + (lin >> 12 & 0x3FF) * 4, &pte))
		return false;
	*gpa = (pte & 0xFFFFF000U) | (lin & 0xFFF);
	return true;
}

/*
 * The guest-physical address. => False: not present. *keep: the walk may be
 *    remembered by the entries noted.
 */
static bool
walk(const struct nvmm_x86_where *w, uint64_t lin, uint64_t *gpa, bool *keep)
{

	*keep = true;
	if ((w->cr0 & WALK_CR0_PG) == 0) {
		*gpa = lin;
		return true;
	}
	if ((w->efer & WALK_EFER_LMA) != 0)
		return walk_512(w, w->cr3 & WALK_PTE_FRAME,
		    (w->cr4 & WALK_CR4_LA57) != 0 ? 5 : 4, lin, gpa);
	if ((w->cr4 & WALK_CR4_PAE) != 0)
		return walk_pae(w, lin, gpa);
	*keep = false;
	return walk_legacy(w, lin, gpa);
}

/* Walk, and remember. The page at lin, or NULL. */
static const uint8_t *
walk_again(const struct nvmm_x86_where *w, uint64_t lin)
{
	struct nvmm_x86_walk *k = w->walk;
	const uint8_t *page;
	uint64_t gpa;
	bool keep;

	k->page = NULL;
	k->n = 0;
	k->generation = os_vmspace_generation(w->vm);
	if (!walk(w, lin, &gpa, &keep))
		return NULL;
	page = os_vmspace_peek(w->vm, gpa - gpa % OS_PAGE_SIZE);
	if (!keep || !OS_PEEK_LASTS)
		return page;
	k->lin = lin - lin % OS_PAGE_SIZE;
	k->cr0 = w->cr0;
	k->cr3 = w->cr3;
	k->cr4 = w->cr4;
	k->efer = w->efer;
	k->page = page;
	return page;
}

/* The driver's view of what lies at a linear address, or NULL. */
static const uint8_t *
fetch_page(const struct nvmm_x86_where *w, uint64_t lin)
{
	const uint8_t *page;

	page = nvmm_x86_walk_holds(w, lin) ? w->walk->page :
	    walk_again(w, lin);
	return page != NULL ? page + lin % OS_PAGE_SIZE : NULL;
}

const uint8_t *
nvmm_x86_fetch(const struct nvmm_x86_where *w, uint8_t buf[NVMM_X86_INSN_MAX],
    size_t *n)
{
	const uint8_t *first, *second;
	uint64_t lin;
	size_t room;

	lin = nvmm_x86_where_lin(w);
	room = OS_PAGE_SIZE - lin % OS_PAGE_SIZE;
	first = fetch_page(w, lin);
	*n = first != NULL ? NVMM_X86_INSN_MAX : 0;
	if (first == NULL || room >= NVMM_X86_INSN_MAX)
		return first;
	lin += room;
	if (!nvmm_x86_where_64(w))
		lin = (uint32_t)lin;
	/* The second look may take the first's place. */
	memcpy(buf, first, room);
	second = fetch_page(w, lin);
	if (second != NULL)
		memcpy(buf + room, second, NVMM_X86_INSN_MAX - room);
	else
		*n = room;
	return buf;
}

/* Take note of a legacy prefix. => False: it is none. */
static bool
prefix_legacy(uint8_t byte, struct nvmm_x86_prefixes *p)
{

	switch (byte) {
	case 0x67:
		p->asize = true;
		return true;
	case 0xF0:
		p->lock = true;
		return true;
	case 0x66: case 0xF2: case 0xF3:
	case 0x26: case 0x2E: case 0x36: case 0x3E: case 0x64: case 0x65:
		return true;
	default:
		return false;
	}
}

/* A REX prefix counts only right before the opcode. */
void
nvmm_x86_prefixes(const uint8_t *bytes, size_t n, bool bits64,
    struct nvmm_x86_prefixes *p)
{

	memset(p, 0, sizeof(*p));
	for (; p->len < n; p->len++) {
		if (prefix_legacy(bytes[p->len], p))
			p->rex = 0;
		else if (bits64 && (bytes[p->len] & 0xF0) == 0x40)
			p->rex = bytes[p->len];
		else
			break;
	}
}

unsigned
nvmm_x86_insn_length(const struct nvmm_x86_where *w, const uint8_t *op,
    size_t nop)
{
	uint8_t buf[NVMM_X86_INSN_MAX];
	struct nvmm_x86_prefixes p;
	const uint8_t *bytes;
	size_t n;

	bytes = nvmm_x86_fetch(w, buf, &n);
	if (n < nop)
		return 0;
	if (nvmm_x86_insn_is(bytes, op, nop))
		return (unsigned)nop;
	nvmm_x86_prefixes(bytes, n, nvmm_x86_where_64(w), &p);
	if (n - p.len < nop || !nvmm_x86_insn_is(bytes + p.len, op, nop))
		return 0;
	return p.len + (unsigned)nop;
}
