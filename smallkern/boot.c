/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the loader told us: the memory map, and the command line, whose words
 * make smallkern do something else than its checks.  Each word is a row of a
 * table:
 *
 *	exit=N		end at once with status N
 *	spin		spin for ever with interrupts off
 *	halt		sleep for ever with interrupts on
 *	triple		make the processor shut down
 *	flood, flood=N	print for ever, or N lines
 *	echo		print each line of input, up to a line "exit"
 */

#include "cpu.h"
#include "guest_abi.h"
#include "kern.h"
#include "trap.h"

struct word {
	const char *name;
	void (*fn)(uint64_t);	/* gets the number behind "=", or 0 */
};

static const struct hvm_memmap_table_entry *memmap;
static unsigned memmap_entries;

/* What follows name at s, if s begins with that whole word; else NULL. */
static const char *
word_match(const char *s, const char *name)
{
	while (*name != '\0') {
		if (*s++ != *name++)
			return NULL;
	}
	return *s == '\0' || *s == ' ' || *s == '=' ? s : NULL;
}

/* Ends at once with this status. */
static void
word_exit(uint64_t status)
{
	platform_exit((uint8_t)status);
}

/* Keeps the processor busy and deaf. */
static void
word_spin(uint64_t unused)
{
	(void)unused;
	cli();
	for (;;)
		cpu_pause();
}

/* Sleeps; an interrupt is counted and that is all. */
static void
word_halt(uint64_t unused)
{
	(void)unused;
	gdt_init();
	idt_init();
	lapic_write(GUEST_LAPIC_LVT_LINT0, GUEST_LAPIC_LVT_MASKED);
	for (;;)
		sti_hlt();
}

/* An exception without an IDT: the processor shuts down. */
static void
word_triple(uint64_t unused)
{
	struct table_pointer nothing = { 0, 0 };

	(void)unused;
	lidt(&nothing);
	__asm volatile ("ud2");
}

/* Prints as fast as the console takes it. */
static void
word_flood(uint64_t lines)
{
	console_fast();
	for (uint64_t i = 1; lines == 0 || i <= lines; i++)
		printk("flood %lu: the quick brown fox jumps over the dog\n", i);
	platform_exit(0);
}

/* Reads a line, or its first size - 1 characters, without its end. */
static void
read_line(char *line, unsigned size)
{
	unsigned len = 0;
	char c;

	while ((c = console_getc()) != '\n' && c != '\r') {
		if (len < size - 1)
			line[len++] = c;
	}
	line[len] = '\0';
}

/* Prints back what is typed. */
static void
word_echo(uint64_t unused)
{
	char line[80];

	(void)unused;
	for (;;) {
		read_line(line, sizeof(line));
		if (word_match(line, "exit") != NULL)
			platform_exit(0);
		printk("%s\n", line);
	}
}

/* Waits to be asked to end, as a service would, and does. */
static void
word_serve(uint64_t status)
{
	gdt_init();
	idt_init();
	lapic_write(GUEST_LAPIC_SVR, GUEST_LAPIC_SVR_ENABLE | VECTOR_SPURIOUS);
	lapic_write(GUEST_LAPIC_LVT_LINT0, GUEST_LAPIC_LVT_MASKED);
	outb(GUEST_POWER_PORT, VECTOR_LOW);
	printk("serving until asked to end\n");
	for (cli(); inb(GUEST_POWER_PORT) != GUEST_POWER_ASKED; cli())
		sti_hlt();
	printk("asked to end\n");
	platform_exit((uint8_t)status);
}

static const struct word words[] = {
	{ "exit", word_exit },
	{ "spin", word_spin },
	{ "halt", word_halt },
	{ "triple", word_triple },
	{ "flood", word_flood },
	{ "echo", word_echo },
	{ "serve", word_serve },
};

/* Does what the word at s says, if it is one of ours. */
static void
word_do(const char *s)
{
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *rest = word_match(s, words[i].name);
		uint64_t val = 0;

		if (rest == NULL)
			continue;
		if (*rest == '=')
			rest++;
		while (*rest >= '0' && *rest <= '9')
			val = val * 10 + (uint64_t)(*rest++ - '0');
		words[i].fn(val);
	}
}

/* Remembers the memory map, and obeys the words of the command line. */
void
boot_words(const struct hvm_start_info *info)
{
	const char *s = (const char *)info->cmdline_paddr;

	if (info->magic != HVM_START_MAGIC_VALUE)
		panic("no hvm_start_info");
	if (info->version >= 1) {
		memmap = (const void *)info->memmap_paddr;
		memmap_entries = info->memmap_entries;
	}
	while (s != NULL && *s != '\0') {
		if (*s != ' ')
			word_do(s);
		while (*s != '\0' && *s != ' ')
			s++;
		while (*s == ' ')
			s++;
	}
}

/* Prints the command line and the memory map. */
void
boot_print(const struct hvm_start_info *info)
{
	printk("# command line: %s\n", info->cmdline_paddr == 0 ? "" :
	    (const char *)info->cmdline_paddr);
	for (unsigned i = 0; i < memmap_entries; i++)
		printk("# memory: %#lx to %#lx %s\n", memmap[i].addr,
		    memmap[i].addr + memmap[i].size,
		    memmap[i].type == HVM_MEMMAP_TYPE_RAM ? "RAM" : "reserved");
}

/* The bounds of the map's n-th range of RAM in whole pages; false if none. */
bool
boot_ram(unsigned n, uint64_t *start, uint64_t *end)
{
	for (unsigned i = 0; i < memmap_entries; i++) {
		if (memmap[i].type != HVM_MEMMAP_TYPE_RAM || n-- != 0)
			continue;
		*start = (memmap[i].addr + 4095) & ~4095ULL;
		*end = (memmap[i].addr + memmap[i].size) & ~4095ULL;
		return true;
	}
	return false;
}
