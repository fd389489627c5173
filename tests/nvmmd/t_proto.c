/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Bad lines and the errors they get, good lines and what they become, and the
 * JSON writer read back. The table here is small and of its own, so that the
 * real one may change.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <atf-c.h>
#include <jansson.h>

#include "proto.h"
#include "proto_out.h"

static const struct proto_row rows[] = {
	{ "plain", PROTO_MONITOR, NULL, { { 0 } }, "takes nothing" },
	{ "full", PROTO_USER, NULL, {
	    { "s", PROTO_STRING, true }, { "i", PROTO_INTEGER, false },
	    { "b", PROTO_BOOLEAN, false }, { "f", PROTO_FILE, false } },
	    "takes all types" },
};
#define NROWS	(sizeof(rows) / sizeof(rows[0]))

#define X16	"[[[[[[[[[[[[[[[["

static const struct {
	const char *line;
	enum proto_error name;
	const char *id;
	const char *text;		/* part of the message */
} bad[] = {
	{ "", PROTO_PARSE_ERROR, "null", "" },
	{ "hello", PROTO_PARSE_ERROR, "null", "" },
	{ "{\"method\":\"plain\",\"id\":1", PROTO_PARSE_ERROR, "null", "" },
	{ "{\"method\":\"plain\",\"id\":1} x", PROTO_PARSE_ERROR, "null", "" },
	{ "{\"method\":\"pl\xff\",\"id\":1}", PROTO_PARSE_ERROR, "null", "" },
	{ "{\"method\":\"a\\u0000b\",\"id\":1}", PROTO_PARSE_ERROR, "null",
	    "" },
	{ "{\"id\":99999999999999999999,\"method\":\"plain\"}",
	    PROTO_PARSE_ERROR, "null", "" },
	{ "42", PROTO_INVALID_REQUEST, "null", "object" },
	{ "[{\"method\":\"plain\",\"id\":1}]", PROTO_INVALID_REQUEST, "null",
	    "batch" },
	{ X16 "[", PROTO_INVALID_REQUEST, "null", "deeper than 16" },
	{ "{\"method\":\"plain\"}", PROTO_INVALID_REQUEST, "null", "no id" },
	{ "{\"method\":\"plain\",\"id\":null}", PROTO_INVALID_REQUEST, "null",
	    "id must" },
	{ "{\"method\":\"plain\",\"id\":1.5}", PROTO_INVALID_REQUEST, "null",
	    "id must" },
	{ "{\"method\":\"plain\",\"id\":[1]}", PROTO_INVALID_REQUEST, "null",
	    "id must" },
	{ "{\"method\":\"plain\",\"id\":1,\"id\":2}", PROTO_INVALID_REQUEST,
	    "null", "id" },
	{ "{\"id\":7}", PROTO_INVALID_REQUEST, "7", "no method" },
	{ "{\"id\":7,\"method\":3}", PROTO_INVALID_REQUEST, "7",
	    "method must be a string" },
	{ "{\"id\":7,\"method\":\"plain\",\"extra\":1}",
	    PROTO_INVALID_REQUEST, "7", "unknown member extra" },
	{ "{\"id\":7,\"method\":\"plain\",\"jsonrpc\":\"1.0\"}",
	    PROTO_INVALID_REQUEST, "7", "jsonrpc must be \"2.0\"" },
	{ "{\"id\":\"x\",\"method\":\"nope\"}", PROTO_METHOD_NOT_FOUND,
	    "\"x\"", "no method nope" },
	{ "{\"id\":1,\"method\":\"a\\n\\u001b[b\"}", PROTO_METHOD_NOT_FOUND,
	    "1", "no method a??[b" },
	{ "{\"id\":1,\"method\":\"plain\",\"params\":[]}",
	    PROTO_INVALID_PARAMS, "1", "object" },
	{ "{\"id\":1,\"method\":\"plain\",\"params\":null}",
	    PROTO_INVALID_PARAMS, "1", "object" },
	{ "{\"id\":1,\"method\":\"plain\",\"params\":{\"s\":\"\"}}",
	    PROTO_INVALID_PARAMS, "1", "unknown parameter s" },
	{ "{\"id\":1,\"method\":\"full\"}", PROTO_INVALID_PARAMS, "1",
	    "s is missing" },
	{ "{\"id\":1,\"method\":\"full\",\"params\":{\"s\":1}}",
	    PROTO_INVALID_PARAMS, "1", "s must be a string" },
	{ "{\"id\":1,\"method\":\"full\",\"params\":{\"s\":\"\",\"i\":1.0}}",
	    PROTO_INVALID_PARAMS, "1", "i must be an integer" },
	{ "{\"id\":1,\"method\":\"full\",\"params\":{\"s\":\"\","
	    "\"i\":9007199254740992}}", PROTO_INVALID_PARAMS, "1", "2^53" },
	{ "{\"id\":1,\"method\":\"full\",\"params\":{\"s\":\"\",\"b\":1}}",
	    PROTO_INVALID_PARAMS, "1", "b must be a boolean" },
	{ "{\"id\":1,\"method\":\"full\",\"params\":{\"s\":\"\",\"f\":{}}}",
	    PROTO_INVALID_PARAMS, "1", "f must be" },
	{ "{\"id\":1,\"method\":\"full\",\"params\":{\"s\":\"\","
	    "\"f\":{\"fd\":4}}}", PROTO_INVALID_PARAMS, "1", "f must be" },
	{ "{\"id\":1,\"method\":\"full\",\"params\":{\"s\":\"\","
	    "\"f\":{\"fd\":0,\"image\":\"a\"}}}", PROTO_INVALID_PARAMS, "1",
	    "f must be" },
	{ "{\"id\":1,\"method\":\"full\",\"params\":{\"s\":\"\","
	    "\"f\":{\"path\":\"/etc\"}}}", PROTO_INVALID_PARAMS, "1",
	    "f must be" },
};

/* Parses text as a line. */
static int
parse(const char *line, struct proto_request *r, struct proto_failure *f)
{

	return proto_parse(rows, NROWS, line, strlen(line), r, f);
}

ATF_TC(bad_lines);
ATF_TC_HEAD(bad_lines, tc)
{

	atf_tc_set_md_var(tc, "descr", "every bad line gets its own error");
}
ATF_TC_BODY(bad_lines, tc)
{
	struct proto_request r;
	struct proto_failure f;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ATF_CHECK_EQ_MSG(-1, parse(bad[i].line, &r, &f), "%s taken",
		    bad[i].line);
		ATF_CHECK_EQ_MSG(bad[i].name, f.name, "%s: %s", bad[i].line,
		    f.text);
		ATF_CHECK_STREQ_MSG(bad[i].id, r.id, "%s", bad[i].line);
		ATF_CHECK_MSG(strstr(f.text, bad[i].text) != NULL, "%s: %s",
		    bad[i].line, f.text);
		ATF_CHECK(strchr(f.text, '\n') == NULL);
		proto_request_free(&r);
	}
}

ATF_TC(good_lines);
ATF_TC_HEAD(good_lines, tc)
{

	atf_tc_set_md_var(tc, "descr", "values arrive with their types");
}
ATF_TC_BODY(good_lines, tc)
{
	struct proto_request r;
	struct proto_failure f;

	ATF_REQUIRE_EQ(0, parse("{\"method\":\"full\",\"id\":\"\xc3\xa4\\\"\","
	    "\"jsonrpc\":\"2.0\",\"params\":{\"s\":\"[[{{\\\"\",\"b\":true,"
	    "\"i\":-9007199254740991,\"f\":{\"fd\":3}}}", &r, &f));
	ATF_CHECK_EQ(&rows[1], r.row);
	ATF_CHECK(r.jsonrpc);
	ATF_CHECK_STREQ("\"\xc3\xa4\\\"\"", r.id);
	ATF_CHECK_STREQ("[[{{\"", r.values[0].string);
	ATF_CHECK_EQ(-9007199254740991, r.values[1].integer);
	ATF_CHECK(r.values[2].boolean);
	ATF_CHECK(r.values[3].set && r.values[3].string == NULL);
	ATF_CHECK_EQ(3, r.values[3].integer);
	proto_request_free(&r);
	ATF_REQUIRE_EQ(0, parse("{\"method\":\"plain\",\"params\":{},\"id\":0}",
	    &r, &f));
	ATF_CHECK(!r.jsonrpc);
	proto_request_free(&r);
}

ATF_TC(id_too_long);
ATF_TC_HEAD(id_too_long, tc)
{

	atf_tc_set_md_var(tc, "descr", "an id that we would not echo whole");
}
ATF_TC_BODY(id_too_long, tc)
{
	struct proto_request r;
	struct proto_failure f;
	char line[400];

	(void)snprintf(line, sizeof(line), "{\"method\":\"plain\","
	    "\"id\":\"%0253d\"}", 0);
	ATF_CHECK_EQ(0, parse(line, &r, &f));
	proto_request_free(&r);
	(void)snprintf(line, sizeof(line), "{\"method\":\"plain\","
	    "\"id\":\"%0254d\"}", 0);
	ATF_CHECK_EQ(-1, parse(line, &r, &f));
	ATF_CHECK_STREQ("null", r.id);
	proto_request_free(&r);
}

ATF_TC(names_and_codes);
ATF_TC_HEAD(names_and_codes, tc)
{

	atf_tc_set_md_var(tc, "descr", "the error table is the contract's");
}
ATF_TC_BODY(names_and_codes, tc)
{
	size_t i, j;

	ATF_CHECK_EQ(-32700, proto_errors[PROTO_PARSE_ERROR].code);
	ATF_CHECK_EQ(-32600, proto_errors[PROTO_INVALID_REQUEST].code);
	ATF_CHECK_EQ(-32601, proto_errors[PROTO_METHOD_NOT_FOUND].code);
	ATF_CHECK_EQ(-32602, proto_errors[PROTO_INVALID_PARAMS].code);
	ATF_CHECK_EQ(14, proto_errors[PROTO_DRIVER].code);
	ATF_CHECK_STREQ("LIMIT", proto_errors[PROTO_LIMIT].name);
	for (i = 0; i < PROTO_NERRORS; i++) {
		for (j = 0; j < i; j++)
			ATF_CHECK(proto_errors[i].code !=
			    proto_errors[j].code);
	}
	ATF_CHECK_STREQ("ENOBUFS", proto_errno_name(ENOBUFS));
	ATF_CHECK_EQ(NULL, proto_errno_name(0));
}

/* The writer's buffer as a tree; the writer is freed. */
static json_t *
reread(struct proto_out *o)
{
	json_error_t error;
	json_t *tree;

	ATF_REQUIRE(o->buf != NULL);
	ATF_CHECK_EQ('\n', o->buf[o->len - 1]);
	ATF_CHECK_EQ(o->buf + o->len - 1, memchr(o->buf, '\n', o->len));
	tree = json_loadb(o->buf, o->len, 0, &error);
	ATF_REQUIRE_MSG(tree != NULL, "%.*s: %s", (int)o->len, o->buf,
	    error.text);
	proto_out_free(o);
	return tree;
}

ATF_TC(writer);
ATF_TC_HEAD(writer, tc)
{

	atf_tc_set_md_var(tc, "descr", "answers are what a JSON reader reads");
}
ATF_TC_BODY(writer, tc)
{
	struct proto_request r = { .jsonrpc = true, .id = "\"q\"" };
	struct proto_out o;
	json_t *tree, *result;

	proto_out_init(&o);
	proto_out_result(&o, &r);
	proto_out_string(&o, "none", NULL);
	proto_out_string(&o, "text", "a\"\\\n\t\x01\x7f");
	proto_out_bytes(&o, "bytes", "x\xff\xc3\xa4\xed\xa0\x80", 7);
	proto_out_base64(&o, "base64", "\0\xff\x10z", 4);
	proto_out_integer(&o, "low", INT64_MIN);
	proto_out_unsigned(&o, "high", UINT64_MAX);
	proto_out_hex(&o, "hex", UINT64_MAX);
	proto_out_array(&o, "list");
	proto_out_boolean(&o, NULL, true);
	proto_out_real(&o, NULL, 0.25);
	proto_out_object(&o, NULL);
	proto_out_object_end(&o);
	proto_out_array_end(&o);
	proto_out_result_end(&o, &r);
	tree = reread(&o);
	result = json_object_get(tree, "result");
	ATF_CHECK_EQ(7, json_object_size(result));
	ATF_CHECK_STREQ("2.0", json_string_value(json_object_get(tree,
	    "jsonrpc")));
	ATF_CHECK_STREQ("q", json_string_value(json_object_get(tree, "id")));
	ATF_CHECK_STREQ("a\"\\\n\t\x01\x7f",
	    json_string_value(json_object_get(result, "text")));
	ATF_CHECK_STREQ("x\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd"
	    "\xef\xbf\xbd", json_string_value(json_object_get(result,
	    "bytes")));
	ATF_CHECK_STREQ("AP8Qeg==", json_string_value(json_object_get(result,
	    "base64")));
	ATF_CHECK_EQ(9007199254740991, json_integer_value(json_object_get(
	    result, "high")));
	ATF_CHECK_EQ(-9007199254740991, json_integer_value(json_object_get(
	    result, "low")));
	ATF_CHECK_STREQ("0xffffffffffffffff",
	    json_string_value(json_object_get(result, "hex")));
	ATF_CHECK_EQ(3, json_array_size(json_object_get(result, "list")));
	json_decref(tree);
}

ATF_TC(failures);
ATF_TC_HEAD(failures, tc)
{

	atf_tc_set_md_var(tc, "descr", "an error carries code, name, errno");
}
ATF_TC_BODY(failures, tc)
{
	struct proto_request r = { .id = "null" };
	struct proto_failure f;
	struct proto_out o;
	const char *name, *error;
	json_t *tree;
	int code;

	ATF_CHECK_EQ(-1, proto_fail(&f, PROTO_DRIVER, ENOMEM, "elf", "%s",
	    "why"));
	proto_out_init(&o);
	proto_out_failure(&o, &r, &f);
	tree = reread(&o);
	ATF_REQUIRE_EQ(0, json_unpack(tree, "{s:{s:i,s:{s:s,s:s}},s:n}",
	    "error", "code", &code, "data", "name", &name, "errno", &error,
	    "id"));
	ATF_CHECK_EQ(14, code);
	ATF_CHECK_STREQ("DRIVER", name);
	ATF_CHECK_STREQ("ENOMEM", error);
	ATF_CHECK_EQ(NULL, json_object_get(tree, "jsonrpc"));
	json_decref(tree);
}

ATF_TC(utf8_whole);
ATF_TC_HEAD(utf8_whole, tc)
{

	atf_tc_set_md_var(tc, "descr", "a cut character is left for later");
}
ATF_TC_BODY(utf8_whole, tc)
{

	ATF_CHECK_EQ(0, proto_utf8_whole("", 0));
	ATF_CHECK_EQ(2, proto_utf8_whole("ab", 2));
	ATF_CHECK_EQ(1, proto_utf8_whole("a\xc3", 2));
	ATF_CHECK_EQ(3, proto_utf8_whole("a\xc3\xa4", 3));
	ATF_CHECK_EQ(1, proto_utf8_whole("a\xf0\x9f\x98", 4));
	ATF_CHECK_EQ(5, proto_utf8_whole("a\xf0\x9f\x98\x80", 5));
	ATF_CHECK_EQ(4, proto_utf8_whole("\x80\x80\x80\x80", 4));
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, bad_lines);
	ATF_TP_ADD_TC(tp, good_lines);
	ATF_TP_ADD_TC(tp, id_too_long);
	ATF_TP_ADD_TC(tp, names_and_codes);
	ATF_TP_ADD_TC(tp, writer);
	ATF_TP_ADD_TC(tp, failures);
	ATF_TP_ADD_TC(tp, utf8_whole);
	return atf_no_error();
}
