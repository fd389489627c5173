/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The verbs that the driver's core and its backends ask of the operating
 * system. Each OS has one full implementation, os/<os>/nvmm_osdep.h and the
 * files beside it, picked by the include path. Verbs that return int return 0
 * or a positive errno. Unless said otherwise a verb may sleep and is called
 * without spin locks held.
 *
 * Types that nvmm_osdep.h defines: os_mutex_t, os_cv_t, struct os_vmspace,
 * struct os_vmobj, struct os_file. It also gives the fixed-width integer
 * types, bool, NULL, errno values, memcpy, memset and strcmp, and as inline
 * functions or macros:
 *
 *   OS_ASSERT(e)		checked in the hosted build and debug kernels
 *   OS_CTASSERT(e)		checked by the compiler
 *   OS_PAGE_SIZE		bytes
 *
 *   unsigned os_atomic_swap(volatile int *, int)	full barrier
 *   int os_atomic_add(volatile int *, int)	full barrier; gives the sum
 *   os_atomic_load(p), os_atomic_store(p, v)		acquire, release
 */

#ifndef _DEV_NVMM_NVMM_OS_H_
#define _DEV_NVMM_NVMM_OS_H_

#include "nvmm_osdep.h"

/* -- Memory of the driver's own ---------------------------------------- */

/* Zeroed memory of 1 byte or more, or NULL. */
void	*os_mem_zalloc(size_t);
/* => Takes the size that was asked for. NULL is allowed. */
void	os_mem_free(void *, size_t);

/* -- The caller of a request ------------------------------------------- */

int	os_copyin(const void *uaddr, void *kaddr, size_t len);
int	os_copyout(const void *kaddr, void *uaddr, size_t len);
/* True if the current address space is the one that opened the file. */
bool	os_file_is_current(struct os_file *);
/* The process that opened the file. */
int	os_file_pid(struct os_file *);
/* Bytes of memory that the host has. */
uint64_t os_ram_total(void);
/* Let others run for a moment, in a wait for what must come soon. */
void	os_yield(void);
/* True when the caller should leave the kernel: a signal, a reschedule. */
#ifndef os_return_needed
bool	os_return_needed(void);
#endif

/* -- Time ---------------------------------------------------------------- */

int64_t	os_time_seconds(void);		/* since the Epoch */
uint64_t os_time_nanoseconds(void);	/* monotonic */
/*
 * For intervals on a hot path: a clock that is cheap to read, and what an
 * interval of it is in nanoseconds. Nanoseconds where there is none.
 */
#ifndef os_time_ticks
#define os_time_ticks()		os_time_nanoseconds()
#define os_ticks_to_ns(t)	(t)
#endif

/* -- Locks: sleepable, with an owner -------------------------------------- */

/*
 * The two inits may be macros: some systems tell classes of locks by the place
 * of their initialization.
 */
#ifndef os_mutex_init
void	os_mutex_init(os_mutex_t *);
#endif
void	os_mutex_destroy(os_mutex_t *);
void	os_mutex_lock(os_mutex_t *);
void	os_mutex_unlock(os_mutex_t *);
bool	os_mutex_owned(os_mutex_t *);	/* for OS_ASSERT only */
#ifndef os_cv_init
void	os_cv_init(os_cv_t *);
#endif
void	os_cv_destroy(os_cv_t *);
void	os_cv_wait(os_cv_t *, os_mutex_t *);
void	os_cv_broadcast(os_cv_t *);

/* -- Memory objects: what hva_map and the comm pages are made of ------------ */

/* Zeroed shared memory of size bytes. => One reference. */
int	os_vmobj_create(struct os_vmobj **, size_t);
void	os_vmobj_hold(struct os_vmobj *);
/*
 * => Drops a reference. The pages are freed once neither a reference nor a
 *    view of the owner's is left.
 */
void	os_vmobj_release(struct os_vmobj *);
/*
 * Map [0, size) of the object into the file's owner: at *uaddr, whatever lay
 * there, if fixed; else anywhere, and *uaddr tells where. => The caller is the
 * owner. The view is the owner's from then on: it stays, with the pages behind
 * it, whatever becomes of the object, until the owner unmaps it or dies.
 */
int	os_vmobj_map_user(struct os_file *, struct os_vmobj *, uintptr_t *uaddr,
	    size_t, bool fixed);
/*
 * End the owner's view at its own word. => The caller is the owner, in its own
 * context, within the request that says so (hva_unmap), or within the one that
 * made the view and failed before telling of it (vcpu_create). Never from a
 * teardown: the range may long hold something else.
 */
void	os_vmobj_unmap_user(struct os_file *, struct os_vmobj *, uintptr_t,
	    size_t);
/* Map the object's first page for the driver. */
int	os_vmobj_map_kernel(struct os_vmobj *, void **);
void	os_vmobj_unmap_kernel(struct os_vmobj *, void *);
/* Bytes of the object that have pages. */
uint64_t os_vmobj_resident(struct os_vmobj *);
/* True if [uaddr, uaddr + size) is a range that the caller may map over. */
bool	os_uaddr_ok(uintptr_t, size_t);

/* -- Host CPUs and their registers: kernels only ------------------------------ */

/*
 * A backend that runs guests on the hardware itself does so within a region,
 * from os_guest_enter() to os_guest_leave(): the thread stays on its CPU and is
 * not preempted, the FPU's registers are the caller's to clobber (the thread's
 * own have been saved), host interrupts come but nothing that they defer runs
 * before the region's end. No verb that may sleep is called inside. Host
 * extended state is the thread's again after os_guest_leave(), XCR0 and PKRU
 * excepted: who changes these puts them back.
 */
void	os_guest_enter(void);
void	os_guest_leave(void);

/*
 * True within a region that should end: when the caller should leave the kernel,
 * and when the host has put something off for the region's sake.
 */
#ifndef os_guest_leave_needed
#define os_guest_leave_needed()	os_return_needed()
#endif
/* Between two regions: what the kernel wants of a thread that stays in it long. */
#ifndef os_guest_pause
#define os_guest_pause()	((void)0)
#endif
/*
 * A machine check came while a guest ran: have the host's own handler see it,
 * as one of the caller's in user mode where the host tells them apart.
 */
void	os_machine_check(void);

/* All CPU numbers are below this. */
unsigned os_cpu_max(void);
/* The CPU that the caller runs on. => Within a region, or os_cpu_call. */
#ifndef os_cpu_current
unsigned os_cpu_current(void);
#endif
/*
 * Call the function on every CPU that is online, interrupts off, and wait.
 * => 0, or what one of the calls returned that was not 0. No CPU comes or goes
 *    meanwhile. CPUs that come and go later are announced by the OS layer
 *    through nvmm_cpu_online() and nvmm_cpu_offline().
 */
int	os_cpu_call(int (*)(void *), void *);
/*
 * Interrupt the CPU, so that a guest on it exits; what it was doing otherwise
 * goes on. On the caller's own CPU, with interrupts held off, the interrupt waits
 * for the guest. => Never waits. Locks may be held, spin locks too.
 */
void	os_cpu_interrupt(unsigned cpu);

/*
 * Whole zeroed pages, physically contiguous, mapped for the driver; NULL
 * without memory. *pa is the physical address of the first.
 */
void	*os_pages_zalloc(size_t npages, uint64_t *pa);
void	os_pages_free(void *, size_t npages);

/* -- Guest-physical address spaces ------------------------------------------ */

/* Links that one address space may have; each costs the driver memory. */
#define OS_VMSPACE_LINKS	4096

int	os_vmspace_create(struct os_vmspace **, uint64_t maxgpa);
void	os_vmspace_destroy(struct os_vmspace *);
/*
 * Link [gpa, gpa + size) to [off, off + size) of the object with NVMM_PROT_*.
 * => Takes a reference to the object. Ranges already linked: EISCONN. More
 *    than OS_VMSPACE_LINKS: ENOBUFS.
 */
int	os_vmspace_map(struct os_vmspace *, uint64_t gpa, size_t size,
	    struct os_vmobj *, size_t off, int prot);
/*
 * Unlink the range, which may cover parts of links. On return no CPU can
 * reach the pages any more. => ENOBUFS: a split would make too many links.
 */
int	os_vmspace_unmap(struct os_vmspace *, uint64_t gpa, size_t size);
/*
 * The last map or unmap is in force in the hardware's tables too, and what it
 * unlinked may be freed; or else it is taken back, which cannot fail. One of
 * the two follows each map and unmap. Where the OS's tables are the hardware's,
 * commit has nothing to do and undo is never called.
 */
void	os_vmspace_commit(struct os_vmspace *);
void	os_vmspace_undo(struct os_vmspace *);
/* Bytes linked. */
uint64_t os_vmspace_linked(struct os_vmspace *);
/* True if some link leads to the object. */
bool	os_vmspace_links_to(struct os_vmspace *, const struct os_vmobj *);
/*
 * Serve a nested fault. EFAULT: nothing is linked there that allows prot;
 * ENOMEM: no memory for a page of a linked range.
 */
int	os_vmspace_fault(struct os_vmspace *, uint64_t gpa, int prot);
/* Copy from guest-physical memory; EFAULT where nothing is linked. */
int	os_vmspace_read(struct os_vmspace *, uint64_t gpa, void *, size_t);
/*
 * The physical address of the root table for the hardware: long mode with as
 * many levels as the host's own paging has, every entry with the user bit.
 */
uint64_t os_vmspace_root_pa(struct os_vmspace *);
/*
 * A number that grows whenever entries of the hardware's tables have been taken
 * away or lost rights. Who enters a guest reads it with interrupts held off,
 * and lets the guest not run before it has flushed what its TLB may hold from
 * an older number. Growth comes before the pages are freed; where it may come
 * while guests run, it is followed by os_cpu_interrupt of all of them.
 */
uint64_t os_vmspace_generation(const struct os_vmspace *);
/*
 * The driver's view of the page that holds gpa, at gpa's offset, to read; NULL
 * where the hardware's tables have none just now. => Never sleeps. Good until
 * the next call on this CPU, in the region or the claim that it is called in;
 * where OS_PEEK_LASTS, it is the page itself and good until the generation
 * grows.
 */
const void *os_vmspace_peek(struct os_vmspace *, uint64_t gpa);
#ifndef OS_PEEK_LASTS
#define OS_PEEK_LASTS	0
#endif

#endif /* _DEV_NVMM_NVMM_OS_H_ */
