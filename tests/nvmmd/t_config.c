/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Configuration files: the default, a full one, and bad ones with the place
 * that each error names.
 */

#include <stdio.h>
#include <string.h>

#include <atf-c.h>

#include "config.h"

/* Loads a file of that text. */
static int
load(const char *body, struct config *c, char *text)
{
	FILE *f = fopen("t.conf", "w");

	ATF_REQUIRE(f != NULL);
	ATF_REQUIRE(fputs(body, f) >= 0);
	ATF_REQUIRE_EQ(0, fclose(f));
	return config_load(c, "t.conf", text);
}

ATF_TC_WITHOUT_HEAD(full);
ATF_TC_BODY(full, tc)
{
	char text[CONFIG_TEXT_MAX];
	struct config c;

	ATF_REQUIRE_EQ_MSG(0, load("{\"socket\":{\"path\":\"/tmp/x\","
	    "\"group\":\"wheel\",\"mode\":\"0600\"},\"user\":\"nobody\","
	    "\"images\":[\"/a\",\"/b\"],\"limits\":{\"machines\":3,"
	    "\"vcpus_per_machine\":4,\"memory_per_machine\":\"512M\","
	    "\"memory_total\":1073741824,\"clients\":5,\"requests\":6}}", &c,
	    text), "%s", text);
	ATF_CHECK_STREQ("/tmp/x", c.socket);
	ATF_CHECK_STREQ("wheel", c.group);
	ATF_CHECK_EQ(0600, c.mode);
	ATF_CHECK_STREQ("nobody", c.user);
	ATF_CHECK(c.user_named);
	ATF_CHECK_EQ(2, c.nimages);
	ATF_CHECK_STREQ("/b", c.images[1]);
	ATF_CHECK_EQ(3, c.policy.machines);
	ATF_CHECK_EQ(4, c.policy.vcpus);
	ATF_CHECK_EQ(512ULL << 20, c.policy.memory);
	ATF_CHECK_EQ(1ULL << 30, c.policy.memory_total);
	ATF_CHECK_EQ(5, c.clients);
	ATF_CHECK_EQ(6, c.requests);
}

ATF_TC_WITHOUT_HEAD(defaults);
ATF_TC_BODY(defaults, tc)
{
	char text[CONFIG_TEXT_MAX];
	struct config c;

	ATF_REQUIRE_EQ(0, load("{}", &c, text));
	ATF_CHECK_STREQ("/var/run/nvmmd/nvmmd.sock", c.socket);
	ATF_CHECK_EQ(0660, c.mode);
	ATF_CHECK_STREQ("_nvmmd", c.user);
	ATF_CHECK(!c.user_named);
	ATF_CHECK_EQ(1, c.nimages);
	ATF_CHECK_EQ(128, c.policy.machines);
	ATF_CHECK_EQ(256, c.policy.vcpus);
	ATF_CHECK_EQ(4ULL << 30, c.policy.memory);
	ATF_CHECK(c.policy.memory_total > 0);
}

ATF_TC_WITHOUT_HEAD(sample);
ATF_TC_BODY(sample, tc)
{
	char text[CONFIG_TEXT_MAX], path[1024];
	struct config c;

	(void)snprintf(path, sizeof(path), "%s/../../etc/nvmmd.conf",
	    atf_tc_get_config_var(tc, "srcdir"));
	ATF_CHECK_EQ_MSG(0, config_load(&c, path, text), "%s", text);
}

static const struct {
	const char *body;
	const char *text;		/* how the error starts */
} bad[] = {
	{ "", "t.conf:1:" },
	{ "{\n\"user\": }", "t.conf:2:" },
	{ "[]", "t.conf:1:1: " },
	{ "{\n\t\"usr\": \"x\"\n}", "t.conf:2:2: usr is not known here" },
	{ "{\"limits\":{\n  \"machines\":1,\n  \"machine\":1}}",
	    "t.conf:3:3: limits.machine is not known here" },
	{ "{\"limits\":\n{\"requests\":1}, \"images\":\"/requests\",\n "
	    "\"user\":{\"requests\":3}}", "t.conf:3:2: user must be a string" },
	{ "{\"limits\": 3}", "t.conf:1:2: limits must be an object" },
	{ "{\"user\":\"a\",\n\"user\":\"b\"}", "t.conf:2:" },
	{ "{\"limits\":{\"machines\":\"3\"}}",
	    "t.conf:1:12: limits.machines must be an integer" },
	{ "{\"limits\":{\"machines\":0}}",
	    "t.conf:1:12: limits.machines must be 1 to 128, not 0" },
	{ "{\"limits\":{\"machines\":129}}",
	    "t.conf:1:12: limits.machines must be 1 to 128, not 129" },
	{ "{\"limits\":{\"vcpus_per_machine\":257}}",
	    "t.conf:1:12: limits.vcpus_per_machine must be 1 to 256" },
	{ "{\"limits\":{\"memory_per_machine\":\"4Q\"}}",
	    "t.conf:1:12: limits.memory_per_machine must be a size" },
	{ "{\"limits\":{\"memory_per_machine\":\"4GB\"}}",
	    "t.conf:1:12: limits.memory_per_machine must be a size" },
	{ "{\"limits\":{\"memory_per_machine\":\"99999999999999T\"}}",
	    "t.conf:1:12: limits.memory_per_machine must be a size" },
	{ "{\"limits\":{\"memory_per_machine\":\"129G\"}}",
	    "t.conf:1:12: limits.memory_per_machine must be 2M to 128G" },
	{ "{\"socket\":{\"mode\":\"0999\"}}",
	    "t.conf:1:12: socket.mode must be permissions" },
	{ "{\"socket\":{\"mode\":\"07777\"}}",
	    "t.conf:1:12: socket.mode must be permissions" },
	{ "{\"socket\":{\"path\":\"\"}}", "t.conf:1:12: socket.path must" },
	{ "{\"images\":\"rel\"}", "t.conf:1:2: images must be an absolute" },
	{ "{\"images\":[3]}", "t.conf:1:2: images must be a string or" },
};

ATF_TC_WITHOUT_HEAD(bad_files);
ATF_TC_BODY(bad_files, tc)
{
	char text[CONFIG_TEXT_MAX];
	struct config c;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		text[0] = '\0';
		ATF_CHECK_EQ_MSG(-1, load(bad[i].body, &c, text), "%s",
		    bad[i].body);
		ATF_CHECK_MSG(strncmp(text, bad[i].text,
		    strlen(bad[i].text)) == 0, "%s: %s", bad[i].body, text);
	}
	ATF_CHECK_EQ(-1, config_load(&c, "missing.conf", text));
	ATF_CHECK_STREQ("missing.conf: No such file or directory", text);
	ATF_CHECK_EQ(-1, config_load(&c, ".", text));
	ATF_CHECK_STREQ(".: Is a directory", text);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, full);
	ATF_TP_ADD_TC(tp, defaults);
	ATF_TP_ADD_TC(tp, sample);
	ATF_TP_ADD_TC(tp, bad_files);
	return atf_no_error();
}
