/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The gate to guest memory, at each edge of RAM and of the hole; a host
 * without pages is an error and no signal; and sizes as people write them.
 */

#include <sys/mman.h>

#include <atf-c.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "guest_abi.h"
#include "h_elf.h"

#define G	(1ULL << 30)

ATF_TC_WITHOUT_HEAD(below_the_hole);
ATF_TC_BODY(below_the_hole, tc)
{
	struct guest_mem mem;
	uint64_t size = 2 << 20;

	(void)tc;
	h_mem_make(&mem, size);
	ATF_CHECK_EQ(mem.low, size);
	ATF_CHECK_EQ(mem.high, 0);
	ATF_CHECK_EQ(guest_mem_top(&mem), size);
	ATF_CHECK_EQ(guest_mem_ptr(&mem, 0, 1), mem.base);
	ATF_CHECK_EQ(guest_mem_ptr(&mem, 0, size), mem.base);
	ATF_CHECK_EQ(guest_mem_ptr(&mem, size - 1, 1), mem.base + size - 1);
	errno = 0;
	ATF_CHECK_EQ(guest_mem_ptr(&mem, size - 1, 2), NULL);
	ATF_CHECK_EQ(errno, EFAULT);
	ATF_CHECK_EQ(guest_mem_ptr(&mem, size, 1), NULL);
	ATF_CHECK_EQ(guest_mem_ptr(&mem, 0, size + 1), NULL);
	ATF_CHECK_EQ(guest_mem_ptr(&mem, 0, 0), NULL);
	ATF_CHECK_EQ(guest_mem_ptr(&mem, 1, UINT64_MAX), NULL);
	ATF_CHECK_EQ(guest_mem_ptr(&mem, UINT64_MAX, 1), NULL);
	ATF_CHECK_EQ(guest_mem_ptr(&mem, UINT64_MAX, UINT64_MAX), NULL);
	ATF_CHECK_EQ(guest_mem_ptr(&mem, GUEST_HOLE_END, 1), NULL);
}

ATF_TC_WITHOUT_HEAD(around_the_hole);
ATF_TC_BODY(around_the_hole, tc)
{
	struct guest_mem mem;

	(void)tc;
	h_mem_make(&mem, 4 * G);
	ATF_CHECK_EQ(mem.low, 3 * G);
	ATF_CHECK_EQ(mem.high, G);
	ATF_CHECK_EQ(guest_mem_top(&mem), 5 * G);
	ATF_CHECK(guest_mem_has(&mem, 0, 3 * G));
	ATF_CHECK(!guest_mem_has(&mem, 0, 3 * G + 1));
	ATF_CHECK(!guest_mem_has(&mem, 3 * G - 1, 2));
	ATF_CHECK(!guest_mem_has(&mem, 3 * G, 1));
	ATF_CHECK(!guest_mem_has(&mem, GUEST_LAPIC_BASE, 4));
	ATF_CHECK(!guest_mem_has(&mem, 4 * G - 1, 2));
	ATF_CHECK(guest_mem_has(&mem, 4 * G, G));
	ATF_CHECK(!guest_mem_has(&mem, 4 * G, G + 1));
	ATF_CHECK(!guest_mem_has(&mem, 5 * G, 1));
	ATF_CHECK_EQ(guest_mem_ptr(&mem, 4 * G, 1), mem.base + 3 * G);
	ATF_CHECK_EQ(guest_mem_again(&mem, 5 * G - 1, 1),
	    mem.base + 4 * G - 1);
}

ATF_TC_WITHOUT_HEAD(write);
ATF_TC_BODY(write, tc)
{
	struct guest_mem mem;

	(void)tc;
	h_mem_make(&mem, 2 << 20);
	ATF_CHECK_EQ(guest_mem_write(&mem, 0xffe, "abcd", 4), 0);
	ATF_CHECK_EQ(memcmp(mem.base + 0xffe, "abcd", 4), 0);
	ATF_CHECK_EQ(guest_mem_write(&mem, UINT64_MAX, "abcd", 0), 0);
	ATF_CHECK_EQ(guest_mem_write(&mem, (2 << 20) - 3, "abcd", 4), -1);
	ATF_CHECK_EQ(errno, EFAULT);
	ATF_CHECK_EQ(mem.base[(2 << 20) - 3], 0);
}

ATF_TC_WITHOUT_HEAD(no_pages_is_enomem_not_sigbus);
ATF_TC_BODY(no_pages_is_enomem_not_sigbus, tc)
{
#ifdef MADV_POPULATE_WRITE
	struct guest_mem mem;
	void *p;
	int fd;

	(void)tc;
	/* A file shorter than its mapping stands for a host without memory. */
	fd = h_elf_file("x", 1);
	ATF_REQUIRE_EQ(ftruncate(fd, 1 << 20), 0);
	p = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ATF_REQUIRE(p != MAP_FAILED);
	guest_mem_init(&mem, p, 2 << 20);
	if (madvise(p, 4096, MADV_POPULATE_WRITE) == -1)
		atf_tc_skip("this kernel has no MADV_POPULATE_WRITE");
	ATF_CHECK_EQ(guest_mem_write(&mem, (1 << 20) - 4, "abcd", 4), 0);
	ATF_CHECK_EQ(guest_mem_write(&mem, (1 << 20) - 2, "abcd", 4), -1);
	ATF_CHECK_EQ(errno, ENOMEM);
#else
	(void)tc;
	atf_tc_skip("this host has no MADV_POPULATE_WRITE");
#endif
}

/* What the text is parsed as, or 0 with the error's text. */
static uint64_t
parse(const char *text, struct guest_error *err)
{
	uint64_t size;

	memset(err, 0, sizeof(*err));
	return guest_parse_size(text, &size, err) == 0 ? size : 0;
}

ATF_TC_WITHOUT_HEAD(sizes);
ATF_TC_BODY(sizes, tc)
{
	static const char *const garbage[] = { "", "M", "x", "-1M", "+5M",
	    " 5M", "5MM", "5Q", "1.5G", "0x10M", "5M ", "5iB" };
	struct guest_error err;
	size_t i;

	(void)tc;
	ATF_CHECK_EQ(parse("512M", &err), 512ULL << 20);
	ATF_CHECK_EQ(parse("512m", &err), 512ULL << 20);
	ATF_CHECK_EQ(parse("512MiB", &err), 512ULL << 20);
	ATF_CHECK_EQ(parse("4G", &err), 4 * G);
	ATF_CHECK_EQ(parse("128G", &err), 128 * G);
	ATF_CHECK_EQ(parse("2097152", &err), 2ULL << 20);
	ATF_CHECK_EQ(parse("2048K", &err), 2ULL << 20);
	for (i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		ATF_CHECK_EQ_MSG(parse(garbage[i], &err), 0, "%s",
		    garbage[i]);
		ATF_CHECK_MSG(strstr(err.text, "not a size") != NULL, "%s",
		    err.text);
	}
	ATF_CHECK_EQ(parse("0", &err), 0);
	ATF_CHECK_STREQ(err.text, "0: less than the least of 2M");
	ATF_CHECK_EQ(parse("3K", &err), 0);
	ATF_CHECK_STREQ(err.text, "3K: less than the least of 2M");
	ATF_CHECK_EQ(parse("5T", &err), 0);
	ATF_CHECK_STREQ(err.text, "5T: more than the most of 128G");
	ATF_CHECK_EQ(parse("99999999999999999999", &err), 0);
	ATF_CHECK_STREQ(err.text, "99999999999999999999: too large");
	ATF_CHECK_EQ(parse("18446744073709551615T", &err), 0);
	ATF_CHECK_EQ(parse("2097153", &err), 0);
	ATF_CHECK_STREQ(err.text, "2097153: not a multiple of 4096 bytes");
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, below_the_hole);
	ATF_TP_ADD_TC(tp, around_the_hole);
	ATF_TP_ADD_TC(tp, write);
	ATF_TP_ADD_TC(tp, no_pages_is_enomem_not_sigbus);
	ATF_TP_ADD_TC(tp, sizes);
	return atf_no_error();
}
