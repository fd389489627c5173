/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A case carried out twice, by the processor and by the assist, and compared.
 */

#ifndef _H_RUN_H_
#define _H_RUN_H_

#include "h_gen.h"

/* What comes of a case. */
enum verdict {
	SAME,
	DIFFERENT,
	STRAY,				/* it would touch the test's memory */
	REFUSED,			/* by the executor: ENOTSUP */
	OPEN,				/* the manuals leave it open */
	ABSENT,				/* this processor does not have it */
	NVERDICTS
};

/* How an instruction ends. */
struct ending {
	struct native after;
	struct native_event event;
	int error;			/* ours: of decoder or executor */
};

struct result {
	struct ending native, ours;
	enum verdict verdict;
	const char *what;		/* differs first */
	unsigned where;			/* in the window, if memory does */
	uint8_t native_byte, ours_byte;
};

/* Carry the case out and compare. => The window is as before. */
void	run_case(const struct testcase *, struct result *);

#endif /* _H_RUN_H_ */
