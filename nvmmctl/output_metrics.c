/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Statistics in the OpenMetrics text format, version 1.0, which Prometheus
 * reads. All samples of a family stand together, hence all machines are
 * walked for each family.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "client.h"
#include "nvmmctl.h"
#include "output.h"

/* Prints a label's value in quotes: escapes as the format wants them. */
static void
metrics_label(const char *name, const char *text)
{
	printf("%s=\"", name);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			(void)putchar('\\');
		if (*text == '\n')
			printf("\\n");
		else
			(void)putchar(*text);
	}
	(void)putchar('"');
}

/* Prints a sample's name and the label of its machine. */
static void
metrics_sample(const char *name, const json_t *stats)
{
	printf("%s{", name);
	metrics_label("vm", member_string(stats, "name", ""));
}

/* Prints what a family is. */
static void
metrics_family(const char *name, const char *type, const char *unit,
    const char *help)
{
	printf("# TYPE %s %s\n", name, type);
	if (unit != NULL)
		printf("# UNIT %s %s\n", name, unit);
	printf("# HELP %s %s\n", name, help);
}

static void
metrics_info(const json_t *stats)
{
	metrics_sample("nvmm_machine_info", stats);
	(void)putchar(',');
	metrics_label("backend", member_string(stats, "backend", ""));
	(void)putchar(',');
	metrics_label("device", member_string(stats, "device", ""));
	printf("} 1\n");
}

static void
metrics_state(const json_t *stats)
{
	static const char *const states[] = {
		"created", "running", "paused", "stopped", "failed"
	};
	const char *state = member_string(stats, "state", "");
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		metrics_sample("nvmm_machine_state", stats);
		(void)putchar(',');
		metrics_label("nvmm_machine_state", states[i]);
		printf("} %d\n", strcmp(states[i], state) == 0);
	}
}

static void
metrics_uptime(const json_t *stats)
{
	metrics_sample("nvmm_machine_uptime_seconds", stats);
	printf("} %.3f\n",
	    (double)member_integer(stats, "uptime_ms", 0) / 1000);
}

static void
metrics_memory(const json_t *stats)
{
	static const char *const kinds[] = {
		"configured", "mapped", "resident"
	};
	const json_t *memory = json_object_get(stats, "memory");
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		metrics_sample("nvmm_machine_memory_bytes", stats);
		(void)putchar(',');
		metrics_label("kind", kinds[i]);
		printf("} %" PRId64 "\n", member_integer(memory, kinds[i], 0));
	}
}

static void
metrics_console(const json_t *stats)
{
	metrics_sample("nvmm_machine_console_bytes_total", stats);
	printf("} %" PRId64 "\n", member_integer(json_object_get(stats,
	    "console"), "bytes", 0));
}

/* Prints the start of a sample of one VCPU. */
static void
metrics_vcpu(const char *name, const json_t *stats, const json_t *cpu)
{
	metrics_sample(name, stats);
	printf(",vcpu=\"%" PRId64 "\"", member_integer(cpu, "cpu", -1));
}

static void
metrics_run(const json_t *stats)
{
	const json_t *vcpus = json_object_get(stats, "vcpus"), *cpu;
	size_t i;

	json_array_foreach(vcpus, i, cpu) {
		metrics_vcpu("nvmm_vcpu_run_seconds_total", stats, cpu);
		printf("} %.9f\n",
		    (double)member_integer(cpu, "run_ns", 0) / 1e9);
	}
}

static void
metrics_injected(const json_t *stats)
{
	const json_t *vcpus = json_object_get(stats, "vcpus"), *cpu;
	size_t i;

	json_array_foreach(vcpus, i, cpu) {
		metrics_vcpu("nvmm_vcpu_injected_events_total", stats, cpu);
		printf("} %" PRId64 "\n", member_integer(cpu, "injected", 0));
	}
}

/* Prints the exits of one VCPU that one side served. */
static void
metrics_side(const json_t *stats, const json_t *cpu, const char *side)
{
	const char *reason;
	json_t *exits, *count;

	exits = json_object_get(json_object_get(cpu, "exits"), side);
	json_object_foreach(exits, reason, count) {
		metrics_vcpu("nvmm_vcpu_exits_total", stats, cpu);
		printf(",side=\"%s\",", side);
		metrics_label("reason", reason);
		printf("} %" PRId64 "\n", (int64_t)json_integer_value(count));
	}
}

static void
metrics_exits(const json_t *stats)
{
	const json_t *vcpus = json_object_get(stats, "vcpus"), *cpu;
	size_t i;

	json_array_foreach(vcpus, i, cpu) {
		metrics_side(stats, cpu, "user");
		metrics_side(stats, cpu, "driver");
	}
}

static const struct metrics_row {
	const char *name, *type, *unit, *help;
	void (*print)(const json_t *);
} metrics[] = {
	{ "nvmm_machine", "info", NULL,
	    "What serves the machine.", metrics_info },
	{ "nvmm_machine_state", "stateset", NULL,
	    "The state that the machine is in.", metrics_state },
	{ "nvmm_machine_uptime_seconds", "gauge", "seconds",
	    "Time since the start, until the end.", metrics_uptime },
	{ "nvmm_machine_memory_bytes", "gauge", "bytes",
	    "Memory that is configured, mapped, resident.", metrics_memory },
	{ "nvmm_machine_console_bytes", "counter", "bytes",
	    "Written on the console.", metrics_console },
	{ "nvmm_vcpu_run_seconds", "counter", "seconds",
	    "Time spent in the guest.", metrics_run },
	{ "nvmm_vcpu_injected_events", "counter", NULL,
	    "Interrupts and NMIs injected.", metrics_injected },
	{ "nvmm_vcpu_exits", "counter", NULL,
	    "Exits by reason, served by the user or within the driver.",
	    metrics_exits },
};

/* Prints the exposition of all machines. */
void
metrics_print(struct reply **replies, size_t n)
{
	const struct metrics_row *m;
	size_t i;

	for (m = metrics; m < metrics + sizeof(metrics) / sizeof(metrics[0]);
	    m++) {
		metrics_family(m->name, m->type, m->unit, m->help);
		for (i = 0; i < n; i++)
			m->print(reply_result(replies[i]));
	}
	printf("# EOF\n");
}
