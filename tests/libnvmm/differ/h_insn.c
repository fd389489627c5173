/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Instructions at random: a form, clothed in prefixes of every kind and order,
 * with every ModRM, SIB and displacement that its mode has.
 */

#include <string.h>

#include "h_gen.h"
#include "h_rnd.h"
#include "h_window.h"

/* Bytes in the making. */
struct writer {
	struct testcase *tc;
	unsigned n;
	bool addr_toggled;		/* 67h */
};

static void
put(struct writer *w, unsigned byte)
{

	if (w->n < CASE_BYTES)
		w->tc->bytes[w->n++] = (uint8_t)byte;
}

static bool
is_string(enum x86_op op)
{

	return op >= X86_OP_MOVS && op <= X86_OP_OUTS;
}

/* F2h or F3h, often for strings, seldom else, beside 66h to F3h never. */
static unsigned
choose_rep(const struct form *f)
{
	unsigned percent = is_string(f->op) ? 65 : 3;

	if (f->pp != 0 || f->map >= FORM_VEX1 || !rnd_percent(percent))
		return 0;
	return rnd_percent(50) ? 0xF2 : 0xF3;
}

/* The legacy prefixes of a form, in their order. Returns how many. */
static unsigned
choose_prefixes(const struct form *f, uint8_t *list)
{
	static const uint8_t segs[] = { 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65 };
	bool vex = f->map >= FORM_VEX1;
	unsigned n = 0;

	if (rnd_percent(15))
		list[n++] = 0x67;
	if (rnd_percent(25))
		list[n++] = segs[rnd_below(6)];
	if (rnd_percent(3))
		list[n++] = segs[rnd_below(6)];
	if (rnd_percent(vex ? 1 : f->pp == 0 ? 30 : 2))
		list[n++] = 0x66;
	if (rnd_percent(vex || f->pp != 0 || !f->mem ? 1 : 12))
		list[n++] = 0xF0;
	list[n] = (uint8_t)choose_rep(f);
	n += list[n] != 0;
	list[n] = vex ? 0 : form_prefix(f->pp);
	n += list[n] != 0;
	return n;
}

/* Write the prefixes in some order, then a REX if there can be one. */
static void
put_prefixes(struct writer *w, const struct form *f)
{
	uint8_t list[16];
	unsigned n = choose_prefixes(f, list), i;
	bool rex = w->tc->bits == 64;

	if (rex && rnd_percent(3))
		put(w, 0x40 | rnd_below(16));	/* to be ignored, often */
	if (rnd_percent(1))
		for (i = rnd_below(12); i > 0; i--)
			put(w, 0x3E);		/* to be too long, at times */
	for (; n > 0; n--) {
		i = rnd_below(n);
		put(w, list[i]);
		w->addr_toggled = w->addr_toggled || list[i] == 0x67;
		list[i] = list[n - 1];
	}
	if (rex && rnd_percent(f->map >= FORM_VEX1 ? 1 : 55))
		put(w, 0x40 | rnd_below(16));
}

/* The address size of the instruction, in bytes. */
static unsigned
addr_size(const struct writer *w)
{

	if (w->tc->bits == 64)
		return w->addr_toggled ? 4 : 8;
	return (w->tc->bits == 16) == w->addr_toggled ? 4 : 2;
}

/* A displacement of size bytes; its place is kept. */
static void
put_disp(struct writer *w, unsigned size)
{
	uint64_t val = rnd_percent(70) ? (uint64_t)(int64_t)(int8_t)rnd() :
	    rnd();
	unsigned i;

	w->tc->disp_at = (uint8_t)w->n;
	w->tc->disp_size = (uint8_t)size;
	for (i = 0; i < size; i++)
		put(w, (unsigned)(val >> i * 8) & 0xFF);
}

/* What follows a ModRM byte that names memory. */
static void
put_memory(struct writer *w, unsigned mod, unsigned rm)
{
	unsigned size = addr_size(w) == 2 ? 2 : 4, base = rm;

	if (size == 4 && rm == 4) {
		base = rnd_below(8);
		put(w, rnd_below(32) << 3 | base);
	}
	if (mod == 1)
		put_disp(w, 1);
	else if (mod == 2 || (mod == 0 && base == (size == 2 ? 6 : 5)))
		put_disp(w, size);
}

/* ModRM and its like, or the offset in the instruction. */
static void
put_modrm(struct writer *w, const struct form *f)
{
	unsigned reg = f->any_reg ? rnd_below(8) : f->reg, rm = rnd_below(8);
	unsigned mod = f->mem ? rnd_below(3) : 3;

	if (!f->modrm) {
		put_disp(w, addr_size(w));
		w->n = w->tc->disp_at;
		return;
	}
	put(w, mod << 6 | reg << 3 | rm);
	if (f->mem)
		put_memory(w, mod, rm);
}

void
gen_decode(struct testcase *tc)
{

	tc->error = x86_decode(&tc->insn, tc->bits, tc->bytes, CASE_BYTES);
}

void
gen_insn(struct testcase *tc, const struct form *f)
{
	struct writer w = { .tc = tc };
	unsigned rxb = tc->bits == 64 ? rnd_below(8) : 0;
	unsigned vvvv = f->vvvv ? rnd_below(tc->bits == 64 ? 16 : 8) : 0;

	rnd_bytes(tc->bytes, sizeof(tc->bytes));
	put_prefixes(&w, f);
	if (w.n > CASE_BYTES - 8)
		w.n = CASE_BYTES - 8;
	w.n += form_opcode(f, tc->bytes + w.n, rxb, vvvv);
	put_modrm(&w, f);
	if (f->op == X86_OP_MOV && !f->modrm)
		w.n += addr_size(&w);		/* no immediate, but an offset */
	gen_decode(tc);
}

void
gen_random(struct testcase *tc)
{

	rnd_bytes(tc->bytes, sizeof(tc->bytes));
	gen_decode(tc);
}
