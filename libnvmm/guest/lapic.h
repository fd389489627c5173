/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A local APIC in xAPIC mode (Intel SDM volume 3, chapter 11; AMD APM volume
 * 2, chapter 16). It holds what one VCPU is interrupted by, keeps its timer
 * and sends its IPIs, and knows the rest of the world by callbacks only.
 *
 * It has no lock: calls on one APIC must not overlap, but for
 * lapic_is_destination(), which any thread may call at any time.
 */

#ifndef _LAPIC_H_
#define _LAPIC_H_

#include <stdbool.h>
#include <stdint.h>

#define LAPIC_NLVT		6
#define LAPIC_NWORDS		8	/* of 32 vectors */

/* The timer's input clock. One tick of divisor 1 is a nanosecond. */
#define LAPIC_HZ		1000000000ULL
/* Periods below this are stretched to it, nanoseconds. */
#define LAPIC_PERIOD_MIN	50000ULL

enum lapic_mode {
	LAPIC_FIXED = 0,
	LAPIC_LOWEST = 1,
	LAPIC_NMI = 4,
	LAPIC_INIT = 5,
	LAPIC_SIPI = 6
};

enum lapic_shorthand {
	LAPIC_TO_DEST,
	LAPIC_TO_SELF,
	LAPIC_TO_ALL,
	LAPIC_TO_OTHERS
};

/* What a guest asks to be sent. */
struct lapic_ipi {
	enum lapic_mode mode;
	enum lapic_shorthand to;
	bool logical;			/* dest is a logical one */
	uint8_t dest;
	uint8_t vector;
};

struct lapic_callbacks {
	/* Monotonic time, nanoseconds. */
	uint64_t (*now)(void *arg);
	/* The guest's TSC; and how long so many ticks of it take, ns. */
	uint64_t (*tsc)(void *arg);
	uint64_t (*tsc_ns)(void *arg, uint64_t ticks);
	/* Call lapic_timer() at that time; 0: not any more. */
	void (*arm)(void *arg, uint64_t when);
	void (*ipi)(void *arg, const struct lapic_ipi *);
};

struct lapic {
	const struct lapic_callbacks *cb;	/* (c) */
	void *arg;			/* (c) */
	uint8_t id;			/* (c) */
	_Atomic uint32_t ldr;		/* changed by the owner, read by all */
	_Atomic uint32_t dfr;		/* likewise */
	bool enabled;			/* by the APIC base MSR */
	uint32_t tpr;
	uint32_t svr;
	uint32_t esr;			/* as read */
	uint32_t errors;		/* since the last write to ESR */
	uint32_t icr[2];		/* low, high */
	uint32_t lvt[LAPIC_NLVT];
	uint32_t isr[LAPIC_NWORDS];
	uint32_t tmr[LAPIC_NWORDS];
	uint32_t irr[LAPIC_NWORDS];
	uint32_t count;			/* timer: initial count */
	uint32_t dcr;
	uint64_t period;		/* timer: ns from start to end */
	uint64_t deadline;		/* timer: time of the end, or 0 */
	uint64_t tsc_deadline;		/* timer: TSC, or 0 */
};

/* An APIC after power-up. */
void	lapic_init(struct lapic *, uint8_t id, const struct lapic_callbacks *,
	    void *arg);
/* As after INIT: everything but the ID; the timer stops. */
void	lapic_reset(struct lapic *);
/* By the enable bit in the APIC base MSR. Disabling resets. */
void	lapic_enable(struct lapic *, bool);

/*
 * The register page: aligned 32-bit accesses at multiples of 16. Reads of
 * other sizes give the part, other writes are dropped.
 */
uint32_t lapic_read(struct lapic *, unsigned off);
void	lapic_write(struct lapic *, unsigned off, uint32_t);
/* The TSC deadline MSR; reads 0 and ignores writes in other timer modes. */
uint64_t lapic_tsc_deadline(const struct lapic *);
void	lapic_set_tsc_deadline(struct lapic *, uint64_t);
/* CR8 and the task priority's upper half are the same thing. */
uint8_t	lapic_cr8(const struct lapic *);
void	lapic_set_cr8(struct lapic *, uint8_t);

/* A fixed, edge-triggered interrupt arrives. */
void	lapic_post(struct lapic *, uint8_t vector);
/* The time that was armed has come. */
void	lapic_timer(struct lapic *);
/* The vector to deliver now, or -1. */
int	lapic_pending(const struct lapic *);
/* True if only the task priority keeps a vector from being delivered. */
bool	lapic_held_by_tpr(const struct lapic *);
/* That vector was delivered: it is in service now. */
void	lapic_accept(struct lapic *, uint8_t vector);
/* True if an IPI to this destination is for this APIC. */
bool	lapic_is_destination(struct lapic *, uint8_t dest, bool logical);

#endif /* _LAPIC_H_ */
