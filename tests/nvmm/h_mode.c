/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The modes of the API tests' guests: descriptor and page tables, and the state
 * that starts a VCPU in each. Descriptors: AMD APM vol. 2, 4.8; page tables:
 * chapter 5.
 */

#include <string.h>

#include "h_vm.h"

#define CR0_PE		0x1
#define CR0_BASE	0x10		/* ET */
#define CR0_PG		0x80000000
#define CR4_PSE		0x10
#define CR4_PAE		0x20
#define CR4_OSFXSR	0x600		/* and OSXMMEXCPT */
#define EFER_LONG	0x500		/* LME and LMA */
#define PTE_P		0x1
#define PTE_RW		0x7		/* present, writable, user */
#define PTE_PS		0x87

static const struct mode {
	const char *name;
	uint16_t cs, ss;
	unsigned width;			/* of what its gates push */
	uint32_t cr0, cr3, cr4, efer;
} modes[VM_NMODES] = {
	[VM_REAL] = { "real", 0, 0, 2, CR0_BASE, 0, 0, 0 },
	[VM_PROT16] = { "16-bit protected", SEL_CODE16, SEL_DATA16, 4,
	    CR0_BASE | CR0_PE, 0, 0, 0 },
	[VM_PROT32] = { "32-bit protected", SEL_CODE32, SEL_DATA, 4,
	    CR0_BASE | CR0_PE, 0, 0, 0 },
	[VM_PAGE32] = { "32-bit paging", SEL_CODE32, SEL_DATA, 4,
	    CR0_BASE | CR0_PE | CR0_PG, G_PD_32, 0, 0 },
	[VM_PSE32] = { "32-bit paging, PSE", SEL_CODE32, SEL_DATA, 4,
	    CR0_BASE | CR0_PE | CR0_PG, G_PD_PSE, CR4_PSE, 0 },
	[VM_PAE] = { "PAE", SEL_CODE32, SEL_DATA, 4,
	    CR0_BASE | CR0_PE | CR0_PG, G_PDPT_PAE, CR4_PAE, 0 },
	[VM_COMPAT] = { "compatibility", SEL_CODE32, SEL_DATA, 8,
	    CR0_BASE | CR0_PE | CR0_PG, G_PML4, CR4_PAE, EFER_LONG },
	[VM_LONG] = { "long", SEL_CODE64, SEL_DATA, 8,
	    CR0_BASE | CR0_PE | CR0_PG, G_PML4, CR4_PAE, EFER_LONG },
	[VM_USER64] = { "long, ring 3", SEL_UCODE64, SEL_UDATA, 8,
	    CR0_BASE | CR0_PE | CR0_PG, G_PML4, CR4_PAE | CR4_OSFXSR,
	    EFER_LONG },
};

static const uint64_t gdt[] = {
	0,
	0x00cf9b000000ffff,	/* code, 32-bit */
	0x00cf93000000ffff,	/* data */
	0x00af9b000000ffff,	/* code, 64-bit */
	0x00009b000000ffff,	/* code, 16-bit */
	0x000093000000ffff,	/* data, 16-bit */
	0x0000890000000067 | (uint64_t)G_TSS << 16,	/* TSS */
	0,
	0x00cffb000000ffff,	/* code, 32-bit, ring 3 */
	0x00cff3000000ffff,	/* data, ring 3 */
	0x00affb000000ffff,	/* code, 64-bit, ring 3 */
	0x0000820000000007 | (uint64_t)G_LDT << 16,	/* LDT */
	0,
};

const char *
vm_mode_name(enum vm_mode mode)
{

	return modes[mode].name;
}

uint16_t
vm_mode_cs(enum vm_mode mode)
{

	return modes[mode].cs;
}

unsigned
vm_mode_width(enum vm_mode mode)
{

	return modes[mode].width;
}

/* #DF #TS #NP #SS #GP #PF #AC #CP #VC #SX, APM vol. 2, 8.2. */
bool
vm_pushes_error(unsigned vector)
{
	static const uint32_t mask = 0x60227d00;

	return vector < 32 && (mask >> vector & 1) != 0;
}

static void
put64(struct vm *vm, uint64_t gpa, uint64_t val)
{

	vm_poke(vm, gpa, &val, 8);
}

static void
put32(struct vm *vm, uint64_t gpa, uint32_t val)
{

	vm_poke(vm, gpa, &val, 4);
}

static void
tables_long(struct vm *vm)
{
	unsigned i;

	put64(vm, G_PML4, G_PDPT | PTE_RW);
	put64(vm, G_PDPT, G_PD | PTE_RW);
	put64(vm, G_PDPT_PAE, G_PD | PTE_P);
	for (i = 0; i < 4; i++)
		put64(vm, G_PD + i * 8, (uint64_t)(i % 2) << 21 | PTE_PS);
}

static void
tables_32(struct vm *vm)
{
	unsigned i;

	for (i = 0; i < 2; i++) {
		put32(vm, G_PD_PSE + i * 4, PTE_PS);
		put32(vm, G_PD_32 + i * 4, G_PT_32 | PTE_RW);
	}
	for (i = 0; i < 1024; i++)
		put32(vm, G_PT_32 + i * 4, i << 12 | PTE_RW);
}

/* Ring 0's stack for the stubs; no port map within the limit. */
static void
tables_tss(struct vm *vm, unsigned w)
{

	put32(vm, G_TSS + 4, G_STACK0);		/* both ESP0 and RSP0 */
	put32(vm, G_TSS + 8, w == 8 ? 0 : SEL_DATA);	/* SS0 */
	put32(vm, G_TSS + 0x64, 0x00680000);
}

void
vm_tables(struct vm *vm)
{

	vm_poke(vm, G_GDT, gdt, sizeof(gdt));
	tables_long(vm);
	tables_32(vm);
}

void
vm_gate(struct vm *vm, enum vm_mode mode, unsigned vector, uint32_t handler)
{
	const unsigned w = vm_mode_width(mode);
	uint64_t gate[2] = { 0, 0 };

	if (w == 2) {
		put32(vm, G_IVT + vector * 4, handler);
		return;
	}
	gate[0] = (handler & 0xffff) | 0x0000ee0000000000ULL |
	    (uint64_t)(handler >> 16) << 48 |
	    (uint64_t)(w == 8 ? SEL_CODE64 : SEL_CODE32) << 16;
	vm_poke(vm, G_IDT + vector * 2 * w, gate, 2 * w);
}

/* push vector; out; drop it and the error code; return. */
static void
stub(struct vm *vm, unsigned w, unsigned vector)
{
	uint8_t code[G_STUB_SIZE], *p = code;
	unsigned drop = w;

	if (w != 2 && vm_pushes_error(vector))
		drop += w;
	*p++ = 0x6a;
	*p++ = (uint8_t)vector;
	*p++ = 0xe6;
	*p++ = PORT_TRAP;
	if (w == 8)
		*p++ = 0x48;
	*p++ = 0x83;
	*p++ = 0xc4;
	*p++ = (uint8_t)drop;
	if (w == 8)
		*p++ = 0x48;
	*p++ = 0xcf;
	vm_poke(vm, G_STUBS + vector * G_STUB_SIZE, code, (size_t)(p - code));
}

void
vm_stubs(struct vm *vm, enum vm_mode mode)
{
	unsigned i;

	tables_tss(vm, vm_mode_width(mode));
	for (i = 0; i < 256; i++) {
		stub(vm, vm_mode_width(mode), i);
		vm_gate(vm, mode, i, G_STUBS + i * G_STUB_SIZE);
	}
}

void
vm_segment(struct vm *vm, struct nvmm_x64_state_seg *seg, uint16_t selector)
{
	uint64_t d = vm_peek(vm, G_GDT + (selector & ~7U), 8);

	memset(seg, 0, sizeof(*seg));
	seg->selector = selector;
	seg->base = (d >> 16 & 0xffffff) | (d >> 32 & 0xff000000);
	seg->limit = (uint32_t)((d & 0xffff) | (d >> 32 & 0xf0000));
	seg->attrib.type = d >> 40 & 0xf;
	seg->attrib.s = d >> 44 & 1;
	seg->attrib.dpl = d >> 45 & 3;
	seg->attrib.p = d >> 47 & 1;
	seg->attrib.avl = d >> 52 & 1;
	seg->attrib.l = d >> 53 & 1;
	seg->attrib.def = d >> 54 & 1;
	seg->attrib.g = d >> 55 & 1;
	if (seg->attrib.g)
		seg->limit = seg->limit << 12 | 0xfff;
}

static void
segment_real(struct nvmm_x64_state_seg *seg, unsigned type)
{

	memset(seg, 0, sizeof(*seg));
	seg->limit = 0xffff;
	seg->attrib.type = type & 0xf;
	seg->attrib.s = 1;
	seg->attrib.p = 1;
}

static void
start_segments(struct vm *vm, struct nvmm_x64_state *state,
    const struct mode *m)
{
	const bool real = m->cs == 0;
	unsigned i;

	for (i = NVMM_X64_SEG_ES; i <= NVMM_X64_SEG_GS; i++) {
		if (real)
			segment_real(&state->segs[i],
			    i == NVMM_X64_SEG_CS ? 0xb : 0x3);
		else
			vm_segment(vm, &state->segs[i],
			    i == NVMM_X64_SEG_CS ? m->cs : m->ss);
	}
	state->segs[NVMM_X64_SEG_GDT].base = G_GDT;
	state->segs[NVMM_X64_SEG_GDT].limit = G_GDT_SIZE - 1;
	state->segs[NVMM_X64_SEG_IDT].base = real ? G_IVT : G_IDT;
	state->segs[NVMM_X64_SEG_IDT].limit =
	    real ? 0x3ff : 256 * 2 * m->width - 1;
	vm_segment(vm, &state->segs[NVMM_X64_SEG_TR], SEL_TSS);
	state->segs[NVMM_X64_SEG_TR].attrib.type |= 2;	/* busy */
	vm_segment(vm, &state->segs[NVMM_X64_SEG_LDT], SEL_LDT);
}

void
vm_mode_state(struct vm *vm, struct nvmm_x64_state *state, enum vm_mode mode,
    uint64_t rip)
{
	const struct mode *m = &modes[mode];

	start_segments(vm, state, m);
	memset(state->gprs, 0, sizeof(state->gprs));
	state->gprs[R_RIP] = rip;
	state->gprs[R_RSP] = G_STACK;
	state->gprs[R_RFLAGS] = 0x2 | ((m->cs & 3) == 3 ? 0x3000 : 0);
	state->crs[NVMM_X64_CR_CR0] = m->cr0;
	state->crs[NVMM_X64_CR_CR3] = m->cr3;
	state->crs[NVMM_X64_CR_CR4] = m->cr4;
	state->msrs[NVMM_X64_MSR_EFER] = m->efer;
}

void
vm_start_cpu(struct vm *vm, unsigned i, enum vm_mode mode, uint64_t rip)
{

	vm_mode_state(vm, vm_get_cpu(vm, i, SEGS | GPRS | CRS | MSRS), mode,
	    rip);
	vm_set_cpu(vm, i, SEGS | GPRS | CRS | MSRS);
	vm->mode = mode;
}

void
vm_load(struct vm *vm, const uint8_t *code, const uint8_t *end)
{
	const size_t size = (size_t)(end - code);

	ATF_REQUIRE(size <= G_DATA - G_CODE);
	memset(vm->ram + G_CODE, 0xf4, G_DATA - G_CODE);
	vm_poke(vm, G_CODE, code, size);
}

void
vm_start(struct vm *vm, enum vm_mode mode, const uint8_t *code,
    const uint8_t *end)
{

	vm_load(vm, code, end);
	vm_stubs(vm, mode);
	vm_start_cpu(vm, 0, mode, G_CODE);
}
