/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Machines: the table of slots, who may touch which, and the park by which a
 * request has a machine to itself. See nvmm_internal.h for the locks.
 *
 * A slot is taken under nvmm_lock and filled under its own lock. The end of a
 * machine is announced by `dying': from then on nobody claims its VCPUs, those
 * who wait turn away, and the one who announced it frees everything and then
 * gives the slot back.
 */

#include "nvmm_internal.h"

struct nvmm_machine nvmm_machines[NVMM_MAX_MACHINES];
static unsigned nused;			/* nvmm_lock; slots taken */

/* => Before any request. */
void
nvmm_machine_init(void)
{
	struct nvmm_machine *mach;
	size_t i;

	for (i = 0; i < NVMM_MAX_MACHINES; i++) {
		mach = &nvmm_machines[i];
		memset(mach, 0, sizeof(*mach));
		mach->machid = (nvmm_machid_t)i;
		os_mutex_init(&mach->lock);
		os_cv_init(&mach->cv);
	}
}

/* => After the last request, no machine left. */
void
nvmm_machine_fini(void)
{
	size_t i;

	for (i = 0; i < NVMM_MAX_MACHINES; i++) {
		OS_ASSERT(!nvmm_machines[i].present);
		os_cv_destroy(&nvmm_machines[i].cv);
		os_mutex_destroy(&nvmm_machines[i].lock);
	}
}

/* True if a machine exists, or comes or goes right now. => nvmm_lock held. */
bool
nvmm_machine_exist_locked(void)
{

	OS_ASSERT(os_mutex_owned(&nvmm_lock));
	return nused != 0;
}

/* A free slot, or NULL. => nvmm_lock held. */
static struct nvmm_machine *
machine_free_slot(void)
{
	size_t i;

	for (i = 0; i < NVMM_MAX_MACHINES; i++) {
		if (!nvmm_machines[i].used)
			return &nvmm_machines[i];
	}
	return NULL;
}

/*
 * Take a free slot; the first has the hardware enabled.
 * => ENOBUFS: none is free; or what the backend says.
 */
static int
machine_take_slot(struct nvmm_machine **machp)
{
	struct nvmm_machine *mach;
	int error;

	os_mutex_lock(&nvmm_lock);
	error = 0;
	mach = machine_free_slot();
	if (mach == NULL)
		error = ENOBUFS;
	else if (nused == 0 && nvmm_impl->enable != NULL)
		error = nvmm_impl->enable();
	if (!error) {
		mach->used = true;
		nused++;
		*machp = mach;
	}
	os_mutex_unlock(&nvmm_lock);
	return error;
}

static void
machine_give_slot(struct nvmm_machine *mach)
{

	os_mutex_lock(&nvmm_lock);
	mach->used = false;
	nused--;
	if (nused == 0 && nvmm_impl->disable != NULL)
		nvmm_impl->disable();
	os_mutex_unlock(&nvmm_lock);
}

/*
 * The machine, locked, whoever owns it.
 * => EINVAL: no such slot. ENOENT: no machine there.
 */
static int
machine_lookup(nvmm_machid_t machid, struct nvmm_machine **machp)
{
	struct nvmm_machine *mach;

	if (machid >= NVMM_MAX_MACHINES)
		return EINVAL;
	mach = &nvmm_machines[machid];
	os_mutex_lock(&mach->lock);
	if (!mach->present || mach->dying) {
		os_mutex_unlock(&mach->lock);
		return ENOENT;
	}
	*machp = mach;
	return 0;
}

/*
 * Whether the machine is there and the owner's. => Machine locked.
 *    ENOENT: it has come to its end. EPERM: it is another's.
 */
int
nvmm_machine_check(const struct nvmm_machine *mach,
    const struct nvmm_owner *owner)
{

	if (!mach->present || mach->dying)
		return ENOENT;
	return mach->owner == owner ? 0 : EPERM;
}

/*
 * The owner's machine, locked, to be given to nvmm_machine_put().
 * => EINVAL, ENOENT; EPERM: it is another's.
 */
int
nvmm_machine_get(struct nvmm_owner *owner, nvmm_machid_t machid,
    struct nvmm_machine **machp)
{
	int error;

	error = machine_lookup(machid, machp);
	if (error)
		return error;
	error = nvmm_machine_check(*machp, owner);
	if (error)
		nvmm_machine_put(*machp);
	return error;
}

/* As nvmm_machine_get(); the root owner gets everybody's. */
int
nvmm_machine_get_any(struct nvmm_owner *owner, nvmm_machid_t machid,
    struct nvmm_machine **machp)
{

	if (!owner->root)
		return nvmm_machine_get(owner, machid, machp);
	return machine_lookup(machid, machp);
}

/*
 * As nvmm_machine_get(), and parked, to be given to nvmm_machine_put_parked().
 * => ENOENT also if the machine came to its end meanwhile.
 */
int
nvmm_machine_get_parked(struct nvmm_owner *owner, nvmm_machid_t machid,
    struct nvmm_machine **machp)
{
	int error;

	error = nvmm_machine_get(owner, machid, machp);
	if (error)
		return error;
	nvmm_machine_park(*machp);
	if ((*machp)->dying) {
		nvmm_machine_put_parked(*machp);
		return ENOENT;
	}
	return 0;
}

void
nvmm_machine_put(struct nvmm_machine *mach)
{

	OS_ASSERT(os_mutex_owned(&mach->lock));
	os_mutex_unlock(&mach->lock);
}

void
nvmm_machine_put_parked(struct nvmm_machine *mach)
{

	nvmm_machine_unpark(mach);
	nvmm_machine_put(mach);
}

/*
 * Sleep until something about claims or parks changes. => Machine locked.
 *    Nobody wakes who has not raised nwaiting before he looked.
 */
void
nvmm_machine_wait(struct nvmm_machine *mach)
{

	OS_ASSERT(os_mutex_owned(&mach->lock));
	OS_ASSERT(mach->nwaiting != 0);
	os_cv_wait(&mach->cv, &mach->lock);
}

/* Wake those who wait. => Machine not locked. */
void
nvmm_machine_wake_all(struct nvmm_machine *mach)
{

	os_mutex_lock(&mach->lock);
	os_cv_broadcast(&mach->cv);
	os_mutex_unlock(&mach->lock);
}

/* Wait until nobody can still see what has been taken out of sight. */
void
nvmm_machine_unseen(struct nvmm_machine *mach)
{

	while (os_atomic_add(&mach->lookups, 0) != 0)
		os_yield();
}

/* True if some VCPU is claimed. => Machine locked. */
bool
nvmm_machine_claimed(const struct nvmm_machine *mach)
{
	size_t i;

	for (i = 0; mach->ncpus != 0 && i < NVMM_MAX_VCPUS; i++) {
		if (mach->cpus[i] != NULL &&
		    os_atomic_load(&mach->cpus[i]->claimed) != 0)
			return true;
	}
	return false;
}

/* Kick every VCPU that is claimed. => Machine locked. */
static void
machine_kick(struct nvmm_machine *mach)
{
	size_t i;

	for (i = 0; mach->ncpus != 0 && i < NVMM_MAX_VCPUS; i++) {
		if (mach->cpus[i] != NULL &&
		    os_atomic_load(&mach->cpus[i]->claimed) != 0)
			nvmm_vcpu_kick(mach->cpus[i]);
	}
}

/*
 * Kick a VCPU from where no lock may be taken, a signal handler.
 * => The caller answers for the VCPU's existence until this returns.
 */
int
nvmm_machine_kick_unlocked(nvmm_machid_t machid, nvmm_cpuid_t cpuid)
{
	struct nvmm_cpu **cpus, *vcpu;

	if (machid >= NVMM_MAX_MACHINES || cpuid >= NVMM_MAX_VCPUS)
		return EINVAL;
	cpus = os_atomic_load(&nvmm_machines[machid].cpus);
	vcpu = cpus != NULL ? os_atomic_load(&cpus[cpuid]) : NULL;
	if (vcpu == NULL)
		return ENOENT;
	nvmm_vcpu_kick(vcpu);
	return 0;
}

/*
 * Wait until no VCPU is claimed, and keep it so until nvmm_machine_unpark().
 * => Machine locked, before and after; not in between, so that on return it
 *    may be dying. The caller holds no claim.
 */
void
nvmm_machine_park(struct nvmm_machine *mach)
{

	OS_ASSERT(os_mutex_owned(&mach->lock));
	(void)os_atomic_add(&mach->nwaiting, 1);
	(void)os_atomic_add(&mach->nparking, 1);
	if (nvmm_machine_claimed(mach))
		machine_kick(mach);
	while (nvmm_machine_claimed(mach))
		nvmm_machine_wait(mach);
	(void)os_atomic_add(&mach->nwaiting, -1);
}

/* => Machine locked. */
void
nvmm_machine_unpark(struct nvmm_machine *mach)
{

	OS_ASSERT(os_mutex_owned(&mach->lock));
	OS_ASSERT(mach->nparking != 0);
	(void)os_atomic_add(&mach->nparking, -1);
	if (mach->nwaiting != 0)
		os_cv_broadcast(&mach->cv);
}

/*
 * Take the machine apart, as far as it was made, in the reverse order of its
 * making, up to its memory. => Machine locked, no VCPU claimed; not present on
 * return, so that the slot is the caller's alone.
 */
static void
machine_dismantle(struct nvmm_machine *mach)
{
	size_t i;

	OS_ASSERT(os_mutex_owned(&mach->lock));
	OS_ASSERT(!nvmm_machine_claimed(mach));
	for (i = 0; mach->cpus != NULL && i < NVMM_MAX_VCPUS; i++) {
		if (mach->cpus[i] != NULL)
			nvmm_vcpu_free(mach, mach->cpus[i]);
	}
	if (mach->made)
		nvmm_impl->machine_destroy(mach);
	nvmm_machine_unseen(mach);
	os_mem_free(mach->cpus, NVMM_MAX_VCPUS * sizeof(*mach->cpus));
	os_atomic_store(&mach->cpus, NULL);
	mach->machdata = NULL;
	mach->made = false;
	os_atomic_store(&mach->owner, NULL);
	mach->present = false;
	mach->dying = false;
}

/*
 * Free the memory of a machine that is taken apart, and give its slot back.
 * => No lock held: there may be a hundred gigabytes to free.
 */
static void
machine_free(struct nvmm_machine *mach)
{

	OS_ASSERT(!os_mutex_owned(&mach->lock));
	if (mach->vm != NULL)
		os_vmspace_destroy(mach->vm);
	mach->vm = NULL;
	mach->gpa_mapped = 0;
	nvmm_memory_free(mach);
	machine_give_slot(mach);
}

/*
 * End the machine: the one teardown. => Machine locked and not dying; unlocked
 * on return, and the slot no longer the caller's to look at.
 */
static void
machine_end(struct nvmm_machine *mach)
{

	OS_ASSERT(os_mutex_owned(&mach->lock));
	OS_ASSERT(!mach->dying);
	mach->dying = true;
	os_atomic_store(&mach->open_to, NULL);
	nvmm_machine_park(mach);
	/* Others who parked, or are about to, see it dying and leave. */
	(void)os_atomic_add(&mach->nwaiting, 1);
	while (mach->nparking > 1)
		nvmm_machine_wait(mach);
	(void)os_atomic_add(&mach->nwaiting, -1);
	machine_dismantle(mach);
	nvmm_machine_put_parked(mach);
	machine_free(mach);
}

/* Make what a machine is made of. => Machine locked, not present. */
static int
machine_make(struct nvmm_machine *mach)
{
	struct nvmm_ioc_capability ioc;
	int error;

	OS_ASSERT(os_mutex_owned(&mach->lock));
	os_atomic_store(&mach->cpus,
	    os_mem_zalloc(NVMM_MAX_VCPUS * sizeof(*mach->cpus)));
	if (mach->cpus == NULL)
		return ENOMEM;
	nvmm_do_capability(&ioc);
	mach->max_ram = ioc.cap.max_ram;
	error = os_vmspace_create(&mach->vm, mach->max_ram);
	if (error)
		return error;
	error = nvmm_impl->machine_create(mach);
	if (error)
		return error;
	mach->made = true;
	return 0;
}

/* => ENOBUFS: all slots taken; else what the backend or memory says. */
int
nvmm_do_machine_create(struct nvmm_owner *owner, struct nvmm_ioc_machine *ioc)
{
	struct nvmm_machine *mach;
	int error;

	error = machine_take_slot(&mach);
	if (error)
		return error;
	os_mutex_lock(&mach->lock);
	os_atomic_store(&mach->owner, owner);
	mach->time = os_time_seconds();
	error = machine_make(mach);
	if (error)
		goto out;
	mach->present = true;
	os_atomic_store(&mach->open_to, owner);
	ioc->machid = mach->machid;
	nvmm_machine_put(mach);
	return 0;
out:
	machine_dismantle(mach);
	nvmm_machine_put(mach);
	machine_free(mach);
	return error;
}

/* => The root owner may, too. */
int
nvmm_do_machine_destroy(struct nvmm_owner *owner, struct nvmm_ioc_machine *ioc)
{
	struct nvmm_machine *mach;
	int error;

	error = nvmm_machine_get_any(owner, ioc->machid, &mach);
	if (error)
		return error;
	machine_end(mach);
	return 0;
}

/*
 * End every machine of the owner; root may be ending one at the same time.
 * => No request of this owner is in progress. Machines of others are not waited
 *    for, not even for their locks.
 */
void
nvmm_machine_destroy_owned(struct nvmm_owner *owner)
{
	struct nvmm_machine *mach;
	size_t i;

	for (i = 0; i < NVMM_MAX_MACHINES; i++) {
		mach = &nvmm_machines[i];
		if (os_atomic_load(&mach->owner) != owner)
			continue;
		os_mutex_lock(&mach->lock);
		(void)os_atomic_add(&mach->nwaiting, 1);
		while (mach->present && mach->owner == owner && mach->dying)
			nvmm_machine_wait(mach);
		(void)os_atomic_add(&mach->nwaiting, -1);
		if (mach->present && mach->owner == owner)
			machine_end(mach);
		else
			nvmm_machine_put(mach);
	}
}

/*
 * Fetch the argument of configuration op, whose numbers begin at first and
 * whose sizes the backend lists. => *conf is for the caller to free. No lock
 * and no claim is held, as the copy may take as long as the owner's pager does.
 *    EINVAL: no such operation. ENOTSUP: not with this backend.
 */
int
nvmm_conf_copyin(const size_t *sizes, size_t n, uint64_t op, uint64_t first,
    const void *uaddr, void **conf, size_t *size)
{
	int error;

	if (op < first || op - first >= n)
		return EINVAL;
	*size = sizes[op - first];
	if (*size == 0)
		return ENOTSUP;
	*conf = os_mem_zalloc(*size);
	if (*conf == NULL)
		return ENOMEM;
	error = os_copyin(uaddr, *conf, *size);
	if (error)
		os_mem_free(*conf, *size);
	return error;
}

int
nvmm_do_machine_configure(struct nvmm_owner *owner,
    struct nvmm_ioc_machine_configure *ioc)
{
	struct nvmm_machine *mach;
	size_t size;
	void *conf;
	int error;

	error = nvmm_conf_copyin(nvmm_impl->mach_conf_sizes,
	    nvmm_impl->mach_conf_n, ioc->op, NVMM_MACH_CONF_MD_BEGIN,
	    ioc->conf, &conf, &size);
	if (error)
		return error;
	error = nvmm_machine_get(owner, ioc->machid, &mach);
	if (error)
		goto out;
	error = nvmm_impl->machine_configure(mach, ioc->op, conf);
	nvmm_machine_put(mach);
out:
	os_mem_free(conf, size);
	return error;
}
