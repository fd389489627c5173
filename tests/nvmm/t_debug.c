/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The guest debugs itself: single steps and breakpoints, each with its RIP and
 * its DR6. And SVM is nothing that the guest can find.
 */

#include "h_case.h"

#define VECTOR_DB	1
#define VECTOR_UD	6
#define VECTOR_GP	13
#define DR6_B(n)	(1ULL << (n))
#define DR6_BS		0x4000ULL
#define DR6_EVENTS	0xe00fULL

/* The next #DB, at RIP and with what DR6 says; DR6 is cleared after it. */
static void
debug_trap(struct vm *vm, uint64_t rip, uint64_t dr6)
{
	struct nvmm_x64_state *state;
	struct vm_trap t;

	vm_trap(vm, &t);
	ATF_REQUIRE_EQ_MSG(VECTOR_DB, t.vector, "vector %u at %#llx",
	    t.vector, (unsigned long long)t.rip);
	VM_CHECK_EQ(rip, t.rip);
	ATF_CHECK_EQ(0, vm_reg(vm, R_RFLAGS) & FL_TF);
	state = vm_get(vm, DRS);
	VM_CHECK_EQ(dr6, state->drs[NVMM_X64_DR_DR6] & DR6_EVENTS);
	state->drs[NVMM_X64_DR_DR6] = 0xffff0ff0;
	vm_set(vm, DRS);
}

/* The frame on the stack returns with RF: over the breakpoint. */
static void
debug_resume(struct vm *vm)
{
	uint64_t at = vm_reg(vm, R_RSP) + 8 + 16, rflags;

	rflags = vm_peek(vm, at, 8) | FL_RF;
	vm_poke(vm, at, &rflags, 8);
}

/* PUSH imm32 5 bytes, POPF 1, NOP 1, INC 2; the first step ends the NOP. */
static void
step(struct vm *vm)
{
	static const unsigned want[] = { 0x7, 0x9, 0xa, 0xc, 0xd };
	unsigned i;

	VM_START(vm, VM_LONG, g_step);
	ATF_REQUIRE_EQ(0x68, vm_peek(vm, G_CODE, 1));
	for (i = 0; i < 5; i++)
		debug_trap(vm, G_CODE + want[i], DR6_BS);
	VM_PORT(vm, 0x80);
	ATF_CHECK_EQ(1, vm_val(vm));
}

static void
step_driver(struct vm *vm)
{
	static const unsigned want[] = { 0xc, 0xe, 0x10, 0x11 };
	unsigned i;

	VM_START(vm, VM_LONG, g_step_cpuid);
	for (i = 0; i < 4; i++)
		debug_trap(vm, G_CODE + want[i], DR6_BS);
}

/* The owner sets TF: one step for each time. */
static void
step_owner(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_break_owner);
	vm_gpr(vm, R_RFLAGS, FL_TF | 2);
	debug_trap(vm, G_CODE + 1, DR6_BS);
	debug_trap(vm, G_CODE + 2, DR6_BS);
}

static uint64_t
label(struct vm *vm, unsigned i)
{
	extern const uint8_t g_break[], g_break_end[];

	return vm_peek(vm, G_CODE + (uint64_t)(g_break_end - g_break) - 8 +
	    i * 4, 4);
}

static void
breakpoints(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_break);
	debug_trap(vm, label(vm, 0), DR6_B(0));
	debug_resume(vm);
	VM_PORT(vm, 0x80);
	ATF_CHECK_EQ(1, vm_val(vm));
	debug_trap(vm, label(vm, 1), DR6_B(1));
	VM_PORT(vm, 0x81);
	VM_PORT(vm, 0x82);
	VM_CHECK_EQ(0x1235, vm_data(vm, 4));
}

/* => Skips where VMRUN loads DR7 and does not look at it. */
static void
dr7_obeyed(void)
{

	if (vm_on_tcg())
		atf_tc_skip("QEMU's VMRUN does not arm breakpoints");
}

/* The owner arms a breakpoint; a #DB's fault is before its instruction. */
static void
break_owner(struct vm *vm)
{
	struct nvmm_x64_state *state;

	dr7_obeyed();
	VM_START(vm, VM_LONG, g_break_owner);
	state = vm_get(vm, DRS);
	state->drs[NVMM_X64_DR_DR2] = G_CODE + 2;
	state->drs[NVMM_X64_DR_DR7] = 0x420;
	vm_set(vm, DRS);
	debug_trap(vm, G_CODE + 2, DR6_B(2));
	debug_resume(vm);
	VM_PORT(vm, 0x80);
}

/* Breakpoints of one VCPU are none of another's. */
static void
break_apart(struct vm *vm)
{
	struct nvmm_x64_state *state;

	dr7_obeyed();
	VM_START(vm, VM_LONG, g_break_owner);
	vm_start_cpu(vm, 1, VM_LONG, G_CODE);
	state = vm_get(vm, DRS);
	state->drs[NVMM_X64_DR_DR2] = G_CODE + 2;
	state->drs[NVMM_X64_DR_DR7] = 0x420;
	vm_set(vm, DRS);
	debug_trap(vm, G_CODE + 2, DR6_B(2));
	ATF_REQUIRE_EQ(0x80, vm_port_cpu(vm, 1));
	state = vm_get_cpu(vm, 1, DRS);
	VM_CHECK_EQ(0, state->drs[NVMM_X64_DR_DR2]);
	VM_CHECK_EQ(0x400, state->drs[NVMM_X64_DR_DR7]);
}

/* #UD, and its frame moved over the instruction. */
static void
no_insn(struct vm *vm, uint64_t rip)
{
	struct vm_trap t;

	vm_trap(vm, &t);
	ATF_REQUIRE_EQ_MSG(VECTOR_UD, t.vector, "vector %u at %#llx",
	    t.vector, (unsigned long long)t.rip);
	VM_CHECK_EQ(rip, t.rip);
	t.rip += 3;
	vm_poke(vm, vm_reg(vm, R_RSP) + 8, &t.rip, 8);
}

static void
svm_insns(struct vm *vm)
{
	unsigned i;

	VM_START(vm, VM_LONG, g_svm_insns);
	for (i = 0; i < 7; i++)
		no_insn(vm, G_CODE + 4 + i * 3);
	VM_PORT(vm, 0x80);
}

static void
vmmcall(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_vmmcall);
	no_insn(vm, G_CODE);
	VM_PORT(vm, 0x80);
}

static void
svm_hidden(struct vm *vm)
{
	struct vm_trap t;

	VM_START(vm, VM_LONG, g_svme);
	vm_trap(vm, &t);
	ATF_CHECK_EQ(VECTOR_GP, t.vector);
	VM_CHECK_EQ(0, t.error);
	VM_CHECK_EQ(0, vm_peek(vm, G_DATA, 4) & 0x4);
	VM_CHECK_EQ(0, vm_peek(vm, G_DATA + 4, 4));
	VM_CHECK_EQ(0x500, vm_peek(vm, G_DATA + 8, 4));
	VM_CHECK_EQ(0x500, vm_get(vm, MSRS)->msrs[NVMM_X64_MSR_EFER]);
}

static void
svm_msrs(struct vm *vm)
{
	static const uint32_t msrs[] = { 0xc0010114, 0xc0010117 };
	unsigned i;

	for (i = 0; i < 2; i++) {
		VM_START(vm, VM_LONG, g_vm_cr);
		vm_gpr(vm, R_RCX, msrs[i]);
		VM_EXIT(vm, NVMM_VCPU_EXIT_RDMSR);
		VM_CHECK_EQ(msrs[i], vm_exit(vm)->u.rdmsr.msr);
	}
}

static const struct vm_case table[] = {
	{ "step", "The guest steps through itself", MUST, MUST, NULL, step,
	  0 },
	{ "step_driver", "A step over what the driver carries out", MUST, MUST,
	  NULL, step_driver, 0 },
	{ "step_owner", "The owner sets TF", MUST, MUST, NULL, step_owner, 0 },
	{ "breakpoints", "Breakpoints on a fetch and on a write", MUST, MUST,
	  "data breakpoints", breakpoints, 0 },
	{ "break_owner", "The owner arms a breakpoint", MUST, MUST, NULL,
	  break_owner, 0 },
	{ "break_apart", "Breakpoints are their VCPU's own", MUST, MUST, NULL,
	  break_apart, 2 },
	{ "svm_insns", "SVM's instructions are #UD", MUST, MUST, NULL,
	  svm_insns, 0 },
	{ "vmmcall", "VMMCALL is #UD", MUST,
	  "KVM answers its own hypercalls", NULL, vmmcall, 0 },
	{ "svm_hidden", "No SVM in CPUID, none in EFER", MUST,
	  "what KVM refuses is the owner's to refuse", NULL, svm_hidden, 0 },
	{ "svm_msrs", "SVM's MSRs are none", MUST,
	  "KVM has values for them", NULL, svm_msrs, 0 },
};

VM_CASES("debug", table)
