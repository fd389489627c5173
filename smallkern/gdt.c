/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Segments, which long mode has almost abolished: what is left are the
 * privilege levels, and the task state segment with the stacks for traps.
 */

#include "cpu.h"
#include "guest_abi.h"
#include "kern.h"
#include "trap.h"

#define GDT_CODE	0x00209b0000000000ULL	/* present, 64-bit, accessed */
#define GDT_DATA	0x0000930000000000ULL	/* present, writable, accessed */
#define GDT_RING3	0x0000600000000000ULL
#define GDT_PRESENT	0x0000800000000000ULL
#define GDT_TSS		0x0000890000000000ULL	/* present, available */

/* AMD APM volume 2, 12.2.5; Intel SDM volume 3, 8.7. */
struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];	/* the stack on entry to rings 0, 1, 2 */
	uint64_t reserved1;
	uint64_t ist[7];	/* stacks that a gate can ask for, from 1 on */
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t iomap;
} __attribute__((packed));

_Static_assert(sizeof(struct tss) == 104, "tss");

static struct tss tss = {
	.rsp[0] = (uint64_t)trap_stack_top,
	.ist[0] = (uint64_t)fault_stack_top,
	.iomap = sizeof(struct tss),
};

static uint64_t gdt[] = {
	[SEL_KCODE / 8] = GDT_CODE,
	[SEL_KDATA / 8] = GDT_DATA,
	[SEL_UDATA / 8] = GDT_DATA | GDT_RING3,
	[SEL_UCODE / 8] = GDT_CODE | GDT_RING3,
	[SEL_TSS / 8] = GDT_TSS | (sizeof(struct tss) - 1),
	[SEL_ABSENT / 8] = GDT_DATA & ~GDT_PRESENT,
};

_Static_assert(sizeof(gdt) <= SEL_BEYOND, "SEL_BEYOND lies in the table");

/* The processor uses our descriptors, and has a stack for every trap. */
void
gdt_init(void)
{
	struct table_pointer p = { sizeof(gdt) - 1, (uint64_t)gdt };
	uint64_t base = (uint64_t)&tss;

	gdt[SEL_TSS / 8] |= (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;
	gdt[SEL_TSS / 8 + 1] = base >> 32;
	lgdt(&p);
	__asm volatile (
	    "pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:"
	    : : "i" (SEL_KCODE) : "rax", "memory");
	__asm volatile (
	    "movl %0, %%ds; movl %0, %%es; movl %0, %%ss;"
	    "movl %1, %%fs; movl %1, %%gs"
	    : : "r" (SEL_KDATA), "r" (0));
	ltr(SEL_TSS);
}
