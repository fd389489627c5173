/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The machines' records. They belong to the main thread: nothing here is
 * called from another one. Whoever asks for something that takes time leaves
 * a machine_wait, which is called back exactly once, or cancelled.
 */

#ifndef _MACHINE_H_
#define _MACHINE_H_

#include <sys/queue.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "console.h"
#include "peer.h"
#include "policy.h"
#include "proto.h"
#include "restart.h"
#include "share.h"
#include "worker.h"

#define MACHINE_NAME_MAX	65		/* with the NUL */
#define MACHINE_GRACE		5000		/* ms to end by oneself in */
#define MACHINE_GRACE_MAX	20000

enum machine_state {
	MACHINE_CREATED,
	MACHINE_RUNNING,
	MACHINE_PAUSED,
	MACHINE_STOPPED,
	MACHINE_FAILED
};

/* Why it is in its state. */
struct machine_reason {
	const char *kind;		/* "created" "started" "exited" ... */
	char text[GUEST_TEXT_MAX];
	bool ended;			/* cpu is of meaning, */
	bool exited;			/* and status */
	uint32_t status;
	unsigned cpu;
};

struct evloop_timer;
struct machine;
struct machine_wait;
TAILQ_HEAD(machine_waits, machine_wait);

struct machine_wait {
	TAILQ_ENTRY(machine_wait) link;
	struct machine_waits *list;	/* where it waits, or NULL */
	/* failure NULL: done. The machine is gone after the call if destroyed. */
	void (*done)(struct machine_wait *, struct machine *,
	    const struct proto_failure *);
};

/* Somebody who follows the console. */
struct machine_reader {
	LIST_ENTRY(machine_reader) link;
	/* There are bytes to be read, or ended: there will be no more. */
	void (*notify)(struct machine_reader *, struct machine *, bool ended);
	/* An input came back. */
	void (*taken)(struct machine_reader *, struct worker_input *);
};

/* Exits so far, for the next rate. */
struct machine_rate {
	uint64_t user, driver;
};

struct machine {
	TAILQ_ENTRY(machine) link;
	char name[MACHINE_NAME_MAX];
	bool numbered;			/* the name is vm.number */
	unsigned number;
	enum machine_state state;
	struct machine_reason reason;
	time_t created, started, since;	/* started 0: not yet */
	uint64_t start_ns, end_ns;	/* host_clock(), 0: not yet */
	uint64_t memory;
	unsigned ncpus;
	char *cmdline, *image;
	enum guest_boot boot;
	struct peer_owner owner;
	gid_t owner_gid, *groups;	/* the owner's, for the policy */
	unsigned ngroups, role;		/* the same, and his role */
	unsigned share;			/* percent of a processor, 0: not set */
	bool share_free;		/* by an admin: the policy's is no limit */
	struct share bucket;		/* what it may run */
	uint64_t cpu_ns;		/* of its VCPUs, as far as it was counted */
	bool uncounted;			/* what follows has no limit */
	bool sharing, held;		/* SHARE is on its way; as it says */
	uint64_t share_look;		/* it need not be looked at before */

	bool creating, destroying, doomed;
	bool doomed_next;		/* by the end of its run */
	bool starting, pausing, resuming, powering, reading, sampling;
					/* that answer is awaited */
	bool stopping, resetting;	/* what is to follow the end */
	bool ending;			/* this run was told to end */
	bool restarting;		/* the timer starts it again */
	struct restart restart;
	struct evloop_timer *timer;	/* see machine_life.c; or NULL */
	struct worker *worker;
	struct console console;
	const struct worker_sample *shown;	/* the last one, or NULL */
	struct machine_rate *rates;	/* ncpus, at rate_ns */
	uint64_t rate_ns;
	const struct nvmm_x64_state *regs;	/* while .reads are called back */
	struct proto_failure failure;	/* of a create that is being undone */

	struct machine_waits creates, starts, stops, pauses, resumes, reads,
	    destroys, samples, ends;
	LIST_HEAD(, machine_reader) readers;
};

struct machine_spec {
	const char *name;		/* or NULL: vm0, vm1, ... */
	uint64_t memory;
	int64_t vcpus;
	const char *cmdline;
	enum guest_boot boot;
	enum restart_policy restart;
	int fd;
	const char *image;
	struct peer_owner owner;
	struct policy_who who;		/* of the owner; read at once */
};

extern const char *const machine_state_names[];

/* The list of all, in the order of their creation. */
TAILQ_HEAD(machine_list, machine);
extern struct machine_list machines;

/*
 * Returns 0, or -1 and errno. The policy outlives us, and may change. empty is
 * called when the last one is gone.
 */
int	machine_init(const struct policy *, void (*empty)(void));
void	machine_fini(void);
/* For the event loop: a descriptor, and what to do when it is readable. */
int	machine_fd(void);
void	machine_dispatch(void *, int);

struct machine *machine_find(const char *name);
/* What is in use by all, or by that user. */
void	machine_use(struct policy_use *);
void	machine_use_of(uid_t, struct policy_use *);
/* What the policy says for the machine's owner. */
void	machine_limits(const struct machine *, struct policy_mine *);
void	machine_own(struct machine *, const struct peer_owner *,
	    const struct policy_who *);
/* admin: it may be more than the policy says. */
void	machine_set_share(struct machine *, unsigned percent, bool admin);
/* POLICY_SHARE_MAX: as much as there is. */
unsigned machine_share(const struct machine *);
/* The policy that machine_init was given says something else. */
void	machine_policy_changed(void);
/* Could one like that be created now? Returns 0, or -1. */
int	machine_admit(const struct machine_spec *, struct proto_failure *);

/*
 * Each returns 0, and the wait is called back later or has been already; or
 * -1 with the failure, and the wait is as it was.
 * => machine_create takes the descriptor, also when it fails
 */
int	machine_create(const struct machine_spec *, struct machine_wait *,
	    struct proto_failure *);
int	machine_start(struct machine *, struct machine_wait *,
	    struct proto_failure *);
/* The guest is asked to end by itself, and ended after grace_ms. */
int	machine_stop(struct machine *, unsigned grace_ms,
	    struct machine_wait *, struct proto_failure *);
int	machine_pause(struct machine *, struct machine_wait *,
	    struct proto_failure *);
int	machine_resume(struct machine *, struct machine_wait *,
	    struct proto_failure *);
int	machine_reset(struct machine *, struct machine_wait *,
	    struct proto_failure *);
int	machine_regs(struct machine *, struct machine_wait *,
	    struct proto_failure *);
int	machine_destroy(struct machine *, struct machine_wait *,
	    struct proto_failure *);
int	machine_sample(struct machine *, struct machine_wait *,
	    struct proto_failure *);
int	machine_end_wait(struct machine *, struct machine_wait *,
	    struct proto_failure *);
/* Done at once. => cpu is less than m->ncpus */
int	machine_nmi(struct machine *, unsigned cpu, struct proto_failure *);
/* Nobody wants the answer any more; what was asked for goes on. */
void	machine_cancel(struct machine_wait *);

/* Ends them all, and lets no more in; empty is called when that is done. */
void	machine_destroy_all(unsigned grace_ms);

/* Will the console have no more bytes than it has? */
bool	machine_over(const struct machine *);
void	machine_reader_add(struct machine *, struct machine_reader *);
void	machine_reader_remove(struct machine_reader *);
/* => taken() brings it back; of a removed reader it is freed */
void	machine_input(struct machine *, struct worker_input *,
	    struct machine_reader *);

#endif /* _MACHINE_H_ */
