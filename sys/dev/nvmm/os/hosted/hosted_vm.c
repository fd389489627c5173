/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Memory of the hosted driver. An object is a shared anonymous mapping of the
 * driver's own, and mremap(2) gives the owner a second view of its pages: what
 * the owner unmaps, the guest does not miss. A guest-physical address space is
 * a sorted table of links. A change builds a new table and keeps the one
 * before until it is committed, so that taking it back cannot fail.
 */

#include <sys/mman.h>

#include <stdlib.h>
#include <unistd.h>

#include "nvmm_os.h"
#include "hosted_vm.h"

#include <dev/nvmm/nvmm.h>

/* Pages asked about in one mincore(2). */
#define RESIDENT_CHUNK	4096

struct os_vmobj {
	unsigned refs;		/* atomic */
	size_t size;
	uint8_t *host;		/* the driver's mapping */
	bool fixed;		/* the owner chose the place of its mapping */
};

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

static unsigned fail_at;		/* atomic; 0 never */
static unsigned fail_count;		/* atomic */
static size_t mem_held;			/* atomic */
static size_t vmobj_held;		/* atomic */

/* Count one allocation; true if the test wants it to fail. */
bool
hosted_fail_now(void)
{
	unsigned n;

	n = __atomic_add_fetch(&fail_count, 1, __ATOMIC_SEQ_CST);
	return n == os_atomic_load(&fail_at);
}

unsigned
hosted_fail_nth(unsigned nth)
{

	os_atomic_store(&fail_at, nth);
	return __atomic_exchange_n(&fail_count, 0, __ATOMIC_SEQ_CST);
}

size_t
hosted_mem_held(void)
{

	return os_atomic_load(&mem_held);
}

size_t
hosted_vmobj_held(void)
{

	return os_atomic_load(&vmobj_held);
}

void *
os_mem_zalloc(size_t size)
{
	void *p;

	OS_ASSERT(size != 0);
	if (hosted_fail_now())
		return NULL;
	p = calloc(1, size);
	if (p != NULL)
		__atomic_add_fetch(&mem_held, size, __ATOMIC_RELAXED);
	return p;
}

void
os_mem_free(void *p, size_t size)
{

	if (p == NULL)
		return;
	__atomic_sub_fetch(&mem_held, size, __ATOMIC_RELAXED);
	free(p);
}

/* => *objp holds one reference. */
int
os_vmobj_create(struct os_vmobj **objp, size_t size)
{
	struct os_vmobj *obj;
	void *host;

	OS_ASSERT(size != 0 && size % OS_PAGE_SIZE == 0);
	obj = os_mem_zalloc(sizeof(*obj));
	if (obj == NULL)
		return ENOMEM;
	host = MAP_FAILED;
	if (!hosted_fail_now())
		host = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (host == MAP_FAILED) {
		os_mem_free(obj, sizeof(*obj));
		return ENOMEM;
	}
	(void)madvise(host, size, MADV_DONTFORK);
	obj->refs = 1;
	obj->size = size;
	obj->host = host;
	__atomic_add_fetch(&vmobj_held, 1, __ATOMIC_RELAXED);
	*objp = obj;
	return 0;
}

void
os_vmobj_hold(struct os_vmobj *obj)
{

	__atomic_add_fetch(&obj->refs, 1, __ATOMIC_RELAXED);
}

void
os_vmobj_release(struct os_vmobj *obj)
{

	if (__atomic_sub_fetch(&obj->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	munmap(obj->host, obj->size);
	os_mem_free(obj, sizeof(*obj));
	__atomic_sub_fetch(&vmobj_held, 1, __ATOMIC_RELAXED);
}

/*
 * The owner's view of the object. With an old size of 0, mremap(2) duplicates
 * a shared mapping instead of moving it.
 */
int
os_vmobj_map_user(struct os_file *file, struct os_vmobj *obj, uintptr_t *uaddr,
    size_t size, bool fixed)
{
	void *p;

	OS_ASSERT(os_file_is_current(file));
	OS_ASSERT(size <= obj->size);
	if (hosted_fail_now())
		return ENOMEM;
	if (fixed)
		p = mremap(obj->host, 0, size, MREMAP_MAYMOVE | MREMAP_FIXED,
		    (void *)*uaddr);
	else
		p = mremap(obj->host, 0, size, MREMAP_MAYMOVE);
	if (p == MAP_FAILED)
		return errno;
	(void)madvise(p, size, MADV_DONTFORK);
	obj->fixed = fixed;
	*uaddr = (uintptr_t)p;
	return 0;
}

/*
 * End the owner's view. A range that the owner chose stays reserved, without
 * access, until it unmaps it: otherwise another thread's mmap could land
 * there, and the owner's munmap would hit that.
 */
void
os_vmobj_unmap_user(struct os_file *file, struct os_vmobj *obj,
    uintptr_t uaddr, size_t size)
{

	OS_ASSERT(os_file_is_current(file));
	if (obj->fixed)
		(void)mmap((void *)uaddr, size, PROT_NONE, MAP_PRIVATE |
		    MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	else
		(void)munmap((void *)uaddr, size);
}

int
os_vmobj_map_kernel(struct os_vmobj *obj, void **p)
{

	*p = obj->host;
	return 0;
}

void
os_vmobj_unmap_kernel(struct os_vmobj *obj, void *p)
{

	OS_ASSERT(p == obj->host);
}

/* Pages of [p, p + n pages) that exist, n at most RESIDENT_CHUNK. */
static size_t
resident_pages(uint8_t *p, size_t n, unsigned char *vec)
{
	size_t i, count;

	if (mincore(p, n * OS_PAGE_SIZE, vec) == -1)
		return 0;
	count = 0;
	for (i = 0; i < n; i++)
		count += vec[i] & 1;
	return count;
}

uint64_t
os_vmobj_resident(struct os_vmobj *obj)
{
	unsigned char vec[RESIDENT_CHUNK];
	size_t i, n, pages;
	uint64_t count;

	pages = obj->size / OS_PAGE_SIZE;
	count = 0;
	for (i = 0; i < pages; i += n) {
		n = pages - i;
		if (n > RESIDENT_CHUNK)
			n = RESIDENT_CHUNK;
		count += resident_pages(obj->host + i * OS_PAGE_SIZE, n, vec);
	}
	return count * OS_PAGE_SIZE;
}

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
	OS_ASSERT(off < obj->size && size <= obj->size - off);
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
			link.host = obj->host + off;
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
