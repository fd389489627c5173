/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Host CPUs on Linux: the region in which guests run, calls and interrupts
 * across CPUs, and CPUs that come and go.
 *
 * A CPU is ready from the backend's cpu_online there to its cpu_offline, and
 * no region begins on one that is not: who finds itself there, as a CPU that
 * goes down is still scheduled on for a while, sleeps until it is moved. Regions
 * are not preempted, and what ends readiness runs as a thread of its own on that
 * CPU, or with every other CPU off; so no region is open there at that moment.
 *
 * Suspend and hibernation: tasks are frozen, all CPUs but one taken down, and
 * the last one suspended as a device of the system, each by the same two calls.
 * Machines thus survive. Before a reboot or kexec all CPUs stop being ready,
 * for good, as what is booted next may not expect them as guests left them.
 */

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/stop_machine.h>
#include <linux/syscore_ops.h>

#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/mce.h>
#include <asm/nospec-branch.h>
#include <asm/processor.h>

#include "linux.h"

/* A call on every CPU. */
struct cpu_call {
	int (*func)(void *);
	void *arg;
	atomic_t error;		/* (a) of one that failed */
};

static DEFINE_PER_CPU(bool, cpu_ready);	/* that CPU, in a region or irqs off */
static void __percpu *cpu_fpu;		/* that CPU's, in a region */
DEFINE_PER_CPU(unsigned, linux_softirqs);
static bool cpu_halted;			/* (a) for good: a reboot is under way */
static enum cpuhp_state cpu_state;	/* (c) once initialized */

/*
 * Keep what the FPU's registers hold, whosever it is: the thread's, another's
 * that the kernel has not replaced yet, or nothing of worth. The kernel's own
 * records of that stay as they are, as the registers come back as they were.
 */
static void
fpu_save(void)
{
	void *area = this_cpu_ptr(cpu_fpu);

	if (likely(boot_cpu_has(X86_FEATURE_XSAVE)))
		asm volatile("xsave64 (%0)"
		    : : "r" (area), "a" (-1), "d" (-1) : "memory");
	else
		asm volatile("fxsave64 (%0)" : : "r" (area) : "memory");
}

/*
 * Some processors leave the addresses of the last x87 instruction as they are,
 * the guest's; a load of our own takes their place.
 */
static void
fpu_restore(void)
{
	void *area = this_cpu_ptr(cpu_fpu);

	if (unlikely(static_cpu_has_bug(X86_BUG_FXSAVE_LEAK)))
		asm volatile("fnclex; emms; fildl (%0)" : : "r" (area));
	if (likely(boot_cpu_has(X86_FEATURE_XSAVE)))
		asm volatile("xrstor64 (%0)"
		    : : "r" (area), "a" (-1), "d" (-1) : "memory");
	else
		asm volatile("fxrstor64 (%0)" : : "r" (area) : "memory");
}

/*
 * A region is what the kernel has for those who edit the FPU's registers:
 * preemption and softirqs are off, and interrupt handlers do not touch the FPU.
 * Not kernel_fpu_begin(), which has the thread's registers loaded again on the
 * way to user space by many more instructions than this takes.
 */
void
os_guest_enter(void)
{

	fpregs_lock();
	while (unlikely(!this_cpu_read(cpu_ready))) {
		fpregs_unlock();
		schedule_timeout_idle(1);
		fpregs_lock();
	}
	this_cpu_write(linux_softirqs, local_softirq_pending());
	fpu_save();
}

/*
 * Where guests can train the predictions of the user space that serves them,
 * the CPU forgets all of it on the way there.
 */
void
os_guest_leave(void)
{

#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
#endif
	fpu_restore();
	fpregs_unlock();
}

/* As the kernel does for KVM: as if the thread's user mode had run into it. */
void
os_machine_check(void)
{
	struct pt_regs regs = { .cs = 3, .flags = X86_EFLAGS_IF };

	do_machine_check(&regs);
}

unsigned
os_cpu_max(void)
{

	return nr_cpu_ids;
}

static void
cpu_call_one(void *p)
{
	struct cpu_call *call = p;
	int error;

	error = call->func(call->arg);
	if (error)
		atomic_set(&call->error, error);
}

/*
 * => CPUs neither come nor go while this holds the kernel's lock of them. Once
 *    they are halted there is nothing left to turn on, nor off.
 */
int
os_cpu_call(int (*func)(void *), void *arg)
{
	struct cpu_call call = {
		.func = func, .arg = arg, .error = ATOMIC_INIT(0),
	};

	if (READ_ONCE(cpu_halted))
		return ENXIO;
	cpus_read_lock();
	on_each_cpu(cpu_call_one, &call, 1);
	cpus_read_unlock();
	return atomic_read(&call.error);
}

/*
 * An interrupt that asks for a look at the scheduler's flags, and does nothing
 * where none is set. => A CPU that is offline runs no guest. With preemption
 * off here, none goes offline in between.
 */
void
os_cpu_interrupt(unsigned cpu)
{

	preempt_disable();
	if (cpu_online(cpu))
		smp_send_reschedule(cpu);
	preempt_enable();
}

/* This CPU becomes ready. => Interrupts off. */
static int
cpu_begin(void)
{
	int error;

	error = READ_ONCE(cpu_halted) ? ENXIO : nvmm_cpu_online();
	if (!error)
		__this_cpu_write(cpu_ready, true);
	return error;
}

/* This CPU is no longer ready. => Interrupts off, no region open here. */
static void
cpu_end(void)
{

	if (!__this_cpu_read(cpu_ready))
		return;
	__this_cpu_write(cpu_ready, false);
	nvmm_cpu_offline();
}

static int
cpu_up(unsigned cpu)
{
	unsigned long flags;
	int error;

	local_irq_save(flags);
	error = cpu_begin();
	local_irq_restore(flags);
	if (error)
		pr_err("nvmm: CPU %u: no guests here: error %d\n", cpu, error);
	return -error;
}

static int
cpu_down(unsigned cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	cpu_end();
	local_irq_restore(flags);
	return 0;
}

/* => The last CPU, interrupts off, every task frozen. */
static int
cpu_suspend(void)
{

	cpu_end();
	return 0;
}

static void
cpu_resume(void)
{
	int error;

	error = cpu_begin();
	if (error)
		pr_err("nvmm: CPU %u: not resumed: error %d\n",
		    smp_processor_id(), error);
}

static struct syscore_ops cpu_syscore_ops = {
	.suspend = cpu_suspend,
	.resume = cpu_resume,
};

/* On every CPU, in a thread that nothing preempts, interrupts off. */
static int
cpu_stop(void *arg)
{

	cpu_end();
	return 0;
}

static int
cpu_reboot(struct notifier_block *nb, unsigned long action, void *arg)
{

	WRITE_ONCE(cpu_halted, true);
	(void)stop_machine(cpu_stop, NULL, cpu_online_mask);
	return NOTIFY_OK;
}

static struct notifier_block cpu_reboot_nb = {
	.notifier_call = cpu_reboot,
};

/* Room for what the FPU's registers hold in a region. */
static int
fpu_init(void)
{
	unsigned eax, ebx, ecx, edx;

	ebx = 512;
	if (boot_cpu_has(X86_FEATURE_XSAVE))
		cpuid_count(0xD, 0, &eax, &ebx, &ecx, &edx);
	cpu_fpu = __alloc_percpu(ebx, 64);
	return cpu_fpu != NULL ? 0 : ENOMEM;
}

/* => Every CPU that is online is ready on return. */
int
linux_cpu_init(void)
{
	int error;

	error = fpu_init();
	if (error)
		return error;
	error = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "nvmm:online", cpu_up,
	    cpu_down);
	if (error < 0) {
		free_percpu(cpu_fpu);
		return -error;
	}
	cpu_state = error;
	register_syscore_ops(&cpu_syscore_ops);
	error = register_reboot_notifier(&cpu_reboot_nb);
	if (error) {
		unregister_syscore_ops(&cpu_syscore_ops);
		cpuhp_remove_state(cpu_state);
		free_percpu(cpu_fpu);
	}
	return -error;
}

/* => No machine exists. */
void
linux_cpu_fini(void)
{

	unregister_reboot_notifier(&cpu_reboot_nb);
	unregister_syscore_ops(&cpu_syscore_ops);
	cpuhp_remove_state(cpu_state);
	free_percpu(cpu_fpu);
}
