/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The page walk in every mode, over tables made here: addresses, rights, the
 * error codes of all faults, accessed and dirty bits. tests/nvmm/t_walks.c
 * compares it with a processor's.
 */

#include <sys/mman.h>

#include <atf-c.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "x86.h"

#define NX	(1ULL << 63)
#define P	0x001
#define W	0x002
#define U	0x004
#define A	0x020
#define D	0x040
#define PS	0x080
#define G	0x100
#define RALL	(NVMM_PROT_READ | NVMM_PROT_WRITE | NVMM_PROT_EXEC)

#define NOFAULT	0xFFFFFFFFU

static _Alignas(4096) uint8_t tables[0x8000];	/* gpa 0 to 7FFF */
static bool rom;			/* they cannot be written to */

static bool
seek_tables(struct x86_ram *ram, gpaddr_t gpa)
{

	if (gpa >= sizeof(tables))
		return false;
	ram->gpa = 0;
	ram->size = sizeof(tables);
	ram->base = tables;
	ram->writable = !rom;
	return true;
}

static int
walk(const struct x86_paging *pg, gvaddr_t gva, unsigned access,
    struct x86_xlat *t)
{
	struct x86_ram ram = { .seek = seek_tables };

	memset(t, 0xA5, sizeof(*t));
	return x86_walk(pg, &ram, gva, access, t);
}

static void
put8(gpaddr_t gpa, uint64_t val)
{

	memcpy(tables + gpa, &val, 8);
}

static uint64_t
get8(gpaddr_t gpa)
{
	uint64_t val;

	memcpy(&val, tables + gpa, 8);
	return val;
}

static void
put4(gpaddr_t gpa, uint32_t val)
{

	memcpy(tables + gpa, &val, 4);
}

static uint32_t
get4(gpaddr_t gpa)
{
	uint32_t val;

	memcpy(&val, tables + gpa, 4);
	return val;
}

/* A query gives this address and this protection. */
#define CHECK_OK(pg, gva, wantgpa, wantprot) do {			\
	struct x86_xlat t_;						\
	ATF_REQUIRE_EQ(walk(pg, gva, X86_ACC_QUERY, &t_), 0);		\
	ATF_CHECK_EQ_MSG(t_.gpa, (gpaddr_t)(wantgpa), "%#lx", t_.gpa);	\
	ATF_CHECK_EQ_MSG(t_.prot, (nvmm_prot_t)(wantprot), "%#lx",	\
	    t_.prot);							\
} while (0)

#define CHECK_ERROR(pg, gva, error) do {				\
	struct x86_xlat t_;						\
	ATF_CHECK_EQ(walk(pg, gva, X86_ACC_QUERY, &t_), error);		\
} while (0)

/* The access faults with this error code, or does not. */
static void
check_access(const char *what, const struct x86_paging *pg, gvaddr_t gva,
    unsigned access, uint32_t want)
{
	struct x86_xlat t;
	int error = walk(pg, gva, access, &t);

	ATF_CHECK_MSG(error == (want == NOFAULT ? 0 : EFAULT),
	    "%s, access %#x: %d", what, access, error);
	if (error == EFAULT)
		ATF_CHECK_MSG(t.error == want, "%s, access %#x: error code "
		    "%#x, not %#x", what, access, t.error, want);
}

ATF_TC_WITHOUT_HEAD(none);
ATF_TC_BODY(none, tc)
{
	struct x86_paging pg = { .cr0 = X86_CR0_PE, .physbits = 40 };

	CHECK_OK(&pg, 0x12345678, 0x12345678, NVMM_PROT_ALL);
	/* Rights of pages are not known there. */
	pg.cr0 |= X86_CR0_WP;
	pg.cr4 = X86_CR4_SMEP | X86_CR4_SMAP;
	check_access("none", &pg, 0x1000, X86_ACC_WRITE | X86_ACC_USER,
	    NOFAULT);
	check_access("none", &pg, 0x1000, X86_ACC_EXEC, NOFAULT);
}

ATF_TC_WITHOUT_HEAD(bits32);
ATF_TC_BODY(bits32, tc)
{
	struct x86_paging pg = { .cr0 = X86_CR0_PG, .cr3 = 0x1018,
	    .physbits = 40 };

	put4(0x1000 + 3 * 4, 0x2000 | P | W | U);
	put4(0x2000 + 5 * 4, 0xABCDE000 | P | W | U);
	put4(0x2000 + 6 * 4, 0x00BCD000 | P | U);
	put4(0x2000 + 7 * 4, 0x00BCD000 | P | W);
	put4(0x2000 + 8 * 4, 0x00BCD000 | W | U);
	CHECK_OK(&pg, 0x00C05123, 0xABCDE123, NVMM_PROT_ALL);
	CHECK_OK(&pg, 0x00C06FFF, 0xBCDFFF, NVMM_PROT_ALL & ~NVMM_PROT_WRITE);
	CHECK_OK(&pg, 0x00C07000, 0xBCD000, RALL);
	CHECK_ERROR(&pg, 0x00C08000, EFAULT);
	CHECK_ERROR(&pg, 0x01005000, EFAULT);
	CHECK_ERROR(&pg, 0x100C05123, EFAULT);
	/* The directory narrows as well. */
	put4(0x1000 + 3 * 4, 0x2000 | P);
	CHECK_OK(&pg, 0x00C05123, 0xABCDE123, NVMM_PROT_READ |
	    NVMM_PROT_EXEC);
	/* A table outside memory is no fault of the guest's. */
	put4(0x1000 + 3 * 4, 0x90000000 | P);
	CHECK_ERROR(&pg, 0x00C05123, ENXIO);
	pg.cr3 = 0x90000000;
	CHECK_ERROR(&pg, 0x00C05123, ENXIO);
}

ATF_TC_WITHOUT_HEAD(pse);
ATF_TC_BODY(pse, tc)
{
	struct x86_paging pg = { .cr0 = X86_CR0_PG, .cr3 = 0x1000,
	    .cr4 = X86_CR4_PSE, .physbits = 40 };

	put4(0x1000 + 1 * 4, 0x80000000 | P | W | PS);
	CHECK_OK(&pg, 0x00523456, 0x80123456, RALL);
	/* PSE-36: bits 20:13 are 39:32. */
	put4(0x1000 + 1 * 4, 0x80000000 | (0xA5 << 13) | P | PS);
	CHECK_OK(&pg, 0x00523456, 0xA580123456, NVMM_PROT_READ |
	    NVMM_PROT_EXEC);
	/* Of them, those that no physical address has are reserved. */
	pg.physbits = 39;
	check_access("PSE-36", &pg, 0x00523456, X86_ACC_WRITE, X86_PF_P |
	    X86_PF_RSVD | X86_PF_W);
	pg.physbits = 40;
	put4(0x1000 + 1 * 4, 0x80000000 | (1 << 21) | P | PS);
	check_access("bit 21", &pg, 0x00523456, 0, X86_PF_P | X86_PF_RSVD);
	/* Bit 12 is PAT. */
	put4(0x1000 + 1 * 4, 0x80001000 | P | PS);
	CHECK_OK(&pg, 0x00523456, 0x80123456, NVMM_PROT_READ |
	    NVMM_PROT_EXEC);
	/* Without CR4.PSE the bit says nothing. */
	pg.cr4 = 0;
	put4(0x1000 + 1 * 4, 0x3000 | P | W | U | PS);
	put4(0x3000 + 0x123 * 4, 0x77000 | P | W | U);
	CHECK_OK(&pg, 0x00523456, 0x77456, NVMM_PROT_ALL);
}

static struct x86_paging
make_pae(void)
{

	put8(0x1020 + 3 * 8, 0x2000 | P);
	put8(0x2000 + 1 * 8, 0x3000 | P | W | U);
	put8(0x3000 + 2 * 8, 0x1234567000 | P | W | U | NX);
	put8(0x2000 + 2 * 8, 0xFF00000000 | P | W | PS);
	return (struct x86_paging){ .cr0 = X86_CR0_PG, .cr3 = 0x1020,
	    .cr4 = X86_CR4_PAE, .efer = X86_EFER_NXE, .physbits = 40 };
}

ATF_TC_WITHOUT_HEAD(pae);
ATF_TC_BODY(pae, tc)
{
	struct x86_paging pg = make_pae();

	CHECK_OK(&pg, 0xC0202777, 0x1234567777, NVMM_PROT_ALL &
	    ~NVMM_PROT_EXEC);
	CHECK_OK(&pg, 0xC0412345, 0xFF00012345, RALL);
	CHECK_ERROR(&pg, 0x80202777, EFAULT);
	CHECK_ERROR(&pg, 0x1C0202777, EFAULT);
	/* NX is reserved while EFER.NXE is clear. */
	pg.efer = 0;
	check_access("NX", &pg, 0xC0202777, 0, X86_PF_P | X86_PF_RSVD);
}

/* The four pointers have no rights; most bits are reserved. */
ATF_TC_WITHOUT_HEAD(pae_pointers);
ATF_TC_BODY(pae_pointers, tc)
{
	const uint64_t good = P | 0x18 | A | 0xE00;	/* PWT, PCD, available */
	struct x86_paging pg = make_pae();
	bool rsvd;
	unsigned i;

	for (i = 1; i < 64; i++) {
		if (i >= 12 && i < 40)
			continue;
		put8(0x1020 + 3 * 8, 0x2000 | P | 1ULL << i);
		rsvd = (good >> i & 1) == 0;
		check_access("PDPTE", &pg, 0xC0202777, 0, rsvd ?
		    X86_PF_P | X86_PF_RSVD : NOFAULT);
	}
	put8(0x1020 + 3 * 8, 0x2000);
	check_access("PDPTE", &pg, 0xC0202777, 0, 0);
	/* None is marked as accessed. */
	put8(0x1020 + 3 * 8, 0x2000 | P);
	check_access("PDPTE", &pg, 0xC0202777, 0, NOFAULT);
	ATF_CHECK_EQ(get8(0x1020 + 3 * 8), 0x2000 | P);
	ATF_CHECK_EQ(get8(0x2000 + 1 * 8), 0x3000 | P | W | U | A);
}

/* Below them 62:52 are reserved, and what the width leaves over. */
ATF_TC_WITHOUT_HEAD(pae_reserved);
ATF_TC_BODY(pae_reserved, tc)
{
	struct x86_paging pg = make_pae();
	unsigned i;

	for (i = 40; i < 63; i++) {
		put8(0x2000 + 1 * 8, 0x3000 | P | W | U | 1ULL << i);
		check_access("PDE", &pg, 0xC0202777, 0,
		    X86_PF_P | X86_PF_RSVD);
		pg = make_pae();
		put8(0x3000 + 2 * 8, 0x4000 | P | W | U | 1ULL << i);
		check_access("PTE", &pg, 0xC0202777, 0,
		    X86_PF_P | X86_PF_RSVD);
		pg = make_pae();
		put8(0x2000 + 2 * 8, P | W | U | PS | 1ULL << i);
		check_access("2 MiB", &pg, 0xC0412345, 0,
		    X86_PF_P | X86_PF_RSVD);
		pg = make_pae();
	}
}

static const gpaddr_t entries[] = { 0x1000 + 256 * 8, 0x2000 + 8,
    0x3000 + 8, 0x4000 + 8 };
static const uint64_t pages[] = { 0x2000, 0x3000, 0x4000, 0xFEDCBA9876000 };

#define LONG_GVA	0xFFFF800040201ABCULL

/* Four levels down to LONG_GVA's page table, one flags word a level. */
static struct x86_paging
make_long(uint64_t l4, uint64_t l3, uint64_t l2, uint64_t l1)
{

	put8(entries[0], pages[0] | l4);
	put8(entries[1], pages[1] | l3);
	put8(entries[2], pages[2] | l2);
	put8(entries[3], pages[3] | l1);
	return (struct x86_paging){
		.cr0 = X86_CR0_PG | X86_CR0_PE,
		.cr3 = 0x1FFF,		/* low bits are flags */
		.cr4 = X86_CR4_PAE, .efer = X86_EFER_LMA | X86_EFER_NXE,
		.physbits = 52, .gibpages = true,
	};
}

#define ALL4	P | W | U, P | W | U, P | W | U, P | W | U

ATF_TC_WITHOUT_HEAD(long4);
ATF_TC_BODY(long4, tc)
{
	struct x86_paging pg = make_long(ALL4);
	unsigned i;

	/* A query leaves no mark, and is denied nothing. */
	pg.cr4 |= X86_CR4_SMAP;
	CHECK_OK(&pg, LONG_GVA, 0xFEDCBA9876ABC, NVMM_PROT_ALL);
	for (i = 0; i < 4; i++)
		ATF_CHECK_EQ(get8(entries[i]), pages[i] | P | W | U);
	/* Each level narrows each right, and must be present. */
	for (i = 0; i < 4; i++) {
		put8(entries[i], pages[i] | P | U);
		CHECK_OK(&pg, LONG_GVA, 0xFEDCBA9876ABC, NVMM_PROT_ALL &
		    ~NVMM_PROT_WRITE);
		put8(entries[i], pages[i] | P | W);
		CHECK_OK(&pg, LONG_GVA, 0xFEDCBA9876ABC, RALL);
		put8(entries[i], pages[i] | P | W | U | NX);
		CHECK_OK(&pg, LONG_GVA, 0xFEDCBA9876ABC, NVMM_PROT_ALL &
		    ~NVMM_PROT_EXEC);
		put8(entries[i], pages[i] | W | U);
		CHECK_ERROR(&pg, LONG_GVA, EFAULT);
		(void)make_long(ALL4);
	}
}

ATF_TC_WITHOUT_HEAD(long_big);
ATF_TC_BODY(long_big, tc)
{
	struct x86_paging pg = make_long(ALL4);

	put8(0x3000 + 1 * 8, 0x7FE00000 | P | W | U | PS);
	CHECK_OK(&pg, LONG_GVA, 0x7FE01ABC, NVMM_PROT_ALL);
	/* Bit 12 is PAT. */
	put8(0x3000 + 1 * 8, 0x7FE01000 | P | W | U | PS);
	CHECK_OK(&pg, LONG_GVA, 0x7FE01ABC, NVMM_PROT_ALL);
	put8(0x2000 + 1 * 8, 0xFC0001000 | P | W | PS);
	CHECK_OK(&pg, LONG_GVA, 0xFC0201ABC, RALL);
	/* Not every processor has that. */
	pg.gibpages = false;
	check_access("1 GiB", &pg, LONG_GVA, 0, X86_PF_P | X86_PF_RSVD);
	/* There is no larger page. */
	pg.gibpages = true;
	put8(0x1000 + 256 * 8, P | W | U | PS);
	check_access("512 GiB", &pg, LONG_GVA, 0, X86_PF_P | X86_PF_RSVD);
}

/* Every bit of every level that is reserved, and every one that is not. */
ATF_TC_WITHOUT_HEAD(long_reserved);
ATF_TC_BODY(long_reserved, tc)
{
	const uint64_t high = 0x000FFF0000000000;	/* beyond 40 bits */
	const struct {
		unsigned level;
		uint64_t base, rsvd;
	} rows[] = {
		{ 0, 0x2000, high | PS | G },
		{ 1, 0x3000, high | G },
		{ 1, PS, high | 0x3FFFE000 },
		{ 2, 0x4000, high },
		{ 2, PS, high | 0x1FE000 },
		{ 3, 0x5000, high },
	};
	struct x86_paging pg;
	uint64_t bit;
	unsigned i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (bit = 2; bit != 0; bit <<= 1) {
			pg = make_long(ALL4);
			pg.physbits = 40;
			pg.upperglobal = true;
			put8(entries[3], 0x5000 | P | W | U);
			put8(entries[rows[i].level], rows[i].base | P | bit);
			/* Another table, or another size: other rows. */
			if (((rows[i].base & PS) == 0 && bit >= 0x1000 &&
			    bit < 1ULL << 40) || (bit == PS &&
			    (rows[i].level == 1 || rows[i].level == 2)))
				continue;
			check_access("reserved", &pg, LONG_GVA, 0,
			    (bit & rows[i].rsvd) != 0 ?
			    X86_PF_P | X86_PF_RSVD : NOFAULT);
		}
	}
	/* G in upper levels is AMD's; NX is reserved without EFER.NXE. */
	pg = make_long(P | G, P | G, P, P | NX);
	check_access("G", &pg, LONG_GVA, 0, NOFAULT);
	pg.efer = X86_EFER_LMA;
	check_access("NX", &pg, LONG_GVA, 0, X86_PF_P | X86_PF_RSVD);
}

ATF_TC_WITHOUT_HEAD(long_refused);
ATF_TC_BODY(long_refused, tc)
{
	struct x86_paging pg = make_long(ALL4);

	CHECK_ERROR(&pg, LONG_GVA & ~(1ULL << 63), EFAULT);
	CHECK_ERROR(&pg, 0x0000800040201ABCULL, EFAULT);
	put8(0x1000 + 256 * 8, 0x8000 | P);
	CHECK_ERROR(&pg, LONG_GVA, ENXIO);
	pg.cr4 |= X86_CR4_LA57;
	CHECK_ERROR(&pg, LONG_GVA, ENOTSUP);
}

/*
 * Rights and error codes: a row is a page's flags, as every level and as each
 * one alone has them, the registers, and what each access gets.
 */
#define R_S	0				/* supervisor reads, explicitly */
#define W_S	X86_ACC_WRITE
#define X_S	X86_ACC_EXEC
#define R_U	X86_ACC_USER
#define W_U	(X86_ACC_USER | X86_ACC_WRITE)
#define X_U	(X86_ACC_USER | X86_ACC_EXEC)
#define NACCESS	6

static const unsigned accesses[NACCESS] = { R_S, W_S, X_S, R_U, W_U, X_U };

#define OK	NOFAULT

static const struct right {
	const char *what;
	uint64_t flags;			/* of the level with the least rights */
	uint64_t cr0, cr4, efer;
	unsigned ac;			/* X86_ACC_AC or 0 */
	uint32_t want[NACCESS];
} rights[] = {
	/* R_S W_S X_S, R_U W_U X_U; a fetch is told where it may be denied */
	{ "user", P | W | U, 0, 0, X86_EFER_NXE, 0,
	    { OK, OK, OK, OK, OK, OK } },
	{ "absent", W | U, 0, 0, X86_EFER_NXE, 0,
	    { 0x00, 0x02, 0x10, 0x04, 0x06, 0x14 } },
	{ "absent, no NXE", W | U, 0, 0, 0, 0,
	    { 0x00, 0x02, 0x00, 0x04, 0x06, 0x04 } },
	{ "absent, SMEP", W | U, 0, X86_CR4_SMEP, 0, 0,
	    { 0x00, 0x02, 0x10, 0x04, 0x06, 0x14 } },
	{ "supervisor", P | W, 0, 0, X86_EFER_NXE, 0,
	    { OK, OK, OK, 0x05, 0x07, 0x15 } },
	{ "supervisor, no NXE", P | W, 0, 0, 0, 0,
	    { OK, OK, OK, 0x05, 0x07, 0x05 } },
	{ "read-only", P | U, 0, 0, X86_EFER_NXE, 0,
	    { OK, OK, OK, OK, 0x07, OK } },
	{ "read-only, WP", P | U, X86_CR0_WP, 0, X86_EFER_NXE, 0,
	    { OK, 0x03, OK, OK, 0x07, OK } },
	{ "supervisor's read-only, WP", P, X86_CR0_WP, 0, X86_EFER_NXE, 0,
	    { OK, 0x03, OK, 0x05, 0x07, 0x15 } },
	{ "NX", P | W | U | NX, 0, 0, X86_EFER_NXE, 0,
	    { OK, OK, 0x11, OK, OK, 0x15 } },
	{ "NX, no NXE", P | W | U | NX, 0, 0, 0, 0,
	    { 0x09, 0x0B, 0x09, 0x0D, 0x0F, 0x0D } },
	{ "NX, no NXE, SMEP", P | W | U | NX, 0, X86_CR4_SMEP, 0, 0,
	    { 0x09, 0x0B, 0x19, 0x0D, 0x0F, 0x1D } },
	{ "SMEP", P | W | U, 0, X86_CR4_SMEP, X86_EFER_NXE, 0,
	    { OK, OK, 0x11, OK, OK, OK } },
	{ "SMEP, supervisor", P | W, 0, X86_CR4_SMEP, 0, 0,
	    { OK, OK, OK, 0x05, 0x07, 0x15 } },
	{ "SMAP, implicit or AC clear", P | W | U, 0, X86_CR4_SMAP,
	    X86_EFER_NXE, 0, { 0x01, 0x03, OK, OK, OK, OK } },
	{ "SMAP, AC", P | W | U, 0, X86_CR4_SMAP, X86_EFER_NXE, X86_ACC_AC,
	    { OK, OK, OK, OK, OK, OK } },
	{ "SMAP, AC, read-only, WP", P | U, X86_CR0_WP, X86_CR4_SMAP,
	    X86_EFER_NXE, X86_ACC_AC, { OK, 0x03, OK, OK, 0x07, OK } },
	{ "SMAP, supervisor", P | W, 0, X86_CR4_SMAP, X86_EFER_NXE, 0,
	    { OK, OK, OK, 0x05, 0x07, 0x15 } },
};

/* One row, with its flags at one level only. */
static void
check_right(const struct right *r, unsigned level)
{
	struct x86_paging pg = make_long(ALL4);
	char what[80];
	unsigned i;

	for (i = 0; i < 4; i++)
		put8(entries[i], pages[i] | (i == level ? r->flags :
		    P | W | U));
	/* SMAP and SMEP go by what all levels together say. */
	pg.cr0 |= r->cr0;
	pg.cr4 |= r->cr4;
	pg.efer = X86_EFER_LMA | r->efer;
	(void)snprintf(what, sizeof(what), "%s at level %u", r->what,
	    4 - level);
	for (i = 0; i < NACCESS; i++)
		check_access(what, &pg, LONG_GVA, accesses[i] |
		    ((accesses[i] & X86_ACC_USER) == 0 ? r->ac : 0),
		    r->want[i]);
}

ATF_TC_WITHOUT_HEAD(rights_of_levels);
ATF_TC_BODY(rights_of_levels, tc)
{
	unsigned i, level;

	for (i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
		for (level = 0; level < 4; level++)
			check_right(&rights[i], level);
	}
}

/* The same rights by 32-bit entries, which have no NX. */
ATF_TC_WITHOUT_HEAD(rights_of_32);
ATF_TC_BODY(rights_of_32, tc)
{
	struct x86_paging pg = { .cr3 = 0x1000, .physbits = 40 };
	const struct right *r;
	unsigned i, j;
	uint32_t want;

	for (i = 0; i < 3 * sizeof(rights) / sizeof(rights[0]); i++) {
		r = &rights[i / 3];
		if ((r->flags & NX) != 0)
			continue;
		pg.cr0 = X86_CR0_PG | r->cr0;
		pg.cr4 = X86_CR4_PSE | r->cr4;
		put4(0x1000 + 3 * 4, (uint32_t)(0x2000 | (i % 3 == 0 ?
		    r->flags : i % 3 == 1 ? P | W | U : r->flags | PS)));
		put4(0x2000 + 5 * 4, (uint32_t)(0x5000 | (i % 3 == 0 ?
		    P | W | U : r->flags)));
		if (i % 3 == 2)
			put4(0x1000 + 3 * 4, (uint32_t)(r->flags | PS));
		for (j = 0; j < NACCESS; j++) {
			want = r->want[j];
			/* Of fetches SMEP alone tells here. */
			if (want != OK && (r->cr4 & X86_CR4_SMEP) == 0)
				want &= ~(uint32_t)X86_PF_ID;
			check_access(r->what, &pg, 0x00C05123, accesses[j] |
			    ((accesses[j] & X86_ACC_USER) == 0 ? r->ac : 0),
			    want);
		}
	}
	/* EFER.NXE says nothing without PAE. */
	pg = (struct x86_paging){ .cr0 = X86_CR0_PG, .cr3 = 0x1000,
	    .efer = X86_EFER_NXE, .physbits = 40 };
	put4(0x1000 + 3 * 4, 0);
	check_access("32-bit, NXE", &pg, 0x00C05123, X_U, 0x04);
}

/* What is marked by an access: A at each level, D at the last by a write. */
ATF_TC_WITHOUT_HEAD(marks);
ATF_TC_BODY(marks, tc)
{
	static const unsigned how[] = { R_S, W_S, X_S, R_U, W_U, X_U };
	struct x86_paging pg;
	unsigned i, j, leaf;
	uint64_t want;

	for (i = 0; i < 3 * sizeof(how) / sizeof(how[0]); i++) {
		pg = make_long(ALL4);
		leaf = 3 - i % 3;
		if (leaf != 3)
			put8(entries[leaf], P | W | U | PS);
		check_access("marks", &pg, LONG_GVA, how[i / 3], NOFAULT);
		for (j = 0; j <= leaf; j++) {
			want = P | W | U | A;
			if (j == leaf && (how[i / 3] & X86_ACC_WRITE) != 0)
				want |= D;
			if (j == leaf && leaf != 3)
				want |= PS;
			else
				want |= pages[j];
			ATF_CHECK_EQ(get8(entries[j]), want);
		}
	}
}

ATF_TC_WITHOUT_HEAD(marks_32);
ATF_TC_BODY(marks_32, tc)
{
	struct x86_paging pg = { .cr0 = X86_CR0_PG, .cr3 = 0x1000,
	    .cr4 = X86_CR4_PSE, .physbits = 40 };

	put4(0x1000 + 3 * 4, 0x2000 | P | W | U);
	put4(0x2000 + 5 * 4, 0x5000 | P | W | U);
	put4(0x2000 + 6 * 4, 0xFFFFFFFF);	/* not to be touched */
	put4(0x1000 + 4 * 4, P | W | U | PS);
	check_access("marks", &pg, 0x00C05123, R_U, NOFAULT);
	ATF_CHECK_EQ(get4(0x1000 + 3 * 4), 0x2000 | P | W | U | A);
	ATF_CHECK_EQ(get4(0x2000 + 5 * 4), 0x5000 | P | W | U | A);
	check_access("marks", &pg, 0x00C05123, W_U, NOFAULT);
	ATF_CHECK_EQ(get4(0x1000 + 3 * 4), 0x2000 | P | W | U | A);
	ATF_CHECK_EQ(get4(0x2000 + 5 * 4), 0x5000 | P | W | U | A | D);
	ATF_CHECK_EQ(get4(0x2000 + 6 * 4), 0xFFFFFFFF);
	check_access("marks", &pg, 0x01000000, W_S, NOFAULT);
	ATF_CHECK_EQ(get4(0x1000 + 4 * 4), P | W | U | PS | A | D);
}

/* A fault leaves the last level alone; above it A may be set. */
ATF_TC_WITHOUT_HEAD(marks_of_faults);
ATF_TC_BODY(marks_of_faults, tc)
{
	struct x86_paging pg = make_long(P | W | U, P | W | U, P | W | U,
	    P | W);

	check_access("user", &pg, LONG_GVA, W_U, 0x07);
	ATF_CHECK_EQ(get8(entries[3]), pages[3] | P | W);
	ATF_CHECK_EQ(get8(entries[2]) & ~(uint64_t)A, pages[2] | P | W | U);
	pg = make_long(P | W | U, P | W | U, P | W | U | 1ULL << 51,
	    P | W | U);
	pg.physbits = 50;
	check_access("reserved", &pg, LONG_GVA, W_U, 0x0F);
	ATF_CHECK_EQ(get8(entries[2]), pages[2] | P | W | U | 1ULL << 51);
	ATF_CHECK_EQ(get8(entries[3]), pages[3] | P | W | U);
}

ATF_TC_WITHOUT_HEAD(marks_withheld);
ATF_TC_BODY(marks_withheld, tc)
{
	struct x86_paging pg = make_long(ALL4);
	unsigned i;

	check_access("look", &pg, LONG_GVA, W_U | X86_ACC_LOOK, NOFAULT);
	for (i = 0; i < 4; i++)
		ATF_CHECK_EQ(get8(entries[i]), pages[i] | P | W | U);
	/* In ROM nothing is marked, and the access goes on. */
	rom = true;
	check_access("ROM", &pg, LONG_GVA, W_U, NOFAULT);
	for (i = 0; i < 4; i++)
		ATF_CHECK_EQ(get8(entries[i]), pages[i] | P | W | U);
}

/* What the walk read is told, and told apart from what is there later. */
ATF_TC_WITHOUT_HEAD(trail);
ATF_TC_BODY(trail, tc)
{
	struct x86_paging pg = make_long(ALL4);
	struct x86_xlat t;
	unsigned i;

	ATF_REQUIRE_EQ(walk(&pg, LONG_GVA, W_U, &t), 0);
	ATF_CHECK_EQ(t.nlevels, 4);
	for (i = 0; i < 4; i++) {
		ATF_CHECK_EQ(t.at[i], tables + entries[i]);
		ATF_CHECK(x86_xlat_same(&t));
		put8(entries[i], get8(entries[i]) ^ A);
		ATF_CHECK(!x86_xlat_same(&t));
		put8(entries[i], get8(entries[i]) ^ A ^ 1ULL << 62);
		ATF_CHECK(!x86_xlat_same(&t));
		put8(entries[i], get8(entries[i]) ^ 1ULL << 62);
	}
	pg = make_pae();
	ATF_REQUIRE_EQ(walk(&pg, 0xC0202777, R_S, &t), 0);
	ATF_CHECK_EQ(t.nlevels, 3);
	ATF_CHECK(x86_xlat_same(&t));
	put8(0x1020 + 3 * 8, 0x4000 | P);
	ATF_CHECK(!x86_xlat_same(&t));
	put4(0x1000 + 3 * 4, 0x2000 | P | W | U);
	put4(0x2000 + 5 * 4, 0x5000 | P | W | U);
	put4(0x2000 + 6 * 4, 0x5000);
	pg = (struct x86_paging){ .cr0 = X86_CR0_PG, .cr3 = 0x1000,
	    .physbits = 40 };
	ATF_REQUIRE_EQ(walk(&pg, 0x00C05123, W_U, &t), 0);
	ATF_CHECK_EQ(t.nlevels, 2);
	ATF_CHECK(x86_xlat_same(&t));
	put4(0x2000 + 6 * 4, 0);		/* the neighbour */
	ATF_CHECK(x86_xlat_same(&t));
	put4(0x2000 + 5 * 4, 0x5000 | P | W | U | A);
	ATF_CHECK(!x86_xlat_same(&t));
}

/*
 * Another CPU, which changes an entry between its being read and its being
 * marked: the walk sees the table without the right to write to it, and the
 * fault's handler makes the change by another mapping and gives the right.
 */
#define COUNT	(1ULL << 52)		/* in an entry's available bits */

static struct {
	uint8_t *seen;			/* what the walk sees */
	uint8_t *real;			/* the same memory */
	gpaddr_t entry;			/* that is changed */
	unsigned changes;
	bool again;			/* at each try */
} other;

static void
other_changes(int sig)
{
	uint64_t pte;

	(void)sig;
	memcpy(&pte, other.real + other.entry, 8);
	pte += COUNT;
	memcpy(other.real + other.entry, &pte, 8);
	other.changes++;
	if (mprotect(other.seen, sizeof(tables), PROT_READ | PROT_WRITE) == -1)
		_exit(1);
}

/* Each entry is a stretch of its own, so that this sees each lookup. */
static bool
seek_other(struct x86_ram *ram, gpaddr_t gpa)
{

	if (gpa == other.entry && (other.again || other.changes == 0))
		ATF_REQUIRE_EQ(mprotect(other.seen, sizeof(tables),
		    PROT_READ), 0);
	ram->gpa = gpa;
	ram->size = 8;
	ram->base = other.seen + gpa;
	ram->writable = true;
	return true;
}

/* Walk while the level's entry is changed; its value afterwards. */
static int
other_walk(unsigned level, bool again, uint64_t *pte)
{
	struct x86_ram ram = { .seek = seek_other };
	struct sigaction sa = { .sa_handler = other_changes };
	struct x86_paging pg = make_long(ALL4);
	struct x86_xlat t;
	int fd, error;

	fd = memfd_create("tables", 0);
	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE_EQ(write(fd, tables, sizeof(tables)), sizeof(tables));
	other.real = mmap(NULL, sizeof(tables), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	other.seen = mmap(NULL, sizeof(tables), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	ATF_REQUIRE(other.real != MAP_FAILED && other.seen != MAP_FAILED);
	ATF_REQUIRE_EQ(sigaction(SIGSEGV, &sa, NULL), 0);
	other.entry = entries[level];
	other.changes = 0;
	other.again = again;
	error = x86_walk(&pg, &ram, LONG_GVA, W_U, &t);
	memcpy(pte, other.real + other.entry, 8);
	return error;
}

ATF_TC_WITHOUT_HEAD(marks_atomically);
ATF_TC_BODY(marks_atomically, tc)
{
	unsigned level;
	uint64_t pte;

	for (level = 0; level < 4; level++) {
		ATF_CHECK_EQ(other_walk(level, false, &pte), 0);
		ATF_CHECK_EQ(other.changes, 1);
		ATF_CHECK_EQ(pte, (pages[level] | P | W | U | A |
		    (level == 3 ? D : 0)) + COUNT);
	}
}

/* Tables that never stand still do not hold the walk up. */
ATF_TC_WITHOUT_HEAD(marks_give_up);
ATF_TC_BODY(marks_give_up, tc)
{
	uint64_t pte;

	ATF_CHECK_EQ(other_walk(2, true, &pte), EAGAIN);
	ATF_CHECK_EQ(other.changes, 64);
	ATF_CHECK_EQ(pte, (pages[2] | P | W | U) + 64 * COUNT);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, none);
	ATF_TP_ADD_TC(tp, bits32);
	ATF_TP_ADD_TC(tp, pse);
	ATF_TP_ADD_TC(tp, pae);
	ATF_TP_ADD_TC(tp, pae_pointers);
	ATF_TP_ADD_TC(tp, pae_reserved);
	ATF_TP_ADD_TC(tp, long4);
	ATF_TP_ADD_TC(tp, long_big);
	ATF_TP_ADD_TC(tp, long_reserved);
	ATF_TP_ADD_TC(tp, long_refused);
	ATF_TP_ADD_TC(tp, rights_of_levels);
	ATF_TP_ADD_TC(tp, rights_of_32);
	ATF_TP_ADD_TC(tp, marks);
	ATF_TP_ADD_TC(tp, marks_32);
	ATF_TP_ADD_TC(tp, marks_of_faults);
	ATF_TP_ADD_TC(tp, marks_withheld);
	ATF_TP_ADD_TC(tp, trail);
	ATF_TP_ADD_TC(tp, marks_atomically);
	ATF_TP_ADD_TC(tp, marks_give_up);
	return atf_no_error();
}
