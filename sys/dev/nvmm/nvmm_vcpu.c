/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * VCPUs: their making and end, the claim by which a request has one to itself,
 * and the kick by which it gets one that runs.
 *
 * Claims without a lock. Whoever claims sets vcpu->claimed by an exchange,
 * resets vcpu->kicked, and then looks whether anybody parks or waits in the
 * queue; if so, it takes the claim back and comes again by the lock. Whoever
 * parks or queues up announces that, and then looks at claimed. All of these
 * are full barriers, so at least one of the two sees the other; and a kick that
 * is sent upon seeing a claim comes after that claim's reset. Who waits raises
 * mach->nwaiting before he looks, under the lock until he sleeps; who releases
 * clears claimed before he looks at nwaiting, and wakes under the lock. So no
 * wakeup is lost.
 */

#include "nvmm_internal.h"

OS_CTASSERT(sizeof(struct nvmm_comm_page) <= OS_PAGE_SIZE);

/*
 * => Machine locked. EINVAL: no such number; ENOENT: no such VCPU.
 */
int
nvmm_vcpu_find(struct nvmm_machine *mach, nvmm_cpuid_t cpuid,
    struct nvmm_cpu **vcpup)
{

	OS_ASSERT(os_mutex_owned(&mach->lock));
	if (cpuid >= NVMM_MAX_VCPUS)
		return EINVAL;
	*vcpup = mach->cpus[cpuid];
	return *vcpup != NULL ? 0 : ENOENT;
}

/* Make a run in progress return soon. => The VCPU cannot go away meanwhile. */
void
nvmm_vcpu_kick(struct nvmm_cpu *vcpu)
{

	/* A full barrier: see vcpu_run in nvmm_internal.h. */
	(void)os_atomic_swap(&vcpu->kicked, 1);
	nvmm_impl->vcpu_kick(vcpu);
}

/* Wait behind those who wait already, unless in the queue. => Machine locked. */
static void
claimant_enter(struct nvmm_claimant *me, struct nvmm_cpu *vcpu)
{
	struct nvmm_claimant **p;

	if (me->vcpu != NULL)
		return;
	for (p = &vcpu->first; *p != NULL; p = &(*p)->next)
		continue;
	me->vcpu = vcpu;
	me->next = NULL;
	os_atomic_store(p, me);
}

/* Leave the queue, if in one. => Machine locked. */
static void
claimant_leave(struct nvmm_claimant *me)
{
	struct nvmm_claimant **p;

	if (me->vcpu == NULL)
		return;
	for (p = &me->vcpu->first; *p != me; p = &(*p)->next)
		continue;
	os_atomic_store(p, me->next);
	me->vcpu = NULL;
}

/* Take the claim if it is free. => Says nothing of those who wait. */
static bool
vcpu_take(struct nvmm_cpu *vcpu)
{

	if (os_atomic_swap(&vcpu->claimed, 1) != 0)
		return false;
	/* A stop is set before its kick: what this loses, the run still sees. */
	(void)os_atomic_swap(&vcpu->kicked, 0);
	return true;
}

/*
 * Claim the VCPU, or see why it has to wait: behind those who wait already. A
 * claim held elsewhere is kicked, so that the wait for it has an end.
 * => Machine locked, nwaiting raised. EAGAIN: sleep and try again.
 */
static int
vcpu_try_claim(struct nvmm_machine *mach, nvmm_cpuid_t cpuid,
    struct nvmm_claimant *me, struct nvmm_cpu **vcpup)
{
	struct nvmm_cpu *vcpu;
	int error;

	error = nvmm_vcpu_find(mach, cpuid, &vcpu);
	if (error)
		return error;
	claimant_enter(me, vcpu);
	if (mach->nparking != 0 || vcpu->first != me)
		return EAGAIN;
	if (!vcpu_take(vcpu)) {
		nvmm_vcpu_kick(vcpu);
		return EAGAIN;
	}
	*vcpup = vcpu;
	return 0;
}

/*
 * The claim with the machine's lock, for those who may have to wait. Who waits
 * is served in the order of coming: a thread that runs the VCPU in a loop does
 * not get it again before those that it kept waiting.
 * => The machine is looked at anew after each wait, as it may have gone, and
 *    another come to its slot.
 */
static int
vcpu_claim_locked(struct nvmm_owner *owner, nvmm_machid_t machid,
    nvmm_cpuid_t cpuid, struct nvmm_cpu **vcpup)
{
	struct nvmm_claimant me = { .vcpu = NULL };
	struct nvmm_machine *mach;
	int error;

	error = nvmm_machine_get(owner, machid, &mach);
	if (error)
		return error;
	(void)os_atomic_add(&mach->nwaiting, 1);
	while ((error = vcpu_try_claim(mach, cpuid, &me, vcpup)) == EAGAIN) {
		nvmm_machine_wait(mach);
		error = nvmm_machine_check(mach, owner);
		if (error)
			break;
	}
	claimant_leave(&me);
	(void)os_atomic_add(&mach->nwaiting, -1);
	/* Those behind are first now: they kick it if it is claimed. */
	if (mach->nwaiting != 0)
		os_cv_broadcast(&mach->cv);
	nvmm_machine_put(mach);
	return error;
}

/* The claim where nobody is in the way; NULL: try by the lock. */
static struct nvmm_cpu *
vcpu_claim_free(struct nvmm_machine *mach, nvmm_cpuid_t cpuid)
{
	struct nvmm_cpu *vcpu;

	vcpu = os_atomic_load(&mach->cpus[cpuid]);
	if (vcpu == NULL || !vcpu_take(vcpu))
		return NULL;
	if (os_atomic_load(&mach->nparking) == 0 &&
	    os_atomic_load(&vcpu->first) == NULL)
		return vcpu;
	(void)os_atomic_swap(&vcpu->claimed, 0);
	return NULL;
}

/*
 * Make the VCPU the caller's alone, until nvmm_vcpu_release(), if that takes no
 * waiting. => NULL: try nvmm_vcpu_claim(), which also says what is wrong.
 */
struct nvmm_cpu *
nvmm_vcpu_claim_free(struct nvmm_owner *owner, nvmm_machid_t machid,
    nvmm_cpuid_t cpuid)
{
	struct nvmm_machine *mach;
	struct nvmm_cpu *vcpu;

	mach = nvmm_machine_slot(machid);
	if (mach == NULL || cpuid >= NVMM_MAX_VCPUS)
		return NULL;
	vcpu = NULL;
	(void)os_atomic_add(&mach->lookups, 1);
	if (os_atomic_load(&mach->open_to) == owner)
		vcpu = vcpu_claim_free(mach, cpuid);
	(void)os_atomic_add(&mach->lookups, -1);
	/* A claim that was taken back may have kept others waiting. */
	if (vcpu == NULL)
		nvmm_machine_wake(mach);
	return vcpu;
}

/*
 * The same, and wait for it. => No lock is held on return. ENOENT, EPERM,
 *    EINVAL as for nvmm_machine_get().
 */
int
nvmm_vcpu_claim(struct nvmm_owner *owner, nvmm_machid_t machid,
    nvmm_cpuid_t cpuid, struct nvmm_cpu **vcpup)
{

	*vcpup = nvmm_vcpu_claim_free(owner, machid, cpuid);
	if (*vcpup != NULL)
		return 0;
	return vcpu_claim_locked(owner, machid, cpuid, vcpup);
}

/*
 * Free what the VCPU is made of, as far as it was made; the view of its comm
 * page is the owner's to unmap.
 * => Machine locked, the VCPU unclaimed. Who waits for it is in no queue then.
 */
void
nvmm_vcpu_free(struct nvmm_machine *mach, struct nvmm_cpu *vcpu)
{

	OS_ASSERT(os_mutex_owned(&mach->lock));
	OS_ASSERT(!vcpu->claimed);
	if (mach->cpus[vcpu->cpuid] == vcpu) {
		os_atomic_store(&mach->cpus[vcpu->cpuid], NULL);
		mach->ncpus--;
		nvmm_machine_unseen(mach);
	}
	while (vcpu->first != NULL)
		claimant_leave(vcpu->first);
	if (vcpu->made)
		nvmm_impl->vcpu_destroy(mach, vcpu);
	if (vcpu->comm != NULL)
		os_vmobj_unmap_kernel(vcpu->commobj, vcpu->comm);
	if (vcpu->commobj != NULL)
		os_vmobj_release(vcpu->commobj);
	os_mem_free(vcpu, sizeof(*vcpu));
}

/* The page shared with the owner, seen from both sides. */
static int
vcpu_make_comm(struct nvmm_machine *mach, struct nvmm_cpu *vcpu)
{
	void *p;
	int error;

	error = os_vmobj_create(&vcpu->commobj, OS_PAGE_SIZE);
	if (error)
		return error;
	error = os_vmobj_map_kernel(vcpu->commobj, &p);
	if (error)
		return error;
	vcpu->comm = p;
	vcpu->comm->machid = mach->machid;
	vcpu->comm->cpuid = vcpu->cpuid;
	return os_vmobj_map_user(mach->owner->file, vcpu->commobj,
	    &vcpu->commuva, OS_PAGE_SIZE, false);
}

/* => Machine locked and parked. */
static int
vcpu_make(struct nvmm_machine *mach, struct nvmm_cpu *vcpu)
{
	int error;

	error = vcpu_make_comm(mach, vcpu);
	if (error)
		return error;
	error = nvmm_impl->vcpu_create(mach, vcpu);
	if (error) {
		os_vmobj_unmap_user(mach->owner->file, vcpu->commobj,
		    vcpu->commuva, OS_PAGE_SIZE);
		return error;
	}
	vcpu->made = true;
	return 0;
}

/* => Machine locked and parked. EBUSY: the VCPU exists. */
static int
vcpu_create(struct nvmm_machine *mach, struct nvmm_ioc_vcpu_create *ioc)
{
	struct nvmm_cpu *vcpu;
	int error;

	error = nvmm_vcpu_find(mach, ioc->cpuid, &vcpu);
	if (error != ENOENT)
		return error == 0 ? EBUSY : error;
	vcpu = os_mem_zalloc(sizeof(*vcpu));
	if (vcpu == NULL)
		return ENOMEM;
	vcpu->cpuid = ioc->cpuid;
	vcpu->mach = mach;
	error = vcpu_make(mach, vcpu);
	if (error) {
		nvmm_vcpu_free(mach, vcpu);
		return error;
	}
	os_atomic_store(&mach->cpus[vcpu->cpuid], vcpu);
	mach->ncpus++;
	ioc->comm = (struct nvmm_comm_page *)vcpu->commuva;
	return 0;
}

int
nvmm_do_vcpu_create(struct nvmm_owner *owner, struct nvmm_ioc_vcpu_create *ioc)
{
	struct nvmm_machine *mach;
	int error;

	error = nvmm_machine_get_parked(owner, ioc->machid, &mach);
	if (error)
		return error;
	error = vcpu_create(mach, ioc);
	nvmm_machine_put_parked(mach);
	return error;
}

int
nvmm_do_vcpu_destroy(struct nvmm_owner *owner, struct nvmm_ioc_vcpu *ioc)
{
	struct nvmm_machine *mach;
	struct nvmm_cpu *vcpu;
	int error;

	error = nvmm_machine_get_parked(owner, ioc->machid, &mach);
	if (error)
		return error;
	error = nvmm_vcpu_find(mach, ioc->cpuid, &vcpu);
	if (!error)
		nvmm_vcpu_free(mach, vcpu);
	nvmm_machine_put_parked(mach);
	return error;
}

int
nvmm_do_vcpu_configure(struct nvmm_owner *owner,
    struct nvmm_ioc_vcpu_configure *ioc)
{
	struct nvmm_cpu *vcpu;
	size_t size;
	void *conf;
	int error;

	error = nvmm_conf_copyin(nvmm_impl->vcpu_conf_sizes,
	    nvmm_impl->vcpu_conf_n, ioc->op, NVMM_VCPU_CONF_MD_BEGIN,
	    ioc->conf, &conf, &size);
	if (error)
		return error;
	error = nvmm_vcpu_claim(owner, ioc->machid, ioc->cpuid, &vcpu);
	if (error)
		goto out;
	error = nvmm_impl->vcpu_configure(vcpu, ioc->op, conf);
	nvmm_vcpu_release(vcpu);
out:
	os_mem_free(conf, size);
	return error;
}

/* => Does not wait for the VCPU. */
int
nvmm_do_vcpu_kick(struct nvmm_owner *owner, struct nvmm_ioc_vcpu *ioc)
{
	struct nvmm_machine *mach;
	struct nvmm_cpu *vcpu;
	int error;

	error = nvmm_machine_get(owner, ioc->machid, &mach);
	if (error)
		return error;
	error = nvmm_vcpu_find(mach, ioc->cpuid, &vcpu);
	if (!error)
		nvmm_vcpu_kick(vcpu);
	nvmm_machine_put(mach);
	return error;
}
