/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Registers and memory at random, yet so that addresses mostly lie where
 * something can be seen: within the window, across its pages, in those that
 * refuse, and now and then anywhere.
 */

#include <string.h>

#include "h_gen.h"
#include "h_rnd.h"
#include "h_segs.h"
#include "h_window.h"


__extension__ typedef unsigned __int128 uint128;

#define GPR(tc, n)	((tc)->before.st.gprs[n])

/* A place in the window for an operand. */
static unsigned
choose_offset(unsigned size)
{
	unsigned dice = rnd_below(100), offset;

	if (dice < 12)			/* across a page's end, or just not */
		return (1 + rnd_below(WINDOW_PAGES - 1)) * 4096 - size - 1 +
		    rnd_below(size + 2);
	if (dice < 20)			/* in any page */
		offset = rnd_below(WINDOW_SIZE - 64);
	else				/* where all is allowed */
		offset = 4096 + 64 + rnd_below(3 * 4096 - 192);
	return rnd_percent(50) ? offset & ~63u : offset;
}

/*
 * A place at a segment's limit, the last byte within it or beyond, if that is
 * in the window.
 */
static bool
choose_limit(const struct testcase *tc, unsigned seg, unsigned size,
    unsigned *offset)
{
	const struct nvmm_x64_state_seg *s = &tc->before.st.segs[seg];
	uint32_t at = (uint32_t)(s->base + s->limit + 1 - size - WINDOW_LOW);

	if (tc->bits == 64 || !rnd_percent(30))
		return false;
	*offset = at + rnd_below(2 * size + 1) - (rnd_percent(50) ? 1 : 0);
	return *offset < WINDOW_SIZE - 64;
}

/* The base that addressing adds to an offset. */
static uint64_t
segment_base(const struct testcase *tc, unsigned seg)
{

	if (tc->bits == 64 && seg < NVMM_X64_SEG_FS)
		return 0;
	return tc->before.st.segs[seg].base;
}

/* Set the low size bytes of a register; those above are anything. */
static void
set_low(struct testcase *tc, unsigned reg, unsigned size, uint64_t val)
{

	GPR(tc, reg) = x86_cut(val, size) |
	    (size < 8 ? rnd() & ~x86_cut(UINT64_MAX, size) : 0);
}

/* Write a displacement into the instruction. */
static void
set_disp(struct testcase *tc, uint64_t val)
{

	memcpy(tc->bytes + tc->disp_at, &val, tc->disp_size);
	gen_decode(tc);
}

/* No register can be set freely: the displacement has to do it. */
static void
solve_disp(struct testcase *tc, const struct x86_mem *m, uint64_t offset)
{

	if (m->base == NVMM_X64_GPR_RIP)
		offset -= GPR(tc, NVMM_X64_GPR_RIP) + tc->insn.len;
	if (m->index != X86_NOREG) {
		set_low(tc, m->index, tc->insn.addrsize, rnd_below(256));
		offset -= GPR(tc, m->index) * m->scale;
	}
	if (tc->disp_size >= 2)
		set_disp(tc, offset);
}

/* Choose registers, or the displacement, so that seg:[m] is at lin. */
static void
solve(struct testcase *tc, const struct x86_mem *m, uint64_t lin)
{
	uint64_t offset = lin - segment_base(tc, m->seg);
	unsigned size = tc->insn.addrsize;

	if (m->base == X86_NOREG || m->base == NVMM_X64_GPR_RIP) {
		solve_disp(tc, m, offset);
		return;
	}
	offset -= (uint64_t)m->disp;
	if (m->index == m->base)
		offset = x86_cut(offset, size) / (m->scale + 1u);
	else if (m->index != X86_NOREG)
		offset -= GPR(tc, m->index) * m->scale;
	set_low(tc, m->base, size, offset);
}

/* True if the operand can be put above 4 GiB. */
static bool
can_be_high(const struct testcase *tc, const struct x86_mem *m)
{

	return tc->insn.addrsize == 8 && m->base != X86_NOREG &&
	    m->base != NVMM_X64_GPR_RIP;
}

/* Bytes at random, or something that is in the registers already. */
static void
add_patch(struct testcase *tc, unsigned offset)
{
	struct patch *p;

	if (tc->npatches == CASE_PATCHES)
		return;
	p = &tc->patches[tc->npatches++];
	p->offset = offset;
	p->len = 16 + rnd_below(CASE_PATCH - 15);
	rnd_bytes(p->bytes, sizeof(p->bytes));
	if (rnd_percent(30)) {
		memcpy(p->bytes, &GPR(tc, NVMM_X64_GPR_RAX), 8);
		memcpy(p->bytes + 8, &GPR(tc, NVMM_X64_GPR_RDX), 8);
	} else if (rnd_percent(20)) {
		memcpy(p->bytes, &GPR(tc, NVMM_X64_GPR_RAX), 4);
		memcpy(p->bytes + 4, &GPR(tc, NVMM_X64_GPR_RDX), 4);
	} else if (rnd_percent(40)) {
		uint64_t val = rnd_value();

		memcpy(p->bytes, &val, sizeof(val));
	}
}

/* Put a memory operand somewhere, with data there. */
static void
place(struct testcase *tc, const struct x86_operand *o)
{
	struct x86_mem m = o->mem;
	unsigned offset;

	if (o->kind != X86_KIND_MEM)
		return;
	if (!choose_limit(tc, m.seg, o->size, &offset))
		offset = choose_offset(o->size);
	add_patch(tc, offset);
	if (rnd_percent(3))
		return;			/* wherever it is */
	solve(tc, &m, (can_be_high(tc, &m) && rnd_percent(50) ? WINDOW_HIGH :
	    WINDOW_LOW) + offset);
}

/* What the case divides by, as far as can be told. */
static uint64_t
divisor_of(const struct testcase *tc)
{
	const struct x86_operand *o = &tc->insn.src;
	uint64_t val = 1;

	if (o->kind == X86_KIND_REG)
		return x86_reg_get(&tc->before.st, o->reg, o->size, o->shift);
	if (tc->npatches > 0)
		memcpy(&val, tc->patches[tc->npatches - 1].bytes, 8);
	return x86_cut(val, o->size);
}

/*
 * A dividend whose quotient just fits, or just does not, signed or not: a
 * quotient of choice times the divisor, and a remainder.
 */
static void
choose_dividend(struct testcase *tc)
{
	unsigned size = tc->insn.src.size, bits = size * 8;
	bool is_signed = tc->insn.op == X86_OP_IDIV;
	uint64_t d = divisor_of(tc), q = rnd_percent(50) ? rnd() :
	    (1ULL << (bits - 1)) + rnd_below(3) - 1;
	uint128 n, wide = d;

	if (is_signed)
		wide = (uint128)x86_sext(d, size);
	n = wide * (is_signed && rnd_percent(90) ?
	    (uint128)x86_sext(q, size) : x86_cut(q, size));
	if (d != 0 && rnd_percent(70))
		n += rnd() % d;
	if (size == 1) {
		set_low(tc, NVMM_X64_GPR_RAX, 2, (uint64_t)n);
		return;
	}
	set_low(tc, NVMM_X64_GPR_RAX, size, (uint64_t)n);
	set_low(tc, NVMM_X64_GPR_RDX, size, (uint64_t)(n >> bits));
}

/* The same data at both operands, as far as the shorter one goes. */
static void
equal_patches(struct testcase *tc)
{

	if (tc->npatches < 2 || !rnd_percent(50))
		return;
	memcpy(tc->patches[1].bytes, tc->patches[0].bytes, CASE_PATCH);
	if (rnd_percent(50))
		tc->patches[1].bytes[rnd_below(CASE_PATCH)] ^= 1;
}

/* A stack in the window; at times it holds an address in the code. */
static void
tame_stack(struct testcase *tc)
{
	unsigned offset = choose_offset(8);
	uint64_t sp = WINDOW_LOW + offset -
	    segment_base(tc, NVMM_X64_SEG_SS);
	uint64_t rip = GPR(tc, NVMM_X64_GPR_RIP) + rnd_below(64);

	set_low(tc, NVMM_X64_GPR_RSP, tc->bits / 8, sp);
	if (tc->insn.op == X86_OP_LEAVE)
		set_low(tc, NVMM_X64_GPR_RBP, tc->bits / 8, sp);
	if (!rnd_percent(40))
		return;
	add_patch(tc, offset);
	memcpy(tc->patches[0].bytes, &rip, sizeof(rip));
}

/* Bit offsets near, counts short. */
static void
tame(struct testcase *tc)
{
	const struct x86_insn *insn = &tc->insn;

	tame_stack(tc);
	if (insn->op >= X86_OP_BT && insn->op <= X86_OP_BTC &&
	    insn->src.kind == X86_KIND_REG && rnd_percent(95))
		set_low(tc, insn->src.reg, insn->src.size,
		    (uint64_t)rnd_below(16384) - 8192);
	if (insn->rep != 0)
		set_low(tc, NVMM_X64_GPR_RCX, insn->addrsize, rnd_below(20));
}

/* x87, MMX and vector registers; all exceptions stay masked. */
static void
choose_vectors(struct testcase *tc)
{
	struct fxsave *fpu = &tc->before.st.fpu;

	rnd_bytes(fpu->fx_xmm, sizeof(fpu->fx_xmm));
	if (native_has_avx())
		rnd_bytes(tc->before.high, sizeof(tc->before.high));
	fpu->fx_cw = 0x37F;
	fpu->fx_sw = (uint16_t)(rnd_below(8) << 11);
	fpu->fx_tw = (uint8_t)rnd();
	rnd_bytes(fpu->fx_87_ac, sizeof(fpu->fx_87_ac));
	fpu->fx_mxcsr = 0x1F80 | (uint32_t)(rnd() & 0x603F);
	fpu->fx_mxcsr_mask = native_mxcsr_mask();
}

/* All registers at random. Those who step see a trap after every item. */
static void
choose_registers(struct testcase *tc)
{
	struct nvmm_x64_state *st = &tc->before.st;
	bool steps = tc->insn.op == X86_OP_PUSHF || rnd_percent(30);
	unsigned i;

	for (i = 0; i < NVMM_X64_GPR_RIP; i++)
		st->gprs[i] = rnd_value();
	st->gprs[NVMM_X64_GPR_RFLAGS] = X86_FL_FIXED | X86_FL_IF |
	    (rnd() & X86_FL_ARITH) | (rnd_percent(30) ? X86_FL_DF : 0) |
	    (rnd_percent(5) ? X86_FL_AC : 0) | (steps ? X86_FL_TF : 0);
	choose_vectors(tc);
}

/* What 16- and 32-bit code cannot see is nothing. */
static void
narrow(struct testcase *tc)
{
	unsigned i;

	for (i = 0; i < NVMM_X64_GPR_RIP && tc->bits != 64; i++)
		GPR(tc, i) = i < 8 ? (uint32_t)GPR(tc, i) : 0;
}

void
gen_operands(struct testcase *tc)
{

	tc->code_offset = 0x200 + rnd_below(256);
	choose_registers(tc);
	segs_choose(&tc->before.st, tc->bits, tc->code_offset);
	if (tc->error == 0) {
		tame(tc);
		place(tc, &tc->insn.dst);
		if (tc->error == 0)
			place(tc, &tc->insn.src);
		equal_patches(tc);
		if ((tc->insn.op == X86_OP_DIV ||
		    tc->insn.op == X86_OP_IDIV) && rnd_percent(80))
			choose_dividend(tc);
	}
	narrow(tc);
	tc->pauses = rnd_percent(20);
	tc->swaps = rnd_percent(50);
}
