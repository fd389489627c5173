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

	os_atomic_store(&vcpu->kicked, 1);
	nvmm_impl->vcpu_kick(vcpu);
}

/*
 * Claim the VCPU, or see why it has to wait. A claim held elsewhere is kicked,
 * so that the wait for it has an end.
 * => Machine locked. EAGAIN: sleep and try again.
 */
static int
vcpu_try_claim(struct nvmm_machine *mach, nvmm_cpuid_t cpuid,
    struct nvmm_cpu **vcpup)
{
	struct nvmm_cpu *vcpu;
	int error;

	if (mach->dying)
		return ENOENT;
	error = nvmm_vcpu_find(mach, cpuid, &vcpu);
	if (error)
		return error;
	if (mach->nparking != 0)
		return EAGAIN;
	if (vcpu->claimed) {
		nvmm_vcpu_kick(vcpu);
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
 * Make the VCPU the caller's alone, until nvmm_vcpu_release().
 * => No lock is held on return. The machine is looked up anew after each wait,
 *    as it may have gone, and another come to its slot.
 */
int
nvmm_vcpu_claim(struct nvmm_owner *owner, nvmm_machid_t machid,
    nvmm_cpuid_t cpuid, struct nvmm_cpu **vcpup)
{
	struct nvmm_machine *mach;
	int error;

	for (;;) {
		error = nvmm_machine_get(owner, machid, &mach);
		if (error)
			return error;
		error = vcpu_try_claim(mach, cpuid, vcpup);
		if (error == EAGAIN)
			nvmm_machine_wait(mach);
		nvmm_machine_put(mach);
		if (error != EAGAIN)
			return error;
	}
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
 * Free what the VCPU is made of, as far as it was made.
 * => Machine locked, the VCPU unclaimed.
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
	if (vcpu->made)
		nvmm_impl->vcpu_destroy(mach, vcpu);
	if (vcpu->commuva != 0)
		os_vmobj_unmap_user(mach->owner->file, vcpu->commobj,
		    vcpu->commuva, OS_PAGE_SIZE);
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
	if (error)
		return error;
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

	error = nvmm_vcpu_claim(owner, ioc->machid, ioc->cpuid, &vcpu);
	if (error)
		return error;
	error = nvmm_conf_copyin(nvmm_impl->vcpu_conf_sizes,
	    nvmm_impl->vcpu_conf_n, ioc->op, NVMM_VCPU_CONF_MD_BEGIN,
	    ioc->conf, &conf, &size);
	if (error)
		goto out;
	error = nvmm_impl->vcpu_configure(vcpu, ioc->op, conf);
	os_mem_free(conf, size);
out:
	nvmm_vcpu_release(vcpu);
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
