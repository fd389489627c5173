/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Runs all checks and reports them in TAP.
 */

#include "check.h"
#include "kern.h"
#include "user.h"

static const struct check *const lists[] = {
	checks_cpu,
	checks_exception,
	checks_paging,
	checks_interrupt,
	checks_timer,
	checks_user,
};

#define NLISTS	(sizeof(lists) / sizeof(lists[0]))

struct tally {
	unsigned passed, failed, skipped;
};

/* The same SKIP() where such flaws are known, else a failure. */
const char *
check_flaw(const char *skip)
{
	return user_way != TRAP_SYSCALL ? skip : skip + 1;
}

/* Runs one check, prints its line and counts it. */
static void
check_run(const struct check *c, unsigned number, struct tally *tally)
{
	const char *wrong = c->fn();

	if (wrong == NULL) {
		printk("ok %u - %s\n", number, c->name);
		tally->passed++;
	} else if (wrong[0] == CHECK_SKIP_MARK[0]) {
		printk("ok %u - %s # SKIP %s\n", number, c->name, wrong + 1);
		tally->skipped++;
	} else {
		printk("not ok %u - %s\n# %s\n", number, c->name, wrong);
		tally->failed++;
	}
}

/* Runs all checks; returns how many failed. */
unsigned
check_all(void)
{
	struct tally tally = { 0, 0, 0 };
	unsigned n = 0;

	for (unsigned i = 0; i < NLISTS; i++) {
		for (const struct check *c = lists[i]; c->name != NULL; c++)
			n++;
	}
	printk("1..%u\n", n);
	n = 0;
	for (unsigned i = 0; i < NLISTS; i++) {
		for (const struct check *c = lists[i]; c->name != NULL; c++)
			check_run(c, ++n, &tally);
	}
	printk("# %u passed, %u failed, %u skipped\n", tally.passed,
	    tally.failed, tally.skipped);
	return tally.failed;
}
