/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What each exit asks of the platform. An exit that nothing can be done about
 * ends the guest with a line that says what, where and, where that is known,
 * which bytes.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "guest_impl.h"

#define VECTOR_UD	6

/* The exception for the next run to deliver. */
void
guest_exit_exception(struct guest_vcpu *v, uint8_t vector, uint64_t error)
{
	struct nvmm_vcpu_event *event = v->nv.event;

	memset(event, 0, sizeof(*event));
	event->type = NVMM_VCPU_EVENT_EXCP;
	event->vector = vector;
	event->u.excp.error = error;
	nvmm_vcpu_inject(&v->g->mach, &v->nv);
	v->injected = true;
	v->ninjected++;
}

/* The guest's end, with the place where VCPU v was. */
static void
exit_die(struct guest_vcpu *v, enum guest_end end, const char *what)
{
	struct nvmm_x64_state *state = v->nv.state;

	if (nvmm_vcpu_getstate(&v->g->mach, &v->nv, NVMM_X64_STATE_GPRS |
	    NVMM_X64_STATE_CRS) == -1) {
		guest_end(v->g, v, end, 0, "VCPU %u: %s", v->cpu, what);
		return;
	}
	guest_end(v->g, v, end, 0,
	    "VCPU %u: %s at rip 0x%" PRIx64 " rsp 0x%" PRIx64
	    " cr2 0x%" PRIx64, v->cpu, what,
	    state->gprs[NVMM_X64_GPR_RIP], state->gprs[NVMM_X64_GPR_RSP],
	    state->crs[NVMM_X64_CR_CR2]);
}

/* The guest's end by an access that cannot be carried out. */
static void
exit_die_access(struct guest_vcpu *v, int error)
{
	const struct nvmm_vcpu_exit *exit = v->nv.exit;
	char what[128];

	if (exit->reason == NVMM_VCPU_EXIT_IO)
		snprintf(what, sizeof(what),
		    "access to port 0x%x cannot be carried out (%s)",
		    exit->u.io.port, strerror(error));
	else
		snprintf(what, sizeof(what), "access to memory at 0x%" PRIx64
		    " cannot be carried out (%s)", exit->u.mem.gpa,
		    strerror(error));
	exit_die(v, GUEST_FAILED, what);
}

#ifdef NVMM_HAS_STREXIT
/* The guest's end by what the host cannot run, in libnvmm's words. */
static void
exit_die_invalid(struct guest_vcpu *v)
{
	char what[GUEST_TEXT_MAX - 32];

	nvmm_vcpu_strexit(&v->nv, what, sizeof(what));
	guest_end(v->g, v, GUEST_INVALID, 0, "VCPU %u: %s", v->cpu, what);
}
#else
/* The guest's end by what the host cannot run, by its code. */
static void
exit_die_invalid(struct guest_vcpu *v)
{
	char what[64];

	snprintf(what, sizeof(what), "invalid exit, hardware code 0x%" PRIx64,
	    v->nv.exit->u.inv.hwcode);
	exit_die(v, GUEST_INVALID, what);
}
#endif

/* The guest's end by an exit that nobody asked for. */
static void
exit_die_unknown(struct guest_vcpu *v)
{
	char what[64];

	snprintf(what, sizeof(what), "unexpected exit 0x%" PRIx64,
	    v->nv.exit->reason);
	exit_die(v, GUEST_FAILED, what);
}

/* The access carried out by libnvmm and our callbacks. */
static void
exit_assist(struct guest_vcpu *v,
    int (*assist)(struct nvmm_machine *, struct nvmm_vcpu *))
{
	int error = assist(&v->g->mach, &v->nv) == -1 ? errno : 0;

	guest_dev_flush(v);
	if (error != 0)
		exit_die_access(v, error);
}

/* The MSR access done, or the guest's end by the driver's error. */
static void
exit_msr(struct guest_vcpu *v, int (*access)(struct guest_vcpu *))
{
	char what[64];

	if (access(v) == 0)
		return;
	snprintf(what, sizeof(what), "MSR access: %s", strerror(errno));
	exit_die(v, GUEST_FAILED, what);
}

/* The VCPU sleeps until an event; its TSC goes on meanwhile. */
static void
exit_halted(struct guest_vcpu *v)
{
	v->halted = true;
	if (lapic_tsc_deadline(&v->lapic) != 0)
		guest_timer_sync_tsc(v);
}

/* The exit dealt with. */
void
guest_exit(struct guest_vcpu *v)
{
	switch (v->nv.exit->reason) {
	case NVMM_VCPU_EXIT_NONE:
	case NVMM_VCPU_EXIT_STOPPED:
	case NVMM_VCPU_EXIT_INT_READY:
	case NVMM_VCPU_EXIT_NMI_READY:
	case NVMM_VCPU_EXIT_TPR_CHANGED:
		break;
	case NVMM_VCPU_EXIT_IO:
		exit_assist(v, nvmm_assist_io);
		break;
	case NVMM_VCPU_EXIT_MEMORY:
		exit_assist(v, nvmm_assist_mem);
		break;
	case NVMM_VCPU_EXIT_HALTED:
		exit_halted(v);
		break;
	case NVMM_VCPU_EXIT_RDMSR:
		exit_msr(v, guest_msr_read);
		break;
	case NVMM_VCPU_EXIT_WRMSR:
		exit_msr(v, guest_msr_write);
		break;
	case NVMM_VCPU_EXIT_MONITOR:
	case NVMM_VCPU_EXIT_MWAIT:
		guest_exit_exception(v, VECTOR_UD, 0);
		break;
	case NVMM_VCPU_EXIT_SHUTDOWN:
		exit_die(v, GUEST_SHUTDOWN, "triple fault");
		break;
	case NVMM_VCPU_EXIT_INVALID:
		exit_die_invalid(v);
		break;
	default:
		exit_die_unknown(v);
		break;
	}
}
