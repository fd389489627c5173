/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Figures of the exit bench: a round of operations is timed by two clocks,
 * thread CPU time and wall, and stands between two marks that serial.so sees
 * from outside. In a host that counts instructions a nanosecond is one.
 */

#ifndef _H_FIGURE_H_
#define _H_FIGURE_H_

#include <stddef.h>
#include <stdint.h>

#define FIGURE_ROUNDS	9	/* timed ones; one before them warms up */

/* Marks: long NOPs whose displacement no compiler writes. */
#define FIGURE_MARK	0x4d564e00
#define FIGURE_NEXT	1	/* the windows of another figure follow */
#define FIGURE_BEGIN	2
#define FIGURE_END	3

struct figure {
	const char *name;
	unsigned ops;			/* operations in a round */
	unsigned own;			/* the guest's own instructions per op */
	void (*prepare)(void);		/* or NULL; neither this ... */
	void (*round)(void);
	void (*finish)(void);		/* ... nor this is timed */
};

void	figure_run(const struct figure *, size_t);

#endif /* _H_FIGURE_H_ */
