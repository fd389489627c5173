/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Moves from and to control registers that are intercepted. CR4 always: it
 * turns on what the driver must know how to switch, and #MC must stay on for
 * the host whatever the guest wants. CR8 when its owner, or an interrupt, waits
 * for the TPR. AMD APM vol. 2, 3.1 and 15.8.1.
 */

#include "x86/svm/svm.h"

#define LEAF1_ECX_PCID		0x00020000U
#define LEAF7_EBX_FSGSBASE	0x00000001U
#define LEAF7_EBX_SMEP		0x00000080U
#define LEAF7_EBX_SMAP		0x00100000U
#define LEAF7_ECX_UMIP		0x00000004U

/* CR4 bits that every processor with SVM has: VME to OSXMMEXCPT. */
#define CR4_COMMON		0x000007FFULL

/* PCID needs long mode, and a CR3 that names PCID 0. */
#define CR3_PCID		0x0FFFULL

/* Bits of guests' CR4, as their CPUID has them. => svm_cpuid_init() has been. */
void
svm_cr_init(void)
{
	const uint32_t ebx = svm.basic[7].ebx;
	const uint32_t ecx = svm.basic[7].ecx;

	svm.cr4_host = svm_rdcr4() & SVM_CR4_MCE;
	svm.cr4_mask = CR4_COMMON;
	if ((ecx & LEAF7_ECX_UMIP) != 0)
		svm.cr4_mask |= SVM_CR4_UMIP;
	if ((ebx & LEAF7_EBX_FSGSBASE) != 0)
		svm.cr4_mask |= SVM_CR4_FSGSBASE;
	if ((svm.basic[1].ecx & LEAF1_ECX_PCID) != 0)
		svm.cr4_mask |= SVM_CR4_PCIDE;
	if (svm.xsave)
		svm.cr4_mask |= SVM_CR4_OSXSAVE;
	if ((ebx & LEAF7_EBX_SMEP) != 0)
		svm.cr4_mask |= SVM_CR4_SMEP;
	if ((ebx & LEAF7_EBX_SMAP) != 0)
		svm.cr4_mask |= SVM_CR4_SMAP;
	if (svm.pku)
		svm.cr4_mask |= SVM_CR4_PKE;
}

/* What the guest's CR4 is, and what of it the processor is given. */
void
svm_cr4_set(struct svm_vcpu *vc, uint64_t cr4)
{

	vc->cr4 = cr4;
	vc->vmcb->state.cr4 = cr4 | svm.cr4_host;
	svm_dirty(vc, SVM_CLEAN_CRX);
	vc->tlb.stale = true;
}

/* True if MOV CR4 takes the value, APM vol. 2, 3.1.3. */
static bool
cr4_valid(const struct svm_vcpu *vc, uint64_t cr4)
{
	const struct svm_vmcb_state *st = &vc->vmcb->state;
	const bool lma = (st->efer & SVM_EFER_LMA) != 0;

	if ((cr4 & ~svm.cr4_mask) != 0)
		return false;
	if (lma && (cr4 & SVM_CR4_PAE) == 0)
		return false;
	if ((cr4 & ~vc->cr4 & SVM_CR4_PCIDE) != 0)
		return lma && (st->cr3 & CR3_PCID) == 0;
	return true;
}

/* The general register of MOV reg, CRn (op 20h) or MOV CRn, reg (op 22h). */
struct cr_move {
	unsigned reg;
	uint64_t npc;
};

/* By the hardware's word. => False: it does not tell. */
static bool
cr_assisted(struct svm_vcpu *vc, struct cr_move *move)
{
	const uint64_t info = vc->vmcb->ctrl.exitinfo1;

	if (!svm.decode || !svm.nrips || (info & SVM_CR_MOV) == 0)
		return false;
	move->reg = info & SVM_CR_GPR;
	move->npc = vc->vmcb->ctrl.nrip;
	return true;
}

/*
 * By the instruction: prefixes, LOCK among them for CR8 where there is no REX,
 * then 0F, op, and a ModRM byte. => False: as for svm_npc().
 */
static bool
cr_decode(struct svm_vcpu *vc, uint8_t op, struct cr_move *move)
{
	uint8_t buf[NVMM_X86_INSN_MAX];
	struct nvmm_x86_prefixes p;
	struct nvmm_x86_where w;
	const uint8_t *bytes;
	size_t n;

	if (cr_assisted(vc, move))
		return true;
	svm_where(vc, &w);
	bytes = nvmm_x86_fetch(&w, buf, &n);
	if (bytes == NULL)
		return false;
	nvmm_x86_prefixes(bytes, n, nvmm_x86_where_64(&w), &p);
	if (n < p.len + 3 || bytes[p.len] != 0x0F || bytes[p.len + 1] != op)
		return false;
	move->reg = (bytes[p.len + 2] & 7) | (unsigned)(p.rex & 1) << 3;
	move->npc = svm_next_rip(vc, p.len + 3);
	return true;
}

/* The register's value, as wide as the mode has it. */
static uint64_t
cr_value(struct svm_vcpu *vc, const struct cr_move *move)
{
	const uint64_t val = *svm_gpr(vc, move->reg);

	return svm_is_64(vc) ? val : (uint32_t)val;
}

/* The instruction is done. */
static void
cr_done(struct svm_vcpu *vc, const struct cr_move *move)
{

	svm_advance(vc, move->npc);
	nvmm_count(&vc->cpu->stats.exits_driver[NVMM_STAT_INSN], 1);
}

enum svm_next
svm_exit_cr4_read(struct svm_vcpu *vc)
{
	struct cr_move move;

	if (!cr_decode(vc, 0x20, &move))
		return SVM_LEAVE;
	*svm_gpr(vc, move.reg) = vc->cr4;
	cr_done(vc, &move);
	return SVM_AGAIN;
}

enum svm_next
svm_exit_cr4_write(struct svm_vcpu *vc)
{
	struct cr_move move;
	uint64_t cr4;

	if (!cr_decode(vc, 0x22, &move))
		return SVM_LEAVE;
	cr4 = cr_value(vc, &move);
	if (!cr4_valid(vc, cr4)) {
		svm_exception(vc, SVM_VECTOR_GP, 0);
		return SVM_AGAIN;
	}
	svm_cr4_set(vc, cr4);
	cr_done(vc, &move);
	return SVM_AGAIN;
}

/* The guest moves its TPR. */
enum svm_next
svm_exit_cr8(struct svm_vcpu *vc)
{
	struct svm_vmcb_ctrl *ctrl = &vc->vmcb->ctrl;
	struct cr_move move;
	uint64_t cr8;
	bool changed;

	if (!cr_decode(vc, 0x22, &move))
		return SVM_LEAVE;
	cr8 = cr_value(vc, &move);
	if (cr8 > SVM_CR8_MAX) {
		svm_exception(vc, SVM_VECTOR_GP, 0);
		return SVM_AGAIN;
	}
	changed = cr8 != (ctrl->v_intr & SVM_V_TPR);
	ctrl->v_intr = (ctrl->v_intr & ~SVM_V_TPR) | cr8;
	svm_dirty(vc, SVM_CLEAN_TPR);
	cr_done(vc, &move);
	if (!vc->tpr_exit || !changed)
		return SVM_AGAIN;
	return svm_user(vc, NVMM_VCPU_EXIT_TPR_CHANGED);
}
