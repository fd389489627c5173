/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Events on their way into the guest, AMD APM vol. 2, 15.20 and 15.21.
 *
 * vc->eventinj goes in with the next VMRUN, whatever the guest's flags: an
 * exception, or what an exit interrupted. One interrupt and one NMI wait in
 * vc->irq and vc->nmi until the guest can take them. What they wait for is made
 * to exit: a dummy virtual interrupt under the VINTR intercept for RFLAGS.IF
 * and the interrupt shadow, CR8 writes for the TPR, and IRET for NMIs.
 *
 * The end of an NMI's handler is where IRET has done its work, while the
 * intercept comes before it: IRET is then single-stepped, and what the guest
 * could see of that is put right; but for an IRET that faults, whose frame
 * shows the step.
 *
 * vc->event_busy says that something waits, or that the intercepts have not
 * been looked at since the last thing did: all else is a fast way past.
 */

#include "x86/svm/svm.h"

/* A virtual interrupt that exits once it could be taken, TPR aside. */
#define V_WINDOW	(SVM_V_IRQ | SVM_V_IGN_TPR | SVM_V_INTR_PRIO)

#define NEXCEPTIONS	32

static void
event_intercept(struct svm_vcpu *vc, uint32_t bits, bool on)
{
	struct svm_vmcb_ctrl *ctrl = &vc->vmcb->ctrl;
	uint32_t misc1;

	misc1 = on ? ctrl->intercept_misc1 | bits :
	    ctrl->intercept_misc1 & ~bits;
	if (misc1 == ctrl->intercept_misc1)
		return;
	ctrl->intercept_misc1 = misc1;
	svm_dirty(vc, SVM_CLEAN_I);
}

static void
event_intercept_cr8(struct svm_vcpu *vc, bool on)
{
	struct svm_vmcb_ctrl *ctrl = &vc->vmcb->ctrl;
	const uint32_t cr8 = (uint32_t)1 << (16 + 8);
	uint32_t cr;

	cr = on ? ctrl->intercept_cr | cr8 : ctrl->intercept_cr & ~cr8;
	if (ctrl->intercept_cr == cr)
		return;
	ctrl->intercept_cr = cr;
	svm_dirty(vc, SVM_CLEAN_I);
}

static void
event_window(struct svm_vcpu *vc, bool on)
{
	struct svm_vmcb_ctrl *ctrl = &vc->vmcb->ctrl;
	uint64_t v_intr;

	v_intr = on ? ctrl->v_intr | V_WINDOW : ctrl->v_intr & ~V_WINDOW;
	event_intercept(vc, SVM_MISC1_VINTR, on);
	if (v_intr == ctrl->v_intr)
		return;
	ctrl->v_intr = v_intr;
	svm_dirty(vc, SVM_CLEAN_TPR);
}

static bool
event_shadow(const struct svm_vcpu *vc)
{

	return (vc->vmcb->ctrl.intr_shadow & SVM_INTERRUPT_SHADOW) != 0;
}

/* True if an interrupt, TPR aside, would be taken before the next instruction. */
static bool
event_intr_ready(const struct svm_vcpu *vc)
{

	return vc->eventinj == 0 && !event_shadow(vc) &&
	    (vc->vmcb->state.rflags & SVM_RFLAGS_IF) != 0;
}

static bool
event_nmi_ready(const struct svm_vcpu *vc)
{

	return vc->eventinj == 0 && !event_shadow(vc) && !vc->nmi_masked;
}

/*
 * True if the TPR lets the interrupt that waits pass. Vectors below 16 have no
 * priority of an APIC's: they come from elsewhere.
 */
static bool
event_tpr_ready(const struct svm_vcpu *vc)
{
	const unsigned prio = (unsigned)vc->irq >> 4;

	return prio == 0 || prio > (vc->vmcb->ctrl.v_intr & SVM_V_TPR);
}

/* Take what waits and can go in now. */
static void
event_take(struct svm_vcpu *vc)
{

	if (vc->nmi && event_nmi_ready(vc)) {
		vc->eventinj = SVM_EVENT_V | SVM_EVENT_TYPE_NMI | SVM_VECTOR_NMI;
		vc->nmi = false;
		vc->nmi_masked = true;
		event_intercept(vc, SVM_MISC1_IRET, true);
	} else if (vc->irq >= 0 && event_intr_ready(vc) &&
	    event_tpr_ready(vc)) {
		vc->eventinj = SVM_EVENT_V | SVM_EVENT_TYPE_INTR |
		    (uint64_t)vc->irq;
		vc->irq = -1;
	}
}

/* Single-step the next instruction for the sake of NMIs. */
static void
event_step(struct svm_vcpu *vc)
{

	vc->step_rflags = svm_rflags(vc);
	vc->nmi_step = true;
	vc->step_dr6 = vc->vmcb->state.dr6;
	vc->vmcb->state.rflags |= SVM_RFLAGS_TF;
}

/* Arrange for an exit once what still waits can go in. */
static void
event_wait(struct svm_vcpu *vc)
{
	const bool nmi = vc->nmi || vc->nmi_window;
	const bool tpr = vc->irq >= 0 && !event_tpr_ready(vc);
	const bool window = vc->int_window || (vc->irq >= 0 && !tpr);

	event_window(vc, window);
	/* QEMU 7.2 aborts at a write to CR8 while V_IRQ is set. */
	event_intercept_cr8(vc, tpr || window || vc->tpr_exit);
	if (nmi && !vc->nmi_masked && event_shadow(vc) && !vc->nmi_step)
		event_step(vc);
	vc->event_busy = nmi || vc->irq >= 0 || vc->int_window || vc->tpr_exit;
}

/* As svm_event_enter(), where something waits. */
bool
svm_event_next(struct svm_vcpu *vc)
{

	event_take(vc);
	if (vc->nmi_window && event_nmi_ready(vc)) {
		vc->nmi_window = false;
		(void)svm_user(vc, NVMM_VCPU_EXIT_NMI_READY);
		return false;
	}
	event_wait(vc);
	return true;
}

/* The step is over, by #DB or by a fault of the instruction. */
static void
event_step_end(struct svm_vcpu *vc)
{

	vc->nmi_step = false;
	vc->nmi_masked = false;
}

/*
 * The step is over, as its instruction was completed here. IRET is none that
 * is, so that this was the step out of a shadow, and the flags are as before.
 */
void
svm_event_stepped_over(struct svm_vcpu *vc)
{

	vc->vmcb->state.rflags = svm_rflags(vc);
	vc->nmi_step = false;
}

/*
 * After #VMEXIT: what was being delivered is delivered again. INT n, INT3 and
 * INTO are executed again instead, as RIP is still at them; unless it was us
 * who injected the exception.
 */
void
svm_event_again(struct svm_vcpu *vc)
{
	const uint64_t info = vc->vmcb->ctrl.exitintinfo;
	const uint64_t vector = info & SVM_EVENT_VECTOR;

	if (vc->nmi_step && (vc->vmcb->state.rflags & SVM_RFLAGS_TF) == 0 &&
	    vc->vmcb->ctrl.exitcode != SVM_EXIT_EXCP(SVM_VECTOR_DB))
		event_step_end(vc);
	if ((info & SVM_EVENT_V) == 0)
		return;
	switch (info & SVM_EVENT_TYPE) {
	case SVM_EVENT_TYPE_SOFT:
		return;
	case SVM_EVENT_TYPE_EXCP:
		if ((vector == SVM_VECTOR_BP || vector == SVM_VECTOR_OF) &&
		    vc->injected != info)
			return;
		break;
	}
	vc->eventinj = info;
}

/* Nothing is under way any more; what waits goes on waiting. */
void
svm_event_drop(struct svm_vcpu *vc)
{

	vc->eventinj = 0;
	vc->nmi_masked = false;
	vc->nmi_step = false;
	event_intercept(vc, SVM_MISC1_IRET, false);
}

/* An event that an exception comes in the way of goes back to wait. */
static void
event_put_back(struct svm_vcpu *vc)
{

	vc->event_busy = true;
	switch (vc->eventinj & SVM_EVENT_TYPE) {
	case SVM_EVENT_TYPE_NMI:
		vc->nmi = true;
		vc->nmi_masked = false;
		break;
	case SVM_EVENT_TYPE_INTR:
		if (vc->irq < 0)
			vc->irq = (int)(vc->eventinj & SVM_EVENT_VECTOR);
		break;
	}
}

/* Have the guest take an exception at its RIP. */
void
svm_exception(struct svm_vcpu *vc, unsigned vector, uint32_t error)
{

	if (vc->eventinj != 0)
		event_put_back(vc);
	vc->eventinj = SVM_EVENT_V | SVM_EVENT_TYPE_EXCP | vector;
	/* Real mode knows no error codes. */
	if ((SVM_EXCEPTIONS_WITH_ERROR >> vector & 1) != 0 &&
	    (vc->vmcb->state.cr0 & SVM_CR0_PE) != 0)
		vc->eventinj |= SVM_EVENT_EV |
		    (uint64_t)error << SVM_EVENT_ERRORCODE_SHIFT;
}

/* True if something is on its way. */
bool
svm_event_pending(const struct svm_vcpu *vc)
{

	return vc->eventinj != 0 || vc->irq >= 0 || vc->nmi;
}

/* True if what waits ends a HLT. => The guest's RIP is behind it. */
bool
svm_event_wakes(struct svm_vcpu *vc)
{

	return (vc->nmi && event_nmi_ready(vc)) ||
	    (vc->irq >= 0 && event_intr_ready(vc) && event_tpr_ready(vc));
}

/* The window is open. An interrupt that waits goes first. */
enum svm_next
svm_exit_vintr(struct svm_vcpu *vc)
{

	event_window(vc, false);
	if (vc->irq >= 0 || !vc->int_window)
		return SVM_AGAIN;
	vc->int_window = false;
	return svm_user(vc, NVMM_VCPU_EXIT_INT_READY);
}

/* The handler of an NMI is about to end. */
enum svm_next
svm_exit_iret(struct svm_vcpu *vc)
{

	event_intercept(vc, SVM_MISC1_IRET, false);
	event_step(vc);
	return SVM_AGAIN;
}

/*
 * The end of our own step. True if there is no more to it: the guest neither
 * steps itself nor has met a breakpoint.
 */
static bool
event_stepped(struct svm_vcpu *vc)
{
	struct svm_vmcb_state *st = &vc->vmcb->state;
	const bool iret = vc->nmi_masked;

	event_step_end(vc);
	/* IRET has loaded the guest's own flags. */
	if (!iret)
		st->rflags = (st->rflags & ~SVM_RFLAGS_TF) |
		    (vc->step_rflags & SVM_RFLAGS_TF);
	if ((vc->step_rflags & SVM_RFLAGS_TF) != 0)
		return false;
	if ((vc->step_dr6 & SVM_DR6_BS) == 0)
		st->dr6 &= ~SVM_DR6_BS;
	svm_dirty(vc, SVM_CLEAN_DRX);
	return ((st->dr6 ^ vc->step_dr6) & SVM_DR6_KEEP) == 0;
}

/* #DB: DR6 and DR7 are already as the exception leaves them, 15.12.2. */
enum svm_next
svm_exit_db(struct svm_vcpu *vc)
{

	if (vc->nmi_step && event_stepped(vc))
		return SVM_AGAIN;
	svm_exception(vc, SVM_VECTOR_DB, 0);
	return SVM_AGAIN;
}

/* => EINVAL: no exception, or not one to inject. EAGAIN: another event waits. */
int
svm_vcpu_inject(struct nvmm_cpu *cpu, const struct nvmm_vcpu_event *event)
{
	struct svm_vcpu *vc = svm_vcpu(cpu);

	switch (event->type) {
	case NVMM_VCPU_EVENT_EXCP:
		if (event->vector >= NEXCEPTIONS ||
		    event->vector == SVM_VECTOR_NMI)
			return EINVAL;
		if (vc->eventinj != 0)
			return EAGAIN;
		svm_exception(vc, event->vector,
		    (uint32_t)event->u.excp.error);
		return 0;
	case NVMM_VCPU_EVENT_INTR:
		vc->event_busy = true;
		/* NMIs that come while one waits are that one. */
		if (event->vector == SVM_VECTOR_NMI) {
			vc->nmi = true;
			return 0;
		}
		if (vc->irq >= 0)
			return EAGAIN;
		vc->irq = event->vector;
		return 0;
	default:
		return EINVAL;
	}
}
