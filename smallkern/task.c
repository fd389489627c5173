/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Tasks in ring 3.  A task runs until it traps, whatever the reason; then the
 * kernel looks at its registers and decides, much as a virtual machine
 * monitor does with a virtual processor.
 */

#include "cpu.h"
#include "guest_abi.h"
#include "kern.h"
#include "user.h"

#define FCW_DEFAULT	0x037f	/* all exceptions masked, 64-bit precision */
#define MXCSR_DEFAULT	0x1f80	/* all exceptions masked */
#define FPU_FCW		0	/* offsets in FXSAVE's format */
#define FPU_MXCSR	24

/* Where syscall_entry finds its stack, by GS. */
static struct {
	uint64_t trap_rsp;
	uint64_t user_rsp;
} percpu = { .trap_rsp = (uint64_t)trap_stack_top };

static struct task tasks[USER_NTASKS];

/* Task n, about to call fn(arg) in ring 3 with interrupts on. */
struct task *
task_create(unsigned n, void (*fn)(uint64_t), uint64_t arg)
{
	struct task *t = &tasks[n];

	__builtin_memset(t, 0, sizeof(*t));
	*(uint16_t *)(void *)&t->fpu[FPU_FCW] = FCW_DEFAULT;
	*(uint32_t *)(void *)&t->fpu[FPU_MXCSR] = MXCSR_DEFAULT;
	t->tf.rip = (uint64_t)fn;
	t->tf.rdi = arg;
	t->tf.rsp = (uint64_t)user_stacks[n] + USER_STACK_SIZE - 8;
	t->tf.cs = SEL_UCODE | SEL_RPL_USER;
	t->tf.ss = SEL_UDATA | SEL_RPL_USER;
	t->tf.rflags = RFLAGS_FIXED | RFLAGS_IF;
	return t;
}

/* Runs a task until it traps; returns the vector. */
uint64_t
task_run(struct task *t)
{
	__asm volatile ("fxrstor64 %0" : : "m" (t->fpu));
	user_resume(&t->tf);
	__asm volatile ("fxsave64 %0" : "=m" (t->fpu));
	return t->tf.vector;
}

/* Serves a task's system call; false if it was none, or SYS_EXIT. */
bool
task_syscall(struct task *t)
{
	if (t->tf.vector != user_way || t->tf.rax == SYS_EXIT)
		return false;
	if (t->tf.rax == SYS_MIX)
		t->tf.rax = USER_MIX(t->tf.rdi, t->tf.rsi);
	return true;
}

/* Whether a device interrupted the task, which is none of its business. */
static bool
task_interrupted(const struct task *t)
{
	return t->tf.vector >= TRAP_NEXCEPTIONS &&
	    t->tf.vector < TRAP_NVECTORS && t->tf.vector != VECTOR_SYSCALL;
}

/* Runs a task to its end; returns what it gave to SYS_EXIT, or all ones. */
uint64_t
task_finish(struct task *t)
{
	do {
		task_run(t);
	} while (task_syscall(t) || task_interrupted(t));
	return t->tf.vector == user_way ? t->tf.rdi : UINT64_MAX;
}

/* Programs make their system calls this way from now on, if it works. */
static void
task_try_way(uint64_t vector)
{
	uint64_t old = user_way;

	user_way = vector;
	if (task_run(task_create(0, user_calls, 1)) != vector)
		user_way = old;
}

/*
 * SYSCALL works: where it goes, and that interrupts are off when it is there.
 * Where a hypervisor cannot do it, INT 0x80 or even INT3 serves instead.
 */
void
task_init(void)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
	wrmsr(MSR_STAR, (uint64_t)(SEL_KDATA | SEL_RPL_USER) << 48 |
	    (uint64_t)SEL_KCODE << 32);
	wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
	wrmsr(MSR_SFMASK, RFLAGS_IF | RFLAGS_TF | RFLAGS_DF | RFLAGS_AC);
	wrmsr(MSR_KERNEL_GS_BASE, (uint64_t)&percpu);
	user_way = TRAP_BP;
	task_try_way(VECTOR_SYSCALL);
	task_try_way(TRAP_SYSCALL);
}
