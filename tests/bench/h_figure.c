/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Times rounds of operations and prints what one operation takes: the median
 * of the rounds, less what an empty round takes.
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "h_figure.h"

#define MARK(n)	__asm__ volatile("nopl %c0(%%rax)"			\
		    :: "i"(FIGURE_MARK + (n)) : "memory")

struct times {
	long cpu[FIGURE_ROUNDS], wall[FIGURE_ROUNDS];
};

static long empty_cpu, empty_wall;	/* of a round */

/* A clock in nanoseconds. */
static long
now(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000L + ts.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
	const long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

static long
median(long *values)
{

	qsort(values, FIGURE_ROUNDS, sizeof(*values), compare);
	return values[FIGURE_ROUNDS / 2];
}

static void
time_round(const struct figure *f, long *cpu, long *wall)
{

	if (f->prepare != NULL)
		f->prepare();
	*wall = now(CLOCK_MONOTONIC);
	*cpu = now(CLOCK_THREAD_CPUTIME_ID);
	MARK(FIGURE_BEGIN);
	f->round();
	MARK(FIGURE_END);
	*cpu = now(CLOCK_THREAD_CPUTIME_ID) - *cpu;
	*wall = now(CLOCK_MONOTONIC) - *wall;
	if (f->finish != NULL)
		f->finish();
}

/* The times of a figure's rounds, of which the first is not kept. */
static void
time_rounds(const struct figure *f, struct times *t)
{
	unsigned i;

	time_round(f, &t->cpu[0], &t->wall[0]);
	MARK(FIGURE_NEXT);
	for (i = 0; i < FIGURE_ROUNDS; i++)
		time_round(f, &t->cpu[i], &t->wall[i]);
}

static void
empty_round(void)
{

}

static void
calibrate(void)
{
	static const struct figure empty = { .ops = 1, .round = empty_round };
	struct times t;

	time_rounds(&empty, &t);
	empty_cpu = median(t.cpu);
	empty_wall = median(t.wall);
}

/* Nanoseconds of one operation, rounded. */
static long
per_op(const struct figure *f, long *values, long empty)
{

	return (median(values) - empty + f->ops / 2) / f->ops - f->own;
}

/* Print a line for each figure: name, operations in a round, CPU, wall. */
void
figure_run(const struct figure *f, size_t n)
{
	struct times t;
	long cpu, wall;
	size_t i;

	calibrate();
	for (i = 0; i < n; i++, f++) {
		time_rounds(f, &t);
		cpu = per_op(f, t.cpu, empty_cpu);
		wall = per_op(f, t.wall, empty_wall);
		(void)printf("%s\t%u\t%ld\t%ld\n", f->name, f->ops, cpu, wall);
		(void)fflush(stdout);
	}
}
