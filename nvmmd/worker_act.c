/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What main asks of a guest between its start and its end: counters, console
 * input, the power button, pauses, shares, NMIs, registers.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nvmm.h>

#include "host.h"
#include "worker_impl.h"

/* Reads the counters into a sample. */
void
worker_fill(struct worker *w, struct worker_sample *sample)
{
	unsigned i;

	sample->when = host_clock();
	memset(&sample->memory, 0, sizeof(sample->memory));
	(void)guest_memory(w->guest, &sample->memory);
	for (i = 0; i < w->spec.ncpus; i++) {
		if (guest_vcpu_stats(w->guest, i, &sample->cpus[i]) == -1)
			memset(&sample->cpus[i], 0, sizeof(sample->cpus[i]));
	}
}

/* SAMPLE: the counters as they are now. */
void
worker_do_sample(struct worker *w)
{

	if (w->guest != NULL)
		worker_fill(w, w->sample.sample);
	worker_answer(w, &w->sample);
}

/* Gives inputs back that nobody will read. */
void
worker_flush(struct worker *w)
{
	struct queue_item *item;

	while ((item = STAILQ_FIRST(&w->inputs)) != NULL) {
		STAILQ_REMOVE_HEAD(&w->inputs, link);
		worker_answer(w, (struct worker_msg *)item);
	}
}

/* Gives the guest what it takes; inputs that are through go back. */
void
worker_pump(struct worker *w)
{
	struct worker_input *in;

	if (w->over || w->guest == NULL) {
		worker_flush(w);
		return;
	}
	while ((in = (struct worker_input *)STAILQ_FIRST(&w->inputs)) != NULL) {
		in->done += guest_console_input(w->guest,
		    in->data + in->done, in->len - in->done);
		if (in->done < in->len)
			return;
		STAILQ_REMOVE_HEAD(&w->inputs, link);
		worker_answer(w, &in->msg);
	}
}

/* POWER: whether the guest listens. */
void
worker_do_power(struct worker *w)
{

	w->power.listens = w->nthreads > 0 && guest_power(w->guest);
	worker_answer(w, &w->power);
}

/* PAUSE: no VCPU moves any more, unless the guest has ended. */
void
worker_do_pause(struct worker *w)
{

	w->pause.failed = w->nthreads == 0 || guest_pause(w->guest) == -1;
	worker_answer(w, &w->pause);
}

/* RESUME: the contrary. */
void
worker_do_resume(struct worker *w)
{

	if (w->guest != NULL)
		guest_resume(w->guest);
	worker_answer(w, &w->resume);
}

/* The processor time of all VCPU threads that there have been. */
static uint64_t
worker_cpu_ns(const struct worker *w)
{
	uint64_t sum = w->cpu_ns, ns;
	unsigned i;

	for (i = 0; i < w->nthreads; i++) {
		const struct worker_cpu *c = &w->cpus[i];

		ns = atomic_load(&c->timed) ? thread_cpu_ns(c->clock) : 0;
		sum += ns != 0 ? ns : atomic_load(&c->cpu_ns);
	}
	return sum;
}

/* SHARE: the VCPUs held or not. */
void
worker_do_share(struct worker *w)
{

	if (w->guest != NULL)
		guest_throttle(w->guest, w->share.hold);
	w->share.cpu_ns = worker_cpu_ns(w);
	worker_answer(w, &w->share);
}

/* NMI: to all VCPUs that are to have one. */
void
worker_do_nmi(struct worker *w)
{
	uint64_t word;
	unsigned i;

	atomic_store(&w->nmi_queued, false);
	for (i = 0; i < WORKER_NMI_WORDS; i++) {
		word = atomic_exchange(&w->nmis[i], 0);
		for (; w->nthreads > 0 && word != 0; word &= word - 1)
			(void)guest_nmi(w->guest,
			    i * 64 + (unsigned)__builtin_ctzll(word));
	}
}

/* REGS: of all VCPUs; failed if one of them moves. */
void
worker_do_regs(struct worker *w)
{
	struct worker_msg *msg = &w->regs_msg;
	unsigned i;

	if (w->regs == NULL)
		w->regs = calloc(w->spec.ncpus, sizeof(*w->regs));
	msg->failed = w->regs == NULL || w->guest == NULL;
	msg->error.code = w->regs == NULL ? ENOMEM : EBUSY;
	for (i = 0; i < w->spec.ncpus && !msg->failed; i++)
		msg->failed = guest_vcpu_regs(w->guest, i, &w->regs[i]) == -1;
	msg->regs = w->regs;
	worker_answer(w, msg);
}

/* Main asks for POWER, one at a time. */
void
worker_power(struct worker *w)
{

	queue_put(&w->queue, &w->power.item);
}

/* Main asks for PAUSE, one at a time. */
void
worker_pause(struct worker *w)
{

	queue_put(&w->queue, &w->pause.item);
}

/* Main asks for RESUME, one at a time. */
void
worker_resume(struct worker *w)
{

	queue_put(&w->queue, &w->resume.item);
}

/* Main asks for SHARE, one at a time. */
void
worker_share(struct worker *w, bool hold)
{

	w->share.hold = hold;
	queue_put(&w->queue, &w->share.item);
}

/* Main asks for NMI, for as many VCPUs as it likes. */
void
worker_nmi(struct worker *w, unsigned cpu)
{

	atomic_fetch_or(&w->nmis[cpu / 64], 1ULL << (cpu % 64));
	if (!atomic_exchange(&w->nmi_queued, true))
		queue_put(&w->queue, &w->nmi.item);
}

/* Main asks for REGS, one at a time. */
void
worker_regs(struct worker *w)
{

	queue_put(&w->queue, &w->regs_msg.item);
}
