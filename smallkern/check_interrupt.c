/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Interrupts, sent by the processor to itself, and all that holds them off:
 * the interrupt flag, the shadow of STI, and the task priority by either name.
 */

#include "check.h"
#include "cpu.h"
#include "guest_abi.h"
#include "kern.h"
#include "trap.h"

#define CLASS(vector)	((vector) >> 4)

/* Sent, delivered, and over after EOI. */
static const char *
check_self_ipi(void)
{
	interrupt_clear(VECTOR_LOW);
	lapic_self_ipi(VECTOR_LOW);
	if (!interrupt_wait(VECTOR_LOW, 1))
		return "no interrupt";
	return lapic_bit(GUEST_LAPIC_ISR, VECTOR_LOW) ?
	    "still in service after EOI" : NULL;
}

/* With interrupts off it stays requested, and comes when they are on. */
static const char *
check_cli(void)
{
	struct interrupt *i = interrupt_clear(VECTOR_LOW);

	lapic_self_ipi(VECTOR_LOW);
	for (unsigned n = 0; n < 50; n++)
		cpu_pause();
	if (i->count != 0)
		return "an interrupt came";
	if (!lapic_bit(GUEST_LAPIC_IRR, VECTOR_LOW))
		return "it is not requested";
	return interrupt_wait(VECTOR_LOW, 1) ? NULL :
	    "it did not come after STI";
}

/* The verdict where VECTOR_LOW did not come as soon as interrupts were on. */
static const char *
not_at_once(void)
{
	return interrupt_wait(VECTOR_LOW, 1) ?
	    check_flaw(SKIP("it comes late")) : "it is lost";
}

/* STI with CLI right behind lets nothing in; with a NOP between, after that. */
static const char *
check_sti(void)
{
	struct interrupt *i = interrupt_clear(VECTOR_LOW);
	uint64_t rip;

	lapic_self_ipi(VECTOR_LOW);
	__asm volatile ("sti; cli" : : : "memory");
	if (i->count != 0)
		return "an interrupt came between STI and CLI";
	__asm volatile ("leaq 1f(%%rip), %0; sti; nop; 1: cli"
	    : "=r" (rip) : : "memory");
	if (i->count != 1)
		return not_at_once();
	return i->rip == rip ? NULL :
	    check_flaw(SKIP("it comes at another instruction"));
}

/* POPF casts no shadow. */
static const char *
check_popf(void)
{
	struct interrupt *i = interrupt_clear(VECTOR_LOW);
	uint64_t rip;

	lapic_self_ipi(VECTOR_LOW);
	__asm volatile (
	    "leaq 1f(%%rip), %0; pushfq; orq %1, (%%rsp); popfq; 1: nop; cli"
	    : "=r" (rip) : "i" (RFLAGS_IF) : "memory", "cc");
	if (i->count != 1)
		return not_at_once();
	return i->rip == rip ? NULL :
	    check_flaw(SKIP("it comes at another instruction"));
}

/* Sent the lower first, both come, the higher first. */
static const char *
check_order(void)
{
	struct interrupt *low = interrupt_clear(VECTOR_LOW);
	struct interrupt *high = interrupt_clear(VECTOR_HIGH);

	lapic_self_ipi(VECTOR_LOW);
	lapic_self_ipi(VECTOR_HIGH);
	if (!interrupt_wait(VECTOR_LOW, 1) || high->count != 1)
		return "one did not come";
	return high->order + 1 == low->order ? NULL : "the lower came first";
}

/* Waits for VECTOR_LOW, at last with an access that any hypervisor sees. */
static const char *
low_comes(void)
{
	if (interrupt_wait_short(VECTOR_LOW, 1))
		return NULL;
	(void)lapic_read(GUEST_LAPIC_PPR);
	return interrupt_wait(VECTOR_LOW, 1) ?
	    check_flaw(SKIP("the lower interrupt comes late")) :
	    "the lower interrupt is lost";
}

/* With the priority raised by set(), low is held and high is not. */
static const char *
hold_off(void (*set)(unsigned))
{
	struct interrupt *low = interrupt_clear(VECTOR_LOW);

	interrupt_clear(VECTOR_HIGH);
	set(CLASS(VECTOR_LOW));
	lapic_self_ipi(VECTOR_LOW);
	lapic_self_ipi(VECTOR_HIGH);
	if (!interrupt_wait(VECTOR_HIGH, 1)) {
		set(0);
		return "the higher interrupt did not come";
	}
	sti();
	cli();
	if (low->count != 0) {
		set(0);
		return "the lower interrupt came";
	}
	set(0);
	return low_comes();
}

/* Raises the priority by the APIC. */
static void
set_tpr(unsigned class)
{
	lapic_write(GUEST_LAPIC_TPR, class << 4);
}

/* Raises the priority by the control register. */
static void
set_cr8(unsigned class)
{
	write_cr8(class);
}

/* hold_off() by the APIC. */
static const char *
check_tpr(void)
{
	return hold_off(set_tpr);
}

/* hold_off() by CR8. */
static const char *
check_cr8(void)
{
	return hold_off(set_cr8);
}

/* Each shows what the other was set to. */
static const char *
check_cr8_is_tpr(void)
{
	write_cr8(5);
	if (lapic_read(GUEST_LAPIC_TPR) != 0x50)
		return "the APIC does not show what CR8 was set to";
	if (lapic_read(GUEST_LAPIC_PPR) != 0x50)
		return "the processor priority does not follow";
	lapic_write(GUEST_LAPIC_TPR, 0x90);
	if (read_cr8() != 9)
		return "CR8 does not show what the APIC was set to";
	write_cr8(0);
	return lapic_read(GUEST_LAPIC_TPR) == 0 ? NULL : "CR8 does not reset it";
}

const struct check checks_interrupt[] = {
	{ "an interrupt to oneself", check_self_ipi },
	{ "interrupts held off by CLI", check_cli },
	{ "interrupts held off by the shadow of STI", check_sti },
	{ "no shadow after POPF", check_popf },
	{ "of two interrupts the higher first", check_order },
	{ "CR8 and the APIC's TPR are one", check_cr8_is_tpr },
	{ "interrupts held off by TPR", check_tpr },
	{ "interrupts held off by CR8", check_cr8 },
	{ NULL, NULL }
};
