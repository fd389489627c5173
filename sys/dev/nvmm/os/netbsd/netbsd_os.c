/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The plain verbs on NetBSD: memory of the driver's own, copies from and to
 * the caller, time and locks.
 */

#include "netbsd.h"

#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/sched.h>
#include <sys/time.h>

#include <uvm/uvm_extern.h>
#include <uvm/uvm_page.h>

/* => Waits for memory rather than failing. */
void *
os_mem_zalloc(size_t size)
{

	return kmem_zalloc(size, KM_SLEEP);
}

void
os_mem_free(void *p, size_t size)
{

	if (p != NULL)
		kmem_free(p, size);
}

/* The pages of a list, mapped. => NULL: no room in the kernel's map. */
static void *
pages_map(const struct pglist *list, size_t npages)
{
	const struct vm_page *pg;
	vaddr_t va, next;

	va = uvm_km_alloc(kernel_map, npages * PAGE_SIZE, 0,
	    UVM_KMF_VAONLY | UVM_KMF_NOWAIT);
	if (va == 0)
		return NULL;
	next = va;
	TAILQ_FOREACH(pg, list, pageq.queue) {
		pmap_kenter_pa(next, VM_PAGE_TO_PHYS(pg), UVM_PROT_RW, 0);
		next += PAGE_SIZE;
	}
	pmap_update(pmap_kernel());
	return (void *)va;
}

/* A list of contiguous pages is sorted. */
void *
os_pages_zalloc(size_t npages, uint64_t *pa)
{
	struct pglist list;
	void *p;

	if (uvm_pglistalloc(npages * PAGE_SIZE, 0, ~(paddr_t)0, PAGE_SIZE, 0,
	    &list, 1, 0) != 0)
		return NULL;
	p = pages_map(&list, npages);
	if (p == NULL) {
		uvm_pglistfree(&list);
		return NULL;
	}
	*pa = VM_PAGE_TO_PHYS(TAILQ_FIRST(&list));
	memset(p, 0, npages * PAGE_SIZE);
	return p;
}

void
os_pages_free(void *p, size_t npages)
{
	struct pglist list;
	vaddr_t va = (vaddr_t)p;
	paddr_t pa;
	size_t i;

	if (p == NULL)
		return;
	if (!pmap_extract(pmap_kernel(), va, &pa))
		panic("nvmm: %s: %p is not mapped", __func__, p);
	pmap_kremove(va, npages * PAGE_SIZE);
	pmap_update(pmap_kernel());
	uvm_km_free(kernel_map, va, npages * PAGE_SIZE, UVM_KMF_VAONLY);
	TAILQ_INIT(&list);
	for (i = 0; i < npages; i++)
		TAILQ_INSERT_TAIL(&list, PHYS_TO_VM_PAGE(pa + i * PAGE_SIZE),
		    pageq.queue);
	uvm_pglistfree(&list);
}

int
os_copyin(const void *uaddr, void *kaddr, size_t len)
{

	return copyin(uaddr, kaddr, len);
}

int
os_copyout(const void *kaddr, void *uaddr, size_t len)
{

	return copyout(kaddr, uaddr, len);
}

uint64_t
os_ram_total(void)
{

	return (uint64_t)physmem * PAGE_SIZE;
}

bool
os_return_needed(void)
{

	return preempt_needed() || (curlwp->l_flag & LW_USERRET) != 0;
}

void
os_yield(void)
{

	(void)kpause("nvmmyld", false, 1, NULL);
}

int64_t
os_time_seconds(void)
{

	return time_second;
}

uint64_t
os_time_nanoseconds(void)
{
	struct timespec ts;

	nanouptime(&ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void
os_mutex_init(os_mutex_t *mtx)
{

	mutex_init(mtx, MUTEX_DEFAULT, IPL_NONE);
}

void
os_mutex_destroy(os_mutex_t *mtx)
{

	mutex_destroy(mtx);
}

void
os_mutex_lock(os_mutex_t *mtx)
{

	mutex_enter(mtx);
}

void
os_mutex_unlock(os_mutex_t *mtx)
{

	mutex_exit(mtx);
}

bool
os_mutex_owned(os_mutex_t *mtx)
{

	return mutex_owned(mtx);
}

void
os_cv_init(os_cv_t *cv)
{

	cv_init(cv, "nvmm");
}

void
os_cv_destroy(os_cv_t *cv)
{

	cv_destroy(cv);
}

void
os_cv_wait(os_cv_t *cv, os_mutex_t *mtx)
{

	cv_wait(cv, mtx);
}

void
os_cv_broadcast(os_cv_t *cv)
{

	cv_broadcast(cv);
}
