/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Nested page tables in the format of long mode, every entry with the user bit
 * (AMD APM volume 2, "Nested Paging"). The hardware walks them in the host's
 * own paging mode, hence with five levels where the host has five. Accessed and
 * dirty are set beforehand, as nobody reads them. Who may call what at the same
 * time, and why no TLB is flushed here, linux_vmspace.c says.
 */

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/pgtable.h>

#include "nvmm_npt.h"

#define NPT_P		0x01ULL
#define NPT_W		0x02ULL
#define NPT_U		0x04ULL
#define NPT_A		0x20ULL
#define NPT_D		0x40ULL
#define NPT_PS		0x80ULL
#define NPT_NX		(1ULL << 63)
#define NPT_PA		0x000FFFFFFFFFF000ULL

#define NPT_ENTRIES	512
#define NPT_TABLE	(NPT_P | NPT_W | NPT_U | NPT_A)

/* The level of the root. */
static int
root_level(void)
{

	return pgtable_l5_enabled() ? 5 : 4;
}

/* An empty table, or NULL. */
static uint64_t *
table_alloc(void)
{
	uint64_t *table;

	table = (uint64_t *)get_zeroed_page(LINUX_GFP_GUEST);
	if (table != NULL)
		atomic_long_inc(&linux_held.pages);
	return table;
}

static void
table_free(uint64_t *table)
{

	atomic_long_dec(&linux_held.pages);
	free_page((unsigned long)table);
}

static unsigned
level_shift(int level)
{

	return PAGE_SHIFT + 9 * (level - 1);
}

/* The entry that gpa goes through in a table of the level. */
static uint64_t *
table_entry(uint64_t *table, int level, uint64_t gpa)
{

	return &table[(gpa >> level_shift(level)) % NPT_ENTRIES];
}

/* What the entry points to, in the driver's view. => Present. */
static void *
entry_va(uint64_t entry)
{

	return __va(__sme_clr(entry & NPT_PA));
}

static bool
entry_is_leaf(uint64_t entry, int level)
{

	return level == 1 || (entry & NPT_PS) != 0;
}

/* Put a fresh table into an empty entry; the entry's value, or 0. */
static uint64_t
entry_make_table(uint64_t *entry)
{
	uint64_t *table, old, new;

	table = table_alloc();
	if (table == NULL)
		return 0;
	new = __sme_set(virt_to_phys(table)) | NPT_TABLE;
	old = cmpxchg(entry, 0, new);
	if (old == 0)
		return new;
	table_free(table);
	return old;
}

/* The value of a leaf. */
static uint64_t
leaf_value(struct page *page, int level, int prot)
{
	uint64_t entry;

	entry = __sme_set(page_to_phys(page)) | NPT_P | NPT_U | NPT_A | NPT_D;
	if (level > 1)
		entry |= NPT_PS;
	if ((prot & NVMM_PROT_WRITE) != 0)
		entry |= NPT_W;
	if ((prot & NVMM_PROT_EXEC) == 0)
		entry |= NPT_NX;
	return entry;
}

int
npt_enter(uint64_t *root, uint64_t gpa, struct page *page, int level, int prot)
{
	uint64_t *entry, value;
	struct page *leaf;
	int at;

	at = root_level();
	entry = table_entry(root, at, gpa);
	for (; at > 1; at--) {
		value = smp_load_acquire(entry);
		if (value == 0 && at == level)
			break;
		if (value == 0)
			value = entry_make_table(entry);
		if (value == 0)
			return ENOMEM;
		if (entry_is_leaf(value, at))
			return 0;
		entry = table_entry(entry_va(value), at - 1, gpa);
	}
	leaf = at > 1 ? compound_head(page) : page;
	(void)cmpxchg(entry, 0, leaf_value(leaf, at, prot));
	return 0;
}

/*
 * Take [gpa, end) out of a table of the level. Tables left empty are freed.
 * => True if this one is empty.
 */
static bool
table_clear(uint64_t *table, int level, uint64_t gpa, uint64_t end)
{
	const uint64_t span = 1ULL << level_shift(level);
	uint64_t *entry, next;

	for (; gpa < end; gpa = next) {
		next = min(end, (gpa & ~(span - 1)) + span);
		entry = table_entry(table, level, gpa);
		if (*entry == 0)
			continue;
		if (!entry_is_leaf(*entry, level)) {
			cond_resched();
			if (!table_clear(entry_va(*entry), level - 1, gpa, next))
				continue;
			table_free(entry_va(*entry));
		}
		WRITE_ONCE(*entry, 0);
	}
	return memchr_inv(table, 0, OS_PAGE_SIZE) == NULL;
}

uint64_t *
npt_create(void)
{

	return table_alloc();
}

void
npt_destroy(uint64_t *root)
{

	(void)table_clear(root, root_level(), 0, NPT_MAXGPA);
	table_free(root);
}

uint64_t
npt_root_pa(const uint64_t *root)
{

	return __sme_set(virt_to_phys((volatile void *)root));
}

void
npt_remove(uint64_t *root, uint64_t gpa, uint64_t end)
{

	(void)table_clear(root, root_level(), gpa, end);
}

const void *
npt_peek(uint64_t *root, uint64_t gpa)
{
	uint64_t *table, value;
	int at;

	table = root;
	for (at = root_level();; at--) {
		value = smp_load_acquire(table_entry(table, at, gpa));
		if (value == 0)
			return NULL;
		if (entry_is_leaf(value, at))
			break;
		table = entry_va(value);
	}
	return (const uint8_t *)entry_va(value) +
	    (gpa & ((1ULL << level_shift(at)) - 1));
}
