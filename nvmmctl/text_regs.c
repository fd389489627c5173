/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Registers for people: as debuggers show them, by the daemon's names in the
 * daemon's order.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "client.h"
#include "nvmmctl.h"
#include "output.h"

#define REGS_PER_LINE	3

/* Prints the registers, which are the members that are hex strings. */
static void
regs_values(const json_t *cpu)
{
	const char *name, *text;
	json_t *value;
	int n = 0;

	json_object_foreach((json_t *)(uintptr_t)cpu, name, value) {
		text = json_string_value(value);
		if (text == NULL || strncmp(text, "0x", 2) != 0)
			continue;
		printf("%-14s%-*s%s", name, n % REGS_PER_LINE ==
		    REGS_PER_LINE - 1 ? 0 : 20, text,
		    n % REGS_PER_LINE == REGS_PER_LINE - 1 ? "\n" : "");
		n++;
	}
	if (n % REGS_PER_LINE != 0)
		(void)putchar('\n');
}

/* Prints the segment registers. */
static void
regs_segments(const json_t *cpu)
{
	static const char *const headings[] = {
		"SEGMENT", ">SELECTOR", ">BASE", ">LIMIT", ">TYPE", ">DPL",
		"FLAGS"
	};
	struct table *t = table_new(headings, 7);
	const char *name;
	json_t *segs, *s;
	char buf[FORMAT_MAX];

	segs = json_object_get(cpu, "segments");
	json_object_foreach(segs, name, s) {
		table_cell(t, name);
		table_cell(t, member_string(s, "selector", "-"));
		table_cell(t, member_string(s, "base", "-"));
		table_cell(t, member_string(s, "limit", "-"));
		table_cell(t, format_count(buf, member_integer(s, "type", -1)));
		table_cell(t, format_count(buf, member_integer(s, "dpl", -1)));
		(void)snprintf(buf, sizeof(buf), "%s%s%s%s",
		    json_is_true(json_object_get(s, "present")) ? "P" : "",
		    json_is_true(json_object_get(s, "system")) ? "S" : "",
		    json_is_true(json_object_get(s, "long")) ? "L" : "",
		    json_is_true(json_object_get(s, "default_32")) ? "D" : "");
		table_cell(t, buf);
	}
	table_print(t);
}

/* Prints the registers of all VCPUs. */
void
text_regs(const struct reply *reply)
{
	const json_t *vcpus, *cpu;
	size_t i;

	vcpus = json_object_get(reply_result(reply), "vcpus");
	json_array_foreach(vcpus, i, cpu) {
		printf("%s%s, VCPU %" PRId64 "\n", i > 0 ? "\n" : "",
		    member_string(reply_result(reply), "name", "-"),
		    member_integer(cpu, "cpu", -1));
		regs_values(cpu);
		regs_segments(cpu);
	}
}
