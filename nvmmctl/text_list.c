/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The list of machines: the columns that there are, and those that are asked
 * for, in the order in which they are.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "client.h"
#include "nvmmctl.h"
#include "output.h"

#define LIST_DEFAULT	"name,state,vcpus,memory,owner,created"
#define LIST_MAXCOLS	16

/* A column; its cell is written into a buffer, or is a string of its own. */
struct list_column {
	const char *name;
	const char *heading;
	const char *(*cell)(char *, const json_t *);
};

static const char *
cell_name(char *buf, const json_t *m)
{
	(void)buf;
	return member_string(m, "name", "-");
}

static const char *
cell_state(char *buf, const json_t *m)
{
	(void)buf;
	return member_string(m, "state", "-");
}

static const char *
cell_reason(char *buf, const json_t *m)
{
	(void)buf;
	return member_string(json_object_get(m, "reason"), "text", "-");
}

static const char *
cell_vcpus(char *buf, const json_t *m)
{
	return format_count(buf, member_integer(m, "vcpus", -1));
}

static const char *
cell_memory(char *buf, const json_t *m)
{
	return format_bytes(buf, member_integer(m, "memory", -1));
}

static const char *
cell_owner(char *buf, const json_t *m)
{
	const json_t *owner = json_object_get(m, "owner");

	return member_string(owner, "user",
	    format_count(buf, member_integer(owner, "uid", -1)));
}

static const char *
cell_group(char *buf, const json_t *m)
{
	const json_t *owner = json_object_get(m, "owner");

	return member_string(owner, "group",
	    format_count(buf, member_integer(owner, "gid", -1)));
}

static const char *
cell_created(char *buf, const json_t *m)
{
	return format_time(buf, member_integer(m, "created", -1));
}

static const char *
cell_started(char *buf, const json_t *m)
{
	return format_time(buf, member_integer(m, "started", -1));
}

static const char *
cell_since(char *buf, const json_t *m)
{
	return format_time(buf, member_integer(m, "since", -1));
}

static const char *
cell_uptime(char *buf, const json_t *m)
{
	int64_t ms = member_integer(m, "uptime_ms", -1);

	return format_ns(buf, ms < 0 ? -1 : ms * 1000000);
}

static const struct list_column columns[] = {
	{ "name",	"NAME",		cell_name },
	{ "state",	"STATE",	cell_state },
	{ "reason",	"REASON",	cell_reason },
	{ "vcpus",	">VCPUS",	cell_vcpus },
	{ "memory",	">MEMORY",	cell_memory },
	{ "owner",	">OWNER",	cell_owner },
	{ "group",	">GROUP",	cell_group },
	{ "created",	"CREATED",	cell_created },
	{ "started",	"STARTED",	cell_started },
	{ "since",	"SINCE",	cell_since },
	{ "uptime",	">UPTIME",	cell_uptime },
};

#define NCOLUMNS	(sizeof(columns) / sizeof(columns[0]))

/* Returns the column of that name, NULL if there is none. */
static const struct list_column *
column_find(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < NCOLUMNS; i++) {
		if (strlen(columns[i].name) == len &&
		    strncmp(columns[i].name, name, len) == 0)
			return &columns[i];
	}
	return NULL;
}

/* Says that there is no such column, and which there are. */
static void
column_unknown(const char *name, size_t len)
{
	char all[256];
	size_t i, used = 0;

	for (i = 0; i < NCOLUMNS; i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used,
		    "%s%s", i > 0 ? ", " : "", columns[i].name);
	(void)fail(CTL_USAGE, "there is no column \"%.*s\", but %s",
	    (int)len, name, all);
}

/* Takes the list of names apart. Returns how many, 0 after an error. */
static int
columns_parse(const char *text, const struct list_column **chosen)
{
	size_t len;
	int n = 0;

	for (;;) {
		len = strcspn(text, ",");
		if (n == LIST_MAXCOLS) {
			(void)fail(CTL_USAGE, "more than %d columns",
			    LIST_MAXCOLS);
			return 0;
		}
		chosen[n] = column_find(text, len);
		if (chosen[n++] == NULL) {
			column_unknown(text, len);
			return 0;
		}
		if (text[len] == '\0')
			return n;
		text += len + 1;
	}
}

bool
text_columns(const char *text)
{
	const struct list_column *chosen[LIST_MAXCOLS];

	return columns_parse(text, chosen) > 0;
}

/* Prints the machines as a table. */
void
text_list(const struct reply *reply, const char *text)
{
	const struct list_column *chosen[LIST_MAXCOLS];
	const char *headings[LIST_MAXCOLS];
	const json_t *machines, *m;
	char buf[FORMAT_MAX];
	struct table *t;
	size_t i;
	int col, n;

	n = columns_parse(text != NULL ? text : LIST_DEFAULT, chosen);
	for (col = 0; col < n; col++)
		headings[col] = chosen[col]->heading;
	t = table_new(headings, n);
	machines = json_object_get(reply_result(reply), "machines");
	json_array_foreach(machines, i, m) {
		for (col = 0; col < n; col++)
			table_cell(t, chosen[col]->cell(buf, m));
	}
	table_print(t);
}
