/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guest-physical address spaces on Linux.
 *
 * Overview. A sorted array of links says which ranges lead to which objects.
 * A nested fault looks its link up, has the object make the page, and enters
 * it with the link's exact protection: 4 KiB, or 2 MiB where the object's page
 * is one and the link has room for all of it, equally aligned.
 *
 * Synchronization. Links change, and entries go, only while the machine is
 * parked: no VCPU is claimed then, so no guest runs and no nested fault is
 * served. Hence faults read the links without a lock, and entries only ever
 * appear under them, by compare and exchange from 0: two VCPUs that fault on
 * one page both find what one of them put there.
 *
 * TLBs. An entry that was not there is cached by no CPU, so map and fault flush
 * nothing. unmap grows the generation while the machine is parked; every VCPU
 * of it reads the number on its next way into the guest and flushes before it
 * runs. Between the park and that, no CPU translates by these tables, for they
 * are walked only in guest mode under their root, so pages and tables may be
 * freed at once and no CPU needs to be interrupted.
 *
 * References. A link holds its object, which keeps its pages. Entries hold
 * nothing.
 */

#include <linux/mm.h>
#include <linux/slab.h>

#include "nvmm_npt.h"

#define PROT_MASK	(NVMM_PROT_READ | NVMM_PROT_WRITE | NVMM_PROT_EXEC)

/* [gpa, gpa + size) leads to [off, off + size) of obj. */
struct npt_link {
	uint64_t gpa;
	uint64_t size;
	uint64_t off;
	struct os_vmobj *obj;		/* a reference */
	int prot;
};

/* (p): machine parked to change; claim or machine's lock to read. */
struct os_vmspace {
	uint64_t maxgpa;		/* (c) */
	struct npt npt;			/* the tree, filled by faults */
	uint64_t generation;		/* (p), (a) to read */
	uint64_t linked;		/* (p) */
	size_t nlinks;			/* (p) */
	size_t maxlinks;		/* (p) */
	struct npt_link *link;		/* (p) sorted by gpa */
};

/* -- Links ------------------------------------------------------------------ */

/* The first link that ends above gpa, or nlinks. */
static size_t
link_find(const struct os_vmspace *vm, uint64_t gpa)
{
	size_t lo, hi, mid;

	lo = 0;
	hi = vm->nlinks;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (vm->link[mid].gpa + vm->link[mid].size > gpa)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* The link that holds gpa, or NULL. */
static const struct npt_link *
link_lookup(const struct os_vmspace *vm, uint64_t gpa)
{
	size_t i;

	i = link_find(vm, gpa);
	if (i == vm->nlinks || vm->link[i].gpa > gpa)
		return NULL;
	return &vm->link[i];
}

/* Room for one more link. => ENOBUFS: there are as many as may be. */
static int
link_reserve(struct os_vmspace *vm)
{
	struct npt_link *link;
	size_t max;

	if (vm->nlinks == OS_VMSPACE_LINKS)
		return ENOBUFS;
	if (vm->nlinks < vm->maxlinks)
		return 0;
	max = vm->maxlinks == 0 ? 8 : vm->maxlinks * 2;
	link = os_mem_zalloc(max * sizeof(*link));
	if (link == NULL)
		return ENOMEM;
	if (vm->nlinks != 0)
		memcpy(link, vm->link, vm->nlinks * sizeof(*link));
	os_mem_free(vm->link, vm->maxlinks * sizeof(*link));
	vm->link = link;
	vm->maxlinks = max;
	return 0;
}

/* => Room is reserved. Takes a reference to the object. */
static void
link_insert(struct os_vmspace *vm, size_t at, const struct npt_link *new)
{

	OS_ASSERT(vm->nlinks < vm->maxlinks);
	memmove(&vm->link[at + 1], &vm->link[at],
	    (vm->nlinks - at) * sizeof(*new));
	vm->link[at] = *new;
	os_vmobj_hold(new->obj);
	vm->nlinks++;
}

/* The part of a link from gpa on, which lies in it. */
static struct npt_link
link_from(const struct npt_link *link, uint64_t gpa)
{
	struct npt_link part = *link;

	part.gpa = gpa;
	part.off += gpa - link->gpa;
	part.size -= gpa - link->gpa;
	return part;
}

/* True if the range lies in the midst of the link, which it would split. */
static bool
link_splits(const struct npt_link *link, uint64_t gpa, uint64_t end)
{

	return link->gpa < gpa && link->gpa + link->size > end;
}

/*
 * Take [gpa, end) out of the links. => Room is reserved if it splits one. The
 * tables lead there no more.
 */
static void
link_cut(struct os_vmspace *vm, uint64_t gpa, uint64_t end)
{
	struct npt_link *link, part;
	size_t i, to;

	i = link_find(vm, gpa);
	if (i < vm->nlinks && link_splits(&vm->link[i], gpa, end)) {
		part = link_from(&vm->link[i], end);
		link_insert(vm, i + 1, &part);
		vm->link[i].size -= part.size;
	}
	if (i < vm->nlinks && vm->link[i].gpa < gpa) {
		vm->link[i].size = gpa - vm->link[i].gpa;
		i++;
	}
	for (to = i; i < vm->nlinks; i++) {
		link = &vm->link[i];
		if (link->gpa < end && link->gpa + link->size <= end) {
			os_vmobj_release(link->obj);
			continue;
		}
		vm->link[to++] = link->gpa < end ? link_from(link, end) : *link;
	}
	vm->nlinks = to;
}

/* -- The verbs -------------------------------------------------------------- */

int
os_vmspace_create(struct os_vmspace **vmp, uint64_t maxgpa)
{
	struct os_vmspace *vm;
	int error;

	OS_ASSERT(maxgpa <= NPT_MAXGPA);
	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (vm == NULL)
		return ENOMEM;
	error = npt_create(&vm->npt);
	if (error) {
		kfree(vm);
		return error;
	}
	vm->maxgpa = maxgpa;
	atomic_long_inc(&linux_held.machines);
	*vmp = vm;
	return 0;
}

/* => The machine has no VCPU any more. */
void
os_vmspace_destroy(struct os_vmspace *vm)
{

	npt_destroy(&vm->npt);
	link_cut(vm, 0, vm->maxgpa);
	OS_ASSERT(vm->nlinks == 0);
	os_mem_free(vm->link, vm->maxlinks * sizeof(*vm->link));
	kfree(vm);
	atomic_long_dec(&linux_held.machines);
}

/* => Machine parked. */
int
os_vmspace_map(struct os_vmspace *vm, uint64_t gpa, size_t size,
    struct os_vmobj *obj, size_t off, int prot)
{
	const struct npt_link new = {
		.gpa = gpa, .size = size, .off = off, .obj = obj, .prot = prot,
	};
	size_t at;
	int error;

	OS_ASSERT(gpa < vm->maxgpa && size <= vm->maxgpa - gpa);
	at = link_find(vm, gpa);
	if (at < vm->nlinks && vm->link[at].gpa < gpa + size)
		return EISCONN;
	error = link_reserve(vm);
	if (error)
		return error;
	link_insert(vm, at, &new);
	vm->linked += size;
	return 0;
}

/* Bytes of [gpa, end) that are linked. */
static uint64_t
linked_within(const struct os_vmspace *vm, uint64_t gpa, uint64_t end)
{
	const struct npt_link *link;
	uint64_t sum;
	size_t i;

	sum = 0;
	for (i = link_find(vm, gpa); i < vm->nlinks; i++) {
		link = &vm->link[i];
		if (link->gpa >= end)
			break;
		sum += min(end, link->gpa + link->size) - max(gpa, link->gpa);
	}
	return sum;
}

/* => Machine parked. The generation grows before anything is freed. */
int
os_vmspace_unmap(struct os_vmspace *vm, uint64_t gpa, size_t size)
{
	const uint64_t end = gpa + size;
	const struct npt_link *link;
	int error;

	OS_ASSERT(gpa < vm->maxgpa && size <= vm->maxgpa - gpa);
	link = link_lookup(vm, gpa);
	if (link != NULL && link_splits(link, gpa, end)) {
		error = link_reserve(vm);
		if (error)
			return error;
	}
	os_atomic_store(&vm->generation, vm->generation + 1);
	npt_remove(&vm->npt, gpa, end);
	vm->linked -= linked_within(vm, gpa, end);
	link_cut(vm, gpa, end);
	return 0;
}

/* These tables are the hardware's. */
void
os_vmspace_commit(struct os_vmspace *vm)
{
}

void
os_vmspace_undo(struct os_vmspace *vm)
{

	WARN_ON_ONCE(1);
}

uint64_t
os_vmspace_linked(struct os_vmspace *vm)
{

	return vm->linked;
}

bool
os_vmspace_links_to(struct os_vmspace *vm, const struct os_vmobj *obj)
{
	size_t i;

	for (i = 0; i < vm->nlinks; i++) {
		if (vm->link[i].obj == obj)
			return true;
	}
	return false;
}

/* The index in its object of the page that gpa leads to. */
static size_t
link_index(const struct npt_link *link, uint64_t gpa)
{

	return (link->off + (gpa - link->gpa)) / OS_PAGE_SIZE;
}

/*
 * The level to enter the page at: a page of 2 MiB goes in whole if the link
 * covers all of it, at an address aligned like it.
 */
static int
link_level(const struct npt_link *link, uint64_t gpa, struct page *page)
{
	const uint64_t base = gpa & ~(NPT_LARGE_SIZE - 1);

	if (!PageCompound(page) || (link->gpa - link->off) % NPT_LARGE_SIZE != 0)
		return NPT_SMALL;
	if (base < link->gpa ||
	    link->size - (base - link->gpa) < NPT_LARGE_SIZE)
		return NPT_SMALL;
	return NPT_LARGE;
}

/* => VCPU claimed. Any number of VCPUs at once. */
int
os_vmspace_fault(struct os_vmspace *vm, uint64_t gpa, int prot)
{
	const struct npt_link *link;
	struct page *page;

	link = link_lookup(vm, gpa);
	prot &= PROT_MASK;
	if (link == NULL || (link->prot & prot) != prot)
		return EFAULT;
	page = linux_vmobj_page(link->obj, link_index(link, gpa),
	    LINUX_GFP_GUEST);
	if (page == NULL)
		return ENOMEM;
	return npt_enter(&vm->npt, gpa, page, link_level(link, gpa, page),
	    link->prot);
}

/* Copy within one page; what was never touched reads as zeroes. */
static int
read_page(const struct os_vmspace *vm, uint64_t gpa, void *buf, size_t len)
{
	const struct npt_link *link;
	struct page *page;

	link = link_lookup(vm, gpa);
	if (link == NULL)
		return EFAULT;
	page = linux_vmobj_peek(link->obj, link_index(link, gpa));
	if (page == NULL)
		memset(buf, 0, len);
	else
		memcpy(buf, page_address(page) + offset_in_page(gpa), len);
	return 0;
}

/* => VCPU claimed, or machine locked. Never sleeps. */
int
os_vmspace_read(struct os_vmspace *vm, uint64_t gpa, void *buf, size_t size)
{
	uint8_t *to;
	size_t len;
	int error;

	for (to = buf; size != 0; to += len, gpa += len, size -= len) {
		len = min_t(size_t, size, OS_PAGE_SIZE - offset_in_page(gpa));
		error = read_page(vm, gpa, to, len);
		if (error)
			return error;
	}
	return 0;
}

uint64_t
os_vmspace_root_pa(struct os_vmspace *vm)
{

	return vm->npt.root_pa;
}

uint64_t
os_vmspace_generation(const struct os_vmspace *vm)
{

	return os_atomic_load(&vm->generation);
}

/* => VCPU claimed: entries do not go meanwhile. */
const void *
os_vmspace_peek(struct os_vmspace *vm, uint64_t gpa)
{

	return gpa < vm->maxgpa ? npt_peek(&vm->npt, gpa) : NULL;
}
