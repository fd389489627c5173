/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * MSRs that leave to the owner: it sees the VCPU at the instruction and decides
 * all, whatever KVM would make of it.
 */

#include <string.h>

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
#define RAX	NVMM_X64_GPR_RAX
#define RBX	NVMM_X64_GPR_RBX
#define RDX	NVMM_X64_GPR_RDX
#define RIP	NVMM_X64_GPR_RIP

#define RDMSR_AT	(KVM_CODE + 6)

/* mov ecx,msr; then 0F 32 or 0F 30; out 0x42,al */
static void
msr_code(struct guest *g, uint32_t msr, bool write)
{

	CODE(g, 0x66, 0xB9, (uint8_t)msr, (uint8_t)(msr >> 8),
	    (uint8_t)(msr >> 16), (uint8_t)(msr >> 24), 0x0F,
	    write ? 0x30 : 0x32, 0xE6, 0x42);
}

static void
require_msr_exit(void)
{
	struct nvmm_ioc_capability ioc;

	ATF_REQUIRE_EQ(0, nvmm_hosted_request(NVMM_IOC_CAPABILITY, &ioc));
	if ((ioc.cap.arch.impl_caps & NVMM_IMPL_MSR_EXIT) == 0)
		atf_tc_skip("KVM here has no exits for MSRs");
}

/* Run to the exit, and check that the VCPU stands at the instruction. */
static struct nvmm_x64_state *
rdmsr_exit(struct guest *g, uint32_t msr)
{
	struct nvmm_x64_state *state;

	ATF_REQUIRE_EQ(NVMM_VCPU_EXIT_RDMSR, guest_exit(g));
	ATF_CHECK_EQ(msr, g->comm[0]->exit.u.rdmsr.msr);
	ATF_CHECK_EQ(RDMSR_AT + 2, g->comm[0]->exit.u.rdmsr.npc);
	state = guest_get(g, GPRS);
	ATF_CHECK_EQ(RDMSR_AT, state->gprs[RIP]);
	return state;
}

CASE(rdmsr, "RDMSR takes what the owner puts in RAX and RDX")
{
	struct nvmm_x64_state *state;
	struct guest g;

	(void)tc;
	guest_create(&g);
	require_msr_exit();
	msr_code(&g, 0x9999, false);
	state = rdmsr_exit(&g, 0x9999);
	state->gprs[RAX] = 0x11223344;
	state->gprs[RDX] = 0x55667788;
	state->gprs[RIP] = g.comm[0]->exit.u.rdmsr.npc;
	guest_set(&g, GPRS);
	ATF_REQUIRE_EQ(KVM_PORT, guest_port(&g));
	state = guest_get(&g, GPRS);
	ATF_CHECK_EQ(0x11223344, state->gprs[RAX]);
	ATF_CHECK_EQ(0x55667788, state->gprs[RDX]);
	ATF_CHECK_EQ(RDMSR_AT + 4, state->gprs[RIP]);
	guest_destroy(&g);
}

CASE(rdmsr_more, "The owner may set other registers than RDMSR would")
{
	struct nvmm_x64_state *state;
	struct guest g;

	(void)tc;
	guest_create(&g);
	require_msr_exit();
	msr_code(&g, 0x9999, false);
	state = rdmsr_exit(&g, 0x9999);
	state->gprs[RAX] = 0x1122334455;
	state->gprs[RBX] = 0x77;
	state->gprs[RIP] = g.comm[0]->exit.u.rdmsr.npc;
	guest_set(&g, GPRS);
	ATF_REQUIRE_EQ(KVM_PORT, guest_port(&g));
	state = guest_get(&g, GPRS);
	ATF_CHECK_EQ(0x1122334455, state->gprs[RAX]);
	ATF_CHECK_EQ(0x77, state->gprs[RBX]);
	guest_destroy(&g);
}

CASE(rdmsr_groups, "Other groups set at an MSR exit do not disturb the answer")
{
	struct nvmm_x64_state *state;
	struct guest g;

	(void)tc;
	guest_create(&g);
	require_msr_exit();
	msr_code(&g, 0x9999, false);
	(void)rdmsr_exit(&g, 0x9999);
	state = guest_get(&g, NVMM_X64_STATE_ALL);
	state->gprs[RAX] = 0x12;
	state->gprs[RIP] = g.comm[0]->exit.u.rdmsr.npc;
	state->crs[NVMM_X64_CR_CR2] = 0x1234000;
	guest_set(&g, NVMM_X64_STATE_ALL);
	ATF_REQUIRE_EQ(KVM_PORT, guest_port(&g));
	state = guest_get(&g, GPRS | NVMM_X64_STATE_CRS);
	ATF_CHECK_EQ(0x12, state->gprs[RAX]);
	ATF_CHECK_EQ(0x1234000, state->crs[NVMM_X64_CR_CR2]);
	guest_destroy(&g);
}

CASE(rdmsr_again, "An MSR exit that is not answered comes again")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	require_msr_exit();
	msr_code(&g, 0x9999, false);
	(void)rdmsr_exit(&g, 0x9999);
	(void)rdmsr_exit(&g, 0x9999);
	(void)rdmsr_exit(&g, 0x9999);
	guest_destroy(&g);
}

CASE(rdmsr_gp, "The owner may answer an MSR with #GP")
{
	struct nvmm_x64_state *state;
	struct guest g;
	uint32_t stack[2];

	(void)tc;
	guest_create(&g);
	require_msr_exit();
	guest_protected(&g, 0x2000);
	memcpy(g.ram + 0x2000, "\xE6\x43\xF4", 3);
	/* mov ecx,0x9999; rdmsr */
	CODE(&g, 0xB9, 0x99, 0x99, 0, 0, 0x0F, 0x32);
	ATF_REQUIRE_EQ(NVMM_VCPU_EXIT_RDMSR, guest_exit(&g));
	ATF_REQUIRE_EQ(0, guest_inject(&g, NVMM_VCPU_EVENT_EXCP, 13, 0));
	ATF_REQUIRE_EQ(0x43, guest_port(&g));
	state = guest_get(&g, GPRS);
	memcpy(stack, g.ram + state->gprs[NVMM_X64_GPR_RSP], sizeof(stack));
	ATF_CHECK_EQ(0, stack[0]);
	ATF_CHECK_EQ(KVM_CODE + 5, stack[1]);
	guest_destroy(&g);
}

CASE(wrmsr, "WRMSR shows its value, and is over when RIP is moved on")
{
	struct nvmm_x64_state *state;
	struct guest g;

	(void)tc;
	guest_create(&g);
	require_msr_exit();
	msr_code(&g, 0x9999, true);
	state = guest_get(&g, GPRS);
	state->gprs[RAX] = 0x11223344;
	state->gprs[RDX] = 0x55667788;
	guest_set(&g, GPRS);
	ATF_REQUIRE_EQ(NVMM_VCPU_EXIT_WRMSR, guest_exit(&g));
	ATF_CHECK_EQ(0x9999, g.comm[0]->exit.u.wrmsr.msr);
	ATF_CHECK_EQ(0x5566778811223344, g.comm[0]->exit.u.wrmsr.val);
	state = guest_get(&g, GPRS);
	ATF_CHECK_EQ(RDMSR_AT, state->gprs[RIP]);
	state->gprs[RIP] = g.comm[0]->exit.u.wrmsr.npc;
	guest_set(&g, GPRS);
	ATF_REQUIRE_EQ(KVM_PORT, guest_port(&g));
	ATF_CHECK_EQ(0x11223344, guest_get(&g, GPRS)->gprs[RAX]);
	guest_destroy(&g);
}

CASE(apic_msrs, "The local APIC's MSRs leave to the owner")
{
	struct nvmm_x64_state *state;
	struct guest g;

	(void)tc;
	guest_create(&g);
	require_msr_exit();
	msr_code(&g, 0x1B, false);
	state = rdmsr_exit(&g, 0x1B);
	state->gprs[RAX] = 0xFEE00900;
	state->gprs[RIP] += 2;
	guest_set(&g, GPRS);
	ATF_REQUIRE_EQ(KVM_PORT, guest_port(&g));
	msr_code(&g, 0x6E0, true);
	ATF_REQUIRE_EQ(NVMM_VCPU_EXIT_WRMSR, guest_exit(&g));
	ATF_CHECK_EQ(0x6E0, g.comm[0]->exit.u.wrmsr.msr);
	guest_destroy(&g);
}

CASE(known, "MSRs that KVM knows do not leave")
{
	struct nvmm_x64_state *state;
	struct guest g;

	(void)tc;
	guest_create(&g);
	msr_code(&g, 0xC0000082, true);
	state = guest_get(&g, GPRS);
	state->gprs[RAX] = 0x11223344;
	guest_set(&g, GPRS);
	ATF_REQUIRE_EQ(KVM_PORT, guest_port(&g));
	state = guest_get(&g, NVMM_X64_STATE_MSRS);
	ATF_CHECK_EQ(0x11223344, state->msrs[NVMM_X64_MSR_LSTAR]);
	guest_destroy(&g);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, rdmsr);
	ATF_TP_ADD_TC(tp, rdmsr_more);
	ATF_TP_ADD_TC(tp, rdmsr_groups);
	ATF_TP_ADD_TC(tp, rdmsr_again);
	ATF_TP_ADD_TC(tp, rdmsr_gp);
	ATF_TP_ADD_TC(tp, wrmsr);
	ATF_TP_ADD_TC(tp, apic_msrs);
	ATF_TP_ADD_TC(tp, known);

	return atf_no_error();
}
