/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A machine's statistics for people: what it used, then for each VCPU its time
 * and its exits by reason, those that reached the user apart from those that
 * the driver served itself.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "client.h"
#include "nvmmctl.h"
#include "output.h"

/* Prints the machine's memory: given, mapped, and really used. */
static void
stats_memory(const json_t *stats)
{
	const json_t *memory = json_object_get(stats, "memory");
	char conf[FORMAT_MAX], mapped[FORMAT_MAX], used[FORMAT_MAX];
	char line[4 * FORMAT_MAX];

	(void)snprintf(line, sizeof(line), "%s configured, %s mapped, "
	    "%s resident",
	    format_bytes(conf, member_integer(memory, "configured", -1)),
	    format_bytes(mapped, member_integer(memory, "mapped", -1)),
	    format_bytes(used, member_integer(memory, "resident", -1)));
	field_print("memory", line);
}

/* Prints how much the guest wrote on its console. */
static void
stats_console(const json_t *stats)
{
	const json_t *console = json_object_get(stats, "console");
	char line[2 * FORMAT_MAX];

	if (console == NULL)
		return;
	(void)snprintf(line, sizeof(line), "%" PRId64 " bytes, %" PRId64
	    " no longer kept", member_integer(console, "bytes", 0),
	    member_integer(console, "lost", 0));
	field_print("console", line);
}

/* Prints the sums over all VCPUs. */
static void
stats_totals(const json_t *stats)
{
	const json_t *totals = json_object_get(stats, "totals");
	char buf[FORMAT_MAX], line[2 * FORMAT_MAX];

	if (totals == NULL)
		return;
	field_print("guest run time",
	    format_ns(buf, member_integer(totals, "run_ns", -1)));
	field_print("interrupts",
	    format_count(buf, member_integer(totals, "injected", -1)));
	(void)snprintf(line, sizeof(line), "%" PRId64 " (%.0f/s)",
	    member_integer(totals, "exits_user", 0),
	    member_real(totals, "rate_user"));
	field_print("exits to the user", line);
	(void)snprintf(line, sizeof(line), "%" PRId64 " (%.0f/s)",
	    member_integer(totals, "exits_driver", 0),
	    member_real(totals, "rate_driver"));
	field_print("within the driver", line);
}

/* Adds the sum of one side's exits, then a row for each reason. */
static void
stats_exits(struct table *t, const json_t *cpu, const char *side,
    const char *label)
{
	json_t *exits, *count;
	const char *reason;
	char name[2 * FORMAT_MAX], buf[FORMAT_MAX];
	int64_t sum = 0;

	exits = json_object_get(json_object_get(cpu, "exits"), side);
	json_object_foreach(exits, reason, count)
		sum += json_integer_value(count);
	table_cell(t, label);
	table_cell(t, format_count(buf, sum));
	(void)snprintf(buf, sizeof(buf), "%.0f",
	    member_real(json_object_get(cpu, "rate"), side));
	table_cell(t, buf);
	json_object_foreach(exits, reason, count) {
		(void)snprintf(name, sizeof(name), "    %s", reason);
		table_cell(t, name);
		table_cell(t, format_count(buf, json_integer_value(count)));
		table_cell(t, "");
	}
}

/* Prints one VCPU: its time, then its exits. */
static void
stats_vcpu(const json_t *cpu)
{
	static const char *const headings[] = {
		"  EXITS", ">COUNT", ">PER SECOND"
	};
	struct table *t;
	char run[FORMAT_MAX];

	printf("\nvcpu %" PRId64 ": ran %s, %" PRId64
	    " interrupts injected%s\n", member_integer(cpu, "cpu", -1),
	    format_ns(run, member_integer(cpu, "run_ns", -1)),
	    member_integer(cpu, "injected", 0),
	    json_is_true(json_object_get(cpu, "halted")) ? ", halted" : "");
	t = table_new(headings, 3);
	stats_exits(t, cpu, "user", "  to the user");
	stats_exits(t, cpu, "driver", "  within the driver");
	table_print(t);
}

/* Prints a machine's statistics. */
void
text_stats(const struct reply *reply)
{
	const json_t *stats = reply_result(reply), *vcpus, *cpu;
	char buf[FORMAT_MAX];
	int64_t uptime;
	size_t i;

	uptime = member_integer(stats, "uptime_ms", -1);
	field_print("name", member_string(stats, "name", "-"));
	field_print("state", member_string(stats, "state", "-"));
	field_print("uptime",
	    format_ns(buf, uptime < 0 ? -1 : uptime * 1000000));
	text_driver(reply);
	stats_memory(stats);
	stats_console(stats);
	stats_totals(stats);
	vcpus = json_object_get(stats, "vcpus");
	json_array_foreach(vcpus, i, cpu)
		stats_vcpu(cpu);
}
