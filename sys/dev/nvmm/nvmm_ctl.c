/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What nvmm_ctl(3) tells of machines and VCPUs. An owner asks about its own,
 * the root owner about all. No request here waits for a VCPU that runs.
 *
 * Records are versioned by size, as they only ever grow at the end: a caller
 * with a shorter one gets its prefix, in a longer one the rest is zeroed.
 */

#include "nvmm_internal.h"

/* Longer than any record that will ever be. */
#define CTL_MAX_SIZE	OS_PAGE_SIZE

/* An operation: its record's size, and how much of it the caller fills. */
struct ctl_op {
	int op;
	size_t size;
	size_t in;
	int (*func)(struct nvmm_machine *, void *);
};

/* => Machine locked. */
static int
ctl_mach_info(struct nvmm_machine *mach, void *record)
{
	struct nvmm_ctl_mach_info *info = record;

	info->nvcpus = mach->ncpus;
	info->nram = mach->gpa_mapped;
	info->pid = os_file_pid(mach->owner->file);
	info->time = mach->time;
	return 0;
}

/* Hold each object under hva_map; returns how many. => Machine locked. */
static size_t
hold_objects(struct nvmm_machine *mach, struct os_vmobj **objs)
{
	size_t i, n;

	n = 0;
	for (i = 0; i < NVMM_MAX_HMAPPINGS; i++) {
		if (mach->hmap[i].size == 0)
			continue;
		objs[n] = mach->hmap[i].obj;
		os_vmobj_hold(objs[n++]);
	}
	return n;
}

/* => Machine locked; not while the pages are counted, which takes time. */
static int
ctl_mach_memory(struct nvmm_machine *mach, void *record)
{
	struct os_vmobj *objs[NVMM_MAX_HMAPPINGS];
	struct nvmm_ctl_mach_memory *mem = record;
	size_t i, n;

	mem->hva_mapped = mach->hva_mapped;
	mem->gpa_mapped = mach->gpa_mapped;
	n = hold_objects(mach, objs);
	mem->nhmappings = (uint32_t)n;
	nvmm_machine_put(mach);
	for (i = 0; i < n; i++) {
		mem->resident += os_vmobj_resident(objs[i]);
		os_vmobj_release(objs[i]);
	}
	os_mutex_lock(&mach->lock);
	return 0;
}

/* Copy counters that a run in progress goes on counting. */
static void
copy_counters(uint64_t *to, uint64_t *from, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		to[i] = os_atomic_load(&from[i]);
}

/* Time inside run, up to now if it is in progress; it never goes backwards. */
static uint64_t
run_time(struct nvmm_cpu *vcpu)
{
	uint64_t since, now, sum;
	int seq;

	do {
		seq = os_atomic_load(&vcpu->run_seq);
		since = os_atomic_load(&vcpu->run_since);
		sum = os_atomic_load(&vcpu->run_ticks);
		now = os_time_ticks();
	} while ((seq & 1) != 0 || os_atomic_load(&vcpu->run_seq) != seq);
	return os_ticks_to_ns(sum +
	    (since != 0 && now > since ? now - since : 0));
}

/* => Machine locked; the VCPU may be claimed and running. */
static int
ctl_vcpu_stats(struct nvmm_machine *mach, void *record)
{
	struct nvmm_ctl_vcpu_stats *st = record;
	struct nvmm_cpu *vcpu;
	int error;

	error = nvmm_vcpu_find(mach, st->cpuid, &vcpu);
	if (error)
		return error;
	st->runs = os_atomic_load(&vcpu->stats.runs);
	st->run_ns = run_time(vcpu);
	st->injected = os_atomic_load(&vcpu->stats.injected);
	copy_counters(st->exits_user, vcpu->stats.exits_user, NVMM_NSTAT);
	copy_counters(st->exits_driver, vcpu->stats.exits_driver, NVMM_NSTAT);
	return 0;
}

#define CTL_IN(type, last)						\
	(offsetof(struct type, last) + sizeof(((struct type *)NULL)->last))

static const struct ctl_op ctl_ops[] = {
	{ NVMM_CTL_MACH_INFO, sizeof(struct nvmm_ctl_mach_info),
	    CTL_IN(nvmm_ctl_mach_info, machid), ctl_mach_info },
	{ NVMM_CTL_MACH_MEMORY, sizeof(struct nvmm_ctl_mach_memory),
	    CTL_IN(nvmm_ctl_mach_memory, machid), ctl_mach_memory },
	{ NVMM_CTL_VCPU_STATS, sizeof(struct nvmm_ctl_vcpu_stats),
	    CTL_IN(nvmm_ctl_vcpu_stats, cpuid), ctl_vcpu_stats },
};

static const struct ctl_op *
ctl_find(int op)
{
	size_t i;

	for (i = 0; i < sizeof(ctl_ops) / sizeof(ctl_ops[0]); i++) {
		if (ctl_ops[i].op == op)
			return &ctl_ops[i];
	}
	return NULL;
}

/* Fill the record. => machid is the first field of each. */
static int
ctl_perform(struct nvmm_owner *owner, const struct ctl_op *ctl, void *record)
{
	struct nvmm_machine *mach;
	nvmm_machid_t machid;
	int error;

	memcpy(&machid, record, sizeof(machid));
	error = nvmm_machine_get_any(owner, machid, &mach);
	if (error)
		return error;
	error = ctl->func(mach, record);
	nvmm_machine_put(mach);
	return error;
}

/* => EINVAL: no such operation, or a size that no record of it can have. */
int
nvmm_do_ctl(struct nvmm_owner *owner, struct nvmm_ioc_ctl *ioc)
{
	const struct ctl_op *ctl;
	size_t size;
	void *record;
	int error;

	ctl = ctl_find(ioc->op);
	if (ctl == NULL || ioc->size < ctl->in || ioc->size > CTL_MAX_SIZE)
		return EINVAL;
	size = ioc->size > ctl->size ? ioc->size : ctl->size;
	record = os_mem_zalloc(size);
	if (record == NULL)
		return ENOMEM;
	error = os_copyin(ioc->data, record, ctl->in);
	if (error)
		goto out;
	error = ctl_perform(owner, ctl, record);
	if (error)
		goto out;
	error = os_copyout(record, ioc->data, ioc->size);
out:
	os_mem_free(record, size);
	return error;
}
