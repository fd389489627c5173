/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The executor against the processor: instructions generated with operands at
 * random run natively on ordinary memory and through decoder and executor on a
 * copy; registers, flags and memory must agree. Everything lies below 2 GiB,
 * so that the stub reaches it by absolute addresses.
 */

#include <sys/mman.h>

#include <atf-c.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x86.h"

#define DATA_SIZE	4096
#define MIDDLE		2048

/* What the stub loads and leaves; RSP's slot is not used. */
struct area {
	uint64_t in[16];
	uint64_t in_flags;
	uint64_t out[16];
	uint64_t out_flags;
	uint64_t host_rsp;
	uint8_t xmm_in[16], xmm_out[16];	/* xmm3 */
	uint8_t data[DATA_SIZE];
};

/* A template: bytes, and which flags it leaves undefined. */
struct tmpl {
	const char *name;
	uint8_t bytes[12];
	uint8_t len;
	uint8_t imm;			/* bytes of immediate to append */
	bool lock;			/* may carry LOCK */
	bool rep;			/* 1: REP variants as well */
	uint8_t prefix;			/* part of the opcode, or 0 */
	uint64_t undefined;
};

#define AF	X86_FL_AF
#define BTU	(X86_FL_OF | X86_FL_SF | X86_FL_AF | X86_FL_PF)
#define T(n, l, i, lk, rp, u, ...)					\
	{ .name = n, .bytes = { __VA_ARGS__ }, .len = l, .imm = i,	\
	  .lock = lk, .rep = rp, .undefined = u }
#define TP(n, pfx, l, u, ...)						\
	{ .name = n, .bytes = { __VA_ARGS__ }, .len = l, .prefix = pfx,	\
	  .undefined = u }
/* Of the flags of shifts by more than 1, OF is undefined too. */
#define SHIFT(n, r)							\
	T(n " m8,i", 2, 1, false, false, SHU, 0xC0, (r) << 3),		\
	T(n " m,i", 2, 1, false, false, SHU, 0xC1, (r) << 3),		\
	T(n " m8,1", 2, 0, false, false, AF, 0xD0, (r) << 3),		\
	T(n " m,1", 2, 0, false, false, AF, 0xD1, (r) << 3),		\
	T(n " m8,cl", 2, 0, false, false, SHU, 0xD2, (r) << 3),	\
	T(n " m,cl", 2, 0, false, false, SHU, 0xD3, (r) << 3)
#define SHU	(X86_FL_OF | X86_FL_AF)
#define MULU	(X86_FL_SF | X86_FL_ZF | X86_FL_AF | X86_FL_PF)
#define BSU	(X86_FL_ARITH & ~X86_FL_ZF)
#define CNTU	(X86_FL_ARITH & ~(X86_FL_ZF | X86_FL_CF))
/* ModRM with a zero mod is completed by a random memory form. */
#define ALU(n, b, lk, u)						\
	T(n " m8,r8", 2, 0, lk, false, u, (b) + 0, 0x08),		\
	T(n " m,r", 2, 0, lk, false, u, (b) + 1, 0x10),		\
	T(n " r8,m8", 2, 0, false, false, u, (b) + 2, 0x28),		\
	T(n " r,m", 2, 0, false, false, u, (b) + 3, 0x08)
#define IMM(n, r, lk, u)						\
	T(n " m8,i8", 2, 1, lk, false, u, 0x80, (r) << 3),		\
	T(n " m,i", 2, 4, lk, false, u, 0x81, (r) << 3),		\
	T(n " m,i8", 2, 1, lk, false, u, 0x83, (r) << 3)

static const struct tmpl tmpls[] = {
	ALU("add", 0x00, true, 0), ALU("or", 0x08, true, AF),
	ALU("adc", 0x10, true, 0), ALU("sbb", 0x18, true, 0),
	ALU("and", 0x20, true, AF), ALU("sub", 0x28, true, 0),
	ALU("xor", 0x30, true, AF), ALU("cmp", 0x38, false, 0),
	IMM("add", 0, true, 0), IMM("or", 1, true, AF), IMM("adc", 2, true, 0),
	IMM("sbb", 3, true, 0), IMM("and", 4, true, AF), IMM("sub", 5, true, 0),
	IMM("xor", 6, true, AF), IMM("cmp", 7, false, 0),
	T("movsxd", 2, 0, false, false, 0, 0x63, 0x10),
	T("test m8,r8", 2, 0, false, false, AF, 0x84, 0x18),
	T("test m,r", 2, 0, false, false, AF, 0x85, 0x30),
	T("xchg m8,r8", 2, 0, true, false, 0, 0x86, 0x28),
	T("xchg m,r", 2, 0, true, false, 0, 0x87, 0x10),
	T("mov m8,r8", 2, 0, false, false, 0, 0x88, 0x30),
	T("mov m,r", 2, 0, false, false, 0, 0x89, 0x08),
	T("mov r8,m8", 2, 0, false, false, 0, 0x8A, 0x38),
	T("mov r,m", 2, 0, false, false, 0, 0x8B, 0x10),
	T("mov m8,i", 2, 1, false, false, 0, 0xC6, 0x00),
	T("mov m,i", 2, 4, false, false, 0, 0xC7, 0x00),
	T("test m8,i", 2, 1, false, false, AF, 0xF6, 0x00),
	T("not m8", 2, 0, true, false, 0, 0xF6, 0x10),
	T("neg m8", 2, 0, true, false, 0, 0xF6, 0x18),
	T("test m,i", 2, 4, false, false, AF, 0xF7, 0x00),
	T("not m", 2, 0, true, false, 0, 0xF7, 0x10),
	T("neg m", 2, 0, true, false, 0, 0xF7, 0x18),
	T("inc m8", 2, 0, true, false, 0, 0xFE, 0x00),
	T("dec m8", 2, 0, true, false, 0, 0xFE, 0x08),
	T("inc m", 2, 0, true, false, 0, 0xFF, 0x00),
	T("dec m", 2, 0, true, false, 0, 0xFF, 0x08),
	T("cmovo", 3, 0, false, false, 0, 0x0F, 0x40, 0x10),
	T("cmovc", 3, 0, false, false, 0, 0x0F, 0x42, 0x10),
	T("cmovnz", 3, 0, false, false, 0, 0x0F, 0x45, 0x10),
	T("cmovbe", 3, 0, false, false, 0, 0x0F, 0x46, 0x10),
	T("cmovns", 3, 0, false, false, 0, 0x0F, 0x49, 0x10),
	T("cmovp", 3, 0, false, false, 0, 0x0F, 0x4A, 0x10),
	T("cmovl", 3, 0, false, false, 0, 0x0F, 0x4C, 0x10),
	T("cmovg", 3, 0, false, false, 0, 0x0F, 0x4F, 0x10),
	T("setno", 3, 0, false, false, 0, 0x0F, 0x91, 0x00),
	T("setnc", 3, 0, false, false, 0, 0x0F, 0x93, 0x00),
	T("setz", 3, 0, false, false, 0, 0x0F, 0x94, 0x00),
	T("seta", 3, 0, false, false, 0, 0x0F, 0x97, 0x00),
	T("sets", 3, 0, false, false, 0, 0x0F, 0x98, 0x00),
	T("setnp", 3, 0, false, false, 0, 0x0F, 0x9B, 0x00),
	T("setge", 3, 0, false, false, 0, 0x0F, 0x9D, 0x00),
	T("setle", 3, 0, false, false, 0, 0x0F, 0x9E, 0x00),
	T("bt m,i", 3, 1, false, false, BTU, 0x0F, 0xBA, 0x20),
	T("bts m,i", 3, 1, true, false, BTU, 0x0F, 0xBA, 0x28),
	T("btr m,i", 3, 1, true, false, BTU, 0x0F, 0xBA, 0x30),
	T("btc m,i", 3, 1, true, false, BTU, 0x0F, 0xBA, 0x38),
	T("bt m,r", 3, 0, false, false, BTU, 0x0F, 0xA3, 0x10),
	T("bts m,r", 3, 0, true, false, BTU, 0x0F, 0xAB, 0x10),
	T("btr m,r", 3, 0, true, false, BTU, 0x0F, 0xB3, 0x10),
	T("btc m,r", 3, 0, true, false, BTU, 0x0F, 0xBB, 0x10),
	T("cmpxchg m8", 3, 0, true, false, 0, 0x0F, 0xB0, 0x10),
	T("cmpxchg m", 3, 0, true, false, 0, 0x0F, 0xB1, 0x10),
	T("movzx r,m8", 3, 0, false, false, 0, 0x0F, 0xB6, 0x10),
	T("movzx r,m16", 3, 0, false, false, 0, 0x0F, 0xB7, 0x10),
	T("movsx r,m8", 3, 0, false, false, 0, 0x0F, 0xBE, 0x10),
	T("movsx r,m16", 3, 0, false, false, 0, 0x0F, 0xBF, 0x10),
	T("xadd m8", 3, 0, true, false, 0, 0x0F, 0xC0, 0x10),
	T("xadd m", 3, 0, true, false, 0, 0x0F, 0xC1, 0x10),
	T("movnti", 3, 0, false, false, 0, 0x0F, 0xC3, 0x10),
	T("cmpxchg8b", 3, 0, true, false, 0, 0x0F, 0xC7, 0x08),
	T("movsb", 1, 0, false, true, 0, 0xA4),
	T("movs", 1, 0, false, true, 0, 0xA5),
	T("cmpsb", 1, 0, false, true, 0, 0xA6),
	T("cmps", 1, 0, false, true, 0, 0xA7),
	T("stosb", 1, 0, false, true, 0, 0xAA),
	T("stos", 1, 0, false, true, 0, 0xAB),
	T("lodsb", 1, 0, false, true, 0, 0xAC),
	T("lods", 1, 0, false, true, 0, 0xAD),
	T("scasb", 1, 0, false, true, 0, 0xAE),
	T("scas", 1, 0, false, true, 0, 0xAF),
	SHIFT("rol", 0), SHIFT("ror", 1), SHIFT("rcl", 2), SHIFT("rcr", 3),
	SHIFT("shl", 4), SHIFT("shr", 5), SHIFT("sal", 6), SHIFT("sar", 7),
	T("shld i", 3, 1, false, false, SHU, 0x0F, 0xA4, 0x10),
	T("shld cl", 3, 0, false, false, SHU, 0x0F, 0xA5, 0x10),
	T("shrd i", 3, 1, false, false, SHU, 0x0F, 0xAC, 0x10),
	T("shrd cl", 3, 0, false, false, SHU, 0x0F, 0xAD, 0x10),
	T("imul r,m,i", 2, 4, false, false, MULU, 0x69, 0x10),
	T("imul r,m,i8", 2, 1, false, false, MULU, 0x6B, 0x10),
	T("imul r,m", 3, 0, false, false, MULU, 0x0F, 0xAF, 0x10),
	T("mul m8", 2, 0, false, false, MULU, 0xF6, 0x20),
	T("mul m", 2, 0, false, false, MULU, 0xF7, 0x20),
	T("imul m8", 2, 0, false, false, MULU, 0xF6, 0x28),
	T("imul m", 2, 0, false, false, MULU, 0xF7, 0x28),
	T("bsf", 3, 0, false, false, BSU, 0x0F, 0xBC, 0x10),
	T("bsr", 3, 0, false, false, BSU, 0x0F, 0xBD, 0x10),
	TP("tzcnt", 0xF3, 3, CNTU, 0x0F, 0xBC, 0x10),
	TP("lzcnt", 0xF3, 3, CNTU, 0x0F, 0xBD, 0x10),
	TP("popcnt", 0xF3, 3, 0, 0x0F, 0xB8, 0x10),
	TP("crc32 m8", 0xF2, 4, 0, 0x0F, 0x38, 0xF0, 0x10),
	TP("crc32 m", 0xF2, 4, 0, 0x0F, 0x38, 0xF1, 0x10),
	T("movups", 3, 0, false, false, 0, 0x0F, 0x10, 0x18),
	T("movups st", 3, 0, false, false, 0, 0x0F, 0x11, 0x18),
};

#define NTMPLS	(sizeof(tmpls) / sizeof(tmpls[0]))

static struct area *area;		/* below 2 GiB */
static uint8_t *code;			/* likewise */
static uint64_t seed;

static uint64_t
rnd(void)
{

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* A value with interesting ones among them. */
static uint64_t
rnd_value(void)
{
	static const uint64_t edges[] = { 0, 1, 0x7F, 0x80, 0xFF, 0x7FFF,
	    0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
	    0x7FFFFFFFFFFFFFFF, 0x8000000000000000, UINT64_MAX };

	if (rnd() % 3 == 0)
		return edges[rnd() % (sizeof(edges) / sizeof(edges[0]))];
	return rnd();
}

static uint8_t *
put(uint8_t *p, const void *bytes, size_t n)
{

	memcpy(p, bytes, n);
	return p + n;
}

/* op r64, [absolute]: 8B loads, 89 stores. */
static uint8_t *
put_mov(uint8_t *p, uint8_t op, unsigned reg, const void *where)
{
	uint8_t head[4] = { (uint8_t)(0x48 | (reg >= 8 ? 4 : 0)), op,
	    (uint8_t)(0x04 | (reg & 7) << 3), 0x25 };
	uint32_t addr = (uint32_t)(uintptr_t)where;

	p = put(p, head, sizeof(head));
	return put(p, &addr, sizeof(addr));
}

/* A one-register opcode with an absolute operand: FF /6, 8F /0, 0F 10/11. */
static uint8_t *
put_abs(uint8_t *p, const uint8_t *op, size_t n, unsigned reg,
    const void *where)
{
	uint8_t tail[2] = { (uint8_t)(0x04 | reg << 3), 0x25 };
	uint32_t addr = (uint32_t)(uintptr_t)where;

	p = put(p, op, n);
	p = put(p, tail, sizeof(tail));
	return put(p, &addr, sizeof(addr));
}

/* The stub: load everything, the instruction, save everything. */
static void
make_stub(const uint8_t *insn, size_t len)
{
	static const uint8_t save[] = { 0x53, 0x55, 0x41, 0x54, 0x41, 0x55,
	    0x41, 0x56, 0x41, 0x57, 0x9C };
	static const uint8_t restore[] = { 0x9D, 0x41, 0x5F, 0x41, 0x5E, 0x41,
	    0x5D, 0x41, 0x5C, 0x5D, 0x5B, 0xC3 };
	static const uint8_t push[] = { 0xFF }, pop[] = { 0x8F };
	static const uint8_t popf[] = { 0x9D }, pushf[] = { 0x9C };
	static const uint8_t ld[] = { 0x0F, 0x10 }, st[] = { 0x0F, 0x11 };
	uint8_t *p = code;
	unsigned i;

	p = put(p, save, sizeof(save));
	p = put_mov(p, 0x89, 4, &area->host_rsp);
	p = put_abs(p, ld, 2, 3, area->xmm_in);
	p = put_abs(p, push, 1, 6, &area->in_flags);
	p = put(p, popf, 1);
	for (i = 0; i < 16; i++) {
		if (i != 4)
			p = put_mov(p, 0x8B, i, &area->in[i]);
	}
	p = put(p, insn, len);
	for (i = 0; i < 16; i++) {
		if (i != 4)
			p = put_mov(p, 0x89, i, &area->out[i]);
	}
	p = put_mov(p, 0x8B, 4, &area->host_rsp);
	p = put(p, pushf, 1);
	p = put_abs(p, pop, 1, 0, &area->out_flags);
	p = put_abs(p, st, 2, 3, area->xmm_out);
	(void)put(p, restore, sizeof(restore));
}

/* The executor's memory: a copy of the area's data, at the same address. */
static uint8_t copy[DATA_SIZE];

static uint8_t *
copy_at(gvaddr_t lin, size_t size)
{
	uint64_t off = lin - (uintptr_t)area->data;

	return off > DATA_SIZE - size ? NULL : copy + off;
}

static int
copy_load(void *arg, gvaddr_t lin, void *buf, size_t size, nvmm_prot_t prot)
{
	uint8_t *p = copy_at(lin, size);

	(void)arg;
	(void)prot;
	if (p == NULL)
		return ENXIO;
	memcpy(buf, p, size);
	return 0;
}

static int
copy_store(void *arg, gvaddr_t lin, const void *buf, size_t size)
{
	uint8_t *p = copy_at(lin, size);

	(void)arg;
	if (p == NULL)
		return ENXIO;
	memcpy(p, buf, size);
	return 0;
}

static bool
copy_pause(void *arg)
{

	(void)arg;
	return false;
}

static const struct x86_bus copy_bus = {
	.load = copy_load, .store = copy_store, .pause = copy_pause,
};

/* Registers and memory, at random, memory twice so that compares meet. */
static void
make_operands(void)
{
	unsigned i;

	for (i = 0; i < 16; i++)
		area->in[i] = rnd_value();
	for (i = 0; i < DATA_SIZE; i++)
		area->data[i] = rnd() % 4 == 0 ? 0 : (uint8_t)(rnd() % 3);
	for (i = 0; i < 64; i += 8) {
		uint64_t val = rnd() % 4 == 0 ? area->in[0] : rnd_value();

		memcpy(area->data + MIDDLE + i, &val, 8);
	}
	for (i = 0; i < 16; i++)
		area->xmm_in[i] = (uint8_t)rnd();
	area->in_flags = 0x202 | (rnd() & X86_FL_ARITH) |
	    (rnd() % 2 ? X86_FL_DF : 0);
}

/* A memory form whose address is the middle of the data; ModRM has its reg. */
static uint8_t *
put_form(uint8_t *p, uint8_t modrm, uint8_t rex, bool addr32)
{
	uint64_t target = (uintptr_t)area->data + MIDDLE, disp;
	unsigned base = 3 + (rnd() % 2 ? 4 : 0);	/* rbx, rdi */
	uint8_t form = (uint8_t)(rnd() % 4), b = rex & 1 ? 8 : 0;
	uint8_t x = rex & 2 ? 8 : 0;
	int8_t d8 = (int8_t)rnd();
	int32_t d32 = (int32_t)(rnd() % 0x10000);
	uint64_t high = addr32 ? rnd() << 32 : 0;

	switch (form) {
	case 0:					/* [base] */
		area->in[base | b] = target | high;
		*p++ = (uint8_t)(modrm | base);
		return p;
	case 1:					/* [base + disp8] */
		area->in[base | b] = (target - (uint64_t)(int64_t)d8) | high;
		*p++ = (uint8_t)(modrm | 0x40 | base);
		*p++ = (uint8_t)d8;
		return p;
	case 2:					/* [base + rsi * 4 + disp32] */
		area->in[6 | x] = rnd() % 0x1000;
		disp = area->in[6 | x] * 4 + (uint64_t)(int64_t)d32;
		area->in[base | b] = (target - disp);
		*p++ = (uint8_t)(modrm | 0x84);
		*p++ = (uint8_t)(0x80 | 6 << 3 | base);
		return put(p, &d32, 4);
	default:				/* [disp32] */
		d32 = (int32_t)target;
		*p++ = (uint8_t)(modrm | 0x04);
		*p++ = (uint8_t)((x ? 0x20 : 0x20) | 5);
		if (x)		/* index r12 is one: make it nothing */
			area->in[12] = 0;
		return put(p, &d32, 4);
	}
}

/* A bit offset that stays within the data. */
static void
tame_bit_register(const struct tmpl *t, uint8_t rex, bool opsize)
{
	unsigned reg = 2 | (rex & 4 ? 8 : 0);

	if (t->len != 3 || t->bytes[1] == 0xBA || t->undefined != BTU)
		return;
	area->in[reg] = rnd() % 8192 - 4096;
	if (opsize && !(rex & 8))
		area->in[reg] = (area->in[reg] & 0xFFFF) | rnd() << 16;
	else if (!(rex & 8))
		area->in[reg] = (uint32_t)area->in[reg] | rnd() << 32;
}

/* Index and count registers for a string within the data. */
static void
tame_string(uint8_t rep)
{
	uint64_t target = (uintptr_t)area->data;

	area->in[6] = target + 1000 + rnd() % 16;
	area->in[7] = target + 3000 + rnd() % 16;
	area->in[1] = rep != 0 ? rnd() % 20 : rnd();
	if (rnd() % 2)
		memcpy(area->data + 900, area->data + 2900, 300);
	if (rnd() % 2)
		memset(area->data + 2900, 0, 300);
}

/* One instruction of the template. Returns its length. */
static size_t
make_insn(const struct tmpl *t, uint8_t *buf)
{
	bool opsize = rnd() % 4 == 0, addr32 = rnd() % 8 == 0;
	uint8_t rex = (uint8_t)(rnd() & 0xF), rep = 0, *p = buf;
	bool vector = t->bytes[0] == 0x0F && (t->bytes[1] & 0xFE) == 0x10;
	bool use_rex = rnd() % 2;
	uint64_t imm = rnd();

	if (vector)
		opsize = false;
	if (t->bytes[1] == 0xC3 && t->len == 3)
		opsize = false;
	if (t->bytes[0] == 0x0F && (t->bytes[1] & 0xF6) == 0xA4)
		opsize = false;		/* over 16, SHLD is undefined */
	if (!use_rex)
		rex = 0;
	if (t->bytes[1] == 0xC7 || vector)
		rex &= 3;		/* CMPXCHG16B, other registers */
	if (t->rep && rnd() % 2)
		rep = rnd() % 2 ? 0xF3 : 0xF2;
	if (opsize)
		*p++ = 0x66;
	if (addr32)
		*p++ = 0x67;
	if (t->lock && rnd() % 2)
		*p++ = 0xF0;
	if (rep != 0)
		*p++ = rep;
	if (t->prefix != 0)
		*p++ = t->prefix;
	if (use_rex)
		*p++ = 0x40 | rex;
	if (t->rep) {
		tame_string(rep);
		return (size_t)(put(p, t->bytes, t->len) - buf);
	}
	p = put(p, t->bytes, t->len - 1u);
	tame_bit_register(t, rex, opsize);
	p = put_form(p, t->bytes[t->len - 1], rex, addr32);
	p = put(p, &imm, t->imm == 4 && opsize && !(rex & 8) ? 2 : t->imm);
	return (size_t)(p - buf);
}

/* Decode and execute on the copy. */
static int
run_copy(struct nvmm_x64_state *st, const uint8_t *insn, size_t len)
{
	struct x86_cpu cpu = { .state = st };
	struct x86_insn in;
	int error;

	memset(st, 0, sizeof(*st));
	memcpy(st->gprs, area->in, sizeof(area->in));
	st->gprs[NVMM_X64_GPR_RFLAGS] = area->in_flags;
	st->gprs[NVMM_X64_GPR_RIP] = 0x1000;
	st->crs[NVMM_X64_CR_CR0] = X86_CR0_PE | X86_CR0_PG;
	st->crs[NVMM_X64_CR_CR4] = X86_CR4_OSFXSR;
	st->msrs[NVMM_X64_MSR_EFER] = X86_EFER_LMA;
	st->segs[NVMM_X64_SEG_CS].attrib.l = 1;
	memcpy(&st->fpu.fx_xmm[3], area->xmm_in, 16);
	memcpy(copy, area->data, DATA_SIZE);
	error = x86_decode(&in, 64, insn, len);
	if (error != 0)
		return error;
	ATF_CHECK_EQ(in.len, len);
	return x86_execute(&cpu, &in, &copy_bus);
}

/* One line to find the case by. */
static const char *
describe(const struct tmpl *t, const uint8_t *insn, size_t len)
{
	static char buf[128];
	int n = snprintf(buf, sizeof(buf), "%s:", t->name);
	size_t i;

	for (i = 0; i < len; i++)
		n += snprintf(buf + n, sizeof(buf) - (size_t)n, " %02x",
		    insn[i]);
	return buf;
}

/* Everything that the two leave behind. */
static void
compare(const struct tmpl *t, const struct nvmm_x64_state *st,
    const char *what)
{
	uint64_t mask = (X86_FL_ARITH | X86_FL_DF) & ~t->undefined;
	unsigned i;

	for (i = 0; i < 16; i++) {
		if (i != 4)
			ATF_REQUIRE_EQ_MSG(st->gprs[i], area->out[i],
			    "%s: register %u is %#lx, not %#lx", what, i,
			    st->gprs[i], area->out[i]);
	}
	ATF_REQUIRE_EQ_MSG(st->gprs[NVMM_X64_GPR_RFLAGS] & mask,
	    area->out_flags & mask, "%s: flags %#lx, not %#lx", what,
	    st->gprs[NVMM_X64_GPR_RFLAGS] & mask, area->out_flags & mask);
	ATF_REQUIRE_MSG(memcmp(copy, area->data, DATA_SIZE) == 0,
	    "%s: memory differs", what);
	ATF_REQUIRE_MSG(memcmp(&st->fpu.fx_xmm[3], area->xmm_out, 16) == 0,
	    "%s: xmm3 differs", what);
}

/* One generated case. */
static void
one_case(const struct tmpl *t)
{
	struct nvmm_x64_state st;
	uint8_t insn[32];
	size_t len;
	int error;

	make_operands();
	len = make_insn(t, insn);
	error = run_copy(&st, insn, len);
	ATF_REQUIRE_EQ_MSG(error, 0, "%s: error %d",
	    describe(t, insn, len), error);
	make_stub(insn, len);
	((void (*)(void))(uintptr_t)code)();
	compare(t, &st, describe(t, insn, len));
}

/* Memory whose addresses fit 31 bits. */
static void *
low_memory(size_t size, int prot)
{
	void *p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANON | MAP_32BIT,
	    -1, 0);

	ATF_REQUIRE(p != MAP_FAILED);
	return p;
}

ATF_TC(differential);
ATF_TC_HEAD(differential, tc)
{

	atf_tc_set_md_var(tc, "descr", "NVMM_NATIVE_CASES sets the number of "
	    "cases, NVMM_NATIVE_SEED where they begin");
}
ATF_TC_BODY(differential, tc)
{
	const char *env = getenv("NVMM_NATIVE_CASES");
	unsigned long n = env != NULL ? strtoul(env, NULL, 0) : 100000, i;

	env = getenv("NVMM_NATIVE_SEED");
	seed = env != NULL ? strtoull(env, NULL, 0) : 0x4E564D4D;
	area = low_memory(sizeof(*area), PROT_READ | PROT_WRITE);
	code = low_memory(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
	for (i = 0; i < n; i++)
		one_case(&tmpls[i % NTMPLS]);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, differential);
	return atf_no_error();
}
