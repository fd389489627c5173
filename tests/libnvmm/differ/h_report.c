/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Reports. A case is shrunk by leaving out one thing after the other, as long
 * as the same still differs.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "h_report.h"
#include "h_window.h"

#if __has_include(<Zydis/Zydis.h>)
#include <Zydis/Zydis.h>
#endif

static const char *const names[NVMM_X64_NGPR] = { "rax", "rcx", "rdx", "rbx",
    "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15", "rip", "rflags" };

static const char *const segs[] = { "es", "cs", "ss", "ds", "fs", "gs" };

/* Keep the change if the case still differs in the same. */
static bool
try(struct testcase *tc, struct result *r, const struct testcase *smaller)
{
	struct result now;

	run_case(smaller, &now);
	if (now.verdict != DIFFERENT || now.what != r->what)
		return false;
	*tc = *smaller;
	*r = now;
	return true;
}

/* Registers that are zero, or flags that are clear, are as good. */
static void
shrink_registers(struct testcase *tc, struct result *r)
{
	struct testcase small;
	unsigned i;

	for (i = 0; i < NVMM_X64_GPR_RIP; i++) {
		small = *tc;
		small.before.st.gprs[i] = 0;
		try(tc, r, &small);
	}
	for (i = 0; i < 32; i++) {
		small = *tc;
		small.before.st.gprs[NVMM_X64_GPR_RFLAGS] &= ~(1ULL << i);
		if ((X86_FL_FIXED >> i & 1) == 0)
			try(tc, r, &small);
	}
	for (i = 0; i < 16; i++) {
		small = *tc;
		memset(&small.before.st.fpu.fx_xmm[i], 0, 16);
		memset(small.before.high[i], 0, 16);
		try(tc, r, &small);
	}
}

/* Prefixes that say nothing go. */
static void
shrink_bytes(struct testcase *tc, struct result *r)
{
	struct testcase small;
	unsigned i;

	for (i = 0; i < CASE_BYTES - 1; ) {
		small = *tc;
		memmove(small.bytes + i, tc->bytes + i + 1, CASE_BYTES - 1 - i);
		gen_decode(&small);
		if (small.error != tc->error ||
		    small.insn.op != tc->insn.op || !try(tc, r, &small))
			break;
	}
}

void
report_shrink(struct testcase *tc, struct result *r)
{
	struct testcase small = *tc;

	small.pauses = false;
	try(tc, r, &small);
	small = *tc;
	small.npatches = 0;
	try(tc, r, &small);
	shrink_bytes(tc, r);
	shrink_registers(tc, r);
}

/* The instruction in Intel's words. */
static void
print_disassembly(const struct testcase *tc)
{
#if __has_include(<Zydis/Zydis.h>)
	ZydisMachineMode mode = tc->bits == 64 ? ZYDIS_MACHINE_MODE_LONG_64 :
	    tc->bits == 32 ? ZYDIS_MACHINE_MODE_LEGACY_32 :
	    ZYDIS_MACHINE_MODE_LEGACY_16;
	ZydisDisassembledInstruction d;

	if (ZYAN_SUCCESS(ZydisDisassembleIntel(mode,
	    tc->before.st.gprs[NVMM_X64_GPR_RIP], tc->bytes, CASE_BYTES, &d)))
		printf(": %s (%u bytes)", d.text, d.info.length);
	else
		printf(": no instruction, Zydis says");
#else
	(void)tc;
#endif
}

/* A register, if it is of interest. */
static void
print_gpr(const struct testcase *tc, const struct result *r, unsigned i)
{
	uint64_t mask = tc->bits == 64 ? UINT64_MAX : UINT32_MAX;
	uint64_t before = tc->before.st.gprs[i] & mask;
	uint64_t native = r->native.after.st.gprs[i] & mask;
	uint64_t ours = r->ours.after.st.gprs[i] & mask;

	if (before == 0 && native == 0 && ours == 0)
		return;
	printf("  %-6s %16" PRIx64 " %16" PRIx64, names[i], before, native);
	if (native == ours)
		printf("        the same\n");
	else
		printf(" %16" PRIx64 "   <--\n", ours);
}

/* A register of n bytes, if it is of interest. */
static void
print_vector(const char *name, unsigned number, const void *before,
    const void *native, const void *ours)
{
	const uint8_t *rows[3] = { before, native, ours };
	static const char *const what[3] = { "before", "native", "ours" };
	int i, j;

	if (memcmp(native, ours, 16) == 0)
		return;
	for (i = 0; i < 3; i++) {
		printf("  %s%u %-6s ", name, number, what[i]);
		for (j = 15; j >= 0; j--)
			printf("%02x", rows[i][j]);
		printf("\n");
	}
}

/* Segments that are not flat. */
static void
print_segments(const struct nvmm_x64_state *st)
{
	const struct nvmm_x64_state_seg *s;
	unsigned i;

	for (i = 0; i < sizeof(segs) / sizeof(segs[0]); i++) {
		s = &st->segs[i];
		if (s->base == 0 && s->limit == UINT32_MAX)
			continue;
		printf("  %s: selector %x base %" PRIx64 " limit %x type %x "
		    "%s%s\n", segs[i], s->selector, s->base, s->limit,
		    s->attrib.type, s->attrib.def ? "def " : "",
		    s->attrib.p ? "" : "null");
	}
}

/* The exceptions of both. */
static void
print_event(const char *who, const struct ending *e)
{

	printf("  %s: ", who);
	if (e->event.vector != NATIVE_DONE)
		printf("exception %u, error code %x, address %" PRIx64,
		    e->event.vector, e->event.error, e->event.cr2);
	else if (e->error != 0)
		printf("%s", strerror(e->error));
	else
		printf("done");
	printf("\n");
}

/* Memory: what was there in the case's patches, and what differs. */
static void
print_memory(const struct testcase *tc, const struct result *r)
{
	unsigned i, j;

	for (i = 0; i < tc->npatches; i++) {
		printf("  memory at %llx: ", WINDOW_LOW +
		    tc->patches[i].offset);
		for (j = 0; j < 16; j++)
			printf("%02x ", tc->patches[i].bytes[j]);
		printf("...\n");
	}
	if (r->where != WINDOW_SIZE)
		printf("  memory at %llx: native %02x, ours %02x   <--\n",
		    WINDOW_LOW + r->where, r->native_byte, r->ours_byte);
}

/* All registers in a table. */
static void
print_registers(const struct testcase *tc, const struct result *r)
{
	const struct native *b = &tc->before, *n = &r->native.after,
	    *o = &r->ours.after;
	unsigned i;

	printf("  %-6s %16s %16s %16s\n", "", "before", "native", "ours");
	for (i = 0; i < NVMM_X64_NGPR; i++)
		print_gpr(tc, r, i);
	for (i = 0; i < 16; i++) {
		print_vector("xmm", i, &b->st.fpu.fx_xmm[i],
		    &n->st.fpu.fx_xmm[i], &o->st.fpu.fx_xmm[i]);
		print_vector("ymm high ", i, b->high[i], n->high[i],
		    o->high[i]);
	}
}

void
report_print(const struct testcase *tc, const struct result *r)
{
	unsigned i, len = tc->insn.len != 0 ? tc->insn.len : X86_INSN_MAX;

	printf("%u-bit code differs in %s\n ", tc->bits, r->what);
	for (i = 0; i < len && i < CASE_BYTES; i++)
		printf(" %02x", tc->bytes[i]);
	print_disassembly(tc);
	printf("\n");
	print_event("native", &r->native);
	print_event("ours", &r->ours);
	print_registers(tc, r);
	print_segments(&tc->before.st);
	print_memory(tc, r);
	fflush(stdout);
}
