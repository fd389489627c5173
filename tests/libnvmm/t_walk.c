/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The page walk in every mode, over tables made here.
 */

#include <atf-c.h>
#include <errno.h>
#include <string.h>

#include "x86.h"

#define NX	(1ULL << 63)
#define P	0x001
#define W	0x002
#define U	0x004
#define PS	0x080
#define RALL	(NVMM_PROT_READ | NVMM_PROT_WRITE | NVMM_PROT_EXEC)

static uint8_t tables[0x8000];		/* guest-physical 0 to 7FFF */

static int
read_tables(void *arg, gpaddr_t gpa, void *buf, size_t size)
{

	(void)arg;
	if (gpa > sizeof(tables) - size)
		return EFAULT;
	memcpy(buf, tables + gpa, size);
	return 0;
}

static void
put8(gpaddr_t gpa, uint64_t val)
{

	memcpy(tables + gpa, &val, 8);
}

static void
put4(gpaddr_t gpa, uint32_t val)
{

	memcpy(tables + gpa, &val, 4);
}

/* The walk gives this address and this protection. */
#define CHECK_OK(pg, gva, wantgpa, wantprot) do {			\
	gpaddr_t gpa_ = 0;						\
	nvmm_prot_t prot_ = 0;						\
	ATF_REQUIRE_EQ(x86_walk(pg, gva, read_tables, NULL, &gpa_,	\
	    &prot_), 0);						\
	ATF_CHECK_EQ_MSG(gpa_, (gpaddr_t)(wantgpa), "%#lx", gpa_);	\
	ATF_CHECK_EQ_MSG(prot_, (nvmm_prot_t)(wantprot), "%#lx", prot_); \
} while (0)

#define CHECK_ERROR(pg, gva, error) do {				\
	gpaddr_t gpa_ = 0;						\
	nvmm_prot_t prot_ = 0;						\
	ATF_CHECK_EQ(x86_walk(pg, gva, read_tables, NULL, &gpa_,	\
	    &prot_), error);						\
} while (0)

ATF_TC_WITHOUT_HEAD(none);
ATF_TC_BODY(none, tc)
{
	struct x86_paging pg = { .cr0 = X86_CR0_PE };

	CHECK_OK(&pg, 0x12345678, 0x12345678, NVMM_PROT_ALL);
}

ATF_TC_WITHOUT_HEAD(bits32);
ATF_TC_BODY(bits32, tc)
{
	struct x86_paging pg = { .cr0 = X86_CR0_PG, .cr3 = 0x1018 };

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
	/* A table outside memory. */
	put4(0x1000 + 3 * 4, 0x90000000 | P);
	CHECK_ERROR(&pg, 0x00C05123, EFAULT);
}

ATF_TC_WITHOUT_HEAD(pse);
ATF_TC_BODY(pse, tc)
{
	struct x86_paging pg = { .cr0 = X86_CR0_PG, .cr3 = 0x1000,
	    .cr4 = X86_CR4_PSE };

	put4(0x1000 + 1 * 4, 0x80000000 | P | W | PS);
	CHECK_OK(&pg, 0x00523456, 0x80123456, RALL);
	/* PSE-36: bits 20:13 are 39:32. */
	put4(0x1000 + 1 * 4, 0x80000000 | (0xA5 << 13) | P | PS);
	CHECK_OK(&pg, 0x00523456, 0xA580123456, NVMM_PROT_READ |
	    NVMM_PROT_EXEC);
	/* Without CR4.PSE the bit says nothing. */
	pg.cr4 = 0;
	put4(0x1000 + 1 * 4, 0x3000 | P | W | U | PS);
	put4(0x3000 + 0x123 * 4, 0x77000 | P | W | U);
	CHECK_OK(&pg, 0x00523456, 0x77456, NVMM_PROT_ALL);
}

ATF_TC_WITHOUT_HEAD(pae);
ATF_TC_BODY(pae, tc)
{
	struct x86_paging pg = { .cr0 = X86_CR0_PG, .cr3 = 0x1020,
	    .cr4 = X86_CR4_PAE, .efer = X86_EFER_NXE };

	put8(0x1020 + 3 * 8, 0x2000 | P);
	put8(0x2000 + 1 * 8, 0x3000 | P | W | U);
	put8(0x3000 + 2 * 8, 0x1234567000 | P | W | U | NX);
	put8(0x2000 + 2 * 8, 0xFF00000000 | P | W | PS);
	CHECK_OK(&pg, 0xC0202777, 0x1234567777, NVMM_PROT_ALL &
	    ~NVMM_PROT_EXEC);
	CHECK_OK(&pg, 0xC0412345, 0xFF00012345, RALL);
	CHECK_ERROR(&pg, 0x80202777, EFAULT);
	CHECK_ERROR(&pg, 0x1C0202777, EFAULT);
	/* NX is reserved while EFER.NXE is clear. */
	pg.efer = 0;
	CHECK_ERROR(&pg, 0xC0202777, EFAULT);
}

/* Four levels down to gva 0xFFFF8000_40201000's page table. */
static void
make_long(struct x86_paging *pg)
{

	memset(pg, 0, sizeof(*pg));
	pg->cr0 = X86_CR0_PG | X86_CR0_PE;
	pg->cr3 = 0x1FFF;		/* low bits are flags */
	pg->cr4 = X86_CR4_PAE;
	pg->efer = X86_EFER_LMA | X86_EFER_NXE;
	put8(0x1000 + 256 * 8, 0x2000 | P | W | U);
	put8(0x2000 + 1 * 8, 0x3000 | P | W | U);
	put8(0x3000 + 1 * 8, 0x4000 | P | W | U);
	put8(0x4000 + 1 * 8, 0xFEDCBA9876000 | P | W | U);
}

#define LONG_GVA	0xFFFF800040201ABCULL

ATF_TC_WITHOUT_HEAD(long4);
ATF_TC_BODY(long4, tc)
{
	static const gpaddr_t entries[] = { 0x1000 + 256 * 8, 0x2000 + 8,
	    0x3000 + 8, 0x4000 + 8 };
	static const uint64_t pages[] = { 0x2000, 0x3000, 0x4000,
	    0xFEDCBA9876000 };
	struct x86_paging pg;
	unsigned i;

	make_long(&pg);
	CHECK_OK(&pg, LONG_GVA, 0xFEDCBA9876ABC, NVMM_PROT_ALL);
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
		make_long(&pg);
	}
}

ATF_TC_WITHOUT_HEAD(long_big);
ATF_TC_BODY(long_big, tc)
{
	struct x86_paging pg;

	make_long(&pg);
	put8(0x3000 + 1 * 8, 0x7FE00000 | P | W | U | PS);
	CHECK_OK(&pg, LONG_GVA, 0x7FE01ABC, NVMM_PROT_ALL);
	put8(0x2000 + 1 * 8, 0xFC0000000 | P | W | PS);
	CHECK_OK(&pg, LONG_GVA, 0xFC0201ABC, RALL);
	/* There is no larger page. */
	put8(0x1000 + 256 * 8, 0x2000 | P | W | U | PS);
	CHECK_ERROR(&pg, LONG_GVA, EFAULT);
}

ATF_TC_WITHOUT_HEAD(long_refused);
ATF_TC_BODY(long_refused, tc)
{
	struct x86_paging pg;

	make_long(&pg);
	CHECK_ERROR(&pg, LONG_GVA & ~(1ULL << 63), EFAULT);
	CHECK_ERROR(&pg, 0x0000800040201ABCULL, EFAULT);
	pg.cr4 |= X86_CR4_LA57;
	CHECK_ERROR(&pg, LONG_GVA, ENOTSUP);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, none);
	ATF_TP_ADD_TC(tp, bits32);
	ATF_TP_ADD_TC(tp, pse);
	ATF_TP_ADD_TC(tp, pae);
	ATF_TP_ADD_TC(tp, long4);
	ATF_TP_ADD_TC(tp, long_big);
	ATF_TP_ADD_TC(tp, long_refused);
	return atf_no_error();
}
