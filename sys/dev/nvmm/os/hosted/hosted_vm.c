/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guest-physical address spaces of the hosted driver, each a sorted table of
 * links to memory objects. A change builds a new table and keeps the one
 * before until it is committed, so that taking it back cannot fail.
 */

#include "nvmm_os.h"
#include "hosted_vm.h"

#include <dev/nvmm/nvmm.h>

/* The links at one time; region and obj are parallel. */
struct hosted_table {
	size_t n;
	size_t max;
	struct hosted_region *region;
	struct os_vmobj **obj;	/* a reference each */
};

struct os_vmspace {
	uint64_t maxgpa;
	struct hosted_table *now;
	struct hosted_table *before;	/* NULL if nothing to commit */
};

/* The lower half of the address space, without the page at 0. */
bool
os_uaddr_ok(uintptr_t uaddr, size_t size)
{
	const uintptr_t end = (uintptr_t)1 << 47;

	return uaddr >= OS_PAGE_SIZE && uaddr < end && size <= end - uaddr;
}

/* A table with room for max links, or NULL. */
static struct hosted_table *
table_alloc(size_t max)
{
	struct hosted_table *t;

	t = os_mem_zalloc(sizeof(*t));
	if (t == NULL)
		return NULL;
	t->max = max;
	t->region = os_mem_zalloc(max * sizeof(*t->region));
	t->obj = os_mem_zalloc(max * sizeof(*t->obj));
	if (t->region != NULL && t->obj != NULL)
		return t;
	os_mem_free(t->region, max * sizeof(*t->region));
	os_mem_free(t->obj, max * sizeof(*t->obj));
	os_mem_free(t, sizeof(*t));
	return NULL;
}

static void
table_free(struct hosted_table *t)
{
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < t->n; i++)
		os_vmobj_release(t->obj[i]);
	os_mem_free(t->region, t->max * sizeof(*t->region));
	os_mem_free(t->obj, t->max * sizeof(*t->obj));
	os_mem_free(t, sizeof(*t));
}

/* Append the part [gpa, end) of a link. => Takes a reference to obj. */
static void
table_add(struct hosted_table *t, const struct hosted_region *r,
    struct os_vmobj *obj, uint64_t gpa, uint64_t end)
{
	struct hosted_region *new;

	OS_ASSERT(t->n < t->max);
	new = &t->region[t->n];
	new->gpa = gpa;
	new->size = end - gpa;
	new->host = r->host + (gpa - r->gpa);
	new->prot = r->prot;
	os_vmobj_hold(obj);
	t->obj[t->n++] = obj;
}

/* The table new is in force, the one before kept for an undo. */
static void
vmspace_change(struct os_vmspace *vm, struct hosted_table *new)
{

	OS_ASSERT(vm->before == NULL);
	vm->before = vm->now;
	vm->now = new;
}

int
os_vmspace_create(struct os_vmspace **vmp, uint64_t maxgpa)
{
	struct os_vmspace *vm;

	vm = os_mem_zalloc(sizeof(*vm));
	if (vm == NULL)
		return ENOMEM;
	vm->now = table_alloc(1);
	if (vm->now == NULL) {
		os_mem_free(vm, sizeof(*vm));
		return ENOMEM;
	}
	vm->maxgpa = maxgpa;
	*vmp = vm;
	return 0;
}

void
os_vmspace_destroy(struct os_vmspace *vm)
{

	table_free(vm->before);
	table_free(vm->now);
	os_mem_free(vm, sizeof(*vm));
}

/* The first link that ends above gpa, or n. */
static size_t
table_find(const struct hosted_table *t, uint64_t gpa)
{
	size_t lo, hi, mid;

	lo = 0;
	hi = t->n;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (t->region[mid].gpa + t->region[mid].size > gpa)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

int
os_vmspace_map(struct os_vmspace *vm, uint64_t gpa, size_t size,
    struct os_vmobj *obj, size_t off, int prot)
{
	struct hosted_table *old, *new;
	struct hosted_region link;
	size_t i, at;

	OS_ASSERT(gpa < vm->maxgpa && size <= vm->maxgpa - gpa);
	OS_ASSERT(off < hosted_vmobj_size(obj) &&
	    size <= hosted_vmobj_size(obj) - off);
	old = vm->now;
	at = table_find(old, gpa);
	if (at < old->n && old->region[at].gpa < gpa + size)
		return EISCONN;
	if (old->n >= OS_VMSPACE_LINKS)
		return ENOBUFS;
	new = table_alloc(old->n + 1);
	if (new == NULL)
		return ENOMEM;
	for (i = 0; i <= old->n; i++) {
		if (i == at) {
			link.gpa = gpa;
			link.host = hosted_vmobj_host(obj) + off;
			link.prot = prot;
			table_add(new, &link, obj, gpa, gpa + size);
		}
		if (i < old->n)
			table_add(new, &old->region[i], old->obj[i],
			    old->region[i].gpa,
			    old->region[i].gpa + old->region[i].size);
	}
	vmspace_change(vm, new);
	return 0;
}

/* A range may fall into the middle of a link and leave two. */
int
os_vmspace_unmap(struct os_vmspace *vm, uint64_t gpa, size_t size)
{
	const struct hosted_region *r;
	struct hosted_table *new;
	uint64_t end, rend;
	size_t i;

	end = gpa + size;
	new = table_alloc(vm->now->n + 1);
	if (new == NULL)
		return ENOMEM;
	for (i = 0; i < vm->now->n; i++) {
		r = &vm->now->region[i];
		rend = r->gpa + r->size;
		if (r->gpa < gpa)
			table_add(new, r, vm->now->obj[i], r->gpa,
			    rend < gpa ? rend : gpa);
		if (rend > end)
			table_add(new, r, vm->now->obj[i],
			    r->gpa > end ? r->gpa : end, rend);
	}
	if (new->n > OS_VMSPACE_LINKS) {
		table_free(new);
		return ENOBUFS;
	}
	vmspace_change(vm, new);
	return 0;
}

void
os_vmspace_commit(struct os_vmspace *vm)
{

	table_free(vm->before);
	vm->before = NULL;
}

void
os_vmspace_undo(struct os_vmspace *vm)
{

	OS_ASSERT(vm->before != NULL);
	table_free(vm->now);
	vm->now = vm->before;
	vm->before = NULL;
}

uint64_t
os_vmspace_linked(struct os_vmspace *vm)
{
	uint64_t sum;
	size_t i;

	sum = 0;
	for (i = 0; i < vm->now->n; i++)
		sum += vm->now->region[i].size;
	return sum;
}

bool
os_vmspace_links_to(struct os_vmspace *vm, const struct os_vmobj *obj)
{
	size_t i;

	for (i = 0; i < vm->now->n; i++) {
		if (vm->now->obj[i] == obj)
			return true;
	}
	return false;
}

/* The link that holds gpa, or NULL. */
static const struct hosted_region *
vmspace_lookup(const struct os_vmspace *vm, uint64_t gpa)
{
	size_t i;

	i = table_find(vm->now, gpa);
	if (i == vm->now->n || vm->now->region[i].gpa > gpa)
		return NULL;
	return &vm->now->region[i];
}

/* The host's own faults bring pages in; there is only the link to check. */
int
os_vmspace_fault(struct os_vmspace *vm, uint64_t gpa, int prot)
{
	const struct hosted_region *r;

	r = vmspace_lookup(vm, gpa);
	return r != NULL && (r->prot & prot) == prot ? 0 : EFAULT;
}

int
os_vmspace_read(struct os_vmspace *vm, uint64_t gpa, void *buf, size_t size)
{
	uint8_t *dst, *src;
	size_t len;

	for (dst = buf; size != 0; dst += len, gpa += len, size -= len) {
		src = hosted_vmspace_host(vm, gpa, &len);
		if (src == NULL)
			return EFAULT;
		if (len > size)
			len = size;
		memcpy(dst, src, len);
	}
	return 0;
}

/* No hardware walks these tables. */
uint64_t
os_vmspace_root_pa(struct os_vmspace *vm)
{

	(void)vm;
	return 0;
}

const struct hosted_region *
hosted_vmspace_regions(const struct os_vmspace *vm, size_t *n)
{

	*n = vm->now->n;
	return vm->now->region;
}

void *
hosted_vmspace_host(struct os_vmspace *vm, uint64_t gpa, size_t *len)
{
	const struct hosted_region *r;

	r = vmspace_lookup(vm, gpa);
	if (r == NULL)
		return NULL;
	*len = r->size - (gpa - r->gpa);
	return r->host + (gpa - r->gpa);
}
