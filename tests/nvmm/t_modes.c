/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Every mode: started in by the state that the owner sets, seen by the guest
 * and by the owner alike; and all of them within one guest.
 */

#include "h_case.h"

#define CR0_MASK	0x80000001ULL	/* PG and PE */
#define PTE_A		0x20
#define PTE_D		0x40

/* The registers that a look records are those that the VCPU was given. */
static void
check_look(struct vm *vm, enum vm_mode mode, uint64_t two_meanings)
{
	struct nvmm_x64_state *state;

	VM_PORT(vm, 0x80);
	state = vm_get(vm, SEGS | CRS);
	VM_CHECK_EQ(state->crs[NVMM_X64_CR_CR0] & CR0_MASK,
	    vm_data(vm, 0) & CR0_MASK);
	VM_CHECK_EQ(state->crs[NVMM_X64_CR_CR3], vm_data(vm, 1));
	VM_CHECK_EQ(state->crs[NVMM_X64_CR_CR4], vm_data(vm, 2));
	VM_CHECK_EQ(state->segs[NVMM_X64_SEG_CS].selector, vm_data(vm, 3));
	VM_CHECK_EQ(state->segs[NVMM_X64_SEG_SS].selector, vm_data(vm, 4));
	VM_CHECK_EQ(two_meanings, vm_data(vm, 5));
	VM_CHECK_EQ(two_meanings, vm_val(vm));
	ATF_CHECK_EQ(mode, vm->mode);
}

static void
real(struct vm *vm)
{

	VM_START(vm, VM_REAL, g_look16);
	check_look(vm, VM_REAL, 0xffff);
}

static void
prot16(struct vm *vm)
{

	VM_START(vm, VM_PROT16, g_look16);
	check_look(vm, VM_PROT16, 0xffff);
}

static void
look32(struct vm *vm, enum vm_mode mode)
{

	VM_START(vm, mode, g_look32);
	check_look(vm, mode, 0xffffffff);
}

static void
prot32(struct vm *vm)
{

	look32(vm, VM_PROT32);
}

static void
page32(struct vm *vm)
{

	look32(vm, VM_PAGE32);
}

static void
pse32(struct vm *vm)
{

	look32(vm, VM_PSE32);
}

static void
pae(struct vm *vm)
{

	look32(vm, VM_PAE);
}

static void
compat(struct vm *vm)
{

	look32(vm, VM_COMPAT);
}

static void
longmode(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_look64);
	check_look(vm, VM_LONG, 0);
}

/* In ring 3 a look at CR0 is #GP(0), taken on ring 0's stack. */
static void
check_user(struct vm *vm)
{
	struct vm_trap t;

	vm_trap(vm, &t);
	ATF_CHECK_EQ(3, vm_data(vm, 3) & 3);
	ATF_CHECK_EQ(13, t.vector);
	VM_CHECK_EQ(vm_data(vm, 0), t.rip);
	ATF_CHECK_EQ(0, t.error);
	ATF_CHECK_EQ(3, t.cs & 3);
	ATF_CHECK_EQ(0, vm_get(vm, SEGS)->segs[NVMM_X64_SEG_SS].attrib.dpl);
	ATF_CHECK(vm_reg(vm, R_RSP) < G_STACK0);
}

static void
user32(struct vm *vm)
{

	VM_START(vm, VM_PAE, g_user32);
	check_user(vm);
}

static void
user64(struct vm *vm)
{

	VM_START(vm, VM_USER64, g_user64);
	check_user(vm);
}

static void
user64_ss(struct vm *vm)
{
	struct vm_trap t;

	VM_START(vm, VM_USER64, g_user64);
	vm_trap(vm, &t);
	VM_CHECK_EQ(SEL_UDATA, vm_data(vm, 4));
	VM_CHECK_EQ(SEL_UDATA, t.ss);
}

/* Two linear addresses, one page; and the tables' accessed and dirty bits. */
static void
check_alias(struct vm *vm, uint64_t pte, size_t size)
{

	VM_PORT(vm, 0x80);
	VM_CHECK_EQ(0x600dcafe, vm_val(vm));
	VM_PORT(vm, 0x81);
	VM_CHECK_EQ(0x600df00d, vm_val(vm));
	VM_CHECK_EQ(PTE_A | PTE_D, vm_peek(vm, pte, size) & (PTE_A | PTE_D));
}

static void
alias_page32(struct vm *vm)
{

	VM_START(vm, VM_PAGE32, g_alias32);
	check_alias(vm, G_PT_32 + G_DATA / 4096 * 4, 4);
}

static void
alias_pse32(struct vm *vm)
{

	VM_START(vm, VM_PSE32, g_alias32);
	check_alias(vm, G_PD_PSE + 4, 4);
}

static void
alias_pae(struct vm *vm)
{

	VM_START(vm, VM_PAE, g_alias32);
	check_alias(vm, G_PD + 16, 8);
}

static void
alias_compat(struct vm *vm)
{

	VM_START(vm, VM_COMPAT, g_alias32);
	check_alias(vm, G_PD + 16, 8);
}

static void
alias_long(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_alias64);
	check_alias(vm, G_PD + 16, 8);
}

/* What the owner sees at each station of g_all_modes. */
static const struct station {
	uint64_t cr0, cr4, efer;	/* of the bits that say the mode */
	uint16_t cs;
	unsigned def, l;
} stations[] = {
	{ 0x00000000, 0x00, 0x000, 0, 0, 0 },
	{ 0x00000001, 0x00, 0x000, SEL_CODE16, 0, 0 },
	{ 0x00000001, 0x00, 0x000, SEL_CODE32, 1, 0 },
	{ 0x80000001, 0x00, 0x000, SEL_CODE32, 1, 0 },
	{ 0x80000001, 0x10, 0x000, SEL_CODE32, 1, 0 },
	{ 0x80000001, 0x20, 0x000, SEL_CODE32, 1, 0 },
	{ 0x80000001, 0x20, 0x500, SEL_CODE32, 1, 0 },
	{ 0x80000001, 0x20, 0x500, SEL_CODE64, 0, 1 },
	{ 0x80000001, 0x20, 0x500, SEL_CODE32, 1, 0 },
	{ 0x80000001, 0x20, 0x500, SEL_CODE64, 0, 1 },
	{ 0x00000001, 0x00, 0x000, SEL_CODE32, 1, 0 },
	{ 0x00000000, 0x00, 0x000, 0, 0, 0 },
};

static void
check_station(struct vm *vm, const struct station *s)
{
	struct nvmm_x64_state *state = vm_get(vm, SEGS | CRS | MSRS);
	const struct nvmm_x64_state_seg *cs = &state->segs[NVMM_X64_SEG_CS];

	VM_CHECK_EQ(s->cr0, state->crs[NVMM_X64_CR_CR0] & CR0_MASK);
	VM_CHECK_EQ(s->cr4, state->crs[NVMM_X64_CR_CR4]);
	VM_CHECK_EQ(s->efer, state->msrs[NVMM_X64_MSR_EFER]);
	VM_CHECK_EQ(s->cs, cs->selector);
	ATF_CHECK_EQ(s->def, cs->attrib.def);
	ATF_CHECK_EQ(s->l, cs->attrib.l);
}

static void
all_modes(struct vm *vm)
{
	const unsigned n = sizeof(stations) / sizeof(stations[0]);
	unsigned i;

	VM_START(vm, VM_REAL, g_all_modes);
	for (i = 0; i < n; i++) {
		VM_PORT(vm, i + 1);
		check_station(vm, &stations[i]);
	}
	VM_CHECK_EQ(0x1122334455667788, vm_reg(vm, R_RBX));
	VM_CHECK_EQ(0x0ea15afe, vm_data(vm, 0));
	VM_EXIT(vm, NVMM_VCPU_EXIT_HALTED);
}

#define MODE(n, fault)							\
	{ #n, "The guest and the owner see this mode", MUST, MUST,	\
	  fault, n, 0 }
#define ALIAS(n, fault)							\
	{ #n, "Paging translates, and marks its tables", MUST, MUST,	\
	  fault, n, 0 }

static const struct vm_case table[] = {
	MODE(real, NULL),
	MODE(prot16, NULL),
	MODE(prot32, NULL),
	MODE(page32, "32-bit paging"),
	MODE(pse32, "32-bit paging"),
	MODE(pae, "PAE"),
	MODE(compat, NULL),
	MODE(longmode, NULL),
	MODE(user32, "PAE"),
	MODE(user64, NULL),
	MODE(user64_ss, "SS in ring 3"),
	ALIAS(alias_page32, "32-bit paging"),
	ALIAS(alias_pse32, "32-bit paging"),
	ALIAS(alias_pae, "PAE"),
	ALIAS(alias_compat, NULL),
	ALIAS(alias_long, NULL),
	{ "all_modes", "One guest goes through all modes, and back",
	  MUST, MUST, "32-bit paging", all_modes, 0 },
};

VM_CASES("modes", table)
