/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Memory of machines: ranges of the owner's that become shared memory
 * (hva_map), and their links into guest-physical address spaces (gpa_map).
 *
 * All hva maps of all machines count against one ceiling, under a lock of its
 * own that nothing else is taken under. An hva map counts for as long as the
 * owner has not unmapped it or a link leads to it. What the owner goes on
 * mapping after the machine's end is memory of its process like any other.
 */

#include "nvmm_internal.h"

static os_mutex_t ram_lock;
static uint64_t ram_limit;	/* constant once attached */
static uint64_t ram_used;	/* ram_lock */

#define PROT_MASK	(NVMM_PROT_READ | NVMM_PROT_WRITE | NVMM_PROT_EXEC)

/* => Before any request. */
void
nvmm_memory_init(void)
{

	os_mutex_init(&ram_lock);
	ram_used = 0;
	ram_limit = nvmm_param_ram;
	if (ram_limit == 0)
		ram_limit = os_ram_total() / 4 * 3;
}

void
nvmm_memory_fini(void)
{

	OS_ASSERT(ram_used == 0);
	os_mutex_destroy(&ram_lock);
}

/* Count size bytes against the ceiling. => ENOMEM: over it. */
static int
ram_take(uint64_t size)
{
	int error;

	error = ENOMEM;
	os_mutex_lock(&ram_lock);
	if (size <= ram_limit - ram_used) {
		ram_used += size;
		error = 0;
	}
	os_mutex_unlock(&ram_lock);
	return error;
}

static void
ram_give(uint64_t size)
{

	os_mutex_lock(&ram_lock);
	OS_ASSERT(size <= ram_used);
	ram_used -= size;
	os_mutex_unlock(&ram_lock);
}

/* A range of whole pages, not empty, that does not wrap around. */
static bool
range_ok(uint64_t base, uint64_t size)
{

	return base % OS_PAGE_SIZE == 0 && size % OS_PAGE_SIZE == 0 &&
	    size != 0 && size <= ~(uint64_t)0 - base;
}

/* The hva map that overlaps the range, or NULL. => Machine locked. */
static struct nvmm_hmapping *
hmap_overlap(struct nvmm_machine *mach, uintptr_t hva, size_t size)
{
	struct nvmm_hmapping *map;
	size_t i;

	OS_ASSERT(os_mutex_owned(&mach->lock));
	for (i = 0; i < NVMM_MAX_HMAPPINGS; i++) {
		map = &mach->hmap[i];
		if (map->size != 0 && !map->ended &&
		    hva < map->hva + map->size && map->hva < hva + size)
			return map;
	}
	return NULL;
}

/* A free slot for an hva map, or NULL. => Machine locked. */
static struct nvmm_hmapping *
hmap_slot(struct nvmm_machine *mach)
{
	size_t i;

	for (i = 0; i < NVMM_MAX_HMAPPINGS; i++) {
		if (mach->hmap[i].size == 0)
			return &mach->hmap[i];
	}
	return NULL;
}

/* The hva map that holds all of the range, or NULL. => Machine locked. */
static struct nvmm_hmapping *
hmap_holding(struct nvmm_machine *mach, uintptr_t hva, size_t size)
{
	struct nvmm_hmapping *map;

	map = hmap_overlap(mach, hva, size);
	if (map == NULL || hva < map->hva ||
	    size > map->size - (hva - map->hva))
		return NULL;
	return map;
}

/* Fresh memory at the owner's hva. => Machine locked. */
static int
hmap_make(struct nvmm_machine *mach, struct nvmm_hmapping *map, uintptr_t hva,
    size_t size)
{
	struct os_vmobj *obj;
	int error;

	error = os_vmobj_create(&obj, size);
	if (error)
		return error;
	error = os_vmobj_map_user(mach->owner->file, obj, &hva, size, true);
	if (error) {
		os_vmobj_release(obj);
		return error;
	}
	map->hva = hva;
	map->size = size;
	map->obj = obj;
	mach->hva_mapped += size;
	return 0;
}

/* Let an hva map go, not the owner's view of it. => Machine locked, or gone. */
static void
hmap_free(struct nvmm_machine *mach, struct nvmm_hmapping *map)
{

	os_vmobj_release(map->obj);
	mach->hva_mapped -= map->size;
	ram_give(map->size);
	memset(map, 0, sizeof(*map));
}

/* Let the hva maps go that have ended and no link leads to. => Machine locked. */
static void
hmap_reap(struct nvmm_machine *mach)
{
	struct nvmm_hmapping *map;
	size_t i;

	OS_ASSERT(os_mutex_owned(&mach->lock));
	for (i = 0; i < NVMM_MAX_HMAPPINGS; i++) {
		map = &mach->hmap[i];
		if (map->size != 0 && map->ended &&
		    !os_vmspace_links_to(mach->vm, map->obj))
			hmap_free(mach, map);
	}
}

/* Let every hva map go. => The machine is not present any more. */
void
nvmm_memory_free(struct nvmm_machine *mach)
{
	size_t i;

	OS_ASSERT(!mach->present);
	for (i = 0; i < NVMM_MAX_HMAPPINGS; i++) {
		if (mach->hmap[i].size != 0)
			hmap_free(mach, &mach->hmap[i]);
	}
}

/* => Machine locked. */
static int
hva_map(struct nvmm_machine *mach, uintptr_t hva, size_t size)
{
	struct nvmm_hmapping *map;
	int error;

	if (hmap_overlap(mach, hva, size) != NULL)
		return EEXIST;
	map = hmap_slot(mach);
	if (map == NULL)
		return ENOBUFS;
	if (size > mach->max_ram - mach->hva_mapped)
		return ENOMEM;
	error = ram_take(size);
	if (error)
		return error;
	error = hmap_make(mach, map, hva, size);
	if (error)
		ram_give(size);
	return error;
}

/*
 * => EINVAL: not whole pages of the caller's. EEXIST: overlaps another map.
 *    ENOBUFS: no slot. ENOMEM: over the machine's or the driver's ceiling.
 *    The guest sees nothing of it yet, so its VCPUs go on.
 */
int
nvmm_do_hva_map(struct nvmm_owner *owner, struct nvmm_ioc_hva *ioc)
{
	struct nvmm_machine *mach;
	int error;

	if (!range_ok(ioc->hva, ioc->size) ||
	    !os_uaddr_ok(ioc->hva, ioc->size))
		return EINVAL;
	error = nvmm_machine_get(owner, ioc->machid, &mach);
	if (error)
		return error;
	error = hva_map(mach, ioc->hva, ioc->size);
	nvmm_machine_put(mach);
	return error;
}

/*
 * End the owner's view, at its word that the range is still this one. Links
 * keep the pages, and the guest goes on.
 * => EINVAL: no range. ENOENT: no hva map is exactly this range.
 */
int
nvmm_do_hva_unmap(struct nvmm_owner *owner, struct nvmm_ioc_hva *ioc)
{
	struct nvmm_machine *mach;
	struct nvmm_hmapping *map;
	int error;

	if (!range_ok(ioc->hva, ioc->size))
		return EINVAL;
	error = nvmm_machine_get(owner, ioc->machid, &mach);
	if (error)
		return error;
	error = ENOENT;
	map = hmap_overlap(mach, ioc->hva, ioc->size);
	if (map == NULL || map->hva != ioc->hva || map->size != ioc->size)
		goto out;
	os_vmobj_unmap_user(owner->file, map->obj, map->hva, map->size);
	map->ended = true;
	hmap_reap(mach);
	error = 0;
out:
	nvmm_machine_put(mach);
	return error;
}

/*
 * The links changed: have the backend follow, or take the change back. Should
 * the backend fail even at that, what it lacks becomes EXIT_MEMORY, as memory
 * that is not linked does.
 * => Machine locked and parked.
 */
static int
links_changed(struct nvmm_machine *mach, uint64_t gpa, size_t size)
{
	int error;

	OS_ASSERT(os_mutex_owned(&mach->lock));
	error = 0;
	if (nvmm_impl->memory_changed != NULL)
		error = nvmm_impl->memory_changed(mach, gpa, size);
	if (error) {
		os_vmspace_undo(mach->vm);
		(void)nvmm_impl->memory_changed(mach, gpa, size);
		return error;
	}
	os_vmspace_commit(mach->vm);
	mach->gpa_mapped = os_vmspace_linked(mach->vm);
	hmap_reap(mach);
	return 0;
}

/* => EINVAL: no such protection. ENOTSUP: not with this backend. */
static int
prot_check(int prot)
{
	struct nvmm_ioc_capability ioc;
	uint64_t caps;

	if ((prot & ~PROT_MASK) != 0 || (prot & NVMM_PROT_READ) == 0)
		return EINVAL;
	nvmm_do_capability(&ioc);
	caps = ioc.cap.arch.impl_caps;
	if ((prot & NVMM_PROT_EXEC) == 0 && !(caps & NVMM_IMPL_PROT_NOEXEC))
		return ENOTSUP;
	if ((prot & NVMM_PROT_WRITE) == 0 && !(caps & NVMM_IMPL_PROT_NOWRITE))
		return ENOTSUP;
	return 0;
}

/* Whole pages of the guest's address space. => Machine locked. */
static bool
gpa_range_ok(const struct nvmm_machine *mach, uint64_t gpa, size_t size)
{

	return range_ok(gpa, size) && gpa < mach->max_ram &&
	    size <= mach->max_ram - gpa;
}

/* => Machine locked and parked. */
static int
gpa_map(struct nvmm_machine *mach, const struct nvmm_ioc_gpa *ioc)
{
	struct nvmm_hmapping *map;
	int error;

	if (!gpa_range_ok(mach, ioc->gpa, ioc->size))
		return EINVAL;
	map = hmap_holding(mach, ioc->hva, ioc->size);
	if (map == NULL)
		return EINVAL;
	error = os_vmspace_map(mach->vm, ioc->gpa, ioc->size, map->obj,
	    ioc->hva - map->hva, ioc->prot);
	if (error)
		return error == EISCONN ? EEXIST : error;
	return links_changed(mach, ioc->gpa, ioc->size);
}

/*
 * => EINVAL: not whole pages below the machine's ceiling, not within one hva
 *    map, or no such protection. EEXIST: linked already. ENOTSUP: the backend
 *    has no such protection. ENOBUFS: too many links.
 */
int
nvmm_do_gpa_map(struct nvmm_owner *owner, struct nvmm_ioc_gpa *ioc)
{
	struct nvmm_machine *mach;
	int error;

	if (!range_ok(ioc->gpa, ioc->size) || !range_ok(ioc->hva, ioc->size))
		return EINVAL;
	error = prot_check(ioc->prot);
	if (!error)
		error = nvmm_machine_get_parked(owner, ioc->machid, &mach);
	if (error)
		return error;
	error = gpa_map(mach, ioc);
	nvmm_machine_put_parked(mach);
	return error;
}

/*
 * => EINVAL: no range. ENOBUFS: too many links, by a split. What is not linked
 *    within it does not matter.
 */
int
nvmm_do_gpa_unmap(struct nvmm_owner *owner, struct nvmm_ioc_gpa *ioc)
{
	struct nvmm_machine *mach;
	int error;

	if (!range_ok(ioc->gpa, ioc->size))
		return EINVAL;
	error = nvmm_machine_get_parked(owner, ioc->machid, &mach);
	if (error)
		return error;
	error = EINVAL;
	if (gpa_range_ok(mach, ioc->gpa, ioc->size))
		error = os_vmspace_unmap(mach->vm, ioc->gpa, ioc->size);
	if (!error)
		error = links_changed(mach, ioc->gpa, ioc->size);
	nvmm_machine_put_parked(mach);
	return error;
}
