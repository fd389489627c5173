/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Single-stepping the processor. A signal taken at the start is the model of
 * the frames that enter instructions; what the kernel puts into the frame of
 * the trap or fault is what the instruction left.
 */

#include "h_native.h"

#if defined(__linux__) && defined(__x86_64__)

#include <sys/syscall.h>

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <cpuid.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define FRAME_MAX	16384		/* extended state; AMX needs 11 KiB */
#define STACK_SIZE	(256 * 1024)

#define FL_TF		0x100u
#define FL_IF		0x200u
#define FL_RF		0x10000u

/* The extended state in memory, AMD APM vol. 2, 11.5.2; the standard format. */
#define XS_MAGIC	464		/* Linux: struct _fpx_sw_bytes */
#define XS_SIZE		468
#define XS_BV		512
#define XS_YMM		576
#define XS_FX_USED	464		/* of the 512 bytes of FXSAVE */
#define XS_MAGIC_VALUE	0x46505853u
#define XS_X87_SSE_AVX	7

/* What native_enter() reads; offsets are known to h_native_asm.S. */
struct entry {
	ucontext_t *uc;			/* 0 */
	uint64_t fsbase, gsbase;	/* 8, 16 */
	uint16_t es, ds, fs, gs;	/* 24, 26, 28, 30 */
	uint32_t bases;			/* 32: set the bases */
};

_Static_assert(offsetof(struct entry, es) == 24 &&
    offsetof(struct entry, bases) == 32, "known to h_native_asm.S");

/* h_native_asm.S */
void	native_enter(const struct entry *);
void	native_handler(int, siginfo_t *, void *);
void	native_leave(void) __attribute__((noreturn));

/* What the assembler knows. */
extern uint64_t native_host_fs;
void	native_caught(int, siginfo_t *, void *);

uint64_t native_host_fs;

static ucontext_t model, caught;
static uint8_t model_fpu[FRAME_MAX] __attribute__((aligned(64)));
static uint8_t caught_fpu[FRAME_MAX] __attribute__((aligned(64)));
static uint8_t stack[STACK_SIZE] __attribute__((aligned(64)));
static size_t fpu_size;
static volatile sig_atomic_t entered;

/* NVMM_X64_GPR_* to the kernel's order. */
static const uint8_t gregs[NVMM_X64_NGPR] = {
	REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
	REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
	REG_RIP, REG_EFL,
};

/* On the signal stack, every register the C library's own again. */
__attribute__((no_sanitize_address, no_sanitize("undefined"))) void
native_caught(int sig, siginfo_t *info, void *arg)
{
	const ucontext_t *uc = arg;
	const uint8_t *fpu = (const uint8_t *)uc->uc_mcontext.fpregs;
	size_t i;

	(void)info;
	if (!entered) {
		signal(sig, SIG_DFL);	/* the tests' own fault */
		return;
	}
	entered = 0;
	for (i = 0; i < sizeof(caught); i++)
		((uint8_t *)&caught)[i] = ((const uint8_t *)uc)[i];
	for (i = 0; i < fpu_size; i++)
		caught_fpu[i] = fpu[i];
	native_leave();
}

/* Keep the frame of the signal that is the model. */
static void
model_signal(int sig, siginfo_t *info, void *arg)
{
	const ucontext_t *uc = arg;
	const uint8_t *fpu = (const uint8_t *)uc->uc_mcontext.fpregs;
	uint32_t magic, size;

	(void)sig;
	(void)info;
	memcpy(&magic, fpu + XS_MAGIC, sizeof(magic));
	memcpy(&size, fpu + XS_SIZE, sizeof(size));
	if (magic != XS_MAGIC_VALUE || size > sizeof(model_fpu))
		return;
	fpu_size = size;
	memcpy(&model, uc, sizeof(model));
	memcpy(model_fpu, fpu, size);
	model.uc_mcontext.fpregs = (void *)model_fpu;
}

/* Have signals handled by fn, on the stack set aside. */
static void
catch_signals(void (*fn)(int, siginfo_t *, void *))
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGTRAP,
	    SIGFPE };
	struct sigaction sa = {
		.sa_sigaction = fn,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
	};
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
}

bool
native_init(void)
{
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };

	if (syscall(SYS_arch_prctl, ARCH_GET_FS, &native_host_fs) == -1 ||
	    sigaltstack(&ss, NULL) == -1)
		return false;
	catch_signals(model_signal);
	raise(SIGTRAP);
	catch_signals(native_handler);
	return fpu_size != 0;
}

bool
native_has_avx(void)
{

	return __builtin_cpu_supports("avx") && fpu_size >= XS_YMM + 256;
}

uint32_t
native_mxcsr_mask(void)
{
	uint32_t mask;

	memcpy(&mask, model_fpu + offsetof(struct fxsave, fx_mxcsr_mask),
	    sizeof(mask));
	return mask;
}

bool
native_has_ldt(void)
{
	struct nvmm_x64_state_seg seg = {
		.attrib = { .type = 3, .s = 1, .dpl = 3, .p = 1 },
		.limit = 0xFFF,
	};

	return native_segment(0, &seg);
}

bool
native_segment(unsigned index, struct nvmm_x64_state_seg *seg)
{
	unsigned type = seg->attrib.type;
	struct user_desc d;

	memset(&d, 0, sizeof(d));
	d.entry_number = index;
	d.base_addr = (unsigned)seg->base;
	d.limit = seg->attrib.g ? seg->limit >> 12 : seg->limit;
	d.limit_in_pages = seg->attrib.g;
	d.seg_32bit = seg->attrib.def;
	d.contents = type >> 2;
	d.read_exec_only = (type & 2) == 0;
	d.useable = seg->attrib.avl;
	seg->selector = (uint16_t)(index << 3 | 7);
	return syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)) == 0;
}

/* The vector registers into the frame. */
static void
fpu_put(const struct native *n)
{
	uint64_t bv = XS_X87_SSE_AVX;

	memcpy(model_fpu, &n->st.fpu, XS_FX_USED);
	if (native_has_avx())
		memcpy(model_fpu + XS_YMM, n->high, sizeof(n->high));
	else
		bv = XS_X87_SSE_AVX & 3;
	memcpy(model_fpu + XS_BV, &bv, sizeof(bv));
}

/* And back; a part in its first state is not written there. */
static void
fpu_get(struct native *n)
{
	uint64_t bv;

	memcpy(&bv, caught_fpu + XS_BV, sizeof(bv));
	memcpy(&n->st.fpu, caught_fpu, XS_FX_USED);
	if ((bv & 2) == 0)
		memset(n->st.fpu.fx_xmm, 0, sizeof(n->st.fpu.fx_xmm));
	memset(n->high, 0, sizeof(n->high));
	if ((bv & 4) != 0)
		memcpy(n->high, caught_fpu + XS_YMM, sizeof(n->high));
}

/* Registers into the frame; CS and SS are among them. */
static void
frame_put(const struct native *n)
{
	greg_t *g = model.uc_mcontext.gregs;
	unsigned i;

	for (i = 0; i < NVMM_X64_NGPR; i++)
		g[gregs[i]] = (greg_t)n->st.gprs[i];
	g[REG_EFL] = (greg_t)((n->st.gprs[NVMM_X64_GPR_RFLAGS] & ~FL_RF) |
	    FL_TF | FL_IF | 2);
	g[REG_CSGSFS] = (greg_t)(n->st.segs[NVMM_X64_SEG_CS].selector |
	    (uint64_t)n->st.segs[NVMM_X64_SEG_SS].selector << 48);
	fpu_put(n);
}

/* Registers as the trap or fault found them. */
static void
frame_get(struct native *n, struct native_event *event)
{
	const greg_t *g = caught.uc_mcontext.gregs;
	unsigned i;

	for (i = 0; i < NVMM_X64_NGPR; i++)
		n->st.gprs[i] = (uint64_t)g[gregs[i]];
	n->st.gprs[NVMM_X64_GPR_RFLAGS] &= ~(uint64_t)(FL_TF | FL_IF | FL_RF);
	fpu_get(n);
	event->vector = (unsigned)g[REG_TRAPNO];
	event->error = (uint32_t)g[REG_ERR];
	event->cr2 = (uint64_t)g[REG_CR2];
}

void
native_step(const struct native *before, struct native *after,
    struct native_event *event)
{
	const struct nvmm_x64_state_seg *segs = before->st.segs;
	struct entry entry = {
		.uc = &model,
		.fsbase = segs[NVMM_X64_SEG_FS].base,
		.gsbase = segs[NVMM_X64_SEG_GS].base,
		.es = segs[NVMM_X64_SEG_ES].selector,
		.ds = segs[NVMM_X64_SEG_DS].selector,
		.fs = segs[NVMM_X64_SEG_FS].selector,
		.gs = segs[NVMM_X64_SEG_GS].selector,
		.bases = segs[NVMM_X64_SEG_CS].attrib.l,
	};

	frame_put(before);
	entered = 1;
	native_enter(&entry);
	*after = *before;
	frame_get(after, event);
}

#else

bool
native_init(void)
{

	return false;
}

bool
native_has_ldt(void)
{

	return false;
}

bool
native_has_avx(void)
{

	return false;
}

uint32_t
native_mxcsr_mask(void)
{

	return 0;
}

bool
native_segment(unsigned index, struct nvmm_x64_state_seg *seg)
{

	(void)index;
	(void)seg;
	return false;
}

void
native_step(const struct native *before, struct native *after,
    struct native_event *event)
{

	*after = *before;
	event->vector = NATIVE_DONE;
}

#endif
