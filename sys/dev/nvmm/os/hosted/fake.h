/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A backend that runs nothing: it records what the frontend asks of it, fails
 * where a test wants it to, and returns the exits that a test lays out. Taken
 * only when asked for by name.
 */

#ifndef _NVMM_FAKE_H_
#define _NVMM_FAKE_H_

#include "nvmm_internal.h"

extern const struct nvmm_impl nvmm_fake;

/* One call of a method; a and b are its numbers, 0 where there are none. */
struct fake_call {
	const char *method;	/* as in struct nvmm_impl */
	nvmm_machid_t machid;
	nvmm_cpuid_t cpuid;
	uint64_t a;
	uint64_t b;
};

/* The capabilities that the fake claims, and its ways; for tests to change. */
struct fake_caps {
	uint64_t max_ram;
	uint64_t impl_caps;
	bool decodes;		/* EXIT_IO carries an access */
	bool scribble;		/* change the comm page before taking from it */
	bool quiet;		/* record nothing: there will be too much */
};
extern struct fake_caps fake_caps;

/* What an exit of a run is to be. */
struct fake_exit {
	uint64_t reason;
	uint64_t cached;	/* groups left valid in comm->state for free */
	int error;		/* run fails with this */
	bool stop;		/* a stop arrives at the same time */
	bool offers;		/* to be completed by vcpu_io_done: RIP + 1 */
};

/* Back to the start: nothing recorded, nothing laid out, full caps. */
void	fake_reset(void);

/* The last call of a method, or NULL; and how many there were. */
const struct fake_call *fake_last(const char *method);
unsigned fake_ncalls(const char *method);
/* The place of a method's last call in the order of all; 0 if none. */
unsigned fake_when(const char *method);

/* The nth call of a method from now on (1: the next) fails with error. */
void	fake_fail(const char *method, unsigned nth, int error);

/* The next run's exit; when all are used up, run sleeps until kicked. */
void	fake_push_exit(const struct fake_exit *);
/* Runs asleep right now. */
unsigned fake_nrunning(void);

/* The fake's own registers of a VCPU. => The VCPU exists, nobody uses it. */
struct nvmm_x64_state *fake_state(nvmm_machid_t, nvmm_cpuid_t);

#endif /* _NVMM_FAKE_H_ */
