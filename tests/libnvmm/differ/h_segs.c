/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The segments, AMD APM vol. 2, chapter 4. The kernel makes the descriptors;
 * the executor gets what they say.
 */

#include <string.h>

#include "h_rnd.h"
#include "h_segs.h"
#include "h_window.h"
#include "x86.h"

#define NDATA	64
#define NCODE	8			/* of each width */

#define TYPE_DATA_RO	0x1		/* accessed, as the kernel makes them */
#define TYPE_DATA_RW	0x3
#define TYPE_DOWN	0x4
#define TYPE_CODE	0x9
#define TYPE_CODE_READ	0xB

#define CR0_USUAL	0x80050033ULL	/* PG AM WP NE ET MP PE */
#define CR4_USUAL	0x000406F0ULL	/* OSXSAVE OSXMMEXCPT OSFXSR PGE ... */
#define EFER_USUAL	0x00000D01ULL	/* NXE LMA LME SCE */

static struct nvmm_x64_state_seg data[NDATA], code16[NCODE], code32[NCODE];
static bool have_ldt;

/* A 4 GiB segment that Linux gives every process. */
static struct nvmm_x64_state_seg
flat(uint16_t selector, unsigned type, bool l)
{
	struct nvmm_x64_state_seg seg = {
		.selector = selector,
		.attrib = { .type = type & 0xF, .s = 1, .dpl = 3, .p = 1,
		    .l = l, .def = !l, .g = 1 },
		.limit = UINT32_MAX,
	};

	return seg;
}

/* A limit that most offsets in the window are within. */
static void
choose_limit(struct nvmm_x64_state_seg *seg)
{
	bool down = (seg->attrib.type & TYPE_DOWN) != 0;

	seg->attrib.g = rnd_percent(30);
	if (down)
		seg->limit = rnd_below(WINDOW_SIZE / 4);
	else if (rnd_percent(30))
		seg->limit = rnd_below(WINDOW_SIZE);
	else
		seg->limit = rnd_percent(50) ? 0xFFFF : 0xFFFFF;
	if (seg->attrib.g)
		seg->limit = (down || rnd_percent(50) ?
		    seg->limit & 0xFFFFF000 : 0xFFFFF000) | 0xFFF;
}

/* A data segment; the first quarter is fit for stacks. */
static void
make_data(struct nvmm_x64_state_seg *seg, bool stack)
{

	memset(seg, 0, sizeof(*seg));
	seg->attrib.type = stack || rnd_percent(75) ? TYPE_DATA_RW :
	    TYPE_DATA_RO;
	if (rnd_percent(30))
		seg->attrib.type |= TYPE_DOWN;
	seg->attrib.s = 1;
	seg->attrib.dpl = 3;
	seg->attrib.p = 1;
	seg->attrib.avl = rnd_percent(50);
	seg->attrib.def = rnd_percent(50);
	seg->base = WINDOW_LOW;
	if (rnd_percent(60))
		seg->base += rnd_below(512);
	else if (rnd_percent(30))
		seg->base = (uint32_t)(WINDOW_LOW - rnd_below(0x8000));
	choose_limit(seg);
}

/* A code segment around CODE_BASE. */
static void
make_code(struct nvmm_x64_state_seg *seg, bool wide)
{

	memset(seg, 0, sizeof(*seg));
	seg->attrib.type = rnd_percent(75) ? TYPE_CODE_READ : TYPE_CODE;
	seg->attrib.s = 1;
	seg->attrib.dpl = 3;
	seg->attrib.p = 1;
	seg->attrib.def = wide;
	seg->attrib.g = wide && rnd_percent(50);
	seg->base = CODE_BASE - rnd_below(0x100);
	seg->limit = seg->attrib.g ? UINT32_MAX : 0xFFFF;
}

bool
segs_init(uint64_t seed)
{
	unsigned i, n = 1;

	have_ldt = native_has_ldt();
	rnd_begin(seed, UINT64_MAX - 1);
	for (i = 0; i < NDATA; i++) {
		make_data(&data[i], i < NDATA / 4);
		have_ldt = have_ldt && native_segment(n++, &data[i]);
	}
	for (i = 0; i < NCODE; i++) {
		make_code(&code16[i], false);
		make_code(&code32[i], true);
		have_ldt = have_ldt && native_segment(n++, &code16[i]) &&
		    native_segment(n++, &code32[i]);
	}
	return have_ldt;
}

/* Bases in the window's neighbourhood, for FS and GS in 64-bit mode. */
static uint64_t
choose_base(void)
{

	switch (rnd_below(4)) {
	case 0:
		return 0;
	case 1:
		return WINDOW_HIGH - rnd_below(0x10000);
	case 2:
		return rnd() & 0x7FFFFFFFF000;
	default:
		return WINDOW_LOW - rnd_below(0x10000);
	}
}

/* Flat segments, for 64-bit mode and half of 32-bit code. */
static void
choose_flat(struct nvmm_x64_state *st, bool l)
{
	unsigned i;

	for (i = NVMM_X64_SEG_ES; i <= NVMM_X64_SEG_GS; i++)
		st->segs[i] = flat(NATIVE_DS, TYPE_DATA_RW, false);
	st->segs[NVMM_X64_SEG_CS] = flat(l ? NATIVE_CS64 : NATIVE_CS32,
	    TYPE_CODE_READ, l);
	if (l) {			/* Linux: a base, then no selector */
		st->segs[NVMM_X64_SEG_FS].base = choose_base();
		st->segs[NVMM_X64_SEG_FS].selector = 0;
		st->segs[NVMM_X64_SEG_GS].base = choose_base();
		st->segs[NVMM_X64_SEG_GS].selector = 0;
	}
}

/* Segments of the LDT; a few selectors are null. */
static void
choose_ldt(struct nvmm_x64_state *st, unsigned bits)
{
	unsigned i;

	for (i = NVMM_X64_SEG_ES; i <= NVMM_X64_SEG_GS; i++) {
		st->segs[i] = data[rnd_below(NDATA)];
		if (rnd_percent(3))
			memset(&st->segs[i], 0, sizeof(st->segs[i]));
	}
	st->segs[NVMM_X64_SEG_SS] = data[rnd_below(NDATA / 4)];
	st->segs[NVMM_X64_SEG_CS] = bits == 16 ? code16[rnd_below(NCODE)] :
	    code32[rnd_below(NCODE)];
}

void
segs_choose(struct nvmm_x64_state *st, unsigned bits, unsigned offset)
{

	st->crs[NVMM_X64_CR_CR0] = CR0_USUAL;
	st->crs[NVMM_X64_CR_CR4] = CR4_USUAL;
	st->crs[NVMM_X64_CR_XCR0] = 7;
	st->msrs[NVMM_X64_MSR_EFER] = EFER_USUAL;
	if (bits == 16 || (bits == 32 && have_ldt && rnd_percent(50)))
		choose_ldt(st, bits);
	else
		choose_flat(st, bits == 64);
	st->gprs[NVMM_X64_GPR_RIP] = CODE_BASE + offset -
	    (bits == 64 ? 0 : st->segs[NVMM_X64_SEG_CS].base);
}
