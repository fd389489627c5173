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
	uint8_t mem[MEM_SIZE];
	uint8_t high[MEM_SIZE];
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
	w->st.crs[NVMM_X64_CR_CR4] = X86_CR4_OSFXSR;
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
	else
		atf_tc_fail("field %s", field);
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
	else if (strcmp(word, "cr0") == 0)
		w->st.crs[NVMM_X64_CR_CR0] = strtoull(value, NULL, 16);
	else {
		ATF_REQUIRE_MSG(word[0] == 'm', "word %s", word);
		p = mem_at(w, strtoull(word + 1, NULL, 16),
		    strlen(value) / 2);
		ATF_REQUIRE_MSG(p != NULL, "address %s", word);
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
}

static void
check_case(char *line, unsigned number)
{
	struct x86_cpu cpu = { .state = &now.st };
	struct x86_bus bus = { .arg = &now, .load = bus_load,
	    .store = bus_store, .pause = bus_pause };
	char hex[64], *before, *after;
	uint8_t bytes[16];
	struct x86_insn insn;
	unsigned bits, vector = 0;
	int error;

	ATF_REQUIRE_MSG(sscanf(line, "%u | %63s", &bits, hex) == 2,
	    "line %u", number);
	before = strchr(strchr(line, '|') + 1, '|') + 1;
	after = strchr(before, '|');
	ATF_REQUIRE_MSG(after != NULL, "line %u", number);
	*after++ = '\0';
	world_init(&now, bits);
	set_words(&now, before);
	want = now;
	ATF_REQUIRE_EQ_MSG(x86_decode(&insn, bits, bytes,
	    h_hex(hex, bytes, sizeof(bytes))), 0, "line %u", number);
	if (sscanf(after, " fault %x", &vector) != 1) {
		want.st.gprs[NVMM_X64_GPR_RIP] += insn.len;
		set_words(&want, after);
	}
	error = x86_execute(&cpu, &insn, &bus);
	ATF_CHECK_EQ_MSG(error, vector != 0 ? EFAULT : 0, "line %u: error %d",
	    number, error);
	ATF_CHECK_EQ_MSG(cpu.fault.raised ? cpu.fault.vector : 0, vector,
	    "line %u: vector %u", number, cpu.fault.vector);
	check_world(number);
}

ATF_TC_WITHOUT_HEAD(cases);
ATF_TC_BODY(cases, tc)
{

	h_cases(atf_tc_get_config_var(tc, "srcdir"), "d_execute.txt", 70,
	    check_case);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, cases);
	return atf_no_error();
}
