/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Results for people: what became of a machine, and all about one.  Lists,
 * registers, statistics and the daemon's own records are in text_*.c.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "client.h"
#include "nvmmctl.h"
#include "output.h"

/* Prints the new machine's name alone, for use in scripts. */
static void
text_created(const struct reply *reply)
{
	const char *name = reply_string(reply, "name");

	printf("%s\n", name != NULL ? name : "-");
}

/* Prints a machine's name and what became of it. */
static void
text_became(const struct reply *reply, const char *what)
{
	const char *name = reply_string(reply, "name");

	printf("%s: %s\n", name != NULL ? name : "-",
	    what != NULL ? what : "-");
}

static void
text_changed(const struct reply *reply)
{
	text_became(reply, reply_string(reply, "state"));
}

static void
text_destroyed(const struct reply *reply)
{
	text_became(reply, "destroyed");
}

/* Prints how a machine ended, on a line. */
static void
text_ended(const struct reply *reply)
{
	const char *state = reply_string(reply, "state");
	const char *text = reply_string(reply, "reason.text");
	char line[512];

	if (text == NULL) {
		text_changed(reply);
		return;
	}
	(void)snprintf(line, sizeof(line), "%s (%s)",
	    state != NULL ? state : "-", text);
	text_clean(line);
	text_became(reply, line);
}

/* The console was what there is to see of a run. */
static void
text_run(const struct reply *reply)
{
	(void)reply;
}

/* Prints an event: when, what, of which machine, and why. */
static void
text_event(const struct reply *reply)
{
	const json_t *event = reply_event(reply);
	char line[512], when[FORMAT_MAX];
	int64_t lost = member_integer(event, "lost", 0);
	const char *reason;

	if (lost > 0)
		printf("(%" PRId64 " events were lost)\n", lost);
	reason = member_string(event, "reason", "");
	(void)snprintf(line, sizeof(line), "%s  %-12s  %s%s%s",
	    format_time(when, member_integer(event, "time", -1)),
	    member_string(event, "type", "-"), member_string(event, "vm", "-"),
	    *reason != '\0' ? "  " : "", reason);
	text_clean(line);
	printf("%s\n", line);
}

/* Prints why the machine is in its state. */
static void
show_reason(const json_t *m)
{
	const json_t *reason = json_object_get(m, "reason");
	char buf[FORMAT_MAX];
	int64_t vcpu = member_integer(reason, "vcpu", -1);

	if (reason == NULL)
		return;
	field_print("reason", member_string(reason, "text",
	    member_string(reason, "kind", "-")));
	if (json_object_get(reason, "status") != NULL) {
		(void)snprintf(buf, sizeof(buf), "%" PRId64,
		    member_integer(reason, "status", -1));
		field_print("exit status", buf);
	}
	if (vcpu >= 0)
		field_print("by VCPU", format_count(buf, vcpu));
}

/* Prints the owner's user and group. */
static void
show_owner(const json_t *m)
{
	const json_t *owner = json_object_get(m, "owner");
	const char *user = member_string(owner, "user", NULL);
	const char *group = member_string(owner, "group", NULL);
	char buf[4 * FORMAT_MAX];

	if (owner == NULL)
		return;
	(void)snprintf(buf, sizeof(buf), "%.64s%suid %" PRId64
	    ", %.64s%sgid %" PRId64, user != NULL ? user : "",
	    user != NULL ? ", " : "", member_integer(owner, "uid", -1),
	    group != NULL ? group : "", group != NULL ? ", " : "",
	    member_integer(owner, "gid", -1));
	field_print("owner", buf);
	if (member_integer(m, "share", 0) > 0) {
		(void)snprintf(buf, sizeof(buf), "%" PRId64 "%% of a processor",
		    member_integer(m, "share", 0));
		field_print("run time", buf);
	}
}

/* Prints the last exit of each VCPU. */
static void
show_cpus(const json_t *m)
{
	static const char *const headings[] = {
		">VCPU", "HALTED", "LAST EXIT"
	};
	const json_t *cpus = json_object_get(m, "cpus"), *cpu;
	struct table *t;
	const char *exit;
	char buf[FORMAT_MAX];
	size_t i;

	if (json_array_size(cpus) == 0)
		return;
	printf("\n");
	t = table_new(headings, 3);
	json_array_foreach(cpus, i, cpu) {
		table_cell(t, format_count(buf,
		    member_integer(cpu, "cpu", -1)));
		table_cell(t, json_is_true(json_object_get(cpu, "halted")) ?
		    "yes" : "no");
		exit = member_string(cpu, "last_exit", "");
		table_cell(t, *exit != '\0' ? exit : "-");
	}
	table_print(t);
}

/* Prints a time under its label, if the record has it. */
static void
show_time(const json_t *m, const char *label, const char *name)
{
	char buf[FORMAT_MAX];
	int64_t when = member_integer(m, name, 0);

	if (when > 0)
		field_print(label, format_time(buf, when));
}

/* Prints a string under its label, if the record has it. */
static void
show_string(const json_t *m, const char *label, const char *name)
{
	const char *text = member_string(m, name, "");

	if (*text != '\0')
		field_print(label, text);
}

/* Prints all there is to know of one machine. */
static void
text_show(const struct reply *reply)
{
	const json_t *m = reply_result(reply);
	char buf[FORMAT_MAX];

	show_string(m, "name", "name");
	show_string(m, "state", "state");
	show_reason(m);
	show_time(m, "since", "since");
	show_time(m, "created", "created");
	show_time(m, "started", "started");
	field_print("vcpus", format_count(buf, member_integer(m, "vcpus", -1)));
	field_print("memory",
	    format_bytes(buf, member_integer(m, "memory", -1)));
	show_string(m, "image", "image");
	show_string(m, "command line", "cmdline");
	show_string(m, "boot", "boot");
	show_string(m, "restart", "restart");
	text_driver(reply);
	show_owner(m);
	if (member_integer(m, "pid", 0) > 0)
		field_print("pid", format_count(buf,
		    member_integer(m, "pid", 0)));
	show_cpus(m);
}

const struct output output_text = {
	.created = text_created,
	.changed = text_changed,
	.destroyed = text_destroyed,
	.list = text_list,
	.show = text_show,
	.regs = text_regs,
	.event = text_event,
	.stats = text_stats,
	.ended = text_ended,
	.run = text_run,
	.identify = text_identify,
	.info = text_info,
	.describe = text_describe,
	.console_apart = false,
};
