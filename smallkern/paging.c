/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Our own page tables: the static ones of start.S, refined.  The kernel's
 * 2 MiB are split into 4 KiB pages with each section's rights, nothing is both
 * writable and executable, and one window is left for checks to play with.
 */

#include "cpu.h"
#include "guest_abi.h"
#include "kern.h"
#include "paging.h"

#define PTES		512
#define PAGING_NTABLES	3	/* for the window: one of each lower level */

/* smallkern.ld: where the sections end, each on a page boundary. */
extern const char text_start[], text_end[], rodata_end[], data_end[];
extern const char utext_end[], udata_end[];

static uint64_t low_pt[PTES] __attribute__((aligned(PAGE_SIZE)));
static uint64_t tables[PAGING_NTABLES][PTES]
    __attribute__((aligned(PAGE_SIZE)));
static unsigned tables_used;

/* The rights of the page at va in the first 2 MiB. */
static uint64_t
paging_rights(uintptr_t va)
{
	static const struct {
		const char *end;
		uint64_t rights;
	} map[] = {
		{ text_start, PTE_W | PTE_NX },
		{ text_end, 0 },
		{ rodata_end, PTE_NX },
		{ data_end, PTE_W | PTE_NX },
		{ utext_end, PTE_U },
		{ udata_end, PTE_U | PTE_W | PTE_NX },
	};

	for (unsigned i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		if (va < (uintptr_t)map[i].end)
			return map[i].rights;
	}
	return PTE_W | PTE_NX;
}

/* The kernel lives in our tables, with write protection and NX on. */
void
paging_init(void)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
	for (unsigned i = 0; i < PTES; i++) {
		uintptr_t va = i * PAGE_SIZE;

		low_pt[i] = va | PTE_P | paging_rights(va);
	}
	boot_pd[0][0] = (uint64_t)low_pt | PTE_P | PTE_W | PTE_U;
	for (unsigned i = 1; i < PTES; i++)
		boot_pd[0][i] |= PTE_NX;
	for (unsigned i = 1; i < 4; i++)
		boot_pdpt[i] |= PTE_NX;
	boot_pd[GUEST_LAPIC_BASE >> 30][GUEST_LAPIC_BASE >> 21 & (PTES - 1)] |=
	    PTE_PCD | PTE_PWT;
	write_cr3((uint64_t)boot_pml4);
	write_cr0(read_cr0() | CR0_WP);
}

/* The entry for va's 4 KiB page; tables that are missing are added. */
uint64_t *
paging_pte(uintptr_t va)
{
	uint64_t *table = boot_pml4;

	for (unsigned shift = 39; shift > 12; shift -= 9) {
		uint64_t *pte = &table[va >> shift & (PTES - 1)];

		if ((*pte & PTE_P) == 0) {
			if (tables_used == PAGING_NTABLES)
				panic("no page tables left");
			*pte = (uint64_t)tables[tables_used++] |
			    PTE_P | PTE_W | PTE_U;
		}
		table = (uint64_t *)(*pte & PTE_FRAME);
	}
	return &table[va >> 12 & (PTES - 1)];
}

/* The page at va is the frame at pa with these bits; 0 for none. */
void
paging_map(uintptr_t va, uint64_t pa, uint64_t bits)
{
	*paging_pte(va) = pa | bits;
	invlpg(va);
}
