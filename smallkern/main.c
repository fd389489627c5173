/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * smallkern: a small x86-64 kernel that checks the machine it runs on.
 *
 * It shows how little a kernel needs: start.S gets here, the console speaks,
 * gdt.c, idt.c, paging.c and lapic.c set the processor up, task.c runs programs
 * in ring 3 (user.c), and the check_*.c files try all of it and report in TAP,
 * the format of https://testanything.org.  The exit status tells the outcome.
 *
 * Ring 0 is compiled for the general registers alone: a kernel does not touch
 * the floating-point registers, which belong to ring 3.
 */

#include "check.h"
#include "cpu.h"
#include "guest_abi.h"
#include "kern.h"
#include "trap.h"
#include "paging.h"
#include "user.h"

void kmain(const struct hvm_start_info *) __attribute__((noreturn));

/* From start.S, in long mode with everything in the low 4 GiB mapped. */
void
kmain(const struct hvm_start_info *info)
{
	console_init();
	printk("smallkern: the NVMM example guest\n");
	boot_words(info);
	console_fast();

	gdt_init();
	idt_init();
	paging_init();
	cpu_init();
	lapic_init();
	task_init();

	boot_print(info);
	cpu_print();
	platform_exit(check_all() == 0 ? 0 : 1);
}
