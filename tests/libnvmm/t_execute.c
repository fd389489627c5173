/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The executor against d_execute.txt: each case names everything that it
 * changes.
 */

#include <atf-c.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h_cases.h"
#include "x86.h"

#define MEM_SIZE	0x20000u
#define HIGH		0xFF0000u	/* a second window */

/* A processor with its memory. */
struct world {
	struct nvmm_x64_state st;
	uint8_t ymmh[16][16];
	uint8_t mem[MEM_SIZE];
	uint8_t high[MEM_SIZE];
	bool race;			/* another CPU is about */
};

static struct world now, want;

static uint8_t *
mem_at(struct world *w, uint64_t lin, size_t size)
{

	if (lin <= MEM_SIZE - size)
		return w->mem + lin;
	if (lin >= HIGH && lin - HIGH <= MEM_SIZE - size)
		return w->high + (lin - HIGH);
	return NULL;
}

static int
bus_load(void *arg, gvaddr_t lin, void *buf, size_t size, nvmm_prot_t prot)
{
	uint8_t *p = mem_at(arg, lin, size);

	(void)prot;
	if (p == NULL)
		return ENXIO;
	memcpy(buf, p, size);
	return 0;
}

static int
bus_store(void *arg, gvaddr_t lin, const void *buf, size_t size)
{
	uint8_t *p = mem_at(arg, lin, size);

	if (p == NULL)
		return ENXIO;
	memcpy(p, buf, size);
	return 0;
}

static int
bus_swap(void *arg, gvaddr_t lin, const void *old, const void *val,
    size_t size)
{
	struct world *w = arg;
	uint8_t *p = mem_at(w, lin, size);

	if (p == NULL)
		return ENXIO;
	if (w->race)
		p[0]++;
	if (memcmp(p, old, size) != 0)
		return EAGAIN;
	memcpy(p, val, size);
	return 0;
}

static bool
bus_pause(void *arg)
{

	(void)arg;
	return false;
}

/* Flat segments and the mode's own code segment. */
static void
world_init(struct world *w, unsigned bits)
{
	unsigned i;

	memset(w, 0, sizeof(*w));
	for (i = 0; i <= NVMM_X64_SEG_GS; i++) {
		w->st.segs[i].limit = bits == 16 ? 0xFFFF : 0xFFFFFFFF;
		w->st.segs[i].attrib.s = 1;
		w->st.segs[i].attrib.p = 1;
		w->st.segs[i].attrib.type = 3;
		w->st.segs[i].attrib.def = bits == 32;
	}
	w->st.segs[NVMM_X64_SEG_CS].attrib.type = 0xB;
	w->st.segs[NVMM_X64_SEG_CS].attrib.l = bits == 64;
	w->st.crs[NVMM_X64_CR_CR0] = X86_CR0_PE;
	w->st.crs[NVMM_X64_CR_CR4] = X86_CR4_OSFXSR | X86_CR4_OSXSAVE;
	w->st.crs[NVMM_X64_CR_XCR0] = 7;
	w->st.msrs[NVMM_X64_MSR_EFER] = bits == 64 ? X86_EFER_LMA : 0;
	w->st.gprs[NVMM_X64_GPR_RFLAGS] = X86_FL_FIXED;
	w->st.gprs[NVMM_X64_GPR_RIP] = 0x100;
}

/* Index of the name in a list, or -1. */
static int
lookup(const char *const *list, int n, const char *name)
{

	while (--n >= 0 && strcmp(list[n], name) != 0)
		continue;
	return n;
}

/* Set what one word says of a segment: "ds.base". */
static void
set_segment(struct world *w, char *name, const char *value)
{
	static const char *const segs[] = { "es", "cs", "ss", "ds", "fs",
	    "gs" };
	char *field = strchr(name, '.') + 1;
	struct nvmm_x64_state_seg *s;
	int n;

	field[-1] = '\0';
	n = lookup(segs, 6, name);
	ATF_REQUIRE_MSG(n >= 0, "segment %s", name);
	s = &w->st.segs[n];
	if (strcmp(field, "base") == 0)
		s->base = strtoull(value, NULL, 16);
	else if (strcmp(field, "limit") == 0)
		s->limit = (uint32_t)strtoull(value, NULL, 16);
	else if (strcmp(field, "type") == 0)
		s->attrib.type = strtoul(value, NULL, 16) & 0xF;
	else if (strcmp(field, "sel") == 0)
		s->selector = (uint16_t)strtoul(value, NULL, 16);
	else if (strcmp(field, "dpl") == 0)
		s->attrib.dpl = strtoul(value, NULL, 16) & 3;
	else if (strcmp(field, "p") == 0)
		s->attrib.p = strtoul(value, NULL, 16) & 1;
	else if (strcmp(field, "def") == 0)
		s->attrib.def = strtoul(value, NULL, 16) & 1;
	else
		atf_tc_fail("field %s", field);
}

/* Set a number that is neither a general register nor a segment's. */
static bool
set_number(struct world *w, const char *word, const char *value)
{
	uint64_t val = strtoull(value, NULL, 16);

	if (strcmp(word, "cr0") == 0)
		w->st.crs[NVMM_X64_CR_CR0] = val;
	else if (strcmp(word, "cr4") == 0)
		w->st.crs[NVMM_X64_CR_CR4] = val;
	else if (strcmp(word, "xcr0") == 0)
		w->st.crs[NVMM_X64_CR_XCR0] = val;
	else if (strcmp(word, "fsw") == 0)
		w->st.fpu.fx_sw = (uint16_t)val;
	else if (strcmp(word, "ftw") == 0)
		w->st.fpu.fx_tw = (uint8_t)val;
	else if (strcmp(word, "mxcsr") == 0)
		w->st.fpu.fx_mxcsr = (uint32_t)val;
	else if (strcmp(word, "race") == 0)
		w->race = val != 0;
	else
		return false;
	return true;
}

/* What bytes are given for: memory, or a vector register. */
static uint8_t *
bytes_at(struct world *w, const char *word, size_t size)
{
	unsigned long n = strtoul(word + 1, NULL, 10);

	switch (word[0]) {
	case 'm':
		return mem_at(w, strtoull(word + 1, NULL, 16), size);
	case 'x':
		return w->st.fpu.fx_xmm[n & 15].xmm_bytes;
	case 'y':
		return w->ymmh[n & 15];
	case 's':			/* ST(n) */
		return (uint8_t *)&w->st.fpu.fx_87_ac[n & 7];
	default:
		return NULL;
	}
}

/* Set what one word says. */
static void
set_word(struct world *w, char *word)
{
	static const char *const regs[] = { "rax", "rcx", "rdx", "rbx", "rsp",
	    "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
	    "r14", "r15", "rip", "fl" };
	char *value = strchr(word, '=');
	uint8_t *p;
	int reg;

	ATF_REQUIRE_MSG(value != NULL, "word %s", word);
	*value++ = '\0';
	reg = lookup(regs, 18, word);
	if (reg >= 0)
		w->st.gprs[reg] = strtoull(value, NULL, 16);
	else if (strchr(word, '.') != NULL)
		set_segment(w, word, value);
	else if (!set_number(w, word, value)) {
		p = bytes_at(w, word, strlen(value) / 2);
		ATF_REQUIRE_MSG(p != NULL, "word %s", word);
		(void)h_hex(value, p, strlen(value) / 2);
	}
}

static void
set_words(struct world *w, char *words)
{
	char *word, *last;

	for (word = strtok_r(words, " ", &last); word != NULL;
	    word = strtok_r(NULL, " ", &last))
		set_word(w, word);
}

/* Everything agrees. */
static void
check_world(unsigned number)
{
	unsigned i;

	for (i = 0; i < NVMM_X64_NGPR; i++)
		ATF_CHECK_EQ_MSG(now.st.gprs[i], want.st.gprs[i],
		    "line %u: register %u is %#lx, not %#lx", number, i,
		    now.st.gprs[i], want.st.gprs[i]);
	ATF_CHECK_MSG(memcmp(now.mem, want.mem, MEM_SIZE) == 0 &&
	    memcmp(now.high, want.high, MEM_SIZE) == 0,
	    "line %u: memory", number);
	ATF_CHECK_MSG(memcmp(&now.st.fpu, &want.st.fpu,
	    sizeof(now.st.fpu)) == 0, "line %u: vector registers", number);
	ATF_CHECK_MSG(memcmp(now.ymmh, want.ymmh, sizeof(now.ymmh)) == 0,
	    "line %u: upper halves", number);
}

/* What is said of the end, ahead of the words. */
struct outcome {
	unsigned vector;		/* a fault, or NO_FAULT */
	int error;
	bool trap;
};
#define NO_FAULT	256

/* Take the outcome off the words, which then say what has changed. */
static char *
take_outcome(char *after, struct outcome *out)
{
	static const struct {
		const char *name;
		int error;
	} errors[] = { { " again", EAGAIN }, { " refused", ENOTSUP } };
	int at = 0;
	size_t i;

	*out = (struct outcome){ .vector = NO_FAULT };
	if (sscanf(after, " fault %x%n", &out->vector, &at) == 1)
		out->error = EFAULT;
	for (i = 0; i < 2; i++) {
		if (strncmp(after, errors[i].name,
		    strlen(errors[i].name)) == 0) {
			out->error = errors[i].error;
			at = (int)strlen(errors[i].name);
		}
	}
	if (strncmp(after, " trap", 5) == 0) {
		out->trap = true;
		at = 5;
	}
	return after + at;
}

/* The instruction of a case, from its text. */
static void
decode_case(const char *hex, unsigned bits, struct x86_insn *insn,
    unsigned number)
{
	uint8_t bytes[16];
	size_t len = h_hex(hex, bytes, sizeof(bytes));

	ATF_REQUIRE_EQ_MSG(x86_decode(insn, bits, bytes, len), 0, "line %u",
	    number);
	ATF_REQUIRE_EQ_MSG(insn->len, len, "line %u", number);
}

static void
check_case(char *line, unsigned number)
{
	struct x86_cpu cpu = { .state = &now.st, .ymmh = now.ymmh };
	struct x86_bus bus = { .arg = &now, .load = bus_load,
	    .store = bus_store, .swap = bus_swap, .pause = bus_pause };
	char hex[64], *before, *after;
	struct outcome out;
	struct x86_insn insn;
	unsigned bits;
	int error;

	ATF_REQUIRE_MSG(sscanf(line, "%u | %63s", &bits, hex) == 2,
	    "line %u", number);
	before = strchr(strchr(line, '|') + 1, '|') + 1;
	after = strchr(before, '|');
	ATF_REQUIRE_MSG(after != NULL, "line %u", number);
	*after++ = '\0';
	decode_case(hex, bits, &insn, number);
	world_init(&now, bits);
	set_words(&now, before);
	want = now;
	after = take_outcome(after, &out);
	if (out.error == 0)
		want.st.gprs[NVMM_X64_GPR_RIP] += insn.len;
	set_words(&want, after);
	error = x86_execute(&cpu, &insn, &bus);
	ATF_CHECK_EQ_MSG(error, out.error, "line %u: error %d", number, error);
	ATF_CHECK_EQ_MSG(cpu.fault.raised ? cpu.fault.vector : NO_FAULT,
	    out.vector, "line %u: vector %u", number, cpu.fault.vector);
	ATF_CHECK_EQ_MSG(cpu.trap, out.trap, "line %u: trap", number);
	check_world(number);
}

ATF_TC_WITHOUT_HEAD(cases);
ATF_TC_BODY(cases, tc)
{

	h_cases(atf_tc_get_config_var(tc, "srcdir"), "d_execute.txt", 260,
	    check_case);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, cases);
	return atf_no_error();
}
