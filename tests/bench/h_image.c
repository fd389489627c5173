/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Puts the exit bench's guests into memory, and says which pages are touched
 * in which order, by a guest or by the host itself.
 */

#include <sys/mman.h>

#include <err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "h_figure.h"
#include "h_image.h"

#define PAGE		4096
#define PAGES		((FIGURE_ROUNDS + 1) * I_TOUCHES)
#define PTE_TABLE	0x3		/* present, writable */
#define PTE_LARGE	0x83		/* and of 2 MiB */

/* RAM for a guest that has none from its driver, in pages of 4 KiB. */
void *
image_memory(void)
{
	void *p;

	p = mmap(NULL, I_RAM, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		err(1, "mmap");
#ifdef MADV_NOHUGEPAGE
	if (madvise(p, I_RAM, MADV_NOHUGEPAGE) == -1)
		err(1, "madvise");
#endif
	return p;
}

static void
put64(uint8_t *ram, uint64_t gpa, uint64_t val)
{

	memcpy(ram + gpa, &val, sizeof(val));
}

/* Fill RAM in; what is to be fresh is left alone. */
void
image_load(uint8_t *ram)
{
	uint64_t i;

	put64(ram, I_PML4, I_PDPT | PTE_TABLE);
	put64(ram, I_PDPT, I_PD | PTE_TABLE);
	for (i = 0; i < 512; i++)
		put64(ram, I_PD + i * 8, i << 21 | PTE_LARGE);
	memcpy(ram + I_CODE, image, (size_t)(image_end - image));
	memset(ram + I_TABLE, 0, I_TOUCHES * 8);
}

/* Where a guest begins. */
uint64_t
image_entry(const uint8_t *guest)
{

	return I_CODE + (uint64_t)(guest - image);
}

/* The numbers of the pages in an order of no pattern. */
static const uint16_t *
shuffled(void)
{
	static uint16_t order[PAGES];
	uint32_t seed = 12345;
	unsigned i, j;

	for (i = 0; i < PAGES; i++) {
		seed = seed * 1103515245 + 12345;
		j = (seed >> 8) % (i + 1);
		order[i] = order[j];
		order[j] = (uint16_t)i;
	}
	return order;
}

/* The next round's addresses, of pages that no earlier round touched. */
void
image_touches(enum touch how, uint64_t *table)
{
	static unsigned next[2];
	static const uint16_t *order;
	unsigned i, page;

	if (order == NULL)
		order = shuffled();
	for (i = 0; i < I_TOUCHES; i++) {
		page = next[how]++ % PAGES;
		table[i] = how == TOUCH_ASCENDING ?
		    I_FRESH + (uint64_t)page * PAGE :
		    I_FRESH_RANDOM + (uint64_t)order[page] * PAGE;
	}
}

/* Touch them as the guest does. */
void
image_touch(const uint64_t *table, uint8_t *ram)
{
	unsigned n = I_TOUCHES;
	uint64_t p;

	__asm__ volatile("1: lodsq\n\t"
	    "movb	$1, (%%rax, %3)\n\t"
	    "decl	%1\n\t"
	    "jnz	1b"
	    : "+S"(table), "+r"(n), "=&a"(p) : "r"(ram) : "memory", "cc");
}
