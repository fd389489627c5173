/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * MSRs. Those that VMLOAD and VMSAVE switch are the guest's own; a few are
 * served here; all others are the owner's to emulate or to refuse. APM vol. 2,
 * 15.11 and appendix A.
 */

#include "x86/svm/svm.h"

/* MSRs that the guest reads and writes without an exit. */
static const uint32_t msr_pass[] = {
	SVM_MSR_SYSENTER_CS, SVM_MSR_SYSENTER_ESP, SVM_MSR_SYSENTER_EIP,
	SVM_MSR_STAR, SVM_MSR_LSTAR, SVM_MSR_CSTAR, SVM_MSR_SFMASK,
	SVM_MSR_FSBASE, SVM_MSR_GSBASE, SVM_MSR_KERNELGSBASE,
};

/* MSRs that belong to the host's part: they read so, and take any value. */
static const struct {
	uint32_t msr;
	uint64_t val;
} msr_fixed[] = {
	{ SVM_MSR_PATCH_LEVEL, 0 },
	{ SVM_MSR_SYSCFG, 0 },
	{ SVM_MSR_HWCR, 0 },
	{ SVM_MSR_NB_CFG, 0 },
	{ SVM_MSR_PATCH_LOADER, 0 },
	/* LFENCE serializes, as CPUID says. */
	{ SVM_MSR_DE_CFG, SVM_DE_CFG_LFENCE },
};

#define SVM_EFER_GUEST	(SVM_EFER_SCE | SVM_EFER_LME | SVM_EFER_LMA |	\
			 SVM_EFER_NXE | SVM_EFER_FFXSR)

static const uint8_t op_rdmsr[] = { 0x0F, 0x32 };
static const uint8_t op_wrmsr[] = { 0x0F, 0x30 };

/* An MSR's first bit in the permission map: 2 a piece, 15.11. */
static size_t
msrpm_bit(uint32_t msr)
{

	if (msr < 0x2000)
		return msr * 2;
	if (msr >= 0xC0010000)
		return (0x1000 * 8) + (msr - 0xC0010000) * 2;
	return (0x800 * 8) + (msr - 0xC0000000) * 2;
}

void
svm_msrpm_init(uint8_t *msrpm)
{
	size_t bit, i;

	memset(msrpm, 0xFF, SVM_MSRPM_PAGES * OS_PAGE_SIZE);
	for (i = 0; i < sizeof(msr_pass) / sizeof(msr_pass[0]); i++) {
		bit = msrpm_bit(msr_pass[i]);
		msrpm[bit / 8] &= (uint8_t)~(3 << bit % 8);
	}
}

/* EFER for the VMCB: LMA follows from LME and paging, SVME is on in there. */
uint64_t
svm_efer(uint64_t efer, uint64_t cr0)
{

	efer &= ~SVM_EFER_LMA;
	if ((efer & SVM_EFER_LME) != 0 && (cr0 & SVM_CR0_PG) != 0)
		efer |= SVM_EFER_LMA;
	return efer | SVM_EFER_SVME;
}

/* => False: #GP. */
static bool
efer_write(struct svm_vcpu *vc, uint64_t val)
{
	struct svm_vmcb_state *st = &vc->vmcb->state;

	if ((val & ~SVM_EFER_GUEST) != 0)
		return false;
	if (((val ^ st->efer) & SVM_EFER_LME) != 0 && (st->cr0 & SVM_CR0_PG) != 0)
		return false;
	st->efer = svm_efer(val, st->cr0);
	svm_dirty(vc, SVM_CLEAN_CRX);
	/* NXE gives bit 63 of entries another meaning. */
	vc->tlb.stale = true;
	return true;
}

/* => False: #GP. */
static bool
pat_write(struct svm_vcpu *vc, uint64_t val)
{

	if (!nvmm_x86_pat_valid(val))
		return false;
	vc->vmcb->state.g_pat = val;
	svm_dirty(vc, SVM_CLEAN_NP);
	return true;
}

static bool
fixed_find(uint32_t msr, uint64_t *val)
{
	size_t i;

	for (i = 0; i < sizeof(msr_fixed) / sizeof(msr_fixed[0]); i++) {
		if (msr_fixed[i].msr == msr) {
			*val = msr_fixed[i].val;
			return true;
		}
	}
	return false;
}

/* => False: not one of ours. */
static bool
msr_read(const struct svm_vcpu *vc, uint32_t msr, uint64_t *val)
{

	switch (msr) {
	case SVM_MSR_TSC:
		*val = svm_tsc_get(&vc->tsc, svm_host_tsc(vc->ran_on));
		return true;
	case SVM_MSR_EFER:
		*val = vc->vmcb->state.efer & ~SVM_EFER_SVME;
		return true;
	case SVM_MSR_PAT:
		*val = vc->vmcb->state.g_pat;
		return true;
	default:
		return fixed_find(msr, val);
	}
}

/* => False: not one of ours. *ok is false for a value that it cannot have. */
static bool
msr_write(struct svm_vcpu *vc, uint32_t msr, uint64_t val, bool *ok)
{

	*ok = true;
	switch (msr) {
	case SVM_MSR_TSC:
		svm_tsc_set(&vc->tsc, val, svm_host_tsc(vc->ran_on));
		vc->tsc_due = true;
		return true;
	case SVM_MSR_EFER:
		*ok = efer_write(vc, val);
		return true;
	case SVM_MSR_PAT:
		*ok = pat_write(vc, val);
		return true;
	default:
		return fixed_find(msr, &val);
	}
}

static enum svm_next
exit_rdmsr(struct svm_vcpu *vc, uint32_t msr, uint64_t npc)
{
	struct nvmm_x86_exit_rdmsr *exit = &vc->cpu->comm->exit.u.rdmsr;
	uint64_t val;

	if (!msr_read(vc, msr, &val)) {
		exit->msr = msr;
		exit->npc = npc;
		return svm_user(vc, NVMM_VCPU_EXIT_RDMSR);
	}
	vc->vmcb->state.rax = (uint32_t)val;
	vc->gprs[NVMM_X64_GPR_RDX] = val >> 32;
	svm_advance(vc, npc);
	nvmm_count(&vc->cpu->stats.exits_driver[NVMM_STAT_RDMSR], 1);
	return SVM_AGAIN;
}

static enum svm_next
exit_wrmsr(struct svm_vcpu *vc, uint32_t msr, uint64_t npc)
{
	struct nvmm_x86_exit_wrmsr *exit = &vc->cpu->comm->exit.u.wrmsr;
	uint64_t val;
	bool ok;

	val = vc->gprs[NVMM_X64_GPR_RDX] << 32 |
	    (uint32_t)vc->vmcb->state.rax;
	if (!msr_write(vc, msr, val, &ok)) {
		exit->msr = msr;
		exit->val = val;
		exit->npc = npc;
		return svm_user(vc, NVMM_VCPU_EXIT_WRMSR);
	}
	nvmm_count(&vc->cpu->stats.exits_driver[NVMM_STAT_WRMSR], 1);
	if (!ok) {
		svm_exception(vc, SVM_VECTOR_GP, 0);
		return SVM_AGAIN;
	}
	svm_advance(vc, npc);
	/* A new TSC offset is taken up with the next region. */
	return msr == SVM_MSR_TSC ? SVM_LEAVE : SVM_AGAIN;
}

enum svm_next
svm_exit_msr(struct svm_vcpu *vc)
{
	const uint32_t msr = (uint32_t)vc->gprs[NVMM_X64_GPR_RCX];
	const bool write = (vc->vmcb->ctrl.exitinfo1 & 1) != 0;
	uint64_t npc;

	if (!svm_npc(vc, write ? op_wrmsr : op_rdmsr, sizeof(op_rdmsr), &npc))
		return SVM_LEAVE;
	return write ? exit_wrmsr(vc, msr, npc) : exit_rdmsr(vc, msr, npc);
}
