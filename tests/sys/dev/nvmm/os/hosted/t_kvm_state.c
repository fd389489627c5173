/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Register state through KVM and back, and into the guest.
 */

#include <sys/ioctl.h>

#include <linux/kvm.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "h_kvm.h"
#include "x86/nvmm_x86_internal.h"

#define CASE(name, text)						\
	ATF_TC(name);							\
	ATF_TC_HEAD(name, tc)						\
	{								\
		atf_tc_set_md_var(tc, "descr", "%s", text);		\
	}								\
	ATF_TC_BODY(name, tc)

#define ALL	NVMM_X64_STATE_ALL
#define SEGS	NVMM_X64_STATE_SEGS
#define GPRS	NVMM_X64_STATE_GPRS
#define CRS	NVMM_X64_STATE_CRS
#define DRS	NVMM_X64_STATE_DRS
#define MSRS	NVMM_X64_STATE_MSRS
#define FPU	NVMM_X64_STATE_FPU

#define EFER	NVMM_X64_MSR_EFER
#define TSC	NVMM_X64_MSR_TSC

/* What differs from processor to processor, or goes on by itself. */
static void
even(struct nvmm_x64_state *state)
{

	state->gprs[NVMM_X64_GPR_RDX] = 0;
	state->msrs[TSC] = 0;
	state->fpu.fx_mxcsr_mask = 0;
	memset(state->fpu.fx_rsvd, 0, sizeof(state->fpu.fx_rsvd));
}

/* Hand ALL over, fetch it again and compare, but for the TSC. */
static void
round_trip(struct guest *g, uint64_t flags)
{
	struct nvmm_x64_state want, *state;

	state = &g->comm[0]->state;
	want = *state;
	guest_set(g, flags);
	memset(state, 0x5A, sizeof(*state));
	state = guest_get(g, flags);
	want.fpu.fx_mxcsr_mask = state->fpu.fx_mxcsr_mask;
	memcpy(want.fpu.fx_rsvd, state->fpu.fx_rsvd, sizeof(want.fpu.fx_rsvd));
	want.msrs[TSC] = state->msrs[TSC];
	if (flags & SEGS)
		ATF_CHECK_EQ(0, memcmp(want.segs, state->segs,
		    sizeof(want.segs)));
	if (flags & GPRS)
		ATF_CHECK_EQ(0, memcmp(want.gprs, state->gprs,
		    sizeof(want.gprs)));
	if (flags & CRS)
		ATF_CHECK_EQ(0, memcmp(want.crs, state->crs,
		    sizeof(want.crs)));
	if (flags & DRS)
		ATF_CHECK_EQ(0, memcmp(want.drs, state->drs,
		    sizeof(want.drs)));
	if (flags & MSRS)
		ATF_CHECK_EQ(0, memcmp(want.msrs, state->msrs,
		    sizeof(want.msrs)));
	if (flags & FPU)
		ATF_CHECK_EQ(0, memcmp(&want.fpu, &state->fpu,
		    sizeof(want.fpu)));
}

CASE(reset, "A VCPU starts in the reset state, in every group")
{
	struct nvmm_x64_state want, *state;
	struct guest g;

	(void)tc;
	guest_create(&g);
	nvmm_x86_reset_state(&want);
	even(&want);
	state = guest_get(&g, ALL);
	even(state);
	ATF_CHECK_EQ(0, memcmp(want.segs, state->segs, sizeof(want.segs)));
	ATF_CHECK_EQ(0, memcmp(want.gprs, state->gprs, sizeof(want.gprs)));
	ATF_CHECK_EQ(0, memcmp(want.crs, state->crs, sizeof(want.crs)));
	ATF_CHECK_EQ(0, memcmp(want.drs, state->drs, sizeof(want.drs)));
	ATF_CHECK_EQ(0, memcmp(want.msrs, state->msrs, sizeof(want.msrs)));
	ATF_CHECK_EQ(0, memcmp(&want.intr, &state->intr, sizeof(want.intr)));
	ATF_CHECK_EQ(0, memcmp(&want.fpu, &state->fpu, sizeof(want.fpu)));
	guest_destroy(&g);
}

CASE(reset_run, "The first instruction is fetched at FFFFFFF0")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	ATF_REQUIRE_EQ(0, guest_map(&g, 0xFFFFF000, 0x10000, 4096,
	    NVMM_PROT_READ | NVMM_PROT_WRITE | NVMM_PROT_EXEC));
	memcpy(g.ram + 0x10FF0, "\xE6\x42\xF4", 3);
	ATF_CHECK_EQ(0x42, guest_port(&g));
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_HALTED, guest_exit(&g));
	guest_destroy(&g);
}

CASE(gprs, "GPRs come back as they were set, before and after a run")
{
	struct nvmm_x64_state *state;
	struct guest g;
	unsigned i;

	(void)tc;
	guest_create(&g);
	CODE(&g, 0xE6, 0x42);
	state = guest_get(&g, GPRS);
	for (i = 0; i < NVMM_X64_GPR_RIP; i++)
		state->gprs[i] = 0x1111111111111111 * (i & 7) + i;
	round_trip(&g, GPRS);
	ATF_CHECK_EQ(0x42, guest_port(&g));
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_HALTED, guest_exit(&g));
	/* What run leaves for free is right. */
	ATF_CHECK(g.comm[0]->state_cached & GPRS);
	ATF_CHECK_EQ(KVM_CODE + 3, g.comm[0]->state.gprs[NVMM_X64_GPR_RIP]);
	state = guest_get(&g, GPRS);
	for (i = 0; i < NVMM_X64_GPR_RIP; i++)
		ATF_CHECK_EQ(0x1111111111111111 * (i & 7) + i, state->gprs[i]);
	guest_destroy(&g);
}

/* Segments, control registers and EFER of long mode, not to be run. */
static void
set_long_mode(struct guest *g)
{
	struct nvmm_x64_state *state;

	guest_protected(g, 0);
	state = guest_get(g, SEGS | CRS | MSRS);
	state->crs[NVMM_X64_CR_CR0] = 0x80010011;
	state->crs[NVMM_X64_CR_CR3] = 0x7000;
	state->crs[NVMM_X64_CR_CR4] = 0x20;
	state->segs[NVMM_X64_SEG_CS].attrib.l = 1;
	state->segs[NVMM_X64_SEG_CS].attrib.def = 0;
}

CASE(segs, "Segments come back as they were set")
{
	struct nvmm_x64_state *state;
	struct guest g;
	unsigned i;

	(void)tc;
	guest_create(&g);
	guest_protected(&g, 0);
	state = guest_get(&g, SEGS);
	for (i = 0; i <= NVMM_X64_SEG_IDT; i++)
		state->segs[i].base += 0x1000 * i;
	state->segs[NVMM_X64_SEG_FS].attrib.avl = 1;
	state->segs[NVMM_X64_SEG_GS].limit = 0x7FFF;
	state->segs[NVMM_X64_SEG_GS].attrib.g = 0;
	state->segs[NVMM_X64_SEG_LDT].base = 0x9000;
	state->segs[NVMM_X64_SEG_TR].base = 0xA000;
	state->segs[NVMM_X64_SEG_TR].selector = 0x18;
	round_trip(&g, SEGS);
	guest_destroy(&g);
}

CASE(long_mode, "Long mode is set in one go; LMA follows")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	set_long_mode(&g);
	g.comm[0]->state.msrs[EFER] = 0x901;
	guest_set(&g, SEGS | CRS | MSRS);
	ATF_CHECK_EQ(0xD01, guest_get(&g, MSRS)->msrs[EFER]);
	round_trip(&g, SEGS | CRS | MSRS);
	guest_destroy(&g);
}

CASE(impossible, "An impossible state is refused, and the next one taken")
{
	struct nvmm_x64_state *state;
	struct guest g;

	(void)tc;
	guest_create(&g);
	state = guest_get(&g, CRS);
	state->crs[NVMM_X64_CR_CR0] = 0x80000010;	/* PG without PE */
	ATF_CHECK_EQ(EINVAL, guest_setstate(&g, 0, CRS));
	state = guest_get(&g, CRS);
	ATF_CHECK_EQ(0x60000010, state->crs[NVMM_X64_CR_CR0]);
	state->crs[NVMM_X64_CR_CR0] = 0x10;
	round_trip(&g, CRS);
	guest_destroy(&g);
}

CASE(crs, "Control registers come back as they were set")
{
	struct nvmm_ioc_capability ioc;
	struct nvmm_x64_state *state;
	struct guest g;

	(void)tc;
	guest_create(&g);
	ATF_REQUIRE_EQ(0, nvmm_hosted_request(NVMM_IOC_CAPABILITY, &ioc));
	state = guest_get(&g, CRS);
	state->crs[NVMM_X64_CR_CR2] = 0x123456789A;
	state->crs[NVMM_X64_CR_CR3] = 0x7000;
	state->crs[NVMM_X64_CR_CR4] = 0x600;
	state->crs[NVMM_X64_CR_CR8] = 9;
	if (ioc.cap.arch.impl_caps & NVMM_IMPL_XCR0)
		state->crs[NVMM_X64_CR_XCR0] = ioc.cap.arch.xcr0_mask & 7;
	round_trip(&g, CRS);
	guest_destroy(&g);
}

CASE(xcr0, "XCR0 bits beyond the capability are refused")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	guest_get(&g, CRS)->crs[NVMM_X64_CR_XCR0] = 1ULL << 62 | 1;
	ATF_CHECK_EQ(EINVAL, guest_setstate(&g, 0, CRS));
	guest_get(&g, CRS)->crs[NVMM_X64_CR_XCR0] = 0;
	ATF_CHECK_EQ(EINVAL, guest_setstate(&g, 0, CRS));
	guest_destroy(&g);
}

CASE(drs, "Debug registers come back as they were set")
{
	struct nvmm_x64_state *state;
	struct guest g;
	unsigned i;

	(void)tc;
	guest_create(&g);
	state = guest_get(&g, DRS);
	for (i = 0; i < 4; i++)
		state->drs[i] = 0x1000 * (i + 1);
	state->drs[NVMM_X64_DR_DR6] = 0xFFFF0FF1;
	state->drs[NVMM_X64_DR_DR7] = 0x402;
	round_trip(&g, DRS);
	guest_destroy(&g);
}

CASE(msrs, "MSRs come back as they were set")
{
	struct nvmm_x64_state *state;
	struct guest g;
	unsigned i;

	(void)tc;
	guest_create(&g);
	state = guest_get(&g, MSRS);
	for (i = NVMM_X64_MSR_STAR; i < NVMM_X64_MSR_PAT; i++)
		state->msrs[i] = 0x1000 * (i + 1);
	state->msrs[EFER] = 0x801;
	state->msrs[NVMM_X64_MSR_PAT] = 0x0007010600070106;
	round_trip(&g, MSRS);
	guest_get(&g, MSRS)->msrs[NVMM_X64_MSR_PAT] = 2;
	ATF_CHECK_EQ(EINVAL, guest_setstate(&g, 0, MSRS));
	guest_destroy(&g);
}

/* True if KVM itself moves a VCPU's TSC when told to. */
static bool
bare_kvm_moves_tsc(void)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} m = { .head.nmsrs = 1, .entry.index = 0x10 };
	int kvm, vm, vcpu;

	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	m.entry.data = 1ULL << 50;
	(void)ioctl(vcpu, KVM_SET_MSRS, &m);
	m.entry.data = 0;
	(void)ioctl(vcpu, KVM_GET_MSRS, &m);
	close(vcpu);
	close(vm);
	close(kvm);
	return m.entry.data >= 1ULL << 50;
}

CASE(tsc, "The TSC goes on over get and set")
{
	struct guest g;
	uint64_t then;

	(void)tc;
	guest_create(&g);
	then = guest_get(&g, MSRS)->msrs[TSC];
	guest_set(&g, MSRS);
	ATF_CHECK(guest_get(&g, MSRS)->msrs[TSC] > then);
	guest_destroy(&g);
}

CASE(tsc_moved, "The TSC can be moved")
{
	struct nvmm_x64_state *state;
	struct guest g;
	uint64_t want;

	(void)tc;
	guest_create(&g);
	if (!bare_kvm_moves_tsc())
		atf_tc_skip("bare KVM ignores KVM_SET_MSRS of the TSC here");
	state = guest_get(&g, MSRS);
	want = state->msrs[TSC] + (1ULL << 50);
	state->msrs[TSC] = want;
	guest_set(&g, MSRS);
	state = guest_get(&g, MSRS);
	ATF_CHECK(state->msrs[TSC] > want);
	ATF_CHECK(state->msrs[TSC] < want + (1ULL << 50));
	guest_destroy(&g);
}

static unsigned tsc_sets;
static uint64_t tsc_value;

/* Count what KVM is told of the TSC. */
static void
tsc_hook(unsigned long req, const void *arg)
{
	const struct kvm_msrs *msrs = arg;
	unsigned i;

	for (i = 0; req == KVM_SET_MSRS && i < msrs->nmsrs; i++) {
		if (msrs->entries[i].index == 0x10) {
			tsc_sets++;
			tsc_value = msrs->entries[i].data;
		}
	}
}

CASE(tsc_refused, "A TSC set along with a refused MSR is set by the next try")
{
	struct nvmm_x64_state *state;
	struct guest g;
	uint64_t lstar;

	(void)tc;
	guest_create(&g);
	kvm_hook = tsc_hook;
	state = guest_get(&g, MSRS);
	lstar = state->msrs[NVMM_X64_MSR_LSTAR];
	state->msrs[TSC] += 1ULL << 50;
	state->msrs[NVMM_X64_MSR_LSTAR] = 1ULL << 60;	/* not canonical */
	if (guest_setstate(&g, 0, MSRS) == 0)
		atf_tc_skip("bare KVM takes LSTAR that is not canonical");
	state->msrs[NVMM_X64_MSR_LSTAR] = lstar;
	tsc_sets = 0;
	guest_set(&g, MSRS);
	ATF_CHECK_EQ(1, tsc_sets);
	ATF_CHECK_EQ(state->msrs[TSC], tsc_value);
	guest_destroy(&g);
}

CASE(tsc_again, "A TSC set to the same value after a run is set again")
{
	struct nvmm_x64_state *state;
	struct guest g;

	(void)tc;
	guest_create(&g);
	CODE(&g, 0xE6, 0x42, 0xE6, 0x43);
	kvm_hook = tsc_hook;
	state = guest_get(&g, MSRS);
	tsc_sets = 0;
	guest_set(&g, MSRS);
	ATF_CHECK_EQ(0, tsc_sets);
	state->msrs[TSC] = 0;
	guest_set(&g, MSRS);
	ATF_CHECK_EQ(1, tsc_sets);
	ATF_CHECK_EQ(0x42, guest_port(&g));
	state->msrs[TSC] = 0;
	guest_set(&g, MSRS);
	ATF_CHECK_EQ(2, tsc_sets);
	ATF_CHECK_EQ(0, tsc_value);
	guest_destroy(&g);
}

CASE(fpu, "The FPU comes back as it was set")
{
	struct fxsave *fpu;
	struct guest g;
	unsigned i;

	(void)tc;
	guest_create(&g);
	fpu = &guest_get(&g, FPU)->fpu;
	fpu->fx_cw = 0x27F;
	fpu->fx_sw = 0x3800;
	fpu->fx_tw = 0x80;
	fpu->fx_mxcsr = 0x1FA0;
	fpu->fx_87_ac[0].r.f87_mantissa = 0x8000000000000000;
	fpu->fx_87_ac[0].r.f87_exp_sign = 0x3FFF;
	for (i = 0; i < 16; i++)
		memset(&fpu->fx_xmm[i], (int)i + 1, sizeof(fpu->fx_xmm[i]));
	round_trip(&g, FPU);
	guest_destroy(&g);
}

CASE(fpu_run, "The FPU survives a run")
{
	struct fxsave *fpu;
	struct guest g;

	(void)tc;
	guest_create(&g);
	CODE(&g, 0xE6, 0x42);
	fpu = &guest_get(&g, FPU)->fpu;
	fpu->fx_cw = 0x37F;
	fpu->fx_mxcsr = 0x1FA0;
	memset(&fpu->fx_xmm[3], 0x77, sizeof(fpu->fx_xmm[3]));
	guest_set(&g, FPU);
	ATF_CHECK_EQ(0x42, guest_port(&g));
	fpu = &guest_get(&g, FPU)->fpu;
	ATF_CHECK_EQ(0x37F, fpu->fx_cw);
	ATF_CHECK_EQ(0x1FA0, fpu->fx_mxcsr);
	ATF_CHECK_EQ(0x77, fpu->fx_xmm[3].xmm_bytes[15]);
	guest_destroy(&g);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, reset);
	ATF_TP_ADD_TC(tp, reset_run);
	ATF_TP_ADD_TC(tp, gprs);
	ATF_TP_ADD_TC(tp, segs);
	ATF_TP_ADD_TC(tp, long_mode);
	ATF_TP_ADD_TC(tp, impossible);
	ATF_TP_ADD_TC(tp, crs);
	ATF_TP_ADD_TC(tp, xcr0);
	ATF_TP_ADD_TC(tp, drs);
	ATF_TP_ADD_TC(tp, msrs);
	ATF_TP_ADD_TC(tp, tsc);
	ATF_TP_ADD_TC(tp, tsc_moved);
	ATF_TP_ADD_TC(tp, tsc_refused);
	ATF_TP_ADD_TC(tp, tsc_again);
	ATF_TP_ADD_TC(tp, fpu);
	ATF_TP_ADD_TC(tp, fpu_run);

	return atf_no_error();
}
