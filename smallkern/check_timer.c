/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Time: the APIC timer in each of its modes, sleep that it ends, and the TSC.
 * Times are in TSC cycles, and generous: a host may be busy.
 */

#include "check.h"
#include "cpu.h"
#include "guest_abi.h"
#include "kern.h"
#include "trap.h"
#include "user.h"

#define SHORT		1000000		/* cycles: some hundred microseconds */

/* Waits so many cycles with interrupts on. */
static void
idle(uint64_t cycles)
{
	uint64_t start = rdtsc();

	sti();
	while (rdtsc() - start < cycles)
		cpu_pause();
	cli();
}

/*
 * Lets the interrupts come that are on their way: one requested and one in
 * service. A hypervisor may need an exit to bring them, so read the APIC.
 */
static void
settle(void)
{
	sti();
	for (unsigned i = 0; i < 10; i++)
		(void)lapic_read(GUEST_LAPIC_TIMER_CCR);
	cli();
}

/* The current count gets smaller. */
static const char *
check_count(void)
{
	uint32_t first, second;

	lapic_timer_start(GUEST_LAPIC_LVT_MASKED, UINT32_MAX);
	first = lapic_read(GUEST_LAPIC_TIMER_CCR);
	idle(SHORT / 10);
	second = lapic_read(GUEST_LAPIC_TIMER_CCR);
	lapic_timer_stop();
	if (first == 0)
		return "it does not run";
	return second < first ? NULL : "it does not count down";
}

/* A masked timer counts and says nothing. */
static const char *
check_masked(void)
{
	struct interrupt *i = interrupt_clear(VECTOR_TIMER);

	lapic_timer_start(GUEST_LAPIC_LVT_MASKED, lapic_timer_ticks(SHORT));
	idle(2 * SHORT);
	lapic_timer_stop();
	return i->count == 0 ? NULL : "an interrupt came";
}

/* One interrupt, not too early, and no other. */
static const char *
check_oneshot(void)
{
	struct interrupt *i = interrupt_clear(VECTOR_TIMER);
	const char *wrong = NULL;
	uint64_t start = rdtsc();

	lapic_timer_start(GUEST_LAPIC_LVT_ONESHOT, lapic_timer_ticks(SHORT));
	if (!interrupt_wait(VECTOR_TIMER, 1))
		wrong = "no interrupt";
	else if (i->tsc - start < SHORT / 2)
		wrong = "it came too early";
	else if (lapic_read(GUEST_LAPIC_TIMER_CCR) != 0)
		wrong = "the count is not 0 after it";
	idle(2 * SHORT);
	lapic_timer_stop();
	if (wrong != NULL)
		return wrong;
	return i->count == 1 ? NULL : "more than one came";
}

/* Three interrupts, and none any more once it is stopped. */
static const char *
check_periodic(void)
{
	struct interrupt *i = interrupt_clear(VECTOR_TIMER);
	unsigned count;
	bool came;

	lapic_timer_start(GUEST_LAPIC_LVT_PERIODIC, lapic_timer_ticks(SHORT));
	came = interrupt_wait(VECTOR_TIMER, 3);
	lapic_timer_stop();
	if (!came)
		return "less than three interrupts";
	settle();
	count = i->count;
	idle(2 * SHORT);
	return i->count == count ? NULL : "they go on after the stop";
}

/* Whether CPUID offers the timer's third mode. */
static bool
has_deadline(void)
{
	struct cpuid_regs r;

	cpuid(1, 0, &r);
	return (r.ecx & CPUID1_ECX_TSCDEADLINE) != 0;
}

/* An interrupt once the TSC has reached what the MSR says. */
static const char *
check_deadline(void)
{
	struct interrupt *i = interrupt_clear(VECTOR_TIMER);
	uint64_t deadline;
	bool came;

	if (!has_deadline())
		return SKIP("CPUID does not offer it");
	lapic_timer_start(GUEST_LAPIC_LVT_TSCDEADLINE, 0);
	deadline = rdtsc() + SHORT;
	wrmsr(GUEST_MSR_TSC_DEADLINE, deadline);
	came = interrupt_wait(VECTOR_TIMER, 1);
	lapic_timer_stop();
	if (!came)
		return "no interrupt";
	if (i->tsc < deadline)
		return "it came before the deadline";
	return rdmsr(GUEST_MSR_TSC_DEADLINE) == 0 ? NULL :
	    "the MSR is not 0 after it";
}

/* A timer that never fires would leave us asleep: make sure of it first. */
static const char *
check_hlt(void)
{
	struct interrupt *i;

	if (check_oneshot() != NULL)
		return "the one-shot timer does not work";
	i = interrupt_clear(VECTOR_TIMER);
	lapic_timer_start(GUEST_LAPIC_LVT_ONESHOT, lapic_timer_ticks(SHORT));
	sti_hlt();
	cli();
	lapic_timer_stop();
	return i->count == 1 ? NULL : "something else ended it";
}

/* Each read is greater than the one before. */
static const char *
check_tsc_ring0(void)
{
	uint64_t last = 0;

	for (unsigned i = 0; i < 100; i++) {
		uint64_t now = rdtsc();

		if (now <= last)
			return "it did not grow";
		last = now;
	}
	return NULL;
}

/* The same where nothing can trap. */
static const char *
check_tsc_ring3(void)
{
	return task_finish(task_create(0, user_tsc, 0)) == 0 ? NULL :
	    "it did not grow";
}

const struct check checks_timer[] = {
	{ "the TSC grows, 100 reads in ring 0", check_tsc_ring0 },
	{ "the TSC grows, 2000 reads in ring 3", check_tsc_ring3 },
	{ "the APIC timer counts down", check_count },
	{ "a masked timer is silent", check_masked },
	{ "one-shot timer: one interrupt", check_oneshot },
	{ "periodic timer: interrupts until stopped", check_periodic },
	{ "TSC-deadline timer: one interrupt, in time", check_deadline },
	{ "HLT ended by the timer", check_hlt },
	{ NULL, NULL }
};
