/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * KVM's exits as NVMM's. One table leads from KVM's reason to the function
 * that fills the owner's exit, or says that the guest may go on.
 */

#include "kvm.h"
#include "hosted_vm.h"

#define RFLAGS_IF	0x200ULL
#define MSR_INST_LEN	2

/* True if there is something for the owner, in exit. */
typedef bool kvm_exit_func(struct kvm_vcpu *, struct nvmm_vcpu_exit *);

static bool
exit_io(struct kvm_vcpu *vc, struct nvmm_vcpu_exit *exit)
{
	const struct kvm_run *run = vc->run;

	exit->reason = NVMM_VCPU_EXIT_IO;
	exit->u.io.in = run->io.direction == KVM_EXIT_IO_IN;
	exit->u.io.port = run->io.port;
	exit->u.io.seg = -1;
	exit->u.io.operand_size = run->io.size;
	exit->u.io.str = exit->u.io.rep = run->io.count > 1;
	return true;
}

static bool
exit_mmio(struct kvm_vcpu *vc, struct nvmm_vcpu_exit *exit)
{

	exit->reason = NVMM_VCPU_EXIT_MEMORY;
	exit->u.mem.prot = vc->run->mmio.is_write ? NVMM_PROT_WRITE :
	    NVMM_PROT_READ;
	exit->u.mem.gpa = vc->run->mmio.phys_addr;
	return true;
}

/* The registers as they are at the instruction, for the answer to come. */
static uint64_t
msr_npc(struct kvm_vcpu *vc)
{

	if (kvm_need_regs(vc) != 0)
		return 0;
	vc->msr_regs = vc->run->s.regs.regs;
	return vc->msr_regs.rip + MSR_INST_LEN;
}

static bool
exit_rdmsr(struct kvm_vcpu *vc, struct nvmm_vcpu_exit *exit)
{

	exit->reason = NVMM_VCPU_EXIT_RDMSR;
	exit->u.rdmsr.msr = vc->run->msr.index;
	exit->u.rdmsr.npc = msr_npc(vc);
	return true;
}

static bool
exit_wrmsr(struct kvm_vcpu *vc, struct nvmm_vcpu_exit *exit)
{

	exit->reason = NVMM_VCPU_EXIT_WRMSR;
	exit->u.wrmsr.msr = vc->run->msr.index;
	exit->u.wrmsr.val = vc->run->msr.data;
	exit->u.wrmsr.npc = msr_npc(vc);
	return true;
}

/* An interrupt that waits and can be taken wakes the VCPU at once. */
static bool
exit_hlt(struct kvm_vcpu *vc, struct nvmm_vcpu_exit *exit)
{

	if (vc->irq >= 0 && kvm_event_ready(vc)) {
		nvmm_count(&vc->cpu->stats.exits_driver[NVMM_STAT_HALTED], 1);
		return false;
	}
	exit->reason = NVMM_VCPU_EXIT_HALTED;
	return true;
}

static bool
exit_shutdown(struct kvm_vcpu *vc, struct nvmm_vcpu_exit *exit)
{

	(void)vc;
	exit->reason = NVMM_VCPU_EXIT_SHUTDOWN;
	return true;
}

/* The interrupt that waits here has the window before the owner. */
static bool
exit_window(struct kvm_vcpu *vc, struct nvmm_vcpu_exit *exit)
{

	if (vc->irq >= 0 || !vc->window) {
		nvmm_count(&vc->cpu->stats.exits_driver[NVMM_STAT_INT_READY],
		    1);
		return false;
	}
	vc->window = false;
	exit->reason = NVMM_VCPU_EXIT_INT_READY;
	return true;
}

/*
 * Out for nothing but a look: a signal; or CR8 is lower than it was, and the
 * owner may have an interrupt that it held back.
 */
static bool
exit_none(struct kvm_vcpu *vc, struct nvmm_vcpu_exit *exit)
{

	(void)vc;
	exit->reason = NVMM_VCPU_EXIT_NONE;
	return true;
}

/* Guest-physical address of a linear one as KVM's walk has it. */
static bool
linear_to_gpa(struct kvm_vcpu *vc, uint64_t linear, uint64_t *gpa)
{
	struct kvm_translation tr = { .linear_address = linear };

	if (kvm_ioctl(vc->fd, KVM_TRANSLATE, &tr) != 0 || !tr.valid)
		return false;
	*gpa = tr.physical_address;
	return true;
}

/* Fetch the bytes at a linear address up to the page's end, at most max. */
static size_t
fetch_page(struct kvm_vcpu *vc, uint64_t linear, uint8_t *buf, size_t max)
{
	uint64_t gpa;
	size_t len, left;
	void *host;

	if (!linear_to_gpa(vc, linear, &gpa))
		return 0;
	host = hosted_vmspace_host(vc->cpu->mach->vm, gpa, &len);
	if (host == NULL)
		return 0;
	left = OS_PAGE_SIZE - (size_t)(linear % OS_PAGE_SIZE);
	if (len > left)
		len = left;
	if (len > max)
		len = max;
	memcpy(buf, host, len);
	return len;
}

/* The bytes at CS:RIP, as far as they can be read. */
static void
invalid_fetch(struct kvm_vcpu *vc, struct nvmm_x86_exit_invalid *inv)
{
	const size_t max = sizeof(inv->inst_bytes);
	uint64_t linear;
	size_t n;

	if (kvm_need_sregs(vc) != 0)
		return;
	linear = vc->sregs.cs.base + inv->rip;
	n = fetch_page(vc, linear, inv->inst_bytes, max);
	if (n != 0 && n < max)
		n += fetch_page(vc, linear + n, inv->inst_bytes + n, max - n);
	inv->inst_len = (uint8_t)n;
}

/* Where and on what, for an exit that ends the guest. */
static bool
exit_invalid(struct kvm_vcpu *vc, struct nvmm_vcpu_exit *exit, uint64_t hwcode)
{
	struct nvmm_x86_exit_invalid *inv = &exit->u.inv;

	exit->reason = NVMM_VCPU_EXIT_INVALID;
	inv->hwcode = hwcode;
	if (kvm_need_regs(vc) == 0) {
		inv->rip = vc->run->s.regs.regs.rip;
		if (inv->inst_len == 0)
			invalid_fetch(vc, inv);
	}
	return true;
}

/* The instruction that KVM's emulator failed on, where it tells. */
static void
internal_bytes(const struct kvm_run *run, struct nvmm_x86_exit_invalid *inv)
{
	const uint64_t flag = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	uint8_t n;

	if (run->internal.suberror != KVM_INTERNAL_ERROR_EMULATION ||
	    run->internal.ndata < 3 ||
	    (run->emulation_failure.flags & flag) == 0)
		return;
	n = run->emulation_failure.insn_size;
	if (n > sizeof(inv->inst_bytes))
		n = sizeof(inv->inst_bytes);
	memcpy(inv->inst_bytes, run->emulation_failure.insn_bytes, n);
	inv->inst_len = n;
}

static bool
exit_internal(struct kvm_vcpu *vc, struct nvmm_vcpu_exit *exit)
{

	internal_bytes(vc->run, &exit->u.inv);
	return exit_invalid(vc, exit, NVMM_HWCODE_KVM_INTERNAL |
	    vc->run->internal.suberror);
}

static bool
exit_fail_entry(struct kvm_vcpu *vc, struct nvmm_vcpu_exit *exit)
{
	const uint64_t reason =
	    vc->run->fail_entry.hardware_entry_failure_reason;

	return exit_invalid(vc, exit, NVMM_HWCODE_KVM_FAIL_ENTRY |
	    (reason & ~NVMM_HWCODE_CLASS));
}

static bool
exit_unknown(struct kvm_vcpu *vc, struct nvmm_vcpu_exit *exit)
{

	return exit_invalid(vc, exit, NVMM_HWCODE_KVM_UNKNOWN |
	    vc->run->exit_reason);
}

static kvm_exit_func *const kvm_exits[] = {
	[KVM_EXIT_IO] = exit_io,
	[KVM_EXIT_HLT] = exit_hlt,
	[KVM_EXIT_MMIO] = exit_mmio,
	[KVM_EXIT_IRQ_WINDOW_OPEN] = exit_window,
	[KVM_EXIT_SHUTDOWN] = exit_shutdown,
	[KVM_EXIT_FAIL_ENTRY] = exit_fail_entry,
	[KVM_EXIT_INTR] = exit_none,
	[KVM_EXIT_SET_TPR] = exit_none,
	[KVM_EXIT_INTERNAL_ERROR] = exit_internal,
	[KVM_EXIT_SYSTEM_EVENT] = exit_shutdown,
	[KVM_EXIT_X86_RDMSR] = exit_rdmsr,
	[KVM_EXIT_X86_WRMSR] = exit_wrmsr,
};

/*
 * Put the exit that the VCPU's run shows into the owner's words.
 * => False if there is nothing for the owner.
 */
bool
kvm_exit(struct kvm_vcpu *vc, struct nvmm_vcpu_exit *exit)
{
	const uint32_t reason = vc->run->exit_reason;
	kvm_exit_func *func;

	memset(&exit->u, 0, sizeof(exit->u));
	func = NULL;
	if (reason < sizeof(kvm_exits) / sizeof(kvm_exits[0]))
		func = kvm_exits[reason];
	if (func == NULL)
		func = exit_unknown;
	return func(vc, exit);
}

/*
 * What every exit tells of the VCPU. Without the registers that come along,
 * RFLAGS is its IF bit, and an open window is what says that there is no
 * shadow. Where the guest was not entered after a change, KVM has told nothing
 * yet, and is asked.
 */
void
kvm_exit_state(struct kvm_vcpu *vc, struct nvmm_vcpu_exit *exit)
{
	const struct kvm_run *run = vc->run;

	if (vc->changed) {
		(void)kvm_need_regs(vc);
		(void)kvm_need_events(vc);
	}
	memset(&exit->exitstate, 0, sizeof(exit->exitstate));
	exit->exitstate.cr8 = run->cr8;
	exit->exitstate.int_window_exiting = vc->window;
	exit->exitstate.evt_pending = vc->irq >= 0;
	exit->exitstate.rflags = run->if_flag ? RFLAGS_IF : 0;
	if (vc->valid & KVM_VALID_REGS)
		exit->exitstate.rflags = run->s.regs.regs.rflags;
	if (vc->valid & KVM_VALID_EVENTS) {
		exit->exitstate.int_shadow =
		    run->s.regs.events.interrupt.shadow != 0;
		exit->exitstate.evt_pending = kvm_event_pending(vc);
	}
}
