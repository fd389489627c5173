/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The page walk over tables that a guest wrote: registers, an address, an
 * access, and memory of four pages that are everywhere below 4 GiB.
 */

#include <errno.h>
#include <string.h>

#include "h_fuzz.h"
#include "x86.h"

#define PAGES		4u
#define PAGE		4096u
#define PTE_AD		0x0000006000000060ULL	/* of two narrow ones, too */

#define WORDS		(PAGES * PAGE / 8)

static uint64_t mem[WORDS], before[WORDS];

/* Below 4 GiB there is memory; the last of the pages is a ROM. */
static bool
seek(struct x86_ram *ram, gpaddr_t gpa)
{
	unsigned page = (unsigned)(gpa / PAGE) % PAGES;

	if (gpa > UINT32_MAX)
		return false;
	ram->gpa = gpa & ~(gpaddr_t)(PAGE - 1);
	ram->size = PAGE;
	ram->base = (uint8_t *)mem + page * PAGE;
	ram->writable = page != PAGES - 1;
	return true;
}

/* What has changed has got accessed and dirty bits, no more. */
static void
check_memory(unsigned access)
{
	const uint64_t *rom = mem + (PAGES - 1) * PAGE / 8;
	uint64_t changed = 0, lost = 0;
	size_t i;

	for (i = 0; i < WORDS; i++) {
		changed |= mem[i] ^ before[i];
		lost |= before[i] & ~mem[i];
	}
	FUZZ_CHECK(lost == 0);
	FUZZ_CHECK((changed & ~PTE_AD) == 0);
	if ((access & (X86_ACC_LOOK | X86_ACC_QUERY)) != 0)
		FUZZ_CHECK(changed == 0);
	FUZZ_CHECK(memcmp(rom, before + (PAGES - 1) * PAGE / 8, PAGE) == 0);
}

/* What a walk may answer. */
static void
check_answer(const struct x86_paging *pg, const struct x86_xlat *t,
    unsigned access, int error)
{
	unsigned bits = pg->physbits > 40 ? pg->physbits : 40;

	FUZZ_CHECK(error == 0 || error == EFAULT || error == ENXIO ||
	    error == ENOTSUP || error == EAGAIN);
	if (error == EFAULT)
		FUZZ_CHECK((t->error & ~0x1Fu) == 0);
	if (error == EFAULT && (access & X86_ACC_WRITE) == 0)
		FUZZ_CHECK((t->error & X86_PF_W) == 0);
	if (error != 0)
		return;
	FUZZ_CHECK(t->nlevels <= X86_LEVELS);
	if ((pg->cr0 & X86_CR0_PG) != 0)
		FUZZ_CHECK(t->gpa >> bits == 0);
}

/* Registers: the bits that paging looks at. */
static void
take_paging(struct fuzz_input *in, struct x86_paging *pg)
{
	uint8_t bits = fuzz_byte(in);

	memset(pg, 0, sizeof(*pg));
	pg->cr0 = X86_CR0_PE | (bits & 1 ? X86_CR0_WP : 0) |
	    (bits & 2 ? 0 : X86_CR0_PG);
	pg->cr4 = fuzz_u64(in);
	pg->cr3 = fuzz_u64(in);
	pg->efer = (bits & 4 ? X86_EFER_LMA : 0) |
	    (bits & 8 ? X86_EFER_NXE : 0);
	pg->gibpages = (bits & 16) != 0;
	pg->upperglobal = (bits & 32) != 0;
	pg->physbits = (uint8_t)(32 + fuzz_byte(in) % 21);
}

/* True where tables have four pointers in front, of another format. */
static bool
is_pae(const struct x86_paging *pg)
{

	return (pg->cr4 & X86_CR4_PAE) != 0 &&
	    (pg->efer & X86_EFER_LMA) == 0;
}

/*
 * A second walk finds what the first one found, and left behind. Not where a
 * table is also one of PAE's pointers, in which an accessed bit is reserved.
 */
static void
walk_again(const struct x86_paging *pg, gvaddr_t gva, unsigned access,
    const struct x86_xlat *first)
{
	struct x86_ram ram = { .seek = seek };
	struct x86_xlat t;

	memcpy(before, mem, sizeof(mem));
	memset(&t, 0, sizeof(t));
	FUZZ_CHECK(x86_walk(pg, &ram, gva, access, &t) == 0);
	FUZZ_CHECK(t.gpa == first->gpa && t.prot == first->prot &&
	    t.nlevels == first->nlevels);
	FUZZ_CHECK(memcmp(before, mem, sizeof(mem)) == 0);
	FUZZ_CHECK(x86_xlat_same(&t));
}

void
fuzz_walk(const uint8_t *p, size_t n)
{
	struct fuzz_input in = { p, n };
	struct x86_ram ram = { .seek = seek };
	struct x86_paging pg;
	struct x86_xlat t;
	unsigned access;
	gvaddr_t gva;
	int error;

	take_paging(&in, &pg);
	access = fuzz_byte(&in) & 0x3F;
	gva = fuzz_u64(&in);
	fuzz_take(&in, mem, sizeof(mem));
	memcpy(before, mem, sizeof(mem));
	memset(&t, 0, sizeof(t));
	error = x86_walk(&pg, &ram, gva, access, &t);
	check_memory(access);
	check_answer(&pg, &t, access, error);
	if (error == 0 && !is_pae(&pg))
		walk_again(&pg, gva, access, &t);
}
