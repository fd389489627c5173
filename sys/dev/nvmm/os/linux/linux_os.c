/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The plain verbs of nvmm_os.h on Linux: memory, copies, time, locks, and what
 * there is to know of the caller.
 */

#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/thread_info.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "linux.h"

struct linux_held linux_held;

unsigned linux_tsc_khz __ro_after_init;

void *
os_mem_zalloc(size_t size)
{
	void *p;

	p = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	if (p != NULL)
		atomic_long_inc(&linux_held.allocs);
	return p;
}

void
os_mem_free(void *p, size_t size)
{

	if (p == NULL)
		return;
	atomic_long_dec(&linux_held.allocs);
	kvfree(p);
}

/* => Physical addresses carry the bit that marks encrypted memory, if any. */
void *
os_pages_zalloc(size_t npages, uint64_t *pa)
{
	void *p;

	p = alloc_pages_exact(npages * OS_PAGE_SIZE,
	    GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (p == NULL)
		return NULL;
	atomic_long_add(npages, &linux_held.hwpages);
	*pa = __sme_set(virt_to_phys(p));
	return p;
}

void
os_pages_free(void *p, size_t npages)
{

	if (p == NULL)
		return;
	atomic_long_sub(npages, &linux_held.hwpages);
	free_pages_exact(p, npages * OS_PAGE_SIZE);
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

uint64_t
os_ram_total(void)
{

	return (uint64_t)totalram_pages() << PAGE_SHIFT;
}

void
os_yield(void)
{

	schedule_timeout_uninterruptible(1);
}

int64_t
os_time_seconds(void)
{

	return ktime_get_real_seconds();
}

/*
 * The kernel's own word is enough: a TSC whose rate changes, or that CPUs do not
 * agree on, it has found unstable by now. => Said once, as two clocks do not
 * compare.
 */
void __init
linux_time_init(void)
{

	if (!check_tsc_unstable())
		linux_tsc_khz = tsc_khz;
}

uint64_t
os_time_nanoseconds(void)
{

	return ktime_get_ns();
}

uint64_t
os_ticks_to_ns(uint64_t ticks)
{

	if (linux_tsc_khz == 0)
		return ticks;
	return mul_u64_u64_div_u64(ticks, 1000000, linux_tsc_khz);
}

/* Note who holds the lock, for the asserts. */
static void
os_mutex_mark(os_mutex_t *mtx, struct task_struct *owner)
{

#ifdef NVMM_DEBUG
	WRITE_ONCE(mtx->owner, owner);
#endif
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
	os_mutex_mark(mtx, current);
}

void
os_mutex_unlock(os_mutex_t *mtx)
{

	os_mutex_mark(mtx, NULL);
	mutex_unlock(&mtx->m);
}

/* => Asked by asserts only, which other builds do not evaluate. */
bool
os_mutex_owned(os_mutex_t *mtx)
{

#ifdef NVMM_DEBUG
	return READ_ONCE(mtx->owner) == current;
#else
	return mutex_is_locked(&mtx->m);
#endif
}

void
os_cv_destroy(os_cv_t *cv)
{
}

/*
 * => Signals do not end the wait: a claim that is waited for is kicked, so the
 *    wait is a short one.
 */
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
