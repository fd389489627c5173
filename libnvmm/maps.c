/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * libnvmm(3)'s memory calls. Each machine has a table of its links, so that
 * gpa_to_hva needs no request. A change holds the table's lock across the
 * request: other threads see the table before or after it, never between. No
 * VCPU waits for that lock inside the driver, so the driver may wait for VCPUs.
 */

#include <sys/param.h>
#include <sys/mman.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "areas.h"
#include "internal.h"
#include "maps.h"

struct maps {
	pthread_rwlock_t lock;
	struct nvmm_areas areas;	/* lock */
	struct nvmm_comm_page *comm[NVMM_MAX_VCPUS];	/* lock */
	void *slot[NVMM_MAX_VCPUS];	/* the VCPU's thread */
};

void *
nvmm_maps_create(void)
{
	struct maps *maps;
	int error;

	maps = calloc(1, sizeof(*maps));
	if (maps == NULL)
		return NULL;
	error = pthread_rwlock_init(&maps->lock, NULL);
	if (error != 0) {
		free(maps);
		errno = error;
		return NULL;
	}
	return maps;
}

void
nvmm_maps_set_comm(void *p, nvmm_cpuid_t cpuid, struct nvmm_comm_page *comm)
{
	struct nvmm_comm_page *old;
	struct maps *maps = p;

	if (maps == NULL || cpuid >= NVMM_MAX_VCPUS)
		return;
	(void)pthread_rwlock_wrlock(&maps->lock);
	old = maps->comm[cpuid];
	maps->comm[cpuid] = comm;
	free(maps->slot[cpuid]);
	maps->slot[cpuid] = NULL;
	(void)pthread_rwlock_unlock(&maps->lock);
	if (old != NULL)
		(void)munmap(old, NVMM_PAGE_SIZE);
}

/* => Nobody else uses it any more, so the lock is not taken. */
void
nvmm_maps_destroy(void *p)
{
	struct maps *maps = p;
	nvmm_cpuid_t i;

	if (maps == NULL)
		return;
	for (i = 0; i < NVMM_MAX_VCPUS; i++) {
		if (maps->comm[i] != NULL)
			(void)munmap(maps->comm[i], NVMM_PAGE_SIZE);
		free(maps->slot[i]);
	}
	nvmm_areas_free(&maps->areas);
	(void)pthread_rwlock_destroy(&maps->lock);
	free(maps);
}

/* -1 and EINVAL unless the range is whole pages and does not wrap. */
static int
maps_check(uint64_t addr, size_t size)
{

	if (size == 0 || ((addr | size) & (NVMM_PAGE_SIZE - 1)) != 0 ||
	    size - 1 > UINT64_MAX - addr) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

/* The machine's table, locked, with room for a change; NULL and errno. */
static struct maps *
maps_lock(const struct nvmm_machine *mach)
{
	struct maps *maps = mach->areas;

	if (maps == NULL) {
		errno = EINVAL;
		return NULL;
	}
	(void)pthread_rwlock_wrlock(&maps->lock);
	if (nvmm_areas_reserve(&maps->areas) == -1) {
		(void)pthread_rwlock_unlock(&maps->lock);
		return NULL;
	}
	return maps;
}

/* Drop the lock. => errno stays. */
static void
maps_unlock(struct maps *maps)
{

	(void)pthread_rwlock_unlock(&maps->lock);
}

/* Put fresh zeroed memory at [hva, hva + size), to be linked to the guest. */
int
nvmm_hva_map(struct nvmm_machine *mach, uintptr_t hva, size_t size)
{
	struct nvmm_ioc_hva args = {
		.machid = mach->machid, .hva = hva, .size = size,
	};

	if (maps_check(hva, size) == -1)
		return -1;
	return nvmm_request(NVMM_IOC_HVA_MAP, &args);
}

/* Take the memory out of the owner; the guest keeps what is linked. */
int
nvmm_hva_unmap(struct nvmm_machine *mach, uintptr_t hva, size_t size)
{
	struct nvmm_ioc_hva args = {
		.machid = mach->machid, .hva = hva, .size = size,
	};
	struct maps *maps;
	int ret;

	if (maps_check(hva, size) == -1)
		return -1;
	maps = maps_lock(mach);
	if (maps == NULL)
		return -1;
	ret = nvmm_request(NVMM_IOC_HVA_UNMAP, &args);
	if (ret == 0)
		nvmm_areas_cut_hva(&maps->areas, hva, size);
	maps_unlock(maps);
	return ret;
}

/* Link [gpa, gpa + size) of the guest to hva. */
int
nvmm_gpa_map(struct nvmm_machine *mach, uintptr_t hva, gpaddr_t gpa,
    size_t size, int prot)
{
	struct nvmm_ioc_gpa args = {
		.machid = mach->machid, .hva = hva, .gpa = gpa,
		.size = size, .prot = prot,
	};
	struct nvmm_area area = {
		.gpa = gpa, .size = size, .hva = hva,
		.prot = (nvmm_prot_t)prot,
	};
	struct maps *maps;
	int ret;

	if (maps_check(gpa, size) == -1 || maps_check(hva, size) == -1)
		return -1;
	maps = maps_lock(mach);
	if (maps == NULL)
		return -1;
	ret = nvmm_request(NVMM_IOC_GPA_MAP, &args);
	if (ret == 0)
		nvmm_areas_add(&maps->areas, &area);
	maps_unlock(maps);
	return ret;
}

/* Unlink [gpa, gpa + size), which may be part of what was linked. */
int
nvmm_gpa_unmap(struct nvmm_machine *mach, uintptr_t hva, gpaddr_t gpa,
    size_t size)
{
	struct nvmm_ioc_gpa args = {
		.machid = mach->machid, .hva = hva, .gpa = gpa, .size = size,
	};
	struct maps *maps;
	int ret;

	if (maps_check(gpa, size) == -1 || maps_check(hva, size) == -1)
		return -1;
	maps = maps_lock(mach);
	if (maps == NULL)
		return -1;
	ret = nvmm_request(NVMM_IOC_GPA_UNMAP, &args);
	if (ret == 0)
		nvmm_areas_cut(&maps->areas, gpa, size);
	maps_unlock(maps);
	return ret;
}

void **
nvmm_maps_slot(void *p, nvmm_cpuid_t cpuid)
{
	struct maps *maps = p;

	return &maps->slot[cpuid];
}

const struct nvmm_areas *
nvmm_maps_hold(void *p)
{
	struct maps *maps = p;

	if (maps == NULL)
		return NULL;
	(void)pthread_rwlock_rdlock(&maps->lock);
	return &maps->areas;
}

void
nvmm_maps_release(void *p)
{
	struct maps *maps = p;

	if (maps != NULL)
		(void)pthread_rwlock_unlock(&maps->lock);
}

/* Where gpa lies in the owner, and how it is linked. -1: ENOENT, nowhere. */
int
nvmm_gpa_to_hva(struct nvmm_machine *mach, gpaddr_t gpa, uintptr_t *hva,
    nvmm_prot_t *prot)
{
	const struct nvmm_areas *areas = nvmm_maps_hold(mach->areas);
	const struct nvmm_area *a;

	if (areas == NULL) {
		errno = EINVAL;
		return -1;
	}
	a = nvmm_areas_find(areas, gpa);
	if (a != NULL) {
		*hva = a->hva + (uintptr_t)(gpa - a->gpa);
		*prot = a->prot;
	}
	nvmm_maps_release(mach->areas);
	if (a != NULL)
		return 0;
	errno = ENOENT;
	return -1;
}
