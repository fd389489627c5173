/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Memory objects of the hosted driver, and its allocator. An object is a
 * shared mapping of the driver's own, and mremap(2) gives the owner a second
 * view of its pages: what the owner unmaps, the guest does not miss. A large
 * object lies in a memfd(2), which knows its number of pages; comm pages and
 * other small ones take no descriptor, and their pages are looked at.
 */

#include <sys/mman.h>
#include <sys/stat.h>

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "nvmm_os.h"
#include "hosted_vm.h"

/* The largest object without a descriptor: whole pages, counted one by one. */
#define SMALL_MAX	(1024 * 1024)

/* A kernel may demand it; one that does not know it says EINVAL. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL	0x0008U
#endif

struct os_vmobj {
	unsigned refs;		/* atomic */
	size_t size;
	int fd;			/* of a large object, or -1 */
	uint8_t *host;		/* the driver's mapping */
	bool fixed;		/* the owner chose the place of its mapping */
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

/* ftruncate(2), with EFBIG but without SIGXFSZ where a limit forbids the size. */
static int
file_grow(int fd, size_t size)
{
	static const struct timespec now;
	sigset_t mask, pending, xfsz;
	int error;

	sigemptyset(&xfsz);
	sigaddset(&xfsz, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &xfsz, &mask);
	sigpending(&pending);
	error = ftruncate(fd, (off_t)size) == -1 ? errno : 0;
	/* The kernel sends it to this thread; one from before is not ours. */
	if (error == EFBIG && !sigismember(&pending, SIGXFSZ))
		(void)sigtimedwait(&xfsz, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	return error;
}

/* A file of size zeroes that is in no file system. */
static int
file_create(size_t size, int *fdp)
{
	int error, fd;

	fd = memfd_create("nvmm", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
	if (fd == -1 && errno == EINVAL)
		fd = memfd_create("nvmm", MFD_CLOEXEC);
	if (fd == -1)
		return errno;
	error = file_grow(fd, size);
	if (error) {
		close(fd);
		return error;
	}
	*fdp = fd;
	return 0;
}

/* The object's file, if it gets one, and the driver's mapping. */
static int
vmobj_init(struct os_vmobj *obj, size_t size)
{
	void *host;
	int error, flags;

	obj->fd = -1;
	flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
	if (size > SMALL_MAX) {
		error = file_create(size, &obj->fd);
		if (error)
			return error;
		flags = MAP_SHARED | MAP_NORESERVE;
	}
	host = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, obj->fd, 0);
	if (host == MAP_FAILED) {
		if (obj->fd != -1)
			close(obj->fd);
		return ENOMEM;
	}
	(void)madvise(host, size, MADV_DONTFORK);
	obj->refs = 1;
	obj->size = size;
	obj->host = host;
	return 0;
}

/*
 * => *objp holds one reference. EMFILE, ENFILE: no descriptor for a large
 *    object; EFBIG: over the process's limit on the size of files.
 */
int
os_vmobj_create(struct os_vmobj **objp, size_t size)
{
	struct os_vmobj *obj;
	int error;

	OS_ASSERT(size != 0 && size % OS_PAGE_SIZE == 0);
	obj = os_mem_zalloc(sizeof(*obj));
	if (obj == NULL)
		return ENOMEM;
	error = hosted_fail_now() ? ENOMEM : vmobj_init(obj, size);
	if (error) {
		os_mem_free(obj, sizeof(*obj));
		return error;
	}
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
	if (obj->fd != -1)
		close(obj->fd);
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

/* The bytes of a small object that have pages. */
static uint64_t
small_resident(const struct os_vmobj *obj)
{
	unsigned char vec[SMALL_MAX / OS_PAGE_SIZE];
	uint64_t count;
	size_t i;

	if (mincore(obj->host, obj->size, vec) == -1)
		return 0;
	count = 0;
	for (i = 0; i < obj->size / OS_PAGE_SIZE; i++)
		count += vec[i] & 1;
	return count * OS_PAGE_SIZE;
}

/* => In constant time, however large the object. */
uint64_t
os_vmobj_resident(struct os_vmobj *obj)
{
	struct stat st;

	if (obj->fd == -1)
		return small_resident(obj);
	if (fstat(obj->fd, &st) == -1)
		return 0;
	return (uint64_t)st.st_blocks * 512;
}

size_t
hosted_vmobj_size(const struct os_vmobj *obj)
{

	return obj->size;
}

uint8_t *
hosted_vmobj_host(const struct os_vmobj *obj)
{

	return obj->host;
}
