/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The search for forms: each opcode of each map with each prefix that can be
 * part of it, ModRM.reg and kind of operand.
 */

#include <string.h>

#include "h_forms.h"

/* A search. */
struct search {
	struct form *forms;
	size_t n;
	unsigned bits;
};

/* What the decoder says of one try. */
struct answer {
	bool taken;
	struct x86_insn insn;
};

uint8_t
form_prefix(unsigned pp)
{
	static const uint8_t prefixes[4] = { 0, 0x66, 0xF3, 0xF2 };

	return prefixes[pp];
}

/* The escape bytes of a legacy map. */
static size_t
opcode_legacy(const struct form *f, uint8_t *buf)
{
	size_t n = 0;

	if (f->map != FORM_1)
		buf[n++] = 0x0F;
	if (f->map == FORM_0F38)
		buf[n++] = 0x38;
	if (f->map == FORM_0F3A)
		buf[n++] = 0x3A;
	buf[n++] = f->opcode;
	return n;
}

size_t
form_opcode(const struct form *f, uint8_t *buf, unsigned rxb, unsigned vvvv)
{
	uint8_t tail = (uint8_t)((~vvvv & 0xF) << 3 | (f->vex_l ? 4 : 0) |
	    f->pp);

	if (f->map < FORM_VEX1)
		return opcode_legacy(f, buf);
	if (f->map == FORM_VEX1 && !f->vex_w && (rxb & 3) == 0) {
		buf[0] = 0xC5;
		buf[1] = tail | ((rxb & 4) != 0 ? 0 : 0x80);
		buf[2] = f->opcode;
		return 3;
	}
	buf[0] = 0xC4;
	buf[1] = (uint8_t)((~rxb & 7) << 5 | (f->map - FORM_VEX1 + 1u));
	buf[2] = tail | (f->vex_w ? 0x80 : 0);
	buf[3] = f->opcode;
	return 4;
}

/* Ask the decoder about a form; the ModRM byte is there in any case. */
static struct answer
ask(const struct search *s, const struct form *f, unsigned vvvv)
{
	uint8_t buf[32] = { 0 };
	struct answer a;
	size_t n = 0;

	if (f->map < FORM_VEX1 && f->pp != 0)
		buf[n++] = form_prefix(f->pp);
	n += form_opcode(f, buf + n, 0, vvvv);
	buf[n] = (uint8_t)((f->mem ? 0x01 : 0xC1) | f->reg << 3);
	a.taken = x86_decode(&a.insn, s->bits, buf, X86_INSN_MAX) == 0;
	return a;
}

/* True if two operands are the same but for an immediate's value. */
static bool
same_operand(const struct x86_operand *a, const struct x86_operand *b)
{

	return a->kind == b->kind && a->reg == b->reg &&
	    a->mem.base == b->mem.base && a->mem.index == b->mem.index;
}

/* True if the byte after the opcode is none of ModRM. */
static bool
no_modrm(const struct search *s, struct form f)
{
	struct answer a, b;

	f.mem = true;
	a = ask(s, &f, 0);
	f.mem = false;
	b = ask(s, &f, 0);
	return a.taken && b.taken && same_operand(&a.insn.dst, &b.insn.dst) &&
	    same_operand(&a.insn.src, &b.insn.src) &&
	    same_operand(&a.insn.third, &b.insn.third);
}

/* True if the opcode's prefix is part of it: for vector registers, MXCSR. */
static bool
is_vector(const struct x86_insn *insn)
{

	return insn->unit == X86_UNIT_SSE || insn->unit == X86_UNIT_MMX;
}

/* True if the form is another one only by a prefix that is no part of it. */
static bool
prefix_is_free(const struct search *s, struct form f, enum x86_op op)
{
	struct answer plain;

	if (f.map >= FORM_VEX1 || f.pp == 0)
		return false;
	f.pp = 0;
	plain = ask(s, &f, 0);
	return plain.taken && plain.insn.op == op && !is_vector(&plain.insn);
}

/* Keep a form. */
static void
keep(struct search *s, struct form f, const struct answer *a)
{

	if (s->n == FORMS_MAX || prefix_is_free(s, f, a->insn.op))
		return;
	f.op = a->insn.op;
	f.vvvv = f.map >= FORM_VEX1 && ask(s, &f, 5).taken;
	s->forms[s->n++] = f;
}

/* The forms of an opcode by ModRM.reg: one if all are alike. */
static void
search_regs(struct search *s, struct form f)
{
	struct answer answers[8];
	bool alike = true;

	for (f.reg = 0; f.reg < 8; f.reg++) {
		answers[f.reg] = ask(s, &f, 0);
		if (!answers[f.reg].taken ||
		    answers[f.reg].insn.op != answers[0].insn.op)
			alike = false;
	}
	f.any_reg = alike;
	f.reg = 0;
	if (alike) {
		keep(s, f, &answers[0]);
		return;
	}
	for (; f.reg < 8; f.reg++) {
		if (answers[f.reg].taken)
			keep(s, f, &answers[f.reg]);
	}
}

/* The forms of an opcode under one prefix: with memory, with registers. */
static void
search_kinds(struct search *s, struct form f)
{

	f.modrm = !no_modrm(s, f);
	f.mem = true;
	search_regs(s, f);
	f.mem = false;
	if (f.modrm)
		search_regs(s, f);
}

/* True for bytes that are no opcodes of their map but lead elsewhere. */
static bool
is_escape(const struct search *s, unsigned map, unsigned byte)
{
	static const uint8_t bytes[] = { 0x0F, 0x26, 0x2E, 0x36, 0x3E, 0x64,
	    0x65, 0x66, 0x67, 0xC4, 0xC5, 0xF0, 0xF2, 0xF3 };

	if (map == FORM_0F)
		return byte == 0x38 || byte == 0x3A;
	if (map != FORM_1)
		return false;
	return memchr(bytes, (int)byte, sizeof(bytes)) != NULL ||
	    (s->bits == 64 && (byte & 0xF0) == 0x40);
}

/* All of a map. */
static void
search_map(struct search *s, unsigned map)
{
	unsigned n = map >= FORM_VEX1 ? 16 : 4, opcode, i;
	struct form f;

	for (opcode = 0; opcode < 256; opcode++) {
		if (is_escape(s, map, opcode))
			continue;
		for (i = 0; i < n; i++) {
			memset(&f, 0, sizeof(f));
			f.map = (uint8_t)map;
			f.opcode = (uint8_t)opcode;
			f.pp = i & 3;
			f.vex_l = (i & 4) != 0;
			f.vex_w = (i & 8) != 0;
			search_kinds(s, f);
		}
	}
}

size_t
forms_find(struct form *forms, unsigned bits)
{
	struct search s = { .forms = forms, .bits = bits };
	unsigned map;

	for (map = 0; map < FORM_NMAPS; map++)
		search_map(&s, map);
	return s.n;
}
