/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Register state between NVMM's layout and KVM's: the table of groups, and
 * those that need no file of their own. General registers and
 * events are kept in the mapping shared with KVM, which brings them along with
 * each exit where the kernel can (KVM_CAP_SYNC_REGS); the rest is fetched when
 * asked for. What a copy shows stays valid until the VCPU runs.
 */

#include <sys/ioctl.h>

#include "kvm.h"
#include "x86/nvmm_x86_internal.h"

#define MSR_TSC		0x10

/* Groups of NVMM's that are in KVM's struct kvm_sregs. */
#define SREGS_GROUPS	(NVMM_X64_STATE_SEGS | NVMM_X64_STATE_CRS |	\
			 NVMM_X64_STATE_MSRS)
/* Groups that an unfinished access has a part in. */
#define ACCESS_GROUPS	(NVMM_X64_STATE_GPRS | NVMM_X64_STATE_INTR |	\
			 NVMM_X64_STATE_FPU)

static const size_t gpr_map[NVMM_X64_NGPR] = {
	[NVMM_X64_GPR_RAX] = AT(kvm_regs, rax),
	[NVMM_X64_GPR_RCX] = AT(kvm_regs, rcx),
	[NVMM_X64_GPR_RDX] = AT(kvm_regs, rdx),
	[NVMM_X64_GPR_RBX] = AT(kvm_regs, rbx),
	[NVMM_X64_GPR_RSP] = AT(kvm_regs, rsp),
	[NVMM_X64_GPR_RBP] = AT(kvm_regs, rbp),
	[NVMM_X64_GPR_RSI] = AT(kvm_regs, rsi),
	[NVMM_X64_GPR_RDI] = AT(kvm_regs, rdi),
	[NVMM_X64_GPR_R8] = AT(kvm_regs, r8),
	[NVMM_X64_GPR_R9] = AT(kvm_regs, r9),
	[NVMM_X64_GPR_R10] = AT(kvm_regs, r10),
	[NVMM_X64_GPR_R11] = AT(kvm_regs, r11),
	[NVMM_X64_GPR_R12] = AT(kvm_regs, r12),
	[NVMM_X64_GPR_R13] = AT(kvm_regs, r13),
	[NVMM_X64_GPR_R14] = AT(kvm_regs, r14),
	[NVMM_X64_GPR_R15] = AT(kvm_regs, r15),
	[NVMM_X64_GPR_RIP] = AT(kvm_regs, rip),
	[NVMM_X64_GPR_RFLAGS] = AT(kvm_regs, rflags),
};

static const size_t dr_map[NVMM_X64_NDR] = {
	[NVMM_X64_DR_DR0] = AT(kvm_debugregs, db[0]),
	[NVMM_X64_DR_DR1] = AT(kvm_debugregs, db[1]),
	[NVMM_X64_DR_DR2] = AT(kvm_debugregs, db[2]),
	[NVMM_X64_DR_DR3] = AT(kvm_debugregs, db[3]),
	[NVMM_X64_DR_DR6] = AT(kvm_debugregs, dr6),
	[NVMM_X64_DR_DR7] = AT(kvm_debugregs, dr7),
};

/* EFER lies in struct kvm_sregs. TSC stands last: it is not always set. */
static const struct {
	unsigned index;
	uint32_t msr;
} msr_map[] = {
	{ NVMM_X64_MSR_STAR, 0xC0000081 },
	{ NVMM_X64_MSR_LSTAR, 0xC0000082 },
	{ NVMM_X64_MSR_CSTAR, 0xC0000083 },
	{ NVMM_X64_MSR_SFMASK, 0xC0000084 },
	{ NVMM_X64_MSR_KERNELGSBASE, 0xC0000102 },
	{ NVMM_X64_MSR_SYSENTER_CS, 0x174 },
	{ NVMM_X64_MSR_SYSENTER_ESP, 0x175 },
	{ NVMM_X64_MSR_SYSENTER_EIP, 0x176 },
	{ NVMM_X64_MSR_PAT, 0x277 },
	{ NVMM_X64_MSR_TSC, MSR_TSC },
};

/* KVM's variable-sized argument, with room for msr_map. */
struct kvm_msr_table {
	struct {
		uint32_t nmsrs;
		uint32_t pad;
	} head;
	struct kvm_msr_entry entry[ARRAY_SIZE(msr_map)];
};
OS_CTASSERT(offsetof(struct kvm_msr_table, entry) ==
    offsetof(struct kvm_msrs, entries));

/* Have the general registers in run->s.regs.regs. */
int
kvm_need_regs(struct kvm_vcpu *vc)
{
	int error;

	if (vc->valid & KVM_VALID_REGS)
		return 0;
	error = kvm_ioctl(vc->fd, KVM_GET_REGS, &vc->run->s.regs.regs);
	if (!error)
		vc->valid |= KVM_VALID_REGS;
	return error;
}

/* Hand run->s.regs.regs to KVM: now, or with the next run for free. */
int
kvm_put_regs(struct kvm_vcpu *vc)
{

	vc->changed = true;
	vc->valid |= KVM_VALID_REGS;
	if (kvm_host.sync & KVM_SYNC_X86_REGS) {
		vc->run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
		return 0;
	}
	return kvm_ioctl(vc->fd, KVM_SET_REGS, &vc->run->s.regs.regs);
}

int
kvm_need_events(struct kvm_vcpu *vc)
{
	int error;

	if (vc->valid & KVM_VALID_EVENTS)
		return 0;
	error = kvm_ioctl(vc->fd, KVM_GET_VCPU_EVENTS, &vc->run->s.regs.events);
	if (!error)
		vc->valid |= KVM_VALID_EVENTS;
	return error;
}

/* Hand run->s.regs.events to KVM, less what was not changed by us. */
int
kvm_put_events(struct kvm_vcpu *vc)
{
	struct kvm_vcpu_events events = vc->run->s.regs.events;
	int error;

	vc->changed = true;
	events.flags = KVM_VCPUEVENT_VALID_SHADOW;
	error = kvm_ioctl(vc->fd, KVM_SET_VCPU_EVENTS, &events);
	if (error)
		vc->valid &= ~KVM_VALID_EVENTS;
	return error;
}

void
kvm_get_gprs(const struct kvm_vcpu *vc, struct nvmm_x64_state *state)
{
	size_t i;

	for (i = 0; i < NVMM_X64_NGPR; i++)
		state->gprs[i] = kvm_reg_load(&vc->run->s.regs.regs, gpr_map[i]);
}

static int
get_gprs(struct kvm_vcpu *vc, struct nvmm_x64_state *state)
{
	int error;

	error = kvm_need_regs(vc);
	if (!error)
		kvm_get_gprs(vc, state);
	return error;
}

static int
set_gprs(struct kvm_vcpu *vc, const struct nvmm_x64_state *state)
{
	size_t i;

	for (i = 0; i < NVMM_X64_NGPR; i++)
		kvm_reg_store(&vc->run->s.regs.regs, gpr_map[i], state->gprs[i]);
	return kvm_put_regs(vc);
}

static int
get_drs(struct kvm_vcpu *vc, struct nvmm_x64_state *state)
{
	struct kvm_debugregs drs;
	size_t i;
	int error;

	memset(&drs, 0, sizeof(drs));
	error = kvm_ioctl(vc->fd, KVM_GET_DEBUGREGS, &drs);
	for (i = 0; i < NVMM_X64_NDR && !error; i++)
		state->drs[i] = kvm_reg_load(&drs, dr_map[i]);
	return error;
}

static int
set_drs(struct kvm_vcpu *vc, const struct nvmm_x64_state *state)
{
	struct kvm_debugregs drs;
	size_t i;

	memset(&drs, 0, sizeof(drs));
	for (i = 0; i < NVMM_X64_NDR; i++)
		kvm_reg_store(&drs, dr_map[i], state->drs[i]);
	return kvm_ioctl(vc->fd, KVM_SET_DEBUGREGS, &drs);
}

/* Have KVM carry out req on the first n rows of msr_map, all or EINVAL. */
static int
msrs_ioctl(struct kvm_vcpu *vc, unsigned long req, struct kvm_msr_table *t,
    unsigned n)
{
	int done;

	t->head.nmsrs = n;
	done = ioctl(vc->fd, req, t);
	if (done == -1)
		return errno;
	return done == (int)n ? 0 : EINVAL;
}

static int
get_msrs(struct kvm_vcpu *vc, struct nvmm_x64_state *state)
{
	struct kvm_msr_table t;
	size_t i;
	int error;

	memset(&t, 0, sizeof(t));
	for (i = 0; i < ARRAY_SIZE(msr_map); i++)
		t.entry[i].index = msr_map[i].msr;
	error = msrs_ioctl(vc, KVM_GET_MSRS, &t, ARRAY_SIZE(msr_map));
	if (error)
		return error;
	for (i = 0; i < ARRAY_SIZE(msr_map); i++)
		state->msrs[msr_map[i].index] = t.entry[i].data;
	state->msrs[NVMM_X64_MSR_EFER] = vc->sregs.efer;
	vc->tsc = state->msrs[NVMM_X64_MSR_TSC];
	vc->tsc_told = true;
	return 0;
}

/* A TSC that comes back as it was told has not been set: it goes on. */
static int
set_msrs(struct kvm_vcpu *vc, const struct nvmm_x64_state *state)
{
	struct kvm_msr_table t;
	unsigned n;
	size_t i;
	int error;

	if (!nvmm_x86_pat_valid(state->msrs[NVMM_X64_MSR_PAT]))
		return EINVAL;
	memset(&t, 0, sizeof(t));
	for (i = 0; i < ARRAY_SIZE(msr_map); i++) {
		t.entry[i].index = msr_map[i].msr;
		t.entry[i].data = state->msrs[msr_map[i].index];
	}
	vc->sregs.efer = state->msrs[NVMM_X64_MSR_EFER];
	n = ARRAY_SIZE(msr_map);
	if (vc->tsc_told && state->msrs[NVMM_X64_MSR_TSC] == vc->tsc)
		n--;
	error = msrs_ioctl(vc, KVM_SET_MSRS, &t, n);
	if (!error && n == ARRAY_SIZE(msr_map))
		vc->tsc_told = false;
	return error;
}

static int
get_intr(struct kvm_vcpu *vc, struct nvmm_x64_state *state)
{
	int error;

	error = kvm_need_events(vc);
	if (error)
		return error;
	memset(&state->intr, 0, sizeof(state->intr));
	state->intr.int_shadow = vc->run->s.regs.events.interrupt.shadow != 0;
	state->intr.int_window_exiting = vc->window;
	state->intr.evt_pending = kvm_event_pending(vc);
	return 0;
}

/* => ENOTSUP: KVM has no exit for an NMI window. */
static int
set_intr(struct kvm_vcpu *vc, const struct nvmm_x64_state *state)
{
	uint8_t *shadow = &vc->run->s.regs.events.interrupt.shadow;
	int error;

	if (state->intr.nmi_window_exiting)
		return ENOTSUP;
	error = kvm_need_events(vc);
	if (error)
		return error;
	vc->window = state->intr.int_window_exiting;
	if ((*shadow != 0) == state->intr.int_shadow)
		return 0;
	*shadow = state->intr.int_shadow ? KVM_X86_SHADOW_INT_STI : 0;
	return kvm_put_events(vc);
}

static const struct {
	uint64_t group;
	int (*get)(struct kvm_vcpu *, struct nvmm_x64_state *);
	int (*set)(struct kvm_vcpu *, const struct nvmm_x64_state *);
} groups[] = {
	{ NVMM_X64_STATE_SEGS, kvm_get_segs, kvm_set_segs },
	{ NVMM_X64_STATE_GPRS, get_gprs, set_gprs },
	{ NVMM_X64_STATE_CRS, kvm_get_crs, kvm_set_crs },
	{ NVMM_X64_STATE_DRS, get_drs, set_drs },
	{ NVMM_X64_STATE_MSRS, get_msrs, set_msrs },
	{ NVMM_X64_STATE_INTR, get_intr, set_intr },
	{ NVMM_X64_STATE_FPU, kvm_get_fpu, kvm_set_fpu },
};

static int
set_groups(struct kvm_vcpu *vc, const struct nvmm_x64_state *state,
    uint64_t flags)
{
	const struct kvm_sregs before = vc->sregs;
	size_t i;
	int error;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		if ((flags & groups[i].group) == 0)
			continue;
		error = groups[i].set(vc, state);
		if (error)
			return error;
	}
	return (flags & SREGS_GROUPS) != 0 ? kvm_put_sregs(vc, &before) : 0;
}

/*
 * Finish what is under way, so that it does not undo what is to be set. The
 * owner's answer to an MSR is in its GPRs: these alone leave it for the run.
 */
static int
set_prepare(struct kvm_vcpu *vc, uint64_t flags)
{
	int error;

	error = kvm_cpuid_flush(vc);
	if (!error && (flags & ~(uint64_t)NVMM_X64_STATE_GPRS) != 0)
		error = kvm_msr_finish(vc);
	if (!error)
		error = kvm_access_complete(vc);
	if (!error && (flags & NVMM_X64_STATE_GPRS) != 0)
		error = kvm_access_drop(vc);
	if (!error && (flags & SREGS_GROUPS) != 0)
		error = kvm_need_sregs(vc);
	return error;
}

/*
 * => EINVAL: KVM finds the state impossible. ENOTSUP: an NMI window, or XCR0
 *    where there is none. Of the groups some may then be set, others not.
 */
int
kvm_vcpu_setstate(struct nvmm_cpu *cpu, const struct nvmm_x64_state *state,
    uint64_t flags)
{
	struct kvm_vcpu *vc = kvm_vcpu(cpu);
	int error;

	error = set_prepare(vc, flags);
	if (!error)
		error = set_groups(vc, state, flags);
	if (error)
		vc->valid &= ~KVM_VALID_SREGS;
	return error;
}

int
kvm_vcpu_getstate(struct nvmm_cpu *cpu, uint64_t flags)
{
	struct kvm_vcpu *vc = kvm_vcpu(cpu);
	size_t i;
	int error;

	error = 0;
	if ((flags & ACCESS_GROUPS) != 0)
		error = kvm_access_complete(vc);
	if (!error && (flags & SREGS_GROUPS) != 0)
		error = kvm_need_sregs(vc);
	for (i = 0; i < ARRAY_SIZE(groups) && !error; i++) {
		if ((flags & groups[i].group) != 0)
			error = groups[i].get(vc, &cpu->comm->state);
	}
	return error;
}
