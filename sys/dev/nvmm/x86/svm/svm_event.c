/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Events on their way into the guest, AMD APM vol. 2, 15.20 and 15.21.
 *
 * vc->eventinj goes in with the next VMRUN, whatever the guest's flags: an
 * exception, or what an exit interrupted. One NMI waits in vc->nmi, and
 * interrupts in vc->irq and, behind it, vc->irqs until the guest can take them.
 * What they wait for is made to exit: a dummy virtual interrupt under the VINTR
 * intercept for RFLAGS.IF and the interrupt shadow, CR8 writes for the TPR, and
 * IRET for NMIs.
 *
 * The end of an NMI's handler is where IRET has done its work, while the
 * intercept comes before it: IRET is then single-stepped. So is the instruction
 * in a shadow that an NMI waits for. What the guest could see of a step is put
 * right: faults are intercepted meanwhile, and go in once the step is off; and
 * instructions that store or load RFLAGS are not stepped out of a shadow.
 *
 * What waits behind an event that goes in with VMRUN can come right after it:
 * an interrupt of our own to this CPU then brings the #VMEXIT.
 *
 * vc->event_busy says that something waits, or that the intercepts have not
 * been looked at since the last thing did: all else is a fast way past.
 */

#include "x86/svm/svm.h"

/* A virtual interrupt that exits once it could be taken, TPR aside. */
#define V_WINDOW	(SVM_V_IRQ | SVM_V_IGN_TPR | SVM_V_INTR_PRIO)

#define NEXCEPTIONS	32

/* Intercepted during a step, beside those that always are: all faults. */
#define STEP_FAULTS							\
	(1U << SVM_VECTOR_DE | 1U << SVM_VECTOR_BR | 1U << SVM_VECTOR_UD | \
	 1U << SVM_VECTOR_NM | 1U << SVM_VECTOR_TS | 1U << SVM_VECTOR_NP | \
	 1U << SVM_VECTOR_SS | 1U << SVM_VECTOR_GP | 1U << SVM_VECTOR_PF | \
	 1U << SVM_VECTOR_MF | 1U << SVM_VECTOR_XF | 1U << SVM_VECTOR_CP)

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

/*
 * The step is off before its instruction was executed, and the flags are as
 * they were. The one at IRET begins anew there.
 */
static void
event_step_off(struct svm_vcpu *vc)
{

	vc->vmcb->state.rflags = svm_rflags(vc);
	vc->nmi_step = false;
	vc->vmcb->ctrl.intercept_excp &= ~STEP_FAULTS;
	svm_dirty(vc, SVM_CLEAN_I);
	if (vc->nmi_masked)
		event_intercept(vc, SVM_MISC1_IRET, true);
}

/* Take what waits and can go in now. */
static void
event_take(struct svm_vcpu *vc)
{

	/* The shadow has ended by other means than the step's. */
	if (vc->nmi_step && !vc->nmi_masked && !event_shadow(vc))
		event_step_off(vc);
	if (vc->nmi && event_nmi_ready(vc)) {
		vc->eventinj = SVM_EVENT_V | SVM_EVENT_TYPE_NMI | SVM_VECTOR_NMI;
		vc->nmi = false;
		vc->nmi_masked = true;
		event_intercept(vc, SVM_MISC1_IRET, true);
	} else if (vc->irq >= 0 && event_intr_ready(vc) &&
	    event_tpr_ready(vc)) {
		vc->eventinj = SVM_EVENT_V | SVM_EVENT_TYPE_INTR |
		    (uint64_t)vc->irq;
		nvmm_x86_irq_pop(&vc->irq, &vc->irqs);
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
	vc->vmcb->ctrl.intercept_excp |= STEP_FAULTS;
	svm_dirty(vc, SVM_CLEAN_I);
}

/*
 * True if the instruction at RIP stores or loads TF: PUSHF, POPF, INT3, INT n,
 * INTO, IRET, ICEBP, SYSCALL, SYSRET.
 */
static bool
event_flags_insn(struct svm_vcpu *vc)
{
	uint8_t buf[NVMM_X86_INSN_MAX];
	struct nvmm_x86_prefixes p;
	struct nvmm_x86_where w;
	const uint8_t *bytes;
	size_t n;

	svm_where(vc, &w);
	bytes = nvmm_x86_fetch(&w, buf, &n);
	if (bytes == NULL)
		return false;
	nvmm_x86_prefixes(bytes, n, nvmm_x86_where_64(&w), &p);
	if (n < p.len + 2)
		return false;
	switch (bytes[p.len]) {
	case 0x0F:
		return bytes[p.len + 1] == 0x05 || bytes[p.len + 1] == 0x07;
	case 0x9C:
	case 0x9D:
	case 0xCC:
	case 0xCD:
	case 0xCE:
	case 0xCF:
	case 0xF1:
		return true;
	default:
		return false;
	}
}

/*
 * An NMI could go in but for the shadow. It is there for a stack that is loaded
 * in two steps; an instruction that uses the stack, or leaves it, is not the
 * second of them.
 */
static void
event_shadow_wait(struct svm_vcpu *vc)
{

	if (vc->nmi_step)
		return;
	if (event_flags_insn(vc))
		vc->vmcb->ctrl.intr_shadow &= ~SVM_INTERRUPT_SHADOW;
	else
		event_step(vc);
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
	vc->event_exit = nmi && !vc->nmi_masked && vc->eventinj != 0;
	vc->event_busy = nmi || vc->irq >= 0 || vc->int_window || vc->tpr_exit;
}

/* As svm_event_enter(), where something waits. */
bool
svm_event_next(struct svm_vcpu *vc)
{

	if ((vc->nmi || vc->nmi_window) && !vc->nmi_masked &&
	    event_shadow(vc) && vc->eventinj == 0)
		event_shadow_wait(vc);
	event_take(vc);
	if (vc->nmi_window && event_nmi_ready(vc)) {
		vc->nmi_window = false;
		(void)svm_user(vc, NVMM_VCPU_EXIT_NMI_READY);
		return false;
	}
	if (vc->int_window && vc->irq < 0 && event_intr_ready(vc)) {
		vc->int_window = false;
		event_window(vc, false);
		(void)svm_user(vc, NVMM_VCPU_EXIT_INT_READY);
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
	vc->vmcb->ctrl.intercept_excp &= ~STEP_FAULTS;
	svm_dirty(vc, SVM_CLEAN_I);
}

/*
 * The step is off: its instruction was completed here, and is thus not IRET, or
 * the guest is elsewhere now.
 */
void
svm_event_stepped_over(struct svm_vcpu *vc)
{

	event_step_off(vc);
}

/*
 * True for #BP, #OF and #DB that an instruction has raised, RIP still being at
 * it: INT3, INTO, ICEBP. Any other #DB has met its intercept, and any other #BP
 * or #OF is one that went in with VMRUN and got no further.
 */
static bool
event_by_insn(const struct svm_vcpu *vc, uint64_t info)
{

	switch (info & SVM_EVENT_VECTOR) {
	case SVM_VECTOR_DB:
	case SVM_VECTOR_BP:
	case SVM_VECTOR_OF:
		/* The error code's bits mean nothing here. */
		return (uint32_t)vc->injected != (uint32_t)info ||
		    vc->injected_rip != vc->vmcb->state.rip;
	default:
		return false;
	}
}

/*
 * After #VMEXIT: what was being delivered is delivered again. INT n, INT3, INTO
 * and ICEBP are executed again instead.
 */
void
svm_event_again(struct svm_vcpu *vc)
{
	const uint64_t info = vc->vmcb->ctrl.exitintinfo;

	if (vc->nmi_step && (vc->vmcb->state.rflags & SVM_RFLAGS_TF) == 0 &&
	    vc->vmcb->ctrl.exitcode != SVM_EXIT_EXCP(SVM_VECTOR_DB))
		event_step_end(vc);
	if ((info & SVM_EVENT_V) == 0)
		return;
	switch (info & SVM_EVENT_TYPE) {
	case SVM_EVENT_TYPE_SOFT:
		return;
	case SVM_EVENT_TYPE_EXCP:
		if (event_by_insn(vc, info))
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
	event_step_end(vc);
	event_intercept(vc, SVM_MISC1_IRET, false);
}

/*
 * An event that an exception comes in the way of goes back to wait; an interrupt
 * in front of one that waits already. An exception does not: the instruction
 * that it came of is executed again after the other, as in the hardware.
 */
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
		(void)nvmm_x86_irq_push(&vc->irq, &vc->irqs,
		    vc->eventinj & SVM_EVENT_VECTOR);
		break;
	}
}

/* Have the guest take an exception at its RIP. */
void
svm_exception(struct svm_vcpu *vc, unsigned vector, uint32_t error)
{

	if (vc->nmi_step)
		event_step_off(vc);
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

/*
 * A fault of the guest's, which goes in: #AC, or one of a step's instruction.
 * After a fault IRET has ended the masking of NMIs nevertheless.
 */
enum svm_next
svm_exit_fault(struct svm_vcpu *vc)
{
	struct svm_vmcb_state *st = &vc->vmcb->state;
	const struct svm_vmcb_ctrl *ctrl = &vc->vmcb->ctrl;
	const unsigned vector = ctrl->exitcode - SVM_EXIT_EXCP(0);

	if (vc->nmi_step) {
		st->rflags = svm_rflags(vc) | SVM_RFLAGS_RF;
		event_step_end(vc);
	}
	/* The intercept leaves CR2 alone, 15.12.15. */
	if (vector == SVM_VECTOR_PF) {
		st->cr2 = ctrl->exitinfo2;
		svm_dirty(vc, SVM_CLEAN_CR2);
	}
	svm_exception(vc, vector, (uint32_t)ctrl->exitinfo1);
	return SVM_AGAIN;
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

/*
 * => EINVAL: no exception, or not one to inject. EAGAIN: an exception when
 *    another event is under way, or too many interrupts.
 */
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
		return nvmm_x86_irq_push(&vc->irq, &vc->irqs,
		    event->vector) ? 0 : EAGAIN;
	default:
		return EINVAL;
	}
}
