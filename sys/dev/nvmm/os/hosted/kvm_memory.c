/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guest-physical memory as KVM's slots. The links of the machine, neighbours
 * merged, are the table wanted; what KVM has and is not wanted goes first,
 * then comes what is new. A change that fails is taken back.
 */

#include "kvm.h"
#include "hosted_vm.h"

/* => The slots table is empty. ENOMEM. */
static int
slots_alloc(struct kvm_slots *s, size_t max)
{

	s->n = 0;
	s->max = max;
	s->slot = NULL;
	if (max == 0)
		return 0;
	s->slot = os_mem_zalloc(max * sizeof(*s->slot));
	return s->slot != NULL ? 0 : ENOMEM;
}

static void
slots_free(struct kvm_slots *s)
{

	os_mem_free(s->slot, s->max * sizeof(*s->slot));
	s->slot = NULL;
	s->n = s->max = 0;
}

void
kvm_memory_fini(struct kvm_vm *vm)
{

	slots_free(&vm->slots);
}

/* Append a region, or lengthen the last slot by it where it continues it. */
static void
slots_add(struct kvm_slots *s, const struct hosted_region *r)
{
	struct kvm_slot *last;
	uint32_t flags;

	flags = (r->prot & NVMM_PROT_WRITE) != 0 ? 0 : KVM_MEM_READONLY;
	last = s->n != 0 ? &s->slot[s->n - 1] : NULL;
	if (last != NULL && last->flags == flags &&
	    last->gpa + last->size == r->gpa &&
	    last->host + last->size == r->host) {
		last->size += r->size;
		return;
	}
	OS_ASSERT(s->n < s->max);
	last = &s->slot[s->n++];
	last->gpa = r->gpa;
	last->size = r->size;
	last->host = r->host;
	last->flags = flags;
}

/* The table that the machine's links ask for; ids are not given yet. */
static int
slots_wanted(const struct nvmm_machine *mach, struct kvm_slots *s)
{
	const struct hosted_region *region;
	size_t i, n;
	int error;

	region = hosted_vmspace_regions(mach->vm, &n);
	error = slots_alloc(s, n);
	if (error)
		return error;
	for (i = 0; i < n; i++)
		slots_add(s, &region[i]);
	if (s->n <= kvm_host.nslots)
		return 0;
	slots_free(s);
	return ENOBUFS;
}

/* The slot of s that is the same memory, or NULL. */
static const struct kvm_slot *
slots_find(const struct kvm_slots *s, const struct kvm_slot *want)
{
	size_t lo, hi, mid;
	const struct kvm_slot *slot;

	lo = 0;
	hi = s->n;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (s->slot[mid].gpa < want->gpa)
			lo = mid + 1;
		else
			hi = mid;
	}
	slot = &s->slot[lo];
	if (lo < s->n && slot->gpa == want->gpa && slot->size == want->size &&
	    slot->host == want->host && slot->flags == want->flags)
		return slot;
	return NULL;
}

/* Tell KVM of a slot, or with size 0 of its end. */
static int
slot_set(const struct kvm_vm *vm, const struct kvm_slot *slot, uint64_t size)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot->id,
		.flags = size != 0 ? slot->flags : 0,
		.guest_phys_addr = slot->gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)slot->host,
	};

	return kvm_ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r);
}

/* Tell KVM of all slots of s that other lacks, as there or as gone. */
static int
slots_set(const struct kvm_vm *vm, const struct kvm_slots *s,
    const struct kvm_slots *other, bool there, size_t *done)
{
	const struct kvm_slot *slot;
	int error;

	for (*done = 0; *done < s->n; (*done)++) {
		slot = &s->slot[*done];
		if (slots_find(other, slot) != NULL)
			continue;
		error = slot_set(vm, slot, there ? slot->size : 0);
		if (error)
			return error;
	}
	return 0;
}

/* Bring back what slots_set() did to the first n slots of s. */
static void
slots_unset(const struct kvm_vm *vm, const struct kvm_slots *s,
    const struct kvm_slots *other, bool there, size_t n)
{
	const struct kvm_slots part = { .n = n, .slot = s->slot };
	size_t done;

	(void)slots_set(vm, &part, other, !there, &done);
}

/* Slots that stay keep their id, new ones get those that nobody has. */
static int
slots_number(struct kvm_slots *new, const struct kvm_slots *old)
{
	const struct kvm_slot *same;
	uint32_t next;
	uint8_t *used;
	size_t i, max;

	max = new->n + old->n + 1;
	used = os_mem_zalloc(max);
	if (used == NULL)
		return ENOMEM;
	for (i = 0; i < new->n; i++) {
		same = slots_find(old, &new->slot[i]);
		new->slot[i].id = same != NULL ? same->id : UINT32_MAX;
		if (same != NULL && same->id < max)
			used[same->id] = 1;
	}
	for (i = next = 0; i < new->n; i++) {
		if (new->slot[i].id != UINT32_MAX)
			continue;
		while (used[next])
			next++;
		new->slot[i].id = next++;
	}
	os_mem_free(used, max);
	return 0;
}

/* From the old table to the new one, or on an error back. */
static int
slots_change(const struct kvm_vm *vm, const struct kvm_slots *old,
    const struct kvm_slots *new)
{
	size_t gone, come;
	int error;

	come = 0;
	error = slots_set(vm, old, new, false, &gone);
	if (!error)
		error = slots_set(vm, new, old, true, &come);
	if (!error)
		return 0;
	slots_unset(vm, new, old, true, come);
	slots_unset(vm, old, new, false, gone);
	return error;
}

/*
 * => Machine locked and parked. On an error the table is what it was.
 *    ENOBUFS: more ranges than KVM has slots.
 */
int
kvm_memory_changed(struct nvmm_machine *mach, uint64_t gpa, size_t size)
{
	struct kvm_vm *vm = kvm_vm(mach);
	struct kvm_slots new;
	int error;

	(void)gpa;
	(void)size;
	error = slots_wanted(mach, &new);
	if (error)
		return error;
	error = slots_number(&new, &vm->slots);
	if (!error)
		error = slots_change(vm, &vm->slots, &new);
	if (error) {
		slots_free(&new);
		return error;
	}
	slots_free(&vm->slots);
	vm->slots = new;
	return 0;
}
