/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What a guest finds when it starts: struct hvm_start_info with the memory map
 * and the command line (PVH boot ABI), a GDT, and page tables where it starts
 * in long mode. All of it lies in one area at the end of the RAM below the
 * hole, which the memory map marks as reserved.
 */

#include <errno.h>
#include <string.h>

#include <nvmm.h>

#include "guest_abi.h"
#include "guest_boot.h"
#include "guest_error.h"
#include "guest_pt.h"

#define PAGE		4096ULL
#define PAGE_2M		(2ULL << 20)

/* The layout of the area's first page; the second is the stack. */
struct boot_page {
	struct hvm_start_info info;
	uint8_t pad[8];
	struct hvm_memmap_table_entry map[4];
	uint64_t gdt[8];
	uint8_t tss[104];
	char cmdline[GUEST_CMDLINE_MAX];
};

_Static_assert(sizeof(struct boot_page) <= PAGE, "boot_page");
#define BOOT_NPAGES	2

/* The GDT's slots. */
#define BOOT_SEL_CODE64	0x08
#define BOOT_SEL_DATA	0x10
#define BOOT_SEL_CODE32	0x18
#define BOOT_SEL_TSS	0x20

#define CR0_PE		0x00000001
#define CR0_MP		0x00000002
#define CR0_ET		0x00000010
#define CR0_NE		0x00000020
#define CR0_WP		0x00010000
#define CR0_PG		0x80000000
#define CR4_PAE		0x00000020
#define CR4_OSFXSR	0x00000200
#define CR4_OSXMMEXCPT	0x00000400
#define EFER_LME	0x00000100
#define EFER_LMA	0x00000400

/* The end of what long mode maps to itself: RAM, and at least 4 GiB. */
static uint64_t
boot_identity_end(const struct guest_mem *mem)
{
	uint64_t top = guest_mem_top(mem);

	if (top < GUEST_HOLE_END)
		return GUEST_HOLE_END;
	return (top + PAGE_2M - 1) & ~(PAGE_2M - 1);
}

/* Pages of page tables that the ELF needs in long mode, at most. */
static uint64_t
boot_table_pages(const struct guest_elf *elf, const struct guest_mem *mem)
{
	const struct guest_elf_seg *seg;
	uint64_t n = 1 + guest_pt_bound(0, 0, boot_identity_end(mem));

	for (seg = elf->segs; seg < elf->segs + elf->nsegs; seg++) {
		if (guest_elf_seg_moved(seg) &&
		    guest_mem_has(mem, seg->paddr, seg->memsz))
			n += guest_pt_bound(seg->vaddr, seg->paddr,
			    seg->memsz + PAGE);
	}
	return n;
}

/* The way in and the area that it takes. */
int
guest_boot_plan(struct guest_start *start, const struct guest_elf *elf,
    const struct guest_mem *mem, enum guest_boot boot, const char *name,
    struct guest_error *err)
{
	uint64_t npages = BOOT_NPAGES;

	if (boot == GUEST_BOOT_PVH && !elf->has_pvh)
		return guest_fail(err, ENOEXEC,
		    "%s: ELF file without a PVH note", name);
	memset(start, 0, sizeof(*start));
	start->pvh = boot != GUEST_BOOT_ELF && elf->has_pvh;
	start->entry = start->pvh ? elf->pvh_entry : elf->entry;
	if (!start->pvh)
		npages += boot_table_pages(elf, mem);
	if (npages > mem->low / PAGE)
		return guest_fail(err, ENOMEM,
		    "%s: page tables do not fit the guest's memory", name);
	start->area.size = npages * PAGE;
	start->area.base = mem->low - start->area.size;
	start->info = start->area.base + offsetof(struct boot_page, info);
	start->gdt = start->area.base + offsetof(struct boot_page, gdt);
	start->tss = start->area.base + offsetof(struct boot_page, tss);
	start->stack = start->area.base + BOOT_NPAGES * PAGE;
	return 0;
}

/* The memory map: RAM, the platform's area, the local APIC, RAM behind. */
static uint32_t
boot_memmap(struct hvm_memmap_table_entry *map, const struct guest_start *start,
    const struct guest_mem *mem)
{
	uint32_t n = 0;

	map[n++] = (struct hvm_memmap_table_entry){
	    .addr = 0, .size = start->area.base, .type = HVM_MEMMAP_TYPE_RAM };
	map[n++] = (struct hvm_memmap_table_entry){
	    .addr = start->area.base, .size = start->area.size,
	    .type = HVM_MEMMAP_TYPE_RESERVED };
	map[n++] = (struct hvm_memmap_table_entry){
	    .addr = GUEST_LAPIC_BASE, .size = GUEST_LAPIC_SIZE,
	    .type = HVM_MEMMAP_TYPE_RESERVED };
	if (mem->high != 0)
		map[n++] = (struct hvm_memmap_table_entry){
		    .addr = GUEST_HOLE_END, .size = mem->high,
		    .type = HVM_MEMMAP_TYPE_RAM };
	return n;
}

/* The GDT: flat code and data of both widths, and a busy TSS of 64 bits. */
static void
boot_gdt(uint64_t *gdt, uint64_t tss)
{
	gdt[BOOT_SEL_CODE64 / 8] = 0x00af9b000000ffff;
	gdt[BOOT_SEL_DATA / 8] = 0x00cf93000000ffff;
	gdt[BOOT_SEL_CODE32 / 8] = 0x00cf9b000000ffff;
	gdt[BOOT_SEL_TSS / 8] = 0x00008b0000000067 |
	    (tss & 0xffffff) << 16 | (tss >> 24 & 0xff) << 56;
	gdt[BOOT_SEL_TSS / 8 + 1] = tss >> 32;
}

/* The first page of the area. */
static void
boot_page_fill(struct boot_page *page, const struct guest_start *start,
    const struct guest_mem *mem, const char *cmdline)
{
	uint64_t base = start->area.base;

	memcpy(page->cmdline, cmdline, strlen(cmdline) + 1);
	page->info.magic = HVM_START_MAGIC_VALUE;
	page->info.version = HVM_START_VERSION;
	page->info.cmdline_paddr = base + offsetof(struct boot_page, cmdline);
	page->info.memmap_paddr = base + offsetof(struct boot_page, map);
	page->info.memmap_entries = boot_memmap(page->map, start, mem);
	boot_gdt(page->gdt, start->tss);
}

/* A segment mapped where the ELF is linked to run. */
static int
boot_map_seg(struct guest_pt *pt, const struct guest_elf_seg *seg,
    const char *name, struct guest_error *err)
{
	uint64_t slack = seg->vaddr & (PAGE - 1);
	unsigned long long va = seg->vaddr, pa = seg->paddr;

	if (((seg->vaddr ^ seg->paddr) & (PAGE - 1)) != 0)
		return guest_fail(err, ENOEXEC,
		    "%s: segment's virtual 0x%llx and physical 0x%llx address "
		    "differ within the page", name, va, pa);
	if (guest_pt_map(pt, seg->vaddr - slack, seg->paddr - slack,
	    (slack + seg->memsz + PAGE - 1) & ~(PAGE - 1)) == 0)
		return 0;
	if (errno == EEXIST)
		return guest_fail(err, ENOEXEC,
		    "%s: virtual address 0x%llx stands for other memory "
		    "already", name, va);
	if (errno == EINVAL)
		return guest_fail(err, ENOEXEC,
		    "%s: virtual address 0x%llx is not canonical", name, va);
	return guest_fail(err, errno, "%s: page tables: %s", name,
	    strerror(errno));
}

/* The page tables, in what the first pages leave of the area. */
static int
boot_tables(struct guest_start *start, const struct guest_elf *elf,
    const struct guest_mem *mem, const char *name, struct guest_error *err)
{
	const struct guest_elf_seg *seg;
	struct guest_pt pt;

	if (guest_pt_init(&pt, mem, start->stack,
	    start->area.base + start->area.size) == -1 ||
	    guest_pt_map(&pt, 0, 0, boot_identity_end(mem)) == -1)
		return guest_fail(err, errno, "%s: page tables: %s", name,
		    strerror(errno));
	for (seg = elf->segs; seg < elf->segs + elf->nsegs; seg++) {
		if (guest_elf_seg_moved(seg) &&
		    boot_map_seg(&pt, seg, name, err) == -1)
			return -1;
	}
	start->cr3 = pt.root;
	return 0;
}

/* The platform's structures in the guest's memory. */
int
guest_boot_build(struct guest_start *start, const struct guest_elf *elf,
    const struct guest_mem *mem, const char *cmdline, const char *name,
    struct guest_error *err)
{
	struct boot_page *page;

	if (strlen(cmdline) >= GUEST_CMDLINE_MAX)
		return guest_fail(err, E2BIG,
		    "command line longer than %d bytes",
		    GUEST_CMDLINE_MAX - 1);
	page = guest_mem_ptr(mem, start->area.base, BOOT_NPAGES * PAGE);
	if (page == NULL)
		return guest_fail(err, errno, "%s: guest memory: %s", name,
		    strerror(errno));
	boot_page_fill(page, start, mem, cmdline);
	if (start->pvh)
		return 0;
	return boot_tables(start, elf, mem, name, err);
}

/* A flat segment of 4 GiB, code or data by its type. */
static void
boot_seg_flat(struct nvmm_x64_state_seg *seg, uint16_t sel, unsigned type,
    bool is64)
{
	memset(seg, 0, sizeof(*seg));
	seg->selector = sel;
	seg->attrib.type = type & 0xf;
	seg->attrib.s = 1;
	seg->attrib.p = 1;
	seg->attrib.l = is64;
	seg->attrib.def = !is64;
	seg->attrib.g = 1;
	seg->limit = 0xffffffff;
}

/* The segment registers: flat, a TSS, our GDT, no IDT. */
static void
boot_segs(const struct guest_start *start, struct nvmm_x64_state_seg *segs)
{
	static const int data[] = { NVMM_X64_SEG_ES, NVMM_X64_SEG_SS,
	    NVMM_X64_SEG_DS, NVMM_X64_SEG_FS, NVMM_X64_SEG_GS };
	struct nvmm_x64_state_seg *tr = &segs[NVMM_X64_SEG_TR];
	size_t i;

	for (i = 0; i < sizeof(data) / sizeof(data[0]); i++)
		boot_seg_flat(&segs[data[i]], BOOT_SEL_DATA, 3, false);
	boot_seg_flat(&segs[NVMM_X64_SEG_CS],
	    start->pvh ? BOOT_SEL_CODE32 : BOOT_SEL_CODE64, 11, !start->pvh);
	memset(tr, 0, sizeof(*tr));
	tr->selector = BOOT_SEL_TSS;
	tr->attrib.type = 11;
	tr->attrib.p = 1;
	tr->limit = 0x67;
	tr->base = start->tss;
	segs[NVMM_X64_SEG_GDT].base = start->gdt;
	segs[NVMM_X64_SEG_GDT].limit = sizeof(((struct boot_page *)0)->gdt) - 1;
	segs[NVMM_X64_SEG_IDT].base = 0;
	segs[NVMM_X64_SEG_IDT].limit = 0;
}

/* The registers at the entry. */
void
guest_boot_state(const struct guest_start *start, struct nvmm_x64_state *state)
{
	boot_segs(start, state->segs);
	memset(state->gprs, 0, sizeof(state->gprs));
	state->gprs[NVMM_X64_GPR_RIP] = start->entry;
	state->gprs[NVMM_X64_GPR_RFLAGS] = 0x2;
	state->gprs[NVMM_X64_GPR_RSP] = start->stack;
	if (start->pvh) {
		state->gprs[NVMM_X64_GPR_RBX] = start->info;
		state->crs[NVMM_X64_CR_CR0] = CR0_PE | CR0_ET;
		state->crs[NVMM_X64_CR_CR3] = 0;
		state->crs[NVMM_X64_CR_CR4] = 0;
		state->msrs[NVMM_X64_MSR_EFER] = 0;
		return;
	}
	state->gprs[NVMM_X64_GPR_RDI] = start->info;
	state->crs[NVMM_X64_CR_CR0] =
	    CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE;
	state->crs[NVMM_X64_CR_CR3] = start->cr3;
	state->crs[NVMM_X64_CR_CR4] = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	state->msrs[NVMM_X64_MSR_EFER] = EFER_LME | EFER_LMA;
}
