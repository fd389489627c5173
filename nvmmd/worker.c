/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A machine's threads: the only callers of libguest.
 *
 * Overview. The control thread takes one message after the other and does
 * what may take time: create, load, destroy, sample. At the start it makes one
 * thread a VCPU; they wait at a gate until all are there, so that a start
 * either happens whole or not at all.
 *
 * Life cycle. worker_new starts the control thread. Each VCPU thread leaves
 * guest_vcpu_run when the guest ends; the last one to leave puts ENDED on the
 * control thread's queue, which joins them all, takes the last sample and
 * passes ENDED on to main. The guest stays, to be looked at, until a next START
 * makes it anew. DESTROY ends what still runs, joins, frees the guest, answers,
 * and is the control thread's last act; main then joins it.
 *
 * Synchronization is told in worker_impl.h.
 */

#include <sys/types.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nvmm.h>

#include "console.h"
#include "worker_impl.h"

#define WORKER_CONTROL_STACK	(512 * 1024)
#define WORKER_VCPU_STACK	(256 * 1024)
#define WORKER_FINAL		2		/* the sample that ENDED fills */

/* The backend's name, if the driver says it. */
static void
worker_backend(struct worker_host *host, const struct nvmm_capability *cap)
{

#ifdef NVMM_HAS_IMPL_CAPS
	(void)snprintf(host->backend, sizeof(host->backend), "%.*s",
	    (int)sizeof(cap->arch.impl_name), cap->arch.impl_name);
#else
	(void)cap;
	host->backend[0] = '\0';
#endif
	if (host->backend[0] == '\0')
		(void)strcpy(host->backend, "unknown");
}

/* Opens the driver and copies what it can do. */
int
worker_init(struct worker_host *host, struct guest_error *error)
{
	struct nvmm_capability cap;

	if (guest_init(error) == -1)
		return -1;
	if (guest_capability(&cap) == -1) {
		error->code = errno;
		(void)snprintf(error->text, sizeof(error->text),
		    "the driver does not tell its capabilities: %s",
		    strerror(errno));
		return -1;
	}
	host->version = cap.version;
	host->state_size = cap.state_size;
	host->max_machines = cap.max_machines;
	host->max_vcpus = cap.max_vcpus;
	host->max_ram = cap.max_ram;
	host->mach_conf = cap.arch.mach_conf_support;
	host->vcpu_conf = cap.arch.vcpu_conf_support;
	host->xcr0_mask = cap.arch.xcr0_mask;
	host->mxcsr_mask = cap.arch.mxcsr_mask;
	host->conf_cpuid_maxops = cap.arch.conf_cpuid_maxops;
	host->device = guest_device();
	worker_backend(host, &cap);
	return 0;
}

/* libguest's callback for output, on a VCPU's thread. */
static void
worker_console(void *arg, const void *buf, size_t len)
{
	struct worker *w = arg;

	if (console_write(w->console, buf, len))
		worker_answer(w, &w->console_msg);
}

/* libguest's callback for room, on a VCPU's thread. */
static void
worker_console_room(void *arg)
{
	struct worker *w = arg;

	if (!atomic_exchange(&w->room_queued, true))
		queue_put(&w->queue, &w->room.item);
}

/* Makes the guest and loads it. Returns -1 with the reason in the message. */
static int
worker_make(struct worker *w, struct worker_msg *msg)
{
	struct guest_config config = {
		.mem = w->spec.memory,
		.ncpus = w->spec.ncpus,
		.cmdline = w->spec.cmdline,
		.boot = w->spec.boot,
		.console = worker_console,
		.console_room = worker_console_room,
		.arg = w,
	};

	msg->failed = msg->image = false;
	if (guest_create(&config, &w->guest, &msg->error) == -1) {
		w->guest = NULL;
		msg->failed = true;
	} else if (!atomic_load(&w->cancel) && guest_load(w->guest,
	    w->spec.fd, w->spec.image, &msg->error) == -1) {
		msg->failed = msg->image = true;
	}
	return msg->failed ? -1 : 0;
}

/* CREATE: the guest, loaded. */
static void
worker_do_create(struct worker *w)
{

	(void)worker_make(w, &w->create);
	worker_answer(w, &w->create);
}

/* Waits at the gate. Returns whether to go on. */
static bool
worker_gate_wait(struct worker *w)
{
	bool go;

	pthread_mutex_lock(&w->gate_lock);
	while (w->gate == GATE_CLOSED)
		pthread_cond_wait(&w->gate_cond, &w->gate_lock);
	go = w->gate == GATE_OPEN;
	pthread_mutex_unlock(&w->gate_lock);
	return go;
}

/* Lets the VCPU threads go on, or go. */
static void
worker_gate_set(struct worker *w, enum worker_gate gate)
{

	pthread_mutex_lock(&w->gate_lock);
	w->gate = gate;
	w->running = w->nthreads;
	pthread_cond_broadcast(&w->gate_cond);
	pthread_mutex_unlock(&w->gate_lock);
}

/* A VCPU's thread. */
static void *
worker_vcpu(void *arg)
{
	struct worker_cpu *c = arg;
	struct worker *w = c->worker;
	char name[32];
	bool last;

	(void)snprintf(name, sizeof(name), "%.10s/%u", w->spec.name, c->cpu);
	thread_name(name);
	thread_priority_vcpu();
	atomic_store(&c->self, thread_self());
	c->clock = thread_clock();
	atomic_store(&c->timed, true);
	if (!worker_gate_wait(w))
		return NULL;
	guest_vcpu_run(w->guest, c->cpu);
	atomic_store(&c->cpu_ns, thread_cpu_ns(c->clock));
	pthread_mutex_lock(&w->gate_lock);
	last = --w->running == 0;
	pthread_mutex_unlock(&w->gate_lock);
	if (last)
		queue_put(&w->queue, &w->ended.item);
	return NULL;
}

/* Makes the VCPU threads. Returns 0 or an errno; they wait at the gate. */
static int
worker_threads(struct worker *w)
{
	int error;

	w->cpus = calloc(w->spec.ncpus, sizeof(*w->cpus));
	if (w->cpus == NULL)
		return ENOMEM;
	while (w->nthreads < w->spec.ncpus) {
		struct worker_cpu *c = &w->cpus[w->nthreads];

		c->worker = w;
		c->cpu = w->nthreads;
		error = thread_create(&c->thread, WORKER_VCPU_STACK,
		    worker_vcpu, c);
		if (error != 0)
			return error;
		w->nthreads++;
	}
	return 0;
}

/* Waits until the VCPU threads are gone. */
static void
worker_join(struct worker *w)
{

	while (w->nthreads > 0) {
		thread_join(&w->cpus[--w->nthreads].thread);
		w->cpu_ns += atomic_load(&w->cpus[w->nthreads].cpu_ns);
	}
	free(w->cpus);
	w->cpus = NULL;
}

/* Tells the guest to end, and its threads to hurry. */
static void
worker_end(struct worker *w)
{
	unsigned i;

	guest_stop(w->guest);
	for (i = 0; i < w->nthreads; i++)
		thread_hasten(atomic_load(&w->cpus[i].self));
}

/* A guest in the place of the one that has ended. Returns as worker_make. */
static int
worker_remake(struct worker *w)
{

	guest_destroy(w->guest);
	w->guest = NULL;
	if (worker_make(w, &w->start) == -1) {
		guest_destroy(w->guest);
		w->guest = NULL;
		return -1;
	}
	w->over = false;
	return 0;
}

/* START: all VCPUs, or none and why. */
static void
worker_do_start(struct worker *w)
{
	struct worker_msg *msg = &w->start;
	int error;

	msg->failed = msg->image = false;
	if (w->over && worker_remake(w) == -1) {
		worker_answer(w, msg);
		return;
	}
	error = worker_threads(w);
	if (error != 0) {
		msg->failed = true;
		msg->error.code = error;
		(void)snprintf(msg->error.text, sizeof(msg->error.text),
		    "no thread for VCPU %u: %s", w->nthreads, strerror(error));
		worker_gate_set(w, GATE_ABORT);
		worker_join(w);
		worker_gate_set(w, GATE_CLOSED);
		worker_answer(w, msg);
		return;
	}
	/* The answer first: it then comes before ENDED. */
	worker_answer(w, msg);
	worker_gate_set(w, GATE_OPEN);
}

/* ENDED: from the last VCPU thread, on to main. */
static void
worker_do_ended(struct worker *w)
{

	worker_join(w);
	worker_gate_set(w, GATE_CLOSED);
	w->over = true;
	guest_result(w->guest, &w->ended.result);
	w->ended.cpu_ns = w->cpu_ns;
	w->ended.sample = w->samples[WORKER_FINAL];
	worker_fill(w, w->ended.sample);
	worker_flush(w);
	worker_answer(w, &w->ended);
}

/* DESTROY: whatever there is ends. */
static void
worker_do_destroy(struct worker *w)
{

	if (w->nthreads > 0) {
		worker_end(w);
		worker_join(w);
	}
	worker_flush(w);
	guest_destroy(w->guest);
	w->guest = NULL;
	(void)close(w->spec.fd);
	w->destroy.cpu_ns = w->cpu_ns;
	worker_answer(w, &w->destroy);
}

/* One message. */
static void
worker_do(struct worker *w, struct worker_msg *msg)
{

	switch (msg->op) {
	case WORKER_CREATE:
		worker_do_create(w);
		break;
	case WORKER_START:
		worker_do_start(w);
		break;
	case WORKER_STOP:
		if (w->nthreads > 0)
			worker_end(w);
		break;
	case WORKER_POWER:
		worker_do_power(w);
		break;
	case WORKER_PAUSE:
		worker_do_pause(w);
		break;
	case WORKER_RESUME:
		worker_do_resume(w);
		break;
	case WORKER_SHARE:
		worker_do_share(w);
		break;
	case WORKER_NMI:
		worker_do_nmi(w);
		break;
	case WORKER_REGS:
		worker_do_regs(w);
		break;
	case WORKER_SAMPLE:
		worker_do_sample(w);
		break;
	case WORKER_INPUT:
		STAILQ_INSERT_TAIL(&w->inputs, &msg->item, link);
		worker_pump(w);
		break;
	case WORKER_ROOM:
		atomic_store(&w->room_queued, false);
		worker_pump(w);
		break;
	case WORKER_ENDED:
		worker_do_ended(w);
		break;
	case WORKER_DESTROY:
		worker_do_destroy(w);
		break;
	case WORKER_CONSOLE:
		break;
	}
}

/* The control thread. */
static void *
worker_control(void *arg)
{
	struct worker *w = arg;
	struct worker_msg *msg;
	bool last;

	thread_name(w->spec.name);
	do {
		msg = (struct worker_msg *)queue_get(&w->queue);
		last = msg->op == WORKER_DESTROY;
		worker_do(w, msg);
	} while (!last);
	return NULL;
}

/* Sets the messages up. */
static void
worker_messages(struct worker *w)
{
	const struct {
		struct worker_msg *msg;
		enum worker_op op;
	} table[] = {
		{ &w->create, WORKER_CREATE }, { &w->start, WORKER_START },
		{ &w->stop, WORKER_STOP }, { &w->power, WORKER_POWER },
		{ &w->pause, WORKER_PAUSE }, { &w->resume, WORKER_RESUME },
		{ &w->share, WORKER_SHARE }, { &w->nmi, WORKER_NMI },
		{ &w->regs_msg, WORKER_REGS }, { &w->sample, WORKER_SAMPLE },
		{ &w->room, WORKER_ROOM }, { &w->ended, WORKER_ENDED },
		{ &w->console_msg, WORKER_CONSOLE },
		{ &w->destroy, WORKER_DESTROY },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		table[i].msg->op = table[i].op;
		table[i].msg->owner = w->owner;
	}
}

/* Frees what no thread uses. */
static void
worker_release(struct worker *w)
{
	unsigned i;

	for (i = 0; i < WORKER_NSAMPLES; i++)
		free(w->samples[i]);
	free(w->regs);
	free(w);
}

/* The structure with its samples. Returns NULL without memory. */
static struct worker *
worker_alloc(const struct worker_spec *spec)
{
	struct worker *w = calloc(1, sizeof(*w));
	unsigned i;

	if (w == NULL)
		return NULL;
	w->spec = *spec;
	STAILQ_INIT(&w->inputs);
	for (i = 0; i < WORKER_NSAMPLES; i++) {
		w->samples[i] = calloc(1, sizeof(struct worker_sample) +
		    spec->ncpus * sizeof(struct guest_vcpu_stats));
		if (w->samples[i] == NULL) {
			worker_release(w);
			return NULL;
		}
	}
	return w;
}

/* A control thread that creates the guest. */
int
worker_new(const struct worker_spec *spec, struct console *console,
    struct queue *to_main, void *owner, struct worker **out)
{
	struct worker *w = worker_alloc(spec);
	int error;

	if (w == NULL)
		return ENOMEM;
	w->console = console;
	w->to_main = to_main;
	w->owner = owner;
	worker_messages(w);
	if (queue_init(&w->queue, false) == -1) {
		error = errno;
		worker_release(w);
		return error;
	}
	(void)pthread_mutex_init(&w->gate_lock, NULL);
	(void)pthread_cond_init(&w->gate_cond, NULL);
	queue_put(&w->queue, &w->create.item);
	error = thread_create(&w->thread, WORKER_CONTROL_STACK,
	    worker_control, w);
	if (error != 0) {
		queue_fini(&w->queue);
		worker_release(w);
		return error;
	}
	*out = w;
	return 0;
}

/* Main asks for START. */
void
worker_start(struct worker *w)
{

	queue_put(&w->queue, &w->start.item);
}

/* Main asks for STOP, once a start. */
void
worker_stop(struct worker *w)
{

	queue_put(&w->queue, &w->stop.item);
}

/* Main asks for SAMPLE. */
void
worker_sample(struct worker *w, const struct worker_sample *shown)
{

	w->sample.sample = w->samples[shown == w->samples[0] ? 1 : 0];
	queue_put(&w->queue, &w->sample.item);
}

/* Main gives input. */
void
worker_input(struct worker *w, struct worker_input *in)
{

	in->msg.op = WORKER_INPUT;
	in->msg.owner = w->owner;
	in->done = 0;
	queue_put(&w->queue, &in->msg.item);
}

/* Main asks for DESTROY, once. */
void
worker_destroy(struct worker *w)
{

	atomic_store(&w->cancel, true);
	queue_put(&w->queue, &w->destroy.item);
}

/* Joins the control thread. => DESTROY has been answered. */
void
worker_free(struct worker *w)
{

	thread_join(&w->thread);
	pthread_cond_destroy(&w->gate_cond);
	pthread_mutex_destroy(&w->gate_lock);
	queue_fini(&w->queue);
	worker_release(w);
}
