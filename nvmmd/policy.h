/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * May this machine be admitted? Limits and what is in use go in, an answer
 * with its words comes out; nothing is remembered here. Sizes are in bytes.
 */

#ifndef _POLICY_H_
#define _POLICY_H_

#include <stddef.h>
#include <stdint.h>

/* The built-in ceilings: no configuration goes above them. */
#define POLICY_MACHINES_MAX	128
#define POLICY_VCPUS_MAX	256
#define POLICY_MEMORY_MIN	(2ULL << 20)
#define POLICY_MEMORY_MAX	(128ULL << 30)
#define POLICY_MEMORY_ALIGN	4096
#define POLICY_MEMORY_DEFAULT	(4ULL << 30)	/* a machine */
#define POLICY_SHARE_DEFAULT	75		/* percent of RAM, all together */

#define POLICY_TEXT_MAX		256
#define POLICY_SIZE_MAX		24		/* text of a size */

struct policy {
	uint32_t machines;
	uint32_t vcpus;			/* a machine */
	uint64_t memory;		/* a machine */
	uint64_t memory_total;		/* all machines together */
};

struct policy_use {
	uint32_t machines;
	uint64_t memory;
};

struct policy_ask {
	uint64_t memory;
	int64_t vcpus;
};

enum policy_answer {
	POLICY_OK,
	POLICY_BAD_MEMORY,		/* no machine is like that */
	POLICY_BAD_VCPUS,
	POLICY_MACHINES,		/* limits */
	POLICY_VCPUS,
	POLICY_MEMORY,
	POLICY_TOTAL
};

/* The defaults on a host with that much RAM. */
void	policy_defaults(struct policy *, uint64_t ram);
/* text, POLICY_TEXT_MAX bytes, is set unless the answer is POLICY_OK. */
enum policy_answer policy_admit(const struct policy *,
	    const struct policy_use *, const struct policy_ask *, char *text);
/* "4G", "512M", "3K", "5000": exact. Returns buf, POLICY_SIZE_MAX bytes. */
const char *policy_size(char *buf, uint64_t bytes);

#endif /* _POLICY_H_ */
