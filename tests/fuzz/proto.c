/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A line of a client's and the answer: whatever comes in, one line of JSON goes
 * out.
 */

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "h_fuzz.h"
#include "proto.h"
#include "proto_out.h"

static const struct proto_row rows[] = {
	{ "plain", PROTO_MONITOR, NULL, { { 0 } }, "takes nothing" },
	{ "full", PROTO_USER, NULL, {
	    { "vm", PROTO_VM, true }, { "s", PROTO_STRING, false },
	    { "i", PROTO_INTEGER, false }, { "b", PROTO_BOOLEAN, false },
	    { "f", PROTO_FILE, false } }, "takes most types" },
	{ "pour", PROTO_ADMIN, NULL, { { "n", PROTO_STREAM, true } },
	    "takes a stream" },
};
#define NROWS	(sizeof(rows) / sizeof(rows[0]))

/* One line, and JSON. */
static void
check_line(const struct proto_out *out)
{
	json_t *json;

	if (out->failed)
		return;
	FUZZ_CHECK(out->len > 0 && out->buf[out->len - 1] == '\n');
	FUZZ_CHECK(memchr(out->buf, '\n', out->len - 1) == NULL);
	json = json_loadb(out->buf, out->len, JSON_REJECT_DUPLICATES, NULL);
	FUZZ_CHECK(json_is_object(json));
	FUZZ_CHECK(json_object_get(json, "id") != NULL);
	json_decref(json);
}

/* What was found right is answered with itself. */
static void
answer(struct proto_out *out, const struct proto_request *rq)
{
	const struct proto_value *v;
	unsigned i;

	proto_out_result(out, rq);
	proto_out_array(out, "values");
	for (i = 0; i < PROTO_PARAMS_MAX &&
	    rq->row->params[i].name != NULL; i++) {
		v = &rq->values[i];
		FUZZ_CHECK(v->set || rq->row->params[i].required != true);
		FUZZ_CHECK(llabs(v->integer) <= PROTO_INTEGER_MAX);
		proto_out_string(out, NULL, v->string);
		if (v->string != NULL)
			proto_out_bytes(out, NULL, v->string,
			    strlen(v->string));
	}
	proto_out_array_end(out);
	proto_out_result_end(out, rq);
}

void
fuzz_proto(const uint8_t *p, size_t n)
{
	uint8_t *line = fuzz_tight(p, n);
	struct proto_failure failure;
	struct proto_request rq;
	struct proto_out out;
	bool streams;

	proto_out_init(&out);
	if (proto_parse(rows, NROWS, (const char *)line, n, &rq,
	    &failure) == 0) {
		FUZZ_CHECK(rq.row != NULL);
		streams = proto_row_streams(rq.row);
		FUZZ_CHECK(streams == (rq.row == &rows[2]));
		answer(&out, &rq);
	} else {
		FUZZ_CHECK(failure.name < PROTO_NERRORS);
		FUZZ_CHECK(strlen(failure.text) < PROTO_TEXT_MAX);
		FUZZ_CHECK(strchr(failure.text, '\n') == NULL);
		proto_out_failure(&out, &rq, &failure);
	}
	check_line(&out);
	proto_out_free(&out);
	proto_request_free(&rq);
	free(line);
}
