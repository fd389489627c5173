/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * nvmm_vcpu_strexit(3): an exit in words, for the person who has to find out
 * why a guest does not go on.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "../internal.h"

/* Text being put together; total counts on beyond the room, as snprintf. */
struct text {
	char *buf;
	size_t room;
	int total;
};

/* Append. */
static void __attribute__((format(printf, 2, 3)))
text_add(struct text *t, const char *fmt, ...)
{
	size_t used = (size_t)t->total;
	va_list ap;
	int n;

	va_start(ap, fmt);
	if (used < t->room)
		n = vsnprintf(t->buf + used, t->room - used, fmt, ap);
	else
		n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->total += n;
}

/* Append instruction bytes, if there are any. */
static void
text_bytes(struct text *t, const uint8_t *bytes, unsigned len)
{
	unsigned i;

	if (len > 15)
		len = 15;
	for (i = 0; i < len; i++)
		text_add(t, "%s%02x", i == 0 ? ": " : " ", bytes[i]);
}

/* Where an INVALID exit happened: " at rip 0x1000: 0f 58 c1". */
static void
text_where(struct text *t, const struct nvmm_x86_exit_invalid *inv)
{

	text_add(t, " at rip 0x%" PRIx64, inv->rip);
	text_bytes(t, inv->inst_bytes, inv->inst_len);
}

/* What KVM's internal errors are called, by suberror. */
static const char *
kvm_internal_name(uint64_t suberror)
{
	static const char *const names[] = {
		[0] = "KVM failed",
		[1] = "KVM could not emulate the instruction",
		[2] = "KVM met two exceptions at once",
		[3] = "KVM could not deliver an event",
		[4] = "KVM met an exit that it did not expect",
	};

	return names[suberror < sizeof(names) / sizeof(names[0]) ?
	    suberror : 0];
}

/* An exit that the hardware or the host's hypervisor gave up with. */
static void
text_invalid(struct text *t, const struct nvmm_x86_exit_invalid *inv)
{
	uint64_t code = inv->hwcode & ~NVMM_HWCODE_CLASS;

	switch (inv->hwcode & NVMM_HWCODE_CLASS) {
	case NVMM_HWCODE_KVM_INTERNAL:
		text_add(t, "%s", kvm_internal_name(code));
		text_where(t, inv);
		text_add(t, " (KVM internal error, suberror %" PRIu64 ")",
		    code);
		break;
	case NVMM_HWCODE_KVM_FAIL_ENTRY:
		text_add(t, "the hardware refused the state of the VCPU");
		text_where(t, inv);
		text_add(t, " (KVM entry failure, reason 0x%" PRIx64 ")",
		    code);
		break;
	case NVMM_HWCODE_KVM_UNKNOWN:
		text_add(t, "KVM left for a reason that the driver does not "
		    "know");
		text_where(t, inv);
		text_add(t, " (KVM exit %" PRIu64 ")", code);
		break;
	default:
		text_add(t, "the hardware could not run the VCPU");
		if (inv->rip != 0 || inv->inst_len != 0)
			text_where(t, inv);
		text_add(t, " (hardware code 0x%" PRIx64 ")", inv->hwcode);
		break;
	}
}

/* A memory access without memory behind it. */
static void
text_memory(struct text *t, const struct nvmm_x86_exit_memory *mem)
{
	const char *verb = "read";

	if ((mem->prot & NVMM_PROT_WRITE) != 0)
		verb = "write";
	else if ((mem->prot & NVMM_PROT_EXEC) != 0)
		verb = "instruction fetch";
	text_add(t, "memory %s at guest-physical 0x%" PRIx64, verb, mem->gpa);
	text_bytes(t, mem->inst_bytes, mem->inst_len);
}

/* A port access. */
static void
text_io(struct text *t, const struct nvmm_x86_exit_io *io)
{

	text_add(t, "%s%s port 0x%x, %u byte%s",
	    io->str ? "string " : "", io->in ? "input from" : "output to",
	    io->port, io->operand_size, io->operand_size == 1 ? "" : "s");
}

/* The reasons that need no more than their name; NULL for others. */
static const char *
exit_name(uint64_t reason)
{
	static const struct {
		uint64_t reason;
		const char *name;
	} names[] = {
		{ NVMM_VCPU_EXIT_NONE,
		    "returned for a signal or a reschedule" },
		{ NVMM_VCPU_EXIT_STOPPED, "stopped on request" },
		{ NVMM_VCPU_EXIT_SHUTDOWN, "shutdown (triple fault)" },
		{ NVMM_VCPU_EXIT_INT_READY, "ready for an interrupt" },
		{ NVMM_VCPU_EXIT_NMI_READY, "ready for an NMI" },
		{ NVMM_VCPU_EXIT_HALTED, "halted" },
		{ NVMM_VCPU_EXIT_TPR_CHANGED, "changed its task priority" },
		{ NVMM_VCPU_EXIT_MONITOR, "MONITOR instruction" },
		{ NVMM_VCPU_EXIT_MWAIT, "MWAIT instruction" },
		{ NVMM_VCPU_EXIT_CPUID, "CPUID instruction" },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].reason == reason)
			return names[i].name;
	}
	return NULL;
}

/* The reasons that carry more. */
static void
text_exit(struct text *t, const struct nvmm_x86_exit *exit)
{

	switch (exit->reason) {
	case NVMM_VCPU_EXIT_INVALID:
		text_invalid(t, &exit->u.inv);
		break;
	case NVMM_VCPU_EXIT_MEMORY:
		text_memory(t, &exit->u.mem);
		break;
	case NVMM_VCPU_EXIT_IO:
		text_io(t, &exit->u.io);
		break;
	case NVMM_VCPU_EXIT_RDMSR:
		text_add(t, "read of MSR 0x%x", exit->u.rdmsr.msr);
		break;
	case NVMM_VCPU_EXIT_WRMSR:
		text_add(t, "write of 0x%" PRIx64 " to MSR 0x%x",
		    exit->u.wrmsr.val, exit->u.wrmsr.msr);
		break;
	default:
		text_add(t, "unknown exit 0x%" PRIx64, exit->reason);
		break;
	}
}

/* The VCPU's last exit in words. Returns the length as snprintf does. */
int
nvmm_vcpu_strexit(struct nvmm_vcpu *vcpu, char *buf, size_t size)
{
	struct text t = { .buf = buf, .room = size, .total = 0 };
	const char *name = exit_name(vcpu->exit->reason);

	if (name != NULL)
		text_add(&t, "%s", name);
	else
		text_exit(&t, vcpu->exit);
	return t.total;
}
