/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The interrupt descriptor table and trap(), to which every trap comes.  An
 * exception goes to whoever catches it, an interrupt is counted, and all that
 * happens in ring 3 goes to the caller of user_resume().
 */

#include "cpu.h"
#include "guest_abi.h"
#include "kern.h"
#include "trap.h"

#define GATE_INTERRUPT	0x8e	/* present, interrupts off on entry */
#define GATE_RING3	0x60	/* INT n may use it from ring 3 */

/* AMD APM volume 2, 4.8.4; Intel SDM volume 3, 6.14.1. */
struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint8_t ist;
	uint8_t type;
	uint16_t offset_middle;
	uint32_t offset_high;
	uint32_t reserved;
};

_Static_assert(sizeof(struct gate) == 16, "gate");

static struct gate idt[TRAP_NVECTORS];
static struct interrupt interrupts[TRAP_NVECTORS];
static unsigned interrupt_order;

/* Every vector leads to its stub in trap.S. */
void
idt_init(void)
{
	struct table_pointer p = { sizeof(idt) - 1, (uint64_t)idt };
	uint64_t stub = (uint64_t)trap_stubs;

	for (unsigned i = 0; i < TRAP_NVECTORS; i++, stub += TRAP_STUB_SIZE) {
		idt[i].offset_low = stub & 0xffff;
		idt[i].offset_middle = stub >> 16 & 0xffff;
		idt[i].selector = SEL_KCODE;
		idt[i].type = GATE_INTERRUPT;
	}
	idt[TRAP_BP].type |= GATE_RING3;
	idt[VECTOR_SYSCALL].type |= GATE_RING3;
	idt[TRAP_DF].ist = 1;
	lidt(&p);
}

/* Counts an interrupt, notes what it met, and tells the APIC it is done. */
static void
interrupt(const struct trapframe *tf)
{
	struct interrupt *i = &interrupts[tf->vector];

	i->count++;
	i->order = ++interrupt_order;
	i->rip = tf->rip;
	i->tsc = rdtsc();
	if (tf->vector != VECTOR_SPURIOUS)
		lapic_write(GUEST_LAPIC_EOI, 0);
}

/* Nobody expected this: prints what is known and ends the machine. */
static void __attribute__((noreturn))
trap_unexpected(const struct trapframe *tf)
{
	printk("# trap %lu error %#lx rip %#lx rsp %#lx rflags %#lx cr2 %#lx\n",
	    tf->vector, tf->error, tf->rip, tf->rsp, tf->rflags, read_cr2());
	panic("unexpected trap");
}

/* Called by the stubs with interrupts off; returns to resume what trapped. */
void
trap(struct trapframe *tf)
{
	if (tf->vector >= TRAP_NEXCEPTIONS && tf->vector < TRAP_NVECTORS &&
	    tf->vector != VECTOR_SYSCALL)
		interrupt(tf);
	if ((tf->cs & SEL_RPL_USER) != 0) {
		*user_current = *tf;
		user_leave();
	}
	if (tf->vector >= TRAP_NEXCEPTIONS)
		return;
	if (trap_caught == NULL)
		trap_unexpected(tf);
	*trap_caught = *tf;
	trap_unwind();
}

/* Forgets this vector's interrupts; returns where the next ones are noted. */
struct interrupt *
interrupt_clear(unsigned vector)
{
	struct interrupt *i = &interrupts[vector];

	i->count = i->order = 0;
	i->rip = i->tsc = 0;
	return i;
}

/* Waits for n interrupts, up to so many cycles. */
static bool
interrupt_wait_cycles(unsigned vector, unsigned n, uint64_t cycles)
{
	uint64_t start = rdtsc();
	bool enough;

	sti();
	do {
		cpu_pause();
		enough = interrupts[vector].count >= n;
	} while (!enough && rdtsc() - start < cycles);
	cli();
	return enough;
}

/* Waits until n interrupts came; false if that takes far too long. */
bool
interrupt_wait(unsigned vector, unsigned n)
{
	return interrupt_wait_cycles(vector, n, 3000000000);
}

/* The same, with less patience. */
bool
interrupt_wait_short(unsigned vector, unsigned n)
{
	return interrupt_wait_cycles(vector, n, 100000000);
}
