/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The bus: who is reached by which access; and the exit port.
 */

#include <atf-c.h>
#include <string.h>

#include "exitport.h"
#include "guest_bus.h"

static struct {
	const char *who;
	uint64_t off, val;
	unsigned size;
	void *ctx;
} last;

/* A row that remembers what it was asked. */
static uint64_t
row_read(void *ctx, uint64_t off, unsigned size)
{
	last.who = "read";
	last.ctx = ctx;
	last.off = off;
	last.size = size;
	return 0x8877665544332211;
}

static void
row_write(void *ctx, uint64_t off, unsigned size, uint64_t val)
{
	last.who = "write";
	last.ctx = ctx;
	last.off = off;
	last.size = size;
	last.val = val;
}

static const struct guest_bus_row rows[] = {
	{ "a", 0x3f8, 8, row_read, row_write },
	{ "b", 0xf4, 4, row_read, row_write },
	{ "c", UINT64_MAX - 7, 7, row_read, row_write },
};
static const struct guest_bus bus = { rows, 3 };

/* Who answers to a read. */
static const char *
reach(uint64_t addr, size_t size)
{
	uint8_t data[8];

	last.who = "nobody";
	guest_bus_read(&bus, NULL, addr, data, size);
	return last.who;
}

ATF_TC_WITHOUT_HEAD(reads);
ATF_TC_BODY(reads, tc)
{
	uint8_t data[9];
	size_t size;

	(void)tc;
	for (size = 1; size <= 8; size *= 2) {
		memset(data, 0, sizeof(data));
		guest_bus_read(&bus, &last, 0x3f8, data, size);
		ATF_CHECK_STREQ(last.who, "read");
		ATF_CHECK_EQ(last.ctx, &last);
		ATF_CHECK_EQ(last.size, size);
		ATF_CHECK_EQ(data[0], 0x11);
		ATF_CHECK_EQ(data[size - 1], 0x11 * size);
		ATF_CHECK_EQ(data[size], 0);
	}
	memset(data, 0, sizeof(data));
	guest_bus_read(&bus, NULL, 0x80, data, 4);
	ATF_CHECK_EQ(memcmp(data, "\xff\xff\xff\xff\0", 5), 0);
}

ATF_TC_WITHOUT_HEAD(edges);
ATF_TC_BODY(edges, tc)
{
	(void)tc;
	ATF_CHECK_STREQ(reach(0x3f7, 1), "nobody");
	ATF_CHECK_STREQ(reach(0x3f7, 2), "nobody");
	ATF_CHECK_STREQ(reach(0x3ff, 1), "read");
	ATF_CHECK_EQ(last.off, 7);
	ATF_CHECK_STREQ(reach(0x3ff, 2), "nobody");
	ATF_CHECK_STREQ(reach(0x400, 1), "nobody");
	ATF_CHECK_STREQ(reach(0xf4, 4), "read");
	ATF_CHECK_STREQ(reach(0xf4, 8), "nobody");
	ATF_CHECK_STREQ(reach(UINT64_MAX - 7, 4), "read");
	ATF_CHECK_STREQ(reach(UINT64_MAX, 8), "nobody");
	ATF_CHECK_STREQ(reach(0, 8), "nobody");
}

ATF_TC_WITHOUT_HEAD(writes);
ATF_TC_BODY(writes, tc)
{
	(void)tc;
	guest_bus_write(&bus, &last, 0xf5, "\x34\x12\xff", 2);
	ATF_CHECK_STREQ(last.who, "write");
	ATF_CHECK_EQ(last.off, 1);
	ATF_CHECK_EQ(last.size, 2);
	ATF_CHECK_EQ(last.val, 0x1234);
	last.who = "nobody";
	guest_bus_write(&bus, &last, 0xf8, "x", 1);
	ATF_CHECK_STREQ(last.who, "nobody");
}

static void
exited(void *arg, uint32_t status)
{
	*(uint32_t *)arg = status;
}

ATF_TC_WITHOUT_HEAD(exitport);
ATF_TC_BODY(exitport, tc)
{
	struct exitport port;
	uint32_t status = 99;

	(void)tc;
	exitport_init(&port, exited, &status);
	exitport_write(&port, 1, 5);
	ATF_CHECK_EQ(status, 99);
	ATF_CHECK_EQ(exitport_read(&port, 0), UINT32_MAX);
	exitport_write(&port, 0, 3);
	ATF_CHECK_EQ(status, 3);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, reads);
	ATF_TP_ADD_TC(tp, edges);
	ATF_TP_ADD_TC(tp, writes);
	ATF_TP_ADD_TC(tp, exitport);
	return atf_no_error();
}
