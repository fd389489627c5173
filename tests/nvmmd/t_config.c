/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Configuration files: the default, a full one, and bad ones with the place
 * that each error names.
 */

#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
	return config_load(c, "t.conf", true, text);
}

ATF_TC_WITHOUT_HEAD(full);
ATF_TC_BODY(full, tc)
{
	char text[CONFIG_TEXT_MAX];
	struct config c;

	ATF_REQUIRE_EQ_MSG(0, load("{\"user\":\"root\","
	    "\"images\":[\"/a\",\"/b\"],\"limits\":{\"machines\":3,"
	    "\"vcpus_total\":9,\"vcpus_per_machine\":4,"
	    "\"memory_per_machine\":\"512M\",\"machines_per_user\":2,"
	    "\"memory_total\":1073741824,\"clients\":5,\"requests\":6}}", &c,
	    text), "%s", text);
	ATF_CHECK_STREQ("root", c.user);
	ATF_CHECK(c.user_named);
	ATF_CHECK_EQ(2, c.nimages);
	ATF_CHECK_STREQ("/b", c.images[1]);
	ATF_CHECK_EQ(3, c.policy.all.machines);
	ATF_CHECK_EQ(9, c.policy.all.vcpus);
	ATF_CHECK_EQ(1ULL << 30, c.policy.all.memory);
	ATF_CHECK_EQ(2, c.policy.general[POLICY_USER_MACHINES]);
	ATF_CHECK_EQ(4, c.policy.general[POLICY_MACHINE_VCPUS]);
	ATF_CHECK_EQ(512ULL << 20, c.policy.general[POLICY_MACHINE_MEMORY]);
	ATF_CHECK_EQ(5, c.clients);
	ATF_CHECK_EQ(6, c.requests);
}

ATF_TC_WITHOUT_HEAD(defaults);
ATF_TC_BODY(defaults, tc)
{
	char text[CONFIG_TEXT_MAX];
	struct config c;

	ATF_REQUIRE_EQ(0, load("{}", &c, text));
	ATF_CHECK_EQ(1, c.nsockets);
	ATF_CHECK_STREQ("/var/run/nvmmd/nvmmd.sock", c.sockets[0].path);
	ATF_CHECK_EQ(0660, c.sockets[0].mode);
	ATF_CHECK_EQ(PROTO_USER, c.sockets[0].role);
	ATF_CHECK_EQ(PEER_OWN, c.sockets[0].sees);
	ATF_CHECK_EQ(getgrnam("nvmm") != NULL ? getgrnam("nvmm")->gr_gid :
	    (gid_t)-1, c.sockets[0].gid);
	ATF_CHECK_STREQ("_nvmmd", c.user);
	ATF_CHECK(!c.user_named);
	ATF_CHECK_EQ(1, c.nimages);
	ATF_CHECK_EQ(getuid(), c.starter);
	ATF_CHECK_EQ(128, c.policy.all.machines);
	ATF_CHECK_EQ(256, c.policy.general[POLICY_MACHINE_VCPUS]);
	ATF_CHECK_EQ(4ULL << 30, c.policy.general[POLICY_MACHINE_MEMORY]);
	ATF_CHECK(c.policy.all.memory > 0);
	ATF_CHECK_EQ(0, c.policy.nrules);
}

ATF_TC_WITHOUT_HEAD(sockets);
ATF_TC_BODY(sockets, tc)
{
	char text[CONFIG_TEXT_MAX];
	struct config c;

	ATF_REQUIRE_EQ_MSG(0, load("{\"sockets\":[{\"path\":\"/a\"},"
	    "{\"role\":\"operator\",\"mode\":\"0600\",\"owner\":\"root\","
	    "\"group\":\"12\",\"path\":\"/b\"},{\"path\":\"/c\","
	    "\"sees\":\"group\",\"role\":\"user\"},{\"path\":\"/d\","
	    "\"role\":\"monitor\"},{\"path\":\"/e\",\"role\":\"admin\"}]}",
	    &c, text), "%s", text);
	ATF_REQUIRE_EQ(5, c.nsockets);
	ATF_CHECK_STREQ("/a", c.sockets[0].path);
	ATF_CHECK_EQ((uid_t)-1, c.sockets[0].uid);
	ATF_CHECK_EQ((gid_t)-1, c.sockets[0].gid);
	ATF_CHECK_EQ(0660, c.sockets[0].mode);
	ATF_CHECK_EQ(PROTO_USER, c.sockets[0].role);
	ATF_CHECK_EQ(PEER_OWN, c.sockets[0].sees);
	ATF_CHECK_STREQ("/b", c.sockets[1].path);
	ATF_CHECK_EQ(0, c.sockets[1].uid);
	ATF_CHECK_EQ(12, c.sockets[1].gid);
	ATF_CHECK_EQ(0600, c.sockets[1].mode);
	ATF_CHECK_EQ(PROTO_OPERATOR, c.sockets[1].role);
	ATF_CHECK_EQ(PEER_GROUP, c.sockets[1].sees);
	ATF_CHECK_EQ(PEER_GROUP, c.sockets[2].sees);
	ATF_CHECK_EQ(PROTO_MONITOR, c.sockets[3].role);
	ATF_CHECK_EQ(PEER_ALL, c.sockets[3].sees);
	ATF_CHECK_EQ(PROTO_ADMIN, c.sockets[4].role);
	ATF_CHECK_EQ(PEER_ALL, c.sockets[4].sees);
}

ATF_TC_WITHOUT_HEAD(rules);
ATF_TC_BODY(rules, tc)
{
	char text[CONFIG_TEXT_MAX];
	const struct policy_rule *r;
	struct config c;

	ATF_REQUIRE_EQ_MSG(0, load("{\"policy\":[{\"user\":\"root\","
	    "\"vcpus_per_user\":6},{\"memory_per_user\":\"1G\","
	    "\"group\":\"7\",\"machines_per_user\":0},{\"role\":\"monitor\","
	    "\"share_per_user\":50,\"share_per_machine\":25}]}", &c, text),
	    "%s", text);
	ATF_REQUIRE_EQ(3, c.policy.nrules);
	r = &c.policy.rules[0];
	ATF_CHECK_EQ(POLICY_USER, r->whose);
	ATF_CHECK_EQ(0, r->id);
	ATF_CHECK_STREQ("root", r->name);
	ATF_CHECK_EQ(1U << POLICY_USER_VCPUS, r->has);
	ATF_CHECK_EQ(6, r->value[POLICY_USER_VCPUS]);
	r++;
	ATF_CHECK_EQ(POLICY_GROUP, r->whose);
	ATF_CHECK_EQ(7, r->id);
	ATF_CHECK_EQ(1ULL << 30, r->value[POLICY_USER_MEMORY]);
	ATF_CHECK_EQ(0, r->value[POLICY_USER_MACHINES]);
	r++;
	ATF_CHECK_EQ(POLICY_ROLE, r->whose);
	ATF_CHECK_EQ(PROTO_MONITOR, r->id);
	ATF_CHECK_EQ(50, r->value[POLICY_USER_SHARE]);
	ATF_CHECK_EQ(25, r->value[POLICY_MACHINE_SHARE]);
}

ATF_TC_WITHOUT_HEAD(sample);
ATF_TC_BODY(sample, tc)
{
	char text[CONFIG_TEXT_MAX], path[1024];
	struct config c;

	(void)snprintf(path, sizeof(path), "%s/../../etc/nvmmd.conf",
	    atf_tc_get_config_var(tc, "srcdir"));
	ATF_CHECK_EQ_MSG(0, config_load(&c, path, true, text), "%s", text);
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
	{ "{\"us\\ner\\u007f\":1}", "t.conf:1:1: us?er? is not known here" },
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
	{ "{\"images\":\"rel\"}", "t.conf:1:2: images must be an absolute" },
	{ "{\"images\":3}", "t.conf:1:2: images must be a string or an" },
	{ "{\"images\":[\"/a\",\n 3]}",
	    "t.conf:2:2: images[1] must be a string" },
	{ "{\"limits.machines\":3}",
	    "t.conf:1:1: limits.machines is not known" },
	{ "{\"socket\":{\"path\":\"/a\"}}", "t.conf:1:2: socket is not known" },
	{ "{\"user\":\"no such user\"}",
	    "t.conf:1:2: user is wrong: there is no user no such user" },
	/* Arrays of objects. */
	{ "{\"sockets\":{\"path\":\"/a\"}}",
	    "t.conf:1:2: sockets must be an array of objects" },
	{ "{\"sockets\":[]}", "t.conf:1:2: sockets must be 1 to 16 sockets" },
	{ "{\"sockets\":[\n {\"path\":\"/a\"},\n  7]}",
	    "t.conf:3:3: sockets[1] must be an object" },
	{ "{\"sockets\":[{\"path\":\"/a\"},\n{\"path\":\"/b\", \"mode\":"
	    "\"0999\"}]}", "t.conf:2:15: sockets[1].mode must be permissions" },
	{ "{\"sockets\":[{\"mode\":\"07777\"}]}",
	    "t.conf:1:14: sockets[0].mode must be permissions" },
	{ "{\"sockets\":[{\"path\":\"a\"}]}",
	    "t.conf:1:14: sockets[0].path must be an absolute path" },
	{ "{\"sockets\":[{\"path\":3}]}",
	    "t.conf:1:14: sockets[0].path must be a string" },
	{ "{\"sockets\":[{\"path\":\"/a\"},\n {\"role\":\"user\"}]}",
	    "t.conf:2:2: sockets[1] has no path" },
	{ "{\"sockets\":[{\"path\":\"/a\"},{\"path\":\"/b\"},"
	    "{\"path\":\"/b\"}]}",
	    "t.conf:1:41: sockets[2] has the path of sockets[1]" },
	{ "{\"sockets\":[{\"path\":\"/a\",\"paht\":\"/a\"}]}",
	    "t.conf:1:26: sockets[0].paht is not known here" },
	{ "{\"sockets\":[{\"path\":\"/a\",\"role\":\"root\"}]}",
	    "t.conf:1:26: sockets[0].role must be monitor, user, operator" },
	{ "{\"sockets\":[{\"path\":\"/a\",\"sees\":\"none\"}]}",
	    "t.conf:1:26: sockets[0].sees must be own, group or all" },
	{ "{\"sockets\":[{\"path\":\"/a\",\"role\":\"admin\",\"sees\":"
	    "\"group\"}]}", "t.conf:1:13: sockets[0] has the role admin" },
	{ "{\"sockets\":[{\"path\":\"/a\",\"sees\":\"own\",\"role\":"
	    "\"operator\"}]}", "t.conf:1:13: sockets[0] has the role oper" },
	{ "{\"sockets\":[{\"path\":\"/a\",\"group\":\"no such group\"}]}",
	    "t.conf:1:26: sockets[0].group is wrong: there is no group no such group" },
	{ "{\"sockets\":[{\"path\":\"/a\",\"owner\":\"no such user\"}]}",
	    "t.conf:1:26: sockets[0].owner is wrong: there is no user no such user" },
	{ "{\"policy\":[{\"vcpus_per_user\":3}]}",
	    "t.conf:1:12: policy[0] must be for one of role, group and user" },
	{ "{\"policy\":[{\"user\":\"0\",\"role\":\"user\"}]}",
	    "t.conf:1:12: policy[0] must be for one of role, group and user" },
	{ "{\"policy\":[{\"user\":\"0\"}]}",
	    "t.conf:1:12: policy[0] limits nothing" },
	{ "{\"policy\":[{\"user\":\"0\",\"vcpus_per_user\":3},\n"
	    "{\"user\":\"root\",\"vcpus_per_user\":4}]}",
	    "t.conf:2:1: policy[1] is for whom policy[0] is" },
	{ "{\"policy\":[{\"user\":\"0\",\"vcpus\":3}]}",
	    "t.conf:1:24: policy[0].vcpus is not known here" },
	{ "{\"policy\":[{\"user\":\"0\",\"machines_per_user\":129}]}",
	    "t.conf:1:24: policy[0].machines_per_user must be 0 to 128" },
	{ "{\"policy\":[{\"user\":\"0\",\"share_per_user\":0}]}",
	    "t.conf:1:24: policy[0].share_per_user must be 1 to" },
	{ "{\"policy\":[{\"user\":\"0\",\"memory_per_user\":\"x\"}]}",
	    "t.conf:1:24: policy[0].memory_per_user must be a size" },
	{ "{\"policy\":[{\"user\":\"no such user\"}]}",
	    "t.conf:1:13: policy[0].user is wrong: there is no user no such user" },
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
	ATF_CHECK_EQ(-1, config_load(&c, "missing.conf", true, text));
	ATF_CHECK_STREQ("missing.conf: No such file or directory", text);
	ATF_CHECK_EQ(-1, config_load(&c, ".", true, text));
	ATF_CHECK_STREQ(".: Is a directory", text);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, full);
	ATF_TP_ADD_TC(tp, defaults);
	ATF_TP_ADD_TC(tp, sockets);
	ATF_TP_ADD_TC(tp, rules);
	ATF_TP_ADD_TC(tp, sample);
	ATF_TP_ADD_TC(tp, bad_files);
	return atf_no_error();
}
