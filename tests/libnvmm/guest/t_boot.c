/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What a guest finds when it starts: the boot information read as a guest
 * reads it, the page tables walked as a processor walks them, the registers.
 */

#include <atf-c.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <nvmm.h>

#include "guest_abi.h"
#include "guest_boot.h"
#include "guest_pt.h"
#include "h_elf.h"

#define G	(1ULL << 30)
#define NONE	UINT64_MAX

/* Open, plan, check and build; the error's text is kept. */
static int
boot(const struct h_elf *e, struct guest_mem *mem, uint64_t size,
    enum guest_boot how, const char *cmdline, struct guest_start *start,
    struct guest_error *err)
{
	struct guest_elf elf;
	int fd = h_elf_file(e, sizeof(*e)), error;

	h_mem_make(mem, size);
	memset(err, 0, sizeof(*err));
	error = guest_elf_open(&elf, fd, "NAME", err);
	if (error == 0)
		error = guest_boot_plan(start, &elf, mem, how, "NAME", err);
	if (error == 0)
		error = guest_elf_check(&elf, mem, &start->area, start->pvh,
		    "NAME", err);
	if (error == 0)
		error = guest_boot_build(start, &elf, mem, cmdline, "NAME",
		    err);
	guest_elf_free(&elf);
	close(fd);
	return error;
}

/* The physical address that va stands for, or NONE. */
static uint64_t
walk(const struct guest_mem *mem, uint64_t cr3, uint64_t va)
{
	uint64_t e = cr3, *table;
	int level;

	for (level = 4; level > 0; level--) {
		table = guest_mem_again(mem, e & 0xffffffffff000, 4096);
		ATF_REQUIRE(table != NULL);
		e = table[va >> (3 + 9 * level) & 511];
		if ((e & 1) == 0)
			return NONE;
		ATF_CHECK_EQ(e & 2, 2);
		if (level == 2 && (e & 0x80) != 0)
			return (e & 0xfffffffe00000) | (va & 0x1fffff);
	}
	return (e & 0xffffffffff000) | (va & 0xfff);
}

/* The boot information checked as a guest would. */
static void
check_info(const struct guest_mem *mem, const struct guest_start *start,
    const char *cmdline)
{
	const struct hvm_memmap_table_entry *map;
	const struct hvm_start_info *info;
	uint64_t ram = 0, next = 0;
	uint32_t i;

	info = guest_mem_ptr(mem, start->info, sizeof(*info));
	ATF_REQUIRE(info != NULL);
	ATF_CHECK_EQ(info->magic, 0x336ec578);
	ATF_CHECK_EQ(info->version, 1);
	ATF_CHECK_EQ(info->nr_modules, 0);
	ATF_CHECK_STREQ(guest_mem_ptr(mem, info->cmdline_paddr, 1), cmdline);
	map = guest_mem_ptr(mem, info->memmap_paddr,
	    info->memmap_entries * sizeof(*map));
	ATF_REQUIRE(map != NULL);
	for (i = 0; i < info->memmap_entries; i++) {
		ATF_CHECK(map[i].addr >= next);
		next = map[i].addr + map[i].size;
		if (map[i].type != HVM_MEMMAP_TYPE_RAM)
			continue;
		ram += map[i].size;
		ATF_CHECK(guest_mem_has(mem, map[i].addr, map[i].size));
		/* Nothing of the platform's lies in what is called RAM. */
		ATF_CHECK(start->area.base >= next ||
		    start->area.base + start->area.size <= map[i].addr);
	}
	ATF_CHECK_EQ(ram + start->area.size, mem->low + mem->high);
}

ATF_TC_WITHOUT_HEAD(boot_information);
ATF_TC_BODY(boot_information, tc)
{
	static const uint64_t sizes[] = { 2 << 20, 512 << 20, 3 * G,
	    3 * G + 4096, 5 * G };
	char longest[GUEST_CMDLINE_MAX + 1];
	struct guest_start start;
	struct guest_error err;
	struct guest_mem mem;
	struct h_elf e;
	size_t i;

	(void)tc;
	h_elf_make(&e, 1);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ATF_REQUIRE_EQ_MSG(boot(&e, &mem, sizes[i], GUEST_BOOT_AUTO,
		    "exit=3 x", &start, &err), 0, "%s", err.text);
		check_info(&mem, &start, "exit=3 x");
		ATF_REQUIRE_EQ_MSG(boot(&e, &mem, sizes[i], GUEST_BOOT_ELF,
		    "", &start, &err), 0, "%s", err.text);
		check_info(&mem, &start, "");
	}
	memset(longest, 'x', sizeof(longest));
	longest[GUEST_CMDLINE_MAX - 1] = '\0';
	ATF_REQUIRE_EQ(boot(&e, &mem, 2 << 20, GUEST_BOOT_PVH, longest,
	    &start, &err), 0);
	check_info(&mem, &start, longest);
	longest[GUEST_CMDLINE_MAX - 1] = 'x';
	longest[GUEST_CMDLINE_MAX] = '\0';
	ATF_CHECK_EQ(boot(&e, &mem, 2 << 20, GUEST_BOOT_PVH, longest,
	    &start, &err), -1);
	ATF_CHECK_EQ(err.code, E2BIG);
}

ATF_TC_WITHOUT_HEAD(way_in);
ATF_TC_BODY(way_in, tc)
{
	struct guest_start start;
	struct guest_error err;
	struct guest_mem mem;
	struct h_elf e;

	(void)tc;
	h_elf_make(&e, 1);
	ATF_REQUIRE_EQ(boot(&e, &mem, 2 << 20, GUEST_BOOT_AUTO, "", &start,
	    &err), 0);
	ATF_CHECK(start.pvh);
	ATF_CHECK_EQ(start.entry, H_ELF_TEXT + 16);
	ATF_REQUIRE_EQ(boot(&e, &mem, 2 << 20, GUEST_BOOT_ELF, "", &start,
	    &err), 0);
	ATF_CHECK(!start.pvh);
	ATF_CHECK_EQ(start.entry, H_ELF_TEXT);
	h_elf_make(&e, 0);
	ATF_REQUIRE_EQ(boot(&e, &mem, 2 << 20, GUEST_BOOT_AUTO, "", &start,
	    &err), 0);
	ATF_CHECK(!start.pvh);
	ATF_CHECK_EQ(boot(&e, &mem, 2 << 20, GUEST_BOOT_PVH, "", &start,
	    &err), -1);
	ATF_CHECK_STREQ(err.text, "NAME: ELF file without a PVH note");
}

ATF_TC_WITHOUT_HEAD(platform_overlap);
ATF_TC_BODY(platform_overlap, tc)
{
	struct guest_start start;
	struct guest_error err;
	struct guest_mem mem;
	struct h_elf e;

	(void)tc;
	h_elf_make(&e, 1);
	e.ph[1].p_paddr = e.ph[1].p_vaddr = 0x1fd000;
	ATF_CHECK_EQ(boot(&e, &mem, 2 << 20, GUEST_BOOT_PVH, "", &start,
	    &err), -1);
	ATF_CHECK_MSG(strstr(err.text, "overlaps the platform's") != NULL,
	    "%s", err.text);
	e.ph[1].p_paddr = e.ph[1].p_vaddr = 0x1fb000;
	ATF_CHECK_EQ(boot(&e, &mem, 2 << 20, GUEST_BOOT_PVH, "", &start,
	    &err), 0);
	/* The page tables of the other way in take more. */
	ATF_CHECK_EQ(boot(&e, &mem, 2 << 20, GUEST_BOOT_ELF, "", &start,
	    &err), -1);
}

ATF_TC_WITHOUT_HEAD(identity_mapping);
ATF_TC_BODY(identity_mapping, tc)
{
	static const uint64_t sizes[] = { 2 << 20, 512 << 20, 4 * G, 6 * G };
	struct guest_start start;
	struct guest_error err;
	struct guest_mem mem;
	struct h_elf e;
	uint64_t va, end;
	size_t i;

	(void)tc;
	h_elf_make(&e, 0);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ATF_REQUIRE_EQ_MSG(boot(&e, &mem, sizes[i], GUEST_BOOT_ELF,
		    "", &start, &err), 0, "%s", err.text);
		end = guest_mem_top(&mem) < 4 * G ? 4 * G :
		    guest_mem_top(&mem);
		for (va = 0; va < end; va += 0x1ff000)
			ATF_REQUIRE_EQ(walk(&mem, start.cr3, va), va);
		ATF_CHECK_EQ(walk(&mem, start.cr3, end - 1), end - 1);
		ATF_CHECK_EQ(walk(&mem, start.cr3, end), NONE);
		ATF_CHECK_EQ(walk(&mem, start.cr3, 0xffffffff80000000), NONE);
	}
}

ATF_TC_WITHOUT_HEAD(memory_is_not_touched);
ATF_TC_BODY(memory_is_not_touched, tc)
{
	struct guest_start start;
	struct guest_error err;
	struct guest_mem mem;
	struct h_elf e;

	(void)tc;
	h_elf_make(&e, 0);
	ATF_REQUIRE_EQ(boot(&e, &mem, 64 * G, GUEST_BOOT_ELF, "", &start,
	    &err), 0);
	ATF_CHECK_MSG(start.area.size < 1 << 20, "%llu bytes",
	    (unsigned long long)start.area.size);
}

ATF_TC_WITHOUT_HEAD(own_mapping);
ATF_TC_BODY(own_mapping, tc)
{
	const uint64_t high = 0xffffffff80000000;
	struct guest_start start;
	struct guest_error err;
	struct guest_mem mem;
	struct h_elf e;
	uint64_t off;

	(void)tc;
	h_elf_make(&e, 0);
	/* The kernel half, congruent by 2 MiB; and with another distance. */
	e.ph[0].p_vaddr = high + H_ELF_TEXT;
	e.ph[1].p_vaddr = high + 0x40003000 + 0x123;
	e.ph[1].p_paddr += 0x123;
	e.eh.e_entry = high + H_ELF_TEXT + 8;
	ATF_REQUIRE_EQ_MSG(boot(&e, &mem, 16 << 20, GUEST_BOOT_ELF, "",
	    &start, &err), 0, "%s", err.text);
	ATF_CHECK_EQ(start.entry, high + H_ELF_TEXT + 8);
	for (off = 0; off < 0x1000; off += 0x1fe)
		ATF_CHECK_EQ(walk(&mem, start.cr3, high + H_ELF_TEXT + off),
		    H_ELF_TEXT + off);
	for (off = 0; off < 0x3000; off += 0x1fe)
		ATF_CHECK_EQ(walk(&mem, start.cr3, e.ph[1].p_vaddr + off),
		    e.ph[1].p_paddr + off);
	ATF_CHECK_EQ(walk(&mem, start.cr3, high + H_ELF_TEXT - 1), NONE);
	ATF_CHECK_EQ(walk(&mem, start.cr3, H_ELF_TEXT), H_ELF_TEXT);
}

ATF_TC_WITHOUT_HEAD(own_mapping_large);
ATF_TC_BODY(own_mapping_large, tc)
{
	const uint64_t high = 0xffffffff80000000;
	struct guest_start start;
	struct guest_error err;
	struct guest_mem mem;
	struct h_elf e;
	uint64_t off;

	(void)tc;
	h_elf_make(&e, 0);
	e.ph[1].p_vaddr = high + 0x300000;
	e.ph[1].p_paddr = 0x300000;
	e.ph[1].p_memsz = 0x1a01000;
	ATF_REQUIRE_EQ_MSG(boot(&e, &mem, 64 << 20, GUEST_BOOT_ELF, "",
	    &start, &err), 0, "%s", err.text);
	for (off = 0; off < e.ph[1].p_memsz; off += 0xff0)
		ATF_REQUIRE_EQ(walk(&mem, start.cr3, high + 0x300000 + off),
		    0x300000 + off);
	ATF_CHECK_EQ(walk(&mem, start.cr3, high + 0x2ff000), NONE);
	ATF_CHECK_EQ(walk(&mem, start.cr3, high + 0x1d01000), NONE);
}

ATF_TC_WITHOUT_HEAD(own_mapping_refused);
ATF_TC_BODY(own_mapping_refused, tc)
{
	static const struct {
		uint64_t vaddr;
		const char *text;
	} rows[] = {
		{ 0x400000, "stands for other memory" },
		{ 0xffffffff80000123, "differ within the page" },
		{ 0x0000800000000000, "not canonical" },
		{ 0x00007ffffffff000, "not canonical" },
		{ 0xffff700000000000, "not canonical" },
		{ 0xfffffffffffff000, "not canonical" },
	};
	struct guest_start start;
	struct guest_error err;
	struct guest_mem mem;
	struct h_elf e;
	size_t i;

	(void)tc;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		h_elf_make(&e, 0);
		e.ph[1].p_vaddr = rows[i].vaddr;
		ATF_CHECK_EQ_MSG(boot(&e, &mem, 16 << 20, GUEST_BOOT_ELF, "",
		    &start, &err), -1, "%s", rows[i].text);
		ATF_CHECK_MSG(strstr(err.text, rows[i].text) != NULL,
		    "want '%s': %s", rows[i].text, err.text);
		/* By its PVH entry it needs no mapping. */
		h_elf_make(&e, 1);
		e.ph[1].p_vaddr = rows[i].vaddr;
		ATF_CHECK_EQ(boot(&e, &mem, 16 << 20, GUEST_BOOT_PVH, "",
		    &start, &err), 0);
	}
}

ATF_TC_WITHOUT_HEAD(page_tables);
ATF_TC_BODY(page_tables, tc)
{
	const uint64_t va = 0x40000000, pa = 0x400000, m2 = 2 << 20;
	struct guest_mem mem;
	struct guest_pt pt;

	(void)tc;
	h_mem_make(&mem, 16 << 20);
	ATF_REQUIRE_EQ(guest_pt_init(&pt, &mem, 0x10000, 0x18000), 0);
	ATF_REQUIRE_EQ(guest_pt_map(&pt, va, pa, m2), 0);
	/* The same again, in the small and in the large, is no conflict. */
	ATF_CHECK_EQ(guest_pt_map(&pt, va, pa, m2), 0);
	ATF_CHECK_EQ(guest_pt_map(&pt, va + 0x5000, pa + 0x5000, 4096), 0);
	ATF_CHECK_EQ(guest_pt_map(&pt, va + 0x5000, pa + 0x6000, 4096), -1);
	ATF_CHECK_EQ(errno, EEXIST);
	ATF_CHECK_EQ(guest_pt_map(&pt, va, pa + m2, m2), -1);
	ATF_CHECK_EQ(errno, EEXIST);
	/* A large page over small ones fills up between them. */
	ATF_CHECK_EQ(guest_pt_map(&pt, va + m2 + 0x3000, pa + m2 + 0x3000,
	    4096), 0);
	ATF_CHECK_EQ(walk(&mem, pt.root, va + m2), NONE);
	ATF_CHECK_EQ(guest_pt_map(&pt, va + m2, pa + m2, m2), 0);
	ATF_CHECK_EQ(walk(&mem, pt.root, va + m2 + 0x1ff123),
	    pa + m2 + 0x1ff123);
	ATF_CHECK_EQ(guest_pt_map(&pt, va + 1, pa, 4096), -1);
	ATF_CHECK_EQ(errno, EINVAL);
	/* Tables end where their range ends. */
	ATF_CHECK_EQ(guest_pt_map(&pt, 1ULL << 45, pa, 4096), 0);
	ATF_CHECK_EQ(guest_pt_map(&pt, 1ULL << 46, pa, 4096), -1);
	ATF_CHECK_EQ(errno, ENOSPC);
}

ATF_TC_WITHOUT_HEAD(state_long_mode);
ATF_TC_BODY(state_long_mode, tc)
{
	struct guest_start start;
	struct guest_error err;
	struct guest_mem mem;
	struct nvmm_x64_state s;
	struct h_elf e;

	(void)tc;
	h_elf_make(&e, 0);
	ATF_REQUIRE_EQ(boot(&e, &mem, 2 << 20, GUEST_BOOT_ELF, "", &start,
	    &err), 0);
	memset(&s, 0xaa, sizeof(s));
	guest_boot_state(&start, &s);
	ATF_CHECK_EQ(s.gprs[NVMM_X64_GPR_RIP], H_ELF_TEXT);
	ATF_CHECK_EQ(s.gprs[NVMM_X64_GPR_RDI], start.info);
	ATF_CHECK_EQ(s.gprs[NVMM_X64_GPR_RFLAGS], 2);
	ATF_CHECK_EQ(s.gprs[NVMM_X64_GPR_R15], 0);
	ATF_CHECK_EQ(s.crs[NVMM_X64_CR_CR3], start.cr3);
	ATF_CHECK_EQ(s.crs[NVMM_X64_CR_CR0] & 0x80000001, 0x80000001);
	ATF_CHECK_EQ(s.crs[NVMM_X64_CR_CR4] & 0x20, 0x20);
	ATF_CHECK_EQ(s.msrs[NVMM_X64_MSR_EFER] & 0x500, 0x500);
	ATF_CHECK_EQ(s.segs[NVMM_X64_SEG_CS].attrib.l, 1);
	ATF_CHECK_EQ(s.segs[NVMM_X64_SEG_CS].attrib.def, 0);
	ATF_CHECK_EQ(s.segs[NVMM_X64_SEG_TR].attrib.type, 11);
	/* The area that it may push to is the platform's. */
	ATF_CHECK(s.gprs[NVMM_X64_GPR_RSP] > start.area.base + 4096 &&
	    s.gprs[NVMM_X64_GPR_RSP] <= start.area.base + start.area.size);
}

/* A field of a descriptor in the GDT against the register loaded from it. */
static void
check_segment(const struct guest_mem *mem, const struct nvmm_x64_state *s,
    int seg)
{
	const struct nvmm_x64_state_seg *r = &s->segs[seg];
	const uint64_t *gdt;
	uint64_t d;

	ATF_REQUIRE(r->selector + 7u <= s->segs[NVMM_X64_SEG_GDT].limit);
	gdt = guest_mem_ptr(mem, s->segs[NVMM_X64_SEG_GDT].base,
	    s->segs[NVMM_X64_SEG_GDT].limit + 1);
	ATF_REQUIRE(gdt != NULL);
	d = gdt[r->selector / 8];
	ATF_CHECK_EQ(d >> 40 & 0xf, r->attrib.type);
	ATF_CHECK_EQ(d >> 44 & 1, r->attrib.s);
	ATF_CHECK_EQ(d >> 47 & 1, r->attrib.p);
	ATF_CHECK_EQ(d >> 53 & 1, r->attrib.l);
	ATF_CHECK_EQ(d >> 54 & 1, r->attrib.def);
	ATF_CHECK_EQ((d >> 16 & 0xffffff) | (d >> 56) << 24, r->base);
}

ATF_TC_WITHOUT_HEAD(state_pvh);
ATF_TC_BODY(state_pvh, tc)
{
	static const int segs[] = { NVMM_X64_SEG_CS, NVMM_X64_SEG_SS,
	    NVMM_X64_SEG_DS, NVMM_X64_SEG_ES, NVMM_X64_SEG_TR };
	struct guest_start start;
	struct guest_error err;
	struct guest_mem mem;
	struct nvmm_x64_state s;
	struct h_elf e;
	size_t i;

	(void)tc;
	h_elf_make(&e, 1);
	ATF_REQUIRE_EQ(boot(&e, &mem, 5 * G, GUEST_BOOT_PVH, "", &start,
	    &err), 0);
	ATF_CHECK(start.info <= UINT32_MAX);
	memset(&s, 0xaa, sizeof(s));
	guest_boot_state(&start, &s);
	ATF_CHECK_EQ(s.gprs[NVMM_X64_GPR_RIP], H_ELF_TEXT + 16);
	ATF_CHECK_EQ(s.gprs[NVMM_X64_GPR_RBX], start.info);
	ATF_CHECK_EQ(s.gprs[NVMM_X64_GPR_RFLAGS], 2);
	ATF_CHECK_EQ(s.crs[NVMM_X64_CR_CR0], 0x11);
	ATF_CHECK_EQ(s.crs[NVMM_X64_CR_CR4], 0);
	ATF_CHECK_EQ(s.msrs[NVMM_X64_MSR_EFER], 0);
	ATF_CHECK_EQ(s.segs[NVMM_X64_SEG_CS].attrib.l, 0);
	ATF_CHECK_EQ(s.segs[NVMM_X64_SEG_CS].attrib.def, 1);
	ATF_CHECK_EQ(s.segs[NVMM_X64_SEG_CS].limit, UINT32_MAX);
	ATF_CHECK_EQ(s.segs[NVMM_X64_SEG_TR].limit, 0x67);
	for (i = 0; i < sizeof(segs) / sizeof(segs[0]); i++)
		check_segment(&mem, &s, segs[i]);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, boot_information);
	ATF_TP_ADD_TC(tp, way_in);
	ATF_TP_ADD_TC(tp, platform_overlap);
	ATF_TP_ADD_TC(tp, identity_mapping);
	ATF_TP_ADD_TC(tp, memory_is_not_touched);
	ATF_TP_ADD_TC(tp, own_mapping);
	ATF_TP_ADD_TC(tp, own_mapping_large);
	ATF_TP_ADD_TC(tp, own_mapping_refused);
	ATF_TP_ADD_TC(tp, page_tables);
	ATF_TP_ADD_TC(tp, state_long_mode);
	ATF_TP_ADD_TC(tp, state_pvh);
	return atf_no_error();
}
