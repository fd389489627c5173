/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Exits that carry no access: HLT, shutdown, what KVM cannot carry out, and what
 * every exit tells.
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

CASE(halted, "HLT leaves as EXIT_HALTED, behind the instruction")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	CODE(&g, 0x90, 0xF4);
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_HALTED, guest_exit(&g));
	ATF_CHECK_EQ(KVM_CODE + 2, guest_get(&g, GPRS)->gprs[NVMM_X64_GPR_RIP]);
	guest_destroy(&g);
}

/* A KVM that interprets may call it an error of its own. */
CASE(shutdown, "A triple fault leaves as EXIT_SHUTDOWN")
{
	struct nvmm_x64_state *state;
	struct guest g;

	(void)tc;
	guest_create(&g);
	guest_protected(&g, 0);
	CODE(&g, 0x0F, 0x0B);
	state = guest_get(&g, NVMM_X64_STATE_SEGS);
	state->segs[NVMM_X64_SEG_IDT].limit = 0;
	guest_set(&g, NVMM_X64_STATE_SEGS);
	if (guest_exit(&g) == NVMM_VCPU_EXIT_INVALID)
		atf_tc_skip("KVM here ends a triple fault in an error of its "
		    "own, %#llx",
		    (unsigned long long)g.comm[0]->exit.u.inv.hwcode);
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_SHUTDOWN, g.comm[0]->exit.reason);
	guest_destroy(&g);
}

CASE(invalid, "What KVM cannot carry out says where, and which bytes")
{
	const struct nvmm_x86_exit_invalid *inv;
	struct guest g;

	(void)tc;
	guest_create(&g);
	guest_protected(&g, 0);
	/* jmp to where nothing is linked */
	CODE(&g, 0xB8, 0x00, 0x00, 0x20, 0x00, 0xFF, 0xE0);
	ATF_REQUIRE_EQ(NVMM_VCPU_EXIT_INVALID, guest_exit(&g));
	inv = &g.comm[0]->exit.u.inv;
	ATF_CHECK_EQ(NVMM_HWCODE_KVM_INTERNAL,
	    inv->hwcode & NVMM_HWCODE_CLASS);
	ATF_CHECK(inv->rip == 0x200000);
	guest_destroy(&g);
}

CASE(invalid_bytes, "An instruction that KVM does not know is shown")
{
	const struct nvmm_x86_exit_invalid *inv;
	struct guest g;

	(void)tc;
	guest_create(&g);
	guest_protected(&g, 0);
	guest_get(&g, NVMM_X64_STATE_CRS)->crs[NVMM_X64_CR_CR4] = 0x600;
	guest_set(&g, NVMM_X64_STATE_CRS);
	/* addps xmm0,[0x200000], where nothing is linked */
	CODE(&g, 0x0F, 0x58, 0x05, 0x00, 0x00, 0x20, 0x00);
	if (guest_exit(&g) != NVMM_VCPU_EXIT_INVALID)
		atf_tc_skip("KVM here carries it out");
	inv = &g.comm[0]->exit.u.inv;
	ATF_CHECK_EQ(KVM_CODE, inv->rip);
	ATF_REQUIRE(inv->inst_len >= 3);
	ATF_CHECK_EQ(0, memcmp(inv->inst_bytes, "\x0F\x58\x05", 3));
	guest_destroy(&g);
}

CASE(exitstate, "Every exit tells RFLAGS whole")
{
	struct nvmm_x64_state *state;
	struct guest g;

	(void)tc;
	guest_create(&g);
	CODE(&g, 0xE6, 0x42);
	state = guest_get(&g, GPRS);
	state->gprs[NVMM_X64_GPR_RFLAGS] = 0x8D7;
	guest_set(&g, GPRS);
	ATF_CHECK_EQ(0x42, guest_port(&g));
	ATF_CHECK_EQ(0x8D7, g.comm[0]->exit.exitstate.rflags);
	guest_destroy(&g);
}

CASE(stats, "Exits are counted by reason")
{
	struct nvmm_ctl_vcpu_stats stats;
	struct nvmm_ioc_ctl ioc = {
		.op = NVMM_CTL_VCPU_STATS,
		.data = &stats,
		.size = sizeof(stats),
	};
	struct guest g;

	(void)tc;
	guest_create(&g);
	CODE(&g, 0xE6, 0x42, 0xE6, 0x42);
	ATF_CHECK_EQ(0x42, guest_port(&g));
	ATF_CHECK_EQ(0x42, guest_port(&g));
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_HALTED, guest_exit(&g));
	memset(&stats, 0, sizeof(stats));
	stats.machid = g.machid;
	ATF_REQUIRE_EQ(0, nvmm_hosted_request(NVMM_IOC_CTL, &ioc));
	ATF_CHECK_EQ(2, stats.exits_user[NVMM_STAT_IO]);
	ATF_CHECK_EQ(1, stats.exits_user[NVMM_STAT_HALTED]);
	ATF_CHECK(stats.run_ns > 0);
	guest_destroy(&g);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, halted);
	ATF_TP_ADD_TC(tp, shutdown);
	ATF_TP_ADD_TC(tp, invalid);
	ATF_TP_ADD_TC(tp, invalid_bytes);
	ATF_TP_ADD_TC(tp, exitstate);
	ATF_TP_ADD_TC(tp, stats);

	return atf_no_error();
}
