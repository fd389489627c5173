/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Memory objects on NetBSD: anonymous memory objects of uvm(9), pageable, with
 * views of the owner's that its children do not inherit. Each view holds the
 * memory by itself.
 */

#include "netbsd.h"

#include <sys/kmem.h>
#include <sys/proc.h>

#include <uvm/uvm_extern.h>
#include <uvm/uvm_object.h>

/* => *objp holds one reference. */
int
os_vmobj_create(struct os_vmobj **objp, size_t size)
{
	struct os_vmobj *obj;

	OS_ASSERT(size != 0 && size % PAGE_SIZE == 0);
	obj = kmem_zalloc(sizeof(*obj), KM_SLEEP);
	obj->uobj = uao_create(size, 0);
	obj->size = size;
	obj->refs = 1;
	*objp = obj;
	return 0;
}

void
os_vmobj_hold(struct os_vmobj *obj)
{

	atomic_inc_uint(&obj->refs);
}

void
os_vmobj_release(struct os_vmobj *obj)
{

	membar_release();
	if (atomic_dec_uint_nv(&obj->refs) != 0)
		return;
	membar_acquire();
	uao_detach(obj->uobj);
	kmem_free(obj, sizeof(*obj));
}

/* A view of [0, size) in a map. => Takes a reference for it. */
static int
vmobj_map(struct os_vmobj *obj, struct vm_map *map, vaddr_t *va, size_t size,
    vm_inherit_t inherit, int flags)
{
	int error;

	uao_reference(obj->uobj);
	error = uvm_map(map, va, size, obj->uobj, 0, 0,
	    UVM_MAPFLAG(UVM_PROT_RW, UVM_PROT_RW, inherit, UVM_ADV_NORMAL,
	    flags));
	if (error)
		uao_detach(obj->uobj);
	return error;
}

int
os_vmobj_map_user(struct os_file *file, struct os_vmobj *obj, uintptr_t *uaddr,
    size_t size, bool fixed)
{
	struct proc *p = curproc;
	struct vm_map *map = &p->p_vmspace->vm_map;
	vaddr_t va;
	int error;

	OS_ASSERT(os_file_is_current(file));
	OS_ASSERT(size <= obj->size);
	if (fixed)
		va = *uaddr;
	else
		va = (*p->p_emul->e_vm_default_addr)(p,
		    (vaddr_t)p->p_vmspace->vm_daddr, size,
		    map->flags & VM_MAP_TOPDOWN);
	error = vmobj_map(obj, map, &va, size, UVM_INH_NONE,
	    fixed ? UVM_FLAG_FIXED | UVM_FLAG_UNMAP : 0);
	if (!error)
		*uaddr = va;
	return error;
}

void
os_vmobj_unmap_user(struct os_file *file, struct os_vmobj *obj,
    uintptr_t uaddr, size_t size)
{

	OS_ASSERT(os_file_is_current(file));
	uvm_unmap(&curproc->p_vmspace->vm_map, uaddr, uaddr + size);
}

/* => Wired: it is read and written where a fault could not be served. */
int
os_vmobj_map_kernel(struct os_vmobj *obj, void **p)
{
	vaddr_t va;
	int error;

	va = vm_map_min(kernel_map);
	error = vmobj_map(obj, kernel_map, &va, PAGE_SIZE, UVM_INH_SHARE, 0);
	if (error)
		return error;
	error = uvm_map_pageable(kernel_map, va, va + PAGE_SIZE, false, 0);
	if (error) {
		uvm_unmap(kernel_map, va, va + PAGE_SIZE);
		return error;
	}
	*p = (void *)va;
	return 0;
}

void
os_vmobj_unmap_kernel(struct os_vmobj *obj, void *p)
{

	uvm_unmap(kernel_map, (vaddr_t)p, (vaddr_t)p + PAGE_SIZE);
}

uint64_t
os_vmobj_resident(struct os_vmobj *obj)
{

	return (uint64_t)os_atomic_load(&obj->uobj->uo_npages) * PAGE_SIZE;
}

/* => Never the page at 0, whatever vm.user_va0_disable says. */
bool
os_uaddr_ok(uintptr_t uaddr, size_t size)
{
	struct vm_map *map = &curproc->p_vmspace->vm_map;

	return uaddr >= PAGE_SIZE && uaddr >= vm_map_min(map) &&
	    uaddr < vm_map_max(map) && size <= vm_map_max(map) - uaddr;
}
