/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * top: what all machines do now. top.c asks for their counters and turns them
 * into rates; top_screen.c shows the rows and takes the keys.
 */

#ifndef _TOP_H_
#define _TOP_H_

#include <stddef.h>
#include <stdint.h>

struct client;

/* The reasons of exits, in groups; TOP_OTHER is what has no name here. */
enum top_group {
	TOP_IO, TOP_MEMORY, TOP_HALT, TOP_MSR, TOP_CPUID, TOP_OTHER,
	TOP_NGROUPS
};

enum top_order {
	TOP_BY_CPU, TOP_BY_EXITS, TOP_BY_MEMORY, TOP_BY_NAME,
	TOP_NORDERS
};

/* One machine. Counters are since its start, rates since the last look. */
struct top_row {
	char name[80];
	char state[16];
	int64_t run_ns;
	int64_t exits[TOP_NGROUPS];
	int64_t resident;		/* bytes */
	double cpu;			/* percent of one CPU */
	double rates[TOP_NGROUPS];	/* a second */
	double rate;			/* of all exits */
};

struct top {
	struct client *client;
	struct top_row *rows;
	size_t nrows;
	double when;			/* seconds, of this look */
	enum top_order order;
};

/*
 * => top_look asks for the counters; rates are since the look before, or since
 *    the machine's start
 * => top_sort puts the rows into the order that top->order says
 */
int	top_look(struct top *);
void	top_sort(struct top *);
void	top_free(struct top *);

/* top_screen.c: until the user has seen enough; returns the exit status */
int	top_screen(struct top *, unsigned int);
/* One look, as a table without a screen. */
void	top_plain(const struct top *);

#endif /* !_TOP_H_ */
