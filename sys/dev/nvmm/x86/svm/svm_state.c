/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Registers between the API's form and the VMCB's. Values that the processor
 * could not hold are brought into shape where that is without consequence, and
 * refused where it is not; what is left of impossible states VMRUN itself turns
 * away, which becomes EXIT_INVALID.
 */

#include "x86/svm/svm.h"

#define ATTR_MASK	0x0FFF

/* A segment register is laid out alike on both sides. */
#define SAME(field)							\
	OS_CTASSERT(offsetof(struct nvmm_x64_state_seg, field) ==	\
	    offsetof(struct svm_vmcb_seg, field))
SAME(selector);
SAME(attrib);
SAME(limit);
SAME(base);
OS_CTASSERT(sizeof(struct nvmm_x64_state_seg) == sizeof(struct svm_vmcb_seg));

static inline void
get_seg(struct nvmm_x64_state_seg *to, const struct svm_vmcb_seg *from)
{

	memcpy(to, from, sizeof(*to));
}

static inline void
set_seg(struct svm_vmcb_seg *to, const struct nvmm_x64_state_seg *from)
{

	memcpy(to, from, sizeof(*to));
	to->attrib &= ATTR_MASK;
}

static void
set_segs(struct svm_vcpu *vc, const struct nvmm_x64_state *state)
{
	const struct nvmm_x64_state_seg *segs = state->segs;
	struct svm_vmcb_state *st = &vc->vmcb->state;

	set_seg(&st->es, &segs[NVMM_X64_SEG_ES]);
	set_seg(&st->cs, &segs[NVMM_X64_SEG_CS]);
	set_seg(&st->ss, &segs[NVMM_X64_SEG_SS]);
	set_seg(&st->ds, &segs[NVMM_X64_SEG_DS]);
	set_seg(&st->fs, &segs[NVMM_X64_SEG_FS]);
	set_seg(&st->gs, &segs[NVMM_X64_SEG_GS]);
	set_seg(&st->gdtr, &segs[NVMM_X64_SEG_GDT]);
	set_seg(&st->idtr, &segs[NVMM_X64_SEG_IDT]);
	set_seg(&st->ldtr, &segs[NVMM_X64_SEG_LDT]);
	set_seg(&st->tr, &segs[NVMM_X64_SEG_TR]);
	st->cpl = segs[NVMM_X64_SEG_SS].attrib.dpl;
	svm_dirty(vc, SVM_CLEAN_SEG | SVM_CLEAN_DT);
}

static void
get_segs(struct svm_vcpu *vc, struct nvmm_x64_state *state)
{
	const struct svm_vmcb_state *st = &vc->vmcb->state;
	struct nvmm_x64_state_seg *segs = state->segs;

	get_seg(&segs[NVMM_X64_SEG_ES], &st->es);
	get_seg(&segs[NVMM_X64_SEG_CS], &st->cs);
	get_seg(&segs[NVMM_X64_SEG_SS], &st->ss);
	get_seg(&segs[NVMM_X64_SEG_DS], &st->ds);
	get_seg(&segs[NVMM_X64_SEG_FS], &st->fs);
	get_seg(&segs[NVMM_X64_SEG_GS], &st->gs);
	get_seg(&segs[NVMM_X64_SEG_GDT], &st->gdtr);
	get_seg(&segs[NVMM_X64_SEG_IDT], &st->idtr);
	get_seg(&segs[NVMM_X64_SEG_LDT], &st->ldtr);
	get_seg(&segs[NVMM_X64_SEG_TR], &st->tr);
	/* Of a null SS in ring 3 the processor keeps no DPL: 15.5.1. */
	segs[NVMM_X64_SEG_SS].attrib.dpl = st->cpl & 3;
}

static void
set_gprs(struct svm_vcpu *vc, const struct nvmm_x64_state *state)
{
	struct svm_vmcb_state *st = &vc->vmcb->state;

	/* A step for the sake of NMIs begins anew. */
	if (vc->nmi_step)
		svm_event_stepped_over(vc);
	memcpy(vc->gprs, state->gprs, sizeof(vc->gprs));
	st->rax = state->gprs[NVMM_X64_GPR_RAX];
	st->rsp = state->gprs[NVMM_X64_GPR_RSP];
	st->rip = state->gprs[NVMM_X64_GPR_RIP];
	st->rflags = state->gprs[NVMM_X64_GPR_RFLAGS] | SVM_RFLAGS_ONE;
}

static void
get_gprs(struct svm_vcpu *vc, struct nvmm_x64_state *state)
{
	const struct svm_vmcb_state *st = &vc->vmcb->state;

	memcpy(state->gprs, vc->gprs, sizeof(vc->gprs));
	state->gprs[NVMM_X64_GPR_RAX] = st->rax;
	state->gprs[NVMM_X64_GPR_RSP] = st->rsp;
	state->gprs[NVMM_X64_GPR_RIP] = st->rip;
	state->gprs[NVMM_X64_GPR_RFLAGS] = svm_rflags(vc);
}

static void
set_crs(struct svm_vcpu *vc, const struct nvmm_x64_state *state)
{
	struct svm_vmcb_state *st = &vc->vmcb->state;
	struct svm_vmcb_ctrl *ctrl = &vc->vmcb->ctrl;

	st->cr0 = state->crs[NVMM_X64_CR_CR0] | SVM_CR0_ET;
	st->cr2 = state->crs[NVMM_X64_CR_CR2];
	st->cr3 = state->crs[NVMM_X64_CR_CR3];
	svm_cr4_set(vc, state->crs[NVMM_X64_CR_CR4]);
	st->efer = svm_efer(st->efer, st->cr0);
	ctrl->v_intr = (ctrl->v_intr & ~SVM_V_TPR) |
	    state->crs[NVMM_X64_CR_CR8];
	vc->xcr0 = svm_xcr0_valid(state->crs[NVMM_X64_CR_XCR0]);
	vc->tlb.stale = true;
	svm_dirty(vc, SVM_CLEAN_CRX | SVM_CLEAN_CR2 | SVM_CLEAN_TPR);
}

static void
get_crs(struct svm_vcpu *vc, struct nvmm_x64_state *state)
{
	const struct svm_vmcb_state *st = &vc->vmcb->state;

	state->crs[NVMM_X64_CR_CR0] = st->cr0;
	state->crs[NVMM_X64_CR_CR2] = st->cr2;
	state->crs[NVMM_X64_CR_CR3] = st->cr3;
	state->crs[NVMM_X64_CR_CR4] = vc->cr4;
	state->crs[NVMM_X64_CR_CR8] = vc->vmcb->ctrl.v_intr & SVM_V_TPR;
	state->crs[NVMM_X64_CR_XCR0] = vc->xcr0;
}

static void
set_drs(struct svm_vcpu *vc, const struct nvmm_x64_state *state)
{
	struct svm_vmcb_state *st = &vc->vmcb->state;

	memcpy(vc->drs, state->drs, sizeof(vc->drs));
	st->dr6 = (state->drs[NVMM_X64_DR_DR6] & SVM_DR6_KEEP) | SVM_DR6_ONES;
	st->dr7 = (state->drs[NVMM_X64_DR_DR7] & SVM_DR7_KEEP) | SVM_DR7_ONES;
	svm_dirty(vc, SVM_CLEAN_DRX);
}

static void
get_drs(struct svm_vcpu *vc, struct nvmm_x64_state *state)
{

	memcpy(state->drs, vc->drs, sizeof(vc->drs));
	state->drs[NVMM_X64_DR_DR6] = vc->vmcb->state.dr6;
	state->drs[NVMM_X64_DR_DR7] = vc->vmcb->state.dr7;
}

/*
 * The guest's TSC now, which is not less than it was; on the CPU that the VCPU
 * ran on, as far as the caller's CPU agrees with that one.
 */
static uint64_t
state_tsc(const struct svm_vcpu *vc)
{
	uint64_t tsc;

	if (vc->tsc_pending)
		return vc->tsc_value;
	tsc = svm_tsc_get(&vc->tsc, svm_host_tsc(vc->ran_on));
	return (int64_t)(tsc - vc->tsc.last) < 0 ? vc->tsc.last : tsc;
}

/*
 * What was read and is written back unchanged does not set the TSC back. Else
 * it counts from where the VCPU goes on.
 */
static void
set_tsc(struct svm_vcpu *vc, uint64_t tsc)
{

	if (vc->tlb.ran && tsc == vc->tsc_reported)
		return;
	vc->tsc_value = tsc;
	vc->tsc_pending = true;
	vc->tsc_due = true;
}

static void
set_msrs(struct svm_vcpu *vc, const struct nvmm_x64_state *state)
{
	struct svm_vmcb_state *st = &vc->vmcb->state;
	const uint64_t *msrs = state->msrs;

	st->efer = svm_efer(msrs[NVMM_X64_MSR_EFER], st->cr0);
	st->star = msrs[NVMM_X64_MSR_STAR];
	st->lstar = msrs[NVMM_X64_MSR_LSTAR];
	st->cstar = msrs[NVMM_X64_MSR_CSTAR];
	st->sfmask = msrs[NVMM_X64_MSR_SFMASK];
	st->kernelgsbase = msrs[NVMM_X64_MSR_KERNELGSBASE];
	st->sysenter_cs = msrs[NVMM_X64_MSR_SYSENTER_CS];
	st->sysenter_esp = msrs[NVMM_X64_MSR_SYSENTER_ESP];
	st->sysenter_eip = msrs[NVMM_X64_MSR_SYSENTER_EIP];
	st->g_pat = msrs[NVMM_X64_MSR_PAT];
	set_tsc(vc, msrs[NVMM_X64_MSR_TSC]);
	vc->tlb.stale = true;
	svm_dirty(vc, SVM_CLEAN_CRX | SVM_CLEAN_NP);
}

static void
get_msrs(struct svm_vcpu *vc, struct nvmm_x64_state *state)
{
	const struct svm_vmcb_state *st = &vc->vmcb->state;
	uint64_t *msrs = state->msrs;

	msrs[NVMM_X64_MSR_EFER] = st->efer & ~SVM_EFER_SVME;
	msrs[NVMM_X64_MSR_STAR] = st->star;
	msrs[NVMM_X64_MSR_LSTAR] = st->lstar;
	msrs[NVMM_X64_MSR_CSTAR] = st->cstar;
	msrs[NVMM_X64_MSR_SFMASK] = st->sfmask;
	msrs[NVMM_X64_MSR_KERNELGSBASE] = st->kernelgsbase;
	msrs[NVMM_X64_MSR_SYSENTER_CS] = st->sysenter_cs;
	msrs[NVMM_X64_MSR_SYSENTER_ESP] = st->sysenter_esp;
	msrs[NVMM_X64_MSR_SYSENTER_EIP] = st->sysenter_eip;
	msrs[NVMM_X64_MSR_PAT] = st->g_pat;
	vc->tsc_reported = state_tsc(vc);
	msrs[NVMM_X64_MSR_TSC] = vc->tsc_reported;
	/* The guest must not read less than its owner has. */
	vc->tsc.last = vc->tsc_reported;
	vc->tsc_due = true;
}

static void
set_intr(struct svm_vcpu *vc, const struct nvmm_x64_state *state)
{

	vc->vmcb->ctrl.intr_shadow = state->intr.int_shadow ?
	    SVM_INTERRUPT_SHADOW : 0;
	vc->int_window = state->intr.int_window_exiting;
	vc->nmi_window = state->intr.nmi_window_exiting;
	vc->event_busy = true;
}

static void
get_intr(struct svm_vcpu *vc, struct nvmm_x64_state *state)
{

	memset(&state->intr, 0, sizeof(state->intr));
	state->intr.int_shadow =
	    vc->vmcb->ctrl.intr_shadow & SVM_INTERRUPT_SHADOW;
	state->intr.int_window_exiting = vc->int_window;
	state->intr.nmi_window_exiting = vc->nmi_window;
	state->intr.evt_pending = svm_event_pending(vc);
}

static bool
state_valid(const struct nvmm_x64_state *state, uint64_t flags)
{

	if ((flags & NVMM_X64_STATE_CRS) != 0 &&
	    (state->crs[NVMM_X64_CR_CR8] > SVM_CR8_MAX ||
	    (state->crs[NVMM_X64_CR_CR4] & ~svm.cr4_mask) != 0))
		return false;
	return (flags & NVMM_X64_STATE_MSRS) == 0 ||
	    nvmm_x86_pat_valid(state->msrs[NVMM_X64_MSR_PAT]);
}

/*
 * => EINVAL: CR8 above 15, CR4 with bits that guests cannot have, or no such
 *    PAT; nothing is set then.
 */
int
svm_vcpu_setstate(struct nvmm_cpu *cpu, const struct nvmm_x64_state *state,
    uint64_t flags)
{
	struct svm_vcpu *vc = svm_vcpu(cpu);

	/* By far the most frequent. */
	if (flags == NVMM_X64_STATE_GPRS) {
		set_gprs(vc, state);
		return 0;
	}
	if (!state_valid(state, flags))
		return EINVAL;
	if (flags & NVMM_X64_STATE_SEGS)
		set_segs(vc, state);
	if (flags & NVMM_X64_STATE_GPRS)
		set_gprs(vc, state);
	if (flags & NVMM_X64_STATE_CRS)
		set_crs(vc, state);
	if (flags & NVMM_X64_STATE_DRS)
		set_drs(vc, state);
	if (flags & NVMM_X64_STATE_MSRS)
		set_msrs(vc, state);
	if (flags & NVMM_X64_STATE_INTR)
		set_intr(vc, state);
	if (flags & NVMM_X64_STATE_FPU)
		svm_fpu_set(vc, &state->fpu);
	return 0;
}

int
svm_vcpu_getstate(struct nvmm_cpu *cpu, uint64_t flags)
{
	struct nvmm_x64_state *state = &cpu->comm->state;
	struct svm_vcpu *vc = svm_vcpu(cpu);

	if (flags == NVMM_X64_STATE_GPRS) {
		get_gprs(vc, state);
		return 0;
	}
	if (flags & NVMM_X64_STATE_SEGS)
		get_segs(vc, state);
	if (flags & NVMM_X64_STATE_GPRS)
		get_gprs(vc, state);
	if (flags & NVMM_X64_STATE_CRS)
		get_crs(vc, state);
	if (flags & NVMM_X64_STATE_DRS)
		get_drs(vc, state);
	if (flags & NVMM_X64_STATE_MSRS)
		get_msrs(vc, state);
	if (flags & NVMM_X64_STATE_INTR)
		get_intr(vc, state);
	if (flags & NVMM_X64_STATE_FPU)
		svm_fpu_get(vc, &state->fpu);
	return 0;
}
