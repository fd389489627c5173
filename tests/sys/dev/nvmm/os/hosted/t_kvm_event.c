/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Events: exceptions, interrupts that wait for their window, NMIs, the window
 * itself, the shadow and CR8.
 */

#include <linux/kvm.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "h_kvm.h"

#define CASE(name, text)						\
	ATF_TC(name);							\
	ATF_TC_HEAD(name, tc)						\
	{								\
		atf_tc_set_md_var(tc, "descr", "%s", text);		\
	}								\
	ATF_TC_BODY(name, tc)

#define GPRS	NVMM_X64_STATE_GPRS
#define CRS	NVMM_X64_STATE_CRS
#define INTR	NVMM_X64_STATE_INTR

#define HANDLER	0x2000
#define IF	0x200

/* In real mode, all vectors lead to: out 0x99,al; iret. */
static void
handlers(struct guest *g)
{
	const uint32_t vector = HANDLER;
	unsigned i;

	for (i = 0; i < 256; i++)
		memcpy(g->ram + i * sizeof(vector), &vector, sizeof(vector));
	memcpy(g->ram + HANDLER, "\xE6\x99\xCF", 3);
}

/* In protected mode, all vectors lead to: out 0x99,al; hlt. */
static void
gates(struct guest *g)
{

	guest_protected(g, HANDLER);
	memcpy(g->ram + HANDLER, "\xE6\x99\xF4", 3);
}

static void
set_if(struct guest *g)
{

	guest_get(g, GPRS)->gprs[NVMM_X64_GPR_RFLAGS] |= IF;
	guest_set(g, GPRS);
}

static void
want_window(struct guest *g)
{

	guest_get(g, INTR)->intr.int_window_exiting = 1;
	guest_set(g, INTR);
}

CASE(interrupt, "An interrupt that can be taken is taken at once")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	handlers(&g);
	CODE(&g, 0xE6, 0x42);
	set_if(&g);
	ATF_REQUIRE_EQ(0, guest_inject(&g, NVMM_VCPU_EVENT_INTR, 0x30, 0));
	ATF_CHECK_EQ(0x99, guest_port(&g));
	ATF_CHECK_EQ(0, g.comm[0]->exit.exitstate.rflags & IF);
	ATF_CHECK_EQ(0, g.comm[0]->exit.exitstate.evt_pending);
	ATF_CHECK_EQ(0x42, guest_port(&g));
	ATF_CHECK_EQ(IF, g.comm[0]->exit.exitstate.rflags & IF);
	guest_destroy(&g);
}

CASE(interrupt_waits, "An interrupt waits until the guest takes it")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	handlers(&g);
	/* out 0x42; sti; nop; nop; out 0x43 */
	CODE(&g, 0xE6, 0x42, 0xFB, 0x90, 0x90, 0xE6, 0x43, 0xE6, 0x44);
	ATF_REQUIRE_EQ(0, guest_inject(&g, NVMM_VCPU_EVENT_INTR, 0x30, 0));
	ATF_CHECK_EQ(0x42, guest_port(&g));
	ATF_CHECK_EQ(1, g.comm[0]->exit.exitstate.evt_pending);
	/* A KVM that interprets may be late by an exit. */
	if (guest_port(&g) == 0x43)
		ATF_REQUIRE_EQ(0x99, guest_port(&g));
	else
		ATF_REQUIRE_EQ(0x99, g.comm[0]->exit.u.io.port);
	guest_destroy(&g);
}

CASE(interrupt_spin, "An interrupt that waits finds a loop without exits")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	handlers(&g);
	/* sti; nop; jmp to itself */
	CODE(&g, 0xFB, 0x90, 0xEB, 0xFE);
	ATF_REQUIRE_EQ(0, guest_inject(&g, NVMM_VCPU_EVENT_INTR, 0x30, 0));
	alarm(5);
	ATF_CHECK_EQ(0x99, guest_port(&g));
	alarm(0);
	guest_destroy(&g);
}

CASE(window_spin, "The window's exit comes out of a loop without others")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	CODE(&g, 0xFB, 0x90, 0xEB, 0xFE);
	want_window(&g);
	alarm(5);
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_INT_READY, guest_exit(&g));
	alarm(0);
	guest_destroy(&g);
}

CASE(interrupt_wakes, "An interrupt that waits ends a HLT")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	handlers(&g);
	/* sti; hlt; out 0x43 */
	CODE(&g, 0xFB, 0xF4, 0xE6, 0x43);
	ATF_REQUIRE_EQ(0, guest_inject(&g, NVMM_VCPU_EVENT_INTR, 0x30, 0));
	ATF_CHECK_EQ(0x99, guest_port(&g));
	ATF_CHECK_EQ(0x43, guest_port(&g));
	guest_destroy(&g);
}

CASE(window, "EXIT_INT_READY comes once, when interrupts can be taken")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	handlers(&g);
	/* out 0x42; sti; nop; out 0x43; out 0x44 */
	CODE(&g, 0xE6, 0x42, 0xFB, 0x90, 0xE6, 0x43, 0xE6, 0x44);
	want_window(&g);
	ATF_CHECK_EQ(1, guest_get(&g, INTR)->intr.int_window_exiting);
	ATF_CHECK_EQ(0x42, guest_port(&g));
	ATF_CHECK_EQ(1, g.comm[0]->exit.exitstate.int_window_exiting);
	if (guest_exit(&g) == NVMM_VCPU_EXIT_IO) {
		ATF_CHECK_EQ(0x43, g.comm[0]->exit.u.io.port);
		ATF_CHECK_EQ(NVMM_VCPU_EXIT_INT_READY, guest_exit(&g));
	} else {
		ATF_REQUIRE_EQ(NVMM_VCPU_EXIT_INT_READY,
		    g.comm[0]->exit.reason);
		ATF_CHECK_EQ(0x43, guest_port(&g));
	}
	ATF_CHECK_EQ(0, g.comm[0]->exit.exitstate.int_window_exiting);
	ATF_CHECK_EQ(0x44, guest_port(&g));
	guest_destroy(&g);
}

CASE(window_open, "A window that is open already is told at once")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	handlers(&g);
	CODE(&g, 0xE6, 0x42);
	set_if(&g);
	want_window(&g);
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_INT_READY, guest_exit(&g));
	ATF_CHECK_EQ(KVM_CODE, guest_get(&g, GPRS)->gprs[NVMM_X64_GPR_RIP]);
	ATF_REQUIRE_EQ(0, guest_inject(&g, NVMM_VCPU_EVENT_INTR, 0x30, 0));
	ATF_CHECK_EQ(0x99, guest_port(&g));
	ATF_CHECK_EQ(0x42, guest_port(&g));
	guest_destroy(&g);
}

CASE(window_access, "The window opens after an access, which is not lost")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	handlers(&g);
	/* in al,0x42; out 0x43,al */
	CODE(&g, 0xE4, 0x42, 0xE6, 0x43);
	set_if(&g);
	ATF_CHECK_EQ(0x42, guest_port(&g));
	guest_answer(&g, 0x5A);
	want_window(&g);
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_INT_READY, guest_exit(&g));
	ATF_CHECK_EQ(0x5A, guest_get(&g, GPRS)->gprs[NVMM_X64_GPR_RAX]);
	ATF_CHECK_EQ(0x43, guest_port(&g));
	guest_destroy(&g);
}

CASE(access_interrupt, "An interrupt after an access comes behind it")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	handlers(&g);
	CODE(&g, 0xE4, 0x42, 0xE6, 0x43);
	set_if(&g);
	ATF_CHECK_EQ(0x42, guest_port(&g));
	guest_answer(&g, 0x5A);
	ATF_REQUIRE_EQ(0, guest_inject(&g, NVMM_VCPU_EVENT_INTR, 0x30, 0));
	ATF_CHECK_EQ(0x99, guest_port(&g));
	ATF_CHECK_EQ(0x5A, guest_get(&g, GPRS)->gprs[NVMM_X64_GPR_RAX]);
	ATF_CHECK_EQ(0x43, guest_port(&g));
	guest_destroy(&g);
}

CASE(shadow, "No interrupt is taken in a shadow")
{
	struct nvmm_x64_state *state;
	struct guest g;

	(void)tc;
	guest_create(&g);
	handlers(&g);
	CODE(&g, 0xE6, 0x42, 0xE6, 0x43, 0x90, 0xE6, 0x44);
	set_if(&g);
	state = guest_get(&g, INTR);
	ATF_CHECK_EQ(0, state->intr.int_shadow);
	state->intr.int_shadow = 1;
	guest_set(&g, INTR);
	ATF_CHECK_EQ(1, guest_get(&g, INTR)->intr.int_shadow);
	ATF_REQUIRE_EQ(0, guest_inject(&g, NVMM_VCPU_EVENT_INTR, 0x30, 0));
	ATF_CHECK_EQ(0x42, guest_port(&g));
	ATF_CHECK_EQ(0x99, guest_port(&g));
	guest_destroy(&g);
}

CASE(exception, "An exception arrives with its error code")
{
	struct guest g;
	uint32_t stack[2];

	(void)tc;
	guest_create(&g);
	gates(&g);
	CODE(&g, 0xE6, 0x42);
	ATF_REQUIRE_EQ(0, guest_inject(&g, NVMM_VCPU_EVENT_EXCP, 13, 0x1238));
	ATF_CHECK_EQ(EAGAIN, guest_inject(&g, NVMM_VCPU_EVENT_EXCP, 6, 0));
	ATF_REQUIRE_EQ(0x99, guest_port(&g));
	memcpy(stack, g.ram + guest_get(&g, GPRS)->gprs[NVMM_X64_GPR_RSP], 8);
	ATF_CHECK_EQ(0x1238, stack[0]);
	ATF_CHECK_EQ(KVM_CODE, stack[1]);
	guest_destroy(&g);
}

CASE(exception_plain, "An exception without error code pushes none")
{
	struct guest g;
	uint32_t stack[1];

	(void)tc;
	guest_create(&g);
	gates(&g);
	CODE(&g, 0xE6, 0x42);
	ATF_REQUIRE_EQ(0, guest_inject(&g, NVMM_VCPU_EVENT_EXCP, 6, 0x1238));
	ATF_REQUIRE_EQ(0x99, guest_port(&g));
	memcpy(stack, g.ram + guest_get(&g, GPRS)->gprs[NVMM_X64_GPR_RSP], 4);
	ATF_CHECK_EQ(KVM_CODE, stack[0]);
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_HALTED, guest_exit(&g));
	guest_destroy(&g);
}

CASE(exception_pf, "#PF arrives with the CR2 that the owner set")
{
	struct nvmm_x64_state *state;
	struct guest g;

	(void)tc;
	guest_create(&g);
	gates(&g);
	CODE(&g, 0xE6, 0x42);
	state = guest_get(&g, CRS);
	state->crs[NVMM_X64_CR_CR2] = 0xDEADB000;
	guest_set(&g, CRS);
	ATF_REQUIRE_EQ(0, guest_inject(&g, NVMM_VCPU_EVENT_EXCP, 14, 2));
	ATF_REQUIRE_EQ(0x99, guest_port(&g));
	ATF_CHECK_EQ(0xDEADB000, guest_get(&g, CRS)->crs[NVMM_X64_CR_CR2]);
	guest_destroy(&g);
}

CASE(exception_none, "What is no exception is refused")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	ATF_CHECK_EQ(EINVAL, guest_inject(&g, NVMM_VCPU_EVENT_EXCP, 2, 0));
	ATF_CHECK_EQ(EINVAL, guest_inject(&g, NVMM_VCPU_EVENT_EXCP, 32, 0));
	ATF_CHECK_EQ(EINVAL, guest_inject(&g, 7, 13, 0));
	guest_destroy(&g);
}

CASE(nmi, "An NMI arrives with interrupts off")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	handlers(&g);
	CODE(&g, 0xE6, 0x42);
	ATF_REQUIRE_EQ(0, guest_inject(&g, NVMM_VCPU_EVENT_INTR, 2, 0));
	ATF_CHECK_EQ(0x99, guest_port(&g));
	ATF_CHECK_EQ(0x42, guest_port(&g));
	guest_destroy(&g);
}

CASE(nmi_window, "KVM has no NMI window, and says so")
{
	struct nvmm_ioc_capability ioc;
	struct guest g;

	(void)tc;
	guest_create(&g);
	ATF_REQUIRE_EQ(0, nvmm_hosted_request(NVMM_IOC_CAPABILITY, &ioc));
	ATF_CHECK_EQ(0, ioc.cap.arch.impl_caps & NVMM_IMPL_NMI_WINDOW);
	guest_get(&g, INTR)->intr.nmi_window_exiting = 1;
	ATF_CHECK_EQ(ENOTSUP, guest_setstate(&g, 0, INTR));
	guest_destroy(&g);
}

CASE(cr8, "CR8 goes both ways and is in every exit state")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	CODE(&g, 0xE6, 0x42, 0xE6, 0x43);
	guest_get(&g, CRS)->crs[NVMM_X64_CR_CR8] = 5;
	guest_set(&g, CRS);
	ATF_CHECK_EQ(5, guest_get(&g, CRS)->crs[NVMM_X64_CR_CR8]);
	ATF_CHECK_EQ(0x42, guest_port(&g));
	ATF_CHECK_EQ(5, g.comm[0]->exit.exitstate.cr8);
	ATF_CHECK_EQ(5, guest_get(&g, CRS)->crs[NVMM_X64_CR_CR8]);
	guest_get(&g, CRS)->crs[NVMM_X64_CR_CR8] = 16;
	ATF_CHECK_EQ(EINVAL, guest_setstate(&g, 0, CRS));
	ATF_CHECK_EQ(0x43, guest_port(&g));
	ATF_CHECK_EQ(5, g.comm[0]->exit.exitstate.cr8);
	guest_destroy(&g);
}

static struct guest *stopped;

/* The stop comes after KVM has taken the interrupt, before the guest has. */
static void
stop_at_interrupt(unsigned long req, const void *arg)
{

	(void)arg;
	if (req == KVM_INTERRUPT)
		__atomic_store_n(&stopped->comm[0]->stop, 1, __ATOMIC_SEQ_CST);
}

CASE(interrupt_stopped, "A run stopped before an interrupt is in shows it pending")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	handlers(&g);
	CODE(&g, 0xE6, 0x42);
	set_if(&g);
	ATF_REQUIRE_EQ(0, guest_inject(&g, NVMM_VCPU_EVENT_INTR, 0x30, 0));
	stopped = &g;
	kvm_hook = stop_at_interrupt;
	ATF_REQUIRE_EQ(NVMM_VCPU_EXIT_STOPPED, guest_exit(&g));
	kvm_hook = NULL;
	ATF_CHECK(g.comm[0]->exit.exitstate.evt_pending);
	ATF_CHECK_EQ(IF, g.comm[0]->exit.exitstate.rflags & IF);
	ATF_CHECK_EQ(0x99, guest_port(&g));
	ATF_CHECK(!g.comm[0]->exit.exitstate.evt_pending);
	guest_destroy(&g);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, interrupt);
	ATF_TP_ADD_TC(tp, interrupt_stopped);
	ATF_TP_ADD_TC(tp, interrupt_waits);
	ATF_TP_ADD_TC(tp, interrupt_spin);
	ATF_TP_ADD_TC(tp, window_spin);
	ATF_TP_ADD_TC(tp, interrupt_wakes);
	ATF_TP_ADD_TC(tp, window);
	ATF_TP_ADD_TC(tp, window_open);
	ATF_TP_ADD_TC(tp, window_access);
	ATF_TP_ADD_TC(tp, access_interrupt);
	ATF_TP_ADD_TC(tp, shadow);
	ATF_TP_ADD_TC(tp, exception);
	ATF_TP_ADD_TC(tp, exception_plain);
	ATF_TP_ADD_TC(tp, exception_pf);
	ATF_TP_ADD_TC(tp, exception_none);
	ATF_TP_ADD_TC(tp, nmi);
	ATF_TP_ADD_TC(tp, nmi_window);
	ATF_TP_ADD_TC(tp, cr8);

	return atf_no_error();
}
