/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the tests of the pure policies share: a generator whose sequence a seed
 * repeats, and a driver's assertion that fails the test case.
 */

#ifndef _H_POLICY_H_
#define _H_POLICY_H_

#include <atf-c.h>

#include "nvmm_os.h"

/* A test case with its description. */
#define CASE(name, text)						\
	ATF_TC(name);							\
	ATF_TC_HEAD(name, tc)						\
	{								\
		atf_tc_set_md_var(tc, "descr", "%s", text);		\
		atf_tc_set_md_var(tc, "timeout", "60");			\
	}								\
	ATF_TC_BODY(name, tc)

/* Set before each sequence; names it in messages. */
extern uint64_t h_seed;

void	h_random_start(uint64_t seed);
uint64_t h_random64(void);
/* Below n, which is not 0. */
unsigned h_random(unsigned n);

#endif /* _H_POLICY_H_ */
