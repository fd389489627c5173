/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Running a VCPU, and getting it out again.
 *
 * Stop and kick. The run announces its thread in vc->tid, clears
 * immediate_exit, and only then looks at comm->stop and vcpu->kicked; whoever
 * wants it out sets one of these, then immediate_exit, and then sends a signal
 * to the thread that is announced. All of these accesses are sequentially
 * consistent, so that in any order either the run sees the request, or KVM_RUN
 * sees immediate_exit, or the signal finds the thread inside KVM_RUN.
 *
 * The signal is SIGURG: the kernel ignores it where nobody handles it, it does
 * not queue up, and few programs use it. If it has no handler it gets an empty
 * one, with SA_RESTART for the sake of the thread's other system calls: KVM_RUN
 * returns EINTR regardless. A handler that the program has installed serves as
 * well. A thread has the signal unblocked at its first run; one that blocks it
 * later on gives up on being stopped while its guest spins.
 */

#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <signal.h>
#include <unistd.h>

#include "kvm.h"

#define KICK_SIGNAL	SIGURG

/*
 * This thread, once it has run a VCPU; 0 before. A signal handler may be the
 * first to look, also where we were dlopen()ed: no storage made on demand.
 */
static __thread int kvm_tid __attribute__((tls_model("initial-exec")));
static pid_t kvm_pid;

static void
kick_handler(int sig)
{

	(void)sig;
}

/* Have the signal arrive. => nvmm_lock held. */
int
kvm_run_init(void)
{
	struct sigaction sa;

	kvm_pid = getpid();
	if (sigaction(KICK_SIGNAL, NULL, &sa) == -1)
		return errno;
	if ((sa.sa_flags & SA_SIGINFO) != 0 ||
	    (sa.sa_handler != SIG_DFL && sa.sa_handler != SIG_IGN))
		return 0;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = kick_handler;
	sa.sa_flags = SA_RESTART;
	sigemptyset(&sa.sa_mask);
	return sigaction(KICK_SIGNAL, &sa, NULL) == -1 ? errno : 0;
}

/* At the first run of a thread: who it is, and that it hears the signal. */
static void
kvm_thread_begin(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, KICK_SIGNAL);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	kvm_tid = (int)syscall(SYS_gettid);
}

/* => Async-signal-safe. The VCPU exists. */
void
kvm_vcpu_kick(struct nvmm_cpu *cpu)
{
	struct kvm_vcpu *vc = kvm_vcpu(cpu);
	int saved, tid;

	if (vc == NULL)
		return;
	__atomic_store_n(&vc->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	tid = __atomic_load_n(&vc->tid, __ATOMIC_SEQ_CST);
	if (tid == 0 || tid == kvm_tid)
		return;
	saved = errno;
	(void)syscall(SYS_tgkill, kvm_pid, tid, KICK_SIGNAL);
	errno = saved;
}

static bool
kvm_wanted_out(const struct nvmm_cpu *cpu)
{

	return __atomic_load_n(&cpu->comm->stop, __ATOMIC_SEQ_CST) != 0 ||
	    __atomic_load_n(&cpu->kicked, __ATOMIC_SEQ_CST) != 0;
}

/*
 * KVM_RUN, and what it means for what we know of the VCPU.
 * => EINTR: a signal, or immediate_exit. Accesses under way are finished.
 */
static int
kvm_run_ioctl(struct kvm_vcpu *vc)
{
	int error;

	vc->pending = KVM_PENDING_NONE;
	error = kvm_ioctl(vc->fd, KVM_RUN, NULL);
	vc->valid = 0;
	if (kvm_host.sync & KVM_SYNC_X86_REGS)
		vc->valid |= KVM_VALID_REGS;
	if (kvm_host.sync & KVM_SYNC_X86_EVENTS)
		vc->valid |= KVM_VALID_EVENTS;
	vc->changed = false;
	vc->ran = true;
	if (error)
		return error;
	vc->pending = kvm_access_kind(vc->run);
	if (vc->pending == KVM_PENDING_IO || vc->pending == KVM_PENDING_MMIO)
		kvm_access_begin(vc);
	return 0;
}

/*
 * Have KVM finish what it left half done, without entering the guest. Should
 * that lead to another exit, it waits for the next run.
 */
int
kvm_run_complete(struct kvm_vcpu *vc)
{
	int error;

	__atomic_store_n(&vc->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	error = kvm_run_ioctl(vc);
	if (error == EINTR)
		return 0;
	if (!error)
		vc->again = true;
	return error;
}

/* Enter the guest, unless somebody wants the VCPU out: then EINTR at once. */
static int
kvm_enter(struct kvm_vcpu *vc)
{
	int error;

	if (kvm_tid == 0)
		kvm_thread_begin();
	__atomic_store_n(&vc->tid, kvm_tid, __ATOMIC_SEQ_CST);
	__atomic_store_n(&vc->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	error = EINTR;
	if (!kvm_wanted_out(vc->cpu))
		error = kvm_run_ioctl(vc);
	__atomic_store_n(&vc->tid, 0, __ATOMIC_SEQ_CST);
	return error;
}

/* All that has to be with KVM before the guest is entered. */
static int
kvm_run_prepare(struct kvm_vcpu *vc)
{
	int error;

	error = kvm_cpuid_flush(vc);
	if (!error)
		error = kvm_fpu_flush(vc);
	if (!error)
		error = kvm_msr_enter(vc);
	if (!error)
		error = kvm_event_enter(vc);
	return error;
}

/*
 * True, and EXIT_INT_READY, if the owner waits for a window that is open: the
 * guest need not be entered to find out.
 */
static int
kvm_run_window(struct kvm_vcpu *vc, struct nvmm_vcpu_exit *exit, bool *open)
{
	int error;

	*open = false;
	if (!vc->window || vc->irq >= 0 || !kvm_event_ready(vc))
		return 0;
	error = kvm_msr_finish(vc);
	if (!error)
		error = kvm_access_complete(vc);
	if (error || vc->again || !kvm_event_ready(vc))
		return error;
	vc->window = false;
	exit->reason = NVMM_VCPU_EXIT_INT_READY;
	*open = true;
	return 0;
}

/* Enter until there is something for the owner. */
static int
kvm_run_loop(struct kvm_vcpu *vc, struct nvmm_vcpu_exit *exit)
{
	bool done;
	int error;

	error = kvm_run_window(vc, exit, &done);
	while (!error && !done) {
		error = 0;
		if (!vc->again) {
			error = kvm_run_prepare(vc);
			if (!error)
				error = kvm_enter(vc);
			if (error == EINTR || error == EAGAIN)
				return 0;
		}
		vc->again = false;
		if (!error)
			done = kvm_exit(vc, exit);
	}
	return error;
}

int
kvm_vcpu_run(struct nvmm_machine *mach, struct nvmm_cpu *cpu)
{
	struct nvmm_vcpu_exit *exit = &cpu->comm->exit;
	struct kvm_vcpu *vc = kvm_vcpu(cpu);
	int error;

	(void)mach;
	exit->reason = NVMM_VCPU_EXIT_NONE;
	error = kvm_run_loop(vc, exit);
	if (error)
		return error;
	kvm_exit_state(vc, exit);
	if (vc->pending != KVM_PENDING_IO && vc->pending != KVM_PENDING_MMIO &&
	    (vc->valid & KVM_VALID_REGS) != 0) {
		kvm_get_gprs(vc, &cpu->comm->state);
		cpu->comm->state_cached |= NVMM_X64_STATE_GPRS;
	}
	return 0;
}
