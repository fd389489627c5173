/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Running a VCPU: regions of a CPU's time in which it is the VCPU's, and what
 * is exchanged at their bounds.
 *
 * Kicks. The region announces its CPU in vc->on_cpu with a full barrier; with
 * interrupts held off by CLGI it looks at kicked and stop, and then runs VMRUN.
 * Whoever wants it out sets one of the two, with a full barrier, and then looks
 * at on_cpu. So either the run sees the request, or the interrupt finds the CPU
 * announced; and an interrupt that comes after CLGI is still pending when VMRUN
 * lifts it, and brings an #VMEXIT before the guest's first instruction.
 */

#include "x86/svm/svm.h"

static bool
run_wanted_out(struct nvmm_cpu *cpu)
{

	return cpu->kicked != 0 || cpu->comm->stop != 0 || os_return_needed();
}

/* The same within a region, which may have to end for the host's sake, too. */
static bool
run_region_over(struct nvmm_cpu *cpu)
{

	return cpu->kicked != 0 || cpu->comm->stop != 0 ||
	    os_guest_leave_needed();
}

/* => Any context. */
void
svm_vcpu_kick(struct nvmm_cpu *cpu)
{
	struct svm_vcpu *vc = svm_vcpu(cpu);
	int on;

	if (vc == NULL)
		return;
	on = os_atomic_load(&vc->on_cpu);
	if (on != 0)
		os_cpu_interrupt((unsigned)on - 1);
}

/*
 * What is due where the VCPU comes to another CPU than it ran on last, or to
 * one that has been away since, perhaps asleep.
 */
static void
run_move(struct svm_vcpu *vc, unsigned cpu)
{

	if (vc->tlb.ran && vc->ran_on == cpu &&
	    vc->tlb.epoch == vc->host->tlb.epoch)
		return;
	vc->tsc_due = true;
	vc->ran_on = cpu;
	/* This CPU has cached nothing of this VMCB, or long ago. */
	svm_dirty(vc, SVM_CLEAN_ALL);
}

/* The offset that the guest's TSC needs on this CPU now. */
static void
run_set_tsc(struct svm_vcpu *vc, unsigned cpu)
{
	uint64_t offset;

	if (!vc->tsc_due)
		return;
	if (vc->tsc_pending)
		svm_tsc_set(&vc->tsc, vc->tsc_value, svm_host_tsc(cpu));
	else
		svm_tsc_move(&vc->tsc, svm_host_tsc(cpu));
	vc->tsc_pending = false;
	vc->tsc_due = false;
	offset = vc->tsc.offset + cpu * (uint64_t)nvmm_param_tsc_skew;
	if (vc->vmcb->ctrl.tsc_offset == offset)
		return;
	vc->vmcb->ctrl.tsc_offset = offset;
	svm_dirty(vc, SVM_CLEAN_I);
}

/* Branch predictions of another machine's must not steer this one. */
static void
run_barrier(struct svm_vcpu *vc)
{

	if (vc->host->mach_serial == vc->mach_serial)
		return;
	vc->host->mach_serial = vc->mach_serial;
	if (svm.ibpb)
		svm_wrmsr(SVM_MSR_PRED_CMD, SVM_PRED_CMD_IBPB);
}

/* Make the CPU the VCPU's. => In a region. */
static void
run_load(struct svm_vcpu *vc)
{
	const unsigned cpu = os_cpu_current();
	struct svm_host *host = &svm.hosts[cpu];

	vc->host = host;
	OS_ASSERT(host->enabled);
	run_move(vc, cpu);
	run_set_tsc(vc, cpu);
	run_barrier(vc);
	svm_vmsave(host->save_pa);
	svm_drs_enter(vc);
	svm_fpu_load(vc);
	(void)os_atomic_swap(&vc->on_cpu, (int)cpu + 1);
}

/* Give the CPU back. => In a region. */
static void
run_unload(struct svm_vcpu *vc)
{

	os_atomic_store(&vc->on_cpu, 0);
	svm_fpu_unload(vc);
	svm_drs_leave(vc);
	svm_tsc_stop(&vc->tsc, svm_host_tsc(vc->ran_on));
	vc->host = NULL;
}

/* An event goes in at RIP. With NRIPS, #BP and #OF push NRIP instead, 15.20. */
static void
run_inject(struct svm_vcpu *vc)
{

	vc->injected_rip = vc->vmcb->state.rip;
	if (svm.nrips)
		vc->vmcb->ctrl.nrip = vc->injected_rip;
}

/* VMRUN and back. => Interrupts held off by CLGI. */
static void
run_guest(struct svm_vcpu *vc)
{
	struct svm_vmcb_ctrl *ctrl = &vc->vmcb->ctrl;

	ctrl->tlb_control = svm_tlb_control(&vc->host->tlb, &vc->tlb,
	    vc->ran_on, os_vmspace_generation(vc->vm), svm.by_asid);
	ctrl->eventinj = vc->injected = vc->eventinj;
	if (vc->eventinj != 0)
		run_inject(vc);
	vc->eventinj = 0;
	svm_debug_enter(vc, ctrl->tlb_control);
	svm_vmrun(vc->vmcb_pa, vc->gprs, vc->host->save_pa);
	svm_debug_exit(vc);
	ctrl->clean = SVM_CLEAN_ALL;
}

/* One VMRUN, and its exit. => In a region. */
static enum svm_next
run_once(struct svm_vcpu *vc)
{

	if (!svm_event_enter(vc))
		return SVM_USER;
	svm_clgi();
	if (run_region_over(vc->cpu)) {
		svm_stgi();
		return SVM_LEAVE;
	}
	if (vc->event_exit)
		os_cpu_interrupt(vc->ran_on);
	run_guest(vc);
	svm_stgi();
	svm_event_exit(vc);
	return svm_exit(vc);
}

static enum svm_next
run_region(struct svm_vcpu *vc)
{
	enum svm_next next;

	os_guest_enter();
	run_load(vc);
	do {
		next = run_once(vc);
	} while (next == SVM_AGAIN);
	run_unload(vc);
	os_guest_leave();
	return next;
}

/* Fill the part of the exit that every exit has. */
static inline void
run_exit_state(struct svm_vcpu *vc)
{
	struct nvmm_vcpu_exit *exit = &vc->cpu->comm->exit;
	const struct svm_vmcb_ctrl *ctrl = &vc->vmcb->ctrl;

	memset(&exit->exitstate, 0, sizeof(exit->exitstate));
	exit->exitstate.rflags = svm_rflags(vc);
	exit->exitstate.cr8 = ctrl->v_intr & SVM_V_TPR;
	if ((ctrl->intr_shadow & SVM_INTERRUPT_SHADOW) != 0)
		exit->exitstate.int_shadow = 1;
	if (vc->eventinj == 0 && !vc->event_busy)
		return;
	exit->exitstate.int_window_exiting = vc->int_window;
	exit->exitstate.nmi_window_exiting = vc->nmi_window;
	exit->exitstate.evt_pending = svm_event_pending(vc);
}

/*
 * => ENOMEM: no memory for a page that the guest touched; it can be run again.
 */
int
svm_vcpu_run(struct nvmm_machine *mach, struct nvmm_cpu *cpu)
{
	struct svm_vcpu *vc = svm_vcpu(cpu);
	enum svm_next next;
	int error;

	(void)mach;
	vc->io_waits = false;
	for (;;) {
		next = run_region(vc);
		error = next == SVM_FAULT ? svm_fault(vc) : 0;
		if (next == SVM_USER || error || run_wanted_out(cpu))
			break;
		os_guest_pause();
	}
	run_exit_state(vc);
	return error == EFAULT ? 0 : error;
}
