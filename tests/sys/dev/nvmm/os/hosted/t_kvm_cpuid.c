/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * CPUID as the guest sees it, and as its owner bends it.
 */

#include <errno.h>
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

static struct nvmm_x64_state *
cpuid(struct guest *g, uint32_t leaf)
{
	struct nvmm_x64_state *state;

	/* mov ecx,0; cpuid; out 0x42,al */
	CODE(g, 0x66, 0xB9, 0, 0, 0, 0, 0x0F, 0xA2, 0xE6, 0x42);
	state = guest_get(g, GPRS);
	state->gprs[NVMM_X64_GPR_RAX] = leaf;
	guest_set(g, GPRS);
	ATF_REQUIRE_EQ(KVM_PORT, guest_port(g));
	return guest_get(g, GPRS);
}

static int
configure(struct guest *g, struct nvmm_vcpu_conf_cpuid *conf)
{
	struct nvmm_ioc_vcpu_configure ioc = {
		.machid = g->machid,
		.cpuid = 0,
		.op = NVMM_VCPU_CONF_CPUID,
		.conf = conf,
	};

	return nvmm_hosted_request(NVMM_IOC_VCPU_CONFIGURE, &ioc);
}

CASE(hypervisor, "Leaf 0x40000000 names NVMM, and KVM's leaves are gone")
{
	struct nvmm_x64_state *state;
	struct guest g;

	(void)tc;
	guest_create(&g);
	state = cpuid(&g, 0x40000000);
	ATF_CHECK_EQ(0x40000000, state->gprs[NVMM_X64_GPR_RAX]);
	ATF_CHECK_EQ(0, memcmp(&state->gprs[NVMM_X64_GPR_RBX], "___ ", 4));
	ATF_CHECK_EQ(0, memcmp(&state->gprs[NVMM_X64_GPR_RCX], "NVMM", 4));
	ATF_CHECK_EQ(0, memcmp(&state->gprs[NVMM_X64_GPR_RDX], " ___", 4));
	guest_destroy(&g);
}

CASE(features, "Nothing that needs another hypervisor's help is offered")
{
	struct nvmm_x64_state *state;
	struct guest g;
	uint32_t ecx;

	(void)tc;
	guest_create(&g);
	state = cpuid(&g, 1);
	ecx = (uint32_t)state->gprs[NVMM_X64_GPR_RCX];
	ATF_CHECK_EQ(0, state->gprs[NVMM_X64_GPR_RBX] >> 24);
	ATF_CHECK(ecx & (1U << 31));		/* hypervisor */
	ATF_CHECK((ecx & (1U << 21)) == 0);	/* x2APIC */
	ATF_CHECK((ecx & (1U << 5)) == 0);	/* VMX */
	ATF_CHECK((ecx & (1U << 3)) == 0);	/* MONITOR */
	state = cpuid(&g, 0x80000001);
	ecx = (uint32_t)state->gprs[NVMM_X64_GPR_RCX];
	ATF_CHECK((ecx & (1U << 2)) == 0);	/* SVM */
	guest_destroy(&g);
}

CASE(apicid, "A VCPU's APIC id is its number")
{
	struct nvmm_x64_state *state;
	struct guest g;

	(void)tc;
	guest_create(&g);
	guest_vcpu(&g, 255);
	guest_code(&g, 255, "\x66\xB8\x01\x00\x00\x00\x0F\xA2\xE6\x42", 10);
	ATF_REQUIRE_EQ(0, guest_run(&g, 255));
	ATF_REQUIRE_EQ(NVMM_VCPU_EXIT_IO, g.comm[255]->exit.reason);
	ATF_REQUIRE_EQ(0, guest_getstate(&g, 255, GPRS));
	state = &g.comm[255]->state;
	ATF_CHECK_EQ(255, (uint32_t)state->gprs[NVMM_X64_GPR_RBX] >> 24);
	guest_destroy(&g);
}

CASE(mask, "A rule clears, then sets; the last one of a leaf counts")
{
	struct nvmm_vcpu_conf_cpuid conf = { .mask = 1, .leaf = 1 };
	struct nvmm_x64_state *state;
	struct guest g;

	(void)tc;
	guest_create(&g);
	conf.u.mask.set.edx = 0xFFFFFFFF;
	ATF_REQUIRE_EQ(0, configure(&g, &conf));
	memset(&conf.u, 0, sizeof(conf.u));
	conf.u.mask.del.eax = 0xFFFFFFFF;
	conf.u.mask.set.eax = 0x123;
	conf.u.mask.set.edx = 1U << 14;
	conf.u.mask.del.ecx = 1U << 31;
	ATF_REQUIRE_EQ(0, configure(&g, &conf));
	state = cpuid(&g, 1);
	ATF_CHECK_EQ(0x123, state->gprs[NVMM_X64_GPR_RAX]);
	ATF_CHECK(state->gprs[NVMM_X64_GPR_RDX] & (1U << 14));
	ATF_CHECK((state->gprs[NVMM_X64_GPR_RDX] & (1U << 30)) == 0);
	ATF_CHECK((state->gprs[NVMM_X64_GPR_RCX] & (1U << 31)) == 0);
	/* KVM lets it stand once the VCPU has run. */
	ATF_CHECK_EQ(EBUSY, configure(&g, &conf));
	guest_destroy(&g);
}

CASE(mask_new, "A rule makes a leaf that was not there; taken back, it is gone")
{
	struct nvmm_vcpu_conf_cpuid conf = { .mask = 1, .leaf = 0x40000010 };
	struct guest g;

	(void)tc;
	guest_create(&g);
	conf.u.mask.set.ebx = 0x11223344;
	ATF_REQUIRE_EQ(0, configure(&g, &conf));
	conf.leaf = 0x40000011;
	ATF_REQUIRE_EQ(0, configure(&g, &conf));
	conf.mask = 0;
	ATF_REQUIRE_EQ(0, configure(&g, &conf));
	ATF_CHECK_EQ(0x11223344,
	    cpuid(&g, 0x40000010)->gprs[NVMM_X64_GPR_RBX]);
	ATF_CHECK(cpuid(&g, 0x40000011)->gprs[NVMM_X64_GPR_RBX] != 0x11223344);
	guest_destroy(&g);
}

CASE(limits, "As many rules as the capability says, and no exits")
{
	struct nvmm_vcpu_conf_cpuid conf = { .exit = 1, .leaf = 1 };
	struct nvmm_ioc_capability ioc;
	struct guest g;
	uint32_t i;

	(void)tc;
	guest_create(&g);
	ATF_REQUIRE_EQ(0, nvmm_hosted_request(NVMM_IOC_CAPABILITY, &ioc));
	ATF_CHECK_EQ(0, ioc.cap.arch.impl_caps & NVMM_IMPL_CPUID_EXIT);
	ATF_CHECK_EQ(ENOTSUP, configure(&g, &conf));
	conf.mask = 1;
	ATF_CHECK_EQ(EINVAL, configure(&g, &conf));
	conf.exit = 0;
	for (i = 0; i < ioc.cap.arch.conf_cpuid_maxops; i++) {
		conf.leaf = 0x50000000 + i;
		ATF_REQUIRE_EQ(0, configure(&g, &conf));
	}
	conf.leaf++;
	ATF_CHECK_EQ(ENOBUFS, configure(&g, &conf));
	(void)cpuid(&g, 0);
	guest_destroy(&g);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, hypervisor);
	ATF_TP_ADD_TC(tp, features);
	ATF_TP_ADD_TC(tp, apicid);
	ATF_TP_ADD_TC(tp, mask);
	ATF_TP_ADD_TC(tp, mask_new);
	ATF_TP_ADD_TC(tp, limits);

	return atf_no_error();
}
