/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Every group of state, both ways: set by the owner and seen by the guest,
 * changed by the guest and seen by the owner. And the FPU kept apart, between
 * VCPUs and from the host.
 */

#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "h_case.h"

#define SEEN(vm, n)	vm_data(vm, n)
#define GIVEN(n)	(G_DATA + 0x100 + (n) * 8)
#define AREA		G_FREE
#define AREA2		(G_FREE + 0x200)

#define CR4_OSXSAVE	0x40000
#define CR4_PKE		0x400000
#define CPUID7_OSPKE	(1U << 4)

static void
give(struct vm *vm, unsigned n, uint64_t val)
{

	vm_poke(vm, GIVEN(n), &val, sizeof(val));
}

/* A value that no two registers share. */
static uint64_t
pattern(unsigned n, unsigned round)
{

	return 0x0101010101010101ULL * (n + 1) ^ (uint64_t)round << 60 ^
	    0x8000000000000000ULL;
}

static void
gprs(struct vm *vm)
{
	struct nvmm_x64_state *state;
	unsigned i;

	VM_START(vm, VM_LONG, g_gprs);
	state = vm_get(vm, GPRS);
	for (i = 0; i < 16; i++) {
		if (i != R_RSP)
			state->gprs[i] = pattern(i, 1);
		give(vm, i, pattern(i, 2));
	}
	state->gprs[R_RFLAGS] = 0x244ad7 & ~FL_IF & ~FL_TF;
	give(vm, R_RFLAGS, 0x200c96 & ~FL_IF);
	vm_set(vm, GPRS);
	VM_PORT(vm, 0x80);
	for (i = 0; i < 16; i++)
		VM_CHECK_EQ(i == R_RSP ? G_STACK : pattern(i, 1), SEEN(vm, i));
	VM_CHECK_EQ(0x244ad7 & ~FL_IF & ~FL_TF, SEEN(vm, R_RFLAGS));
	VM_PORT(vm, 0x81);
	state = vm_get(vm, GPRS);
	for (i = 0; i < 16; i++)
		VM_CHECK_EQ(pattern(i, 2), state->gprs[i]);
	VM_CHECK_EQ(0x200c96 & ~FL_IF, state->gprs[R_RFLAGS]);
}

static void
segs_seen(struct vm *vm)
{
	struct nvmm_x64_state *state;

	VM_START(vm, VM_LONG, g_segs);
	state = vm_get(vm, SEGS);
	state->segs[NVMM_X64_SEG_FS].base = G_FREE + 0x10;
	state->segs[NVMM_X64_SEG_GS].base = G_FREE + 0x20;
	vm_set(vm, SEGS);
	vm_poke(vm, G_FREE + 0x10, "fs base", 8);
	vm_poke(vm, G_FREE + 0x20, "gs base", 8);
	VM_PORT(vm, 0x80);
	VM_CHECK_EQ(SEL_DATA, SEEN(vm, 0));
	VM_CHECK_EQ(SEL_CODE64, SEEN(vm, 1));
	VM_CHECK_EQ(SEL_DATA, SEEN(vm, 2));
	VM_CHECK_EQ(SEL_DATA, SEEN(vm, 4));
	VM_CHECK_EQ(G_GDT_SIZE - 1, SEEN(vm, 6) & 0xffff);
	VM_CHECK_EQ(G_GDT, vm_peek(vm, G_DATA + 6 * 8 + 2, 8));
	VM_CHECK_EQ(0xfff, SEEN(vm, 8) & 0xffff);
	VM_CHECK_EQ(G_IDT, vm_peek(vm, G_DATA + 8 * 8 + 2, 8));
	VM_CHECK_EQ(SEL_LDT, SEEN(vm, 10));
	VM_CHECK_EQ(SEL_TSS, SEEN(vm, 11));
	ATF_CHECK_EQ(0, memcmp(vm->ram + G_DATA + 12 * 8, "fs base", 8));
	ATF_CHECK_EQ(0, memcmp(vm->ram + G_DATA + 13 * 8, "gs base", 8));
}

/* What the guest loads: the owner sees the descriptors that it chose. */
static void
segs_changed(struct vm *vm)
{
	static const uint8_t gdtr[10] = { 0x97, 0, 0x00, 0x10 };
	static const uint8_t idtr[10] = { 0x9f, 0, 0x40, 0x20 };
	const struct nvmm_x64_state_seg *segs;

	segs_seen(vm);
	vm_poke(vm, GIVEN(0), gdtr, sizeof(gdtr));
	vm_poke(vm, GIVEN(2), idtr, sizeof(idtr));
	VM_PORT(vm, 0x81);
	segs = vm_get(vm, SEGS)->segs;
	VM_CHECK_EQ(0x1155667788, segs[NVMM_X64_SEG_FS].base);
	VM_CHECK_EQ(0xffff812399aabbcc, segs[NVMM_X64_SEG_GS].base);
	VM_CHECK_EQ(0x1000, segs[NVMM_X64_SEG_GDT].base);
	VM_CHECK_EQ(0x97, segs[NVMM_X64_SEG_GDT].limit);
	VM_CHECK_EQ(0x2040, segs[NVMM_X64_SEG_IDT].base);
	VM_CHECK_EQ(0x9f, segs[NVMM_X64_SEG_IDT].limit);
	VM_CHECK_EQ(SEL_LDT, segs[NVMM_X64_SEG_LDT].selector);
	VM_CHECK_EQ(G_LDT, segs[NVMM_X64_SEG_LDT].base);
	VM_CHECK_EQ(SEL_UDATA, segs[NVMM_X64_SEG_DS].selector);
	ATF_CHECK_EQ(3, segs[NVMM_X64_SEG_DS].attrib.dpl);
	ATF_CHECK_EQ(0, segs[NVMM_X64_SEG_ES].selector);
}

/* Hidden parts that no descriptor says: kept, and obeyed. */
static void
segs_hidden(struct vm *vm)
{
	static const uint32_t val[2] = { 0x11223344, 0x55667788 };
	struct nvmm_x64_state_seg *es, *fs;

	VM_START(vm, VM_PROT32, g_limits);
	es = &vm_get(vm, SEGS)->segs[NVMM_X64_SEG_ES];
	fs = &vm_get(vm, SEGS)->segs[NVMM_X64_SEG_FS];
	es->base = G_FREE;
	es->limit = 0x1fff;
	es->attrib.g = 0;
	es->attrib.type = 1;		/* read-only, accessed */
	es->attrib.avl = 1;
	fs->base = G_FREE + 0x1000;
	fs->limit = 0xfff;
	fs->attrib.g = 0;
	fs->attrib.type = 7;		/* expands down */
	vm_set(vm, SEGS);
	vm_poke(vm, G_FREE + 0x10, &val[0], 4);
	vm_poke(vm, G_FREE + 0x2010, &val[1], 4);
	VM_PORT(vm, 0x80);
	VM_CHECK_EQ(val[0], vm_val(vm));
	es = &vm_get(vm, SEGS)->segs[NVMM_X64_SEG_ES];
	VM_CHECK_EQ(G_FREE, es->base);
	VM_CHECK_EQ(0x1fff, es->limit);
	ATF_CHECK_EQ(1, es->attrib.type);
	ATF_CHECK_EQ(1, es->attrib.avl);
	ATF_CHECK_EQ(0, es->attrib.g);
	ATF_CHECK_EQ(1, es->attrib.def);
	ATF_CHECK_EQ(1, es->attrib.s);
	ATF_CHECK_EQ(1, es->attrib.p);
	ATF_CHECK_EQ(7, vm_get(vm, SEGS)->segs[NVMM_X64_SEG_FS].attrib.type);
	VM_PORT(vm, 0x81);
	VM_CHECK_EQ(val[1], vm_val(vm));
}

static void
segs_limit(struct vm *vm)
{
	struct vm_trap t;

	if (vm_on_tcg())
		atf_tc_skip("QEMU's TCG knows no limits");
	segs_hidden(vm);
	vm_trap(vm, &t);
	ATF_CHECK_EQ(13, t.vector);
}

static const unsigned cr_index[] = { NVMM_X64_CR_CR0, NVMM_X64_CR_CR2,
    NVMM_X64_CR_CR3, NVMM_X64_CR_CR4, NVMM_X64_CR_CR8 };

/*
 * CR0: MP ET NE WP AM; then without. CR4: DE PSE PGE OSFXSR. Looked at is CR2,
 * or all the others.
 */
static void
crs_kept(struct vm *vm, bool cr2)
{
	static const uint64_t first[] = { 0x80050033, 0x123456789000, G_PML4,
	    0x2b8, 0xb };
	static const uint64_t second[] = { 0x80010011, 0xffff800000001000,
	    G_PML4, 0x630, 0x4 };
	struct nvmm_x64_state *state;
	unsigned i;

	VM_START(vm, VM_LONG, g_crs);
	state = vm_get(vm, CRS);
	for (i = 0; i < 5; i++) {
		state->crs[cr_index[i]] = first[i];
		give(vm, i, second[i]);
	}
	vm_set(vm, CRS);
	VM_PORT(vm, 0x80);
	for (i = 0; i < 5; i++) {
		if ((cr_index[i] == NVMM_X64_CR_CR2) == cr2)
			VM_CHECK_EQ(first[i], SEEN(vm, i));
	}
	VM_PORT(vm, 0x81);
	state = vm_get(vm, CRS);
	for (i = 0; i < 5; i++) {
		if ((cr_index[i] == NVMM_X64_CR_CR2) == cr2)
			VM_CHECK_EQ(second[i], state->crs[cr_index[i]]);
	}
	ATF_CHECK_EQ(4, vm_exit(vm)->exitstate.cr8);
}

static void
crs(struct vm *vm)
{

	crs_kept(vm, false);
}

static void
cr2(struct vm *vm)
{

	crs_kept(vm, true);
}

/* CR0.CD and NW are the guest's own to set and see. */
static void
cr0_cache(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_crs);
	vm_get(vm, CRS)->crs[NVMM_X64_CR_CR0] = 0xe0000011;
	vm_set(vm, CRS);
	VM_PORT(vm, 0x80);
	VM_CHECK_EQ(0xe0000011, SEEN(vm, 0));
	VM_CHECK_EQ(0xe0000011, vm_get(vm, CRS)->crs[NVMM_X64_CR_CR0]);
}

/* => Skips without XSAVE. */
static uint64_t
xcr0_mask(void)
{
	struct nvmm_capability cap;

	ATF_REQUIRE_EQ(0, nvmm_capability(&cap));
	if (!vm_can(NVMM_IMPL_XCR0) || (cap.arch.xcr0_mask & 3) != 3)
		atf_tc_skip("the host has no XSAVE");
	return cap.arch.xcr0_mask & 7;
}

static void
xcr0_start(struct vm *vm, uint64_t xcr0)
{
	struct nvmm_x64_state *state = vm_get(vm, CRS);

	state->crs[NVMM_X64_CR_CR4] |= CR4_OSXSAVE;
	state->crs[NVMM_X64_CR_XCR0] = xcr0;
	vm_set(vm, CRS);
}

static void
xcr0(struct vm *vm)
{
	uint64_t mask = xcr0_mask();

	VM_START(vm, VM_USER64, g_xgetbv);
	xcr0_start(vm, mask);
	VM_PORT(vm, PORT_TRAP);
	VM_CHECK_EQ(mask, SEEN(vm, 0));
	VM_CHECK_EQ(mask, vm_get(vm, CRS)->crs[NVMM_X64_CR_XCR0]);
	VM_START(vm, VM_USER64, g_xgetbv);
	xcr0_start(vm, 1);
	VM_PORT(vm, PORT_TRAP);
	VM_CHECK_EQ(1, SEEN(vm, 0));
}

static void
xcr0_changed(struct vm *vm)
{
	struct vm_trap t;

	(void)xcr0_mask();
	if (vm_on_tcg() && vm_is("kvm"))
		atf_tc_skip("QEMU's TCG does not intercept XSETBV");
	VM_START(vm, VM_LONG, g_xsetbv);
	xcr0_start(vm, 1);
	VM_PORT(vm, 0x80);
	VM_CHECK_EQ(3, vm_get(vm, CRS)->crs[NVMM_X64_CR_XCR0]);
	vm_trap(vm, &t);
	ATF_CHECK_EQ(13, t.vector);
	VM_CHECK_EQ(3, vm_get(vm, CRS)->crs[NVMM_X64_CR_XCR0]);
}

/* Breakpoints that are not enabled, then the fixed bits' values. */
static void
drs(struct vm *vm)
{
	static const uint64_t first[] = { 0x111111111000, 0x222222222000,
	    0x333333333000, 0x444444444000, 0xffff4ff1, 0x400 };
	static const uint64_t second[] = { 0x555555555000, 0x666666666000,
	    0x777777777000, 0x123456788000, 0xffff0ff8, 0x33330700 };
	struct nvmm_x64_state *state;
	unsigned i;

	VM_START(vm, VM_LONG, g_drs);
	state = vm_get(vm, DRS);
	for (i = 0; i < 6; i++) {
		state->drs[i] = first[i];
		give(vm, i, second[i]);
	}
	vm_set(vm, DRS);
	VM_PORT(vm, 0x80);
	for (i = 0; i < 6; i++)
		VM_CHECK_EQ(first[i], SEEN(vm, i));
	VM_PORT(vm, 0x81);
	state = vm_get(vm, DRS);
	for (i = 0; i < 6; i++)
		VM_CHECK_EQ(second[i], state->drs[i]);
}

static const struct {
	uint32_t msr;
	unsigned index;
	uint64_t first, second;
} msr_rows[] = {
	{ 0xc0000080, NVMM_X64_MSR_EFER, 0xd00, 0x501 },
	{ 0xc0000081, NVMM_X64_MSR_STAR, 0x0023001012345678,
	    0x001b000800000000 },
	{ 0xc0000082, NVMM_X64_MSR_LSTAR, 0xffffffff81000000, 0x401000 },
	{ 0xc0000083, NVMM_X64_MSR_CSTAR, 0xffffffff82000000, 0x402000 },
	{ 0xc0000084, NVMM_X64_MSR_SFMASK, 0x47700, 0x200 },
	{ 0xc0000102, NVMM_X64_MSR_KERNELGSBASE, 0xffff888012345000,
	    0x7f1234567000 },
	{ 0x174, NVMM_X64_MSR_SYSENTER_CS, 0x10, 0x33 },
	{ 0x175, NVMM_X64_MSR_SYSENTER_ESP, 0x12345670, 0x7654320 },
	{ 0x176, NVMM_X64_MSR_SYSENTER_EIP, 0x81234567, 0x1234 },
	{ 0x277, NVMM_X64_MSR_PAT, 0x0007010600070106, 0x0606060606060606 },
};

static void
msrs(struct vm *vm)
{
	struct nvmm_x64_state *state;
	size_t i;

	for (i = 0; i < sizeof(msr_rows) / sizeof(msr_rows[0]); i++) {
		VM_START(vm, VM_LONG, g_msr);
		vm_gpr(vm, R_RCX, msr_rows[i].msr);
		state = vm_get(vm, MSRS);
		state->msrs[msr_rows[i].index] = msr_rows[i].first;
		vm_set(vm, MSRS);
		give(vm, 0, msr_rows[i].second);
		VM_PORT(vm, 0x80);
		VM_CHECK_EQ(msr_rows[i].first, SEEN(vm, 0));
		VM_PORT(vm, 0x81);
		state = vm_get(vm, MSRS);
		ATF_CHECK_MSG(msr_rows[i].second ==
		    state->msrs[msr_rows[i].index], "MSR %#x is %#llx",
		    msr_rows[i].msr, (unsigned long long)
		    state->msrs[msr_rows[i].index]);
	}
}

/* What no processor takes is #GP, and changes nothing. */
static void
msrs_refused(struct vm *vm)
{
	static const struct {
		uint32_t msr;
		uint64_t val;
		bool canonical;			/* what TCG does not check */
	} rows[] = {
		{ 0xc0000080, 0x8000000000000500, false },
		{ 0xc0000080, 0x400, false },	/* LME off under paging */
		{ 0xc0000082, 0x8000000000000000, true },
		{ 0xc0000102, 0x8000000000000000, true },
		{ 0x277, 0x0202020202020202, false },
	};
	struct vm_trap t;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].canonical && vm_on_tcg())
			continue;
		VM_START(vm, VM_LONG, g_msr);
		vm_gpr(vm, R_RCX, rows[i].msr);
		give(vm, 0, rows[i].val);
		VM_PORT(vm, 0x80);
		vm_trap(vm, &t);
		ATF_CHECK_EQ_MSG(13, t.vector, "MSR %#x", rows[i].msr);
		VM_CHECK_EQ(0, t.error);
	}
}

#define TSC_FAR		0x6000000000000000ULL
#define TSC_FARTHER	0x7000000000000000ULL
#define TSC_SPAN	(1ULL << 40)

static void
tsc(struct vm *vm)
{
	struct nvmm_x64_state *state;

	VM_START(vm, VM_LONG, g_rdtsc);
	vm_get(vm, MSRS)->msrs[NVMM_X64_MSR_TSC] = TSC_FAR;
	vm_set(vm, MSRS);
	VM_PORT(vm, 0x80);
	ATF_CHECK(SEEN(vm, 0) >= TSC_FAR);
	ATF_CHECK(SEEN(vm, 0) < TSC_FAR + TSC_SPAN);
	ATF_CHECK(SEEN(vm, 1) >= SEEN(vm, 0));
	state = vm_get(vm, MSRS);
	ATF_CHECK(state->msrs[NVMM_X64_MSR_TSC] >= SEEN(vm, 1));
	ATF_CHECK(state->msrs[NVMM_X64_MSR_TSC] < TSC_FAR + TSC_SPAN);
	VM_PORT(vm, 0x81);
	ATF_CHECK(SEEN(vm, 2) >= TSC_FARTHER);
	ATF_CHECK(SEEN(vm, 2) < TSC_FARTHER + TSC_SPAN);
	state = vm_get(vm, MSRS);
	ATF_CHECK(state->msrs[NVMM_X64_MSR_TSC] >= SEEN(vm, 2));
	ATF_CHECK(state->msrs[NVMM_X64_MSR_TSC] < TSC_FARTHER + TSC_SPAN);
}

static void
intr(struct vm *vm)
{
	struct nvmm_x64_state *state;

	VM_START(vm, VM_LONG, g_msr);
	state = vm_get(vm, INTR);
	ATF_CHECK(!state->intr.int_shadow);
	ATF_CHECK(!state->intr.int_window_exiting);
	ATF_CHECK(!state->intr.nmi_window_exiting);
	ATF_CHECK(!state->intr.evt_pending);
	state->intr.int_window_exiting = 1;
	vm_set(vm, INTR);
	vm_gpr(vm, R_RCX, 0x277);
	VM_PORT(vm, 0x80);		/* with interrupts off */
	ATF_CHECK(vm_get(vm, INTR)->intr.int_window_exiting);
	vm_get(vm, INTR)->intr.int_window_exiting = 0;
	vm_set(vm, INTR);
	vm_gpr(vm, R_RFLAGS, FL_IF | 2);
	VM_PORT(vm, 0x81);
	ATF_CHECK(!vm_get(vm, INTR)->intr.int_window_exiting);
}

/* Seven values on the x87's stack, all of XMM. */
static void
fpu_fill(struct fxsave *f, unsigned round)
{
	unsigned i;

	memset(f, 0, sizeof(*f));
	f->fx_cw = round == 1 ? 0x27f : 0x37f;
	f->fx_sw = 0x0800;		/* TOP is 1 */
	f->fx_tw = 0xfe;
	f->fx_mxcsr = round == 1 ? 0x9fc0 : 0x1fa5;
	f->fx_mxcsr_mask = 0xffff;
	for (i = 0; i < 7; i++) {
		f->fx_87_ac[i].r.f87_mantissa = pattern(i, round) | 1ULL << 63;
		f->fx_87_ac[i].r.f87_exp_sign = (uint16_t)(0x3fff + i + round);
	}
	for (i = 0; i < 16; i++)
		memset(&f->fx_xmm[i], (int)(i * 15 + round), 16);
}

static void
fpu_check(const struct fxsave *want, const struct fxsave *got)
{

	VM_CHECK_EQ(want->fx_cw, got->fx_cw);
	VM_CHECK_EQ(want->fx_sw, got->fx_sw);
	VM_CHECK_EQ(want->fx_tw, got->fx_tw);
	VM_CHECK_EQ(want->fx_mxcsr, got->fx_mxcsr);
	ATF_CHECK_EQ(0, memcmp(want->fx_xmm, got->fx_xmm,
	    sizeof(want->fx_xmm)));
	ATF_CHECK_EQ(0, memcmp(want->fx_87_ac, got->fx_87_ac,
	    7 * sizeof(want->fx_87_ac[0])));
}

/* Over a #UD, and the frame's RIP moved behind it: 2 bytes. */
static void
ud2_next(struct vm *vm)
{
	struct vm_trap t;

	vm_trap(vm, &t);
	ATF_REQUIRE_EQ_MSG(6, t.vector, "vector %u", t.vector);
	t.rip += 2;
	vm_poke(vm, vm_reg(vm, R_RSP) + 8, &t.rip, 8);
}

static void
fpu(struct vm *vm)
{
	struct fxsave first, second;

	VM_START(vm, VM_USER64, g_fpu);
	fpu_fill(&first, 1);
	fpu_fill(&second, 2);
	memcpy(&vm_get(vm, FPU)->fpu, &first, sizeof(first));
	vm_set(vm, FPU);
	vm_poke(vm, AREA2, &second, sizeof(second));
	ud2_next(vm);
	fpu_check(&first, (struct fxsave *)(vm->ram + AREA));
	fpu_check(&first, &vm_get(vm, FPU)->fpu);
	ud2_next(vm);
	fpu_check(&second, &vm_get(vm, FPU)->fpu);
}

/* VCPU i goes on at rip in ring 3, to its #UD. */
static void
own_run(struct vm *vm, unsigned i, uint64_t rip, uint64_t xcr0, uint64_t cr4)
{
	struct nvmm_x64_state *state;

	vm_start_cpu(vm, i, VM_USER64, rip);
	state = vm_get_cpu(vm, i, GPRS | CRS);
	state->gprs[R_RDI] = 0x11110000 + i * 4;
	state->gprs[R_RSP] = G_FREE + 0x1000 * i;
	state->crs[NVMM_X64_CR_CR4] |= cr4;
	state->crs[NVMM_X64_CR_XCR0] = xcr0;
	vm_set_cpu(vm, i, GPRS | CRS);
	ATF_REQUIRE_EQ(PORT_TRAP, vm_port_cpu(vm, i));
	ATF_REQUIRE_EQ_MSG(6, vm_peek(vm,
	    vm_get_cpu(vm, i, GPRS)->gprs[R_RSP], 1),
	    "VCPU %u lost its registers", i);
}

/* VCPUs by turns, each with registers of its own. */
static void
own(struct vm *vm, const uint8_t *guest, const uint8_t *end, uint64_t xcr0,
    uint64_t cr4)
{
	unsigned i;

	vm_load(vm, guest, end + 1);
	vm_stubs(vm, VM_USER64);
	for (i = 0; i < vm->ncpus; i++)
		own_run(vm, i, G_CODE, xcr0, cr4);
	for (i = 0; i < 4 * vm->ncpus; i++)
		own_run(vm, i % vm->ncpus, G_CODE + 64, xcr0, cr4);
}

#define OWN(vm, guest, xcr0, cr4)					\
	do {								\
		extern const uint8_t guest[], guest##_end[];		\
									\
		own(vm, guest, guest##_end, xcr0, cr4);			\
	} while (0)

static void
fpu_apart(struct vm *vm)
{

	OWN(vm, g_fpu_own, 1, 0);
}

static void
avx_apart(struct vm *vm)
{

	if (xcr0_mask() != 7 || !__builtin_cpu_supports("avx"))
		atf_tc_skip("the host has no AVX");
	OWN(vm, g_avx_own, 7, CR4_OSXSAVE);
}

static uint32_t
rdpkru(void)
{
	uint32_t eax, edx;

	__asm__ volatile(".byte 0x0f, 0x01, 0xee" : "=a"(eax), "=d"(edx) :
	    "c"(0));
	return eax;
}

/* Apart from each other's, and from the host's. */
static void
pkru_apart(struct vm *vm)
{
	uint32_t eax, ebx, ecx = 0, edx, before;

	(void)__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx);
	if ((ecx & CPUID7_OSPKE) == 0)
		atf_tc_skip("the host has no protection keys");
	before = rdpkru();
	OWN(vm, g_pkru_own, 1, CR4_PKE);
	VM_CHECK_EQ(before, rdpkru());
}

/* By the MSRs that the owner set, to ring 0 and back. */
static void
syscalls(struct vm *vm)
{
	struct nvmm_x64_state *state;

	VM_START(vm, VM_USER64, g_syscall);
	state = vm_get(vm, MSRS | SEGS);
	state->msrs[NVMM_X64_MSR_EFER] |= 1;
	state->msrs[NVMM_X64_MSR_STAR] = 0x0040001800000000;
	state->msrs[NVMM_X64_MSR_LSTAR] = G_CODE + 64;
	state->msrs[NVMM_X64_MSR_SFMASK] = 0x1;
	state->msrs[NVMM_X64_MSR_KERNELGSBASE] = 0x123456789000;
	state->segs[NVMM_X64_SEG_GS].base = 0x7f0000001000;
	vm_set(vm, MSRS | SEGS);
	vm_gpr(vm, R_RFLAGS, 0x3003);
	VM_PORT(vm, 0x80);
	VM_CHECK_EQ(0x11, vm_val(vm));
	VM_CHECK_EQ(G_CODE + 7, vm_reg(vm, R_RCX));
	VM_CHECK_EQ(0x3003, vm_reg(vm, NVMM_X64_GPR_R11));
	VM_CHECK_EQ(0x3002, vm_reg(vm, R_RFLAGS));
	state = vm_get(vm, SEGS);
	VM_CHECK_EQ(SEL_CODE64, state->segs[NVMM_X64_SEG_CS].selector);
	ATF_CHECK_EQ(0, state->segs[NVMM_X64_SEG_SS].attrib.dpl);
	VM_PORT(vm, PORT_TRAP);
	VM_CHECK_EQ(0x33, vm_reg(vm, R_RBX));
	state = vm_get(vm, SEGS | MSRS);
	VM_CHECK_EQ(0x123456789000, state->segs[NVMM_X64_SEG_GS].base);
	VM_CHECK_EQ(0x7f0000001000, state->msrs[NVMM_X64_MSR_KERNELGSBASE]);
}

/* The host's own registers about a run, by what the C library cannot reach. */
static void
host_run(struct vm *vm, uint32_t *mxcsr, uint16_t *cw, uint8_t *xmm)
{
	uint32_t m = 0x9fc0, m_old;
	uint16_t c = 0x27f, c_old;

	__asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(m_old), "=m"(c_old));
	__asm__ volatile("ldmxcsr %0; fldcw %1; fldz; fld1" : : "m"(m),
	    "m"(c));
	VM_EXIT(vm, NVMM_VCPU_EXIT_IO);
	__asm__ volatile("stmxcsr %0; fnstcw %1; fstp %%st(0); fstp %%st(0);"
	    "movdqu %%xmm15, %2" : "=m"(*mxcsr), "=m"(*cw),
	    "=m"(*(uint8_t (*)[16])xmm));
	__asm__ volatile("ldmxcsr %0; fldcw %1" : : "m"(m_old), "m"(c_old));
}

static void
fpu_host(struct vm *vm)
{
	uint32_t mxcsr;
	uint8_t xmm[16];
	uint16_t cw;

	VM_START(vm, VM_USER64, g_fpu_trash);
	host_run(vm, &mxcsr, &cw, xmm);
	VM_CHECK_EQ(0x9fc0, mxcsr);
	VM_CHECK_EQ(0x27f, cw);
}

/* The upper halves of YMM, about one system call. */
__attribute__((target("avx"), noinline)) static int
avx_run(struct vm *vm, uint8_t *ymm)
{
	int ret;

	memset(ymm, 0xa5, 32);
	__asm__ volatile("vmovdqu %0, %%ymm15" : : "m"(*(uint8_t (*)[32])ymm));
	ret = nvmm_vcpu_run(&vm->mach, &vm->cpus[0].v);
	__asm__ volatile("vmovdqu %%ymm15, %0" :
	    "=m"(*(uint8_t (*)[32])ymm));
	return ret;
}

static void
avx_host(struct vm *vm)
{
	uint8_t ymm[32];
	unsigned i;

	if (xcr0_mask() != 7 || !__builtin_cpu_supports("avx"))
		atf_tc_skip("the host has no AVX");
	VM_START(vm, VM_USER64, g_avx_trash);
	xcr0_start(vm, 7);
	ATF_REQUIRE_EQ(0, avx_run(vm, ymm));
	ATF_REQUIRE(vm_exit(vm)->reason == NVMM_VCPU_EXIT_IO);
	for (i = 0; i < 32; i++)
		ATF_CHECK_EQ_MSG(0xa5, ymm[i], "byte %u is %#x", i, ymm[i]);
	ATF_CHECK_EQ(6, vm_peek(vm, vm_reg(vm, R_RSP), 1));
}

/* As a processor comes out of its reset, APM vol. 2, 14.1.3. */
static void
reset(struct vm *vm)
{
	struct nvmm_x64_state *state = vm_get(vm, ALL);
	const struct nvmm_x64_state_seg *cs = &state->segs[NVMM_X64_SEG_CS];

	VM_CHECK_EQ(0xfff0, state->gprs[R_RIP]);
	VM_CHECK_EQ(2, state->gprs[R_RFLAGS]);
	VM_CHECK_EQ(0xf000, cs->selector);
	VM_CHECK_EQ(0xffff0000, cs->base);
	VM_CHECK_EQ(0xffff, cs->limit);
	VM_CHECK_EQ(0x60000010, state->crs[NVMM_X64_CR_CR0]);
	VM_CHECK_EQ(0, state->crs[NVMM_X64_CR_CR4]);
	VM_CHECK_EQ(1, state->crs[NVMM_X64_CR_XCR0]);
	VM_CHECK_EQ(0, state->msrs[NVMM_X64_MSR_EFER]);
	VM_CHECK_EQ(0x0007040600070406, state->msrs[NVMM_X64_MSR_PAT]);
	VM_CHECK_EQ(0xffff0ff0, state->drs[NVMM_X64_DR_DR6]);
	VM_CHECK_EQ(0x400, state->drs[NVMM_X64_DR_DR7]);
	VM_CHECK_EQ(0x1f80, state->fpu.fx_mxcsr);
	VM_CHECK_EQ(0x40, state->fpu.fx_cw);
}

static void
reset_vector(struct vm *vm)
{
	extern const uint8_t g_reset[], g_reset_end[];

	ATF_REQUIRE_EQ(0, nvmm_gpa_map(&vm->mach,
	    (uintptr_t)vm->ram + G_FREE, 0xfffff000, 4096, RWX));
	memcpy(vm->ram + G_FREE + 0xff0, g_reset,
	    (size_t)(g_reset_end - g_reset) + 1);
	VM_PORT(vm, 0x80);
	VM_EXIT(vm, NVMM_VCPU_EXIT_HALTED);
}

/* State that is set and not run is what is got. */
static void
cached(struct vm *vm)
{
	struct nvmm_x64_state *state, copy;

	VM_START(vm, VM_LONG, g_gprs);
	state = vm_get(vm, ALL);
	state->gprs[R_RBX] = 0x12345678;
	state->crs[NVMM_X64_CR_CR8] = 9;
	memcpy(&copy, state, sizeof(copy));
	vm_set(vm, ALL);
	ATF_CHECK_EQ(0, memcmp(&copy, vm_get(vm, ALL), sizeof(copy)));
	VM_PORT(vm, 0x80);
	state = vm_get(vm, GPRS | CRS);
	VM_CHECK_EQ(0x12345678, state->gprs[R_RBX]);
	VM_CHECK_EQ(9, state->crs[NVMM_X64_CR_CR8]);
}

static const struct vm_case table[] = {
	{ "gprs", "General registers and flags", MUST, MUST, NULL, gprs, 0 },
	{ "segs_seen", "Selectors, tables and bases, as the guest sees them",
	  MUST, MUST, NULL, segs_seen, 0 },
	{ "segs_changed", "Segments that the guest loads", MUST, MUST, NULL,
	  segs_changed, 0 },
	{ "segs_hidden", "Bases, limits and attributes of no descriptor", MUST,
	  MUST, NULL, segs_hidden, 0 },
	{ "segs_limit", "A limit of no descriptor", MUST, MUST, NULL,
	  segs_limit, 0 },
	{ "crs", "Control registers but for CR2", MUST, MUST, NULL, crs, 0 },
	{ "cr2", "CR2", MUST, MUST, NULL, cr2, 0 },
	{ "cr0_cache", "CR0.CD and NW", MUST, MUST, NULL, cr0_cache, 0 },
	{ "xcr0", "XCR0", MUST, MUST, "XCR0 in ring 3", xcr0, 0 },
	{ "xcr0_changed", "XSETBV", MUST, MUST, NULL, xcr0_changed, 0 },
	{ "drs", "Debug registers", MUST, MUST, NULL, drs, 0 },
	{ "msrs", "Model-specific registers", MUST, MUST, NULL, msrs, 0 },
	{ "msrs_refused", "Values that are #GP", MUST,
	  "what KVM refuses is the owner's to refuse", NULL, msrs_refused, 0 },
	{ "tsc", "The TSC, set by the owner and by the guest", MUST, MUST,
	  "TSC", tsc, 0 },
	{ "intr", "Shadow and windows", MUST, MUST, NULL, intr, 0 },
	{ "fpu", "x87 and SSE", MUST, MUST, NULL, fpu, 0 },
	{ "fpu_apart", "Two VCPUs keep their registers apart", MUST, MUST,
	  NULL, fpu_apart, 3 },
	{ "avx_apart", "Two VCPUs keep their AVX apart", MUST, MUST, NULL,
	  avx_apart, 3 },
	{ "pkru_apart", "Two VCPUs and the host keep their PKRU apart", MUST,
	  "the hosted driver does not touch PKRU", NULL, pkru_apart, 3 },
	{ "syscalls", "SYSCALL, SYSRET and SWAPGS", MUST, MUST, "SYSCALL",
	  syscalls, 0 },
	{ "fpu_host", "The host keeps its x87 and SSE", MUST, MUST, NULL,
	  fpu_host, 0 },
	{ "avx_host", "The host keeps its AVX", MUST,
	  "the hosted driver's C library uses AVX itself", NULL, avx_host, 0 },
	{ "reset", "A new VCPU is as after a reset", MUST, MUST, NULL, reset,
	  0 },
	{ "reset_vector", "A new VCPU starts at its reset vector", MUST, MUST,
	  NULL, reset_vector, 0 },
	{ "cached", "State that is set is the state that is got", MUST, MUST,
	  NULL, cached, 0 },
};

VM_CASES("state", table)
