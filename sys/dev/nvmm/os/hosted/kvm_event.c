/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Events on their way into the guest. Exceptions and NMIs go to KVM at once.
 * An interrupt waits here until the VCPU can take it: KVM would inject it
 * whatever the state of RFLAGS.IF. The same window is what the owner may ask
 * to be told of; an interrupt that waits goes first.
 */

#include "kvm.h"

#define RFLAGS_IF		0x200ULL

#define VECTOR_NMI		2
#define NEXCEPTIONS		32
/* #DF #TS #NP #SS #GP #PF #AC #CP #VC #SX, APM vol. 2, 8.2. */
#define EXCEPTIONS_WITH_ERROR						\
	(1U << 8 | 1U << 10 | 1U << 11 | 1U << 12 | 1U << 13 |		\
	 1U << 14 | 1U << 17 | 1U << 21 | 1U << 29 | 1U << 30)

/* True if an event is on its way. => Events are valid. */
bool
kvm_event_pending(const struct kvm_vcpu *vc)
{
	const struct kvm_vcpu_events *ev = &vc->run->s.regs.events;

	return vc->irq >= 0 || ev->exception.injected ||
	    ev->exception.pending || ev->interrupt.injected ||
	    ev->nmi.injected || ev->nmi.pending;
}

/*
 * True if the VCPU would take an interrupt before its next instruction: as KVM
 * said at the exit, or after the owner's changes as the state says.
 */
bool
kvm_event_ready(struct kvm_vcpu *vc)
{
	const struct kvm_vcpu_events *ev = &vc->run->s.regs.events;

	if (!vc->changed)
		return vc->run->ready_for_interrupt_injection &&
		    vc->run->if_flag;
	if (kvm_need_regs(vc) != 0 || kvm_need_events(vc) != 0)
		return false;
	return (vc->run->s.regs.regs.rflags & RFLAGS_IF) != 0 &&
	    !ev->interrupt.shadow && !ev->interrupt.injected &&
	    !ev->exception.injected && !ev->exception.pending &&
	    !ev->nmi.injected && !ev->nmi.pending;
}

/*
 * Before the VCPU is entered: inject what waits if it can be taken, and ask
 * KVM for the window if anything is left to wait for.
 */
int
kvm_event_enter(struct kvm_vcpu *vc)
{
	struct kvm_interrupt irq;
	int error;

	if (vc->irq >= 0 && kvm_event_ready(vc)) {
		irq.irq = (uint32_t)vc->irq;
		error = kvm_ioctl(vc->fd, KVM_INTERRUPT, &irq);
		if (error)
			return error;
		nvmm_x86_irq_pop(&vc->irq, &vc->irqs);
		vc->changed = true;
		vc->valid &= ~KVM_VALID_EVENTS;
	}
	vc->run->request_interrupt_window = vc->irq >= 0 || vc->window;
	return 0;
}

/* => EINVAL: no exception, or not one to inject. EAGAIN: another waits. */
static int
inject_exception(struct kvm_vcpu *vc, const struct nvmm_vcpu_event *event)
{
	struct kvm_vcpu_events *ev = &vc->run->s.regs.events;
	int error;

	if (event->vector >= NEXCEPTIONS || event->vector == VECTOR_NMI)
		return EINVAL;
	error = kvm_need_events(vc);
	if (error)
		return error;
	if (ev->exception.injected || ev->exception.pending ||
	    ev->interrupt.injected || ev->nmi.injected)
		return EAGAIN;
	ev->exception.injected = 1;
	ev->exception.nr = event->vector;
	ev->exception.has_error_code =
	    (EXCEPTIONS_WITH_ERROR >> event->vector) & 1;
	ev->exception.error_code = (uint32_t)event->u.excp.error;
	return kvm_put_events(vc);
}

static int
inject_nmi(struct kvm_vcpu *vc)
{

	if (!kvm_host.nmi)
		return ENOTSUP;
	vc->changed = true;
	vc->valid &= ~KVM_VALID_EVENTS;
	return kvm_ioctl(vc->fd, KVM_NMI, NULL);
}

/* => EAGAIN: too many interrupts wait. */
static int
inject_interrupt(struct kvm_vcpu *vc, uint8_t vector)
{

	return nvmm_x86_irq_push(&vc->irq, &vc->irqs, vector) ? 0 : EAGAIN;
}

/*
 * An access or MSR under way is finished first: an exception may not be lost
 * in its wake.
 */
int
kvm_vcpu_inject(struct nvmm_cpu *cpu, const struct nvmm_vcpu_event *event)
{
	struct kvm_vcpu *vc = kvm_vcpu(cpu);
	int error;

	if (event->type == NVMM_VCPU_EVENT_INTR && event->vector != VECTOR_NMI)
		return inject_interrupt(vc, event->vector);
	error = kvm_msr_finish(vc);
	if (!error)
		error = kvm_access_complete(vc);
	if (error)
		return error;
	if (event->type == NVMM_VCPU_EVENT_INTR)
		return inject_nmi(vc);
	if (event->type == NVMM_VCPU_EVENT_EXCP)
		return inject_exception(vc, event);
	return EINVAL;
}
