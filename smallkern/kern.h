/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The functions of each file, grouped under the file that defines them.
 */

#ifndef _KERN_H_
#define _KERN_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hvm_start_info;

/* start.S */
extern uint64_t	boot_pml4[512];
extern uint64_t	boot_pdpt[512];
extern uint64_t	boot_pd[4][512];

/* boot.c */
void	boot_print(const struct hvm_start_info *);
void	boot_words(const struct hvm_start_info *);
bool	boot_ram(unsigned, uint64_t *, uint64_t *);

/* console.c */
void	console_init(void);
void	console_fast(void);
void	console_write(const char *, size_t);
char	console_getc(void);
void	platform_exit(uint8_t) __attribute__((noreturn));

/* print.c */
void	printk(const char *, ...) __attribute__((format(printf, 1, 2)));
void	panic(const char *) __attribute__((noreturn));

/* cpu.c */
void	cpu_init(void);
void	cpu_print(void);

/* gdt.c */
void	gdt_init(void);

/* lapic.c */
void	lapic_init(void);
uint32_t lapic_read(unsigned);
void	lapic_write(unsigned, uint32_t);
bool	lapic_bit(unsigned, unsigned);
void	lapic_self_ipi(unsigned);
void	lapic_timer_start(uint32_t, uint32_t);
void	lapic_timer_stop(void);
uint32_t lapic_timer_ticks(uint64_t);

#endif /* !_KERN_H_ */
