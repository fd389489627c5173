/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Machines in answers: the short record of a list, the whole one, and the
 * statistics with their rates.
 */

#include <unistd.h>

#include "host.h"
#include "method.h"

/* As vm.create takes it. */
static const char *const method_boots[] = {
	[GUEST_BOOT_AUTO] = "auto",
	[GUEST_BOOT_ELF] = "elf",
	[GUEST_BOOT_PVH] = "pvh",
};

/* Why it is in its state. */
static void
method_reason(struct proto_out *o, const struct machine *m)
{
	const struct machine_reason *r = &m->reason;

	proto_out_object(o, "reason");
	proto_out_string(o, "kind", r->kind);
	proto_out_string(o, "text", r->text);
	if (r->exited)
		proto_out_integer(o, "status", r->status);
	if (r->ended)
		proto_out_integer(o, "vcpu", r->cpu);
	proto_out_object_end(o);
}

/* Milliseconds of running, so far or in all. */
static uint64_t
method_uptime(const struct machine *m)
{

	if (m->start_ns == 0)
		return 0;
	return ((m->end_ns != 0 ? m->end_ns : host_clock()) - m->start_ns) /
	    1000000;
}

/* What vm.list tells. */
void
method_record_short(struct proto_out *o, const struct machine *m)
{

	proto_out_string(o, "name", m->name);
	proto_out_string(o, "state", machine_state_names[m->state]);
	method_reason(o, m);
	proto_out_integer(o, "since", m->since);
	proto_out_integer(o, "created", m->created);
	if (m->started != 0)
		proto_out_integer(o, "started", m->started);
	proto_out_unsigned(o, "uptime_ms", method_uptime(m));
	proto_out_integer(o, "vcpus", m->ncpus);
	proto_out_unsigned(o, "memory", m->memory);
	proto_out_object(o, "owner");
	proto_out_integer(o, "uid", m->owner.uid);
	proto_out_integer(o, "gid", m->owner.gid);
	if (m->owner.user[0] != '\0')
		proto_out_string(o, "user", m->owner.user);
	if (m->owner.group[0] != '\0')
		proto_out_string(o, "group", m->owner.group);
	proto_out_object_end(o);
	proto_out_integer(o, "pid", getpid());
}

/* The VCPUs as last seen. */
static void
method_cpus(struct proto_out *o, const struct machine *m)
{
	unsigned i;

	proto_out_array(o, "cpus");
	for (i = 0; i < m->ncpus; i++) {
		proto_out_object(o, NULL);
		proto_out_integer(o, "cpu", i);
		proto_out_string(o, "last_exit", m->shown != NULL ?
		    m->shown->cpus[i].last_exit : "");
		proto_out_boolean(o, "halted", m->shown != NULL &&
		    m->state == MACHINE_RUNNING && m->shown->cpus[i].halted);
		proto_out_object_end(o);
	}
	proto_out_array_end(o);
}

/* What vm.show tells. */
void
method_record(struct proto_out *o, const struct machine *m)
{

	method_record_short(o, m);
	proto_out_string(o, "cmdline", m->cmdline);
	proto_out_string(o, "image", m->image);
	proto_out_string(o, "boot", method_boots[m->boot]);
	proto_out_string(o, "restart", restart_names[m->restart.policy]);
	proto_out_unsigned(o, "restarts", m->restart.total);
	if (machine_share(m) < POLICY_SHARE_MAX)
		proto_out_unsigned(o, "share", machine_share(m));
	method_driver(o);
	method_cpus(o, m);
}

/* Exits by reason; returns their sum. */
static uint64_t
method_exits(struct proto_out *o, const char *key, const uint64_t *exits)
{
	uint64_t sum = 0;
	unsigned i;

	proto_out_object(o, key);
	for (i = 0; i < GUEST_NEXITS; i++) {
		sum += exits[i];
		if (exits[i] != 0)
			proto_out_unsigned(o, guest_exit_names[i], exits[i]);
	}
	proto_out_object_end(o);
	return sum;
}

/* One VCPU; its share is added to the totals. */
static void
method_stats_cpu(struct proto_out *o, const struct guest_vcpu_stats *s,
    struct machine_rate *base, double seconds, struct machine_rate *rise,
    struct machine_rate *sum)
{
	struct machine_rate now;

	proto_out_unsigned(o, "run_ns", s->run_ns);
	proto_out_unsigned(o, "injected", s->injected);
	proto_out_boolean(o, "halted", s->halted);
	proto_out_object(o, "exits");
	now.user = method_exits(o, "user", s->exits_user);
	now.driver = method_exits(o, "driver", s->exits_driver);
	proto_out_object_end(o);
	proto_out_object(o, "rate");
	proto_out_real(o, "user", (double)(now.user - base->user) / seconds);
	proto_out_real(o, "driver",
	    (double)(now.driver - base->driver) / seconds);
	proto_out_object_end(o);
	rise->user += now.user - base->user;
	rise->driver += now.driver - base->driver;
	sum->user += now.user;
	sum->driver += now.driver;
	*base = now;
}

/* The VCPUs, then all of them together. */
static void
method_stats_cpus(struct proto_out *o, struct machine *m, double seconds)
{
	struct machine_rate rise = { 0, 0 }, sum = { 0, 0 };
	uint64_t run_ns = 0, injected = 0;
	unsigned i;

	proto_out_array(o, "vcpus");
	for (i = 0; i < m->ncpus; i++) {
		const struct guest_vcpu_stats *s = &m->shown->cpus[i];

		proto_out_object(o, NULL);
		proto_out_integer(o, "cpu", i);
		method_stats_cpu(o, s, &m->rates[i], seconds, &rise, &sum);
		proto_out_object_end(o);
		run_ns += s->run_ns;
		injected += s->injected;
	}
	proto_out_array_end(o);
	proto_out_object(o, "totals");
	proto_out_unsigned(o, "run_ns", run_ns);
	proto_out_unsigned(o, "injected", injected);
	proto_out_unsigned(o, "exits_user", sum.user);
	proto_out_unsigned(o, "exits_driver", sum.driver);
	proto_out_real(o, "rate_user", (double)rise.user / seconds);
	proto_out_real(o, "rate_driver", (double)rise.driver / seconds);
	proto_out_object_end(o);
}

/* Seconds since the last sample that was shown, or the start. */
static double
method_stats_span(struct machine *m)
{
	uint64_t base = m->rate_ns;

	m->rate_ns = m->shown->when;
	if (base == 0 || m->shown->when <= base)
		return 1.0;
	return (double)(m->shown->when - base) / 1e9;
}

/* What vm.stats tells. => m->shown is there */
void
method_stats(struct proto_out *o, struct machine *m)
{
	uint64_t total, lost;

	console_count(&m->console, &total, &lost);
	proto_out_string(o, "name", m->name);
	proto_out_string(o, "state", machine_state_names[m->state]);
	proto_out_unsigned(o, "uptime_ms", method_uptime(m));
	method_driver(o);
	proto_out_object(o, "memory");
	proto_out_unsigned(o, "configured", m->memory);
	proto_out_unsigned(o, "mapped", m->shown->memory.mapped);
	proto_out_unsigned(o, "resident", m->shown->memory.resident);
	proto_out_object_end(o);
	proto_out_object(o, "console");
	proto_out_unsigned(o, "bytes", total);
	proto_out_unsigned(o, "lost", lost);
	proto_out_object_end(o);
	method_stats_cpus(o, m, method_stats_span(m));
}
