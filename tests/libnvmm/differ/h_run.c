/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Both ways to carry out a case, and what has to agree: all general registers
 * and flags that are defined, vector registers, memory, and of an exception
 * the vector, the error code and the address.
 */

#include <errno.h>
#include <string.h>

#include "h_rnd.h"
#include "h_run.h"
#include "h_undefined.h"
#include "h_window.h"

#define X87_BYTES	10
#define ITEMS_MAX	1000		/* of a REP; more is a stray count */

/* True if the instruction may stop before its end, to be executed again. */
static bool
is_repeated(const struct testcase *tc)
{

	return tc->error == 0 && tc->insn.rep != 0 &&
	    tc->insn.op >= X86_OP_MOVS && tc->insn.op <= X86_OP_OUTS;
}

/* Run decoder and executor on the copy. */
static bool
run_ours(const struct testcase *tc, struct ending *e)
{
	struct x86_cpu cpu = { .state = &e->after.st, .ymmh = e->after.high };
	struct window_bus wb = { .cpu = &cpu, .pauses = tc->pauses,
	    .swaps = tc->swaps };
	struct x86_bus bus = window_bus(&wb);
	const uint64_t *rip = &e->after.st.gprs[NVMM_X64_GPR_RIP];
	unsigned n = 0;

	e->after = tc->before;
	e->event.vector = NATIVE_DONE;
	e->error = tc->error;
	while (e->error == 0 && n++ < ITEMS_MAX) {
		e->error = x86_execute(&cpu, &tc->insn, &bus);
		if (e->error == EAGAIN) {
			e->error = 0;
			continue;
		}
		if (!is_repeated(tc) ||
		    *rip != tc->before.st.gprs[NVMM_X64_GPR_RIP])
			break;
	}
	if (e->error == EFAULT && cpu.fault.raised) {
		e->event.vector = cpu.fault.vector;
		e->event.error = cpu.fault.error;
		e->event.cr2 = cpu.fault.cr2;
	}
	return !wb.stray && n < ITEMS_MAX;
}

/* Run the processor on the window; a REP takes one step an item. */
static void
run_native(const struct testcase *tc, struct ending *e)
{
	const uint64_t *rip = &e->after.st.gprs[NVMM_X64_GPR_RIP];
	struct native now = tc->before;
	unsigned n = 0;

	do {
		native_step(&now, &e->after, &e->event);
		now = e->after;
	} while (is_repeated(tc) && n++ < ITEMS_MAX &&
	    e->event.vector == NATIVE_DONE &&
	    *rip == tc->before.st.gprs[NVMM_X64_GPR_RIP]);
}

/* General registers; 16- and 32-bit code has the lower halves of eight. */
static const char *
compare_gprs(const struct testcase *tc, const struct nvmm_x64_state *a,
    const struct nvmm_x64_state *b, bool faulted)
{
	uint64_t mask = tc->bits == 64 ? UINT64_MAX : UINT32_MAX;
	unsigned i;

	for (i = 0; i <= NVMM_X64_GPR_RIP; i++) {
		if (tc->bits != 64 && i >= NVMM_X64_GPR_R8 &&
		    i <= NVMM_X64_GPR_R15)
			continue;
		if (((a->gprs[i] ^ b->gprs[i]) & mask &
		    ~undefined_bits(tc, i, a)) != 0)
			return "registers";
	}
	mask = X86_FL_ARITH | X86_FL_DF | X86_FL_AC;
	if (!faulted)
		mask &= ~undefined_flags(tc);
	if (((a->gprs[NVMM_X64_GPR_RFLAGS] ^ b->gprs[NVMM_X64_GPR_RFLAGS]) &
	    mask) != 0)
		return "flags";
	return NULL;
}

/* The exception, if there was one. */
static const char *
compare_events(const struct native_event *a, const struct native_event *b)
{

	if (a->vector != b->vector)
		return "exception";
	if (a->vector >= X86_EXC_SS && a->vector <= X86_EXC_PF &&
	    a->error != b->error)
		return "error code";
	if (a->vector == X86_EXC_PF && a->cr2 != b->cr2)
		return "address of the page fault";
	return NULL;
}

/* What MMX instructions leave there. */
static const char *
compare_x87(const struct native *a, const struct native *b)
{
	unsigned i;

	if (a->st.fpu.fx_sw != b->st.fpu.fx_sw ||
	    a->st.fpu.fx_tw != b->st.fpu.fx_tw)
		return "x87 status and tags";
	for (i = 0; i < 8; i++) {
		if (memcmp(&a->st.fpu.fx_87_ac[i].r, &b->st.fpu.fx_87_ac[i].r,
		    X87_BYTES) != 0)
			return "x87 registers";
	}
	return NULL;
}

/* Vector registers; 16- and 32-bit code has eight. */
static const char *
compare_vectors(const struct testcase *tc, const struct native *a,
    const struct native *b, bool faulted)
{
	size_t n = tc->bits == 64 ? 16 : 8;

	if (memcmp(a->st.fpu.fx_xmm, b->st.fpu.fx_xmm, n * 16) != 0)
		return "XMM registers";
	if (memcmp(a->high, b->high, n * 16) != 0)
		return "upper halves of YMM registers";
	if (a->st.fpu.fx_mxcsr != b->st.fpu.fx_mxcsr)
		return "MXCSR";
	return undefined_x87(tc, faulted) ? NULL : compare_x87(a, b);
}

/* What the decoder calls no instruction has to raise #UD, or #GP if long. */
static const char *
compare_invalid(const struct testcase *tc, const struct native_event *event)
{

	if (event->vector == (tc->error == EINVAL ? X86_EXC_UD : X86_EXC_GP) ||
	    undefined_length(tc, event))
		return NULL;
	return "what an invalid one is";
}

/* Everything. Returns what differs, or NULL. */
static const char *
compare(const struct testcase *tc, struct result *r)
{
	bool faulted = r->native.event.vector != NATIVE_DONE;
	const char *what;

	if (tc->error != 0)
		return compare_invalid(tc, &r->native.event);
	if (r->ours.error != 0 && r->ours.event.vector == NATIVE_DONE)
		return "an error of the executor";
	what = undefined_order(tc, &r->native.event, &r->ours.event) ? NULL :
	    compare_events(&r->native.event, &r->ours.event);
	if (what == NULL)
		what = compare_gprs(tc, &r->native.after.st, &r->ours.after.st,
		    faulted);
	if (what == NULL)
		what = compare_vectors(tc, &r->native.after, &r->ours.after,
		    faulted);
	r->where = window_differs();
	if (what != NULL || r->where == WINDOW_SIZE)
		return what;
	r->native_byte = window_native(r->where);
	r->ours_byte = window_ours(r->where);
	return "memory";
}

/* Carry it out, the window being ready. */
static enum verdict
run_both(const struct testcase *tc, struct result *r)
{

	if (!run_ours(tc, &r->ours))
		return STRAY;
	if (r->ours.error == ENOTSUP)
		return REFUSED;
	window_code(tc->code_offset, tc->bytes, CASE_BYTES);
	run_native(tc, &r->native);
	if (undefined_alignment(tc, &r->native.event, &r->ours.event) ||
	    undefined_mask(tc, &r->native.event, &r->ours.event))
		return OPEN;
	r->what = compare(tc, r);
	return r->what == NULL ? SAME : DIFFERENT;
}

void
run_case(const struct testcase *tc, struct result *r)
{
	unsigned i;

	r->what = NULL;
	r->where = WINDOW_SIZE;
	if (tc->error == 0 && undefined_result(tc)) {
		r->verdict = OPEN;
		return;
	}
	if (tc->error == 0 && feature_missing(tc)) {
		r->verdict = ABSENT;
		return;
	}
	for (i = 0; i < tc->npatches; i++)
		window_patch(tc->patches[i].offset, tc->patches[i].bytes,
		    tc->patches[i].len);
	r->verdict = run_both(tc, r);
	window_reset(r->verdict == DIFFERENT || r->verdict == OPEN);
}
