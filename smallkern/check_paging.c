/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Pages and their faults: CR2 and the error code tell what was tried, accessed
 * and dirty bits tell what was done, and a changed entry counts after INVLPG.
 */

#include "check.h"
#include "cpu.h"
#include "guest_abi.h"
#include "kern.h"
#include "paging.h"
#include "trap.h"

#define PATTERN		0x6b2d2d6e766d6d21ULL

/* Two pages to be seen through the window. */
static uint64_t page_a[PAGE_SIZE / 8] __attribute__((aligned(PAGE_SIZE)));
static uint64_t page_b[PAGE_SIZE / 8] __attribute__((aligned(PAGE_SIZE)));

/* Reads at p. */
static void
access_read(void *p)
{
	(void)*(volatile uint64_t *)p;
}

/* Writes at p. */
static void
access_write(void *p)
{
	*(volatile uint64_t *)p = PATTERN;
}

/* Calls what lies at p. */
static void
access_fetch(void *p)
{
	((void (*)(void))p)();
}

/* Tries fn on an address in the window, which must fault with this error. */
static const char *
page_fault(void (*fn)(void *), uint64_t bits, uint64_t error)
{
	const uint64_t va = PAGING_WINDOW + 0x128;
	struct trapframe tf;

	paging_map(PAGING_WINDOW, (uint64_t)page_a, bits);
	write_cr2(0);
	if (!trap_catch(fn, (void *)va, &tf))
		return "no exception";
	if (tf.vector != TRAP_PF)
		return "another exception";
	if (read_cr2() != va)
		return "CR2 is not the address";
	return tf.error == error ? NULL : "wrong error code";
}

/* Error code 0: nothing there, a read, in ring 0. */
static const char *
check_absent_read(void)
{
	return page_fault(access_read, 0, 0);
}

/* Nothing there, a write. */
static const char *
check_absent_write(void)
{
	return page_fault(access_write, 0, PF_WRITE);
}

/* Something there, and a write is too much. */
static const char *
check_readonly(void)
{
	return page_fault(access_write, PTE_P | PTE_NX, PF_PRESENT | PF_WRITE);
}

/* Something there, but no code. */
static const char *
check_nx(void)
{
	return page_fault(access_fetch, PTE_P | PTE_W | PTE_NX,
	    PF_PRESENT | PF_FETCH);
}

/* Without CR0.WP, ring 0 writes where it may only read. */
static const char *
check_no_wp(void)
{
	struct trapframe tf;
	bool fault;

	page_a[0] = 0;
	paging_map(PAGING_WINDOW, (uint64_t)page_a, PTE_P | PTE_NX);
	write_cr0(read_cr0() & ~(uint64_t)CR0_WP);
	fault = trap_catch(access_write, (void *)PAGING_WINDOW, &tf);
	write_cr0(read_cr0() | CR0_WP);
	if (fault)
		return "the write faulted";
	return page_a[0] == PATTERN ? NULL : "the write is lost";
}

/* The processor notes in the entry what was done to the page. */
static const char *
check_accessed_dirty(void)
{
	uint64_t *pte = paging_pte(PAGING_WINDOW);

	paging_map(PAGING_WINDOW, (uint64_t)page_a, PTE_P | PTE_W | PTE_NX);
	access_read((void *)PAGING_WINDOW);
	if ((*(volatile uint64_t *)pte & (PTE_A | PTE_D)) != PTE_A)
		return "a read does not set just the accessed bit";
	access_write((void *)PAGING_WINDOW);
	return (*(volatile uint64_t *)pte & PTE_D) != 0 ? NULL :
	    "a write does not set the dirty bit";
}

/* The same address shows another page after INVLPG. */
static const char *
check_remap(void)
{
	const volatile uint64_t *p = (const uint64_t *)PAGING_WINDOW;

	page_a[0] = 1;
	page_b[0] = 2;
	paging_map(PAGING_WINDOW, (uint64_t)page_a, PTE_P | PTE_NX);
	if (*p != 1)
		return "the first page is not there";
	paging_map(PAGING_WINDOW, (uint64_t)page_b, PTE_P | PTE_NX);
	return *p == 2 ? NULL : "the second page is not there";
}

/* Whether the frame at pa keeps what is written to it; it is left unchanged. */
static bool
frame_works(uint64_t pa)
{
	volatile uint64_t *p = (uint64_t *)(PAGING_WINDOW + PAGE_SIZE - 8);
	uint64_t old;
	bool works;

	paging_map(PAGING_WINDOW, pa, PTE_P | PTE_W | PTE_NX);
	old = *p;
	*p = PATTERN ^ pa;
	works = *p == (PATTERN ^ pa);
	*p = old;
	return works;
}

/* The memory map tells the truth about where RAM ends. */
static const char *
check_ram(void)
{
	uint64_t start, end;
	unsigned n;

	for (n = 0; boot_ram(n, &start, &end); n++) {
		if (end > start && !frame_works(end - PAGE_SIZE))
			return "the end of a RAM range does not hold data";
	}
	return n > 0 ? NULL : "the memory map shows no RAM";
}

const struct check checks_paging[] = {
	{ "page fault: read of an absent page", check_absent_read },
	{ "page fault: write to an absent page", check_absent_write },
	{ "page fault: write to a read-only page", check_readonly },
	{ "page fault: fetch from a no-execute page", check_nx },
	{ "no fault without CR0.WP", check_no_wp },
	{ "accessed and dirty bits", check_accessed_dirty },
	{ "a page mapped elsewhere", check_remap },
	{ "RAM to the end of each range", check_ram },
	{ NULL, NULL }
};
