/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The local APIC: interrupts to oneself and the timer, by the registers that
 * lie in memory.
 */

#include "cpu.h"
#include "guest_abi.h"
#include "kern.h"
#include "trap.h"

static uint64_t lapic_ratio;	/* TSC cycles per 1024 timer ticks */

/* Returns a register, GUEST_LAPIC_*. */
uint32_t
lapic_read(unsigned reg)
{
	return *(volatile uint32_t *)(uintptr_t)(GUEST_LAPIC_BASE + reg);
}

/* Sets a register, GUEST_LAPIC_*. */
void
lapic_write(unsigned reg, uint32_t val)
{
	*(volatile uint32_t *)(uintptr_t)(GUEST_LAPIC_BASE + reg) = val;
}

/* Whether vector is set in GUEST_LAPIC_IRR, _ISR or _TMR. */
bool
lapic_bit(unsigned reg, unsigned vector)
{
	return (lapic_read(reg + vector / 32 * 0x10) >> (vector % 32) & 1) != 0;
}

/* The vector is requested of this very processor. */
void
lapic_self_ipi(unsigned vector)
{
	lapic_write(GUEST_LAPIC_ICR_LO, GUEST_LAPIC_ICR_SELF |
	    GUEST_LAPIC_ICR_ASSERT | GUEST_LAPIC_ICR_FIXED | vector);
}

/* The timer runs in this mode for so many ticks; 0 for TSC-deadline mode. */
void
lapic_timer_start(uint32_t mode, uint32_t ticks)
{
	lapic_write(GUEST_LAPIC_TIMER_DCR, GUEST_LAPIC_DCR_BY_1);
	lapic_write(GUEST_LAPIC_LVT_TIMER, mode | VECTOR_TIMER);
	if (ticks != 0)
		lapic_write(GUEST_LAPIC_TIMER_ICR, ticks);
}

/* The timer is silent. */
void
lapic_timer_stop(void)
{
	lapic_write(GUEST_LAPIC_LVT_TIMER,
	    GUEST_LAPIC_LVT_MASKED | VECTOR_TIMER);
	lapic_write(GUEST_LAPIC_TIMER_ICR, 0);
}

/* Returns the ticks in a while, and how many cycles it lasted and is unsure. */
static uint32_t
lapic_measure(uint64_t *cycles, uint64_t *unsure)
{
	uint64_t start;
	uint32_t ticks;

	lapic_timer_start(GUEST_LAPIC_LVT_MASKED, UINT32_MAX);
	start = rdtsc();
	do {
		*cycles = rdtsc() - start;
	} while (*cycles < 400000);
	ticks = UINT32_MAX - lapic_read(GUEST_LAPIC_TIMER_CCR);
	*unsure = rdtsc() - start - *cycles;
	lapic_timer_stop();
	return ticks;
}

/* Learns how fast the timer runs; again if the host was away meanwhile. */
static void
lapic_calibrate(void)
{
	uint64_t cycles, unsure;
	uint32_t ticks;
	unsigned tries = 0;

	do {
		ticks = lapic_measure(&cycles, &unsure);
	} while (unsure > cycles / 4 && ++tries < 5);
	lapic_ratio = ticks == 0 ? 1024 : cycles * 1024 / ticks;
	if (lapic_ratio == 0)
		lapic_ratio = 1;
}

/* The timer ticks that take about as long as so many TSC cycles. */
uint32_t
lapic_timer_ticks(uint64_t cycles)
{
	return (uint32_t)(cycles * 1024 / lapic_ratio) + 1;
}

/* The APIC is on, no priority is masked, and only we make interrupts. */
void
lapic_init(void)
{
	lapic_write(GUEST_LAPIC_SVR, GUEST_LAPIC_SVR_ENABLE | VECTOR_SPURIOUS);
	lapic_write(GUEST_LAPIC_LVT_LINT0, GUEST_LAPIC_LVT_MASKED);
	lapic_write(GUEST_LAPIC_TPR, 0);
	lapic_calibrate();
}
