/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Sizes, numbers and base64 as nvmmctl reads them.
 */

#include <string.h>

#include <atf-c.h>

#include "nvmmctl.h"

static const struct {
	const char *text;
	uint64_t bytes;
} good[] = {
	{ "4096", 4096 },
	{ "4K", 4096 },
	{ "4k", 4096 },
	{ "512M", UINT64_C(512) << 20 },
	{ "4G", UINT64_C(4) << 30 },
	{ "5T", UINT64_C(5) << 40 },
	{ "8191T", UINT64_C(8191) << 40 },
};

static const char *const bad[] = {
	"", "0", "0G", "3K", "1", "4097", "M", "-4K", "+4K", " 4K", "4K ",
	"4KB", "4KK", "4X", "1.5G", "0x1000", "8192T", "999999999999999T",
	"99999999999999999999999",
};

ATF_TC_WITHOUT_HEAD(size_good);
ATF_TC_BODY(size_good, tc)
{
	uint64_t bytes;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ATF_CHECK_MSG(size_parse(good[i].text, &bytes) == NULL, "%s",
		    good[i].text);
		ATF_CHECK_EQ_MSG(good[i].bytes, bytes, "%s", good[i].text);
	}
}

ATF_TC_WITHOUT_HEAD(size_bad);
ATF_TC_BODY(size_bad, tc)
{
	uint64_t bytes;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ATF_CHECK_MSG(size_parse(bad[i], &bytes) != NULL, "'%s'",
		    bad[i]);
}

ATF_TC_WITHOUT_HEAD(number);
ATF_TC_BODY(number, tc)
{
	uint64_t n;

	ATF_CHECK(number_parse("0", &n) == NULL && n == 0);
	ATF_CHECK(number_parse("257", &n) == NULL && n == 257);
	ATF_CHECK(number_parse("9007199254740991", &n) == NULL);
	ATF_CHECK(number_parse("9007199254740992", &n) != NULL);
	ATF_CHECK(number_parse("-1", &n) != NULL);
	ATF_CHECK(number_parse("2x", &n) != NULL);
	ATF_CHECK(number_parse("", &n) != NULL);
}

/* Checks that text decodes to the string wanted, or to nothing if NULL. */
static void
check_base64(const char *text, const char *want)
{
	unsigned char bytes[64];
	size_t len;
	bool ok;

	ok = base64_decode(text, bytes, &len);
	ATF_REQUIRE_EQ_MSG(want != NULL, ok, "'%s'", text);
	if (want == NULL)
		return;
	ATF_REQUIRE_EQ_MSG(strlen(want), len, "'%s'", text);
	ATF_CHECK_MSG(memcmp(bytes, want, len) == 0, "'%s'", text);
}

ATF_TC_WITHOUT_HEAD(base64);
ATF_TC_BODY(base64, tc)
{
	check_base64("", "");
	check_base64("Zg==", "f");
	check_base64("Zm8=", "fo");
	check_base64("Zm9v", "foo");
	check_base64("Zm9vYmFy", "foobar");
	check_base64("/+9h", "\xff\xef" "a");
	check_base64("Zg=", NULL);
	check_base64("Z===", NULL);
	check_base64("Zg==Zg==", NULL);
	check_base64("Zm9\n", NULL);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, size_good);
	ATF_TP_ADD_TC(tp, size_bad);
	ATF_TP_ADD_TC(tp, number);
	ATF_TP_ADD_TC(tp, base64);
	return atf_no_error();
}
