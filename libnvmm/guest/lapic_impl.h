/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the local APIC's two files say to each other.
 */

#ifndef _LAPIC_IMPL_H_
#define _LAPIC_IMPL_H_

#include "lapic.h"

/* Indexes in struct lapic's lvt. */
#define LVT_TIMER	0
#define LVT_THERMAL	1
#define LVT_PMC		2
#define LVT_LINT0	3
#define LVT_LINT1	4
#define LVT_ERROR	5

/* lapic_timer.c */
/* The initial count written: the timer starts over, or stops with 0. */
void	lapic_timer_start(struct lapic *, uint32_t count);
void	lapic_timer_stop(struct lapic *);
/* The divide configuration written: what remains is counted by it. */
void	lapic_timer_divide(struct lapic *, uint32_t dcr);
/* The timer's vector table entry changed from what it was before. */
void	lapic_timer_mode_changed(struct lapic *, uint32_t before);
/* The current count. */
uint32_t lapic_timer_count(const struct lapic *);

#endif /* _LAPIC_IMPL_H_ */
