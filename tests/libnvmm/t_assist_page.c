/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Pages under nvmm_assist_mem(3) and nvmm_assist_io(3): marks, faults of the
 * fetch, tables and links that change, and what is remembered of a page.
 */

#include <sys/mman.h>

#include <atf-c.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "h_assist.h"

#define PTES	0x9000			/* see paging() */
#define PDE	0x8000
#define A	0x20
#define D	0x40
#define RWX	(NVMM_PROT_READ | NVMM_PROT_WRITE | NVMM_PROT_EXEC)

static uint32_t
pte_get(gvaddr_t gva)
{
	uint32_t pte;

	memcpy(&pte, ram + PTES + (gva >> 12) * 4, 4);
	return pte;
}

static void
pte_put(gvaddr_t gva, uint32_t pte)
{

	memcpy(ram + PTES + (gva >> 12) * 4, &pte, 4);
}

/* mov [edi], eax at the device, once more. */
static int
store(void)
{

	MEM_EXIT(0x89, 0x07);
	return nvmm_assist_mem(&mach, &vcpu);
}

static void
setup_paging(void)
{

	setup();
	paging();
	RDI = DEV;
}

/* The assist succeeds by injecting a #PF. */
static void
check_fault(int ret, uint32_t error, uint64_t cr2)
{

	ATF_REQUIRE_EQ(ret, 0);
	ATF_REQUIRE_EQ(h_comm.event_commit, 1);
	ATF_CHECK_EQ(vcpu.event->type, NVMM_VCPU_EVENT_EXCP);
	ATF_CHECK_EQ(vcpu.event->vector, X86_EXC_PF);
	ATF_CHECK_EQ(vcpu.event->u.excp.error, error);
	ATF_CHECK_EQ(vcpu.state->crs[NVMM_X64_CR_CR2], cr2);
	h_comm.event_commit = 0;
}

ATF_TC_WITHOUT_HEAD(marks);
ATF_TC_BODY(marks, tc)
{

	setup_paging();
	ATF_REQUIRE_EQ(store(), 0);
	ATF_CHECK_EQ(pte_get(DEV), DEV | 7 | A | D);
	ATF_CHECK_EQ(ram[PDE], 7 | A);
	pte_put(DEV, DEV | 7);
	RIP = 0x1000;
	MEM_EXIT(0x8B, 0x07);			/* mov eax, [edi] */
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(pte_get(DEV), DEV | 7 | A);
	/* A comparison that fails writes all the same. */
	RIP = 0x1000;
	RAX = 1;
	MEM_EXIT(0x0F, 0xB1, 0x0F);		/* cmpxchg [edi], ecx */
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(pte_get(DEV), DEV | 7 | A | D);
	ATF_CHECK_EQ(h_comm.event_commit, 0);
}

ATF_TC_WITHOUT_HEAD(no_marks_in_rom);
ATF_TC_BODY(no_marks_in_rom, tc)
{

	setup_paging();
	ATF_REQUIRE_EQ(nvmm_gpa_map(&mach, (uintptr_t)ram + PDE, PDE, 0x2000,
	    NVMM_PROT_READ), 0);
	ATF_REQUIRE_EQ(store(), 0);
	ATF_CHECK_STREQ(seen, "w20000.4=0 ");
	ATF_CHECK_EQ(pte_get(DEV), DEV | 7);
	ATF_CHECK_EQ(ram[PDE], 7);
}

/* The second page of the instruction has gone since the CPU was there. */
ATF_TC_WITHOUT_HEAD(fetch_fault);
ATF_TC_BODY(fetch_fault, tc)
{

	setup_paging();
	RIP = 0x1FFD;
	pte_put(0x2000, 0);
	MEM_EXIT(0xC7, 0x07, 0x78, 0x56, 0x34, 0x12);
	check_fault(nvmm_assist_mem(&mach, &vcpu), 0, 0x2000);
	vcpu.state->crs[NVMM_X64_CR_CR4] |= X86_CR4_SMEP;
	pte_put(0x1000, 0x1000 | 3);
	check_fault(nvmm_assist_mem(&mach, &vcpu), X86_PF_ID, 0x2000);
	/* It is there, but the user's. */
	pte_put(0x2000, 0x2000 | 7);
	check_fault(nvmm_assist_mem(&mach, &vcpu), X86_PF_ID | X86_PF_P,
	    0x2000);
	/* Or not the user's. */
	vcpu.state->segs[NVMM_X64_SEG_SS].attrib.dpl = 3;
	check_fault(nvmm_assist_mem(&mach, &vcpu), X86_PF_ID | X86_PF_P |
	    X86_PF_U, 0x1FFD);
	ATF_CHECK_STREQ(seen, "");
	ATF_CHECK_EQ(RIP, 0x1FFD);
}

/* Nothing is wrong with a page that the instruction does not reach. */
ATF_TC_WITHOUT_HEAD(fetch_ends_before);
ATF_TC_BODY(fetch_ends_before, tc)
{

	setup_paging();
	RIP = 0x1FFD;
	pte_put(0x2000, 0);
	ATF_REQUIRE_EQ(store(), 0);
	ATF_CHECK_STREQ(seen, "w20000.4=0 ");
	ATF_CHECK_EQ(h_comm.event_commit, 0);
	pte_put(0x2000, 0x2000 | 7);
	RIP = 0x1FFD;
	ATF_REQUIRE_EQ(store(), 0);
	ATF_CHECK_EQ(pte_get(0x2000), 0x2000 | 7);
}

ATF_TC_WITHOUT_HEAD(fetch_limit);
ATF_TC_BODY(fetch_limit, tc)
{

	setup_paging();
	vcpu.state->segs[NVMM_X64_SEG_CS].limit = 0x1004;
	MEM_EXIT(0xC7, 0x07, 0x78, 0x56, 0x34, 0x12);
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(h_comm.event_commit, 1);
	ATF_CHECK_EQ(vcpu.event->vector, X86_EXC_GP);
	ATF_CHECK_EQ(vcpu.event->u.excp.error, 0);
	ATF_CHECK_STREQ(seen, "");
	h_comm.event_commit = 0;
	vcpu.state->segs[NVMM_X64_SEG_CS].limit = 0x1005;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(h_comm.event_commit, 0);
	ATF_CHECK_STREQ(seen, "w20000.4=12345678 ");
}

/* Tables that lie nowhere are no fault of the access's. */
ATF_TC_WITHOUT_HEAD(tables_outside);
ATF_TC_BODY(tables_outside, tc)
{
	nvmm_prot_t prot;
	gpaddr_t gpa;

	setup_paging();
	MEM_EXIT(0x89, 0x07);
	memcpy(ram + PDE + 4, "\x07\x00\x00\x70", 4);
	RDI = 0x400000;
	ATF_REQUIRE_ERRNO(EFAULT, nvmm_assist_mem(&mach, &vcpu) == -1);
	ATF_CHECK_EQ(h_comm.event_commit, 0);
	ATF_REQUIRE_ERRNO(EFAULT, nvmm_gva_to_gpa(&mach, &vcpu, 0x400000,
	    &gpa, &prot) == -1);
}

ATF_TC_WITHOUT_HEAD(five_levels);
ATF_TC_BODY(five_levels, tc)
{
	nvmm_prot_t prot;
	gpaddr_t gpa;

	setup_paging();
	vcpu.state->crs[NVMM_X64_CR_CR4] |= X86_CR4_PAE | X86_CR4_LA57;
	vcpu.state->msrs[NVMM_X64_MSR_EFER] |= X86_EFER_LMA;
	ATF_REQUIRE_ERRNO(ENOTSUP, store() == -1);
	ATF_REQUIRE_ERRNO(ENOTSUP, nvmm_gva_to_gpa(&mach, &vcpu, 0x1000,
	    &gpa, &prot) == -1);
	ATF_CHECK_EQ(h_comm.event_commit, 0);
}

ATF_TC_WITHOUT_HEAD(query);
ATF_TC_BODY(query, tc)
{
	nvmm_prot_t prot;
	gpaddr_t gpa;

	setup_paging();
	pte_put(0x3000, 0xABCDE000 | 5);
	pte_put(0x4000, 0);
	ATF_REQUIRE_EQ(nvmm_gva_to_gpa(&mach, &vcpu, 0x3123, &gpa, &prot), 0);
	ATF_CHECK_EQ(gpa, 0xABCDE123);
	ATF_CHECK_EQ(prot, NVMM_PROT_READ | NVMM_PROT_EXEC | NVMM_PROT_USER);
	ATF_CHECK_EQ(pte_get(0x3000), 0xABCDE000 | 5);
	ATF_CHECK_EQ(ram[PDE], 7);
	ATF_REQUIRE_ERRNO(EFAULT, nvmm_gva_to_gpa(&mach, &vcpu, 0x4000, &gpa,
	    &prot) == -1);
}

/* What was remembered of a page is not believed: each change is seen. */
ATF_TC_WITHOUT_HEAD(changes_are_seen);
ATF_TC_BODY(changes_are_seen, tc)
{

	setup_paging();
	ATF_REQUIRE_EQ(store(), 0);
	pte_put(DEV, 0x24000 | 7);
	RIP = 0x1000;
	ATF_REQUIRE_EQ(store(), 0);
	ATF_CHECK_STREQ(seen, "w20000.4=0 w24000.4=0 ");
	/* Marks that were taken away are set again. */
	pte_put(DEV, 0x24000 | 7);
	ram[PDE] = 7;
	RIP = 0x1000;
	ATF_REQUIRE_EQ(store(), 0);
	ATF_CHECK_EQ(pte_get(DEV), 0x24000 | 7 | A | D);
	ATF_CHECK_EQ(ram[PDE], 7 | A);
	/* The privilege level, for the same page. */
	pte_put(DEV, 0x24000 | 3 | A | D);
	RIP = 0x1000;
	ATF_REQUIRE_EQ(store(), 0);
	vcpu.state->segs[NVMM_X64_SEG_SS].attrib.dpl = 3;
	RIP = 0x1000;
	check_fault(store(), X86_PF_P | X86_PF_W | X86_PF_U, DEV);
	vcpu.state->segs[NVMM_X64_SEG_SS].attrib.dpl = 0;
	/* Write protection, by CR0 alone. */
	pte_put(DEV, 0x24000 | 1 | A | D);
	vcpu.state->crs[NVMM_X64_CR_CR0] &= ~X86_CR0_WP;
	ATF_REQUIRE_EQ(store(), 0);
	vcpu.state->crs[NVMM_X64_CR_CR0] |= X86_CR0_WP;
	RIP = 0x1000;
	check_fault(store(), X86_PF_P | X86_PF_W, DEV);
	/* A table in another place, by CR3 alone. */
	memcpy(ram + 0xA000, ram + PTES, 0x1000);
	memcpy(ram + 0xB000, "\x07\xA0\0\0", 4);
	memcpy(ram + 0xA000 + (DEV >> 12) * 4, "\x07\x50\x02\0", 4);
	vcpu.state->crs[NVMM_X64_CR_CR3] = 0xB000;
	seen[0] = '\0';
	ATF_REQUIRE_EQ(store(), 0);
	ATF_CHECK_STREQ(seen, "w25000.4=0 ");
}

/* The same of links: RAM comes, goes, and becomes ROM. */
ATF_TC_WITHOUT_HEAD(links_are_seen);
ATF_TC_BODY(links_are_seen, tc)
{
	uintptr_t hva;

	setup_paging();
	hva = (uintptr_t)ram + 0xC000;
	ATF_REQUIRE_EQ(store(), 0);
	ATF_REQUIRE_EQ(nvmm_gpa_map(&mach, hva, DEV, 0x1000, RWX), 0);
	RIP = 0x1000;
	RAX = 0x77;
	ATF_REQUIRE_EQ(store(), 0);
	ATF_CHECK_EQ(ram[0xC000], 0x77);
	ATF_REQUIRE_EQ(nvmm_gpa_map(&mach, hva, DEV, 0x1000,
	    NVMM_PROT_READ), 0);
	RIP = 0x1000;
	RAX = 0x78;
	ATF_REQUIRE_EQ(store(), 0);
	ATF_REQUIRE_EQ(nvmm_gpa_unmap(&mach, hva, DEV, 0x1000), 0);
	RIP = 0x1000;
	RAX = 0x79;
	ATF_REQUIRE_EQ(store(), 0);
	ATF_CHECK_EQ(ram[0xC000], 0x77);
	ATF_CHECK_STREQ(seen, "w20000.4=0 w20000.4=78 w20000.4=79 ");
	/* And the guest's tables: others lie there now. */
	memcpy(ram + 0xD000, ram + PTES, 0x1000);
	memcpy(ram + 0xD000 + (DEV >> 12) * 4, "\x07\x60\x02\0", 4);
	ATF_REQUIRE_EQ(nvmm_gpa_map(&mach, (uintptr_t)ram + 0xD000, PTES,
	    0x1000, RWX), 0);
	RIP = 0x1000;
	seen[0] = '\0';
	ATF_REQUIRE_EQ(store(), 0);
	ATF_CHECK_STREQ(seen, "w26000.4=79 ");
}

static void (*then)(void);		/* what the client does in between */

static void
dev_then(struct nvmm_mem *mem)
{

	memset(mem->data, 0x11, mem->size);
	strcat(seen, mem->write ? "w " : "r ");
	if (!mem->write && then != NULL)
		then();
}

static void
then_unmap(void)
{

	pte_put(DEV, 0);
}

/* What was read from a device is written back, whatever its table says now. */
ATF_TC_WITHOUT_HEAD(one_translation);
ATF_TC_BODY(one_translation, tc)
{

	setup_paging();
	vcpu.cbs.mem = dev_then;
	then = then_unmap;
	MEM_EXIT(0x01, 0x07);			/* add [edi], eax */
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "r w ");
	ATF_CHECK_EQ(h_comm.event_commit, 0);
	RIP = 0x1000;
	check_fault(nvmm_assist_mem(&mach, &vcpu), X86_PF_W, DEV);
}

static void
then_link(void)
{

	ATF_REQUIRE_EQ(nvmm_gpa_map(&mach, (uintptr_t)ram + 0xC000, DEV,
	    0x1000, RWX), 0);
}

/* A callback may change the machine's memory; the store sees it. */
ATF_TC_WITHOUT_HEAD(callback_links);
ATF_TC_BODY(callback_links, tc)
{

	setup_paging();
	vcpu.cbs.mem = dev_then;
	then = then_link;
	RAX = 1;
	MEM_EXIT(0x01, 0x07);
	(void)alarm(10);
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "r ");
	ATF_CHECK_EQ(memcmp(ram + 0xC000, "\x12\x11\x11\x11", 4), 0);
}

static void
then_relink(void)
{

	ATF_REQUIRE_EQ(nvmm_gpa_map(&mach, (uintptr_t)ram + 0xD000, 0xC000,
	    0x1000, RWX), 0);
}

/* RAM that is elsewhere after the callback. */
ATF_TC_WITHOUT_HEAD(callback_relinks);
ATF_TC_BODY(callback_relinks, tc)
{

	setup_paging();
	vcpu.cbs.mem = dev_then;
	then = then_relink;
	RSI = DEV;
	RDI = 0xC000;
	MEM_EXIT(0xA4);				/* movsb */
	(void)alarm(10);
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(ram[0xC000], 0);
	ATF_CHECK_EQ(ram[0xD000], 0x11);
}

static void
port_links(struct nvmm_io *io)
{

	dev_io(io);
	then_link();
}

ATF_TC_WITHOUT_HEAD(port_callback_links);
ATF_TC_BODY(port_callback_links, tc)
{

	setup_paging();
	vcpu.cbs.io = port_links;
	io_exit(true, 1)->str = true;
	answer = 0x31;
	(void)alarm(10);
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	ATF_CHECK_EQ(ram[0xC000], 0x31);
	io_exit(false, 1)->str = true;
	RSI = 0x2000;
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
}

#define SHORT_LIVED	0x30000

static bool linker_stops;		/* atomic */

/* Another thread, which links a page, unlinks it, and takes its memory away. */
static void *
linker(void *arg)
{
	uint8_t *page = arg;

	while (!__atomic_load_n(&linker_stops, __ATOMIC_RELAXED)) {
		ATF_REQUIRE_EQ(mprotect(page, 0x1000, PROT_READ | PROT_WRITE),
		    0);
		ATF_REQUIRE_EQ(nvmm_gpa_map(&mach, (uintptr_t)page,
		    SHORT_LIVED, 0x1000, RWX), 0);
		(void)usleep(20);
		ATF_REQUIRE_EQ(nvmm_gpa_unmap(&mach, (uintptr_t)page,
		    SHORT_LIVED, 0x1000), 0);
		ATF_REQUIRE_EQ(mprotect(page, 0x1000, PROT_NONE), 0);
	}
	return NULL;
}

/* Memory that an assist looks at stays until it has looked. */
ATF_TC_WITHOUT_HEAD(unlinked_meanwhile);
ATF_TC_BODY(unlinked_meanwhile, tc)
{
	pthread_t thread;
	unsigned i;
	void *page;

	setup_paging();
	vcpu.cbs.mem = dev_then;
	then = NULL;
	page = mmap(NULL, 0x1000, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0);
	ATF_REQUIRE(page != MAP_FAILED);
	ATF_REQUIRE_EQ(pthread_create(&thread, NULL, linker, page), 0);
	MEM_EXIT(0xF3, 0xA5);			/* rep movsd, RAM to RAM */
	for (i = 0; i < 3000; i++) {
		RIP = 0x1000;
		RSI = SHORT_LIVED;
		RDI = 0xC000;
		RCX = 1024;
		seen[0] = '\0';
		ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
		ATF_REQUIRE_EQ(h_comm.event_commit, 0);
	}
	__atomic_store_n(&linker_stops, true, __ATOMIC_RELAXED);
	ATF_REQUIRE_EQ(pthread_join(thread, NULL), 0);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, marks);
	ATF_TP_ADD_TC(tp, no_marks_in_rom);
	ATF_TP_ADD_TC(tp, fetch_fault);
	ATF_TP_ADD_TC(tp, fetch_ends_before);
	ATF_TP_ADD_TC(tp, fetch_limit);
	ATF_TP_ADD_TC(tp, tables_outside);
	ATF_TP_ADD_TC(tp, five_levels);
	ATF_TP_ADD_TC(tp, query);
	ATF_TP_ADD_TC(tp, changes_are_seen);
	ATF_TP_ADD_TC(tp, links_are_seen);
	ATF_TP_ADD_TC(tp, one_translation);
	ATF_TP_ADD_TC(tp, callback_links);
	ATF_TP_ADD_TC(tp, callback_relinks);
	ATF_TP_ADD_TC(tp, port_callback_links);
	ATF_TP_ADD_TC(tp, unlinked_meanwhile);
	return atf_no_error();
}
