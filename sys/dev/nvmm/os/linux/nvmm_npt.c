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
#define NPT_TOP		3	/* the level that is walked from */
#define NPT_TOP_SIZE	(NPT_LARGE_SIZE * NPT_ENTRIES)
#define NPT_TABLE	(NPT_P | NPT_W | NPT_U | NPT_A)

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

/* What an entry that leads to the table holds. */
static uint64_t
table_value(const uint64_t *table)
{

	return __sme_set(virt_to_phys((volatile void *)table)) | NPT_TABLE;
}

/* Put a fresh table into an empty entry; the entry's value, or 0. */
static uint64_t
entry_make_table(uint64_t *entry)
{
	uint64_t *table, old, new;

	table = table_alloc();
	if (table == NULL)
		return 0;
	new = table_value(table);
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
npt_enter(struct npt *npt, uint64_t gpa, struct page *page, int level,
    int prot)
{
	uint64_t *entry, value;
	struct page *leaf;
	int at;

	at = NPT_TOP;
	entry = table_entry(npt->top, at, gpa);
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

static void
npt_free(struct npt *npt)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (npt->upper[i] != NULL)
			table_free(npt->upper[i]);
	}
	if (npt->top != NULL)
		table_free(npt->top);
}

int
npt_create(struct npt *npt)
{
	const int nupper = pgtable_l5_enabled() ? 2 : 1;
	uint64_t *table;
	int i;

	memset(npt, 0, sizeof(*npt));
	table = npt->top = table_alloc();
	for (i = 0; table != NULL && i < nupper; i++) {
		npt->upper[i] = table_alloc();
		if (npt->upper[i] != NULL)
			npt->upper[i][0] = table_value(table);
		table = npt->upper[i];
	}
	if (table == NULL) {
		npt_free(npt);
		return ENOMEM;
	}
	npt->root_pa = __sme_set(virt_to_phys(table));
	return 0;
}

void
npt_destroy(struct npt *npt)
{

	(void)table_clear(npt->top, NPT_TOP, 0, NPT_MAXGPA);
	npt_free(npt);
}

void
npt_remove(struct npt *npt, uint64_t gpa, uint64_t end)
{

	(void)table_clear(npt->top, NPT_TOP, gpa, end);
}

/* Step by step, as exits that have to be decoded take this path four times. */
const void *
npt_peek(const struct npt *npt, uint64_t gpa)
{
	uint64_t value, *table;

	value = READ_ONCE(npt->top[gpa / NPT_TOP_SIZE]);
	if (value == 0)
		return NULL;
	table = entry_va(value);
	value = READ_ONCE(table[gpa / NPT_LARGE_SIZE % NPT_ENTRIES]);
	if (value == 0)
		return NULL;
	if ((value & NPT_PS) != 0)
		return (const uint8_t *)entry_va(value) +
		    gpa % NPT_LARGE_SIZE;
	table = entry_va(value);
	value = READ_ONCE(table[gpa / OS_PAGE_SIZE % NPT_ENTRIES]);
	if (value == 0)
		return NULL;
	return (const uint8_t *)entry_va(value) + gpa % OS_PAGE_SIZE;
}
