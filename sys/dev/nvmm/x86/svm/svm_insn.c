/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What an intercepted instruction was, and getting past it: by the hardware's
 * word where it gives one (NRIPS), else by looking at the instruction.
 */

#include "x86/svm/svm.h"

/* The length of the instruction at RIP if its opcode is op, or 0. */
unsigned
svm_insn_length(struct svm_vcpu *vc, const uint8_t *op, size_t nop)
{
	struct nvmm_x86_where w;

	svm_where(vc, &w);
	return nvmm_x86_insn_length(&w, op, nop);
}

/* The instruction is done: what follows a completed instruction follows. */
void
svm_advance(struct svm_vcpu *vc, uint64_t npc)
{
	struct svm_vmcb_state *st = &vc->vmcb->state;

	st->rip = npc;
	st->rflags &= ~SVM_RFLAGS_RF;
	vc->vmcb->ctrl.intr_shadow &= ~SVM_INTERRUPT_SHADOW;
	if (vc->nmi_step)
		svm_event_stepped_over(vc);
	if ((st->rflags & SVM_RFLAGS_TF) == 0)
		return;
	st->dr6 |= SVM_DR6_BS;
	svm_dirty(vc, SVM_CLEAN_DRX);
	svm_exception(vc, SVM_VECTOR_DB, 0);
}

/* A general register by its number in an instruction. */
uint64_t
svm_gpr(const struct svm_vcpu *vc, unsigned reg)
{

	switch (reg) {
	case NVMM_X64_GPR_RAX:
		return vc->vmcb->state.rax;
	case NVMM_X64_GPR_RSP:
		return vc->vmcb->state.rsp;
	default:
		return vc->gprs[reg];
	}
}

/*
 * MOV CR8, reg: 0F 22 /0 with REX.R, or with LOCK where there is no REX.
 * => False: as for svm_npc().
 */
static bool
insn_mov_cr8(struct svm_vcpu *vc, unsigned *reg, uint64_t *npc)
{
	uint8_t buf[NVMM_X86_INSN_MAX];
	struct nvmm_x86_prefixes p;
	struct nvmm_x86_where w;
	const uint8_t *bytes;
	uint8_t modrm;
	size_t n;

	svm_where(vc, &w);
	bytes = nvmm_x86_fetch(&w, buf, &n);
	if (bytes == NULL)
		return false;
	nvmm_x86_prefixes(bytes, n, nvmm_x86_where_64(&w), &p);
	if (n < p.len + 3 || bytes[p.len] != 0x0F || bytes[p.len + 1] != 0x22)
		return false;
	modrm = bytes[p.len + 2];
	*reg = (modrm & 7) | (unsigned)(p.rex & 1) << 3;
	*npc = svm_next_rip(vc, p.len + 3);
	return true;
}

/* The guest moves its TPR. */
enum svm_next
svm_exit_cr8(struct svm_vcpu *vc)
{
	struct svm_vmcb_ctrl *ctrl = &vc->vmcb->ctrl;
	uint64_t cr8, npc;
	unsigned reg;
	bool changed;

	if (!insn_mov_cr8(vc, &reg, &npc))
		return SVM_LEAVE;
	cr8 = svm_gpr(vc, reg);
	if (cr8 > SVM_CR8_MAX) {
		svm_exception(vc, SVM_VECTOR_GP, 0);
		return SVM_AGAIN;
	}
	changed = cr8 != (ctrl->v_intr & SVM_V_TPR);
	ctrl->v_intr = (ctrl->v_intr & ~SVM_V_TPR) | cr8;
	svm_dirty(vc, SVM_CLEAN_TPR);
	svm_advance(vc, npc);
	nvmm_count(&vc->cpu->stats.exits_driver[NVMM_STAT_INSN], 1);
	if (!vc->tpr_exit || !changed)
		return SVM_AGAIN;
	return svm_user(vc, NVMM_VCPU_EXIT_TPR_CHANGED);
}
