/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What KVM leaves half done at an exit. For ports and memory it has decoded
 * the instruction and waits for data: the owner fetches the access, fills it,
 * and the next KVM_RUN finishes it. Whoever touches the registers before has
 * it finished by a KVM_RUN that leaves at once.
 *
 * For an MSR KVM would finish the instruction as well, but NVMM's owner does:
 * it sees the VCPU at the instruction, and sets RAX, RDX and RIP, or injects
 * #GP. Where it set just what KVM would have, the next KVM_RUN is told so;
 * else KVM finishes with anything, and the registers are put back.
 */

#include "kvm.h"

/* Length of RDMSR and WRMSR. */
#define MSR_INST_LEN	2

/* What KVM waits for after the exit that run shows. */
enum kvm_pending
kvm_access_kind(const struct kvm_run *run)
{

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		return KVM_PENDING_IO;
	case KVM_EXIT_MMIO:
		return KVM_PENDING_MMIO;
	case KVM_EXIT_X86_RDMSR:
		return KVM_PENDING_RDMSR;
	case KVM_EXIT_X86_WRMSR:
		return KVM_PENDING_WRMSR;
	default:
		return KVM_PENDING_NONE;
	}
}

static bool
access_pending(const struct kvm_vcpu *vc)
{

	return vc->pending == KVM_PENDING_IO || vc->pending == KVM_PENDING_MMIO;
}

static bool
msr_pending(const struct kvm_vcpu *vc)
{

	return vc->pending == KVM_PENDING_RDMSR ||
	    vc->pending == KVM_PENDING_WRMSR;
}

/* The access of the last exit. => One is pending. */
static void
access_fill(const struct kvm_vcpu *vc, struct nvmm_access *access)
{
	struct kvm_run *run = vc->run;

	memset(access, 0, sizeof(*access));
	access->token = vc->token;
	if (vc->pending == KVM_PENDING_MMIO) {
		access->mem = true;
		access->write = run->mmio.is_write != 0;
		access->size = (uint8_t)run->mmio.len;
		access->count = 1;
		access->addr = run->mmio.phys_addr;
		access->data = run->mmio.data;
		return;
	}
	access->write = run->io.direction == KVM_EXIT_IO_OUT;
	access->size = run->io.size;
	access->count = run->io.count;
	access->addr = run->io.port;
	access->data = (uint8_t *)run + run->io.data_offset;
}

/* A new access is there. Reads that nobody answers yield ones. */
void
kvm_access_begin(struct kvm_vcpu *vc)
{
	struct nvmm_access access;

	vc->token++;
	access_fill(vc, &access);
	if (!access.write)
		memset(access.data, 0xFF, (size_t)access.size * access.count);
}

/*
 * Finish the access of the last exit as it stands. What the instruction goes
 * on to access is a new one, which waits for the next run.
 */
int
kvm_access_complete(struct kvm_vcpu *vc)
{

	if (!access_pending(vc) || vc->again)
		return 0;
	return kvm_run_complete(vc);
}

/*
 * Finish the rest of an instruction that the owner has not seen yet: it sets
 * the registers to something else. => It ends: with each part KVM gets on.
 */
int
kvm_access_drop(struct kvm_vcpu *vc)
{
	int error;

	error = 0;
	while (!error && access_pending(vc) && vc->again) {
		vc->again = false;
		error = kvm_run_complete(vc);
	}
	return error;
}

/*
 * => EINVAL: the last exit was for no access, or a setstate or getstate has
 *    finished it before. It is never raw: nobody else may carry it out.
 */
int
kvm_vcpu_access(struct nvmm_cpu *cpu, struct nvmm_access *access)
{
	struct kvm_vcpu *vc = kvm_vcpu(cpu);

	memset(access, 0, sizeof(*access));
	if (!access_pending(vc) || vc->again)
		return EINVAL;
	access_fill(vc, access);
	return 0;
}

/*
 * => EINVAL: not the access of the last exit, or a read that a setstate or
 *    getstate has finished before.
 */
int
kvm_vcpu_access_done(struct nvmm_cpu *cpu, const struct nvmm_access *access)
{
	struct kvm_vcpu *vc = kvm_vcpu(cpu);
	struct nvmm_access now;

	if (access->token == 0)
		return EINVAL;
	if (!access_pending(vc) || vc->again || access->token != vc->token)
		return access->write ? 0 : EINVAL;
	access_fill(vc, &now);
	if (!now.write && access->data != now.data)
		memcpy(now.data, access->data, (size_t)now.size * now.count);
	return 0;
}

/* Finish the MSR's instruction without a trace in the registers. */
int
kvm_msr_finish(struct kvm_vcpu *vc)
{
	struct kvm_regs regs;
	int error;

	if (!msr_pending(vc))
		return 0;
	error = kvm_need_regs(vc);
	if (error)
		return error;
	regs = vc->run->s.regs.regs;
	vc->run->kvm_dirty_regs &= ~(uint64_t)KVM_SYNC_X86_REGS;
	vc->run->msr.error = 0;
	vc->run->msr.data = 0;
	error = kvm_run_complete(vc);
	vc->run->s.regs.regs = regs;
	if (!error)
		error = kvm_put_regs(vc);
	return error;
}

/* True if the owner changed just what the instruction itself would have. */
static bool
msr_answered(const struct kvm_vcpu *vc)
{
	struct kvm_regs want = vc->run->s.regs.regs;

	if (want.rip != vc->msr_regs.rip + MSR_INST_LEN)
		return false;
	want.rip = vc->msr_regs.rip;
	if (vc->pending == KVM_PENDING_RDMSR) {
		if (want.rax >> 32 != 0 || want.rdx >> 32 != 0)
			return false;
		want.rax = vc->msr_regs.rax;
		want.rdx = vc->msr_regs.rdx;
	}
	return memcmp(&want, &vc->msr_regs, sizeof(want)) == 0;
}

/* Before the VCPU is entered: let KVM finish the MSR, or do so beforehand. */
int
kvm_msr_enter(struct kvm_vcpu *vc)
{
	const struct kvm_regs *regs = &vc->run->s.regs.regs;

	if (!msr_pending(vc))
		return 0;
	if ((kvm_host.sync & KVM_SYNC_X86_REGS) == 0 || !msr_answered(vc))
		return kvm_msr_finish(vc);
	vc->run->msr.error = 0;
	vc->run->msr.data = regs->rdx << 32 | (uint32_t)regs->rax;
	vc->run->kvm_dirty_regs &= ~(uint64_t)KVM_SYNC_X86_REGS;
	return 0;
}
