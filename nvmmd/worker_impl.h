/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A machine's threads as worker.c and worker_act.c see them: the first has
 * their lives, the second what main asks of a guest meanwhile.
 *
 * Synchronization. Marks:
 *	-	set before the control thread starts, or atomic
 *	c	the control thread only
 *	g	w->gate_lock
 * gate_lock is a leaf, as are the locks of queues and consoles. A guest is
 * made before and freed after its VCPU threads live.
 */

#ifndef _WORKER_IMPL_H_
#define _WORKER_IMPL_H_

#include <pthread.h>
#include <stdatomic.h>

#include "thread.h"
#include "worker.h"

#define WORKER_NSAMPLES		3
#define WORKER_NMI_WORDS	(GUEST_NCPUS_MAX / 64)

enum worker_gate {
	GATE_CLOSED,
	GATE_OPEN,
	GATE_ABORT
};

struct worker_cpu {
	struct worker *worker;		/* - */
	unsigned cpu;			/* - */
	struct thread thread;		/* c */
	atomic_int self;		/* thread_self(), 0: not yet */
	clockid_t clock;		/* set before .timed */
	atomic_bool timed;
	_Atomic uint64_t cpu_ns;	/* processor time at its end, or 0 */
};

struct worker {
	struct worker_spec spec;	/* - */
	struct console *console;	/* - */
	struct queue *to_main;		/* - */
	struct queue queue;		/* - its own lock */
	struct thread thread;		/* main only */
	void *owner;			/* - */
	atomic_bool cancel;		/* a create need not go on */
	atomic_bool room_queued;	/* .room is on the queue */
	atomic_bool nmi_queued;		/* .nmi is on the queue */
	_Atomic uint64_t nmis[WORKER_NMI_WORDS];	/* VCPUs to get one */

	struct guest *guest;		/* c; VCPU threads while they live */
	struct worker_cpu *cpus;	/* c */
	unsigned nthreads;		/* c, to be joined */
	bool over;			/* c, the guest has ended */
	uint64_t cpu_ns;		/* c, of VCPU threads that were joined */
	STAILQ_HEAD(, queue_item) inputs;	/* c, not all taken yet */
	struct worker_sample *samples[WORKER_NSAMPLES];	/* - who holds the msg */
	struct nvmm_x64_state *regs;	/* who holds .regs_msg; made when asked */

	pthread_mutex_t gate_lock;
	pthread_cond_t gate_cond;
	enum worker_gate gate;		/* g */
	unsigned running;		/* g, VCPU threads in the guest */

	struct worker_msg create, start, stop, power, pause, resume, share, nmi,
	    regs_msg, sample, room, ended, console_msg, destroy;
					/* who holds them */
};

/* Hands a message to main. */
static inline void
worker_answer(struct worker *w, struct worker_msg *msg)
{

	queue_put(w->to_main, &msg->item);
}

/* worker_act.c: on the control thread */
void	worker_do_power(struct worker *);
void	worker_do_pause(struct worker *);
void	worker_do_resume(struct worker *);
void	worker_do_share(struct worker *);
void	worker_do_nmi(struct worker *);
void	worker_do_regs(struct worker *);
void	worker_do_sample(struct worker *);
/* Reads the counters into a sample. */
void	worker_fill(struct worker *, struct worker_sample *);
/* Gives inputs back that nobody will read. */
void	worker_flush(struct worker *);
/* Gives the guest what it takes; inputs that are through go back. */
void	worker_pump(struct worker *);

#endif /* _WORKER_IMPL_H_ */
