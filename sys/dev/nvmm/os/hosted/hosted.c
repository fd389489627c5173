/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The hosted driver's door and what it takes from the operating system apart
 * from memory and locks. There is one owner, this process. A child that
 * inherits the driver finds its mark wiped and is refused: neither the guests'
 * memory nor the threads have followed it.
 */

#include <sys/mman.h>
#include <sys/types.h>

#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "nvmm_internal.h"
#include "nvmm_hosted.h"

static pthread_mutex_t hosted_lock = PTHREAD_MUTEX_INITIALIZER;
static bool hosted_opened;		/* hosted_lock; or the caller's order */
static struct os_file hosted_file;
static struct nvmm_owner hosted_owner = { .file = &hosted_file };
static const char *hosted_wanted;	/* hosted_lock */

/* A page that fork(2) wipes: 1 in the process that opened the driver. */
static volatile int *hosted_mark;

int
os_copyin(const void *uaddr, void *kaddr, size_t len)
{

	if (uaddr == NULL)
		return EFAULT;
	memcpy(kaddr, uaddr, len);
	return 0;
}

int
os_copyout(const void *kaddr, void *uaddr, size_t len)
{

	if (uaddr == NULL)
		return EFAULT;
	memcpy(uaddr, kaddr, len);
	return 0;
}

/* The mark spares a system call; where there is none, the pid decides. */
bool
os_file_is_current(struct os_file *file)
{

	if (hosted_mark != NULL && *hosted_mark == 0)
		return false;
	if (hosted_mark != NULL && file == &hosted_file)
		return true;
	return file->pid == getpid();
}

int
os_file_pid(struct os_file *file)
{

	return file->pid;
}

uint64_t
os_ram_total(void)
{

	return (uint64_t)sysconf(_SC_PHYS_PAGES) *
	    (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Signals reach the backend's own waits; there is no kernel to leave. */
bool
os_return_needed(void)
{

	return false;
}

void
os_yield(void)
{

	(void)sched_yield();
}

int64_t
os_time_seconds(void)
{

	return time(NULL);
}

uint64_t
os_time_nanoseconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Make the mark, at the first open. => The mark stays for good. */
static void
hosted_make_mark(void)
{
	void *p;

	if (hosted_mark != NULL)
		return;
	p = mmap(NULL, OS_PAGE_SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return;
	if (madvise(p, OS_PAGE_SIZE, MADV_WIPEONFORK) == -1) {
		munmap(p, OS_PAGE_SIZE);
		return;
	}
	hosted_mark = p;
	*hosted_mark = 1;
}

/* => hosted_lock held, not open. */
static int
hosted_start(bool root)
{
	int error;

	hosted_make_mark();
	hosted_file.pid = getpid();
	nvmm_param_backend = hosted_wanted;
	if (nvmm_param_backend == NULL)
		nvmm_param_backend = secure_getenv("NVMM_BACKEND");
	error = nvmm_attach();
	if (error)
		return error;
	error = nvmm_owner_open(&hosted_owner,
	    NVMM_OPEN_CLOEXEC | (root ? NVMM_OPEN_ROOT : 0));
	if (error)
		(void)nvmm_detach();
	return error;
}

int
nvmm_hosted_backend(const char *name)
{
	int error;

	pthread_mutex_lock(&hosted_lock);
	error = hosted_opened ? EBUSY : 0;
	if (!hosted_opened)
		hosted_wanted = name;
	pthread_mutex_unlock(&hosted_lock);
	return error;
}

int
nvmm_hosted_open(bool root)
{
	int error;

	if (hosted_mark != NULL && *hosted_mark == 0)
		return EPERM;
	pthread_mutex_lock(&hosted_lock);
	if (hosted_opened)
		error = hosted_owner.root == root ? 0 : EBUSY;
	else
		error = hosted_start(root);
	if (!error)
		os_atomic_store(&hosted_opened, true);
	pthread_mutex_unlock(&hosted_lock);
	return error;
}

/*
 * Whether a call may go on, as nvmm_ioctl() decides it. => EBADF: not open.
 *    EPERM: in a child. Async-signal-safe.
 */
static int
hosted_check(void)
{

	if (!os_atomic_load(&hosted_opened))
		return EBADF;
	return os_file_is_current(&hosted_file) ? 0 : EPERM;
}

int
nvmm_hosted_close(void)
{
	int error;

	error = hosted_check();
	if (error)
		return error;
	pthread_mutex_lock(&hosted_lock);
	nvmm_owner_close(&hosted_owner);
	error = nvmm_detach();
	if (!error)
		os_atomic_store(&hosted_opened, false);
	pthread_mutex_unlock(&hosted_lock);
	return error;
}

int
nvmm_hosted_request(unsigned long cmd, void *record)
{

	if (!os_atomic_load(&hosted_opened))
		return EBADF;
	return nvmm_ioctl(&hosted_owner, cmd, record);
}

int
nvmm_hosted_kick(nvmm_machid_t machid, nvmm_cpuid_t cpuid)
{
	int error;

	error = hosted_check();
	return error ? error : nvmm_machine_kick_unlocked(machid, cpuid);
}

int
nvmm_hosted_access(nvmm_machid_t machid, nvmm_cpuid_t cpuid,
    struct nvmm_access *access)
{
	const struct nvmm_ioc_vcpu ioc = { .machid = machid, .cpuid = cpuid };
	int error;

	error = hosted_check();
	if (error)
		return error;
	return nvmm_do_vcpu_access(&hosted_owner, &ioc, access);
}

int
nvmm_hosted_access_done(nvmm_machid_t machid, nvmm_cpuid_t cpuid,
    const struct nvmm_access *access)
{
	const struct nvmm_ioc_vcpu ioc = { .machid = machid, .cpuid = cpuid };
	int error;

	error = hosted_check();
	if (error)
		return error;
	return nvmm_do_vcpu_access_done(&hosted_owner, &ioc, access);
}
