/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Ring 3: system calls, faults, preemption, and floating point that survives
 * other tasks.
 */

#include "check.h"
#include "cpu.h"
#include "guest_abi.h"
#include "kern.h"
#include "paging.h"
#include "user.h"

#define NCALLS		20
#define SSE_ROUNDS	10
#define SSE_SUM		22140	/* 1^2 + 2^2 + ... + 40^2 */

/* Makes calls this way; *t is left as the program ended. */
static bool
way_works(uint64_t vector, struct task **t)
{
	uint64_t best = user_way, right;

	user_way = vector;
	*t = task_create(0, user_calls, NCALLS);
	right = task_finish(*t);
	user_way = best;
	return right == NCALLS;
}

/* Calls by SYSCALL; a hypervisor may get to LSTAR and yet not to ring 0. */
static const char *
check_syscall(void)
{
	struct task *t;

	if (way_works(TRAP_SYSCALL, &t))
		return NULL;
	if (t->tf.vector == TRAP_PF && t->tf.rip == (uint64_t)syscall_entry &&
	    t->tf.error == (PF_PRESENT | PF_USER | PF_FETCH))
		return SKIP("it does not leave ring 3");
	return "wrong results";
}

/* Calls by INT 0x80, to which no processor says #UD. */
static const char *
check_int80(void)
{
	struct task *t;

	if (way_works(VECTOR_SYSCALL, &t))
		return NULL;
	if (t->tf.vector == TRAP_UD)
		return check_flaw(SKIP("INT n is unknown in ring 3"));
	return "wrong results";
}

/* Calls by INT3, which any debugger relies on. */
static const char *
check_int3(void)
{
	struct task *t;

	return way_works(TRAP_BP, &t) ? NULL : "wrong results";
}

/* The registers in frame order, but RCX and R11, which SYSCALL may destroy. */
static bool
same_registers(const struct trapframe *a, const struct trapframe *b)
{
	return a->r15 == b->r15 && a->r14 == b->r14 && a->r13 == b->r13 &&
	    a->r12 == b->r12 && a->r10 == b->r10 && a->r9 == b->r9 &&
	    a->r8 == b->r8 && a->rdi == b->rdi && a->rsi == b->rsi &&
	    a->rbp == b->rbp && a->rbx == b->rbx && a->rdx == b->rdx &&
	    a->rax == b->rax && a->rsp == b->rsp && a->cs == b->cs &&
	    a->ss == b->ss && a->rflags == b->rflags;
}

/* Into ring 3, out by a call, in and out once more: all is as it was. */
static const char *
check_registers(void)
{
	struct task *t = task_create(0, user_way == TRAP_SYSCALL ?
	    user_bare_syscall : user_way == VECTOR_SYSCALL ?
	    user_bare_int80 : user_bare_int3, 0);
	uint64_t *regs = (uint64_t *)&t->tf;
	struct trapframe want;

	for (unsigned i = 0; i < TF_VECTOR / 8; i++)
		regs[i] = 0xfedcba9800000000 + i;
	want = t->tf;
	for (unsigned i = 0; i < 2; i++) {
		if (task_run(t) != user_way)
			return "no system call";
		if (!same_registers(&t->tf, &want))
			return "a register is lost";
	}
	return NULL;
}

/* Runs a program that must end in this exception; the address goes with #PF. */
static const char *
user_fault(void (*fn)(uint64_t), uint64_t arg, uint64_t vector, uint64_t error)
{
	struct task *t = task_create(0, fn, arg);

	write_cr2(0);
	if (task_run(t) != vector)
		return t->tf.vector < TRAP_NEXCEPTIONS ? "another exception" :
		    "no exception";
	if (t->tf.error != error)
		return "wrong error code";
	if (vector == TRAP_PF && read_cr2() != arg)
		return "CR2 is not the address";
	return (t->tf.cs & SEL_RPL_USER) != 0 ? NULL : "it was not in ring 3";
}

/* CLI is not for ring 3. */
static const char *
check_privileged(void)
{
	return user_fault(user_cli, 0, TRAP_GP, 0);
}

/* Nor is the kernel to be read, */
static const char *
check_read_kernel(void)
{
	return user_fault(user_read, GUEST_KERNEL_BASE, TRAP_PF,
	    PF_USER | PF_PRESENT);
}

/* nor code to be written, */
static const char *
check_write_text(void)
{
	return user_fault(user_write, (uint64_t)user_write, TRAP_PF,
	    PF_USER | PF_PRESENT | PF_WRITE);
}

/* nor data to be executed. */
static const char *
check_jump_data(void)
{
	return user_fault(user_jump, (uint64_t)&user_word, TRAP_PF,
	    PF_USER | PF_PRESENT | PF_FETCH);
}

/* With CR0.TS set the FPU is not to be touched; a lazy kernel uses that. */
static const char *
check_nm(void)
{
	struct task *t = task_create(0, user_fpu, 0);
	uint64_t vector;

	write_cr0(read_cr0() | CR0_TS);
	user_resume(&t->tf);
	vector = t->tf.vector;
	write_cr0(read_cr0() & ~(uint64_t)CR0_TS);
	if (vector != TRAP_NM)
		return check_flaw(SKIP("CR0.TS has no effect in ring 3"));
	return task_finish(t) == 1 ? NULL : "it does not go on afterwards";
}

/* The trap flag stops a program after one instruction. */
static const char *
check_step(void)
{
	struct task *t = task_create(0, user_calls, NCALLS);
	uint64_t rip = t->tf.rip;

	t->tf.rflags |= RFLAGS_TF;
	if (task_run(t) != TRAP_DB)
		return "no exception";
	if (t->tf.rip == rip || t->tf.rip - rip > 15)
		return "not after one instruction";
	t->tf.rflags &= ~(uint64_t)RFLAGS_TF;
	return task_finish(t) == NCALLS ? NULL : "it does not go on afterwards";
}

/* A program that makes no system call is interrupted all the same. */
static const char *
check_preempt(void)
{
	struct task *t = task_create(0, user_loop, 1000000000);
	struct interrupt *i = interrupt_clear(VECTOR_TIMER);
	uint64_t vector;

	lapic_timer_start(GUEST_LAPIC_LVT_ONESHOT, lapic_timer_ticks(1000000));
	vector = task_run(t);
	lapic_timer_stop();
	if (vector != VECTOR_TIMER)
		return "no interrupt in ring 3";
	return i->rip == t->tf.rip ? NULL : "it came elsewhere";
}

/* Right to the precision of 64 bits, which SSE does not have. */
static const char *
check_x87(void)
{
	return task_finish(task_create(0, user_x87, 0)) == 1 ? NULL :
	    "pi is something else";
}

/* Right in all four lanes. */
static const char *
check_sse(void)
{
	return task_finish(task_create(0, user_sse, SSE_ROUNDS)) == SSE_SUM ?
	    NULL : "the sum is something else";
}

/* Two tasks take turns at each system call, x87 against SSE. */
static const char *
check_switch(void)
{
	struct task *a = task_create(0, user_x87, 0);
	struct task *b = task_create(1, user_sse, SSE_ROUNDS);
	unsigned turns = 0;
	bool more_a = true, more_b = true;

	while (more_a && more_b) {
		task_run(a);
		more_a = task_syscall(a);
		task_run(b);
		more_b = task_syscall(b);
		turns++;
	}
	if (turns < SSE_ROUNDS)
		return "they did not take turns";
	if ((more_a ? task_finish(a) : a->tf.rdi) != 1)
		return "pi is something else";
	return (more_b ? task_finish(b) : b->tf.rdi) == SSE_SUM ? NULL :
	    "the sum is something else";
}

const struct check checks_user[] = {
	{ "ring 3: SYSCALL and SYSRET", check_syscall },
	{ "ring 3: INT 0x80 and IRET", check_int80 },
	{ "ring 3: INT3 and IRET", check_int3 },
	{ "ring 3: registers kept by a system call", check_registers },
	{ "ring 3: #GP by a privileged instruction", check_privileged },
	{ "ring 3: page fault by a read of the kernel", check_read_kernel },
	{ "ring 3: page fault by a write to its code", check_write_text },
	{ "ring 3: page fault by a jump to its data", check_jump_data },
	{ "ring 3: #NM while CR0.TS is set", check_nm },
	{ "ring 3: #DB by a single step", check_step },
	{ "ring 3: interrupted by the timer", check_preempt },
	{ "ring 3: pi by x87", check_x87 },
	{ "ring 3: a sum of squares by SSE", check_sse },
	{ "ring 3: x87 and SSE while taking turns", check_switch },
	{ NULL, NULL }
};
