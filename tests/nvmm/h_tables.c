/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Random page tables: see h_tables.h. The first entries of each top level map
 * the guest itself, the supervisor's at its place and the user's at G_ALIAS.
 */

#include <cpuid.h>
#include <stdlib.h>
#include <string.h>

#include "h_tables.h"

#define PAGE		4096ULL
#define T_TOP		0x20000		/* two of each mode, taken in turn */
#define T_PDPT		0x28000		/* the guest's own, from here on */
#define T_PD		0x29000
#define T_PT		0x2a000		/* 32-bit: the supervisor's, the user's */
#define T_POOL		0x30000		/* the tables of a case */

#define P		0x001
#define W		0x002
#define U		0x004
#define A		0x020
#define D		0x040
#define PS		0x080
#define OWN		(P | W | A | D)

#define CR4_SMEP	X86_CR4_SMEP
#define CR4_SMAP	X86_CR4_SMAP

unsigned
tables_below(unsigned n)
{

	return (unsigned)random() % n;
}

/* True in so many of 100 times. */
static bool
percent(unsigned n)
{

	return tables_below(100) < n;
}

/* The top tables of a mode. */
static uint64_t
top(enum tables_mode mode, unsigned turn)
{

	return T_TOP + ((mode >= TABLES_32 ? 2 : mode) * 2 + turn) * PAGE;
}

static void
put(struct vm *vm, uint64_t gpa, uint64_t val, size_t size)
{

	vm_poke(vm, gpa, &val, size);
}

/*
 * Every word holds its address. A page has code at its beginning, at F00 and at
 * its end that has EAX tell where it is: mov eax, word; ud2.
 */
static void
prepare_page(struct vm *vm, uint32_t gpa)
{
	const uint32_t page = gpa >> 12;
	uint8_t *p = vm->ram + gpa;
	uint32_t i;

	for (i = 0; i < PAGE; i += 4)
		put(vm, gpa + i, gpa + i, 4);
	memcpy(p, &page, 3);
	memcpy(p + 3, "\x0f\x0b", 2);
	p[0xf00] = 0xb8;
	memcpy(p + 0xf01, &gpa, 4);
	memcpy(p + 0xf05, "\x0f\x0b", 2);
	p[0xffe] = 0xb8;
	p[0xfff] = (uint8_t)page;
}

void
tables_prepare(struct vm *vm)
{
	unsigned i;

	for (i = T_DATA; i < G_RAM; i += PAGE) {
		if (i < G_MMIO || i >= G_HIGH)
			prepare_page(vm, i);
	}
	put(vm, T_PDPT, T_PD | OWN | U, 8);
	put(vm, T_PD, PS | OWN, 8);
	put(vm, T_PD + 2 * 8, PS | OWN | U, 8);
	for (i = 0; i < 1024; i++) {
		put(vm, T_PT + i * 4, i << 12 | OWN, 4);
		put(vm, T_PT + PAGE + i * 4, i << 12 | OWN | U, 4);
	}
	for (i = 0; i < 2; i++) {
		put(vm, top(TABLES_LONG, i), T_PDPT | OWN | U, 8);
		put(vm, top(TABLES_PAE, i), T_PD | P, 8);
		put(vm, top(TABLES_32, i), T_PT | OWN | U, 4);
		put(vm, top(TABLES_32, i) + 4, (T_PT + PAGE) | OWN | U, 4);
	}
}

/* CR4's bits that this processor has, out of mask. */
static uint64_t
cr4_has(uint64_t mask)
{
	unsigned eax, ebx = 0, ecx, edx;

	(void)__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx);
	if ((ebx & 1U << 7) == 0)
		mask &= ~CR4_SMEP;
	if ((ebx & 1U << 20) == 0)
		mask &= ~CR4_SMAP;
	return mask;
}

/* Registers, and whose access it is. */
static void
random_registers(struct tables_case *c)
{
	static const uint64_t cr4[] = { X86_CR4_PAE, X86_CR4_PAE, 0,
	    X86_CR4_PSE };
	static unsigned turn;

	c->pg.cr0 = 0x10 | X86_CR0_PE | X86_CR0_PG |
	    (percent(50) ? X86_CR0_WP : 0);
	c->pg.cr3 = top(c->mode, ++turn % 2);
	c->pg.cr4 = cr4[c->mode] | cr4_has((percent(40) ? CR4_SMEP : 0) |
	    (percent(40) ? CR4_SMAP : 0));
	c->pg.efer = (c->mode == TABLES_LONG ? 0x500 : 0) |
	    (percent(80) ? X86_EFER_NXE : 0);
	x86_paging_host(&c->pg);
	c->user = percent(50);
	c->ac = !c->user && percent(50);
	c->exec = percent(25);
	c->write = !c->exec && percent(60);
	c->adds = c->write && percent(30);
}

/* An address of the test's, not near the end of a table. */
static void
random_address(struct tables_case *c)
{
	const unsigned index = tables_below(511);

	if (c->mode >= TABLES_32)
		c->gva = (2ULL + tables_below(1022)) << 22 |
		    (uint64_t)tables_below(1023) << 12;
	else
		c->gva = (uint64_t)tables_below(percent(30) ? 512 : 2) << 21 |
		    (uint64_t)index << 12;
	if (c->mode == TABLES_PAE)
		c->gva |= (1ULL + tables_below(3)) << 30;
	if (c->mode == TABLES_LONG)
		c->gva |= (uint64_t)tables_below(512) << 30 |
		    (1ULL + tables_below(511)) << 39;
	if (c->mode == TABLES_LONG && (c->gva >> 47) != 0)
		c->gva |= 0xffff000000000000;
	/* Into the next page; which one is looked at first to add is open. */
	if (percent(20) && !c->adds)
		c->gva |= 0xffe;
	else if (c->exec)
		c->gva |= 0xf00;
	else
		c->gva |= 8 + tables_below(0xef0);
}

/* Rights and what has no meaning for the walk; seldom what is reserved. */
static uint64_t
random_flags(const struct tables_case *c, unsigned level)
{
	const bool wide = c->mode < TABLES_32;
	uint64_t f = (uint64_t)random() & 0xe18;	/* PWT PCD, available */

	if (wide && level == (c->mode == TABLES_PAE ? 3 : 5))
		return (percent(97) ? P : 0) | f |
		    (percent(4) ? 1ULL << (52 + tables_below(12)) : 0);
	f |= (percent(96) ? P : 0) | (percent(88) ? W : 0) |
	    (percent(80) ? U : 0) | (percent(50) ? A : 0) |
	    (percent(50) ? D : 0);
	if (wide && percent(8))
		f |= 1ULL << 63;
	if (c->mode == TABLES_LONG)
		f |= (uint64_t)tables_below(128) << 52;
	else if (wide && percent(4))
		f |= 1ULL << (52 + tables_below(11));
	if (wide && percent(4))
		f |= 1ULL << (c->pg.physbits +
		    tables_below(52U - c->pg.physbits));
	return f;
}

/* The page of 4 KiB that an access ends in. */
static uint64_t
random_page(const struct tables_case *c)
{

	if (percent(90) || c->exec || (c->gva & 0xfff) == 0xffe)
		return percent(50) ? T_DATA + tables_below(0x70) * PAGE :
		    G_HIGH + tables_below(0x200) * PAGE;
	if (percent(50))
		return G_MMIO + tables_below(16) * PAGE;
	return 0x80000000 + tables_below(0x40000) * PAGE;
}

/* The address in a large page's entry: at 0 or 2 MiB, seldom a wrong one. */
static uint64_t
random_large(const struct tables_case *c, unsigned level)
{
	uint64_t addr = PS;

	if (level == 2 && c->mode != TABLES_PSE && percent(50))
		addr |= 0x200000;
	if (percent(20))
		addr |= 0x1000;			/* PAT */
	if (c->mode == TABLES_PSE) {
		if (percent(8))
			addr |= 0x200000;
		if (percent(8) && !c->exec)
			addr |= 1ULL << (13 + tables_below(8));
	} else if (percent(8))
		addr |= 1ULL << (13 + tables_below(level == 3 ? 17 : 8));
	return addr;
}

/* True if the entry of that level may be a large page, and shall be. */
static bool
random_is_large(const struct tables_case *c, unsigned level)
{

	if (c->mode >= TABLES_32)
		return level == 2 && percent(c->mode == TABLES_PSE ? 40 : 0);
	if (c->mode == TABLES_PAE)
		return level == 2 && percent(20);
	if (level == 4)
		return percent(3);		/* there is none */
	return (level == 2 || level == 3) && percent(15);
}

/* One more entry; false if none follows it. */
static bool
random_entry(struct tables_case *c, uint64_t gpa, unsigned level)
{
	struct tables_entry *e = &c->entry[c->n++];
	bool more = false;

	e->gpa = gpa;
	e->level = level;
	e->val = random_flags(c, level);
	if (level == 1)
		e->val |= random_page(c) | (percent(20) ? PS : 0);	/* PAT */
	else if (random_is_large(c, level))
		e->val |= random_large(c, level);
	else {
		e->val |= T_POOL + level * PAGE;
		/* Without CR4.PSE its bit says nothing. */
		if (c->mode == TABLES_32 && percent(20))
			e->val |= PS;
		more = true;
	}
	return more;
}

void
tables_random(struct tables_case *c, enum tables_mode mode)
{
	static const unsigned tops[] = { 4, 3, 2, 2 };
	unsigned level, bits, size;
	uint64_t table, index;

	memset(c, 0, sizeof(*c));
	c->mode = mode;
	random_registers(c);
	random_address(c);
	bits = mode >= TABLES_32 ? 10 : 9;
	size = mode >= TABLES_32 ? 4 : 8;
	table = c->pg.cr3;
	for (level = tops[mode];; level--) {
		index = c->gva >> (12 + bits * (level - 1)) &
		    ((1U << bits) - 1);
		if (mode == TABLES_PAE && level == 3)
			index &= 3;
		if (!random_entry(c, table + index * size, level))
			break;
		table = T_POOL + level * PAGE;
	}
	if (level == 1 && (c->gva & 0xfff) == 0xffe)
		(void)random_entry(c, table + (index + 1) * size, 1);
}

void
tables_put(struct vm *vm, const struct tables_case *c)
{
	unsigned i;

	for (i = 0; i < c->n; i++)
		put(vm, c->entry[i].gpa, c->entry[i].val,
		    c->mode >= TABLES_32 ? 4 : 8);
}

void
tables_clear(struct vm *vm, const struct tables_case *c)
{
	unsigned i;

	for (i = 0; i < c->n; i++)
		put(vm, c->entry[i].gpa, 0, c->mode >= TABLES_32 ? 4 : 8);
}

uint64_t
tables_get(struct vm *vm, const struct tables_case *c, unsigned i)
{

	return vm_peek(vm, c->entry[i].gpa, c->mode >= TABLES_32 ? 4 : 8);
}
