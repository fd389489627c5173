/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guest-physical address spaces on NetBSD: a vmspace of uvm(9), whose pmap(9)
 * is the table that the hardware walks. A table of links beside it remembers
 * what was linked. Guest memory is pageable: the page daemon may unmap any
 * page at any time, of which pmap(9) tells by vmspace_flush before it goes on.
 *
 * What a guest's pages hold is read through the kernel's map of all memory,
 * without locks: a copy is good if the tables led to the same page before and
 * after it was made.
 */

#include "netbsd.h"

#include <sys/kmem.h>
#include <sys/proc.h>

#include <uvm/uvm_extern.h>
#include <uvm/uvm_page.h>
#include <uvm/uvm_pdaemon.h>

#include <machine/pmap_private.h>

#include <dev/mm.h>

/* [gpa, end) shows the object from off on. */
struct vmspace_link {
	uint64_t gpa;
	uint64_t end;
	struct os_vmobj *obj;		/* one reference */
	size_t off;
	int prot;
};

/*
 * Links are sorted. The frontend changes them with the machine parked, and
 * looks at them with the machine's lock or a claim.
 */
struct os_vmspace {
	struct vmspace *vm;
	uint64_t maxgpa;
	volatile uint64_t generation;	/* (a) */
	size_t nlinks;
	size_t maxlinks;
	struct vmspace_link *links;
};

/* Where the kernel sees all physical memory. */
static vaddr_t vmspace_direct;		/* (c) */

/* => ENOTSUP: this kernel has no map of all memory, as with KASAN. */
int
netbsd_vmspace_init(void)
{

	return mm_md_direct_mapped_phys(0, &vmspace_direct) ? 0 : ENOTSUP;
}

/*
 * pmap(9) has taken entries away, or rights, and is about to wait for other
 * CPUs. Ask it for an interrupt of all of them: it makes guests exit, and who
 * enters one from now on sees the new generation.
 */
static void
vmspace_flush(struct pmap *pmap)
{
	struct os_vmspace *vm = pmap->pm_data;

	atomic_inc_64(&vm->generation);
	pmap_tlb_shootdown(pmap_kernel(), (vaddr_t)-1, PTE_G, TLBSHOOT_NVMM);
}

int
os_vmspace_create(struct os_vmspace **vmp, uint64_t maxgpa)
{
	struct os_vmspace *vm;
	struct pmap *pmap;

	vm = kmem_zalloc(sizeof(*vm), KM_SLEEP);
	vm->maxgpa = maxgpa;
	vm->generation = 1;
	vm->vm = uvmspace_alloc(0, maxgpa, false);
	pmap = vm->vm->vm_map.pmap;
	pmap->pm_data = vm;
	pmap->pm_tlb_flush = vmspace_flush;
	*vmp = vm;
	return 0;
}

static void
links_free(struct vmspace_link *links, size_t n, size_t max)
{
	size_t i;

	for (i = 0; i < n; i++)
		os_vmobj_release(links[i].obj);
	if (max != 0)
		kmem_free(links, max * sizeof(*links));
}

void
os_vmspace_destroy(struct os_vmspace *vm)
{

	uvmspace_free(vm->vm);
	links_free(vm->links, vm->nlinks, vm->maxlinks);
	kmem_free(vm, sizeof(*vm));
}

/* Room for one more link. => ENOBUFS: there are OS_VMSPACE_LINKS. */
static int
links_grow(struct os_vmspace *vm)
{
	struct vmspace_link *links;
	size_t max;

	if (vm->nlinks >= OS_VMSPACE_LINKS)
		return ENOBUFS;
	if (vm->nlinks < vm->maxlinks)
		return 0;
	max = vm->maxlinks == 0 ? 8 : vm->maxlinks * 2;
	links = kmem_zalloc(max * sizeof(*links), KM_SLEEP);
	if (vm->maxlinks != 0) {
		memcpy(links, vm->links, vm->nlinks * sizeof(*links));
		kmem_free(vm->links, vm->maxlinks * sizeof(*links));
	}
	vm->links = links;
	vm->maxlinks = max;
	return 0;
}

/* The first link that ends above gpa, or nlinks. */
static size_t
links_find(const struct os_vmspace *vm, uint64_t gpa)
{
	size_t lo, hi, mid;

	lo = 0;
	hi = vm->nlinks;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (vm->links[mid].end > gpa)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* => There is room. Takes a reference to the object. */
static void
links_insert(struct os_vmspace *vm, size_t at, const struct vmspace_link *new)
{

	OS_ASSERT(vm->nlinks < vm->maxlinks && at <= vm->nlinks);
	os_vmobj_hold(new->obj);
	memmove(&vm->links[at + 1], &vm->links[at],
	    (vm->nlinks - at) * sizeof(*new));
	vm->links[at] = *new;
	vm->nlinks++;
}

/* Its reference goes with it. */
static void
links_remove(struct os_vmspace *vm, size_t at)
{

	os_vmobj_release(vm->links[at].obj);
	vm->nlinks--;
	memmove(&vm->links[at], &vm->links[at + 1],
	    (vm->nlinks - at) * sizeof(*vm->links));
}

static vm_prot_t
vmspace_prot(int prot)
{

	return ((prot & NVMM_PROT_READ) != 0 ? UVM_PROT_R : 0) |
	    ((prot & NVMM_PROT_WRITE) != 0 ? UVM_PROT_W : 0) |
	    ((prot & NVMM_PROT_EXEC) != 0 ? UVM_PROT_X : 0);
}

int
os_vmspace_map(struct os_vmspace *vm, uint64_t gpa, size_t size,
    struct os_vmobj *obj, size_t off, int prot)
{
	struct vmspace_link new = {
		.gpa = gpa, .end = gpa + size, .obj = obj, .off = off,
		.prot = prot,
	};
	vm_prot_t uprot = vmspace_prot(prot);
	vaddr_t va = gpa;
	size_t at;
	int error;

	OS_ASSERT(gpa < vm->maxgpa && size <= vm->maxgpa - gpa);
	OS_ASSERT(off < obj->size && size <= obj->size - off);
	at = links_find(vm, gpa);
	if (at < vm->nlinks && vm->links[at].gpa < new.end)
		return EISCONN;
	error = links_grow(vm);
	if (error)
		return error;
	uao_reference(obj->uobj);
	error = uvm_map(&vm->vm->vm_map, &va, size, obj->uobj, off, 0,
	    UVM_MAPFLAG(uprot, uprot, UVM_INH_NONE, UVM_ADV_NORMAL,
	    UVM_FLAG_FIXED));
	if (error) {
		uao_detach(obj->uobj);
		return error;
	}
	links_insert(vm, at, &new);
	return 0;
}

/* Take [gpa, end) off the table. => Room for one more link if in one. */
static void
links_cut(struct os_vmspace *vm, uint64_t gpa, uint64_t end)
{
	struct vmspace_link *link, rest;
	size_t at;

	at = links_find(vm, gpa);
	while (at < vm->nlinks && vm->links[at].gpa < end) {
		link = &vm->links[at];
		rest = *link;
		rest.off += end - link->gpa;
		rest.gpa = end;
		if (link->gpa < gpa) {
			link->end = gpa;
			at++;
			if (rest.end > end)
				links_insert(vm, at, &rest);
		} else if (link->end > end)
			*link = rest;
		else
			links_remove(vm, at);
	}
}

/*
 * uvm_unmap waits for the other CPUs' interrupts before it gives pages back.
 * Only a range inside of a single link makes links more.
 */
int
os_vmspace_unmap(struct os_vmspace *vm, uint64_t gpa, size_t size)
{
	const struct vmspace_link *link;
	uint64_t end = gpa + size;
	size_t at;
	int error;

	at = links_find(vm, gpa);
	if (at == vm->nlinks)
		return 0;
	link = &vm->links[at];
	error = links_grow(vm);
	if (error && link->gpa < gpa && link->end > end)
		return error;
	uvm_unmap(&vm->vm->vm_map, gpa, end);
	links_cut(vm, gpa, end);
	return 0;
}

void
os_vmspace_commit(struct os_vmspace *vm)
{
}

void
os_vmspace_undo(struct os_vmspace *vm)
{

	panic("nvmm: %s: the tables are the hardware's", __func__);
}

uint64_t
os_vmspace_linked(struct os_vmspace *vm)
{
	uint64_t sum;
	size_t i;

	sum = 0;
	for (i = 0; i < vm->nlinks; i++)
		sum += vm->links[i].end - vm->links[i].gpa;
	return sum;
}

bool
os_vmspace_links_to(struct os_vmspace *vm, const struct os_vmobj *obj)
{
	size_t i;

	for (i = 0; i < vm->nlinks; i++) {
		if (vm->links[i].obj == obj)
			return true;
	}
	return false;
}

/* The range that lies around gpa, or NULL. */
static const struct vmspace_link *
vmspace_find(const struct os_vmspace *vm, uint64_t gpa)
{
	size_t at;

	at = links_find(vm, gpa);
	if (at == vm->nlinks || vm->links[at].gpa > gpa)
		return NULL;
	return &vm->links[at];
}

/*
 * uvm_fault of an anonymous object waits for memory, which may be for ever
 * where swap is full or there is none: that is told beforehand.
 */
int
os_vmspace_fault(struct os_vmspace *vm, uint64_t gpa, int prot)
{
	const struct vmspace_link *link;
	int error;

	link = vmspace_find(vm, gpa);
	if (link == NULL || (prot & ~link->prot) != 0)
		return EFAULT;
	if (uvm_availmem(true) < uvmexp.freemin && !uvm_reclaimable())
		return ENOMEM;
	error = uvm_fault(&vm->vm->vm_map, trunc_page(gpa), vmspace_prot(prot));
	return error ? ENOMEM : 0;
}

/*
 * Where the tables lead to just now, or NULL: the four levels by hand, as
 * pmap_extract may sleep for a lock. A table that is being freed may show
 * anything, hence the look whether it is a page at all.
 */
static const uint8_t *
vmspace_look(const struct os_vmspace *vm, uint64_t gpa)
{
	const pt_entry_t *table;
	pt_entry_t entry;
	paddr_t pa;
	int shift;

	if (gpa >= vm->maxgpa)
		return NULL;
	pa = os_vmspace_root_pa(__UNCONST(vm));
	for (shift = L4_SHIFT; shift >= L1_SHIFT; shift -= 9) {
		table = (const pt_entry_t *)(vmspace_direct + pa);
		entry = os_atomic_load(&table[gpa >> shift & 0x1FF]);
		pa = entry & PTE_FRAME;
		if ((entry & PTE_P) == 0 || PHYS_TO_VM_PAGE(pa) == NULL)
			return NULL;
	}
	return (const uint8_t *)(vmspace_direct + pa);
}

/* Copy from within a page. => False: the tables have none. Never sleeps. */
static bool
vmspace_copy(const struct os_vmspace *vm, uint64_t gpa, void *buf, size_t size)
{
	const uint8_t *page, *again;

	again = vmspace_look(vm, gpa);
	do {
		page = again;
		if (page == NULL)
			return false;
		memcpy(buf, page + gpa % PAGE_SIZE, size);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		again = vmspace_look(vm, gpa);
	} while (again != page);
	return true;
}

int
os_vmspace_read(struct os_vmspace *vm, uint64_t gpa, void *buf, size_t size)
{
	uint8_t *p = buf;
	size_t n;
	int error;

	while (size != 0) {
		n = MIN(size, PAGE_SIZE - gpa % PAGE_SIZE);
		while (!vmspace_copy(vm, gpa, p, n)) {
			error = os_vmspace_fault(vm, gpa, NVMM_PROT_READ);
			if (error)
				return error;
		}
		gpa += n;
		p += n;
		size -= n;
	}
	return 0;
}

/* A copy of the page, as nothing keeps the page itself in place. */
const void *
os_vmspace_peek(struct os_vmspace *vm, uint64_t gpa)
{
	uint8_t *copy;
	size_t at = gpa % PAGE_SIZE;

	copy = netbsd_copy_page();
	if (copy == NULL || !vmspace_copy(vm, gpa, copy + at, PAGE_SIZE - at))
		return NULL;
	return copy + at;
}

uint64_t
os_vmspace_root_pa(struct os_vmspace *vm)
{

	return vm->vm->vm_map.pmap->pm_pdirpa[0];
}

uint64_t
os_vmspace_generation(const struct os_vmspace *vm)
{

	return os_atomic_load(&vm->generation);
}
