/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The table of methods, and the methods about the daemon itself.
 */

#include <unistd.h>

#include "config.h"
#include "control.h"
#include "events.h"
#include "host.h"
#include "method.h"

static const struct config *method_config;
static const struct worker_host *method_host;
static uint64_t method_start;		/* host_clock() */

static void	method_info(struct request *);
static void	method_describe(struct request *);
static void	method_identify(struct request *);

#define METHOD_VM	{ "vm", PROTO_VM, true }

const struct proto_row method_rows[] = {
	{ "daemon.info", PROTO_MONITOR, method_info, { { 0 } },
	    "what the daemon is, its limits, and who you are to it" },
	{ "daemon.describe", PROTO_MONITOR, method_describe, { { 0 } },
	    "this table" },
	{ "daemon.identify", PROTO_MONITOR, method_identify, { { 0 } },
	    "what the driver can do" },
	{ "daemon.reload", PROTO_ADMIN, method_daemon_reload, { { 0 } },
	    "read the configuration again; a bad one changes nothing" },
	{ "vm.create", PROTO_USER, method_vm_create, {
	    [CREATE_NAME] = { "name", PROTO_STRING, false },
	    [CREATE_MEMORY] = { "memory", PROTO_INTEGER, true },
	    [CREATE_VCPUS] = { "vcpus", PROTO_INTEGER, false },
	    [CREATE_CMDLINE] = { "cmdline", PROTO_STRING, false },
	    [CREATE_BOOT] = { "boot", PROTO_STRING, false },
	    [CREATE_ELF] = { "elf", PROTO_FILE, true },
	    [CREATE_RESTART] = { "restart", PROTO_STRING, false } },
	    "make a machine and load it" },
	{ "elf.upload", PROTO_USER, method_elf_upload, {
	    [UPLOAD_SIZE] = { "size", PROTO_STREAM, true } },
	    "take the bytes that follow the line as a file for vm.create" },
	{ "vm.start", PROTO_USER, method_vm_start, { METHOD_VM },
	    "let a machine run that does not" },
	{ "vm.stop", PROTO_USER, method_vm_stop, { METHOD_VM,
	    [STOP_FORCE] = { "force", PROTO_BOOLEAN, false },
	    [STOP_GRACE] = { "grace_ms", PROTO_INTEGER, false } },
	    "ask the guest to end, end it when its grace is over" },
	{ "vm.pause", PROTO_USER, method_vm_pause, { METHOD_VM },
	    "hold all VCPUs" },
	{ "vm.resume", PROTO_USER, method_vm_resume, { METHOD_VM },
	    "let them go on" },
	{ "vm.reset", PROTO_USER, method_vm_reset, { METHOD_VM },
	    "end the guest and start it from the beginning" },
	{ "vm.nmi", PROTO_USER, method_vm_nmi, { METHOD_VM,
	    [NMI_CPU] = { "cpu", PROTO_INTEGER, false } },
	    "give a VCPU a non-maskable interrupt" },
	{ "vm.regs", PROTO_MONITOR, method_vm_regs, { METHOD_VM },
	    "the registers of a machine that is paused or has ended" },
	{ "vm.set", PROTO_USER, method_vm_set, { METHOD_VM,
	    [SET_OWNER] = { "owner", PROTO_STRING, PROTO_OF_ADMIN },
	    [SET_GROUP] = { "group", PROTO_STRING, false },
	    [SET_SHARE] = { "share", PROTO_INTEGER, false },
	    [SET_RESTART] = { "restart", PROTO_STRING, false } },
	    "change a machine's owner, group, run time share in percent of a "
	    "processor (0: as the policy says), restart policy" },
	{ "vm.destroy", PROTO_USER, method_vm_destroy, { METHOD_VM },
	    "end a machine, if need be, and free all of it" },
	{ "vm.list", PROTO_MONITOR, method_vm_list, { { 0 } },
	    "the machines that one may see" },
	{ "vm.show", PROTO_MONITOR, method_vm_show, { METHOD_VM },
	    "one machine" },
	{ "vm.stats", PROTO_MONITOR, method_vm_stats, { METHOD_VM },
	    "counters and rates" },
	{ "vm.wait", PROTO_MONITOR, method_vm_wait, { METHOD_VM,
	    [WAIT_TIMEOUT] = { "timeout_ms", PROTO_INTEGER, false } },
	    "answer when the machine has ended" },
	{ "console.read", PROTO_MONITOR, method_console_read, { METHOD_VM,
	    [READ_OFFSET] = { "offset", PROTO_INTEGER, false },
	    [READ_MAX] = { "max", PROTO_INTEGER, false },
	    [READ_ENCODING] = { "encoding", PROTO_STRING, false } },
	    "what the console has kept" },
	{ "console.attach", PROTO_USER, method_console_attach, { METHOD_VM,
	    [ATTACH_REPLAY] = { "replay", PROTO_BOOLEAN, false } },
	    "make this connection the console" },
	{ "events.subscribe", PROTO_MONITOR, method_events_subscribe,
	    { { 0 } }, "tell this connection what happens" },
};
const size_t method_nrows = sizeof(method_rows) / sizeof(method_rows[0]);

/* Remembers what the answers need. */
void
method_init(const struct config *config, const struct worker_host *host)
{

	method_config = config;
	method_host = host;
	method_start = host_clock();
}

/* The limits that a client can run into. */
static void
method_limits(struct proto_out *o)
{
	const struct config *c = method_config;

	proto_out_object(o, "limits");
	proto_out_integer(o, "line", PROTO_LINE_MAX);
	proto_out_integer(o, "descriptors", PROTO_FDS_MAX);
	proto_out_integer(o, "upload", UPLOAD_MAX);
	proto_out_integer(o, "nesting", PROTO_DEPTH_MAX);
	proto_out_integer(o, "requests", c->requests);
	proto_out_integer(o, "clients", c->clients);
	proto_out_unsigned(o, "machines", c->policy.all.machines);
	proto_out_unsigned(o, "vcpus_total", c->policy.all.vcpus);
	proto_out_unsigned(o, "vcpus",
	    c->policy.general[POLICY_MACHINE_VCPUS]);
	proto_out_unsigned(o, "memory", c->policy.all.memory);
	proto_out_unsigned(o, "memory_per_machine",
	    c->policy.general[POLICY_MACHINE_MEMORY]);
	proto_out_integer(o, "console", CONSOLE_SIZE);
	proto_out_object_end(o);
}

/* Which backend serves, and through which door. */
void
method_driver(struct proto_out *o)
{

	proto_out_string(o, "backend", method_host->backend);
	proto_out_string(o, "device", method_host->device);
}

/* daemon.info */
static void
method_info(struct request *r)
{
	struct proto_out *o = request_result(r);
	struct policy_use use;

	machine_use(&use);
	proto_out_object(o, "protocol");
	proto_out_integer(o, "major", PROTO_MAJOR);
	proto_out_integer(o, "minor", PROTO_MINOR);
	proto_out_object_end(o);
	proto_out_string(o, "version", PROTO_VERSION);
	proto_out_integer(o, "pid", getpid());
	proto_out_array(o, "features");
	proto_out_string(o, NULL, "console.attach");
	proto_out_string(o, NULL, "descriptors");
	proto_out_string(o, NULL, "uploads");
	proto_out_string(o, NULL, "events");
	proto_out_string(o, NULL, "images");
	proto_out_array_end(o);
	method_limits(o);
	method_driver(o);
	proto_out_unsigned(o, "uptime_ms",
	    (host_clock() - method_start) / 1000000);
	proto_out_unsigned(o, "machines", use.machines);
	proto_out_unsigned(o, "memory_used", use.memory);
	method_you(o, r->peer, &method_config->policy);
	request_done(r);
}

/* One row, and whether its line may bring descriptors. */
static void
method_describe_row(struct proto_out *o, const struct proto_row *row)
{
	bool descriptors = false;
	int i;

	proto_out_object(o, NULL);
	proto_out_string(o, "name", row->name);
	proto_out_string(o, "privilege", proto_privileges[row->privilege]);
	proto_out_boolean(o, "machine", row->params[0].type == PROTO_VM);
	proto_out_array(o, "params");
	for (i = 0; i < PROTO_PARAMS_MAX && row->params[i].name != NULL; i++) {
		const struct proto_param *p = &row->params[i];

		proto_out_object(o, NULL);
		proto_out_string(o, "name", p->name);
		proto_out_string(o, "type", proto_type_name(p->type));
		proto_out_boolean(o, "required", p->required == true);
		if (p->required == PROTO_OF_ADMIN)
			proto_out_string(o, "privilege",
			    proto_privileges[PROTO_ADMIN]);
		proto_out_object_end(o);
		descriptors |= p->type == PROTO_FILE;
	}
	proto_out_array_end(o);
	proto_out_boolean(o, "descriptors", descriptors);
	proto_out_string(o, "summary", row->summary);
	proto_out_object_end(o);
}

/* daemon.describe */
static void
method_describe(struct request *r)
{
	struct proto_out *o = request_result(r);
	size_t i;

	proto_out_array(o, "methods");
	for (i = 0; i < method_nrows; i++)
		method_describe_row(o, &method_rows[i]);
	proto_out_array_end(o);
	proto_out_array(o, "errors");
	for (i = 0; i < PROTO_NERRORS; i++) {
		proto_out_object(o, NULL);
		proto_out_string(o, "name", proto_errors[i].name);
		proto_out_integer(o, "code", proto_errors[i].code);
		proto_out_string(o, "summary", proto_errors[i].summary);
		proto_out_object_end(o);
	}
	proto_out_array_end(o);
	proto_out_array(o, "events");
	for (i = 0; i < EVENTS_NTYPES; i++)
		proto_out_string(o, NULL, events_names[i]);
	proto_out_array_end(o);
	request_done(r);
}

/* daemon.identify */
static void
method_identify(struct request *r)
{
	struct proto_out *o = request_result(r);
	const struct worker_host *h = method_host;

	proto_out_integer(o, "api_version", h->version);
	proto_out_integer(o, "state_size", h->state_size);
	proto_out_integer(o, "max_machines", h->max_machines);
	proto_out_integer(o, "max_vcpus", h->max_vcpus);
	proto_out_unsigned(o, "max_ram", h->max_ram);
	proto_out_hex(o, "mach_conf", h->mach_conf);
	proto_out_hex(o, "vcpu_conf", h->vcpu_conf);
	proto_out_hex(o, "xcr0_mask", h->xcr0_mask);
	proto_out_hex(o, "mxcsr_mask", h->mxcsr_mask);
	proto_out_unsigned(o, "conf_cpuid_maxops", h->conf_cpuid_maxops);
	method_driver(o);
	request_done(r);
}
