/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The local APIC's timer in its three modes. It keeps the time of its end, in
 * nanoseconds or in ticks of the guest's TSC, and is told when that has come;
 * told too early, it asks again. Ticks of a periodic timer that nobody took
 * are lost, as on hardware.
 */

#include "guest_abi.h"
#include "lapic.h"
#include "lapic_impl.h"

#define MODE_MASK	(GUEST_LAPIC_LVT_PERIODIC | GUEST_LAPIC_LVT_TSCDEADLINE)
#define DCR_MASK	0xb
/* The least wait for a TSC deadline that came too early, nanoseconds. */
#define AGAIN_MIN	1000

/* The mode that the vector table entry holds. */
static uint32_t
timer_mode(const struct lapic *l)
{
	return l->lvt[LVT_TIMER] & MODE_MASK;
}

/* What the input clock is divided by. */
static uint64_t
timer_divisor(const struct lapic *l)
{
	unsigned code = (l->dcr & 3) | (l->dcr & 8) >> 1;

	return code == 7 ? 1 : 2ULL << code;
}

/* The time from start to end by count and divisor; no flood of them. */
static void
timer_set_period(struct lapic *l)
{
	l->period = l->count * timer_divisor(l);
	if (timer_mode(l) == GUEST_LAPIC_LVT_PERIODIC &&
	    l->period < LAPIC_PERIOD_MIN)
		l->period = LAPIC_PERIOD_MIN;
}

/* No end any more. */
void
lapic_timer_stop(struct lapic *l)
{
	if (l->deadline != 0 || l->tsc_deadline != 0)
		l->cb->arm(l->arg, 0);
	l->deadline = 0;
	l->tsc_deadline = 0;
}

/* The count started, or stopped with 0. Without effect in TSC deadline mode. */
void
lapic_timer_start(struct lapic *l, uint32_t count)
{
	if (timer_mode(l) == GUEST_LAPIC_LVT_TSCDEADLINE)
		return;
	l->count = count;
	if (count == 0) {
		lapic_timer_stop(l);
		return;
	}
	timer_set_period(l);
	l->deadline = l->cb->now(l->arg) + l->period;
	l->cb->arm(l->arg, l->deadline);
}

/* What is left to count. */
uint32_t
lapic_timer_count(const struct lapic *l)
{
	uint64_t now, left;

	if (l->deadline == 0)
		return 0;
	now = l->cb->now(l->arg);
	left = l->deadline > now ? (l->deadline - now) / timer_divisor(l) : 0;
	return left > l->count ? l->count : (uint32_t)left;
}

/* The divisor changed; a count on its way goes on from where it is. */
void
lapic_timer_divide(struct lapic *l, uint32_t dcr)
{
	uint64_t left = lapic_timer_count(l);

	l->dcr = dcr & DCR_MASK;
	if (l->deadline == 0)
		return;
	timer_set_period(l);
	l->deadline = l->cb->now(l->arg) + left * timer_divisor(l);
	l->cb->arm(l->arg, l->deadline);
}

/* Into or out of TSC deadline mode the timer stops. */
void
lapic_timer_mode_changed(struct lapic *l, uint32_t before)
{
	uint32_t changed = before ^ l->lvt[LVT_TIMER];

	if ((changed & GUEST_LAPIC_LVT_TSCDEADLINE) != 0) {
		lapic_timer_stop(l);
		l->count = 0;
	}
}

/* The TSC deadline, 0 when it has passed or in another mode. */
uint64_t
lapic_tsc_deadline(const struct lapic *l)
{
	return l->tsc_deadline;
}

/* The time of the end asked for: by how far off the TSC is now. */
static void
timer_arm_tsc(struct lapic *l)
{
	uint64_t tsc = l->cb->tsc(l->arg), ns = 0;

	if (l->tsc_deadline > tsc) {
		ns = l->cb->tsc_ns(l->arg, l->tsc_deadline - tsc);
		if (ns < AGAIN_MIN)
			ns = AGAIN_MIN;
	}
	l->cb->arm(l->arg, l->cb->now(l->arg) + ns);
}

/* The timer started or, with 0, stopped. Without effect in other modes. */
void
lapic_set_tsc_deadline(struct lapic *l, uint64_t tsc)
{
	if (timer_mode(l) != GUEST_LAPIC_LVT_TSCDEADLINE)
		return;
	if (tsc == 0) {
		lapic_timer_stop(l);
		return;
	}
	l->tsc_deadline = tsc;
	timer_arm_tsc(l);
}

/* The interrupt, unless masked. */
static void
timer_fire(struct lapic *l)
{
	uint32_t lvt = l->lvt[LVT_TIMER];

	if ((lvt & GUEST_LAPIC_LVT_MASKED) == 0)
		lapic_post(l, (uint8_t)lvt);
}

/* The TSC has come to the deadline, or nearly. */
static void
timer_tsc(struct lapic *l)
{
	if (l->cb->tsc(l->arg) < l->tsc_deadline) {
		timer_arm_tsc(l);
		return;
	}
	l->tsc_deadline = 0;
	timer_fire(l);
}

/* The count has come to its end; a periodic one starts over. */
static void
timer_count_end(struct lapic *l)
{
	uint64_t now = l->cb->now(l->arg);

	if (now < l->deadline) {
		l->cb->arm(l->arg, l->deadline);
		return;
	}
	if (timer_mode(l) == GUEST_LAPIC_LVT_PERIODIC) {
		timer_set_period(l);
		l->deadline += (now - l->deadline) / l->period * l->period +
		    l->period;
		l->cb->arm(l->arg, l->deadline);
	} else
		l->deadline = 0;
	timer_fire(l);
}

/* The time that was armed has come. */
void
lapic_timer(struct lapic *l)
{
	if (l->tsc_deadline != 0)
		timer_tsc(l);
	else if (l->deadline != 0)
		timer_count_end(l);
}
