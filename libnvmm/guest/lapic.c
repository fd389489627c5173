/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The local APIC's registers and priorities. Interrupts wait in IRR, move to
 * ISR when delivered and leave with EOI; what may be delivered is decided by
 * the processor priority, the higher of TPR and the highest in service. The
 * timer is in lapic_timer.c.
 */

#include <string.h>

#include "guest_abi.h"
#include "lapic.h"
#include "lapic_impl.h"

#define LAPIC_VERSION	(0x14 | (LAPIC_NLVT - 1) << 16)
#define SVR_MASK	0x3ff
#define ICR_LO_MASK	0x000ccfff
#define ESR_SEND_ILL	0x20
#define ESR_RECV_ILL	0x40
#define ESR_REG_ILL	0x80
#define VECTOR_MIN	16

/* The local vector table: each entry's register and what can be written. */
static const struct {
	unsigned off;
	uint32_t mask;
} lvt_rows[LAPIC_NLVT] = {
	[LVT_TIMER] = { GUEST_LAPIC_LVT_TIMER, 0x000700ff & ~0x00010000 },
	[LVT_THERMAL] = { GUEST_LAPIC_LVT_THERMAL, 0x000007ff },
	[LVT_PMC] = { GUEST_LAPIC_LVT_PMC, 0x000007ff },
	[LVT_LINT0] = { GUEST_LAPIC_LVT_LINT0, 0x0000a7ff },
	[LVT_LINT1] = { GUEST_LAPIC_LVT_LINT1, 0x0000a7ff },
	[LVT_ERROR] = { GUEST_LAPIC_LVT_ERROR, 0x000000ff },
};

/* One bit of a 256-bit register. */
static void
bits_set(uint32_t *words, uint8_t vector, bool on)
{
	uint32_t bit = 1U << (vector % 32);

	if (on)
		words[vector / 32] |= bit;
	else
		words[vector / 32] &= ~bit;
}

/* The highest vector of a 256-bit register, or -1. */
static int
bits_highest(const uint32_t *words)
{
	int i;

	for (i = LAPIC_NWORDS - 1; i >= 0; i--) {
		if (words[i] != 0)
			return i * 32 + 31 - __builtin_clz(words[i]);
	}
	return -1;
}

/* True if it is on by the MSR and by the spurious vector register. */
static bool
lapic_on(const struct lapic *l)
{
	return l->enabled && (l->svr & GUEST_LAPIC_SVR_ENABLE) != 0;
}

/* The processor priority. */
static uint32_t
lapic_ppr(const struct lapic *l)
{
	int isr = bits_highest(l->isr);
	uint32_t class = isr < 0 ? 0 : (uint32_t)isr & 0xf0;

	return (l->tpr & 0xf0) >= class ? l->tpr : class;
}

/* The vector to deliver now, or -1. */
int
lapic_pending(const struct lapic *l)
{
	int irr = bits_highest(l->irr);

	if (irr < 0 || !lapic_on(l))
		return -1;
	return ((uint32_t)irr & 0xf0) > (lapic_ppr(l) & 0xf0) ? irr : -1;
}

/* True if a lower TPR alone would let a vector through. */
bool
lapic_held_by_tpr(const struct lapic *l)
{
	int irr = bits_highest(l->irr), isr = bits_highest(l->isr);

	if (irr < 0 || !lapic_on(l) || lapic_pending(l) != -1)
		return false;
	return isr < 0 || (irr & 0xf0) > (isr & 0xf0);
}

/* The vector moved from requested to in service. */
void
lapic_accept(struct lapic *l, uint8_t vector)
{
	bits_set(l->irr, vector, false);
	bits_set(l->isr, vector, true);
}

/* The highest in service done with. */
static void
lapic_eoi(struct lapic *l)
{
	int isr = bits_highest(l->isr);

	if (isr >= 0)
		bits_set(l->isr, (uint8_t)isr, false);
}

/* An error noted, and its interrupt raised. */
static void
lapic_error(struct lapic *l, uint32_t error)
{
	uint32_t lvt = l->lvt[LVT_ERROR];

	l->errors |= error;
	/* An illegal vector in that entry must not lead back here. */
	if ((lvt & GUEST_LAPIC_LVT_MASKED) == 0 && (lvt & 0xff) >= VECTOR_MIN &&
	    lapic_on(l))
		bits_set(l->irr, (uint8_t)lvt, true);
}

/* The interrupt requested, if the APIC takes any. */
void
lapic_post(struct lapic *l, uint8_t vector)
{
	if (!lapic_on(l))
		return;
	if (vector < VECTOR_MIN) {
		lapic_error(l, ESR_RECV_ILL);
		return;
	}
	bits_set(l->irr, vector, true);
	bits_set(l->tmr, vector, false);
}

/* The task priority's class. */
uint8_t
lapic_cr8(const struct lapic *l)
{
	return (uint8_t)(l->tpr >> 4);
}

/* The task priority as CR8 sets it; unchanged if that changes nothing. */
void
lapic_set_cr8(struct lapic *l, uint8_t cr8)
{
	if (lapic_cr8(l) != (cr8 & 0xf))
		l->tpr = (uint32_t)(cr8 & 0xf) << 4;
}

/* True if a logical destination names this APIC, in either model. */
static bool
lapic_logical(struct lapic *l, uint8_t dest)
{
	uint8_t me = (uint8_t)(l->ldr >> 24);

	if (l->dfr >> 28 == 0xf)
		return (me & dest) != 0;
	/* All ones are every member of every cluster. */
	if (dest == 0xff)
		return true;
	return me >> 4 == dest >> 4 && (me & dest & 0xf) != 0;
}

/* True if the destination, physical or logical, names this APIC. */
bool
lapic_is_destination(struct lapic *l, uint8_t dest, bool logical)
{
	if (logical)
		return lapic_logical(l, dest);
	return dest == 0xff || dest == l->id;
}

/* What is in the command register sent. */
static void
lapic_send(struct lapic *l)
{
	uint32_t lo = l->icr[0];
	struct lapic_ipi ipi = {
		.mode = lo >> 8 & 7,
		.to = lo >> 18 & 3,
		.logical = (lo & 0x800) != 0,
		.dest = (uint8_t)(l->icr[1] >> 24),
		.vector = (uint8_t)lo,
	};

	switch (ipi.mode) {
	case LAPIC_FIXED:
	case LAPIC_LOWEST:
		if (ipi.vector < VECTOR_MIN) {
			lapic_error(l, ESR_SEND_ILL);
			return;
		}
		break;
	case LAPIC_INIT:
		/* A level-triggered de-assert only sets arbitration IDs. */
		if ((lo & GUEST_LAPIC_ICR_ASSERT) == 0 && (lo & 0x8000) != 0)
			return;
		break;
	case LAPIC_NMI:
	case LAPIC_SIPI:
		break;
	default:
		return;
	}
	l->cb->ipi(l->arg, &ipi);
}

/* The entry of the local vector table at the offset, or -1. */
static int
lvt_index(unsigned off)
{
	int i;

	for (i = 0; i < LAPIC_NLVT; i++) {
		if (lvt_rows[i].off == off)
			return i;
	}
	return -1;
}

/* A word of ISR, TMR or IRR. */
static uint32_t
lapic_read_words(const struct lapic *l, unsigned off)
{
	unsigned i = (off & 0x7f) >> 4;

	switch (off & ~0x7fU) {
	case GUEST_LAPIC_ISR:
		return l->isr[i];
	case GUEST_LAPIC_TMR:
		return l->tmr[i];
	default:
		return l->irr[i];
	}
}

/* A register by its offset. */
static uint32_t
lapic_read_reg(struct lapic *l, unsigned off)
{
	int i = lvt_index(off);

	if (i >= 0)
		return l->lvt[i];
	if (off >= GUEST_LAPIC_ISR && off < GUEST_LAPIC_ESR)
		return lapic_read_words(l, off);
	switch (off) {
	case GUEST_LAPIC_ID:
		return (uint32_t)l->id << 24;
	case GUEST_LAPIC_VERSION:
		return LAPIC_VERSION;
	case GUEST_LAPIC_TPR:
		return l->tpr;
	case GUEST_LAPIC_PPR:
		return lapic_ppr(l);
	case GUEST_LAPIC_LDR:
		return l->ldr;
	case GUEST_LAPIC_DFR:
		return l->dfr;
	case GUEST_LAPIC_SVR:
		return l->svr;
	case GUEST_LAPIC_ESR:
		return l->esr;
	case GUEST_LAPIC_ICR_LO:
		return l->icr[0];
	case GUEST_LAPIC_ICR_HI:
		return l->icr[1];
	case GUEST_LAPIC_TIMER_ICR:
		return l->count;
	case GUEST_LAPIC_TIMER_CCR:
		return lapic_timer_count(l);
	case GUEST_LAPIC_TIMER_DCR:
		return l->dcr;
	case GUEST_LAPIC_APR:
	case GUEST_LAPIC_RRD:
	case GUEST_LAPIC_EOI:
		return 0;
	default:
		lapic_error(l, ESR_REG_ILL);
		return 0;
	}
}

/* The register page read. */
uint32_t
lapic_read(struct lapic *l, unsigned off)
{
	return lapic_read_reg(l, off & ~0xfU) >> (off & 3) * 8;
}

/* An entry of the local vector table written. */
static void
lapic_write_lvt(struct lapic *l, int i, uint32_t val)
{
	uint32_t before = l->lvt[i];

	val &= lvt_rows[i].mask | GUEST_LAPIC_LVT_MASKED;
	if ((l->svr & GUEST_LAPIC_SVR_ENABLE) == 0)
		val |= GUEST_LAPIC_LVT_MASKED;
	l->lvt[i] = val;
	if (i == LVT_TIMER)
		lapic_timer_mode_changed(l, before);
}

/* The spurious vector register; software disabling masks the vector table. */
static void
lapic_write_svr(struct lapic *l, uint32_t val)
{
	int i;

	l->svr = val & SVR_MASK;
	if ((val & GUEST_LAPIC_SVR_ENABLE) != 0)
		return;
	for (i = 0; i < LAPIC_NLVT; i++)
		l->lvt[i] |= GUEST_LAPIC_LVT_MASKED;
}

/* The error register: a write shows what came together since the last. */
static void
lapic_write_esr(struct lapic *l)
{
	l->esr = l->errors;
	l->errors = 0;
}

/* A register by its offset, the vector table apart. */
static void
lapic_write_reg(struct lapic *l, unsigned off, uint32_t val)
{
	switch (off) {
	case GUEST_LAPIC_TPR:
		l->tpr = val & 0xff;
		break;
	case GUEST_LAPIC_EOI:
		lapic_eoi(l);
		break;
	case GUEST_LAPIC_LDR:
		l->ldr = val & 0xff000000;
		break;
	case GUEST_LAPIC_DFR:
		l->dfr = val | 0x0fffffff;
		break;
	case GUEST_LAPIC_SVR:
		lapic_write_svr(l, val);
		break;
	case GUEST_LAPIC_ESR:
		lapic_write_esr(l);
		break;
	case GUEST_LAPIC_ICR_LO:
		l->icr[0] = val & ICR_LO_MASK;
		lapic_send(l);
		break;
	case GUEST_LAPIC_ICR_HI:
		l->icr[1] = val & 0xff000000;
		break;
	case GUEST_LAPIC_TIMER_ICR:
		lapic_timer_start(l, val);
		break;
	case GUEST_LAPIC_TIMER_DCR:
		lapic_timer_divide(l, val);
		break;
	case GUEST_LAPIC_ID:
	case GUEST_LAPIC_VERSION:
	case GUEST_LAPIC_APR:
	case GUEST_LAPIC_PPR:
	case GUEST_LAPIC_RRD:
	case GUEST_LAPIC_TIMER_CCR:
		break;
	default:
		if (off < GUEST_LAPIC_ISR || off >= GUEST_LAPIC_ESR)
			lapic_error(l, ESR_REG_ILL);
		break;
	}
}

/* The register page written. */
void
lapic_write(struct lapic *l, unsigned off, uint32_t val)
{
	int i = lvt_index(off);

	if ((off & 0xf) != 0)
		return;
	if (i >= 0)
		lapic_write_lvt(l, i, val);
	else
		lapic_write_reg(l, off, val);
}

/* The state after INIT (SDM volume 3, 11.4.7.1 and .3). */
void
lapic_reset(struct lapic *l)
{
	int i;

	lapic_timer_stop(l);
	l->ldr = 0;
	l->dfr = UINT32_MAX;
	l->tpr = 0;
	l->svr = 0xff;
	l->esr = l->errors = 0;
	memset(l->icr, 0, sizeof(l->icr));
	memset(l->isr, 0, sizeof(l->isr));
	memset(l->tmr, 0, sizeof(l->tmr));
	memset(l->irr, 0, sizeof(l->irr));
	for (i = 0; i < LAPIC_NLVT; i++)
		l->lvt[i] = GUEST_LAPIC_LVT_MASKED;
	l->count = 0;
	l->dcr = 0;
}

/* Switched by the MSR; going off loses the state. */
void
lapic_enable(struct lapic *l, bool on)
{
	if (l->enabled && !on)
		lapic_reset(l);
	l->enabled = on;
}

/* The state after power-up. */
void
lapic_init(struct lapic *l, uint8_t id, const struct lapic_callbacks *cb,
    void *arg)
{
	memset(l, 0, sizeof(*l));
	l->id = id;
	l->cb = cb;
	l->arg = arg;
	l->enabled = true;
	lapic_reset(l);
}
