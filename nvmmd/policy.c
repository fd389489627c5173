/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The checks, in the order in which a person would want to hear of them:
 * what no machine can be, then the limits of one, then those of all.
 */

#include <inttypes.h>
#include <stdio.h>

#include "policy.h"

/* The built-in limits, with the share of RAM for all machines. */
void
policy_defaults(struct policy *p, uint64_t ram)
{

	p->machines = POLICY_MACHINES_MAX;
	p->vcpus = POLICY_VCPUS_MAX;
	p->memory = POLICY_MEMORY_DEFAULT;
	p->memory_total = ram / 100 * POLICY_SHARE_DEFAULT;
	p->memory_total -= p->memory_total % (1 << 20);
}

/* The size in the largest unit that divides it. */
const char *
policy_size(char *buf, uint64_t bytes)
{
	static const char units[] = { '\0', 'K', 'M', 'G', 'T' };
	unsigned unit = 0;

	while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < sizeof(units)) {
		bytes /= 1024;
		unit++;
	}
	(void)snprintf(buf, POLICY_SIZE_MAX, "%" PRIu64 "%.1s", bytes,
	    &units[unit]);
	return buf;
}

/* Is there such an amount of memory at all? */
static enum policy_answer
policy_memory_sane(uint64_t memory, char *text)
{
	char a[POLICY_SIZE_MAX], b[POLICY_SIZE_MAX];

	if (memory < POLICY_MEMORY_MIN)
		(void)snprintf(text, POLICY_TEXT_MAX,
		    "memory %s is less than the least, %s",
		    policy_size(a, memory), policy_size(b, POLICY_MEMORY_MIN));
	else if (memory % POLICY_MEMORY_ALIGN != 0)
		(void)snprintf(text, POLICY_TEXT_MAX,
		    "memory %s is not a multiple of %s",
		    policy_size(a, memory),
		    policy_size(b, POLICY_MEMORY_ALIGN));
	else
		return POLICY_OK;
	return POLICY_BAD_MEMORY;
}

/* Does one machine fit its limits? */
static enum policy_answer
policy_machine(const struct policy *p, const struct policy_ask *ask,
    char *text)
{
	char a[POLICY_SIZE_MAX], b[POLICY_SIZE_MAX];

	if (ask->vcpus < 1 || ask->vcpus > POLICY_VCPUS_MAX) {
		(void)snprintf(text, POLICY_TEXT_MAX,
		    "vcpus must be 1 to %d, not %" PRId64, POLICY_VCPUS_MAX,
		    ask->vcpus);
		return POLICY_BAD_VCPUS;
	}
	if (ask->vcpus > p->vcpus) {
		(void)snprintf(text, POLICY_TEXT_MAX, "vcpus %" PRId64
		    " is more than the policy allows (%" PRIu32 " a machine)",
		    ask->vcpus, p->vcpus);
		return POLICY_VCPUS;
	}
	if (ask->memory > p->memory) {
		(void)snprintf(text, POLICY_TEXT_MAX,
		    "memory %s is more than the policy allows (%s a machine)",
		    policy_size(a, ask->memory), policy_size(b, p->memory));
		return POLICY_MEMORY;
	}
	return POLICY_OK;
}

/* Is there room for one more? */
static enum policy_answer
policy_room(const struct policy *p, const struct policy_use *use,
    const struct policy_ask *ask, char *text)
{
	char a[POLICY_SIZE_MAX], b[POLICY_SIZE_MAX], c[POLICY_SIZE_MAX];

	if (use->machines >= p->machines) {
		(void)snprintf(text, POLICY_TEXT_MAX,
		    "machine limit reached: %" PRIu32 " of %" PRIu32,
		    use->machines, p->machines);
		return POLICY_MACHINES;
	}
	if (use->memory > p->memory_total ||
	    ask->memory > p->memory_total - use->memory) {
		(void)snprintf(text, POLICY_TEXT_MAX, "memory %s is more than"
		    " what is left: %s of %s in use", policy_size(a,
		    ask->memory), policy_size(b, use->memory),
		    policy_size(c, p->memory_total));
		return POLICY_TOTAL;
	}
	return POLICY_OK;
}

/* The answer to one request for a machine. */
enum policy_answer
policy_admit(const struct policy *p, const struct policy_use *use,
    const struct policy_ask *ask, char *text)
{
	enum policy_answer answer;

	answer = policy_memory_sane(ask->memory, text);
	if (answer == POLICY_OK)
		answer = policy_machine(p, ask, text);
	if (answer == POLICY_OK)
		answer = policy_room(p, use, ask, text);
	return answer;
}
