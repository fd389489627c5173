/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Register state between NVMM's layout and KVM's. General registers and
 * events are kept in the mapping shared with KVM, which brings them along with
 * each exit where the kernel can (KVM_CAP_SYNC_REGS); the rest is fetched when
 * asked for. What a copy shows stays valid until the VCPU runs.
 */

#include <sys/ioctl.h>

#include "kvm.h"
#include "x86/nvmm_x86_internal.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define CR8_MAX		0xF
#define CR0_PG		0x80000000ULL
#define EFER_LME	0x00000100ULL
#define EFER_LMA	0x00000400ULL

#define MSR_TSC		0x10

/* In an XSAVE area: which parts are there, Intel SDM vol. 1, 13.4.2. */
#define XSTATE_BV_AT	512
#define XSTATE_BV_LEGACY	0x3ULL	/* x87 and SSE */

/* Groups of NVMM's that are in KVM's struct kvm_sregs. */
#define SREGS_GROUPS	(NVMM_X64_STATE_SEGS | NVMM_X64_STATE_CRS |	\
			 NVMM_X64_STATE_MSRS)
/* Groups that an unfinished access has a part in. */
#define ACCESS_GROUPS	(NVMM_X64_STATE_GPRS | NVMM_X64_STATE_INTR |	\
			 NVMM_X64_STATE_FPU)

/* A register in KVM's structure, at the index that NVMM knows it by. */
#define AT(s, f)	offsetof(struct s, f)

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

/* GDT and IDT are tables, not segments: see dtable_map. */
static const struct {
	unsigned index;
	size_t at;
} seg_map[] = {
	{ NVMM_X64_SEG_ES, AT(kvm_sregs, es) },
	{ NVMM_X64_SEG_CS, AT(kvm_sregs, cs) },
	{ NVMM_X64_SEG_SS, AT(kvm_sregs, ss) },
	{ NVMM_X64_SEG_DS, AT(kvm_sregs, ds) },
	{ NVMM_X64_SEG_FS, AT(kvm_sregs, fs) },
	{ NVMM_X64_SEG_GS, AT(kvm_sregs, gs) },
	{ NVMM_X64_SEG_LDT, AT(kvm_sregs, ldt) },
	{ NVMM_X64_SEG_TR, AT(kvm_sregs, tr) },
}, dtable_map[] = {
	{ NVMM_X64_SEG_GDT, AT(kvm_sregs, gdt) },
	{ NVMM_X64_SEG_IDT, AT(kvm_sregs, idt) },
};

/* XCR0 lies elsewhere. */
static const size_t cr_map[] = {
	[NVMM_X64_CR_CR0] = AT(kvm_sregs, cr0),
	[NVMM_X64_CR_CR2] = AT(kvm_sregs, cr2),
	[NVMM_X64_CR_CR3] = AT(kvm_sregs, cr3),
	[NVMM_X64_CR_CR4] = AT(kvm_sregs, cr4),
	[NVMM_X64_CR_CR8] = AT(kvm_sregs, cr8),
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
	struct kvm_msrs head;
	struct kvm_msr_entry entry[ARRAY_SIZE(msr_map)];
};

static uint64_t
reg_load(const void *base, size_t at)
{
	uint64_t value;

	memcpy(&value, (const uint8_t *)base + at, sizeof(value));
	return value;
}

static void
reg_store(void *base, size_t at, uint64_t value)
{

	memcpy((uint8_t *)base + at, &value, sizeof(value));
}

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

/* => A CR8 that was set and has not run yet is in run->cr8 alone. */
int
kvm_need_sregs(struct kvm_vcpu *vc)
{
	int error;

	if (vc->valid & KVM_VALID_SREGS)
		return 0;
	error = kvm_ioctl(vc->fd, KVM_GET_SREGS, &vc->sregs);
	if (error)
		return error;
	vc->sregs.cr8 = vc->run->cr8;
	vc->valid |= KVM_VALID_SREGS;
	return 0;
}

/* True if only CR8 differs, which travels with each run, or nothing. */
static bool
sregs_same(const struct kvm_sregs *a, const struct kvm_sregs *b)
{
	struct kvm_sregs c = *b;

	c.cr8 = a->cr8;
	return memcmp(a, &c, sizeof(c)) == 0;
}

/*
 * Hand sregs to KVM, which has them as before. LMA follows from LME and
 * paging; KVM wants it right. An interrupt under way stays so without its bit.
 */
static int
put_sregs(struct kvm_vcpu *vc, const struct kvm_sregs *before)
{
	struct kvm_sregs *s = &vc->sregs;
	int error;

	s->efer &= ~EFER_LMA;
	if ((s->efer & EFER_LME) && (s->cr0 & CR0_PG))
		s->efer |= EFER_LMA;
	error = s->cr8 > CR8_MAX ? EINVAL : 0;
	if (!error && !sregs_same(s, before)) {
		memset(s->interrupt_bitmap, 0, sizeof(s->interrupt_bitmap));
		error = kvm_ioctl(vc->fd, KVM_SET_SREGS, s);
	}
	if (!error)
		vc->run->cr8 = s->cr8;
	return error;
}

void
kvm_get_gprs(const struct kvm_vcpu *vc, struct nvmm_x64_state *state)
{
	size_t i;

	for (i = 0; i < NVMM_X64_NGPR; i++)
		state->gprs[i] = reg_load(&vc->run->s.regs.regs, gpr_map[i]);
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
		reg_store(&vc->run->s.regs.regs, gpr_map[i], state->gprs[i]);
	return kvm_put_regs(vc);
}

static void
seg_get(struct nvmm_x64_state_seg *seg, const struct kvm_segment *k)
{

	memset(seg, 0, sizeof(*seg));
	seg->selector = k->selector;
	seg->limit = k->limit;
	seg->base = k->base;
	seg->attrib.type = k->type;
	seg->attrib.s = k->s;
	seg->attrib.dpl = k->dpl;
	seg->attrib.p = k->present && !k->unusable;
	seg->attrib.avl = k->avl;
	seg->attrib.l = k->l;
	seg->attrib.def = k->db;
	seg->attrib.g = k->g;
}

static void
seg_set(struct kvm_segment *k, const struct nvmm_x64_state_seg *seg)
{

	memset(k, 0, sizeof(*k));
	k->selector = seg->selector;
	k->limit = seg->limit;
	k->base = seg->base;
	k->type = seg->attrib.type;
	k->s = seg->attrib.s;
	k->dpl = seg->attrib.dpl;
	k->present = seg->attrib.p;
	k->avl = seg->attrib.avl;
	k->l = seg->attrib.l;
	k->db = seg->attrib.def;
	k->g = seg->attrib.g;
	k->unusable = !seg->attrib.p;
}

static int
get_segs(struct kvm_vcpu *vc, struct nvmm_x64_state *state)
{
	const struct kvm_dtable *table;
	const void *sregs = &vc->sregs;
	struct nvmm_x64_state_seg *seg;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(seg_map); i++)
		seg_get(&state->segs[seg_map[i].index],
		    (const void *)((const uint8_t *)sregs + seg_map[i].at));
	for (i = 0; i < ARRAY_SIZE(dtable_map); i++) {
		table = (const void *)((const uint8_t *)sregs +
		    dtable_map[i].at);
		seg = &state->segs[dtable_map[i].index];
		memset(seg, 0, sizeof(*seg));
		seg->base = table->base;
		seg->limit = table->limit;
	}
	return 0;
}

static int
set_segs(struct kvm_vcpu *vc, const struct nvmm_x64_state *state)
{
	const struct nvmm_x64_state_seg *seg;
	void *sregs = &vc->sregs;
	struct kvm_dtable *table;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(seg_map); i++)
		seg_set((void *)((uint8_t *)sregs + seg_map[i].at),
		    &state->segs[seg_map[i].index]);
	for (i = 0; i < ARRAY_SIZE(dtable_map); i++) {
		table = (void *)((uint8_t *)sregs + dtable_map[i].at);
		seg = &state->segs[dtable_map[i].index];
		table->base = seg->base;
		table->limit = (uint16_t)seg->limit;
	}
	return 0;
}

/* XCR0; where KVM has none, that of a processor without XSAVE. */
static int
need_xcr0(struct kvm_vcpu *vc)
{
	struct kvm_xcrs xcrs;
	int error;

	if (vc->valid & KVM_VALID_XCR0)
		return 0;
	vc->xcr0 = 1;
	if (kvm_host.xcrs) {
		error = kvm_ioctl(vc->fd, KVM_GET_XCRS, &xcrs);
		if (error)
			return error;
		if (xcrs.nr_xcrs > 0 && xcrs.xcrs[0].xcr == 0)
			vc->xcr0 = xcrs.xcrs[0].value;
	}
	vc->valid |= KVM_VALID_XCR0;
	return 0;
}

/* => EINVAL: not among the bits of the capability. ENOTSUP: KVM has no XCR0. */
static int
put_xcr0(struct kvm_vcpu *vc, uint64_t value)
{
	struct kvm_xcrs xcrs;
	int error;

	error = need_xcr0(vc);
	if (error || vc->xcr0 == value)
		return error;
	if (!kvm_host.xcrs)
		return ENOTSUP;
	memset(&xcrs, 0, sizeof(xcrs));
	xcrs.nr_xcrs = 1;
	xcrs.xcrs[0].value = value;
	error = kvm_ioctl(vc->fd, KVM_SET_XCRS, &xcrs);
	if (!error)
		vc->xcr0 = value;
	return error;
}

static int
get_crs(struct kvm_vcpu *vc, struct nvmm_x64_state *state)
{
	size_t i;
	int error;

	for (i = 0; i < ARRAY_SIZE(cr_map); i++)
		state->crs[i] = reg_load(&vc->sregs, cr_map[i]);
	error = need_xcr0(vc);
	if (!error)
		state->crs[NVMM_X64_CR_XCR0] = vc->xcr0;
	return error;
}

static int
set_crs(struct kvm_vcpu *vc, const struct nvmm_x64_state *state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cr_map); i++)
		reg_store(&vc->sregs, cr_map[i], state->crs[i]);
	return put_xcr0(vc, state->crs[NVMM_X64_CR_XCR0]);
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
		state->drs[i] = reg_load(&drs, dr_map[i]);
	return error;
}

static int
set_drs(struct kvm_vcpu *vc, const struct nvmm_x64_state *state)
{
	struct kvm_debugregs drs;
	size_t i;

	memset(&drs, 0, sizeof(drs));
	for (i = 0; i < NVMM_X64_NDR; i++)
		reg_store(&drs, dr_map[i], state->drs[i]);
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
	return 0;
}

/* A TSC that comes back as it was told has not been set: it goes on. */
static int
set_msrs(struct kvm_vcpu *vc, const struct nvmm_x64_state *state)
{
	struct kvm_msr_table t;
	unsigned n;
	size_t i;

	memset(&t, 0, sizeof(t));
	for (i = 0; i < ARRAY_SIZE(msr_map); i++) {
		t.entry[i].index = msr_map[i].msr;
		t.entry[i].data = state->msrs[msr_map[i].index];
	}
	vc->sregs.efer = state->msrs[NVMM_X64_MSR_EFER];
	n = ARRAY_SIZE(msr_map);
	if (state->msrs[NVMM_X64_MSR_TSC] == vc->tsc)
		n--;
	vc->tsc = state->msrs[NVMM_X64_MSR_TSC];
	return msrs_ioctl(vc, KVM_SET_MSRS, &t, n);
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

/* The FXSAVE area as KVM's old interface has it. */
static void
fpu_to_fxsave(const struct kvm_fpu *fpu, struct fxsave *fx)
{

	memset(fx, 0, sizeof(*fx));
	fx->fx_cw = fpu->fcw;
	fx->fx_sw = fpu->fsw;
	fx->fx_tw = fpu->ftwx;
	fx->fx_opcode = fpu->last_opcode;
	fx->fx_ip.fa_64 = fpu->last_ip;
	fx->fx_dp.fa_64 = fpu->last_dp;
	fx->fx_mxcsr = fpu->mxcsr;
	memcpy(fx->fx_87_ac, fpu->fpr, sizeof(fx->fx_87_ac));
	memcpy(fx->fx_xmm, fpu->xmm, sizeof(fx->fx_xmm));
}

static void
fpu_from_fxsave(struct kvm_fpu *fpu, const struct fxsave *fx)
{

	memset(fpu, 0, sizeof(*fpu));
	fpu->fcw = fx->fx_cw;
	fpu->fsw = fx->fx_sw;
	fpu->ftwx = fx->fx_tw;
	fpu->last_opcode = fx->fx_opcode;
	fpu->last_ip = fx->fx_ip.fa_64;
	fpu->last_dp = fx->fx_dp.fa_64;
	fpu->mxcsr = fx->fx_mxcsr;
	memcpy(fpu->fpr, fx->fx_87_ac, sizeof(fpu->fpr));
	memcpy(fpu->xmm, fx->fx_xmm, sizeof(fpu->xmm));
}

static int
get_fpu(struct kvm_vcpu *vc, struct nvmm_x64_state *state)
{
	struct kvm_xsave xsave;
	struct kvm_fpu fpu;
	int error;

	error = kvm_fpu_flush(vc);
	if (error)
		return error;
	if (kvm_host.xsave) {
		error = kvm_ioctl(vc->fd, KVM_GET_XSAVE, &xsave);
		if (!error)
			memcpy(&state->fpu, &xsave, sizeof(state->fpu));
		return error;
	}
	error = kvm_ioctl(vc->fd, KVM_GET_FPU, &fpu);
	if (!error)
		fpu_to_fxsave(&fpu, &state->fpu);
	return error;
}

/* Hand an FXSAVE area to KVM; the XSAVE area around it stays as given. */
static int
put_xsave(struct kvm_vcpu *vc, struct kvm_xsave *xsave,
    const struct fxsave *fx)
{
	uint64_t bv;

	memcpy(xsave, fx, sizeof(*fx));
	bv = reg_load(xsave, XSTATE_BV_AT) | XSTATE_BV_LEGACY;
	reg_store(xsave, XSTATE_BV_AT, bv);
	return kvm_ioctl(vc->fd, KVM_SET_XSAVE, xsave);
}

static int
put_fpu(struct kvm_vcpu *vc, const struct fxsave *fx)
{
	struct kvm_fpu fpu;

	fpu_from_fxsave(&fpu, fx);
	return kvm_ioctl(vc->fd, KVM_SET_FPU, &fpu);
}

/* => The parts beyond FXSAVE stay, but for a VCPU that has none yet. */
static int
set_fpu(struct kvm_vcpu *vc, const struct nvmm_x64_state *state)
{
	struct kvm_xsave xsave;
	int error;

	if (!kvm_host.xsave)
		return put_fpu(vc, &state->fpu);
	if (vc->fpu_reset)
		memset(&xsave, 0, sizeof(xsave));
	else {
		error = kvm_ioctl(vc->fd, KVM_GET_XSAVE, &xsave);
		if (error)
			return error;
	}
	error = put_xsave(vc, &xsave, &state->fpu);
	if (!error)
		vc->fpu_reset = false;
	return error;
}

/* Put the FPU in its reset state, unless it has been set since. */
int
kvm_fpu_flush(struct kvm_vcpu *vc)
{
	struct nvmm_x64_state state;

	if (!vc->fpu_reset)
		return 0;
	nvmm_x86_reset_state(&state);
	return set_fpu(vc, &state);
}

static const struct {
	uint64_t group;
	int (*get)(struct kvm_vcpu *, struct nvmm_x64_state *);
	int (*set)(struct kvm_vcpu *, const struct nvmm_x64_state *);
} groups[] = {
	{ NVMM_X64_STATE_SEGS, get_segs, set_segs },
	{ NVMM_X64_STATE_GPRS, get_gprs, set_gprs },
	{ NVMM_X64_STATE_CRS, get_crs, set_crs },
	{ NVMM_X64_STATE_DRS, get_drs, set_drs },
	{ NVMM_X64_STATE_MSRS, get_msrs, set_msrs },
	{ NVMM_X64_STATE_INTR, get_intr, set_intr },
	{ NVMM_X64_STATE_FPU, get_fpu, set_fpu },
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
	return (flags & SREGS_GROUPS) != 0 ? put_sregs(vc, &before) : 0;
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
 *    where there is none. The groups before the one refused are set.
 */
int
kvm_vcpu_setstate(struct nvmm_cpu *cpu, uint64_t flags)
{
	struct kvm_vcpu *vc = kvm_vcpu(cpu);
	int error;

	error = set_prepare(vc, flags);
	if (!error)
		error = set_groups(vc, &cpu->comm->state, flags);
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
