/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The frontend as a Linux module without a backend and without a device: to
 * see that it compiles and links in a kernel. Locks, memory, time and copies
 * are real; what needs the owner's address space or a guest's says ENOSYS.
 */

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "nvmm_internal.h"

void *
os_mem_zalloc(size_t size)
{

	return kvzalloc(size, GFP_KERNEL_ACCOUNT);
}

void
os_mem_free(void *p, size_t size)
{

	kvfree(p);
}

int
os_copyin(const void *uaddr, void *kaddr, size_t len)
{

	if (copy_from_user(kaddr, (const void __user *)uaddr, len) != 0)
		return EFAULT;
	return 0;
}

int
os_copyout(const void *kaddr, void *uaddr, size_t len)
{

	if (copy_to_user((void __user *)uaddr, kaddr, len) != 0)
		return EFAULT;
	return 0;
}

bool
os_file_is_current(struct os_file *file)
{

	return false;
}

int
os_file_pid(struct os_file *file)
{

	return 0;
}

uint64_t
os_ram_total(void)
{

	return (uint64_t)totalram_pages() << PAGE_SHIFT;
}

bool
os_return_needed(void)
{

	return signal_pending(current) || need_resched();
}

int64_t
os_time_seconds(void)
{

	return ktime_get_real_seconds();
}

uint64_t
os_time_nanoseconds(void)
{

	return ktime_get_ns();
}

void
os_mutex_destroy(os_mutex_t *mtx)
{

	mutex_destroy(&mtx->m);
}

void
os_mutex_lock(os_mutex_t *mtx)
{

	mutex_lock(&mtx->m);
	WRITE_ONCE(mtx->owner, current);
}

void
os_mutex_unlock(os_mutex_t *mtx)
{

	WRITE_ONCE(mtx->owner, NULL);
	mutex_unlock(&mtx->m);
}

bool
os_mutex_owned(os_mutex_t *mtx)
{

	return READ_ONCE(mtx->owner) == current;
}

void
os_cv_destroy(os_cv_t *cv)
{
}

void
os_cv_wait(os_cv_t *cv, os_mutex_t *mtx)
{
	DEFINE_WAIT(wait);

	prepare_to_wait(cv, &wait, TASK_UNINTERRUPTIBLE);
	os_mutex_unlock(mtx);
	schedule();
	finish_wait(cv, &wait);
	os_mutex_lock(mtx);
}

void
os_cv_broadcast(os_cv_t *cv)
{

	wake_up_all(cv);
}

int
os_vmobj_create(struct os_vmobj **objp, size_t size)
{

	return ENOSYS;
}

void
os_vmobj_hold(struct os_vmobj *obj)
{
}

void
os_vmobj_release(struct os_vmobj *obj)
{
}

int
os_vmobj_map_user(struct os_file *file, struct os_vmobj *obj, uintptr_t *uaddr,
    size_t size, bool fixed)
{

	return ENOSYS;
}

void
os_vmobj_unmap_user(struct os_file *file, struct os_vmobj *obj,
    uintptr_t uaddr, size_t size)
{
}

int
os_vmobj_map_kernel(struct os_vmobj *obj, void **p)
{

	return ENOSYS;
}

void
os_vmobj_unmap_kernel(struct os_vmobj *obj, void *p)
{
}

uint64_t
os_vmobj_resident(struct os_vmobj *obj)
{

	return 0;
}

bool
os_uaddr_ok(uintptr_t uaddr, size_t size)
{

	return access_ok((const void __user *)uaddr, size);
}

int
os_vmspace_create(struct os_vmspace **vmp, uint64_t maxgpa)
{

	return ENOSYS;
}

void
os_vmspace_destroy(struct os_vmspace *vm)
{
}

int
os_vmspace_map(struct os_vmspace *vm, uint64_t gpa, size_t size,
    struct os_vmobj *obj, size_t off, int prot)
{

	return ENOSYS;
}

int
os_vmspace_unmap(struct os_vmspace *vm, uint64_t gpa, size_t size)
{

	return ENOSYS;
}

void
os_vmspace_commit(struct os_vmspace *vm)
{
}

void
os_vmspace_undo(struct os_vmspace *vm)
{
}

uint64_t
os_vmspace_linked(struct os_vmspace *vm)
{

	return 0;
}

bool
os_vmspace_links_to(struct os_vmspace *vm, const struct os_vmobj *obj)
{

	return false;
}

int
os_vmspace_fault(struct os_vmspace *vm, uint64_t gpa, int prot)
{

	return ENOSYS;
}

int
os_vmspace_read(struct os_vmspace *vm, uint64_t gpa, void *buf, size_t size)
{

	return ENOSYS;
}

uint64_t
os_vmspace_root_pa(struct os_vmspace *vm)
{

	return 0;
}

/* No host can run this one. */
static int
stub_ident(void)
{

	return ENXIO;
}

static const struct nvmm_impl nvmm_stub = {
	.name = "stub",
	.ident = stub_ident,
};

const struct nvmm_impl *const nvmm_impls[] = {
	&nvmm_stub,
	NULL
};

/* Refers to every entry of the frontend; never gets past attach. */
static int __init
stub_init(void)
{
	struct nvmm_owner owner = { .file = NULL };
	int error;

	error = nvmm_attach();
	if (error)
		return -error;
	error = nvmm_owner_open(&owner, NVMM_OPEN_CLOEXEC);
	if (!error)
		nvmm_owner_close(&owner);
	(void)nvmm_ioctl(&owner, NVMM_IOC_CAPABILITY, NULL);
	return -nvmm_detach();
}

static void __exit
stub_exit(void)
{
}

module_init(stub_init);
module_exit(stub_exit);
MODULE_DESCRIPTION("NetBSD Virtual Machine Monitor, frontend only");
MODULE_LICENSE("Dual BSD/GPL");
