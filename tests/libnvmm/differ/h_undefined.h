/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the manuals leave open, so that processors may differ, and what this
 * processor does not have.
 */

#ifndef _H_UNDEFINED_H_
#define _H_UNDEFINED_H_

#include "h_gen.h"

/* The arithmetic flags that the case's instruction leaves undefined. */
uint64_t undefined_flags(const struct testcase *);
/* True if its result is undefined, or another maker's, altogether. */
bool	undefined_result(const struct testcase *);
/* The undefined bits of a general register, given what the CPU left. */
uint64_t undefined_bits(const struct testcase *, unsigned reg,
	    const struct nvmm_x64_state *after);
/* True if either exception may come first, or their addresses differ. */
bool	undefined_order(const struct testcase *, const struct native_event *,
	    const struct native_event *);
/* True if one of them checks an alignment that need not be checked. */
bool	undefined_alignment(const struct testcase *,
	    const struct native_event *, const struct native_event *);
/* True if they differ in a fault at bytes that a mask leaves out. */
bool	undefined_mask(const struct testcase *, const struct native_event *,
	    const struct native_event *);
/* True if what is no instruction is too long for one as well. */
bool	undefined_length(const struct testcase *, const struct native_event *);
/* True if x87 state may be changed or not. */
bool	undefined_x87(const struct testcase *, bool faulted);

/* h_feature.c */
/* True on a processor by AMD, or by a maker that follows AMD. */
bool	feature_amd(void);
/* The number of prefix bytes that a case begins with, REX among them. */
unsigned feature_prefixes(const struct testcase *);
/* True if this processor has no such instruction. */
bool	feature_missing(const struct testcase *);

#endif /* _H_UNDEFINED_H_ */
