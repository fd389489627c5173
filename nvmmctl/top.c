/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The counters of all machines and the rates between two looks at them. The
 * daemon's own rates are since anybody asked last, so they are of no use here.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "client.h"
#include "nvmmctl.h"
#include "output.h"
#include "top.h"

#define TOP_INTERVAL	2	/* seconds */

/* Which group a reason belongs to. */
static enum top_group
top_group(const char *reason)
{
	static const struct {
		const char *reason;
		enum top_group group;
	} rows[] = {
		{ "io", TOP_IO }, { "memory", TOP_MEMORY },
		{ "halted", TOP_HALT }, { "rdmsr", TOP_MSR },
		{ "wrmsr", TOP_MSR }, { "cpuid", TOP_CPUID },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].reason, reason) == 0)
			return rows[i].group;
	}
	return TOP_OTHER;
}

/* Adds the exits of one VCPU that one side served. */
static void
row_exits(struct top_row *row, const json_t *cpu, const char *side)
{
	const char *reason;
	json_t *exits, *count;

	exits = json_object_get(json_object_get(cpu, "exits"), side);
	json_object_foreach(exits, reason, count)
		row->exits[top_group(reason)] += json_integer_value(count);
}

/* Fills the counters in from vm.stats. */
static void
row_fill(struct top_row *row, const json_t *stats)
{
	const json_t *vcpus = json_object_get(stats, "vcpus"), *cpu;
	size_t i;

	(void)snprintf(row->name, sizeof(row->name), "%s",
	    member_string(stats, "name", "-"));
	(void)snprintf(row->state, sizeof(row->state), "%s",
	    member_string(stats, "state", "-"));
	text_clean(row->name);
	text_clean(row->state);
	row->resident = member_integer(json_object_get(stats, "memory"),
	    "resident", 0);
	row->run_ns = member_integer(json_object_get(stats, "totals"),
	    "run_ns", 0);
	json_array_foreach(vcpus, i, cpu) {
		row_exits(row, cpu, "user");
		row_exits(row, cpu, "driver");
	}
}

/* Turns what came on top of the counters before into rates. */
static void
row_rates(struct top_row *row, const struct top_row *before, double seconds)
{
	double rise;
	int g;

	rise = (double)(row->run_ns - before->run_ns);
	row->cpu = rise > 0 ? rise / 1e7 / seconds : 0;
	row->rate = 0;
	for (g = 0; g < TOP_NGROUPS; g++) {
		rise = (double)(row->exits[g] - before->exits[g]);
		row->rates[g] = rise > 0 ? rise / seconds : 0;
		row->rate += row->rates[g];
	}
}

/* Returns the row of that name, NULL if there is none. */
static const struct top_row *
rows_find(const struct top_row *rows, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}

/* Fills one row in, rates included. */
static void
top_row(struct top *top, struct top_row *row, const json_t *stats,
    double since)
{
	static const struct top_row nothing;
	const struct top_row *before;
	double seconds = top->when - since;

	row_fill(row, stats);
	before = rows_find(top->rows, top->nrows, row->name);
	/* A new machine, or a new run of it: since its start. */
	if (before == NULL || before->run_ns > row->run_ns) {
		before = &nothing;
		seconds = (double)member_integer(stats, "uptime_ms", 0) / 1e3;
	}
	row_rates(row, before, seconds > 0.001 ? seconds : 0.001);
}

/* Sends a request for each machine of the list; returns how many. */
static size_t
top_ask(struct top *top, const json_t *machines, int *status)
{
	struct request *req;
	const json_t *m;
	size_t i, n = 0;
	int64_t id;

	json_array_foreach(machines, i, m) {
		req = request_new("vm.stats");
		request_string(req, "vm", member_string(m, "name", ""));
		*status = client_send(top->client, req, &id);
		if (*status != CTL_OK)
			break;
		n++;
	}
	return n;
}

/* Takes the answers; a machine that is gone meanwhile is left out. */
static size_t
top_take(struct top *top, struct top_row *rows, size_t n, double since,
    int *status)
{
	struct reply *reply;
	size_t i, filled = 0;

	for (i = 0; i < n && *status == CTL_OK; i++) {
		*status = client_next(top->client, &reply);
		if (*status != CTL_OK)
			break;
		if (reply_result(reply) != NULL)
			top_row(top, &rows[filled++], reply_result(reply),
			    since);
		reply_free(reply);
	}
	return filled;
}

/* Looks at the machines of a list. */
static int
top_look_at(struct top *top, const json_t *machines)
{
	size_t n = json_array_size(machines);
	double since = top->when;
	struct top_row *rows = calloc(n + 1, sizeof(*rows));
	int status = CTL_OK;

	if (rows == NULL)
		return fail(CTL_FAILED, "%s", strerror(errno));
	n = top_ask(top, machines, &status);
	top->when = clock_seconds();
	n = top_take(top, rows, n, since, &status);
	free(top->rows);
	top->rows = rows;
	top->nrows = n;
	return status;
}

int
top_look(struct top *top)
{
	struct reply *reply;
	int status;

	status = client_call(top->client, request_new("vm.list"), &reply);
	if (status != CTL_OK)
		return status;
	status = top_look_at(top, json_object_get(reply_result(reply),
	    "machines"));
	reply_free(reply);
	return status;
}

/* Orders numbers, the greatest first. */
static int
greater(double a, double b)
{
	return (a < b) - (a > b);
}

static int
by_name(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;

	return strverscmp(x->name, y->name);
}

static int
by_cpu(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int order = greater(x->cpu, y->cpu);

	return order != 0 ? order : by_name(a, b);
}

static int
by_exits(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int order = greater(x->rate, y->rate);

	return order != 0 ? order : by_name(a, b);
}

static int
by_memory(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int order = greater((double)x->resident, (double)y->resident);

	return order != 0 ? order : by_name(a, b);
}

void
top_sort(struct top *top)
{
	static int (*const orders[TOP_NORDERS])(const void *, const void *) = {
		[TOP_BY_CPU] = by_cpu,
		[TOP_BY_EXITS] = by_exits,
		[TOP_BY_MEMORY] = by_memory,
		[TOP_BY_NAME] = by_name,
	};

	qsort(top->rows, top->nrows, sizeof(*top->rows), orders[top->order]);
}

void
top_free(struct top *top)
{
	free(top->rows);
	client_close(top->client);
}

/* Looks twice, so that there is something to tell, and prints a table. */
static int
top_once(struct top *top, unsigned int interval)
{
	int status;

	status = top_look(top);
	if (status == CTL_OK) {
		(void)sleep(interval);
		status = top_look(top);
	}
	if (status == CTL_OK) {
		top_sort(top);
		top_plain(top);
	}
	return status;
}

int
cmd_top(struct ctl *ctl)
{
	struct top top = { .order = TOP_BY_CPU };
	uint64_t ms = TOP_INTERVAL * 1000;
	int status = CTL_OK;

	if (ctl->interval != NULL)
		status = seconds_parse("--interval", ctl->interval, &ms);
	if (status == CTL_OK && ms == 0)
		status = fail(CTL_USAGE, "--interval 0: at least a second");
	if (status == CTL_OK)
		status = client_open(ctl, &top.client);
	if (status != CTL_OK)
		return status;
	status = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) ?
	    top_screen(&top, (unsigned int)(ms / 1000)) :
	    top_once(&top, (unsigned int)(ms / 1000));
	top_free(&top);
	return status;
}
