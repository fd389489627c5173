/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Decoder and executor: an instruction, a CPU in any state, and memory of which
 * any access may fail. The input: mode, options, the access that fails, the
 * instruction's length and bytes, registers, segments, memory.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "h_fuzz.h"
#include "x86.h"

#define MEM_SIZE	4096u		/* again and again */
#define ITEMS_MAX	64		/* of a REP, then it pauses */

/* Options. */
#define NO_YMM		0x01
#define NO_SWAP		0x02		/* the bus has none ... */
#define LOSE_SWAP	0x04		/* ... or it fails */
#define PAUSES		0x08
#define FAILS		0x10		/* an access does ... */
#define FAILS_HARD	0x20		/* ... with ENXIO */

struct world {
	struct nvmm_x64_state st;
	uint8_t ymmh[16][16];
	uint8_t mem[MEM_SIZE];
};

struct bus {
	struct world *w;
	struct x86_cpu *cpu;
	uint8_t options;
	unsigned fail_at, accesses, items;
};

/* Count an access; the one that is to fail does. */
static int
bus_access(struct bus *b, gvaddr_t lin, bool write)
{

	if ((b->options & FAILS) == 0 || b->accesses++ != b->fail_at)
		return 0;
	if ((b->options & FAILS_HARD) != 0)
		return ENXIO;
	(void)x86_raise(b->cpu, X86_EXC_PF, write ? X86_PF_W : 0);
	b->cpu->fault.cr2 = lin;
	return EFAULT;
}

static int
bus_load(void *arg, gvaddr_t lin, void *buf, size_t size, nvmm_prot_t prot)
{
	struct bus *b = arg;
	size_t i;
	int error;

	FUZZ_CHECK(size >= 1 && size <= 32);
	error = bus_access(b, lin, (prot & NVMM_PROT_WRITE) != 0);
	for (i = 0; error == 0 && i < size; i++)
		((uint8_t *)buf)[i] = b->w->mem[(lin + i) % MEM_SIZE];
	return error;
}

static int
bus_store(void *arg, gvaddr_t lin, const void *buf, size_t size)
{
	struct bus *b = arg;
	size_t i;
	int error;

	FUZZ_CHECK(size >= 1 && size <= 32);
	error = bus_access(b, lin, true);
	for (i = 0; error == 0 && i < size; i++)
		b->w->mem[(lin + i) % MEM_SIZE] = ((const uint8_t *)buf)[i];
	return error;
}

static int
bus_swap(void *arg, gvaddr_t lin, const void *old, const void *buf,
    size_t size)
{
	struct bus *b = arg;

	(void)old;
	if ((b->options & LOSE_SWAP) != 0)
		return EAGAIN;
	return bus_store(arg, lin, buf, size);
}

static int
bus_probe(void *arg, gvaddr_t lin, size_t size, nvmm_prot_t prot)
{

	FUZZ_CHECK(size >= 1 && size <= 32);
	return bus_access(arg, lin, (prot & NVMM_PROT_WRITE) != 0);
}

static bool
bus_pause(void *arg)
{
	struct bus *b = arg;

	return (b->options & PAUSES) != 0 || ++b->items == ITEMS_MAX;
}

/* Flat segments, but for the bits that the input turns. */
static void
take_segments(struct fuzz_input *in, struct nvmm_x64_state *st)
{
	struct nvmm_x64_state_seg turn, *s;
	unsigned i;

	for (i = 0; i <= NVMM_X64_SEG_GS; i++) {
		s = &st->segs[i];
		fuzz_take(in, &turn, sizeof(turn));
		s->base = turn.base;
		s->limit = ~turn.limit;
		s->attrib.type = turn.attrib.type ^ (i == NVMM_X64_SEG_CS ?
		    0xBu : 0x3u);
		s->attrib.s = 1;
		s->attrib.dpl = turn.attrib.dpl;
		s->attrib.p = !turn.attrib.p;
		s->attrib.def = turn.attrib.def;
	}
}

/* Control registers, of which an instruction looks at a few bits. */
static void
take_controls(uint8_t turn, struct nvmm_x64_state *st)
{
	uint64_t *cr0 = &st->crs[NVMM_X64_CR_CR0];
	uint64_t *cr4 = &st->crs[NVMM_X64_CR_CR4];

	*cr0 = (turn & 0x01 ? 0 : X86_CR0_PE) | (turn & 0x02 ? X86_CR0_EM : 0) |
	    (turn & 0x04 ? X86_CR0_TS : 0) | (turn & 0x08 ? X86_CR0_AM : 0);
	*cr4 = (turn & 0x10 ? 0 : X86_CR4_OSXSAVE) |
	    (turn & 0x20 ? 0 : X86_CR4_OSFXSR);
	st->crs[NVMM_X64_CR_XCR0] = turn & 0x40 ? 1 : 7;
}

/* Registers and segments of any kind, of a mode. */
static void
take_state(struct fuzz_input *in, struct nvmm_x64_state *st, unsigned bits)
{
	struct nvmm_x64_state_seg *cs = &st->segs[NVMM_X64_SEG_CS];

	memset(st, 0, sizeof(*st));
	take_controls(fuzz_byte(in), st);
	fuzz_take(in, st->gprs, sizeof(st->gprs));
	take_segments(in, st);
	fuzz_take(in, &st->fpu, sizeof(st->fpu));
	cs->attrib.l = bits == 64;
	cs->attrib.def = bits == 32;
	st->msrs[NVMM_X64_MSR_EFER] = bits == 64 ? X86_EFER_LMA : 0;
}

/* True if the instruction makes progress before it fails. */
static bool
is_string(const struct x86_insn *insn)
{

	return insn->op >= X86_OP_MOVS && insn->op <= X86_OP_OUTS;
}

/* What must hold of a CPU that did not finish an instruction. */
static void
check_failed(const struct world *a, const struct world *b,
    const struct x86_cpu *cpu, const struct x86_insn *insn, int error)
{

	FUZZ_CHECK((error == EFAULT) == cpu->fault.raised);
	FUZZ_CHECK(error == EFAULT || error == ENXIO || error == ENOTSUP ||
	    error == EAGAIN);
	if (is_string(insn) || insn->op == X86_OP_MASKMOV)
		return;
	FUZZ_CHECK(memcmp(a->st.gprs, b->st.gprs, sizeof(a->st.gprs)) == 0);
	FUZZ_CHECK(memcmp(a->mem, b->mem, sizeof(a->mem)) == 0);
	FUZZ_CHECK(memcmp(&a->st.fpu, &b->st.fpu, sizeof(a->st.fpu)) == 0);
}

/* What must hold of an instruction. */
static void
check_insn(const struct x86_insn *insn, size_t len)
{

	FUZZ_CHECK(insn->len >= 1 && insn->len <= len);
	FUZZ_CHECK(insn->len <= X86_INSN_MAX);
	FUZZ_CHECK(insn->op > X86_OP_UD && insn->op < X86_NOP);
	FUZZ_CHECK(insn->dst.reg < 16 && insn->src.reg < 16 &&
	    insn->third.reg < 16);
	FUZZ_CHECK(insn->dst.size <= 32 && insn->src.size <= 32);
	FUZZ_CHECK(insn->third.kind != X86_KIND_MEM);
}

/* Execute on one world, and look what has become of it against the other. */
static void
execute(struct world *w, struct bus *b, const struct x86_insn *insn)
{
	static struct world before;
	struct x86_cpu cpu = {
		.state = &w->st,
		.ymmh = (b->options & NO_YMM) != 0 ? NULL : w->ymmh,
	};
	struct x86_bus bus = {
		.arg = b, .load = bus_load, .store = bus_store,
		.swap = (b->options & NO_SWAP) != 0 ? NULL : bus_swap,
		.probe = bus_probe, .pause = bus_pause,
	};
	int error;

	before = *w;
	b->w = w;
	b->cpu = &cpu;
	error = x86_execute(&cpu, insn, &bus);
	if (error != 0)
		check_failed(&before, w, &cpu, insn, error);
	FUZZ_CHECK(memcmp(before.st.segs, w->st.segs,
	    sizeof(before.st.segs)) == 0);
	FUZZ_CHECK(memcmp(before.st.crs, w->st.crs,
	    sizeof(before.st.crs)) == 0);
}

void
fuzz_execute(const uint8_t *p, size_t n)
{
	static const unsigned modes[] = { 16, 32, 64 };
	static struct world w;
	struct fuzz_input in = { p, n };
	unsigned bits = modes[fuzz_byte(&in) % 3];
	struct bus b = { .options = fuzz_byte(&in) };
	struct x86_insn insn;
	uint8_t *bytes;
	size_t len;
	int error;

	b.fail_at = fuzz_byte(&in);
	len = fuzz_byte(&in) % 20;
	if (len > in.left)
		len = in.left;
	bytes = fuzz_tight(in.p, len);
	in.p += len;
	in.left -= len;
	error = x86_decode(&insn, bits, bytes, len);
	free(bytes);
	FUZZ_CHECK(error == 0 || error == EMSGSIZE || error == ENOTSUP ||
	    error == EINVAL || error == E2BIG);
	if (error != 0)
		return;
	check_insn(&insn, len);
	take_state(&in, &w.st, bits);
	fuzz_take(&in, w.ymmh, sizeof(w.ymmh));
	fuzz_take(&in, w.mem, sizeof(w.mem));
	execute(&w, &b, &insn);
}
