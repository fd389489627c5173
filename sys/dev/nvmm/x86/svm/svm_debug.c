/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What emulators do not notice, asserted in debug builds: that no group of the
 * VMCB is marked clean though it was changed since the last #VMEXIT, that a
 * shared ASID is flushed where another VCPU had it, and that what is injected
 * has an RIP to push. A copy of the VMCB is kept as each exit left it.
 */

#include "x86/svm/svm.h"

#ifdef NVMM_DEBUG

/* Fields that a clean bit covers, APM vol. 2, 15.15.3. */
#define IN_CTRL(field)							\
	offsetof(struct svm_vmcb, ctrl.field),				\
	    sizeof(((struct svm_vmcb *)NULL)->ctrl.field)
#define IN_STATE(field)							\
	offsetof(struct svm_vmcb, state.field),				\
	    sizeof(((struct svm_vmcb *)NULL)->state.field)

static const struct {
	uint32_t bit;
	size_t off;
	size_t len;
} debug_groups[] = {
	{ SVM_CLEAN_I, IN_CTRL(intercept_cr) },
	{ SVM_CLEAN_I, IN_CTRL(intercept_dr) },
	{ SVM_CLEAN_I, IN_CTRL(intercept_excp) },
	{ SVM_CLEAN_I, IN_CTRL(intercept_misc1) },
	{ SVM_CLEAN_I, IN_CTRL(intercept_misc2) },
	{ SVM_CLEAN_I, IN_CTRL(intercept_misc3) },
	{ SVM_CLEAN_I, IN_CTRL(tsc_offset) },
	{ SVM_CLEAN_I, IN_CTRL(pause_filter_count) },
	{ SVM_CLEAN_IOPM, IN_CTRL(iopm_base_pa) },
	{ SVM_CLEAN_IOPM, IN_CTRL(msrpm_base_pa) },
	{ SVM_CLEAN_ASID, IN_CTRL(asid) },
	{ SVM_CLEAN_TPR, IN_CTRL(v_intr) },
	{ SVM_CLEAN_NP, IN_CTRL(np_enable) },
	{ SVM_CLEAN_NP, IN_CTRL(n_cr3) },
	{ SVM_CLEAN_NP, IN_STATE(g_pat) },
	{ SVM_CLEAN_CRX, IN_STATE(cr0) },
	{ SVM_CLEAN_CRX, IN_STATE(cr3) },
	{ SVM_CLEAN_CRX, IN_STATE(cr4) },
	{ SVM_CLEAN_CRX, IN_STATE(efer) },
	{ SVM_CLEAN_DRX, IN_STATE(dr6) },
	{ SVM_CLEAN_DRX, IN_STATE(dr7) },
	{ SVM_CLEAN_DT, IN_STATE(gdtr) },
	{ SVM_CLEAN_DT, IN_STATE(idtr) },
	{ SVM_CLEAN_SEG, IN_STATE(es) },
	{ SVM_CLEAN_SEG, IN_STATE(cs) },
	{ SVM_CLEAN_SEG, IN_STATE(ss) },
	{ SVM_CLEAN_SEG, IN_STATE(ds) },
	{ SVM_CLEAN_SEG, IN_STATE(cpl) },
	{ SVM_CLEAN_CR2, IN_STATE(cr2) },
};

/* The VCPU that each CPU ran last under the shared ASID, its own account. */
static uint64_t debug_shared[4096];

int
svm_debug_create(struct svm_vcpu *vc)
{

	vc->shadow = os_mem_zalloc(sizeof(*vc->shadow));
	return vc->shadow != NULL ? 0 : ENOMEM;
}

void
svm_debug_destroy(struct svm_vcpu *vc)
{

	os_mem_free(vc->shadow, sizeof(*vc->shadow));
}

/* True if the group's field is as the last exit left it. */
static bool
debug_same(const struct svm_vcpu *vc, size_t group)
{
	const size_t off = debug_groups[group].off;

	return memcmp((const uint8_t *)vc->vmcb + off,
	    (const uint8_t *)vc->shadow + off, debug_groups[group].len) == 0;
}

/* True if #BP and #OF push the guest's RIP; emulators take no other. */
static bool
debug_nrip(const struct svm_vcpu *vc)
{
	const struct svm_vmcb *vmcb = vc->vmcb;

	return !svm.nrips || (vmcb->ctrl.eventinj & SVM_EVENT_V) == 0 ||
	    vmcb->ctrl.nrip == vmcb->state.rip;
}

/* => Right before VMRUN. */
void
svm_debug_enter(struct svm_vcpu *vc, uint32_t tlb_control)
{
	const uint32_t clean = vc->vmcb->ctrl.clean;
	const unsigned cpu = os_cpu_current();
	size_t i;

	OS_ASSERT(cpu == vc->ran_on);
	for (i = 0; i < sizeof(debug_groups) / sizeof(debug_groups[0]); i++) {
		if ((clean & debug_groups[i].bit) != 0)
			OS_ASSERT(vc->shadow_valid && debug_same(vc, i));
	}
	OS_ASSERT(debug_nrip(vc));
	if (!vc->tlb.shared || cpu >= 4096)
		return;
	OS_ASSERT(debug_shared[cpu] == vc->tlb.serial ||
	    tlb_control != SVM_TLB_NOTHING);
	debug_shared[cpu] = vc->tlb.serial;
}

/* => Right after #VMEXIT. */
void
svm_debug_exit(struct svm_vcpu *vc)
{

	memcpy(vc->shadow, vc->vmcb, sizeof(*vc->shadow));
	vc->shadow_valid = true;
}

#endif /* NVMM_DEBUG */
