/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A VCPU's mail: what other threads have to say to it. Whoever posts makes
 * sure that the VCPU looks: it wakes it, or stops the run that is under way.
 */

#include <string.h>

#include "guest_impl.h"

/* The mail left, and the VCPU on its way to it. */
void
guest_mail_post(struct guest_vcpu *v, uint32_t what, uint8_t vector)
{
	pthread_mutex_lock(&v->lock);
	v->mail |= what;
	if ((what & MAIL_INTR) != 0)
		v->mail_irr[vector / 32] |= 1U << (vector % 32);
	if ((what & MAIL_SIPI) != 0)
		v->mail_sipi = vector;
	v->attention = true;
	pthread_cond_signal(&v->cv);
	pthread_mutex_unlock(&v->lock);
	/* Sequentially consistent: the VCPU sets in_run, then reads attention. */
	if (v->in_run)
		nvmm_vcpu_stop(&v->nv);
}

/* The interrupts of other VCPUs requested. */
static void
mail_interrupts(struct guest_vcpu *v, const uint32_t *irr)
{
	unsigned i;
	uint32_t word;

	for (i = 0; i < LAPIC_NWORDS; i++) {
		for (word = irr[i]; word != 0; word &= word - 1)
			lapic_post(&v->lapic,
			    (uint8_t)(i * 32 + __builtin_ctz(word)));
	}
}

/* The mail acted on: INIT before SIPI, both before what they would clear. */
void
guest_mail_take(struct guest_vcpu *v)
{
	uint32_t irr[LAPIC_NWORDS], mail;
	uint8_t sipi;

	if (!v->attention)
		return;
	pthread_mutex_lock(&v->lock);
	v->attention = false;
	mail = v->mail;
	v->mail = 0;
	sipi = v->mail_sipi;
	memcpy(irr, v->mail_irr, sizeof(irr));
	if ((mail & MAIL_INTR) != 0)
		memset(v->mail_irr, 0, sizeof(v->mail_irr));
	pthread_mutex_unlock(&v->lock);

	if ((mail & MAIL_INIT) != 0)
		guest_smp_init(v);
	if ((mail & MAIL_SIPI) != 0)
		guest_smp_sipi(v, sipi);
	if ((mail & MAIL_INTR) != 0)
		mail_interrupts(v, irr);
	if ((mail & MAIL_NMI) != 0 && !v->wait_sipi)
		v->nmi = true;
	if ((mail & MAIL_TIMER) != 0)
		lapic_timer(&v->lapic);
}

/* Mail is there. */
void
guest_mail_wait(struct guest_vcpu *v)
{
	v->sleeping = true;
	pthread_mutex_lock(&v->lock);
	while (!v->attention)
		pthread_cond_wait(&v->cv, &v->lock);
	pthread_mutex_unlock(&v->lock);
	v->sleeping = false;
}
