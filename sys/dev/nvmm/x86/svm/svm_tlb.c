/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * ASIDs and TLB flushes: see svm_tlb.h. No state but what is passed in.
 */

#include "x86/svm/svm_tlb.h"
#include "x86/svm/svm_vmcb.h"

void
svm_asid_init(struct svm_asids *asids, uint32_t n)
{

	OS_ASSERT(n >= 2);
	memset(asids, 0, sizeof(*asids));
	asids->n = n <= SVM_ASID_MAX ? n : SVM_ASID_MAX;
}

void
svm_asid_take(struct svm_asids *asids, struct svm_tlb_vcpu *vcpu)
{
	const uint32_t last = asids->n - 1;
	uint32_t i;

	vcpu->asid = last;
	vcpu->shared = true;
	/* All but the host's and the shared one are given already. */
	if (asids->nused >= last - SVM_ASID_FIRST)
		return;
	for (i = SVM_ASID_FIRST; asids->used[i / 64] >> (i % 64) & 1; i++)
		continue;
	asids->used[i / 64] |= (uint64_t)1 << (i % 64);
	asids->nused++;
	vcpu->asid = i;
	vcpu->shared = false;
}

void
svm_asid_give(struct svm_asids *asids, const struct svm_tlb_vcpu *vcpu)
{

	if (vcpu->shared)
		return;
	OS_ASSERT(asids->used[vcpu->asid / 64] >> (vcpu->asid % 64) & 1);
	asids->used[vcpu->asid / 64] &= ~((uint64_t)1 << (vcpu->asid % 64));
	asids->nused--;
}

/* True if this CPU may hold translations that the VCPU must not use. */
static bool
tlb_flush_needed(const struct svm_tlb_cpu *tlb, const struct svm_tlb_vcpu *vcpu,
    unsigned cpu, uint64_t generation)
{

	/* Another VCPU's, before it, under the same ASID. */
	if (!vcpu->ran)
		return true;
	/* Its own from an earlier stay, before it changed its tables elsewhere. */
	if (vcpu->cpu != cpu)
		return true;
	/* From before the CPU was away. */
	if (vcpu->epoch != tlb->epoch)
		return true;
	/* Of pages that the guest does not have any more. */
	if (vcpu->generation != generation)
		return true;
	/* From before the owner changed CR3 and the like. */
	if (vcpu->stale)
		return true;
	/* Another VCPU's, since it ran here, under the shared ASID. */
	return vcpu->shared && tlb->shared_serial != vcpu->serial;
}

uint32_t
svm_tlb_control(struct svm_tlb_cpu *tlb, struct svm_tlb_vcpu *vcpu,
    unsigned cpu, uint64_t generation, bool by_asid)
{
	bool needed;

	needed = tlb_flush_needed(tlb, vcpu, cpu, generation);
	vcpu->ran = true;
	vcpu->cpu = cpu;
	vcpu->epoch = tlb->epoch;
	vcpu->generation = generation;
	vcpu->stale = false;
	if (vcpu->shared)
		tlb->shared_serial = vcpu->serial;
	if (!needed)
		return SVM_TLB_NOTHING;
	return by_asid ? SVM_TLB_FLUSH_GUEST : SVM_TLB_FLUSH_ALL;
}

void
svm_tlb_refused(struct svm_tlb_vcpu *vcpu)
{

	vcpu->stale = true;
}
