/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The console's ring: offsets, what is lost, and who is woken how often.
 */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <atf-c.h>

#include "console.h"

#define CHUNK	1000
#define CHUNKS	1000

static char buf[CONSOLE_SIZE + CHUNK];

ATF_TC_WITHOUT_HEAD(bytes_come_in_order);
ATF_TC_BODY(bytes_come_in_order, tc)
{
	uint64_t offset = 0, lost;
	struct console c;

	ATF_REQUIRE_EQ(0, console_init(&c));
	ATF_CHECK_EQ(0, console_read(&c, &offset, buf, sizeof(buf), &lost));
	console_write(&c, "abc", 3);
	console_write(&c, "def", 3);
	ATF_CHECK_EQ(4, console_read(&c, &offset, buf, 4, &lost));
	ATF_CHECK_EQ(0, memcmp(buf, "abcd", 4));
	ATF_CHECK_EQ(4, offset);
	ATF_CHECK_EQ(2, console_read(&c, &offset, buf, sizeof(buf), &lost));
	ATF_CHECK_EQ(0, memcmp(buf, "ef", 2));
	ATF_CHECK_EQ(0, lost);
	offset = 1000;
	ATF_CHECK_EQ(0, console_read(&c, &offset, buf, sizeof(buf), &lost));
	ATF_CHECK_EQ(6, offset);
	console_fini(&c);
}

ATF_TC_WITHOUT_HEAD(old_bytes_are_lost_and_counted);
ATF_TC_BODY(old_bytes_are_lost_and_counted, tc)
{
	uint64_t offset = 10, lost, total;
	struct console c;
	size_t i, n;

	ATF_REQUIRE_EQ(0, console_init(&c));
	for (i = 0; i < CONSOLE_SIZE + 100; i++) {
		char byte = (char)(i % 251);

		console_write(&c, &byte, 1);
	}
	n = console_read(&c, &offset, buf, sizeof(buf), &lost);
	ATF_CHECK_EQ(CONSOLE_SIZE, n);
	ATF_CHECK_EQ(90, lost);
	ATF_CHECK_EQ(CONSOLE_SIZE + 100, offset);
	for (i = 0; i < n; i++)
		ATF_REQUIRE_EQ((char)((i + 100) % 251), buf[i]);
	console_count(&c, &total, &lost);
	ATF_CHECK_EQ(CONSOLE_SIZE + 100, total);
	ATF_CHECK_EQ(100, lost);
	console_fini(&c);
}

ATF_TC_WITHOUT_HEAD(one_write_larger_than_the_ring);
ATF_TC_BODY(one_write_larger_than_the_ring, tc)
{
	uint64_t offset = 0, lost;
	struct console c;
	char *big = malloc(CONSOLE_SIZE * 2 + 7);
	size_t i;

	ATF_REQUIRE(big != NULL);
	for (i = 0; i < CONSOLE_SIZE * 2 + 7; i++)
		big[i] = (char)(i % 253);
	ATF_REQUIRE_EQ(0, console_init(&c));
	console_write(&c, "xyz", 3);
	console_write(&c, big, CONSOLE_SIZE * 2 + 7);
	ATF_CHECK_EQ(CONSOLE_SIZE, console_read(&c, &offset, buf, sizeof(buf),
	    &lost));
	ATF_CHECK_EQ(CONSOLE_SIZE + 10, lost);
	ATF_CHECK_EQ(0, memcmp(buf, big + CONSOLE_SIZE + 7, CONSOLE_SIZE));
	console_fini(&c);
	free(big);
}

ATF_TC_WITHOUT_HEAD(main_is_woken_once);
ATF_TC_BODY(main_is_woken_once, tc)
{
	struct console c;

	ATF_REQUIRE_EQ(0, console_init(&c));
	ATF_CHECK(console_write(&c, "a", 1));
	ATF_CHECK(!console_write(&c, "a", 1));
	ATF_CHECK(!console_write(&c, "a", 1));
	console_ack(&c);
	ATF_CHECK(console_write(&c, "a", 1));
	ATF_CHECK(!console_write(&c, "a", 1));
	console_fini(&c);
}

/* Writes lines of CHUNK bytes, each of one digit. */
static void *
writer(void *arg)
{
	char line[CHUNK];
	int i;

	for (i = 0; i < CHUNKS; i++) {
		memset(line, '0' + i % 10, sizeof(line));
		console_write(arg, line, sizeof(line));
	}
	return NULL;
}

ATF_TC_WITHOUT_HEAD(reader_beside_a_writer);
ATF_TC_BODY(reader_beside_a_writer, tc)
{
	uint64_t offset = 0, lost, at;
	struct console c;
	pthread_t thread;
	size_t i, n;

	ATF_REQUIRE_EQ(0, console_init(&c));
	ATF_REQUIRE_EQ(0, pthread_create(&thread, NULL, writer, &c));
	while (offset < (uint64_t)CHUNK * CHUNKS) {
		n = console_read(&c, &offset, buf, sizeof(buf), &lost);
		for (i = 0; i < n; i++) {
			at = offset - n + i;
			ATF_REQUIRE_EQ('0' + (char)(at / CHUNK % 10), buf[i]);
		}
	}
	ATF_REQUIRE_EQ(0, pthread_join(thread, NULL));
	console_fini(&c);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, bytes_come_in_order);
	ATF_TP_ADD_TC(tp, old_bytes_are_lost_and_counted);
	ATF_TP_ADD_TC(tp, one_write_larger_than_the_ring);
	ATF_TP_ADD_TC(tp, main_is_woken_once);
	ATF_TP_ADD_TC(tp, reader_beside_a_writer);
	return atf_no_error();
}
