/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guest memory as its owner sees it on Linux: what it may do to its view, and
 * what becomes of the pages.
 */

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "h_linux.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif

/* A machine with size bytes at gpa 0. */
static uint8_t *
make_memory(struct h_machine *m, size_t size)
{
	uint8_t *p;

	h_make(m);
	p = h_range(size);
	ATF_REQUIRE_EQ(h_hva_map(m, p, size), 0);
	ATF_REQUIRE_EQ(h_gpa_map(m, p, 0, size, RWX), 0);
	return p;
}

/* Each page's first word, a mark of its number. */
static uint64_t *
mark(uint8_t *p, size_t page)
{

	return (uint64_t *)(p + page * PAGE);
}

static bool
all_zero(const uint8_t *p, size_t size)
{

	return p[0] == 0 && memcmp(p, p + 1, size - 1) == 0;
}

ATF_TC(lazy_and_zeroed);
ATF_TC_HEAD(lazy_and_zeroed, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "pages come when touched, zeroed, and are counted");
}
ATF_TC_BODY(lazy_and_zeroed, tc)
{
	struct h_machine m;
	uint8_t *p;
	long held;

	p = make_memory(&m, 64 * MIB);
	held = h_held("pages");
	ATF_CHECK_EQ(h_resident(&m), 0);
	ATF_CHECK(all_zero(p + 5 * PAGE, PAGE));
	ATF_CHECK(all_zero(p + 64 * MIB - PAGE, PAGE));
	ATF_CHECK_EQ(h_resident(&m), 2 * PAGE);
	ATF_CHECK_EQ(h_held("pages"), held + 2);
}

ATF_TC(view_and_guest_share);
ATF_TC_HEAD(view_and_guest_share, tc)
{
	atf_tc_set_md_var(tc, "descr", "owner and guest see the same pages");
}
ATF_TC_BODY(view_and_guest_share, tc)
{
	struct h_machine m;
	uint64_t data;
	uint8_t *p;

	h_need_backend("null");
	p = make_memory(&m, 4 * MIB);
	*mark(p, 7) = 7777;
	ATF_CHECK_EQ(h_fault(&m, 7 * PAGE, RW, &data), 0);
	ATF_CHECK_EQ(data, 7777);
	ATF_CHECK_EQ(h_fault(&m, 9 * PAGE, RW, &data), 0);
	ATF_CHECK_EQ(data, 0);
	*mark(p, 9) = 9999;
	ATF_CHECK(h_look(&m, 9 * PAGE, &data));
	ATF_CHECK_EQ(data, 9999);
	ATF_CHECK_EQ(h_resident(&m), 2 * PAGE);
}

ATF_TC(owner_munmaps);
ATF_TC_HEAD(owner_munmaps, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "what the owner unmaps behind the driver's back, the guest keeps");
}
ATF_TC_BODY(owner_munmaps, tc)
{
	struct h_machine m;
	uint64_t data;
	uint8_t *p;

	h_need_backend("null");
	p = make_memory(&m, 4 * MIB);
	*mark(p, 300) = 1234;
	ATF_REQUIRE_EQ(munmap(p + MIB, MIB), 0);
	ATF_REQUIRE_EQ(munmap(p, MIB), 0);
	ATF_REQUIRE_EQ(munmap(p + 2 * MIB, 2 * MIB), 0);
	ATF_CHECK_EQ(h_fault(&m, 300 * PAGE, RW, &data), 0);
	ATF_CHECK_EQ(data, 1234);
	ATF_CHECK_EQ(h_machine_destroy(m.fd, m.id), 0);
	ATF_CHECK_EQ(munmap(m.comm, PAGE), 0);
	h_require_nothing_held();
}

ATF_TC(owner_protects);
ATF_TC_HEAD(owner_protects, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "the owner takes rights from its view and gives them back");
}
ATF_TC_BODY(owner_protects, tc)
{
	struct h_machine m;
	uint8_t *p;

	p = make_memory(&m, MIB);
	*mark(p, 1) = 11;
	ATF_REQUIRE_EQ(mprotect(p, MIB, PROT_READ), 0);
	ATF_CHECK_EQ(*mark(p, 1), 11);
	ATF_CHECK_EQ(*mark(p, 2), 0);
	ATF_REQUIRE_EQ(mprotect(p, MIB, PROT_READ | PROT_WRITE), 0);
	*mark(p, 1) = 12;
	*mark(p, 2) = 22;
	ATF_REQUIRE_EQ(madvise(p, MIB, MADV_DONTNEED), 0);
	ATF_CHECK_EQ(*mark(p, 1), 12);
	ATF_CHECK_EQ(*mark(p, 2), 22);
	ATF_CHECK_EQ(h_resident(&m), 2 * PAGE);
}

ATF_TC(owner_moves);
ATF_TC_HEAD(owner_moves, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "the view can be moved, and not made to grow");
}
ATF_TC_BODY(owner_moves, tc)
{
	struct h_machine m;
	uint8_t *p, *to;

	p = make_memory(&m, MIB);
	*mark(p, 255) = 255;
	ATF_CHECK(mremap(p, MIB, 2 * MIB, MREMAP_MAYMOVE) == MAP_FAILED);
	to = h_range(2 * MIB);
	ATF_REQUIRE(mremap(p, MIB, MIB, MREMAP_MAYMOVE | MREMAP_FIXED, to) ==
	    to);
	ATF_CHECK_EQ(*mark(to, 255), 255);
	ATF_CHECK_EQ(munmap(to, MIB), 0);
}

ATF_TC(hva_unmap_reserves);
ATF_TC_HEAD(hva_unmap_reserves, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "hva_unmap leaves the range without access, the guest its pages");
}
ATF_TC_BODY(hva_unmap_reserves, tc)
{
	struct h_machine m;
	uint8_t *p;
	int fds[2];

	p = make_memory(&m, MIB);
	*mark(p, 3) = 33;
	ATF_CHECK_EQ(h_hva_unmap(&m, p, MIB), 0);
	ATF_REQUIRE_EQ(pipe(fds), 0);
	ATF_CHECK_ERRNO(EFAULT, write(fds[1], p, 1) == -1);
	ATF_CHECK_EQ(h_held("objects"), 2);
	ATF_CHECK(mmap(p, MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED);
	ATF_CHECK_EQ(h_resident(&m), PAGE);
	ATF_CHECK_EQ(h_gpa_unmap(&m, 0, MIB), 0);
	ATF_CHECK_EQ(h_held("objects"), 1);
}

ATF_TC(view_outlives_machine);
ATF_TC_HEAD(view_outlives_machine, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "the view and its pages stay until the owner unmaps them");
}
ATF_TC_BODY(view_outlives_machine, tc)
{
	struct h_machine m;
	uint8_t *p;
	long hw;

	hw = h_held("hwpages");
	p = make_memory(&m, 8 * MIB);
	*mark(p, 0) = 42;
	ATF_REQUIRE_EQ(h_machine_destroy(m.fd, m.id), 0);
	close(m.fd);
	ATF_CHECK_EQ(h_held("machines"), 0);
	ATF_CHECK_EQ(h_held("hwpages"), hw);
	ATF_CHECK_EQ(*mark(p, 0), 42);
	*mark(p, 1000) = 43;
	ATF_CHECK_EQ(h_held("pages"), 3);
	ATF_CHECK_EQ(munmap(p, 8 * MIB), 0);
	ATF_CHECK_EQ(munmap(m.comm, PAGE), 0);
	h_require_nothing_held();
}

ATF_TC(populated_in_sequence);
ATF_TC_HEAD(populated_in_sequence, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "a range populated at once is all there, each page its own");
}
ATF_TC_BODY(populated_in_sequence, tc)
{
	const size_t size = 64 * MIB;
	struct h_machine m;
	uint8_t *p;
	size_t i;

	p = make_memory(&m, size);
	ATF_REQUIRE_EQ(madvise(p, size, MADV_POPULATE_WRITE), 0);
	ATF_CHECK_EQ(h_resident(&m), size);
	ATF_CHECK(all_zero(p, size));
	for (i = 0; i < size / PAGE; i++)
		*mark(p, i) = i + 1;
	for (i = 0; i < size / PAGE; i++)
		ATF_REQUIRE_EQ(*mark(p, i), i + 1);
	ATF_CHECK_EQ(h_machine_destroy(m.fd, m.id), 0);
	ATF_CHECK_EQ(munmap(p, size), 0);
	ATF_CHECK_EQ(munmap(m.comm, PAGE), 0);
	h_require_nothing_held();
}

ATF_TC(pinned_page_survives);
ATF_TC_HEAD(pinned_page_survives, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "a page lent to a pipe outlives the memory it was part of");
}
ATF_TC_BODY(pinned_page_survives, tc)
{
	struct h_machine m;
	struct iovec iov;
	uint8_t *p;
	char got[6];
	int fds[2];

	p = make_memory(&m, MIB);
	memcpy(p, "guest", 6);
	iov.iov_base = p;
	iov.iov_len = 6;
	ATF_REQUIRE_EQ(pipe(fds), 0);
	ATF_REQUIRE_EQ(vmsplice(fds[1], &iov, 1, 0), 6);
	ATF_CHECK_EQ(h_machine_destroy(m.fd, m.id), 0);
	ATF_CHECK_EQ(munmap(p, MIB), 0);
	ATF_CHECK_EQ(munmap(m.comm, PAGE), 0);
	h_require_nothing_held();
	ATF_REQUIRE_EQ(read(fds[0], got, 6), 6);
	ATF_CHECK_STREQ(got, "guest");
}

ATF_TC(ceiling);
ATF_TC_HEAD(ceiling, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "above max_ram there is ENOMEM, and what exists goes on");
}
ATF_TC_BODY(ceiling, tc)
{
	struct h_machine m, other;
	size_t size;
	uint8_t *p;
	long limit;

	limit = h_held("max_ram");
	if (limit == 0)
		atf_tc_skip("the module has no parameter max_ram");
	size = (size_t)limit * MIB;
	p = make_memory(&m, size - MIB);
	h_make(&other);
	ATF_CHECK_EQ(h_hva_map(&other, h_range(2 * MIB), 2 * MIB), ENOMEM);
	ATF_CHECK_EQ(h_hva_map(&other, h_range(2 * MIB), MIB), 0);
	ATF_CHECK_EQ(h_hva_map(&m, h_range(2 * MIB), PAGE), ENOMEM);
	*mark(p, 1) = 1;
	ATF_CHECK_EQ(h_machine_destroy(other.fd, other.id), 0);
	ATF_CHECK_EQ(h_hva_map(&m, h_range(2 * MIB), MIB), 0);
}

static void
write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY);
	ATF_REQUIRE_MSG(fd != -1, "%s: %s", path, strerror(errno));
	ATF_REQUIRE_MSG(write(fd, text, strlen(text)) == (ssize_t)strlen(text),
	    "%s: %s", path, strerror(errno));
	close(fd);
}

/* In a group that may have little memory. */
static void
child_without_memory(struct h_child *child, void *arg)
{
	struct h_machine m;
	uint64_t data;
	uint8_t *p;
	size_t i;

	(void)child;
	write_file(arg, "cgroup.procs", "0");
	h_make(&m);
	p = h_range(64 * MIB);
	if (h_hva_map(&m, p, 64 * MIB) != 0 ||
	    h_gpa_map(&m, p, 0, 64 * MIB, RWX) != 0)
		_exit(1);
	if (madvise(p, 64 * MIB, MADV_POPULATE_WRITE) != -1 ||
	    errno != ENOMEM)
		_exit(2);
	for (i = 0; i < 16384; i++) {
		switch (h_fault(&m, i * PAGE, RW, &data)) {
		case 0:
			break;
		case ENOMEM:
			if (h_machine_destroy(m.fd, m.id) != 0 ||
			    munmap(p, 64 * MIB) == -1)
				_exit(5);
			return;
		default:
			_exit(3);
		}
	}
	_exit(4);
}

ATF_TC(no_memory);
ATF_TC_HEAD(no_memory, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "out of its group's memory, populating and guests get ENOMEM");
}
ATF_TC_BODY(no_memory, tc)
{
	static char group[] = "cg/small";
	struct h_child child;

	h_need_backend("null");
	ATF_REQUIRE_EQ(mkdir("cg", 0755), 0);
	ATF_REQUIRE_EQ(mount("none", "cg", "cgroup2", 0, NULL), 0);
	write_file("cg", "cgroup.subtree_control", "+memory");
	ATF_REQUIRE_EQ(mkdir(group, 0755), 0);
	write_file(group, "memory.max", "20M");
	child = h_fork(child_without_memory, group);
	h_wait_ready(&child);
	h_reap(&child, 0);
	h_require_nothing_held();
	ATF_CHECK_EQ(rmdir(group), 0);
	ATF_CHECK_EQ(umount("cg"), 0);
}

ATF_TP_ADD_TCS(tp)
{

	h_begin();
	ATF_TP_ADD_TC(tp, lazy_and_zeroed);
	ATF_TP_ADD_TC(tp, view_and_guest_share);
	ATF_TP_ADD_TC(tp, owner_munmaps);
	ATF_TP_ADD_TC(tp, owner_protects);
	ATF_TP_ADD_TC(tp, owner_moves);
	ATF_TP_ADD_TC(tp, hva_unmap_reserves);
	ATF_TP_ADD_TC(tp, view_outlives_machine);
	ATF_TP_ADD_TC(tp, populated_in_sequence);
	ATF_TP_ADD_TC(tp, pinned_page_survives);
	ATF_TP_ADD_TC(tp, ceiling);
	ATF_TP_ADD_TC(tp, no_memory);
	return atf_no_error();
}
