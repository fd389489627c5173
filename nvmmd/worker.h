/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The threads of one machine, seen from main. Main asks by the functions
 * below, which only queue a message; the answer comes as the same message on
 * main's queue. At most one message of each kind is under way (input is the
 * exception: as many as main makes).
 */

#ifndef _WORKER_H_
#define _WORKER_H_

#include "../libnvmm/guest/guest.h"
#include "queue.h"

struct console;
struct nvmm_x64_state;
struct worker;

enum worker_op {
	WORKER_CREATE,			/* make and load the guest */
	WORKER_START,			/* make the VCPU threads and let go */
	WORKER_STOP,			/* no answer; ENDED follows */
	WORKER_POWER,			/* ask the guest to end by itself */
	WORKER_PAUSE,			/* hold the VCPUs */
	WORKER_RESUME,			/* let them go on */
	WORKER_SHARE,			/* throttle or not; processor time */
	WORKER_NMI,			/* no answer */
	WORKER_REGS,			/* the registers of VCPUs that are held */
	WORKER_SAMPLE,			/* statistics */
	WORKER_INPUT,			/* bytes for the console */
	WORKER_ROOM,			/* within: there is room for input */
	WORKER_ENDED,			/* unasked: the guest has ended */
	WORKER_CONSOLE,			/* unasked: the console has bytes */
	WORKER_DESTROY			/* the last answer of all */
};

struct worker_sample {
	uint64_t when;			/* host_clock() */
	struct guest_memory memory;
	struct guest_vcpu_stats cpus[];
};

struct worker_msg {
	struct queue_item item;		/* first */
	enum worker_op op;
	void *owner;			/* main's */
	bool failed;			/* CREATE, START: see error */
	bool image;			/* CREATE, START: the file's fault */
	bool listens;			/* POWER: the guest may end of it */
	bool hold;			/* SHARE: main's */
	uint64_t cpu_ns;		/* SHARE, ENDED, DESTROY: all VCPUs' */
	struct guest_error error;
	struct guest_result result;	/* ENDED */
	struct worker_sample *sample;	/* SAMPLE, ENDED: filled; the worker's */
	const struct nvmm_x64_state *regs;	/* REGS: the same, one a VCPU */
};

#define WORKER_INPUT_MAX	4096

struct worker_input {
	struct worker_msg msg;		/* first; op and owner set by worker */
	void *arg;			/* main's */
	size_t len, done;
	uint8_t data[WORKER_INPUT_MAX];
};

struct worker_spec {
	const char *name;		/* outlives the worker, as cmdline */
	uint64_t memory;
	unsigned ncpus;
	const char *cmdline;
	enum guest_boot boot;
	int fd;				/* the worker's, for every start */
	const char *image;		/* for messages; outlives it too */
};

#define WORKER_BACKEND_MAX	32

/* What nvmm(4) said when the process began. */
struct worker_host {
	unsigned version, state_size, max_machines, max_vcpus;
	uint64_t max_ram;
	uint64_t mach_conf, vcpu_conf, xcr0_mask, mxcsr_mask, conf_cpuid_maxops;
	char backend[WORKER_BACKEND_MAX];
	const char *device;		/* "/dev/nvmm", "hosted" */
};

/*
 * Opens the driver, before any other thread and while the process still has
 * the rights to. Returns 0, or -1 with the reason.
 */
int	worker_init(struct worker_host *, struct guest_error *);

/*
 * Starts the control thread, and CREATE with it. Returns 0 or an errno; on
 * failure fd is still the caller's.
 * => WORKER_DESTROY's answer, then worker_free, are the only way to end it
 */
int	worker_new(const struct worker_spec *, struct console *,
	    struct queue *to_main, void *owner, struct worker **);
/* A guest that has ended is made and loaded anew first. */
void	worker_start(struct worker *);
void	worker_stop(struct worker *);
void	worker_power(struct worker *);
void	worker_pause(struct worker *);
void	worker_resume(struct worker *);
/* Hold the VCPUs until told otherwise, or do not; tells what they used. */
void	worker_share(struct worker *, bool hold);
void	worker_nmi(struct worker *, unsigned cpu);
void	worker_regs(struct worker *);
/* Fills a sample other than the one that main still looks at (or NULL). */
void	worker_sample(struct worker *, const struct worker_sample *shown);
/* => the input comes back when the guest has it or never will */
void	worker_input(struct worker *, struct worker_input *);
void	worker_destroy(struct worker *);
void	worker_free(struct worker *);

#endif /* _WORKER_H_ */
