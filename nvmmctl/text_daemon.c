/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The daemon's own records for people: what the driver offers, the daemon's
 * version and limits, the protocol's methods and errors.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "client.h"
#include "nvmmctl.h"
#include "output.h"

enum kind { TEXT, COUNT, BYTES, MILLISECONDS };

struct row {
	const char *label;
	const char *path;		/* in the result, see reply_string() */
	enum kind kind;
};

static const struct row driver_rows[] = {
	{ "backend",		"backend",		TEXT },
	{ "device",		"device",		TEXT },
	{ NULL, NULL, TEXT }
};

static const struct row identify_rows[] = {
	{ "API version",	"api_version",		COUNT },
	{ "state size",		"state_size",		BYTES },
	{ "max machines",	"max_machines",		COUNT },
	{ "max VCPUs",		"max_vcpus",		COUNT },
	{ "max RAM",		"max_ram",		BYTES },
	{ "machine conf",	"mach_conf",		TEXT },
	{ "VCPU conf",		"vcpu_conf",		TEXT },
	{ "CPUID masks",	"conf_cpuid_maxops",	COUNT },
	{ "guest XCR0",		"xcr0_mask",		TEXT },
	{ "guest MXCSR",	"mxcsr_mask",		TEXT },
	{ "backend",		"backend",		TEXT },
	{ NULL, NULL, TEXT }
};

static const struct row info_rows[] = {
	{ "version",		"version",		TEXT },
	{ "protocol",		"protocol.major",	COUNT },
	{ "pid",		"pid",			COUNT },
	{ "backend",		"backend",		TEXT },
	{ "device",		"device",		TEXT },
	{ "you",		"you.user",		TEXT },
	{ "your role",		"you.role",		TEXT },
	{ "you see",		"you.sees",		TEXT },
	{ "uptime",		"uptime_ms",		MILLISECONDS },
	{ "machines",		"machines",		COUNT },
	{ "max machines",	"limits.machines",	COUNT },
	{ "max VCPUs",		"limits.vcpus",		COUNT },
	{ "all VCPUs",		"limits.vcpus_total",	COUNT },
	{ "max memory",		"limits.memory_per_machine", BYTES },
	{ "all memory",		"limits.memory",	BYTES },
	{ "max clients",	"limits.clients",	COUNT },
	{ "max requests",	"limits.requests",	COUNT },
	{ "max line",		"limits.line",		BYTES },
	{ NULL, NULL, TEXT }
};

/* Returns a value as text, NULL if the record does not have it. */
static const char *
row_value(const struct reply *reply, const struct row *row, char *buf)
{
	int64_t value;

	if (row->kind == TEXT)
		return reply_string(reply, row->path);
	value = reply_integer(reply, row->path, -1);
	if (value < 0)
		return NULL;
	if (row->kind == BYTES)
		return format_bytes(buf, value);
	if (row->kind == MILLISECONDS)
		return format_ns(buf, value * 1000000);
	return format_count(buf, value);
}

/* Prints the rows that the record has. */
static void
rows_print(const struct reply *reply, const struct row *rows)
{
	char buf[FORMAT_MAX];
	const char *text;

	for (; rows->label != NULL; rows++) {
		text = row_value(reply, rows, buf);
		if (text != NULL)
			field_print(rows->label, text);
	}
}

/* Prints which driver serves a machine. */
void
text_driver(const struct reply *reply)
{
	rows_print(reply, driver_rows);
}

/* Prints what the driver offers. */
void
text_identify(const struct reply *reply)
{
	rows_print(reply, identify_rows);
}

/* Prints the daemon's version, load and limits. */
void
text_info(const struct reply *reply)
{
	rows_print(reply, info_rows);
}

/* Writes a method's parameters as "name?:type ...", cut to the buffer. */
static char *
format_params(char *buf, size_t size, const json_t *method)
{
	const json_t *params = json_object_get(method, "params"), *p;
	size_t i, len = 0;
	int n;

	buf[0] = '\0';
	json_array_foreach(params, i, p) {
		n = snprintf(buf + len, size - len, "%s%s%s:%s",
		    i > 0 ? " " : "", member_string(p, "name", "-"),
		    json_is_true(json_object_get(p, "required")) ? "" : "?",
		    member_string(p, "type", "-"));
		if (n < 0 || (size_t)n >= size - len)
			break;
		len += (size_t)n;
	}
	return buf;
}

/* Prints the methods of the protocol. */
static void
describe_methods(const json_t *methods)
{
	static const char *const headings[] = {
		"METHOD", "PRIVILEGE", "PARAMETERS", "SUMMARY"
	};
	struct table *t = table_new(headings, 4);
	const json_t *m;
	char params[512];
	size_t i;

	json_array_foreach(methods, i, m) {
		table_cell(t, member_string(m, "name", "-"));
		table_cell(t, member_string(m, "privilege", "-"));
		table_cell(t, format_params(params, sizeof(params), m));
		table_cell(t, member_string(m, "summary", ""));
	}
	table_print(t);
}

/* Prints the errors of the protocol. */
static void
describe_errors(const json_t *errors)
{
	static const char *const headings[] = { "ERROR", ">CODE", "SUMMARY" };
	struct table *t = table_new(headings, 3);
	const json_t *e;
	char buf[FORMAT_MAX];
	size_t i;

	json_array_foreach(errors, i, e) {
		table_cell(t, member_string(e, "name", "-"));
		(void)snprintf(buf, sizeof(buf), "%" PRId64,
		    member_integer(e, "code", 0));
		table_cell(t, buf);
		table_cell(t, member_string(e, "summary", ""));
	}
	table_print(t);
}

/* Prints an event's name, which may come alone or as a record. */
static const char *
event_name(const json_t *event)
{
	const char *name = json_string_value(event);

	return (name != NULL) ? name : member_string(event, "name", "-");
}

/* Prints the protocol: methods, errors, events. */
void
text_describe(const struct reply *reply)
{
	const json_t *result = reply_result(reply), *events, *event;
	size_t i;

	describe_methods(json_object_get(result, "methods"));
	printf("\n");
	describe_errors(json_object_get(result, "errors"));
	printf("\nEVENTS");
	events = json_object_get(result, "events");
	json_array_foreach(events, i, event)
		printf("%s%s", i == 0 ? "\n" : " ", event_name(event));
	printf("\n");
}
