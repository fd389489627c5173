/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The two ways in: what the platform writes into guest memory for each, and
 * the registers to start with.
 */

#ifndef _GUEST_BOOT_H_
#define _GUEST_BOOT_H_

#include <stdbool.h>
#include <stdint.h>

#include "guest.h"
#include "guest_elf.h"
#include "guest_mem.h"

struct nvmm_x64_state;

struct guest_start {
	bool pvh;			/* 32-bit protected mode, or else long */
	uint64_t entry;
	struct guest_range area;	/* the platform's own memory */
	uint64_t info;			/* gpa of struct hvm_start_info */
	uint64_t gdt;
	uint64_t tss;
	uint64_t stack;			/* a small one, top */
	uint64_t cr3;			/* long mode only */
};

/* Which way in, and how much memory of its own that takes, and where. */
int	guest_boot_plan(struct guest_start *, const struct guest_elf *,
	    const struct guest_mem *, enum guest_boot, const char *name,
	    struct guest_error *);
/* Write the planned structures. => The memory is zero there. */
int	guest_boot_build(struct guest_start *, const struct guest_elf *,
	    const struct guest_mem *, const char *cmdline, const char *name,
	    struct guest_error *);
/* The registers of VCPU 0 at the entry, out of those after reset. */
void	guest_boot_state(const struct guest_start *, struct nvmm_x64_state *);

#endif /* _GUEST_BOOT_H_ */
