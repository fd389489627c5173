/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A driver for the library's own tests: it records requests, fails where it
 * is told to, and keeps one comm page.
 */

#ifndef _H_DEV_H_
#define _H_DEV_H_

#include "internal.h"

struct h_dev {
	unsigned opens;			/* calls of open */
	bool root;			/* how the last one asked */
	int open_error;			/* for open to fail with */
	unsigned requests;		/* of any kind */
	unsigned long last;		/* request */
	unsigned long fail_cmd;		/* this one fails ... */
	int fail_error;			/* ... with that */
	bool no_comm;			/* VCPU_CREATE returns no page */
	unsigned destroyed;		/* VCPU_DESTROY seen */
	unsigned kicks;
	uint32_t version, state_size, comm_size; /* for CAPABILITY */
	uint64_t wanted;		/* of the last GETSTATE or RUN */
	uint8_t xstate[NVMM_X64_XSTATE_AVX];	/* by GETXSTATE, SETXSTATE */
	struct nvmm_dev_access access;	/* what .access gives */
	unsigned done;			/* calls of access_done */
};

extern struct h_dev h_dev[2];		/* "/dev/nvmm", "hosted" */
extern struct nvmm_comm_page *h_comm_page;
#define h_comm		(*h_comm_page)

/* Fresh drivers, of the right version. */
void	h_reset(void);
/* Initialize on the first, and make a machine with a VCPU. */
void	h_machine(struct nvmm_machine *, struct nvmm_vcpu *);

#endif /* _H_DEV_H_ */
