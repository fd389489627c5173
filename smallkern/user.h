/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Ring 3: tasks, their system calls and the programs they run.
 */

#ifndef _USER_H_
#define _USER_H_

#include <stdint.h>

#include "trap.h"

/* System calls: number in RAX, arguments in RDI and RSI, result in RAX. */
#define SYS_EXIT	0	/* ends the task with a value */
#define SYS_YIELD	1	/* lets the other task run */
#define SYS_MIX		2	/* computes something from both arguments */

#define USER_MIX(a, b)	(((uint64_t)(a) << 8) ^ (uint64_t)(b))
#define USER_STACK_SIZE	4096
#define USER_NTASKS	2

/* A program in ring 3 and everything that the processor knows of it. */
struct task {
	uint8_t fpu[512] __attribute__((aligned(16)));	/* FXSAVE's format */
	struct trapframe tf;
};

/* task.c */
void	task_init(void);
struct task *task_create(unsigned, void (*)(uint64_t), uint64_t);
uint64_t task_run(struct task *);
bool	task_syscall(struct task *);
uint64_t task_finish(struct task *);

/* user.c: runs in ring 3, and is never called from the kernel */
extern char	user_stacks[USER_NTASKS][USER_STACK_SIZE];
extern volatile uint64_t user_way;	/* the vector that system calls take */
extern volatile uint64_t user_word;
void	user_calls(uint64_t);
void	user_bare_syscall(uint64_t);
void	user_bare_int80(uint64_t);
void	user_bare_int3(uint64_t);
void	user_x87(uint64_t);
void	user_sse(uint64_t);
void	user_tsc(uint64_t);
void	user_loop(uint64_t);
void	user_read(uint64_t);
void	user_write(uint64_t);
void	user_jump(uint64_t);
void	user_cli(uint64_t);
void	user_fpu(uint64_t);

#endif /* !_USER_H_ */
