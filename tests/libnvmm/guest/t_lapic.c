/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The local APIC: priorities, the registers, IPIs, and the timer's three modes
 * against a clock that the test turns.
 */

#include <atf-c.h>
#include <string.h>

#include "guest_abi.h"
#include "lapic.h"

static struct {
	uint64_t now;			/* ns */
	uint64_t tsc_skew;		/* TSC = 2 * now - skew */
	uint64_t armed;
	struct lapic_ipi ipi;
	unsigned nipis;
} w;

static uint64_t
cb_now(void *arg)
{
	ATF_REQUIRE_EQ(arg, &w);
	return w.now;
}

static uint64_t
cb_tsc(void *arg)
{
	(void)arg;
	return 2 * w.now - w.tsc_skew;
}

static uint64_t
cb_tsc_ns(void *arg, uint64_t ticks)
{
	(void)arg;
	return ticks / 2;
}

static void
cb_arm(void *arg, uint64_t when)
{
	(void)arg;
	w.armed = when;
}

static void
cb_ipi(void *arg, const struct lapic_ipi *ipi)
{
	(void)arg;
	w.ipi = *ipi;
	w.nipis++;
}

static const struct lapic_callbacks cb = {
	cb_now, cb_tsc, cb_tsc_ns, cb_arm, cb_ipi
};

/* An APIC with ID 5, switched on by software. */
static void
make(struct lapic *l)
{
	memset(&w, 0, sizeof(w));
	w.now = 1000000;
	lapic_init(l, 5, &cb, &w);
	lapic_write(l, GUEST_LAPIC_SVR, GUEST_LAPIC_SVR_ENABLE | 0xff);
}

/* Deliver what is pending; returns its vector, or -1. */
static int
deliver(struct lapic *l)
{
	int vector = lapic_pending(l);

	if (vector >= 0)
		lapic_accept(l, (uint8_t)vector);
	return vector;
}

ATF_TC_WITHOUT_HEAD(reset_values);
ATF_TC_BODY(reset_values, tc)
{
	struct lapic l;
	unsigned off;

	(void)tc;
	memset(&w, 0, sizeof(w));
	lapic_init(&l, 5, &cb, &w);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_ID), 5u << 24);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_VERSION), 0x50014);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_SVR), 0xff);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_DFR), UINT32_MAX);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_LDR), 0);
	for (off = GUEST_LAPIC_LVT_TIMER; off <= GUEST_LAPIC_LVT_ERROR;
	    off += 16)
		ATF_CHECK_EQ(lapic_read(&l, off), GUEST_LAPIC_LVT_MASKED);
	for (off = GUEST_LAPIC_ISR; off < GUEST_LAPIC_ESR; off += 16)
		ATF_CHECK_EQ(lapic_read(&l, off), 0);
	/* While off by software, nothing comes and the masks stay. */
	lapic_post(&l, 0x40);
	ATF_CHECK_EQ(lapic_pending(&l), -1);
	lapic_write(&l, GUEST_LAPIC_LVT_TIMER, 0x31);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_LVT_TIMER),
	    GUEST_LAPIC_LVT_MASKED | 0x31);
}

ATF_TC_WITHOUT_HEAD(registers);
ATF_TC_BODY(registers, tc)
{
	struct lapic l;

	(void)tc;
	make(&l);
	lapic_write(&l, GUEST_LAPIC_ID, 0);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_ID), 5u << 24);
	lapic_write(&l, GUEST_LAPIC_LDR, UINT32_MAX);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_LDR), 0xff000000);
	lapic_write(&l, GUEST_LAPIC_DFR, 0);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_DFR), 0x0fffffff);
	lapic_write(&l, GUEST_LAPIC_TPR, 0x1ff);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_TPR), 0xff);
	lapic_write(&l, GUEST_LAPIC_LVT_TIMER, UINT32_MAX);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_LVT_TIMER), 0x000700ff);
	lapic_write(&l, GUEST_LAPIC_LVT_LINT0, 0x700);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_LVT_LINT0), 0x700);
	/* Parts of a register, and writes that are no words. */
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_VERSION + 2) & 0xff, 5);
	lapic_write(&l, GUEST_LAPIC_TPR + 4, 0);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_TPR), 0xff);
}

ATF_TC_WITHOUT_HEAD(priorities);
ATF_TC_BODY(priorities, tc)
{
	struct lapic l;

	(void)tc;
	make(&l);
	lapic_post(&l, 0x31);
	lapic_post(&l, 0x52);
	lapic_post(&l, 0x51);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_IRR + 0x10), 1u << 17);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_IRR + 0x20), 6u << 16 & 0x60000);
	ATF_CHECK_EQ(deliver(&l), 0x52);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_PPR), 0x50);
	/* The same class waits, a higher one does not. */
	ATF_CHECK_EQ(deliver(&l), -1);
	lapic_post(&l, 0x60);
	ATF_CHECK_EQ(deliver(&l), 0x60);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_ISR + 0x20), 1u << 18);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_ISR + 0x30), 1u);
	lapic_write(&l, GUEST_LAPIC_EOI, 0);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_ISR + 0x30), 0);
	ATF_CHECK_EQ(deliver(&l), -1);
	lapic_write(&l, GUEST_LAPIC_EOI, 0);
	ATF_CHECK_EQ(deliver(&l), 0x51);
	lapic_write(&l, GUEST_LAPIC_EOI, 0);
	ATF_CHECK_EQ(deliver(&l), 0x31);
	lapic_write(&l, GUEST_LAPIC_EOI, 0);
	ATF_CHECK_EQ(deliver(&l), -1);
	lapic_write(&l, GUEST_LAPIC_EOI, 0);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_PPR), 0);
}

ATF_TC_WITHOUT_HEAD(same_vector_again_while_in_service);
ATF_TC_BODY(same_vector_again_while_in_service, tc)
{
	struct lapic l;

	(void)tc;
	make(&l);
	lapic_post(&l, 0x40);
	lapic_post(&l, 0x40);
	ATF_CHECK_EQ(deliver(&l), 0x40);
	lapic_post(&l, 0x40);
	ATF_CHECK_EQ(deliver(&l), -1);
	lapic_write(&l, GUEST_LAPIC_EOI, 0);
	ATF_CHECK_EQ(deliver(&l), 0x40);
	lapic_write(&l, GUEST_LAPIC_EOI, 0);
	ATF_CHECK_EQ(deliver(&l), -1);
}

ATF_TC_WITHOUT_HEAD(task_priority_and_cr8);
ATF_TC_BODY(task_priority_and_cr8, tc)
{
	struct lapic l;

	(void)tc;
	make(&l);
	lapic_set_cr8(&l, 4);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_TPR), 0x40);
	lapic_post(&l, 0x4f);
	ATF_CHECK_EQ(lapic_pending(&l), -1);
	ATF_CHECK(lapic_held_by_tpr(&l));
	lapic_set_cr8(&l, 3);
	ATF_CHECK(!lapic_held_by_tpr(&l));
	ATF_CHECK_EQ(lapic_pending(&l), 0x4f);
	lapic_write(&l, GUEST_LAPIC_TPR, 0x57);
	ATF_CHECK_EQ(lapic_cr8(&l), 5);
	ATF_CHECK_EQ(lapic_pending(&l), -1);
	/* The lower half survives a CR8 that changes nothing. */
	lapic_set_cr8(&l, 5);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_TPR), 0x57);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_PPR), 0x57);
	/* Held off by what is in service, not by TPR. */
	lapic_write(&l, GUEST_LAPIC_TPR, 0);
	ATF_CHECK_EQ(deliver(&l), 0x4f);
	lapic_write(&l, GUEST_LAPIC_TPR, 0x50);
	lapic_post(&l, 0x41);
	ATF_CHECK(!lapic_held_by_tpr(&l));
}

ATF_TC_WITHOUT_HEAD(disable);
ATF_TC_BODY(disable, tc)
{
	struct lapic l;

	(void)tc;
	make(&l);
	lapic_write(&l, GUEST_LAPIC_LVT_TIMER, 0x40);
	lapic_post(&l, 0x50);
	lapic_write(&l, GUEST_LAPIC_SVR, 0xff);
	ATF_CHECK_EQ(lapic_pending(&l), -1);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_LVT_TIMER),
	    GUEST_LAPIC_LVT_MASKED | 0x40);
	lapic_write(&l, GUEST_LAPIC_SVR, 0x1ff);
	ATF_CHECK_EQ(lapic_pending(&l), 0x50);
	lapic_write(&l, GUEST_LAPIC_TIMER_ICR, 1000);
	ATF_CHECK(w.armed != 0);
	lapic_enable(&l, false);
	ATF_CHECK_EQ(w.armed, 0);
	ATF_CHECK_EQ(lapic_pending(&l), -1);
	lapic_enable(&l, true);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_SVR), 0xff);
	ATF_CHECK_EQ(lapic_pending(&l), -1);
}

ATF_TC_WITHOUT_HEAD(errors);
ATF_TC_BODY(errors, tc)
{
	struct lapic l;

	(void)tc;
	make(&l);
	lapic_write(&l, GUEST_LAPIC_LVT_ERROR, 0x77);
	lapic_post(&l, 15);
	ATF_CHECK_EQ(deliver(&l), 0x77);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_ESR), 0);
	lapic_write(&l, GUEST_LAPIC_ESR, 0);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_ESR), 0x40);
	lapic_write(&l, GUEST_LAPIC_ICR_LO, 3);
	ATF_CHECK_EQ(w.nipis, 0);
	lapic_read(&l, 0x400);
	lapic_write(&l, GUEST_LAPIC_ESR, 0);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_ESR), 0xa0);
	lapic_write(&l, GUEST_LAPIC_ESR, 0);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_ESR), 0);
	/* An error vector that is an error ends there. */
	lapic_write(&l, GUEST_LAPIC_EOI, 0);
	lapic_write(&l, GUEST_LAPIC_EOI, 0);
	while (deliver(&l) != -1)
		lapic_write(&l, GUEST_LAPIC_EOI, 0);
	lapic_write(&l, GUEST_LAPIC_LVT_ERROR, 1);
	lapic_post(&l, 2);
	ATF_CHECK_EQ(lapic_pending(&l), -1);
}

ATF_TC_WITHOUT_HEAD(ipis);
ATF_TC_BODY(ipis, tc)
{
	struct lapic l;

	(void)tc;
	make(&l);
	lapic_write(&l, GUEST_LAPIC_ICR_HI, 0x03ffffff);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_ICR_HI), 0x03000000);
	lapic_write(&l, GUEST_LAPIC_ICR_LO, 0x00004855);
	ATF_CHECK_EQ(w.nipis, 1);
	ATF_CHECK_EQ(w.ipi.mode, LAPIC_FIXED);
	ATF_CHECK_EQ(w.ipi.to, LAPIC_TO_DEST);
	ATF_CHECK(w.ipi.logical);
	ATF_CHECK_EQ(w.ipi.dest, 3);
	ATF_CHECK_EQ(w.ipi.vector, 0x55);
	/* The delivery is never pending. */
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_ICR_LO), 0x4855);
	lapic_write(&l, GUEST_LAPIC_ICR_LO, 0x00044055);
	ATF_CHECK_EQ(w.ipi.to, LAPIC_TO_SELF);
	lapic_write(&l, GUEST_LAPIC_ICR_LO, 0x00084055);
	ATF_CHECK_EQ(w.ipi.to, LAPIC_TO_ALL);
	lapic_write(&l, GUEST_LAPIC_ICR_LO, 0x000c4400);
	ATF_CHECK_EQ(w.ipi.to, LAPIC_TO_OTHERS);
	ATF_CHECK_EQ(w.ipi.mode, LAPIC_NMI);
	lapic_write(&l, GUEST_LAPIC_ICR_LO, 0x000c4500);
	ATF_CHECK_EQ(w.ipi.mode, LAPIC_INIT);
	lapic_write(&l, GUEST_LAPIC_ICR_LO, 0x000c4608);
	ATF_CHECK_EQ(w.ipi.mode, LAPIC_SIPI);
	ATF_CHECK_EQ(w.ipi.vector, 8);
	ATF_CHECK_EQ(w.nipis, 6);
	/* The de-assert of INIT, and reserved modes. */
	lapic_write(&l, GUEST_LAPIC_ICR_LO, 0x000c8500);
	lapic_write(&l, GUEST_LAPIC_ICR_LO, 0x000c4730);
	lapic_write(&l, GUEST_LAPIC_ICR_LO, 0x000c4330);
	ATF_CHECK_EQ(w.nipis, 6);
}

ATF_TC_WITHOUT_HEAD(destinations);
ATF_TC_BODY(destinations, tc)
{
	struct lapic l;

	(void)tc;
	make(&l);
	ATF_CHECK(lapic_is_destination(&l, 5, false));
	ATF_CHECK(lapic_is_destination(&l, 0xff, false));
	ATF_CHECK(!lapic_is_destination(&l, 4, false));
	ATF_CHECK(!lapic_is_destination(&l, 0xff, true));
	/* Flat model. */
	lapic_write(&l, GUEST_LAPIC_LDR, 0x20000000);
	ATF_CHECK(lapic_is_destination(&l, 0x20, true));
	ATF_CHECK(lapic_is_destination(&l, 0xff, true));
	ATF_CHECK(!lapic_is_destination(&l, 0xdf, true));
	/* Cluster model: cluster 2, member 1. */
	lapic_write(&l, GUEST_LAPIC_LDR, 0x21000000);
	lapic_write(&l, GUEST_LAPIC_DFR, 0);
	ATF_CHECK(lapic_is_destination(&l, 0x21, true));
	ATF_CHECK(lapic_is_destination(&l, 0x2f, true));
	ATF_CHECK(!lapic_is_destination(&l, 0x22, true));
	ATF_CHECK(!lapic_is_destination(&l, 0x11, true));
	ATF_CHECK(lapic_is_destination(&l, 0xff, true));
}

ATF_TC_WITHOUT_HEAD(timer_one_shot);
ATF_TC_BODY(timer_one_shot, tc)
{
	struct lapic l;

	(void)tc;
	make(&l);
	lapic_write(&l, GUEST_LAPIC_LVT_TIMER, 0x40);
	lapic_write(&l, GUEST_LAPIC_TIMER_DCR, GUEST_LAPIC_DCR_BY_16);
	lapic_write(&l, GUEST_LAPIC_TIMER_ICR, 1000);
	ATF_CHECK_EQ(w.armed, w.now + 16000);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_TIMER_CCR), 1000);
	w.now += 4000;
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_TIMER_CCR), 750);
	/* Told too early, it asks again. */
	w.armed = 0;
	lapic_timer(&l);
	ATF_CHECK_EQ(w.armed, w.now + 12000);
	ATF_CHECK_EQ(lapic_pending(&l), -1);
	w.now += 12000;
	lapic_timer(&l);
	ATF_CHECK_EQ(deliver(&l), 0x40);
	lapic_write(&l, GUEST_LAPIC_EOI, 0);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_TIMER_CCR), 0);
	/* Once is once. */
	w.now += 100000;
	lapic_timer(&l);
	ATF_CHECK_EQ(lapic_pending(&l), -1);
	/* 0 stops it. */
	lapic_write(&l, GUEST_LAPIC_TIMER_ICR, 1000);
	lapic_write(&l, GUEST_LAPIC_TIMER_ICR, 0);
	ATF_CHECK_EQ(w.armed, 0);
	w.now += 100000;
	lapic_timer(&l);
	ATF_CHECK_EQ(lapic_pending(&l), -1);
	/* Masked, it counts and is silent. */
	lapic_write(&l, GUEST_LAPIC_LVT_TIMER, GUEST_LAPIC_LVT_MASKED | 0x40);
	lapic_write(&l, GUEST_LAPIC_TIMER_ICR, 1000);
	w.now += 16000;
	lapic_timer(&l);
	ATF_CHECK_EQ(lapic_pending(&l), -1);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_TIMER_CCR), 0);
}

ATF_TC_WITHOUT_HEAD(timer_divisors);
ATF_TC_BODY(timer_divisors, tc)
{
	static const struct {
		uint32_t dcr;
		uint64_t div;
	} rows[] = { { 0, 2 }, { 1, 4 }, { 2, 8 }, { 3, 16 }, { 8, 32 },
	    { 9, 64 }, { 10, 128 }, { 11, 1 } };
	struct lapic l;
	size_t i;

	(void)tc;
	make(&l);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		lapic_write(&l, GUEST_LAPIC_TIMER_DCR, rows[i].dcr | 0x10);
		ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_TIMER_DCR),
		    rows[i].dcr);
		lapic_write(&l, GUEST_LAPIC_TIMER_ICR, UINT32_MAX);
		ATF_CHECK_EQ(w.armed - w.now, rows[i].div * UINT32_MAX);
	}
	/* Changed on the way, the count goes on from where it is. */
	lapic_write(&l, GUEST_LAPIC_TIMER_DCR, 11);
	lapic_write(&l, GUEST_LAPIC_TIMER_ICR, 1000);
	w.now += 400;
	lapic_write(&l, GUEST_LAPIC_TIMER_DCR, 0);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_TIMER_CCR), 600);
	ATF_CHECK_EQ(w.armed, w.now + 1200);
}

ATF_TC_WITHOUT_HEAD(timer_periodic);
ATF_TC_BODY(timer_periodic, tc)
{
	struct lapic l;
	uint64_t start;
	int i;

	(void)tc;
	make(&l);
	lapic_write(&l, GUEST_LAPIC_TIMER_DCR, GUEST_LAPIC_DCR_BY_1);
	lapic_write(&l, GUEST_LAPIC_LVT_TIMER,
	    GUEST_LAPIC_LVT_PERIODIC | 0x40);
	start = w.now;
	lapic_write(&l, GUEST_LAPIC_TIMER_ICR, 100000);
	for (i = 1; i <= 5; i++) {
		ATF_CHECK_EQ(w.armed, start + (uint64_t)i * 100000);
		/* Late, but no later each time. */
		w.now = w.armed + 700;
		lapic_timer(&l);
		ATF_CHECK_EQ(deliver(&l), 0x40);
		lapic_write(&l, GUEST_LAPIC_EOI, 0);
	}
	/* Very late: what was missed is lost, the beat is kept. */
	w.now = w.armed + 12345678;
	lapic_timer(&l);
	ATF_CHECK_EQ(deliver(&l), 0x40);
	lapic_write(&l, GUEST_LAPIC_EOI, 0);
	ATF_CHECK_EQ(deliver(&l), -1);
	ATF_CHECK(w.armed > w.now && w.armed <= w.now + 100000);
	ATF_CHECK_EQ((w.armed - start) % 100000, 0);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_TIMER_CCR), w.armed - w.now);
	/* Turned into one-shot, it fires a last time. */
	lapic_write(&l, GUEST_LAPIC_LVT_TIMER, 0x40);
	w.now = w.armed;
	w.armed = 0;
	lapic_timer(&l);
	ATF_CHECK_EQ(deliver(&l), 0x40);
	ATF_CHECK_EQ(w.armed, 0);
}

ATF_TC_WITHOUT_HEAD(timer_period_has_a_least);
ATF_TC_BODY(timer_period_has_a_least, tc)
{
	struct lapic l;

	(void)tc;
	make(&l);
	lapic_write(&l, GUEST_LAPIC_TIMER_DCR, GUEST_LAPIC_DCR_BY_1);
	lapic_write(&l, GUEST_LAPIC_LVT_TIMER,
	    GUEST_LAPIC_LVT_PERIODIC | 0x40);
	lapic_write(&l, GUEST_LAPIC_TIMER_ICR, 1);
	ATF_CHECK_EQ(w.armed, w.now + LAPIC_PERIOD_MIN);
	ATF_CHECK(lapic_read(&l, GUEST_LAPIC_TIMER_CCR) <= 1);
	/* Nor does a one-shot that turns periodic get around it. */
	lapic_write(&l, GUEST_LAPIC_LVT_TIMER, 0x40);
	lapic_write(&l, GUEST_LAPIC_TIMER_ICR, 1);
	lapic_write(&l, GUEST_LAPIC_LVT_TIMER,
	    GUEST_LAPIC_LVT_PERIODIC | 0x40);
	w.now += 1;
	lapic_timer(&l);
	ATF_CHECK(w.armed >= w.now + LAPIC_PERIOD_MIN - 1);
}

ATF_TC_WITHOUT_HEAD(timer_tsc_deadline);
ATF_TC_BODY(timer_tsc_deadline, tc)
{
	struct lapic l;
	uint64_t tsc;

	(void)tc;
	make(&l);
	/* In another mode the MSR is dead. */
	lapic_set_tsc_deadline(&l, 5);
	ATF_CHECK_EQ(lapic_tsc_deadline(&l), 0);
	ATF_CHECK_EQ(w.armed, 0);
	lapic_write(&l, GUEST_LAPIC_LVT_TIMER,
	    GUEST_LAPIC_LVT_TSCDEADLINE | 0x41);
	/* In this mode the counter is. */
	lapic_write(&l, GUEST_LAPIC_TIMER_ICR, 1000);
	ATF_CHECK_EQ(w.armed, 0);
	ATF_CHECK_EQ(lapic_read(&l, GUEST_LAPIC_TIMER_ICR), 0);
	tsc = cb_tsc(&w);
	lapic_set_tsc_deadline(&l, tsc + 20000);
	ATF_CHECK_EQ(lapic_tsc_deadline(&l), tsc + 20000);
	ATF_CHECK_EQ(w.armed, w.now + 10000);
	/* A TSC that lags behind the clock: asked again, by no less than 1 us. */
	w.now += 10000;
	w.tsc_skew = 10;
	lapic_timer(&l);
	ATF_CHECK_EQ(lapic_pending(&l), -1);
	ATF_CHECK_EQ(w.armed, w.now + 1000);
	w.now += 1000;
	lapic_timer(&l);
	ATF_CHECK_EQ(deliver(&l), 0x41);
	ATF_CHECK_EQ(lapic_tsc_deadline(&l), 0);
	lapic_write(&l, GUEST_LAPIC_EOI, 0);
	/* One that has passed already comes at once. */
	lapic_set_tsc_deadline(&l, 1);
	ATF_CHECK_EQ(w.armed, w.now);
	lapic_timer(&l);
	ATF_CHECK_EQ(deliver(&l), 0x41);
	lapic_write(&l, GUEST_LAPIC_EOI, 0);
	/* 0 disarms, and so does leaving the mode. */
	lapic_set_tsc_deadline(&l, cb_tsc(&w) + 20000);
	lapic_set_tsc_deadline(&l, 0);
	ATF_CHECK_EQ(w.armed, 0);
	lapic_set_tsc_deadline(&l, cb_tsc(&w) + 20000);
	lapic_write(&l, GUEST_LAPIC_LVT_TIMER, 0x41);
	ATF_CHECK_EQ(w.armed, 0);
	ATF_CHECK_EQ(lapic_tsc_deadline(&l), 0);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, reset_values);
	ATF_TP_ADD_TC(tp, registers);
	ATF_TP_ADD_TC(tp, priorities);
	ATF_TP_ADD_TC(tp, same_vector_again_while_in_service);
	ATF_TP_ADD_TC(tp, task_priority_and_cr8);
	ATF_TP_ADD_TC(tp, disable);
	ATF_TP_ADD_TC(tp, errors);
	ATF_TP_ADD_TC(tp, ipis);
	ATF_TP_ADD_TC(tp, destinations);
	ATF_TP_ADD_TC(tp, timer_one_shot);
	ATF_TP_ADD_TC(tp, timer_divisors);
	ATF_TP_ADD_TC(tp, timer_periodic);
	ATF_TP_ADD_TC(tp, timer_period_has_a_least);
	ATF_TP_ADD_TC(tp, timer_tsc_deadline);
	return atf_no_error();
}
