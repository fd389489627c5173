/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Events: that each arrives once, at its handler, with its frame; that none
 * arrives before the guest can take it; and that one whose delivery meets
 * memory that is not there is delivered when it is.
 */

#include <string.h>

#include "h_case.h"

#define EXCP	NVMM_VCPU_EVENT_EXCP
#define INTR_EV	NVMM_VCPU_EVENT_INTR
#define VEC	0x31			/* priority 3 */
#define NMI	2

#define STEPS	"KVM's own step out of a shadow shows"
#define DELIVERS "KVM gives up where its tables for events are not there"

/* The frame on the stack is of the guest as it was started. */
static void
check_frame(struct vm *vm, const struct vm_trap *t, unsigned vector,
    uint64_t rip)
{

	ATF_CHECK_EQ_MSG(vector, t->vector, "vector %u, not %u", t->vector,
	    vector);
	VM_CHECK_EQ(rip, t->rip);
	VM_CHECK_EQ(vm_mode_cs(vm->mode), t->cs);
}

/* One exception into a fresh guest, which then goes on where it was. */
static void
exception(struct vm *vm, unsigned vector)
{
	const uint64_t error = 0x1230 + vector * 8;
	struct vm_trap t;

	vm_start_cpu(vm, 0, vm->mode, G_CODE);
	vm_inject(vm, EXCP, (uint8_t)vector, error);
	vm_trap(vm, &t);
	check_frame(vm, &t, vector, G_CODE);
	if (vm_mode_width(vm->mode) != 2 && vm_pushes_error(vector))
		ATF_CHECK_EQ_MSG(error, t.error, "vector %u, error %#llx",
		    vector, (unsigned long long)t.error);
	VM_PORT(vm, 0x80);
	VM_CHECK_EQ(G_STACK, vm_reg(vm, R_RSP));
}

/* The vectors of late with an error code: 21, 29, 30. */
static bool
is_late(unsigned vector)
{

	return vector > 17 && vm_pushes_error(vector);
}

/*
 * What an exception can be, 0 to 30, but for those of late; 2 is not one. #BP and #OF are traps
 * of INT3 and INTO, but what is injected leaves RIP as it is.
 */
static void
exceptions(struct vm *vm)
{
	unsigned i;

	for (i = 0; i <= 30; i++) {
		if (i == NMI || (vm->mode == VM_REAL && vm_pushes_error(i)))
			continue;
		/* KVM takes them for instructions, and moves RIP on. */
		if ((i == 3 || i == 4) && vm_is("kvm"))
			continue;
		if (!is_late(i))
			exception(vm, i);
	}
}

/* The others. */
static void
exceptions_late(struct vm *vm)
{
	unsigned i;

	if (vm_on_tcg())
		atf_tc_skip("QEMU's TCG pushes no error code for these");
	for (i = 0; i <= 30; i++) {
		if (is_late(i))
			exception(vm, i);
	}
}

static void
excp_real(struct vm *vm)
{

	VM_START(vm, VM_REAL, g_event16);
	exceptions(vm);
}

static void
excp_prot32(struct vm *vm)
{

	VM_START(vm, VM_PROT32, g_event32);
	exceptions(vm);
}

static void
excp_pae(struct vm *vm)
{

	VM_START(vm, VM_PAE, g_event32);
	exceptions(vm);
}

static void
excp_long(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_event64);
	exceptions(vm);
}

static void
late_prot32(struct vm *vm)
{

	VM_START(vm, VM_PROT32, g_event32);
	exceptions_late(vm);
}

static void
late_long(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_event64);
	exceptions_late(vm);
}

/* Into a ring 3 that never says anything else. */
static void
excp_user(struct vm *vm)
{
	struct vm_trap t;

	VM_START(vm, VM_USER64, g_event64);
	vm_inject(vm, EXCP, 13, 0x1230);
	vm_trap(vm, &t);
	ATF_CHECK_EQ(13, t.vector);
	VM_CHECK_EQ(0x1230, t.error);
	VM_CHECK_EQ(G_CODE, t.rip);
	ATF_CHECK_EQ(3, t.cs & 3);
	VM_CHECK_EQ(G_STACK, t.rsp);
}

static void
excp_cr2(struct vm *vm)
{
	struct vm_trap t;

	VM_START(vm, VM_LONG, g_event64);
	vm_get(vm, CRS)->crs[NVMM_X64_CR_CR2] = 0xfee1dead000;
	vm_set(vm, CRS);
	vm_inject(vm, EXCP, 14, 7);
	vm_trap(vm, &t);
	ATF_CHECK_EQ(14, t.vector);
	VM_CHECK_EQ(7, t.error);
	VM_CHECK_EQ(0xfee1dead000, vm_get(vm, CRS)->crs[NVMM_X64_CR_CR2]);
}

/* What is refused takes no effect. */
static void
excp_none(struct vm *vm)
{
	static const uint8_t vectors[] = { NMI, 32, 255 };
	size_t i;

	for (i = 0; i < sizeof(vectors); i++) {
		VM_START(vm, VM_LONG, g_event64);
		vm_inject(vm, EXCP, vectors[i], 0);
		ATF_CHECK_EQ(-1, nvmm_vcpu_run(&vm->mach, &vm->cpus[0].v));
		vm_inject(vm, EXCP, 6, 0);	/* in its place */
		VM_PORT(vm, PORT_TRAP);
	}
}

/* Faults of the guest's own: vectors, error codes and RIPs. */
static void
faults(struct vm *vm)
{
	static const struct {
		unsigned vector;
		uint64_t error;
		unsigned len;
	} want[] = {
		{ 0, 0, 2 }, { 6, 0, 2 }, { 14, 2, 7 }, { 13, 0x7f8, 2 },
	};
	uint64_t sp, rip;
	struct vm_trap t;
	unsigned i;

	VM_START(vm, VM_LONG, g_faults);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		vm_trap(vm, &t);
		ATF_REQUIRE_EQ_MSG(want[i].vector, t.vector, "vector %u",
		    t.vector);
		VM_CHECK_EQ(want[i].error, t.error);
		if (t.vector == 14)
			VM_CHECK_EQ(0x900000,
			    vm_get(vm, CRS)->crs[NVMM_X64_CR_CR2]);
		sp = vm_reg(vm, R_RSP) + 8 +
		    (vm_pushes_error(t.vector) ? 8 : 0);
		rip = t.rip + want[i].len;
		vm_poke(vm, sp, &rip, 8);
	}
	VM_PORT(vm, 0x80);
}

static void
set_if(struct vm *vm)
{

	vm_gpr(vm, R_RFLAGS, FL_IF | 2);
}

/* One interrupt at once, and back with interrupts on again. */
static void
interrupt(struct vm *vm)
{
	struct vm_trap t;

	set_if(vm);
	vm_inject(vm, INTR_EV, VEC, 0);
	vm_trap(vm, &t);
	check_frame(vm, &t, VEC, G_CODE);
	ATF_CHECK((t.rflags & FL_IF) != 0);
	ATF_CHECK_EQ(0, vm_reg(vm, R_RFLAGS) & FL_IF);
	ATF_CHECK(!vm_exit(vm)->exitstate.evt_pending);
	VM_PORT(vm, 0x80);
	ATF_CHECK((vm_reg(vm, R_RFLAGS) & FL_IF) != 0);
	VM_PORT(vm, 0x81);
}

static void
intr_real(struct vm *vm)
{

	VM_START(vm, VM_REAL, g_event16);
	interrupt(vm);
}

static void
intr_prot16(struct vm *vm)
{

	VM_START(vm, VM_PROT16, g_event16);
	interrupt(vm);
}

static void
intr_prot32(struct vm *vm)
{

	VM_START(vm, VM_PROT32, g_event32);
	interrupt(vm);
}

static void
intr_pae(struct vm *vm)
{

	VM_START(vm, VM_PAE, g_event32);
	interrupt(vm);
}

static void
intr_compat(struct vm *vm)
{
	struct vm_trap t;

	VM_START(vm, VM_COMPAT, g_event32);
	set_if(vm);
	vm_inject(vm, INTR_EV, VEC, 0);
	vm_trap(vm, &t);
	ATF_CHECK_EQ(VEC, t.vector);
	VM_CHECK_EQ(SEL_CODE32, t.cs);
	VM_CHECK_EQ(SEL_CODE64,
	    vm_get(vm, SEGS)->segs[NVMM_X64_SEG_CS].selector);
	VM_PORT(vm, 0x80);
}

static void
intr_long(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_event64);
	interrupt(vm);
}

/*
 * Each of many is injected and its run stopped before the guest takes it, as by
 * an owner whose APIC has one in service after the other: none is lost or
 * refused, and the last, which has the priority, is served first.
 */
static void
intr_stopped(struct vm *vm)
{
	struct vm_trap t;
	unsigned i;

	VM_START(vm, VM_LONG, g_event64);
	set_if(vm);
	for (i = 2; i <= 15; i++) {
		vm_inject(vm, INTR_EV, (uint8_t)(i << 4), 0);
		ATF_REQUIRE_EQ(0, nvmm_vcpu_stop(&vm->cpus[0].v));
		VM_EXIT(vm, NVMM_VCPU_EXIT_STOPPED);
		ATF_CHECK(vm_exit(vm)->exitstate.evt_pending);
	}
	for (i = 15; i >= 2; i--) {
		vm_trap(vm, &t);
		check_frame(vm, &t, i << 4, G_CODE);
	}
	VM_PORT(vm, 0x80);
	VM_PORT(vm, 0x81);
}

/* Run to the trap: the guest must come to it at this RIP. */
static void
interrupt_at(struct vm *vm, uint64_t rip)
{
	struct vm_trap t;

	vm_trap(vm, &t);
	ATF_CHECK_EQ(VEC, t.vector);
	VM_CHECK_EQ(rip, t.rip);
}

/* TELL is two bytes, PUSH imm32 five, POPF one. */
static void
delayed_if(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_popf);
	vm_inject(vm, INTR_EV, VEC, 0);
	VM_PORT(vm, 0x80);
	ATF_CHECK(vm_exit(vm)->exitstate.evt_pending);
	interrupt_at(vm, G_CODE + 8);
	VM_PORT(vm, 0x81);
}

static void
delayed_sti(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_sti);
	vm_inject(vm, INTR_EV, VEC, 0);
	VM_PORT(vm, 0x80);
	interrupt_at(vm, G_CODE + 4);
	VM_PORT(vm, 0x81);
}

/* The window of one who waits outside, likewise. */
static void
window_sti(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_sti);
	vm_get(vm, INTR)->intr.int_window_exiting = 1;
	vm_set(vm, INTR);
	VM_PORT(vm, 0x80);
	ATF_CHECK(vm_exit(vm)->exitstate.int_window_exiting);
	VM_EXIT(vm, NVMM_VCPU_EXIT_INT_READY);
	VM_CHECK_EQ(G_CODE + 4, vm_reg(vm, R_RIP));
	ATF_CHECK(!vm_exit(vm)->exitstate.int_shadow);
	vm_inject(vm, INTR_EV, VEC, 0);
	interrupt_at(vm, G_CODE + 4);
	VM_PORT(vm, 0x81);
}

/* MOV SS is 2 bytes behind 5. */
static void
shadow_movss(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_movss);
	set_if(vm);
	VM_EXIT(vm, NVMM_VCPU_EXIT_IO);
	ATF_CHECK(vm_exit(vm)->exitstate.int_shadow);
	ATF_CHECK(vm_get(vm, INTR)->intr.int_shadow);
	vm_inject(vm, INTR_EV, VEC, 0);
	vm_assist(vm);
	interrupt_at(vm, G_CODE + 9);
	VM_PORT(vm, 0x81);
}

/* A guest that opens a window of one instruction only, which exits. */
static void
shadow_assist(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_sti_out);
	vm_inject(vm, INTR_EV, VEC, 0);
	VM_PORT(vm, 0x80);
	interrupt_at(vm, G_CODE + 3);
	VM_PORT(vm, 0x81);
}

/* => Skips where VMRUN forgets the shadow. */
static void
shadow_kept(void)
{

	if (vm_on_tcg())
		atf_tc_skip("QEMU's VMRUN does not load the interrupt shadow");
}

static void
shadow_state(struct vm *vm)
{

	shadow_kept();
	VM_START(vm, VM_LONG, g_event64);
	set_if(vm);
	vm_get(vm, INTR)->intr.int_shadow = 1;
	vm_set(vm, INTR);
	ATF_CHECK_EQ(1, vm_get(vm, INTR)->intr.int_shadow);
	vm_inject(vm, INTR_EV, VEC, 0);
	VM_PORT(vm, 0x80);
	interrupt_at(vm, G_CODE + 2);
	VM_PORT(vm, 0x81);
}

/* While CR8 is 5, an interrupt of priority 3 is the owner's to hold. */
static void
delayed_tpr(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_cr8);
	VM_PORT(vm, 0x80);
	ATF_CHECK_EQ(5, vm_exit(vm)->exitstate.cr8);
	ATF_CHECK_EQ(5, vm_get(vm, CRS)->crs[NVMM_X64_CR_CR8]);
	VM_PORT(vm, 0x81);
	ATF_CHECK_EQ(1, vm_exit(vm)->exitstate.cr8);
	vm_inject(vm, INTR_EV, VEC, 0);
	VM_PORT(vm, PORT_TRAP);
}

/* An interrupt that is injected nevertheless waits for the TPR. */
static void
tpr_waits(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_cr8);
	VM_PORT(vm, 0x80);
	vm_inject(vm, INTR_EV, VEC, 0);
	VM_PORT(vm, PORT_TRAP);
	VM_CHECK_EQ(1, vm_get(vm, CRS)->crs[NVMM_X64_CR_CR8]);
	VM_PORT(vm, 0x81);
}

/* The TPR moves while the interrupt waits for RFLAGS.IF as well. */
static void
tpr_off(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_cr8_off);
	vm_inject(vm, INTR_EV, VEC, 0);
	VM_PORT(vm, 0x80);
	ATF_CHECK_EQ(1, vm_exit(vm)->exitstate.cr8);
	ATF_CHECK(vm_exit(vm)->exitstate.evt_pending);
	VM_PORT(vm, 0x81);
	ATF_CHECK_EQ(5, vm_exit(vm)->exitstate.cr8);
	ATF_CHECK(vm_exit(vm)->exitstate.evt_pending);
	VM_PORT(vm, PORT_TRAP);
	VM_PORT(vm, 0x82);
}

static void
wakes(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_wait);
	VM_EXIT(vm, NVMM_VCPU_EXIT_HALTED);
	ATF_CHECK((vm_exit(vm)->exitstate.rflags & FL_IF) != 0);
	vm_inject(vm, INTR_EV, VEC, 0);
	interrupt_at(vm, G_CODE + 2);
	VM_PORT(vm, 0x80);
}

/* Many interrupts into a loop; none is lost or doubled. */
static void
many(struct vm *vm)
{
	unsigned i;

	VM_START(vm, VM_LONG, g_loop);
	for (i = 0; i < 200; i++) {
		vm_inject(vm, INTR_EV, (uint8_t)(32 + i), 0);
		VM_PORT(vm, PORT_TRAP);
		ATF_REQUIRE_EQ(32 + i,
		    vm_peek(vm, vm_reg(vm, R_RSP), 1));
	}
	ATF_REQUIRE_EQ(0, nvmm_vcpu_stop(&vm->cpus[0].v));
	VM_EXIT(vm, NVMM_VCPU_EXIT_STOPPED);
}

/* The handler of g_nmi, behind its code. */
static void
nmi_start(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_nmi);
	vm_gate(vm, VM_LONG, NMI, G_CODE + 64);
}

static void
nmi(struct vm *vm)
{

	nmi_start(vm);			/* with interrupts off */
	vm_inject(vm, INTR_EV, NMI, 0);
	VM_PORT(vm, 0x90);
	VM_CHECK_EQ(G_CODE, vm_peek(vm, vm_reg(vm, R_RSP), 8));
	VM_PORT(vm, 0x91);
	VM_PORT(vm, 0x80);
	VM_PORT(vm, 0x81);
}

/* A second NMI within the handler comes behind its IRET, and no third. */
static void
nmi_nested(struct vm *vm)
{

	nmi_start(vm);
	vm_inject(vm, INTR_EV, NMI, 0);
	VM_PORT(vm, 0x90);
	vm_inject(vm, INTR_EV, NMI, 0);
	VM_PORT(vm, 0x91);
	VM_PORT(vm, 0x90);
	VM_CHECK_EQ(G_CODE, vm_peek(vm, vm_reg(vm, R_RSP), 8));
	VM_PORT(vm, 0x91);
	VM_PORT(vm, 0x80);
	VM_PORT(vm, 0x81);
	VM_EXIT(vm, NVMM_VCPU_EXIT_HALTED);
}

/* The NMI window opens behind the IRET. */
static void
nmi_window(struct vm *vm)
{

	nmi_start(vm);
	vm_inject(vm, INTR_EV, NMI, 0);
	VM_PORT(vm, 0x90);
	vm_get(vm, INTR)->intr.nmi_window_exiting = 1;
	vm_set(vm, INTR);
	VM_PORT(vm, 0x91);
	ATF_CHECK(vm_exit(vm)->exitstate.nmi_window_exiting);
	VM_EXIT(vm, NVMM_VCPU_EXIT_NMI_READY);
	VM_CHECK_EQ(G_CODE, vm_reg(vm, R_RIP));
	ATF_CHECK_EQ(0, vm_reg(vm, R_RFLAGS) & FL_TF);
	VM_PORT(vm, 0x80);
}

/* An NMI waits for the end of a shadow; what that takes leaves no trace. */
static void
nmi_shadow(struct vm *vm)
{

	shadow_kept();
	nmi_start(vm);
	set_if(vm);
	vm_get(vm, INTR)->intr.int_shadow = 1;
	vm_set(vm, INTR);
	vm_inject(vm, INTR_EV, NMI, 0);
	VM_PORT(vm, 0x80);
	VM_PORT(vm, 0x90);
	VM_CHECK_EQ(G_CODE + 2, vm_peek(vm, vm_reg(vm, R_RSP), 8));
	VM_CHECK_EQ(FL_IF | 2, vm_peek(vm, vm_reg(vm, R_RSP) + 16, 8));
	VM_PORT(vm, 0x91);
	VM_PORT(vm, 0x81);
}

/* A page taken out of the guest, and given back. */
static void
page_out(struct vm *vm, uint64_t gpa)
{

	ATF_REQUIRE_EQ(0, nvmm_gpa_unmap(&vm->mach,
	    (uintptr_t)vm->ram + gpa, gpa, 4096));
}

static void
page_in(struct vm *vm, uint64_t gpa)
{

	ATF_REQUIRE_EQ(0, nvmm_gpa_map(&vm->mach, (uintptr_t)vm->ram + gpa,
	    gpa, 4096, RWX));
}

/*
 * An NMI waits for a shadow, and the instruction in it is not executed: its
 * frame is of the guest's flags. => The NMI is taken right behind it.
 */
static void
nmi_refused(struct vm *vm, uint64_t rip, unsigned vector)
{
	struct vm_trap t;

	vm_start_cpu(vm, 0, VM_LONG, rip);
	vm_get(vm, INTR)->intr.int_shadow = 1;
	vm_set(vm, INTR);
	vm_inject(vm, INTR_EV, NMI, 0);
	vm_trap(vm, &t);
	/* Where the processor has forgotten the shadow. */
	if (t.vector == NMI) {
		VM_CHECK_EQ(2, t.rflags & ~FL_RF);
		vm_trap(vm, &t);
	}
	ATF_CHECK_EQ_MSG(vector, t.vector, "vector %u, not %u", t.vector,
	    vector);
	VM_CHECK_EQ(2, t.rflags & ~FL_RF);
	VM_CHECK_EQ(rip, t.rip);
}

/* #UD, #PF and #GP of the instruction, and #UD that the driver answers with. */
static void
nmi_faults(struct vm *vm)
{
	static const uint8_t vmmcall[] = { 0x0f, 0x01, 0xd9 };

	VM_START(vm, VM_LONG, g_faults);
	nmi_refused(vm, G_CODE + 4, 6);
	nmi_refused(vm, G_CODE + 6, 14);
	VM_CHECK_EQ(0x900000, vm_get(vm, CRS)->crs[NVMM_X64_CR_CR2]);
	vm_poke(vm, G_CODE, vmmcall, sizeof(vmmcall));
	nmi_refused(vm, G_CODE, 6);
}

/*
 * #GP is under way, as its delivery met a missing page. An earlier one, and an
 * NMI, have touched all other pages: no exit comes by itself.
 */
static void
under_way(struct vm *vm)
{
	struct vm_trap t;

	nmi_start(vm);
	vm_inject(vm, INTR_EV, NMI, 0);
	VM_PORT(vm, 0x90);
	VM_PORT(vm, 0x91);
	VM_PORT(vm, 0x80);
	vm_inject(vm, EXCP, 13, 0x1238);
	vm_trap(vm, &t);
	ATF_CHECK_EQ(13, t.vector);
	vm_start_cpu(vm, 0, VM_LONG, G_CODE);
	vm_inject(vm, EXCP, 13, 0x1238);
	page_out(vm, G_IDT);
	VM_EXIT(vm, NVMM_VCPU_EXIT_MEMORY);
	page_in(vm, G_IDT);
}

static void
nmi_behind(struct vm *vm)
{

	under_way(vm);
	vm_inject(vm, INTR_EV, NMI, 0);
	VM_PORT(vm, 0x90);
	VM_PORT(vm, 0x91);
}

static void
nmi_window_behind(struct vm *vm)
{

	under_way(vm);
	vm_get(vm, INTR)->intr.nmi_window_exiting = 1;
	vm_set(vm, INTR);
	VM_EXIT(vm, NVMM_VCPU_EXIT_NMI_READY);
}

/* The delivery meets a page that is not there; then it is. */
static void
deliver_without(struct vm *vm, uint64_t page, bool write, unsigned vector,
    uint64_t error, uint64_t rip)
{
	struct vm_trap t;

	page_out(vm, page);
	VM_EXIT(vm, NVMM_VCPU_EXIT_MEMORY);
	VM_CHECK_EQ(page, vm_exit(vm)->u.mem.gpa & ~0xfffULL);
	ATF_CHECK_EQ(write, (vm_exit(vm)->u.mem.prot & NVMM_PROT_WRITE) != 0);
	page_in(vm, page);
	vm_trap(vm, &t);
	ATF_CHECK_EQ(vector, t.vector);
	VM_CHECK_EQ(error, t.error);
	VM_CHECK_EQ(rip, t.rip);
	VM_PORT(vm, 0x80);
	VM_CHECK_EQ(G_STACK, vm_reg(vm, R_RSP));
	VM_PORT(vm, 0x81);
}

#define STACK_PAGE	(G_STACK & ~0xfffULL)

static void
redeliver_excp(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_event64);
	vm_inject(vm, EXCP, 13, 0x1238);
	deliver_without(vm, G_IDT, false, 13, 0x1238, G_CODE);
}

static void
redeliver_excp_stack(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_event64);
	vm_inject(vm, EXCP, 6, 0);
	deliver_without(vm, STACK_PAGE, true, 6, 0, G_CODE);
}

static void
redeliver_intr(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_event64);
	set_if(vm);
	vm_inject(vm, INTR_EV, VEC, 0);
	deliver_without(vm, G_IDT, false, VEC, 0, G_CODE);
}

static void
redeliver_intr_stack(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_event64);
	set_if(vm);
	vm_inject(vm, INTR_EV, VEC, 0);
	deliver_without(vm, STACK_PAGE, true, VEC, 0, G_CODE);
}

static void
redeliver_nmi(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_event64);
	vm_inject(vm, INTR_EV, NMI, 0);
	deliver_without(vm, G_IDT, false, NMI, 0, G_CODE);
}

static void
redeliver_pae(struct vm *vm)
{

	VM_START(vm, VM_PAE, g_event32);
	vm_inject(vm, EXCP, 13, 0x1238);
	deliver_without(vm, G_IDT, false, 13, 0x1238, G_CODE);
}

/* What INT n and INT3 push is behind them, however often it was tried. */
static void
deliver_int(struct vm *vm, unsigned vector, uint64_t rip, unsigned port)
{
	struct vm_trap t;

	page_out(vm, G_IDT);
	VM_EXIT(vm, NVMM_VCPU_EXIT_MEMORY);
	page_in(vm, G_IDT);
	vm_trap(vm, &t);
	ATF_CHECK_EQ(vector, t.vector);
	VM_CHECK_EQ(rip, t.rip);
	VM_PORT(vm, port);
}

static void
redeliver_int(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_int);
	deliver_int(vm, 0x85, G_CODE + 2, 0x80);
	deliver_int(vm, 3, G_CODE + 5, 0x81);
}

static void
redeliver_int3(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_int);
	vm_gpr(vm, R_RIP, G_CODE + 4);
	deliver_int(vm, 3, G_CODE + 5, 0x81);
}

/* An injected #BP comes of no instruction that could be executed again. */
static void
redeliver_bp(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_event64);
	vm_inject(vm, EXCP, 3, 0);
	deliver_without(vm, G_IDT, false, 3, 0, G_CODE);
}

/*
 * An INT3 whose stack nobody has touched is not taken for the #BP that was
 * injected right before. The first round touches everything else.
 */
static void
bp_int3(struct vm *vm)
{
	unsigned i;

	VM_START(vm, VM_LONG, g_bp_int3);
	vm_gate(vm, VM_LONG, 3, G_CODE + 64);
	for (i = 1; i <= 5; i++) {
		vm_start_cpu(vm, 0, VM_LONG, G_CODE);
		vm_gpr(vm, R_RCX, G_HIGH + i * 0x1000 + 0xff0);
		vm_inject(vm, EXCP, 3, 0);
		VM_PORT(vm, 0x90);
		VM_CHECK_EQ(G_CODE + 4, vm_val(vm));
	}
}

/* A fault of the guest's own meets the missing page. */
static void
redeliver_fault(struct vm *vm)
{
	struct vm_trap t;

	VM_START(vm, VM_LONG, g_faults);
	page_out(vm, G_IDT);
	VM_EXIT(vm, NVMM_VCPU_EXIT_MEMORY);
	page_in(vm, G_IDT);
	vm_trap(vm, &t);
	ATF_CHECK_EQ(0, t.vector);
	VM_CHECK_EQ(G_CODE + 2, t.rip);
}

/* A stack and a table that nobody has touched yet cost no exit. */
static void
untouched(struct vm *vm)
{
	struct vm_trap t;

	VM_START(vm, VM_LONG, g_event64);
	vm_gpr(vm, R_RSP, G_HIGH + 0x100ff0);
	vm_inject(vm, EXCP, 13, 0x1238);
	vm_trap(vm, &t);
	ATF_CHECK_EQ(13, t.vector);
	VM_CHECK_EQ(0x1238, t.error);
	VM_PORT(vm, 0x80);
}

static void
int_n(struct vm *vm, enum vm_mode mode)
{
	struct vm_trap t;

	vm_trap(vm, &t);
	ATF_CHECK_EQ(0x85, t.vector);
	VM_CHECK_EQ(G_CODE + 2, t.rip);
	VM_PORT(vm, 0x80);
	vm_trap(vm, &t);
	ATF_CHECK_EQ(3, t.vector);
	VM_CHECK_EQ(G_CODE + 5, t.rip);
	VM_PORT(vm, 0x81);
	ATF_CHECK_EQ(mode, vm->mode);
}

static void
int_long(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_int);
	int_n(vm, VM_LONG);
}

static void
int_prot32(struct vm *vm)
{

	VM_START(vm, VM_PROT32, g_int32);
	int_n(vm, VM_PROT32);
}

/* #UD first has touched the memory that the delivery takes. */
static void
touch(struct vm *vm)
{
	struct vm_trap t;

	vm_inject(vm, EXCP, 6, 0);
	vm_trap(vm, &t);
	check_frame(vm, &t, 6, G_CODE);
}

static void
int_touched(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_int);
	touch(vm);
	int_n(vm, VM_LONG);
	VM_START(vm, VM_PROT32, g_int32);
	touch(vm);
	int_n(vm, VM_PROT32);
}

#define EXCEPTIONS	"Exceptions 0 to 30 arrive, with their error codes"
#define LATE		"So do those of late: 21, 29 and 30"
#define INTERRUPTS	"An interrupt arrives, and the guest goes on"
#define AGAIN		"A delivery meets a missing page, and happens once"

static const struct vm_case table[] = {
	{ "excp_real", EXCEPTIONS, MUST, MUST, NULL, excp_real, 0 },
	{ "excp_prot32", EXCEPTIONS, MUST, MUST, "32-bit IRET",
	  excp_prot32, 0 },
	{ "excp_pae", EXCEPTIONS, MUST, MUST, "PAE", excp_pae, 0 },
	{ "excp_long", EXCEPTIONS, MUST, MUST, NULL, excp_long, 0 },
	{ "late_prot32", LATE, MUST, MUST, "32-bit IRET", late_prot32, 0 },
	{ "late_long", LATE, MUST, MUST, NULL, late_long, 0 },
	{ "excp_user", "An exception into ring 3", MUST, MUST, NULL, excp_user,
	  0 },
	{ "excp_cr2", "#PF with the CR2 that the owner set", MUST, MUST, NULL,
	  excp_cr2, 0 },
	{ "excp_none", "What is no exception is refused", MUST, MUST, NULL,
	  excp_none, 0 },
	{ "faults", "The guest's own faults", MUST, MUST, NULL, faults, 0 },
	{ "intr_real", INTERRUPTS, MUST, MUST, NULL, intr_real, 0 },
	{ "intr_prot16", INTERRUPTS, MUST, MUST, "32-bit IRET",
	  intr_prot16, 0 },
	{ "intr_prot32", INTERRUPTS, MUST, MUST, "32-bit IRET",
	  intr_prot32, 0 },
	{ "intr_pae", INTERRUPTS, MUST, MUST, "PAE", intr_pae, 0 },
	{ "intr_compat", INTERRUPTS, MUST, MUST, NULL, intr_compat, 0 },
	{ "intr_long", INTERRUPTS, MUST, MUST, NULL, intr_long, 0 },
	{ "intr_stopped", INTERRUPTS, MUST, MUST, "interrupt window",
	  intr_stopped, 0 },
	{ "delayed_if", "An interrupt waits for RFLAGS.IF", MUST, MUST,
	  "interrupt window", delayed_if, 0 },
	{ "delayed_sti", "An interrupt waits for STI's shadow to end", MUST,
	  MUST, "interrupt window", delayed_sti, 0 },
	{ "window_sti", "The window waits for STI's shadow to end", MUST, MUST,
	  "interrupt window", window_sti, 0 },
	{ "shadow_movss", "The shadow of MOV SS is in the exit", MUST,
	  "KVM's exits of OUT come after it", NULL, shadow_movss, 0 },
	{ "shadow_assist", "An assist ends the shadow, as the instruction does",
	  MUST, MUST, "interrupt window", shadow_assist, 0 },
	{ "shadow_state", "No interrupt is taken in a shadow that is set", MUST,
	  MUST, "interrupt window", shadow_state, 0 },
	{ "delayed_tpr", "CR8 is in every exit, for the owner to wait", MUST,
	  MUST, NULL, delayed_tpr, 0 },
	{ "tpr_waits", "An interrupt that is injected waits for CR8", MUST,
	  "KVM without its APIC leaves priorities to the owner", NULL,
	  tpr_waits, 0 },
	{ "tpr_off", "CR8 changes with interrupts off", MUST,
	  "KVM without its APIC leaves priorities to the owner", NULL,
	  tpr_off, 0 },
	{ "wakes", "An interrupt ends a HLT", MUST, MUST, NULL, wakes, 0 },
	{ "many", "Many interrupts in a loop, none lost", MUST, MUST, NULL,
	  many, 0 },
	{ "nmi", "An NMI arrives with interrupts off", MUST, MUST, NULL, nmi,
	  0 },
	{ "nmi_nested", "NMIs are blocked until IRET", MUST, MUST,
	  "nested NMIs", nmi_nested, 0 },
	{ "nmi_window", "The NMI window waits for IRET", MUST,
	  "KVM does not tell", NULL, nmi_window, 0 },
	{ "nmi_shadow", "An NMI waits for the shadow to end", MUST, MUST,
	  "interrupt window", nmi_shadow, 0 },
	{ "nmi_faults", "An NMI waits for a shadow whose instruction faults",
	  MUST, STEPS, NULL, nmi_faults, 0 },
	{ "nmi_behind", "An NMI is taken right behind a delivery", MUST,
	  DELIVERS, NULL, nmi_behind, 0 },
	{ "nmi_window_behind", "The NMI window opens right behind a delivery",
	  MUST, "KVM does not tell", NULL, nmi_window_behind, 0 },
	{ "redeliver_excp", AGAIN, MUST, DELIVERS, NULL, redeliver_excp, 0 },
	{ "redeliver_excp_stack", AGAIN, MUST, DELIVERS, NULL,
	  redeliver_excp_stack, 0 },
	{ "redeliver_intr", AGAIN, MUST, DELIVERS, NULL, redeliver_intr, 0 },
	{ "redeliver_intr_stack", AGAIN, MUST, DELIVERS, NULL,
	  redeliver_intr_stack, 0 },
	{ "redeliver_nmi", AGAIN, MUST, DELIVERS, NULL, redeliver_nmi, 0 },
	{ "redeliver_pae", AGAIN, MUST, DELIVERS, NULL, redeliver_pae, 0 },
	{ "redeliver_int", AGAIN, MUST, DELIVERS, NULL, redeliver_int, 0 },
	{ "redeliver_int3", AGAIN, MUST, DELIVERS, NULL, redeliver_int3, 0 },
	{ "redeliver_bp", AGAIN, MUST, DELIVERS, NULL, redeliver_bp, 0 },
	{ "bp_int3", "INT3 right behind an injected #BP", MUST,
	  "KVM takes an injected #BP for INT3", NULL, bp_int3, 0 },
	{ "redeliver_fault", AGAIN, MUST, DELIVERS, NULL, redeliver_fault, 0 },
	{ "untouched", "A delivery touches memory for the first time", MUST,
	  MUST, NULL, untouched, 0 },
	{ "int_long", "INT n and INT3", MUST, MUST, "INT n", int_long, 0 },
	{ "int_prot32", "INT n and INT3", MUST, MUST, "INT n",
	  int_prot32, 0 },
	{ "int_touched", "INT n and INT3, all their memory being there", MUST,
	  "int_long is the same there", NULL, int_touched, 0 },
};

VM_CASES("events", table)
