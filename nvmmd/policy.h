/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * May this machine be admitted? Limits, who asks and what is in use go in, an
 * answer with its words comes out; nothing is remembered here. Sizes are in
 * bytes, shares of run time in percent of one processor.
 *
 * There are limits of all users together, and limits of each user and each
 * of his machines. Of the latter, each value by itself is the one of the most
 * specific rule that has it: a rule for the user, else for a group of his
 * (of several the most generous), else for his role, else the general value.
 */

#ifndef _POLICY_H_
#define _POLICY_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The built-in ceilings: no configuration goes above them. */
#define POLICY_MACHINES_MAX	128
#define POLICY_VCPUS_MAX	256		/* a machine */
#define POLICY_VCPUS_ALL_MAX	(POLICY_MACHINES_MAX * POLICY_VCPUS_MAX)
#define POLICY_MEMORY_MIN	(2ULL << 20)
#define POLICY_MEMORY_MAX	(128ULL << 30)	/* a machine */
#define POLICY_MEMORY_ALL_MAX	((1ULL << 53) - 1)
#define POLICY_MEMORY_ALIGN	4096
#define POLICY_MEMORY_DEFAULT	(4ULL << 30)	/* a machine */
#define POLICY_RAM_DEFAULT	75		/* percent of RAM, all together */
#define POLICY_SHARE_MAX	(100 * POLICY_VCPUS_ALL_MAX)	/* no limit */

#define POLICY_RULES_MAX	128
#define POLICY_NAME_MAX		64
#define POLICY_TEXT_MAX		256
#define POLICY_SIZE_MAX		24		/* text of a value */

/* What a user, and one of his machines, is limited in. */
enum policy_limit {
	POLICY_USER_MACHINES,
	POLICY_USER_VCPUS,
	POLICY_USER_MEMORY,
	POLICY_USER_SHARE,
	POLICY_MACHINE_VCPUS,
	POLICY_MACHINE_MEMORY,
	POLICY_MACHINE_SHARE,
	POLICY_NLIMITS
};

struct policy_limit_row {
	const char *name;		/* in the configuration and in answers */
	bool size;			/* bytes, which may have a unit */
	uint64_t min, max;
};
extern const struct policy_limit_row policy_limits[POLICY_NLIMITS];

enum policy_whose {
	POLICY_ROLE,			/* the less specific first */
	POLICY_GROUP,
	POLICY_USER
};

struct policy_rule {
	enum policy_whose whose;
	uint32_t id;			/* of the user or group; the role */
	char name[POLICY_NAME_MAX];
	uint32_t has;			/* bits by enum policy_limit */
	uint64_t value[POLICY_NLIMITS];
};

struct policy_use {
	uint64_t machines, vcpus, memory;
};

struct policy {
	struct policy_use all;		/* limits of all users together */
	uint64_t general[POLICY_NLIMITS];
	unsigned nrules;
	struct policy_rule rules[POLICY_RULES_MAX];
};

struct policy_who {
	uint32_t uid, gid;
	const uint32_t *groups;		/* besides gid */
	unsigned ngroups;
	unsigned role;
};

/* One user's limits. */
struct policy_mine {
	uint64_t value[POLICY_NLIMITS];
	const struct policy_rule *rule[POLICY_NLIMITS];	/* NULL: general */
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
	POLICY_MEMORY
};

/* The defaults on a host with that much RAM. */
void	policy_defaults(struct policy *, uint64_t ram);
/* => the rules pointed to are the policy's */
void	policy_resolve(const struct policy *, const struct policy_who *,
	    struct policy_mine *);
/*
 * all: what is in use by all; his: by the one who asks. text, POLICY_TEXT_MAX
 * bytes, is set unless the answer is POLICY_OK.
 */
enum policy_answer policy_admit(const struct policy *,
	    const struct policy_who *, const struct policy_use *all,
	    const struct policy_use *his, const struct policy_ask *,
	    char *text);
/* Whose limit it is: "user alice", "each member of group staff", ... */
const char *policy_whose_text(char *buf, const struct policy_rule *);
#define POLICY_WHOSE_MAX	(POLICY_NAME_MAX + 32)
/* "4G", "512M", "3K", "5000": exact. Returns buf, POLICY_SIZE_MAX bytes. */
const char *policy_size(char *buf, uint64_t bytes);

#endif /* _POLICY_H_ */
