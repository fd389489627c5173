/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Moves between memory and vector registers, AMD APM vol. 4, and MXCSR. A
 * load without VEX leaves the upper half of a YMM register alone; one with it
 * clears what it does not fill.
 */

#include <errno.h>
#include <string.h>

#include "exec.h"

#define MXCSR_MASK	0x0000FFBFU	/* where FXSAVE tells none */
#define FSW_ES		0x0080		/* an exception is pending */
#define FSW_TOP		0x3800
#define FSW_TOP_SHIFT	11

/* #UD unless VEX and AVX are there: APM vol. 4, 1.3 and vol. 6, table 2. */
static bool
unit_has_avx(const struct nvmm_x64_state *st)
{

	return (st->crs[NVMM_X64_CR_CR4] & X86_CR4_OSXSAVE) != 0 &&
	    (st->crs[NVMM_X64_CR_XCR0] & X86_XCR0_AVX) == X86_XCR0_AVX;
}

/* True if the unit is not there for the guest. */
static bool
unit_missing(const struct nvmm_x64_state *st, enum x86_unit unit)
{
	bool em = (st->crs[NVMM_X64_CR_CR0] & X86_CR0_EM) != 0;

	switch (unit) {
	case X86_UNIT_VEX:
		return x86_is_real(st);
	case X86_UNIT_AVX:
		return x86_is_real(st) || !unit_has_avx(st);
	case X86_UNIT_SSE:
		return em || (st->crs[NVMM_X64_CR_CR4] & X86_CR4_OSFXSR) == 0;
	default:
		return em;
	}
}

/* True if the instruction touches upper halves of YMM registers. */
static bool
unit_wants_ymm(const struct x86_insn *insn)
{

	return insn->unit == X86_UNIT_AVX &&
	    (insn->dst.kind == X86_KIND_XMM ||
	    (insn->src.kind == X86_KIND_XMM && insn->src.size == 32));
}

int
x86_exec_unit(struct x86_exec *x)
{
	const struct nvmm_x64_state *st = x->cpu->state;
	enum x86_unit unit = x->insn->unit;

	if (unit_missing(st, unit))
		return x86_raise(x->cpu, X86_EXC_UD, 0);
	if (unit == X86_UNIT_VEX)
		return 0;
	if ((st->crs[NVMM_X64_CR_CR0] & X86_CR0_TS) != 0)
		return x86_raise(x->cpu, X86_EXC_NM, 0);
	if (unit == X86_UNIT_MMX && (st->fpu.fx_sw & FSW_ES) != 0)
		return x86_raise(x->cpu, X86_EXC_MF, 0);
	if (unit_wants_ymm(x->insn) && x->cpu->ymmh == NULL)
		return ENOTSUP;
	return 0;
}

/* Which ST(i) an MMX register is: FXSAVE counts them from the top. */
static unsigned
mmx_st(const struct fxsave *fpu, unsigned reg)
{

	return (reg - ((fpu->fx_sw & FSW_TOP) >> FSW_TOP_SHIFT)) & 7;
}

/* Any MMX instruction leaves x87 with a top of 0 and no register empty. */
static void
mmx_enter(struct x86_exec *x)
{
	struct fxsave *fpu = &x->cpu->state->fpu;
	struct fpaccfx regs[8];
	unsigned i;

	if (x->insn->unit != X86_UNIT_MMX)
		return;
	memcpy(regs, fpu->fx_87_ac, sizeof(regs));
	for (i = 0; i < 8; i++)
		fpu->fx_87_ac[i] = regs[mmx_st(fpu, i)];
	fpu->fx_sw &= (uint16_t)~FSW_TOP;
	fpu->fx_tw = 0xFF;
	x->cpu->fpu_changed = true;
}

/* The bytes of a register, at most 32. */
static void
vector_get(const struct x86_exec *x, const struct x86_operand *o,
    uint8_t bytes[32])
{
	const struct fxsave *fpu = &x->cpu->state->fpu;

	if (o->kind == X86_KIND_MMX) {
		memcpy(bytes,
		    &fpu->fx_87_ac[mmx_st(fpu, o->reg)].r.f87_mantissa, 8);
		return;
	}
	memcpy(bytes, &fpu->fx_xmm[o->reg], 16);
	if (o->size == 32)
		memcpy(bytes + 16, x->cpu->ymmh[o->reg], 16);
}

/* All of a register; bytes beyond what was loaded are 0. */
static void
vector_set(struct x86_exec *x, const struct x86_operand *o,
    const uint8_t bytes[32])
{
	struct fxsave *fpu = &x->cpu->state->fpu;

	x->cpu->fpu_changed = true;
	if (o->kind == X86_KIND_MMX) {
		mmx_enter(x);
		memcpy(&fpu->fx_87_ac[o->reg].r.f87_mantissa, bytes, 8);
		fpu->fx_87_ac[o->reg].r.f87_exp_sign = 0xFFFF;
		return;
	}
	memcpy(&fpu->fx_xmm[o->reg], bytes, 16);
	if (x->insn->unit == X86_UNIT_AVX)
		memcpy(x->cpu->ymmh[o->reg], bytes + 16, 16);
}

/* Store the low bytes of a register, or those from its middle. */
static int
vector_store(struct x86_exec *x)
{
	const struct x86_insn *insn = x->insn;
	uint8_t bytes[32];
	int error;

	vector_get(x, &insn->src, bytes);
	error = x86_exec_store_bytes(x, &insn->dst,
	    bytes + insn->src.shift / 8);
	if (error == 0)
		mmx_enter(x);
	return error;
}

/* MOVUPS, MOVSS, MOVQ and their kin, either way. */
int
x86_exec_vector(struct x86_exec *x)
{
	const struct x86_insn *insn = x->insn;
	uint8_t bytes[32];
	int error;

	if (insn->dst.kind == X86_KIND_MEM)
		return vector_store(x);
	memset(bytes, 0, sizeof(bytes));
	error = x86_exec_load_bytes(x, &insn->src, bytes);
	if (error != 0)
		return error;
	vector_set(x, &insn->dst, bytes);
	return 0;
}

/* MOVLPS, MOVHPS: the other half stays, or with VEX is the third operand's. */
int
x86_exec_half(struct x86_exec *x)
{
	const struct x86_insn *insn = x->insn;
	uint8_t bytes[32], half[8];
	int error;

	memset(bytes, 0, sizeof(bytes));
	error = x86_exec_load_bytes(x, &insn->src, half);
	if (error != 0)
		return error;
	vector_get(x, insn->third.kind != X86_KIND_NONE ? &insn->third :
	    &insn->dst, bytes);
	memcpy(bytes + insn->dst.shift / 8, half, sizeof(half));
	vector_set(x, &insn->dst, bytes);
	return 0;
}

/* Where the bytes at i of a register come from in memory. */
static unsigned
spread_from(enum x86_op op, unsigned i, unsigned size)
{

	switch (op) {
	case X86_OP_MOVDDUP:
		return (i & ~15u) | (i & 7);
	case X86_OP_MOVSLDUP:
		return i & ~4u;
	case X86_OP_MOVSHDUP:
		return i | 4;
	default:			/* BROADCAST */
		return i % size;
	}
}

/* MOVDDUP, MOVSLDUP, MOVSHDUP and broadcasts. */
int
x86_exec_spread(struct x86_exec *x)
{
	const struct x86_insn *insn = x->insn;
	unsigned i, n = insn->dst.size == 32 ? 32 : 16;
	uint8_t from[32], bytes[32];
	int error;

	memset(bytes, 0, sizeof(bytes));
	error = x86_exec_load_bytes(x, &insn->src, from);
	if (error != 0)
		return error;
	for (i = 0; i < n; i++)
		bytes[i] = from[spread_from(insn->op, i, insn->src.size)];
	vector_set(x, &insn->dst, bytes);
	return 0;
}

/* VINSERTF128: the other half is the third operand's. */
int
x86_exec_insert(struct x86_exec *x)
{
	const struct x86_insn *insn = x->insn;
	uint8_t bytes[32], half[16];
	int error;

	error = x86_exec_load_bytes(x, &insn->src, half);
	if (error != 0)
		return error;
	vector_get(x, &insn->third, bytes);
	memcpy(bytes + (insn->sel & 1) * 16, half, sizeof(half));
	vector_set(x, &insn->dst, bytes);
	return 0;
}

/* VEXTRACTF128. */
int
x86_exec_extract(struct x86_exec *x)
{
	uint8_t bytes[32];

	vector_get(x, &x->insn->src, bytes);
	return x86_exec_store_bytes(x, &x->insn->dst,
	    bytes + (x->insn->sel & 1) * 16);
}

/* Store the bytes whose mask has its top bit set, run by run. */
static int
maskmov_runs(struct x86_exec *x, gvaddr_t lin, const uint8_t *bytes,
    const uint8_t *mask)
{
	unsigned i, end, size = x->insn->dst.size;
	int error = 0;

	for (i = 0; error == 0 && i < size; i = end + 1) {
		for (end = i; end < size && (mask[end] & 0x80) != 0; end++)
			continue;
		if (end > i)
			error = x->bus->store(x->bus->arg, lin + i, bytes + i,
			    end - i);
	}
	return error;
}

/* MASKMOVQ, MASKMOVDQU: all of the operand must be there to be stored to. */
int
x86_exec_maskmov(struct x86_exec *x)
{
	const struct x86_insn *insn = x->insn;
	const struct x86_bus *bus = x->bus;
	uint8_t bytes[32], mask[32];
	gvaddr_t lin;
	int error;

	error = x86_exec_linear(x, &insn->dst, true, &lin);
	if (error == 0 && bus->probe != NULL)
		error = bus->probe(bus->arg, lin, insn->dst.size,
		    NVMM_PROT_READ | NVMM_PROT_WRITE);
	if (error != 0)
		return error;
	vector_get(x, &insn->src, bytes);
	vector_get(x, &insn->third, mask);
	error = maskmov_runs(x, lin, bytes, mask);
	if (error == 0)
		mmx_enter(x);
	return error;
}

/* LDMXCSR: #GP for bits that the CPU does not have. */
int
x86_exec_ldmxcsr(struct x86_exec *x)
{
	struct fxsave *fpu = &x->cpu->state->fpu;
	uint32_t mask = fpu->fx_mxcsr_mask;
	uint64_t val;
	int error;

	error = x86_exec_load(x, &x->insn->src, &val);
	if (error != 0)
		return error;
	if ((val & ~(uint64_t)(mask != 0 ? mask : MXCSR_MASK)) != 0)
		return x86_raise(x->cpu, X86_EXC_GP, 0);
	fpu->fx_mxcsr = (uint32_t)val;
	x->cpu->fpu_changed = true;
	return 0;
}

int
x86_exec_stmxcsr(struct x86_exec *x)
{

	return x86_exec_store(x, &x->insn->dst,
	    x->cpu->state->fpu.fx_mxcsr);
}
