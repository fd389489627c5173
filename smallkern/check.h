/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Checks: a name and a function that returns NULL if all is well, else what is
 * not.  A check that cannot be made here returns SKIP("reason").  Where that is
 * not sure, check_flaw(SKIP("what is wrong")): a hypervisor on which not even
 * SYSCALL works is known to get a few more things wrong, which are skipped by
 * name; anywhere else they are failures.
 */

#ifndef _CHECK_H_
#define _CHECK_H_

#define CHECK_SKIP_MARK	"\001"
#define SKIP(reason)	(CHECK_SKIP_MARK reason)

struct check {
	const char *name;
	const char *(*fn)(void);
};

/* Each list ends with a check that has no name. */
extern const struct check checks_exception[];	/* check_exception.c */
extern const struct check checks_paging[];	/* check_paging.c */
extern const struct check checks_interrupt[];	/* check_interrupt.c */
extern const struct check checks_timer[];	/* check_timer.c */
extern const struct check checks_user[];	/* check_user.c */
extern const struct check checks_cpu[];		/* check_cpu.c */

/* check.c */
const char *check_flaw(const char *);
unsigned check_all(void);

#endif /* !_CHECK_H_ */
