/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Extended state, as a whole and in parts: what the guest has in its YMM
 * registers, what the owner puts there, and what no processor would take.
 */

#include <errno.h>
#include <string.h>

#include "h_case.h"

#define AREA	G_FREE
#define AREA2	(G_FREE + 0x400)
#define MAX	16384
#define AVX	0x4ULL
#define CR4_OSXSAVE	0x40000

/* An area of the owner's; of four bytes more, to be left alone. */
static union {
	uint8_t b[MAX + 4];
	struct fxsave fx;
} x;

/* The header's words: XSTATE_BV, XCOMP_BV, reserved. */
static void
header(unsigned i, uint64_t val)
{

	memcpy(x.b + NVMM_X64_XSTATE_BV + i * 8, &val, sizeof(val));
}

static uint64_t
bv(void)
{
	uint64_t val;

	memcpy(&val, x.b + NVMM_X64_XSTATE_BV, sizeof(val));
	return val;
}

static uint8_t *
ymmh(unsigned r)
{

	return x.b + NVMM_X64_XSTATE_YMMH + r * 16;
}

static size_t
xsize(void)
{
	struct nvmm_capability cap;

	ATF_REQUIRE_EQ(0, nvmm_capability(&cap));
	ATF_REQUIRE(cap.arch.xstate_size >= NVMM_X64_XSTATE_MIN);
	ATF_REQUIRE(cap.arch.xstate_size <= MAX);
	return cap.arch.xstate_size;
}

/* => Skips without AVX in host and guest. */
static void
need_avx(void)
{
	struct nvmm_capability cap;

	ATF_REQUIRE_EQ(0, nvmm_capability(&cap));
	if (!vm_can(NVMM_IMPL_XCR0) || (cap.arch.xcr0_mask & 7) != 7 ||
	    !__builtin_cpu_supports("avx"))
		atf_tc_skip("the host has no AVX");
}

static void
get(struct vm *vm, size_t size)
{

	memset(&x, 0xee, sizeof(x));
	ATF_REQUIRE_EQ(0, nvmm_vcpu_getxstate(&vm->mach, &vm->cpus[0].v, &x,
	    size));
	ATF_CHECK_EQ(0xee, x.b[size]);
}

static int
set(struct vm *vm, size_t size)
{

	return nvmm_vcpu_setxstate(&vm->mach, &vm->cpus[0].v, &x, size);
}

static void
use_avx(struct vm *vm)
{
	struct nvmm_x64_state *state = vm_get(vm, CRS);

	state->crs[NVMM_X64_CR_CR4] |= CR4_OSXSAVE;
	state->crs[NVMM_X64_CR_XCR0] = 7;
	vm_set(vm, CRS);
}

/* Run to #UD, and have the guest go on behind it. */
static void
ud2_next(struct vm *vm)
{
	struct vm_trap t;

	vm_trap(vm, &t);
	ATF_REQUIRE_EQ_MSG(6, t.vector, "vector %u", t.vector);
	t.rip += 2;
	vm_poke(vm, vm_reg(vm, R_RSP) + 8, &t.rip, 8);
}

/* Byte b of YMM register r, in a round. */
static uint8_t
pattern(unsigned r, unsigned b, unsigned round)
{

	return (uint8_t)(r * 32 + b + round * 0x51);
}

/* The area's registers are those of the round, or become them. */
static void
check_area(unsigned round)
{
	unsigned r, b;

	for (r = 0; r < 16; r++) {
		for (b = 0; b < 16; b++) {
			ATF_CHECK_EQ_MSG(pattern(r, b, round),
			    x.fx.fx_xmm[r].xmm_bytes[b], "XMM%u", r);
			ATF_CHECK_EQ_MSG(pattern(r, 16 + b, round),
			    ymmh(r)[b], "YMM%u", r);
		}
	}
}

static void
fill_area(unsigned round)
{
	unsigned r, b;

	for (r = 0; r < 16; r++) {
		for (b = 0; b < 16; b++) {
			x.fx.fx_xmm[r].xmm_bytes[b] = pattern(r, b, round);
			ymmh(r)[b] = pattern(r, 16 + b, round);
		}
	}
}

static void
fill_memory(uint8_t *p, unsigned round)
{
	unsigned i;

	for (i = 0; i < 16 * 32; i++)
		p[i] = pattern(i / 32, i % 32, round);
}

static void
check_memory(const uint8_t *p, unsigned round)
{
	unsigned i;

	for (i = 0; i < 16 * 32; i++)
		ATF_CHECK_EQ_MSG(pattern(i / 32, i % 32, round), p[i],
		    "YMM%u, byte %u", i / 32, i % 32);
}

/* Both ways: set by the owner and seen by the guest, and the reverse. */
static void
ymm(struct vm *vm)
{

	need_avx();
	VM_START(vm, VM_USER64, g_ymm);
	use_avx(vm);
	get(vm, xsize());
	ATF_CHECK_EQ(7, bv() & 7);
	fill_area(1);
	ATF_REQUIRE_EQ(0, set(vm, xsize()));
	fill_memory(vm->ram + AREA2, 2);
	ud2_next(vm);
	check_memory(vm->ram + AREA, 1);
	ud2_next(vm);
	get(vm, xsize());
	check_area(2);
}

/* An area as short as AVX needs is enough for it. */
static void
ymm_short(struct vm *vm)
{

	need_avx();
	VM_START(vm, VM_USER64, g_ymm);
	use_avx(vm);
	get(vm, NVMM_X64_XSTATE_AVX);
	ATF_CHECK_EQ(7, bv());
	fill_area(3);
	ATF_REQUIRE_EQ(0, set(vm, NVMM_X64_XSTATE_AVX));
	ud2_next(vm);
	check_memory(vm->ram + AREA, 3);
	/* One shorter yet leaves AVX alone. */
	get(vm, NVMM_X64_XSTATE_AVX - 1);
	ATF_CHECK_EQ(3, bv());
	ATF_REQUIRE_EQ(0, set(vm, NVMM_X64_XSTATE_AVX - 1));
	get(vm, NVMM_X64_XSTATE_AVX);
	check_area(3);
}

/* Registers that the processor did not bother to save are zero. */
static void
ymm_initial(struct vm *vm)
{
	unsigned i;

	need_avx();
	VM_START(vm, VM_USER64, g_ymm_zero);
	use_avx(vm);
	get(vm, xsize());
	fill_area(1);
	ATF_REQUIRE_EQ(0, set(vm, xsize()));
	ud2_next(vm);
	get(vm, xsize());
	ATF_CHECK_EQ(7, bv() & 7);
	for (i = 0; i < 256; i++)
		ATF_CHECK_EQ(0, ymmh(0)[i]);
	VM_CHECK_EQ(0, x.fx.fx_xmm[0].xmm_bytes[0]);
}

/* A part that an area says is not there becomes initial in the guest. */
static void
ymm_absent(struct vm *vm)
{
	unsigned i, b;

	need_avx();
	VM_START(vm, VM_USER64, g_ymm);
	use_avx(vm);
	get(vm, xsize());
	fill_area(1);
	ATF_REQUIRE_EQ(0, set(vm, xsize()));
	header(0, bv() & ~AVX);
	ATF_REQUIRE_EQ(0, set(vm, xsize()));
	ud2_next(vm);
	for (i = 0; i < 16; i++) {
		for (b = 0; b < 32; b++)
			ATF_CHECK_EQ(b < 16 ? pattern(i, b, 1) : 0,
			    vm->ram[AREA + i * 32 + b]);
	}
}

/* The FPU's group of state and the area show the same registers. */
static void
fpu_group(struct vm *vm)
{
	struct nvmm_x64_state *state;
	uint32_t mxcsr = 0x9fc0;

	VM_START(vm, VM_USER64, g_mxcsr);
	state = vm_get(vm, FPU);
	state->fpu.fx_mxcsr = mxcsr;
	state->fpu.fx_xmm[15].xmm_bytes[15] = 0x99;
	vm_set(vm, FPU);
	get(vm, NVMM_X64_XSTATE_MIN);
	VM_CHECK_EQ(mxcsr, x.fx.fx_mxcsr);
	ATF_CHECK_EQ(0x99, x.fx.fx_xmm[15].xmm_bytes[15]);
	x.fx.fx_mxcsr = mxcsr = 0x1fa5;
	x.fx.fx_xmm[0].xmm_bytes[0] = 0x66;
	ATF_REQUIRE_EQ(0, set(vm, NVMM_X64_XSTATE_MIN));
	state = vm_get(vm, FPU);
	VM_CHECK_EQ(mxcsr, state->fpu.fx_mxcsr);
	ATF_CHECK_EQ(0x66, state->fpu.fx_xmm[0].xmm_bytes[0]);
	ud2_next(vm);
	VM_CHECK_EQ(mxcsr, vm_peek(vm, AREA, 4));
}

#define REFUSED(size)							\
	do {								\
		errno = 0;						\
		ATF_CHECK_EQ(-1, set(vm, size));			\
		ATF_CHECK_EQ(EINVAL, errno);				\
	} while (0)

/* What would be #GP in the host reaches no host; the guest stays as it was. */
static void
refused(struct vm *vm)
{
	struct nvmm_capability cap;
	uint64_t all;
	size_t size = xsize();

	ATF_REQUIRE_EQ(0, nvmm_capability(&cap));
	VM_START(vm, VM_USER64, g_mxcsr);
	get(vm, size);
	all = bv();
	x.fx.fx_mxcsr = ~cap.arch.mxcsr_mask & 0x80000000;
	REFUSED(size);
	x.fx.fx_mxcsr = 0x1fa0;
	header(0, all | 1ULL << 62);
	REFUSED(size);
	header(0, 1ULL << 63);
	REFUSED(size);
	header(0, all);
	header(1, 1ULL << 63 | all);
	REFUSED(size);
	header(1, 0);
	header(7, 1);
	REFUSED(size);
	header(7, 0);
	REFUSED(NVMM_X64_XSTATE_MIN - 1);
	REFUSED(MAX + 1);
	ud2_next(vm);
	VM_CHECK_EQ(0x1f80, vm_peek(vm, AREA, 4));
	ATF_CHECK_EQ(0, set(vm, size));
}

/* A machine saved and brought back in another VCPU's registers. */
static void
moved(struct vm *vm)
{

	need_avx();
	VM_START(vm, VM_USER64, g_ymm);
	use_avx(vm);
	get(vm, xsize());
	fill_area(4);
	ATF_REQUIRE_EQ(0, set(vm, xsize()));
	get(vm, xsize());
	ATF_REQUIRE_EQ(0, nvmm_vcpu_setxstate(&vm->mach, &vm->cpus[1].v, &x,
	    xsize()));
	memset(&x, 0, sizeof(x));
	ATF_REQUIRE_EQ(0, nvmm_vcpu_getxstate(&vm->mach, &vm->cpus[1].v, &x,
	    xsize()));
	check_area(4);
}

static const struct vm_case table[] = {
	{ "ymm", "YMM registers, both ways", MUST, MUST, NULL, ymm, 0 },
	{ "ymm_short", "An area of AVX and no more", MUST, MUST, NULL,
	  ymm_short, 0 },
	{ "ymm_initial", "YMM registers that the guest has cleared", MUST,
	  MUST, NULL, ymm_initial, 0 },
	{ "ymm_absent", "An area without AVX clears it", MUST, MUST, NULL,
	  ymm_absent, 0 },
	{ "fpu_group", "One set of registers, seen in two ways", MUST, MUST,
	  NULL, fpu_group, 0 },
	{ "refused", "Areas that XRSTOR would not take", MUST, MUST, NULL,
	  refused, 0 },
	{ "moved", "One VCPU's registers in another", MUST, MUST, NULL, moved,
	  2 },
};

VM_CASES("xstate", table)
