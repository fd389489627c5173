/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Memory objects on Linux: pages of the driver's own, which come when they are
 * first touched, by the owner's process or by a guest.
 *
 * Overview. An object has one word for each 2 MiB of it, its chunks. A chunk
 * is nothing yet, or a table of pages of 4 KiB, or one page of 2 MiB. The
 * owner's view is a mapping of a file without a name, made for it alone; the
 * kernel's own fault handling puts the pages in, as it does for any file, so
 * that get_user_pages, ptrace, MADV_POPULATE_WRITE, mprotect, mremap and munmap
 * all work. The view is not inherited by a child, and cannot grow.
 *
 * Life cycle. The object's references are the frontend's, one for each link of
 * a guest's address space, and one for the file. The file is held by the
 * owner's mappings and by nothing else: not by the device's file, which would
 * keep machines alive past its close. A view thus outlives its machine until
 * the owner unmaps it or dies, and keeps the module loaded meanwhile. Pages
 * never leave an object while it lives. A page that the kernel still uses at
 * the object's end (one pinned for I/O, say) lives on as long as that.
 *
 * Synchronization. None is needed: chunks and pages appear by compare and
 * exchange, and who comes second gives back what it made. So the fault handler,
 * called with the address space locked, takes no lock at all.
 */

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/refcount.h>
#include <linux/slab.h>

#include "linux.h"

/* In a chunk's word: this is a page of 2 MiB. */
#define CHUNK_HUGE	1UL
#define CHUNK_ORDER	9

struct os_vmobj {
	refcount_t refs;		/* (a) */
	bool fixed;			/* (c) the owner chose the view's place */
	size_t npages;			/* (c) */
	size_t nchunks;			/* (c) */
	atomic_long_t resident;		/* (a) pages of 4 KiB that exist */
	unsigned long chunk[];		/* (a) each goes from 0 to its value */
};

OS_CTASSERT(1 << CHUNK_ORDER == LINUX_CHUNK_PAGES);
OS_CTASSERT(OS_PAGE_SIZE == PAGE_SIZE);

int
os_vmobj_create(struct os_vmobj **objp, size_t size)
{
	struct os_vmobj *obj;
	size_t npages, nchunks;

	npages = size / OS_PAGE_SIZE;
	nchunks = DIV_ROUND_UP(npages, LINUX_CHUNK_PAGES);
	obj = kvzalloc(struct_size(obj, chunk, nchunks),
	    GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (obj == NULL)
		return ENOMEM;
	refcount_set(&obj->refs, 1);
	obj->npages = npages;
	obj->nchunks = nchunks;
	atomic_long_inc(&linux_held.objects);
	*objp = obj;
	return 0;
}

void
os_vmobj_hold(struct os_vmobj *obj)
{

	refcount_inc(&obj->refs);
}

/* Pages in a chunk: the last one of an object may be short. */
static size_t
chunk_pages(const struct os_vmobj *obj, size_t ci)
{

	return min_t(size_t, LINUX_CHUNK_PAGES,
	    obj->npages - ci * LINUX_CHUNK_PAGES);
}

static struct page **
chunk_table(unsigned long chunk)
{

	return (struct page **)chunk;
}

static struct page *
chunk_huge(unsigned long chunk)
{

	return (struct page *)(chunk & ~CHUNK_HUGE);
}

/* => No reference to the object is left. */
static void
chunk_free(const struct os_vmobj *obj, size_t ci)
{
	const unsigned long chunk = obj->chunk[ci];
	struct page **table;
	size_t i;

	if (chunk & CHUNK_HUGE) {
		put_page(chunk_huge(chunk));
		return;
	}
	table = chunk_table(chunk);
	for (i = 0; table != NULL && i < chunk_pages(obj, ci); i++) {
		if (table[i] != NULL)
			put_page(table[i]);
	}
	kfree(table);
}

void
os_vmobj_release(struct os_vmobj *obj)
{
	size_t ci;

	if (!refcount_dec_and_test(&obj->refs))
		return;
	for (ci = 0; ci < obj->nchunks; ci++) {
		if (obj->chunk[ci] != 0) {
			chunk_free(obj, ci);
			cond_resched();
		}
	}
	atomic_long_sub(atomic_long_read(&obj->resident), &linux_held.pages);
	atomic_long_dec(&linux_held.objects);
	kvfree(obj);
}

static void
vmobj_count(struct os_vmobj *obj, long npages)
{

	atomic_long_add(npages, &obj->resident);
	atomic_long_add(npages, &linux_held.pages);
}

/*
 * True if the chunk is all there: the one behind it is then touched in
 * sequence, and the next pages will be, too.
 */
static bool
chunk_full(struct os_vmobj *obj, size_t ci)
{
	const unsigned long chunk = smp_load_acquire(&obj->chunk[ci]);
	size_t i;

	if (chunk == 0 || (chunk & CHUNK_HUGE))
		return chunk != 0;
	for (i = LINUX_CHUNK_PAGES; i != 0; i--) {
		if (READ_ONCE(chunk_table(chunk)[i - 1]) == NULL)
			return false;
	}
	return true;
}

/* A chunk's value as one page, or 0: no such page is to be had at once. */
static unsigned long
chunk_make_huge(gfp_t gfp)
{
	struct page *page;

	gfp &= ~(__GFP_DIRECT_RECLAIM | __GFP_RETRY_MAYFAIL);
	page = alloc_pages(gfp | __GFP_COMP | __GFP_ZERO | __GFP_NOWARN,
	    CHUNK_ORDER);
	return page != NULL ? (unsigned long)page | CHUNK_HUGE : 0;
}

static void
chunk_discard(unsigned long chunk)
{

	if (chunk & CHUNK_HUGE)
		put_page(chunk_huge(chunk));
	else
		kfree(chunk_table(chunk));
}

/* The chunk's value, which is now one; 0 without memory. */
static unsigned long
chunk_make(struct os_vmobj *obj, size_t ci, gfp_t gfp)
{
	unsigned long chunk, old;

	chunk = 0;
	if (ci != 0 && chunk_pages(obj, ci) == LINUX_CHUNK_PAGES &&
	    chunk_full(obj, ci - 1))
		chunk = chunk_make_huge(gfp);
	if (chunk == 0)
		chunk = (unsigned long)kcalloc(chunk_pages(obj, ci),
		    sizeof(struct page *), gfp);
	if (chunk == 0)
		return 0;
	old = cmpxchg(&obj->chunk[ci], 0, chunk);
	if (old != 0) {
		chunk_discard(chunk);
		return old;
	}
	if (chunk & CHUNK_HUGE)
		vmobj_count(obj, LINUX_CHUNK_PAGES);
	return chunk;
}

/* The page of a table's slot, which is now one; NULL without memory. */
static struct page *
slot_make(struct os_vmobj *obj, struct page **slot, gfp_t gfp)
{
	struct page *page, *old;

	page = alloc_page(gfp | __GFP_ZERO);
	if (page == NULL)
		return NULL;
	old = cmpxchg(slot, NULL, page);
	if (old != NULL) {
		put_page(page);
		return old;
	}
	vmobj_count(obj, 1);
	return page;
}

struct page *
linux_vmobj_page(struct os_vmobj *obj, size_t index, gfp_t gfp)
{
	const size_t ci = index / LINUX_CHUNK_PAGES;
	const size_t i = index % LINUX_CHUNK_PAGES;
	unsigned long chunk;
	struct page *page, **slot;

	OS_ASSERT(index < obj->npages);
	chunk = smp_load_acquire(&obj->chunk[ci]);
	if (chunk == 0) {
		chunk = chunk_make(obj, ci, gfp);
		if (chunk == 0)
			return NULL;
	}
	if (chunk & CHUNK_HUGE)
		return nth_page(chunk_huge(chunk), i);
	slot = &chunk_table(chunk)[i];
	page = smp_load_acquire(slot);
	return page != NULL ? page : slot_make(obj, slot, gfp);
}

struct page *
linux_vmobj_peek(struct os_vmobj *obj, size_t index)
{
	const size_t i = index % LINUX_CHUNK_PAGES;
	unsigned long chunk;

	OS_ASSERT(index < obj->npages);
	chunk = smp_load_acquire(&obj->chunk[index / LINUX_CHUNK_PAGES]);
	if (chunk & CHUNK_HUGE)
		return nth_page(chunk_huge(chunk), i);
	return chunk != 0 ? smp_load_acquire(&chunk_table(chunk)[i]) : NULL;
}

/*
 * The owner touches its view. In user mode there is nobody to take an error,
 * so the kernel's own last resort for want of memory holds, as for any page of
 * a process; system calls, those that populate among them, get ENOMEM.
 */
static vm_fault_t
view_fault(struct vm_fault *vmf)
{
	struct os_vmobj *obj = vmf->vma->vm_file->private_data;
	struct page *page;
	gfp_t gfp;

	if (vmf->pgoff >= obj->npages)
		return VM_FAULT_SIGBUS;
	gfp = vmf->flags & FAULT_FLAG_USER ? GFP_KERNEL_ACCOUNT :
	    LINUX_GFP_GUEST;
	page = linux_vmobj_page(obj, vmf->pgoff, gfp);
	if (page == NULL)
		return VM_FAULT_OOM;
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct view_vm_ops = {
	.fault = view_fault,
};

static int
view_mmap(struct file *file, struct vm_area_struct *vma)
{
	const struct os_vmobj *obj = file->private_data;

	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff > obj->npages ||
	    vma_pages(vma) > obj->npages - vma->vm_pgoff)
		return -EINVAL;
	vma->vm_flags |= VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP;
	vma->vm_ops = &view_vm_ops;
	return 0;
}

static int
view_release(struct inode *inode, struct file *file)
{

	os_vmobj_release(file->private_data);
	return 0;
}

static const struct file_operations view_fops = {
	.owner = THIS_MODULE,
	.mmap = view_mmap,
	.release = view_release,
};

/*
 * The file is gone again once nothing maps it. => EINTR: the owner is being
 * killed.
 */
int
os_vmobj_map_user(struct os_file *of, struct os_vmobj *obj, uintptr_t *uaddr,
    size_t size, bool fixed)
{
	struct file *file;
	unsigned long addr;

	OS_ASSERT(os_file_is_current(of));
	file = anon_inode_getfile("[nvmm]", &view_fops, obj, O_RDWR);
	if (IS_ERR(file))
		return -PTR_ERR(file);
	os_vmobj_hold(obj);
	obj->fixed = fixed;
	addr = vm_mmap(file, fixed ? *uaddr : 0, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | (fixed ? MAP_FIXED : 0), 0);
	fput(file);
	if (IS_ERR_VALUE(addr))
		return -(long)addr;
	*uaddr = addr;
	return 0;
}

/*
 * A range that the owner chose stays reserved, without access, until it unmaps
 * it: otherwise another thread's mmap could land there, and the owner's munmap
 * would hit that.
 */
void
os_vmobj_unmap_user(struct os_file *of, struct os_vmobj *obj, uintptr_t uaddr,
    size_t size)
{
	unsigned long addr;

	OS_ASSERT(os_file_is_current(of));
	if (obj->fixed) {
		addr = vm_mmap(NULL, uaddr, size, PROT_NONE, MAP_PRIVATE |
		    MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, 0);
		if (!IS_ERR_VALUE(addr))
			return;
	}
	(void)vm_munmap(uaddr, size);
}

/* => For comm pages alone: each counts as a VCPU. */
int
os_vmobj_map_kernel(struct os_vmobj *obj, void **p)
{
	struct page *page;

	page = linux_vmobj_page(obj, 0, LINUX_GFP_GUEST);
	if (page == NULL)
		return ENOMEM;
	atomic_long_inc(&linux_held.vcpus);
	*p = page_address(page);
	return 0;
}

void
os_vmobj_unmap_kernel(struct os_vmobj *obj, void *p)
{

	OS_ASSERT(p == page_address(linux_vmobj_peek(obj, 0)));
	atomic_long_dec(&linux_held.vcpus);
}

uint64_t
os_vmobj_resident(struct os_vmobj *obj)
{

	return (uint64_t)atomic_long_read(&obj->resident) * OS_PAGE_SIZE;
}

/* => The page at 0 is nobody's. */
bool
os_uaddr_ok(uintptr_t uaddr, size_t size)
{

	return uaddr >= OS_PAGE_SIZE && uaddr < TASK_SIZE &&
	    size <= TASK_SIZE - uaddr;
}
