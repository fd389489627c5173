/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * VCPUs: their making and end, the claim by which a request has one to itself,
 * and the kick by which it gets one that runs.
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
	*p = me;
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
	*p = me->next;
	me->vcpu = NULL;
}

/*
 * Claim the VCPU, or see why it has to wait. A claim held elsewhere is kicked,
 * so that the wait for it has an end.
 * => Machine locked. EAGAIN: sleep and try again.
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
	if (vcpu->claimed && mach->nparking == 0)
		nvmm_vcpu_kick(vcpu);
	if (vcpu->claimed || mach->nparking != 0 ||
	    (vcpu->first != NULL && vcpu->first != me)) {
		claimant_enter(me, vcpu);
		return EAGAIN;
	}
	vcpu->claimed = true;
	mach->nclaimed++;
	/* A stop is set before its kick: what this loses, the run still sees. */
	(void)os_atomic_swap(&vcpu->kicked, 0);
	*vcpup = vcpu;
	return 0;
}

/*
 * Make the VCPU the caller's alone, until nvmm_vcpu_release(). Who waits is
 * served in the order of coming: a thread that runs the VCPU in a loop does
 * not get it again before those that it kept waiting.
 * => No lock is held on return. The machine is looked at anew after each wait,
 *    as it may have gone, and another come to its slot.
 */
int
nvmm_vcpu_claim(struct nvmm_owner *owner, nvmm_machid_t machid,
    nvmm_cpuid_t cpuid, struct nvmm_cpu **vcpup)
{
	struct nvmm_claimant me = { .vcpu = NULL };
	struct nvmm_machine *mach;
	int error;

	error = nvmm_machine_get(owner, machid, &mach);
	if (error)
		return error;
	while ((error = vcpu_try_claim(mach, cpuid, &me, vcpup)) == EAGAIN) {
		nvmm_machine_wait(mach);
		error = nvmm_machine_check(mach, owner);
		if (error)
			break;
	}
	claimant_leave(&me);
	/* Those behind may have looked before the claim: they kick it now. */
	if (!error && (*vcpup)->first != NULL)
		os_cv_broadcast(&mach->cv);
	nvmm_machine_put(mach);
	return error;
}

/* => The last that the caller does with the VCPU. */
void
nvmm_vcpu_release(struct nvmm_cpu *vcpu)
{
	struct nvmm_machine *mach = vcpu->mach;

	os_mutex_lock(&mach->lock);
	OS_ASSERT(vcpu->claimed);
	vcpu->claimed = false;
	mach->nclaimed--;
	if (mach->nwaiting != 0)
		os_cv_broadcast(&mach->cv);
	os_mutex_unlock(&mach->lock);
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
