/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What a guest did so far, for others to ask while it runs: exits by reason,
 * from the driver where it counts them and else by our own, the last exit in
 * words, and memory.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "guest_impl.h"

#ifdef NVMM_NSTAT
_Static_assert(GUEST_NEXITS == NVMM_NSTAT, "GUEST_NEXITS");
#endif

const char *const guest_exit_names[GUEST_NEXITS] = {
	"none", "stopped", "invalid", "memory", "io", "shutdown", "int-ready",
	"nmi-ready", "halted", "tpr-changed", "rdmsr", "wrmsr", "monitor",
	"mwait", "cpuid", "host-interrupt", "nested-fault", "instruction",
};

/* Exit reasons in the order of the names. */
static const uint64_t reasons[] = {
	NVMM_VCPU_EXIT_NONE, NVMM_VCPU_EXIT_STOPPED, NVMM_VCPU_EXIT_INVALID,
	NVMM_VCPU_EXIT_MEMORY, NVMM_VCPU_EXIT_IO, NVMM_VCPU_EXIT_SHUTDOWN,
	NVMM_VCPU_EXIT_INT_READY, NVMM_VCPU_EXIT_NMI_READY,
	NVMM_VCPU_EXIT_HALTED, NVMM_VCPU_EXIT_TPR_CHANGED,
	NVMM_VCPU_EXIT_RDMSR, NVMM_VCPU_EXIT_WRMSR, NVMM_VCPU_EXIT_MONITOR,
	NVMM_VCPU_EXIT_MWAIT, NVMM_VCPU_EXIT_CPUID,
};

/* The reason's index in the names; an unknown one counts as the last. */
unsigned
guest_stats_index(uint64_t reason)
{
	unsigned i;

	for (i = 0; i < NITEMS(reasons); i++) {
		if (reasons[i] == reason)
			return i;
	}
	return GUEST_NEXITS - 1;
}

/* The one number worth keeping of an exit. */
static uint64_t
stats_detail(const struct nvmm_vcpu_exit *exit)
{
	switch (exit->reason) {
	case NVMM_VCPU_EXIT_IO:
		return exit->u.io.port;
	case NVMM_VCPU_EXIT_MEMORY:
		return exit->u.mem.gpa;
	case NVMM_VCPU_EXIT_RDMSR:
		return exit->u.rdmsr.msr;
	case NVMM_VCPU_EXIT_WRMSR:
		return exit->u.wrmsr.msr;
	default:
		return 0;
	}
}

/* The last exit counted and remembered. */
void
guest_stats_exit(struct guest_vcpu *v)
{
	const struct nvmm_vcpu_exit *exit = v->nv.exit;
	_Atomic uint64_t *n = &v->nexits[guest_stats_index(exit->reason)];

	/* One writer: no need for an atomic increment. */
	atomic_store_explicit(n,
	    atomic_load_explicit(n, memory_order_relaxed) + 1,
	    memory_order_relaxed);
	atomic_store_explicit(&v->last_detail, stats_detail(exit),
	    memory_order_relaxed);
	atomic_store_explicit(&v->last_reason, exit->reason,
	    memory_order_relaxed);
}

/* The last exit in words. */
static void
stats_last(struct guest_vcpu *v, char *buf, size_t len)
{
	uint64_t detail = v->last_detail;
	unsigned i = guest_stats_index(v->last_reason);

	buf[0] = '\0';
	if (v->nexits[i] == 0)
		return;
	switch (reasons[i < NITEMS(reasons) ? i : 0]) {
	case NVMM_VCPU_EXIT_IO:
		snprintf(buf, len, "io port 0x%" PRIx64, detail);
		break;
	case NVMM_VCPU_EXIT_MEMORY:
		snprintf(buf, len, "memory at 0x%" PRIx64, detail);
		break;
	case NVMM_VCPU_EXIT_RDMSR:
	case NVMM_VCPU_EXIT_WRMSR:
		snprintf(buf, len, "%s 0x%" PRIx64, guest_exit_names[i],
		    detail);
		break;
	default:
		snprintf(buf, len, "%s", guest_exit_names[i]);
		break;
	}
}

#ifdef NVMM_HAS_CTL_VCPU_STATS
/* The driver's counts. */
static int
stats_counts(struct guest_vcpu *v, struct guest_vcpu_stats *st)
{
	struct nvmm_ctl_vcpu_stats ctl;

	memset(&ctl, 0, sizeof(ctl));
	ctl.machid = v->g->mach.machid;
	ctl.cpuid = v->nv.cpuid;
	if (nvmm_ctl(NVMM_CTL_VCPU_STATS, &ctl, sizeof(ctl)) == -1)
		return -1;
	st->run_ns = ctl.run_ns;
	st->injected = ctl.injected;
	memcpy(st->exits_user, ctl.exits_user, sizeof(st->exits_user));
	memcpy(st->exits_driver, ctl.exits_driver, sizeof(st->exits_driver));
	return 0;
}
#else
/* Our own counts; what the driver serves by itself it keeps to itself. */
static int
stats_counts(struct guest_vcpu *v, struct guest_vcpu_stats *st)
{
	unsigned i;

	for (i = 0; i < GUEST_NEXITS; i++)
		st->exits_user[i] = v->nexits[i];
	st->injected = v->ninjected;
	return 0;
}
#endif

/* The VCPU's statistics so far. */
int
guest_vcpu_stats(struct guest *g, unsigned cpu, struct guest_vcpu_stats *st)
{
	struct guest_vcpu *v;

	memset(st, 0, sizeof(*st));
	if (cpu >= g->conf.ncpus) {
		errno = ENOENT;
		return -1;
	}
	v = &g->vcpus[cpu];
	st->halted = v->sleeping;
	stats_last(v, st->last_exit, sizeof(st->last_exit));
	return stats_counts(v, st);
}

#ifdef NVMM_CTL_MACH_MEMORY
/* The guest's memory, and what of it has pages. */
int
guest_memory(struct guest *g, struct guest_memory *m)
{
	struct nvmm_ctl_mach_memory ctl;

	memset(&ctl, 0, sizeof(ctl));
	ctl.machid = g->mach.machid;
	m->mapped = g->conf.mem;
	m->resident = 0;
	if (nvmm_ctl(NVMM_CTL_MACH_MEMORY, &ctl, sizeof(ctl)) == -1)
		return -1;
	m->resident = ctl.resident;
	return 0;
}
#else
/* The guest's memory; a driver that does not say has pages for all of it. */
int
guest_memory(struct guest *g, struct guest_memory *m)
{
	m->mapped = m->resident = g->conf.mem;
	return 0;
}
#endif
