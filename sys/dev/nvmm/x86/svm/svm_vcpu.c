/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A VCPU's making and end, its configuration, and what of the guest's doing is
 * intercepted and why.
 */

#include "x86/svm/svm.h"

/* Which word of the VMCB's intercepts. */
enum svm_word { EXCP, MISC1, MISC2, MISC3 };

/*
 * Every intercept, and its reason; that of CR4 is in svm_cr.c. Not intercepted,
 * on purpose: CR0, CR3 and INVLPG, as nested paging leaves them to the guest; RDTSC, which the
 * offset serves; task switches, which the hardware carries out; INT n, PUSHF,
 * POPF and the descriptor tables, which concern the guest alone; PAUSE, whose
 * filter pays off with host schedulers that listen to it only; SMI, which the
 * hardware takes to the host's firmware by itself; RSM and ICEBP, which behave
 * as without a hypervisor; FERR_FREEZE, which a host interrupt ends. These come
 * and go: CR8 writes (TPR exits, interrupts that wait for the TPR), IRET (while
 * NMIs are masked), VINTR (interrupt windows) and debug registers (unless
 * loaded).
 */
static const struct {
	enum svm_word word;
	uint32_t bits;
} svm_intercepts[] = {
	/* An endless loop of them in microcode would never leave the guest. */
	{ EXCP, 1U << SVM_VECTOR_DB | 1U << SVM_VECTOR_AC },
	/* The host's hardware fails, not the guest's. */
	{ EXCP, 1U << SVM_VECTOR_MC },
	/* They are the host's. */
	{ MISC1, SVM_MISC1_INTR | SVM_MISC1_NMI | SVM_MISC1_INIT },
	/* There is no performance counter for guests. */
	{ MISC1, SVM_MISC1_RDPMC },
	/* What the guest may see of the processor. */
	{ MISC1, SVM_MISC1_CPUID },
	/* Neither may drop what the host has in its caches, nor stall it. */
	{ MISC1, SVM_MISC1_INVD },
	{ MISC2, SVM_MISC2_WBINVD },
	/* The owner's affair. */
	{ MISC1, SVM_MISC1_HLT | SVM_MISC1_IOIO | SVM_MISC1_SHUTDOWN },
	{ MISC2, SVM_MISC2_MONITOR | SVM_MISC2_MWAIT },
	/* By the permission map. */
	{ MISC1, SVM_MISC1_MSR },
	/* Hidden from the guest: #UD. VMRUN must be, 15.5.1. */
	{ MISC1, SVM_MISC1_INVLPGA },
	{ MISC2, SVM_MISC2_VMRUN | SVM_MISC2_VMMCALL | SVM_MISC2_VMLOAD |
	    SVM_MISC2_VMSAVE | SVM_MISC2_STGI | SVM_MISC2_CLGI |
	    SVM_MISC2_SKINIT },
	{ MISC3, SVM_MISC3_INVLPGB | SVM_MISC3_TLBSYNC },
	/* They would read the host's TSC_AUX and counters: #UD, as in CPUID. */
	{ MISC2, SVM_MISC2_RDTSCP | SVM_MISC2_RDPRU },
	{ MISC3, SVM_MISC3_MCOMMIT },
	/* The guest's XCR0 is not the host's. */
	{ MISC2, SVM_MISC2_XSETBV },
};

const size_t svm_vcpu_conf_sizes[2] = {
	[NVMM_VCPU_CONF_CPUID - NVMM_VCPU_CONF_MD_BEGIN] =
	    sizeof(struct nvmm_vcpu_conf_cpuid),
	[NVMM_VCPU_CONF_TPR - NVMM_VCPU_CONF_MD_BEGIN] =
	    sizeof(struct nvmm_vcpu_conf_tpr),
};

static void
vcpu_init_intercepts(struct svm_vmcb_ctrl *ctrl)
{
	size_t i;

	for (i = 0; i < sizeof(svm_intercepts) / sizeof(svm_intercepts[0]);
	    i++) {
		switch (svm_intercepts[i].word) {
		case EXCP:
			ctrl->intercept_excp |= svm_intercepts[i].bits;
			break;
		case MISC1:
			ctrl->intercept_misc1 |= svm_intercepts[i].bits;
			break;
		case MISC2:
			ctrl->intercept_misc2 |= svm_intercepts[i].bits;
			break;
		case MISC3:
			ctrl->intercept_misc3 |= svm_intercepts[i].bits;
			break;
		}
	}
}

/* Reads of CR4 too, as the VMCB's is not all the guest's. */
#define CR_INTERCEPTS	(1U << 4 | 1U << (16 + 4))

static void
vcpu_init_vmcb(struct svm_vcpu *vc)
{
	struct svm_vmcb_ctrl *ctrl = &vc->vmcb->ctrl;

	vcpu_init_intercepts(ctrl);
	ctrl->intercept_cr = CR_INTERCEPTS;
	ctrl->iopm_base_pa = svm.iopm_pa;
	ctrl->msrpm_base_pa = svm.msrpm_pa;
	ctrl->asid = vc->tlb.asid;
	ctrl->v_intr = SVM_V_INTR_MASKING;
	ctrl->np_enable = SVM_NP_ENABLE;
	ctrl->n_cr3 = os_vmspace_root_pa(vc->vm);
}

/* As after power-on, its TSC at 0. */
static int
vcpu_reset(struct nvmm_cpu *cpu)
{

	nvmm_x86_reset_state(&cpu->state);
	return svm_vcpu_setstate(cpu, &cpu->state, NVMM_X64_STATE_ALL);
}

/* What a VCPU has beside its structure. => The rest is freed by destroy. */
static int
vcpu_alloc(struct svm_vcpu *vc)
{
	uint64_t pa;

	vc->vmcb = os_pages_zalloc(1, &vc->vmcb_pa);
	vc->fpu = os_pages_zalloc(svm.fpu_pages, &pa);
	if (vc->vmcb == NULL || vc->fpu == NULL)
		return ENOMEM;
	return svm_debug_create(vc);
}

static void
vcpu_free(struct svm_vcpu *vc)
{

	svm_debug_destroy(vc);
	if (vc->fpu != NULL)
		os_pages_free(vc->fpu, svm.fpu_pages);
	if (vc->vmcb != NULL)
		os_pages_free(vc->vmcb, 1);
	os_mem_free(vc, sizeof(*vc));
}

static void
vcpu_take_asid(struct svm_vcpu *vc)
{

	vc->tlb.serial = svm_serial();
	os_mutex_lock(&svm.lock);
	svm_asid_take(&svm.asids, &vc->tlb);
	os_mutex_unlock(&svm.lock);
}

int
svm_vcpu_create(struct nvmm_machine *mach, struct nvmm_cpu *cpu)
{
	struct svm_machine *md = mach->machdata;
	struct svm_vcpu *vc;
	int error;

	vc = os_mem_zalloc(sizeof(*vc));
	if (vc == NULL)
		return ENOMEM;
	error = vcpu_alloc(vc);
	if (error) {
		vcpu_free(vc);
		return error;
	}
	vc->cpu = cpu;
	vc->vm = mach->vm;
	vc->mach_serial = md->serial;
	vc->irq = -1;
	vcpu_take_asid(vc);
	vcpu_init_vmcb(vc);
	cpu->cpudata = vc;
	return vcpu_reset(cpu);
}

void
svm_vcpu_destroy(struct nvmm_machine *mach, struct nvmm_cpu *cpu)
{
	struct svm_vcpu *vc = svm_vcpu(cpu);

	(void)mach;
	os_mutex_lock(&svm.lock);
	svm_asid_give(&svm.asids, &vc->tlb);
	os_mutex_unlock(&svm.lock);
	cpu->cpudata = NULL;
	vcpu_free(vc);
}

int
svm_vcpu_configure(struct nvmm_cpu *cpu, uint64_t op, void *conf)
{
	const struct nvmm_vcpu_conf_tpr *tpr = conf;
	struct svm_vcpu *vc = svm_vcpu(cpu);

	switch (op) {
	case NVMM_VCPU_CONF_CPUID:
		return svm_cpuid_configure(vc, conf);
	case NVMM_VCPU_CONF_TPR:
		vc->tpr_exit = tpr->exit_changed;
		vc->event_busy = true;
		return 0;
	default:
		return EINVAL;
	}
}
