/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Exceptions in ring 0: each comes with its vector and error code, and RIP is
 * at the faulting instruction, or behind the trapping one.
 */

#include "check.h"
#include "cpu.h"
#include "paging.h"
#include "trap.h"

#define NONCANONICAL	0x8000000000000000ULL

/*
 * An instruction that faults, as a function, and its address, NAME_at.
 */
#define PROVOKER(name, insn)						\
void	name(void *);							\
extern const char name##_at[];						\
__asm (	".pushsection .text\n"						\
	#name ":\n"							\
	#name "_at: " insn "\n"						\
	"ret\n"							\
	".popsection\n"							\
	".globl " #name ", " #name "_at\n")

PROVOKER(provoke_de, "divl %edi");
PROVOKER(provoke_ud, "ud2");
PROVOKER(provoke_gp, "movq (%rdi), %rax");
PROVOKER(provoke_df, "movq %rdi, %rsp; push %rdi");
PROVOKER(provoke_ds, "movw %di, %ds");
PROVOKER(provoke_ss, "movw %di, %ss");

/* Calls fn(arg) and compares what comes with what should. */
static const char *
provoke(void (*fn)(void *), uint64_t arg, uint64_t vector, uint64_t error,
    const char *rip)
{
	struct trapframe tf;

	if (!trap_catch(fn, (void *)arg, &tf))
		return "no exception";
	if (tf.vector != vector)
		return "another exception";
	if (tf.error != error)
		return "wrong error code";
	if (tf.rip != (uint64_t)rip)
		return "wrong RIP";
	return tf.cs == SEL_KCODE ? NULL : "wrong CS";
}

/* Division of whatever by zero. */
static const char *
check_de(void)
{
	return provoke(provoke_de, 0, TRAP_DE, 0, provoke_de_at);
}

/* The instruction made to be undefined. */
static const char *
check_ud(void)
{
	return provoke(provoke_ud, 0, TRAP_UD, 0, provoke_ud_at);
}

/* An address that needs more bits than there are. */
static const char *
check_gp(void)
{
	return provoke(provoke_gp, NONCANONICAL, TRAP_GP, 0, provoke_gp_at);
}

/* A segment behind the end of the GDT. */
static const char *
check_gp_selector(void)
{
	return provoke(provoke_ds, SEL_BEYOND, TRAP_GP, SEL_BEYOND,
	    provoke_ds_at);
}

/* A data segment that is not present. */
static const char *
check_np(void)
{
	return provoke(provoke_ds, SEL_ABSENT, TRAP_NP, SEL_ABSENT,
	    provoke_ds_at);
}

/* The same as a stack has a vector of its own. */
static const char *
check_ss(void)
{
	return provoke(provoke_ss, SEL_ABSENT, TRAP_SS, SEL_ABSENT,
	    provoke_ss_at);
}

/* A page fault on a stack that is not there: the handler needs its own. */
static const char *
check_df(void)
{
	struct trapframe tf;

	if (!trap_catch(provoke_df, (void *)PAGING_WINDOW, &tf))
		return "no exception";
	if (tf.vector != TRAP_DF)
		return "another exception";
	if (tf.rsp != PAGING_WINDOW)
		return "wrong RSP";
	return tf.error == 0 ? NULL : "wrong error code";
}

/* Runs two NOPs with the trap flag on; the first one traps. */
void	provoke_step(void *);
extern const char provoke_step_after[];
__asm (	".pushsection .text\n"
	"provoke_step: pushfq\n"
	"orq $0x100, (%rsp)\n"
	"popfq\n"
	"nop\n"
	"provoke_step_after: nop\n"
	"ret\n"
	".popsection\n"
	".globl provoke_step, provoke_step_after\n");

/* It traps after the instruction that follows POPF. */
static const char *
check_step(void)
{
	const char *wrong;

	write_dr6(0xffff0ff0);
	wrong = provoke(provoke_step, 0, TRAP_DB, 0, provoke_step_after);
	if (wrong != NULL)
		return wrong;
	return (read_dr6() & DR6_BS) != 0 ? NULL : "DR6 does not say BS";
}

const struct check checks_exception[] = {
	{ "#DE by a division by zero", check_de },
	{ "#DB by a single step", check_step },
	{ "#UD by UD2", check_ud },
	{ "#DF by a stack that is not there", check_df },
	{ "#NP with the selector as error code", check_np },
	{ "#SS with the selector as error code", check_ss },
	{ "#GP with the selector as error code", check_gp_selector },
	{ "#GP by a non-canonical address", check_gp },
	{ NULL, NULL }
};
