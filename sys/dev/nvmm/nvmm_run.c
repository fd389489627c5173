/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A VCPU at work: its state, events, run and accesses, each under a claim.
 *
 * What the comm page says is copied out once, and the backend sees the copy, as
 * the owner may change the page at any time; but for general registers alone,
 * the most frequent, of which no value is impossible. A stop asked for
 * is taken back by the run that returns EXIT_STOPPED, and by nothing else: a
 * stop that arrives together with another exit waits for the next run.
 */

#include "nvmm_internal.h"
#include "x86/nvmm_x86_internal.h"

/* Claim the VCPU that a record names. */
static int
vcpu_claim_ioc(struct nvmm_owner *owner, const struct nvmm_ioc_vcpu *ioc,
    struct nvmm_cpu **vcpup)
{

	return nvmm_vcpu_claim(owner, ioc->machid, ioc->cpuid, vcpup);
}

/*
 * Complete the IN or OUT that the owner has carried out: first of all, so that
 * the owner reads, and overrides, what is after it. => VCPU claimed.
 */
static inline void
vcpu_commit_io(struct nvmm_cpu *vcpu)
{
	struct nvmm_comm_page *comm = vcpu->comm;

	if (os_atomic_load(&comm->io_state) != NVMM_COMM_IO_DONE)
		return;
	comm->io_state = NVMM_COMM_IO_NONE;
	if (nvmm_impl->vcpu_io_done != NULL)
		nvmm_impl->vcpu_io_done(vcpu, os_atomic_load(&comm->io_rax));
}

/*
 * Hand over what the owner changed of these groups. What the backend refuses
 * stays marked, for the owner to see and to put right. => VCPU claimed.
 */
static inline int
vcpu_commit_groups(struct nvmm_cpu *vcpu, uint64_t groups)
{
	struct nvmm_comm_page *comm = vcpu->comm;
	const struct nvmm_x64_state *state = &comm->state;
	uint64_t flags;
	int error;

	flags = os_atomic_load(&comm->state_commit) & groups;
	if (flags == 0)
		return 0;
	if (flags != NVMM_X64_STATE_GPRS) {
		nvmm_x86_copy_state(&vcpu->state, state, flags);
		state = &vcpu->state;
	}
	error = nvmm_impl->vcpu_setstate(vcpu, state, flags);
	if (error)
		return error;
	comm->state_commit &= ~flags;
	return 0;
}

/* All that the owner changed. => VCPU claimed. */
static int
vcpu_commit_state(struct nvmm_cpu *vcpu)
{

	return vcpu_commit_groups(vcpu, NVMM_X64_STATE_ALL);
}

/*
 * Bring the VCPU to where its owner sees it: the IN or OUT carried out, and
 * these groups as they are in the comm page. => VCPU claimed.
 */
int
nvmm_vcpu_settle(struct nvmm_cpu *vcpu, uint64_t groups)
{

	vcpu_commit_io(vcpu);
	return vcpu_commit_groups(vcpu, groups);
}

/*
 * Hand over the owner's event; the interrupt state is another after it.
 * => VCPU claimed. A refused event stays marked.
 */
static int
vcpu_commit_event(struct nvmm_cpu *vcpu)
{
	int error;

	memcpy(&vcpu->event, &vcpu->comm->event, sizeof(vcpu->event));
	error = nvmm_impl->vcpu_inject(vcpu, &vcpu->event);
	if (error)
		return error;
	vcpu->comm->event_commit = 0;
	vcpu->comm->state_cached &= ~(uint64_t)NVMM_X64_STATE_INTR;
	nvmm_count(&vcpu->stats.injected, 1);
	return 0;
}

/*
 * Fetch groups of state that the comm page does not hold; what the owner has
 * changed but not handed over is there, and is not overwritten.
 * => VCPU claimed.
 */
static int
vcpu_provide_state(struct nvmm_cpu *vcpu, uint64_t wanted)
{
	struct nvmm_comm_page *comm = vcpu->comm;
	uint64_t flags;
	int error;

	wanted &= NVMM_X64_STATE_ALL;
	flags = wanted & ~os_atomic_load(&comm->state_cached) &
	    ~os_atomic_load(&comm->state_commit);
	if (flags != 0) {
		error = nvmm_impl->vcpu_getstate(vcpu, flags);
		if (error)
			return error;
	}
	comm->state_cached |= wanted;
	return 0;
}

int
nvmm_do_vcpu_setstate(struct nvmm_owner *owner, struct nvmm_ioc_vcpu *ioc)
{
	struct nvmm_cpu *vcpu;
	int error;

	error = vcpu_claim_ioc(owner, ioc, &vcpu);
	if (error)
		return error;
	vcpu_commit_io(vcpu);
	error = vcpu_commit_state(vcpu);
	nvmm_vcpu_release(vcpu);
	return error;
}

int
nvmm_do_vcpu_getstate(struct nvmm_owner *owner, struct nvmm_ioc_vcpu *ioc)
{
	struct nvmm_cpu *vcpu;
	int error;

	error = vcpu_claim_ioc(owner, ioc, &vcpu);
	if (error)
		return error;
	vcpu_commit_io(vcpu);
	error = vcpu_provide_state(vcpu,
	    os_atomic_load(&vcpu->comm->state_wanted));
	nvmm_vcpu_release(vcpu);
	return error;
}

/* => State changed before the event is handed over before it. */
int
nvmm_do_vcpu_inject(struct nvmm_owner *owner, struct nvmm_ioc_vcpu *ioc)
{
	struct nvmm_cpu *vcpu;
	int error;

	error = vcpu_claim_ioc(owner, ioc, &vcpu);
	if (error)
		return error;
	vcpu_commit_io(vcpu);
	error = vcpu_commit_state(vcpu);
	if (!error)
		error = vcpu_commit_event(vcpu);
	nvmm_vcpu_release(vcpu);
	return error;
}

/* Take a stop back, if one was asked for: the exit is then EXIT_STOPPED. */
static bool
vcpu_take_stop(struct nvmm_cpu *vcpu)
{
	struct nvmm_comm_page *comm = vcpu->comm;

	if (os_atomic_load(&comm->stop) == 0 ||
	    os_atomic_swap(&comm->stop, 0) == 0)
		return false;
	comm->exit.reason = NVMM_VCPU_EXIT_STOPPED;
	return true;
}

/*
 * Account for the time of a run that began at since. Readers see both fields
 * as before or as after; the end is taken once they see that they change, so
 * that no later sum is less than an earlier one.
 */
static inline void
vcpu_count_time(struct nvmm_cpu *vcpu, uint64_t since)
{
	uint64_t now;

	(void)os_atomic_swap(&vcpu->run_seq, vcpu->run_seq + 1);
	os_atomic_store(&vcpu->run_since, 0);
	/* Clocks of two CPUs need not agree to the tick. */
	now = os_time_ticks();
	if (now > since)
		nvmm_count(&vcpu->run_ticks, now - since);
	os_atomic_store(&vcpu->run_seq, vcpu->run_seq + 1);
}

/* Let the backend run. => VCPU claimed, everything committed. */
static inline __attribute__((__always_inline__)) int
vcpu_enter(struct nvmm_cpu *vcpu)
{
	struct nvmm_comm_page *comm = vcpu->comm;
	uint64_t since;
	int error;

	comm->state_cached = 0;
	comm->io_state = NVMM_COMM_IO_NONE;
	comm->exit.reason = NVMM_VCPU_EXIT_NONE;
	since = os_time_ticks();
	os_atomic_store(&vcpu->run_since, since);
	error = nvmm_impl->vcpu_run(vcpu->mach, vcpu);
	vcpu_count_time(vcpu, since);
	if (!error && comm->exit.reason == NVMM_VCPU_EXIT_NONE)
		(void)vcpu_take_stop(vcpu);
	return error;
}

/*
 * Leave with EXIT_STOPPED before the backend runs, as a stop was asked for;
 * exitstate then comes from the registers. Who asked may have thought better of
 * it. On an error the stop stays. => VCPU claimed, everything committed.
 */
static int
vcpu_stop_or_enter(struct nvmm_cpu *vcpu)
{
	int error;

	error = vcpu_provide_state(vcpu, NVMM_X86_EXITSTATE_GROUPS);
	if (error)
		return error;
	nvmm_x86_exitstate(vcpu->comm);
	return vcpu_take_stop(vcpu) ? 0 : vcpu_enter(vcpu);
}

/*
 * Whether state may be fetched right after the exit: to fetch it would end an
 * access that the host has decoded and that still waits to be carried out.
 */
static bool
vcpu_exit_bears_state(const struct nvmm_cpu *vcpu)
{
	const uint64_t reason = vcpu->comm->exit.reason;

	return nvmm_impl->vcpu_access == NULL ||
	    (reason != NVMM_VCPU_EXIT_IO && reason != NVMM_VCPU_EXIT_MEMORY);
}

/* What the owner changed and injects. => VCPU claimed. */
static int
vcpu_commit(struct nvmm_cpu *vcpu)
{
	struct nvmm_comm_page *comm = vcpu->comm;
	int error;

	error = 0;
	vcpu_commit_io(vcpu);
	if (os_atomic_load(&comm->state_commit) != 0)
		error = vcpu_commit_state(vcpu);
	if (!error && os_atomic_load(&comm->event_commit) != 0)
		error = vcpu_commit_event(vcpu);
	return error;
}

/*
 * Commit, run, and fetch what is asked for; what cannot be fetched is not
 * marked as cached, and GETSTATE will say why. => VCPU claimed.
 */
static inline __attribute__((__always_inline__)) int
vcpu_run(struct nvmm_cpu *vcpu)
{
	struct nvmm_comm_page *comm = vcpu->comm;
	uint64_t wanted;
	int error;

	nvmm_count(&vcpu->stats.runs, 1);
	error = vcpu_commit(vcpu);
	if (error)
		return error;
	error = os_atomic_load(&comm->stop) == 0 ? vcpu_enter(vcpu) :
	    vcpu_stop_or_enter(vcpu);
	if (error)
		return error;
	nvmm_count(&vcpu->stats.exits_user[
	    nvmm_x86_exit_stat(os_atomic_load(&comm->exit.reason))], 1);
	wanted = os_atomic_load(&comm->state_wanted);
	if (wanted != 0 && vcpu_exit_bears_state(vcpu))
		(void)vcpu_provide_state(vcpu, wanted);
	return 0;
}

/*
 * A run whose VCPU is waited for. => Kept out of the other's way, which would
 *    have a stack to protect for it.
 */
static __attribute__((__noinline__)) int
run_waiting(struct nvmm_owner *owner, nvmm_machid_t machid, nvmm_cpuid_t cpuid)
{
	struct nvmm_cpu *vcpu;
	int error;

	error = nvmm_vcpu_claim(owner, machid, cpuid, &vcpu);
	if (error)
		return error;
	error = vcpu_run(vcpu);
	nvmm_vcpu_release(vcpu);
	return error;
}

/*
 * For OS layers to take the request of every exit straight here. => They have
 *    seen to what nvmm_ioctl() sees to: the address space is the owner's, who
 *    is not root's.
 */
int
nvmm_run(struct nvmm_owner *owner, nvmm_machid_t machid, nvmm_cpuid_t cpuid)
{
	struct nvmm_cpu *vcpu;
	int error;

	vcpu = nvmm_vcpu_claim_free(owner, machid, cpuid);
	if (vcpu == NULL)
		return run_waiting(owner, machid, cpuid);
	error = vcpu_run(vcpu);
	nvmm_vcpu_release(vcpu);
	return error;
}

int
nvmm_do_vcpu_run(struct nvmm_owner *owner, struct nvmm_ioc_vcpu *ioc)
{

	return nvmm_run(owner, ioc->machid, ioc->cpuid);
}

/*
 * Fetch the access of the last exit; token 0 if it carries none.
 * => access->data belongs to the backend.
 */
int
nvmm_do_vcpu_access(struct nvmm_owner *owner, const struct nvmm_ioc_vcpu *ioc,
    struct nvmm_access *access)
{
	struct nvmm_cpu *vcpu;
	int error;

	error = vcpu_claim_ioc(owner, ioc, &vcpu);
	if (error)
		return error;
	memset(access, 0, sizeof(*access));
	if (nvmm_impl->vcpu_access != NULL)
		error = nvmm_impl->vcpu_access(vcpu, access);
	nvmm_vcpu_release(vcpu);
	return error;
}

/* => ENOTSUP: this backend decodes nothing. */
int
nvmm_do_vcpu_access_done(struct nvmm_owner *owner,
    const struct nvmm_ioc_vcpu *ioc, const struct nvmm_access *access)
{
	struct nvmm_cpu *vcpu;
	int error;

	error = vcpu_claim_ioc(owner, ioc, &vcpu);
	if (error)
		return error;
	error = ENOTSUP;
	if (nvmm_impl->vcpu_access_done != NULL)
		error = nvmm_impl->vcpu_access_done(vcpu, access);
	nvmm_vcpu_release(vcpu);
	return error;
}
