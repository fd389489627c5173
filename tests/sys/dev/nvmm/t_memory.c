/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Memory: what hva_map puts at the owner's range, links and their splitting,
 * and that a change which the backend refuses is taken back.
 */

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "h_frontend.h"

/* The machine behind an id, for a look at its links. */
static const struct hosted_region *
regions(nvmm_machid_t m, size_t *n)
{
	const struct hosted_region *r;
	struct nvmm_machine *mach;

	ATF_REQUIRE_EQ(0, nvmm_machine_get(&h_first.owner, m, &mach));
	r = hosted_vmspace_regions(mach->vm, n);
	nvmm_machine_put(mach);
	return r;
}

static void
check_region(const struct hosted_region *r, uint64_t gpa, size_t size,
    int prot)
{

	ATF_CHECK_EQ(gpa, r->gpa);
	ATF_CHECK_EQ(size, r->size);
	ATF_CHECK_EQ(prot, r->prot);
}

static uint64_t
ram_linked(nvmm_machid_t m)
{
	struct nvmm_ctl_mach_info info = { .machid = m };

	ATF_REQUIRE_EQ(0, h_ctl(NVMM_CTL_MACH_INFO, &info, sizeof(info)));
	return info.nram;
}

CASE(hva_map_replaces_by_zeroes, "hva_map puts fresh memory over the range")
{
	char *p;

	h_start();
	p = mmap(NULL, MiB, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0);
	ATF_REQUIRE(p != MAP_FAILED);
	memset(p, 0x5A, MiB);
	ATF_REQUIRE_EQ(0, h_hva_map(h_machine(), (uintptr_t)p, MiB));
	ATF_CHECK_EQ(0, p[0]);
	ATF_CHECK_EQ(0, p[MiB - 1]);
	p[0] = 1;
	h_end();
}

CASE(guest_and_owner_share_pages, "what the owner writes the guest reads")
{
	const struct hosted_region *r;
	nvmm_machid_t m;
	uintptr_t hva;
	size_t n;

	h_start();
	m = h_machine();
	hva = h_memory(m, MiB);
	ATF_REQUIRE_EQ(0, h_gpa_map(m, hva + PAGE, 0x10000, PAGE, PROT_RWX));
	r = regions(m, &n);
	ATF_REQUIRE_EQ(1, n);
	check_region(&r[0], 0x10000, PAGE, PROT_RWX);
	((char *)hva)[PAGE + 5] = 'x';
	ATF_CHECK_EQ('x', r[0].host[5]);
	r[0].host[6] = 'y';
	ATF_CHECK_EQ('y', ((char *)hva)[PAGE + 6]);
	h_end();
}

CASE(owner_munmap_leaves_guest_memory, "the owner's munmap does not hurt")
{
	const struct hosted_region *r;
	nvmm_machid_t m;
	uintptr_t hva;
	size_t n;

	h_start();
	m = h_machine();
	hva = h_memory(m, MiB);
	ATF_REQUIRE_EQ(0, h_gpa_map(m, hva, 0, MiB, PROT_RWX));
	((char *)hva)[3] = 'x';
	ATF_REQUIRE_EQ(0, munmap((void *)hva, MiB));
	r = regions(m, &n);
	ATF_CHECK_EQ('x', r[0].host[3]);
	r[0].host[MiB - 1] = 1;
	h_end();
}

CASE(hva_unmap_leaves_linked_pages, "links keep the pages of an ended hva_map")
{
	const struct hosted_region *r;
	nvmm_machid_t m;
	uintptr_t hva;
	size_t n;

	h_start();
	m = h_machine();
	hva = h_memory(m, MiB);
	ATF_REQUIRE_EQ(0, h_gpa_map(m, hva, 0, MiB, PROT_RWX));
	((char *)hva)[3] = 'x';
	ATF_REQUIRE_EQ(0, h_hva_unmap(m, hva, MiB));
	r = regions(m, &n);
	ATF_REQUIRE_EQ(1, n);
	ATF_CHECK_EQ('x', r[0].host[3]);
	ATF_CHECK_EQ(1, hosted_vmobj_held());
	ATF_REQUIRE_EQ(0, h_gpa_unmap(m, 0, MiB));
	ATF_CHECK_EQ(0, hosted_vmobj_held());
	h_end();
}

CASE(hva_unmap_keeps_range_reserved, "no other mmap lands in the range")
{
	nvmm_machid_t m;
	uintptr_t hva;
	void *p;

	h_start();
	m = h_machine();
	hva = h_memory(m, MiB);
	ATF_REQUIRE_EQ(0, h_hva_unmap(m, hva, MiB));
	p = mmap((void *)hva, MiB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_FIXED_NOREPLACE, -1, 0);
	ATF_CHECK(p == MAP_FAILED);
	ATF_CHECK_EQ(0, munmap((void *)hva, MiB));
	h_end();
}

CASE(child_has_no_guest_memory, "a forked child does not see guest memory")
{
	uintptr_t hva;
	int status;
	pid_t pid;

	h_start();
	hva = h_memory(h_machine(), MiB);
	*(volatile char *)hva = 1;
	pid = fork();
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		_exit(*(volatile char *)hva);
	}
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	h_end();
}

CASE(unmap_in_the_middle_splits_link, "a hole leaves a link on either side")
{
	const struct hosted_region *r;
	nvmm_machid_t m;
	uintptr_t hva;
	size_t n;

	h_start();
	m = h_machine();
	hva = h_memory(m, 4 * PAGE);
	((char *)hva)[3 * PAGE] = 'x';
	ATF_REQUIRE_EQ(0, h_gpa_map(m, hva, MiB, 4 * PAGE, PROT_RWX));
	ATF_REQUIRE_EQ(0, h_gpa_unmap(m, MiB + PAGE, 2 * PAGE));
	r = regions(m, &n);
	ATF_REQUIRE_EQ(2, n);
	check_region(&r[0], MiB, PAGE, PROT_RWX);
	check_region(&r[1], MiB + 3 * PAGE, PAGE, PROT_RWX);
	ATF_CHECK_EQ('x', r[1].host[0]);
	ATF_CHECK_EQ(2 * PAGE, ram_linked(m));
	h_end();
}

CASE(unmap_over_many_links, "one unmap cuts two links and ends those between")
{
	const struct hosted_region *r;
	nvmm_machid_t m;
	uintptr_t hva;
	size_t n;
	int i;

	h_start();
	m = h_machine();
	hva = h_memory(m, 8 * PAGE);
	for (i = 3; i >= 0; i--)
		ATF_REQUIRE_EQ(0, h_gpa_map(m, hva + 2 * i * PAGE,
		    2 * i * PAGE, 2 * PAGE, NVMM_PROT_READ));
	ATF_REQUIRE_EQ(0, h_gpa_unmap(m, PAGE, 6 * PAGE));
	r = regions(m, &n);
	ATF_REQUIRE_EQ(2, n);
	check_region(&r[0], 0, PAGE, NVMM_PROT_READ);
	check_region(&r[1], 7 * PAGE, PAGE, NVMM_PROT_READ);
	/* And what is not linked does not matter. */
	ATF_CHECK_EQ(0, h_gpa_unmap(m, PAGE, 6 * PAGE));
	h_end();
}

CASE(same_memory_at_two_places, "one hva_map may be linked twice")
{
	const struct hosted_region *r;
	nvmm_machid_t m;
	uintptr_t hva;
	size_t n;

	h_start();
	m = h_machine();
	hva = h_memory(m, MiB);
	ATF_REQUIRE_EQ(0, h_gpa_map(m, hva, 0, MiB, PROT_RWX));
	ATF_REQUIRE_EQ(0, h_gpa_map(m, hva, GiB, MiB, NVMM_PROT_READ));
	r = regions(m, &n);
	ATF_REQUIRE_EQ(2, n);
	ATF_CHECK_EQ(r[0].host, r[1].host);
	ATF_CHECK_EQ(2 * MiB, ram_linked(m));
	h_end();
}

CASE(refused_link_is_taken_back, "a gpa_map that the backend refuses is undone")
{
	nvmm_machid_t m;
	uintptr_t hva;
	size_t n;

	h_start();
	m = h_machine();
	hva = h_memory(m, MiB);
	fake_fail("memory_changed", 1, ENOMEM);
	ATF_CHECK_EQ(ENOMEM, h_gpa_map(m, hva, 0, MiB, PROT_RWX));
	ATF_CHECK_EQ(2, fake_ncalls("memory_changed"));
	(void)regions(m, &n);
	ATF_CHECK_EQ(0, n);
	ATF_CHECK_EQ(0, ram_linked(m));
	ATF_CHECK_EQ(0, h_gpa_map(m, hva, 0, MiB, PROT_RWX));
	h_end();
}

CASE(refused_unlink_is_taken_back, "a gpa_unmap refused leaves the old links")
{
	const struct hosted_region *r;
	nvmm_machid_t m;
	uintptr_t hva;
	size_t n;

	h_start();
	m = h_machine();
	hva = h_memory(m, 4 * PAGE);
	((char *)hva)[PAGE] = 'x';
	ATF_REQUIRE_EQ(0, h_gpa_map(m, hva, 0, 4 * PAGE, NVMM_PROT_READ));
	ATF_REQUIRE_EQ(0, h_hva_unmap(m, hva, 4 * PAGE));
	fake_fail("memory_changed", 1, EIO);
	ATF_CHECK_EQ(EIO, h_gpa_unmap(m, PAGE, PAGE));
	r = regions(m, &n);
	ATF_REQUIRE_EQ(1, n);
	check_region(&r[0], 0, 4 * PAGE, NVMM_PROT_READ);
	ATF_CHECK_EQ('x', r[0].host[PAGE]);
	ATF_CHECK_EQ(4 * PAGE, ram_linked(m));
	h_end();
}

CASE(read_crosses_links, "the driver reads over a link's end, not over a hole")
{
	struct nvmm_machine *mach;
	nvmm_machid_t m;
	uintptr_t hva;
	char buf[8];

	h_start();
	m = h_machine();
	hva = h_memory(m, 3 * PAGE);
	memcpy((char *)hva + PAGE - 4, "abcd", 4);
	memcpy((char *)hva + 2 * PAGE, "efgh", 4);
	ATF_REQUIRE_EQ(0, h_gpa_map(m, hva, 0, PAGE, PROT_RWX));
	ATF_REQUIRE_EQ(0, h_gpa_map(m, hva + 2 * PAGE, PAGE, PAGE, PROT_RWX));
	ATF_REQUIRE_EQ(0, nvmm_machine_get(&h_first.owner, m, &mach));
	ATF_CHECK_EQ(0, os_vmspace_read(mach->vm, PAGE - 4, buf, 8));
	ATF_CHECK_EQ(0, memcmp(buf, "abcdefgh", 8));
	ATF_CHECK_EQ(EFAULT, os_vmspace_read(mach->vm, 2 * PAGE - 4, buf, 8));
	ATF_CHECK_EQ(0, os_vmspace_fault(mach->vm, 0, NVMM_PROT_WRITE));
	ATF_CHECK_EQ(EFAULT, os_vmspace_fault(mach->vm, 2 * PAGE,
	    NVMM_PROT_READ));
	nvmm_machine_put(mach);
	h_end();
}

CASE(destroy_leaves_what_came_after, "a machine's end clobbers no later mapping")
{
	nvmm_machid_t a, b;
	uintptr_t hva;
	char *p;

	h_start();
	a = h_machine();
	b = h_machine();
	hva = h_memory(a, MiB);
	/* The owner takes the range back, and gives it to another machine. */
	ATF_REQUIRE_EQ(0, h_hva_map(b, hva, MiB));
	p = (char *)hva;
	p[3] = 'x';
	ATF_REQUIRE_EQ(0, h_destroy(a));
	ATF_CHECK_EQ('x', p[3]);
	p = mmap((void *)hva, MiB, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	ATF_REQUIRE(p != MAP_FAILED);
	p[3] = 'y';
	ATF_REQUIRE_EQ(0, h_destroy(b));
	ATF_CHECK_EQ('y', p[3]);
	h_end();
}

static struct nvmm_machine *watched;	/* by the two below */
static int watched_locked;
static size_t counted;			/* bytes that mincore has looked at */

/* In the place of libc's: what the driver frees pages with. */
int
munmap(void *p, size_t len)
{

	if (watched != NULL)
		watched_locked |= os_mutex_owned(&watched->lock);
	return (int)syscall(SYS_munmap, p, len);
}

/* In the place of libc's: what the driver counts pages with. */
int
mincore(void *p, size_t len, unsigned char *vec)
{

	if (watched != NULL)
		watched_locked |= os_mutex_owned(&watched->lock);
	counted += len;
	return (int)syscall(SYS_mincore, p, len, vec);
}

CASE(resident_in_constant_time, "how much RAM has pages is told at once")
{
	struct nvmm_ctl_mach_memory mem = { 0 };
	volatile char *p;

	h_start();
	mem.machid = h_machine();
	p = (volatile char *)h_memory(mem.machid, GiB);
	p[0] = 1;
	p[GiB / 2] = 1;
	p[GiB - 1] = 1;
	counted = 0;
	ATF_REQUIRE_EQ(0, h_ctl(NVMM_CTL_MACH_MEMORY, &mem, sizeof(mem)));
	ATF_CHECK(mem.resident == 3 * PAGE || mem.resident == 6 * MiB);
	ATF_CHECK_MSG(counted <= MiB, "%zu bytes looked at", counted);
	h_end();
}

/* The lowest descriptor that is free. */
static int
next_fd(void)
{
	int fd;

	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ATF_REQUIRE(fd != -1);
	close(fd);
	return fd;
}

CASE(descriptors_come_back, "an object's descriptor goes with its last user")
{
	nvmm_machid_t m;
	uintptr_t hva;
	int fd;

	h_start();
	fd = next_fd();
	m = h_machine();
	hva = h_memory(m, 4 * MiB);
	ATF_REQUIRE_EQ(0, h_gpa_map(m, hva, 0, MiB, PROT_RWX));
	ATF_REQUIRE_EQ(0, h_hva_unmap(m, hva, 4 * MiB));
	ATF_REQUIRE_EQ(0, h_gpa_unmap(m, 0, MiB));
	ATF_CHECK_EQ(fd, next_fd());
	(void)h_memory(m, 4 * MiB);
	ATF_REQUIRE_EQ(0, h_destroy(m));
	ATF_CHECK_EQ(fd, next_fd());
	h_end();
}

/* An hva_map under a limit of the process's gives this error, and no signal. */
static void
check_limited(int resource, rlim_t limit, int error)
{
	struct rlimit rl, low;
	nvmm_machid_t m;
	uintptr_t hva;

	h_start();
	m = h_machine();
	hva = h_memory(m, 4 * MiB);
	ATF_REQUIRE_EQ(0, h_hva_unmap(m, hva, 4 * MiB));
	ATF_REQUIRE_EQ(0, getrlimit(resource, &rl));
	low = rl;
	low.rlim_cur = limit;
	ATF_REQUIRE_EQ(0, setrlimit(resource, &low));
	ATF_CHECK_EQ(error, h_hva_map(m, hva, 4 * MiB));
	ATF_REQUIRE_EQ(0, setrlimit(resource, &rl));
	ATF_CHECK_EQ(0, hosted_vmobj_held());
	ATF_CHECK_EQ(0, h_hva_map(m, hva, 4 * MiB));
	h_end();
}

CASE(no_descriptor_emfile, "without a descriptor no large object")
{

	check_limited(RLIMIT_NOFILE, 0, EMFILE);
}

CASE(file_size_limit_efbig, "a limit on files' sizes is an error, no signal")
{

	check_limited(RLIMIT_FSIZE, MiB, EFBIG);
}

CASE(memory_taken_without_lock, "no lock while pages are counted or freed")
{
	struct nvmm_ctl_mach_memory mem = { 0 };

	h_start();
	mem.machid = h_machine();
	h_memory(mem.machid, MiB);
	ATF_REQUIRE_EQ(0, nvmm_machine_get(&h_first.owner, mem.machid,
	    &watched));
	nvmm_machine_put(watched);
	ATF_REQUIRE_EQ(0, h_ctl(NVMM_CTL_MACH_MEMORY, &mem, sizeof(mem)));
	ATF_CHECK_EQ(0, watched_locked);
	ATF_REQUIRE_EQ(0, h_destroy(mem.machid));
	ATF_CHECK_EQ(0, hosted_vmobj_held());
	ATF_CHECK_EQ(0, watched_locked);
	h_end();
}

CASE(hva_map_lets_guest_run, "an hva_map parks no VCPU")
{
	struct nvmm_machine *mach;
	struct nvmm_cpu *vcpu;
	uintptr_t hva;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	h_cpu(0, 0);
	/* With the claim held, a park would never end. */
	ATF_REQUIRE_EQ(0, nvmm_vcpu_claim(&h_first.owner, 0, 0, &vcpu));
	hva = h_memory(0, PAGE);
	ATF_CHECK_EQ(EINVAL, h_gpa_map(0, hva, 1, PAGE, PROT_RWX));
	ATF_CHECK_EQ(EINVAL, h_gpa_unmap(0, 0, 1));
	ATF_CHECK_EQ(0, h_hva_unmap(0, hva, PAGE));
	ATF_CHECK_EQ(0, vcpu->kicked);
	nvmm_vcpu_release(vcpu);
	ATF_REQUIRE_EQ(0, nvmm_machine_get(&h_first.owner, 0, &mach));
	nvmm_machine_put(mach);
	h_end();
}

CASE(destroy_gives_pages_back, "no mapping of guest memory is left behind")
{
	struct nvmm_ctl_mach_memory mem = { 0 };
	nvmm_machid_t m;
	uintptr_t hva;

	h_start();
	m = h_machine();
	hva = h_memory(m, 8 * MiB);
	memset((void *)hva, 1, 8 * MiB);
	mem.machid = m;
	ATF_REQUIRE_EQ(0, h_ctl(NVMM_CTL_MACH_MEMORY, &mem, sizeof(mem)));
	ATF_CHECK_EQ(8 * MiB, mem.resident);
	ATF_REQUIRE_EQ(0, h_destroy(m));
	ATF_CHECK_EQ(0, hosted_vmobj_held());
	h_end();
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, hva_map_replaces_by_zeroes);
	ATF_TP_ADD_TC(tp, guest_and_owner_share_pages);
	ATF_TP_ADD_TC(tp, owner_munmap_leaves_guest_memory);
	ATF_TP_ADD_TC(tp, hva_unmap_leaves_linked_pages);
	ATF_TP_ADD_TC(tp, hva_unmap_keeps_range_reserved);
	ATF_TP_ADD_TC(tp, child_has_no_guest_memory);
	ATF_TP_ADD_TC(tp, unmap_in_the_middle_splits_link);
	ATF_TP_ADD_TC(tp, unmap_over_many_links);
	ATF_TP_ADD_TC(tp, same_memory_at_two_places);
	ATF_TP_ADD_TC(tp, refused_link_is_taken_back);
	ATF_TP_ADD_TC(tp, refused_unlink_is_taken_back);
	ATF_TP_ADD_TC(tp, read_crosses_links);
	ATF_TP_ADD_TC(tp, destroy_leaves_what_came_after);
	ATF_TP_ADD_TC(tp, memory_taken_without_lock);
	ATF_TP_ADD_TC(tp, resident_in_constant_time);
	ATF_TP_ADD_TC(tp, descriptors_come_back);
	ATF_TP_ADD_TC(tp, no_descriptor_emfile);
	ATF_TP_ADD_TC(tp, file_size_limit_efbig);
	ATF_TP_ADD_TC(tp, hva_map_lets_guest_run);
	ATF_TP_ADD_TC(tp, destroy_gives_pages_back);
	return atf_no_error();
}
