/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Random page tables for t_walks: the entries that lead to an address, in any
 * mode, most of them good and some of them not.
 */

#ifndef _H_TABLES_H_
#define _H_TABLES_H_

#include "h_vm.h"
#include "x86.h"

enum tables_mode {
	TABLES_LONG,
	TABLES_PAE,
	TABLES_32,			/* 4 KiB pages */
	TABLES_PSE
};

#define T_DATA		0x40000		/* the guest and its tables end here */
#define TABLES_MAX	5		/* four levels, and the next page's last */

/* An entry on the way to the address. */
struct tables_entry {
	uint64_t gpa;
	uint64_t val;
	unsigned level;			/* 1 maps 4 KiB */
};

/* An access, by what it goes. */
struct tables_case {
	enum tables_mode mode;
	struct x86_paging pg;
	uint64_t gva;
	bool user;
	bool ac;			/* RFLAGS.AC */
	bool write;
	bool adds;			/* reads and writes */
	bool exec;
	unsigned n;
	struct tables_entry entry[TABLES_MAX];
};

/* Guest memory that tells its address, and tables that lead to the guest. */
void	tables_prepare(struct vm *);
/* Another case, its entries not in guest memory yet. */
void	tables_random(struct tables_case *, enum tables_mode);
/* Put the entries into guest memory, or take them out. */
void	tables_put(struct vm *, const struct tables_case *);
void	tables_clear(struct vm *, const struct tables_case *);
/* What an entry holds in guest memory. */
uint64_t tables_get(struct vm *, const struct tables_case *, unsigned);
/* A number below n. */
unsigned tables_below(unsigned n);

#endif /* _H_TABLES_H_ */
