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

/* Where a general register is, by its number in an instruction. */
uint64_t *
svm_gpr(struct svm_vcpu *vc, unsigned reg)
{

	switch (reg) {
	case NVMM_X64_GPR_RAX:
		return &vc->vmcb->state.rax;
	case NVMM_X64_GPR_RSP:
		return &vc->vmcb->state.rsp;
	default:
		return &vc->gprs[reg];
	}
}
