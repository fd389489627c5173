/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guest-physical memory: links that come, go and change while KVM has slots of
 * its own cut.
 */

#include <errno.h>
#include <string.h>

#include <atf-c.h>

#include "h_kvm.h"
#include "hosted_vm.h"

#define CASE(name, text)						\
	ATF_TC(name);							\
	ATF_TC_HEAD(name, tc)						\
	{								\
		atf_tc_set_md_var(tc, "descr", "%s", text);		\
	}								\
	ATF_TC_BODY(name, tc)

#define RWX	(NVMM_PROT_READ | NVMM_PROT_WRITE | NVMM_PROT_EXEC)
#define RX	(NVMM_PROT_READ | NVMM_PROT_EXEC)
#define PAGE	4096
#define RAX	NVMM_X64_GPR_RAX

/* What a 32-bit load from gpa yields, or -1 where it leaves as EXIT_MEMORY. */
static int64_t
load(struct guest *g, uint32_t gpa)
{

	CODE(g, 0xA1, (uint8_t)gpa, (uint8_t)(gpa >> 8), (uint8_t)(gpa >> 16),
	    (uint8_t)(gpa >> 24));
	if (guest_exit(g) == NVMM_VCPU_EXIT_HALTED)
		return (int64_t)guest_get(g, NVMM_X64_STATE_GPRS)->gprs[RAX];
	ATF_REQUIRE_EQ(NVMM_VCPU_EXIT_MEMORY, g->comm[0]->exit.reason);
	ATF_REQUIRE_EQ(gpa, g->comm[0]->exit.u.mem.gpa);
	guest_answer(g, 0);
	ATF_REQUIRE_EQ(NVMM_VCPU_EXIT_HALTED, guest_exit(g));
	return -1;
}

/* Each page holds its number. */
static void
number(struct guest *g)
{
	uint32_t i;

	for (i = 0x10; i < KVM_RAM / PAGE; i++)
		memcpy(g->ram + i * PAGE, &i, sizeof(i));
}

CASE(split, "A page unlinked in the middle leaves its neighbours")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	guest_protected(&g, 0);
	number(&g);
	ATF_CHECK_EQ(0x41, load(&g, 0x41000));
	ATF_REQUIRE_EQ(0, guest_unmap(&g, 0x41000, PAGE));
	ATF_CHECK_EQ(0x40, load(&g, 0x40000));
	ATF_CHECK_EQ(-1, load(&g, 0x41000));
	ATF_CHECK_EQ(0x42, load(&g, 0x42000));
	/* And back, which makes one of them again. */
	ATF_REQUIRE_EQ(0, guest_map(&g, 0x41000, 0x41000, PAGE, RWX));
	ATF_CHECK_EQ(0x40, load(&g, 0x40000));
	ATF_CHECK_EQ(0x41, load(&g, 0x41000));
	ATF_CHECK_EQ(0x42, load(&g, 0x42000));
	guest_destroy(&g);
}

CASE(alias, "The same memory may be linked twice")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	guest_protected(&g, 0);
	number(&g);
	ATF_REQUIRE_EQ(0, guest_map(&g, 0x400000, 0x50000, 2 * PAGE, RWX));
	ATF_CHECK_EQ(0x50, load(&g, 0x400000));
	ATF_CHECK_EQ(0x51, load(&g, 0x401000));
	ATF_CHECK_EQ(-1, load(&g, 0x402000));
	ATF_REQUIRE_EQ(0, guest_unmap(&g, 0x400000, 2 * PAGE));
	ATF_CHECK_EQ(-1, load(&g, 0x400000));
	guest_destroy(&g);
}

CASE(many, "Hundreds of links, each other page, in and out of order")
{
	struct guest g;
	uint32_t i, page;

	(void)tc;
	guest_create(&g);
	guest_protected(&g, 0);
	number(&g);
	for (i = 0; i < 200; i++) {
		page = i * 7 % 200;
		ATF_REQUIRE_EQ(0, guest_map(&g, 0x400000 + page * 2 * PAGE,
		    (0x10 + page) * PAGE, PAGE, RWX));
	}
	for (i = 0; i < 200; i += 17) {
		ATF_CHECK_EQ(0x10 + i, load(&g, 0x400000 + i * 2 * PAGE));
		ATF_CHECK_EQ(-1, load(&g, 0x401000 + i * 2 * PAGE));
	}
	ATF_REQUIRE_EQ(0, guest_unmap(&g, 0x400000, 400 * PAGE));
	ATF_CHECK_EQ(-1, load(&g, 0x400000));
	ATF_CHECK_EQ(0x10, load(&g, 0x10000));
	guest_destroy(&g);
}

CASE(nomem, "A change that fails for want of memory leaves all as it was")
{
	struct guest g;
	unsigned nth;
	int error;

	(void)tc;
	guest_create(&g);
	guest_protected(&g, 0);
	number(&g);
	error = ENOMEM;
	for (nth = 1; error == ENOMEM; nth++) {
		ATF_REQUIRE(nth < 100);
		(void)hosted_fail_nth(nth);
		error = guest_unmap(&g, 0x41000, PAGE);
		(void)hosted_fail_nth(0);
		ATF_CHECK_EQ(error == 0 ? -1 : 0x41, load(&g, 0x41000));
		ATF_CHECK_EQ(0x42, load(&g, 0x42000));
	}
	ATF_CHECK_EQ(0, error);
	ATF_CHECK(nth > 2);
	guest_destroy(&g);
}

CASE(readonly, "Read-only memory reads, and a write leaves as EXIT_MEMORY")
{
	struct nvmm_access a;
	struct guest g;

	(void)tc;
	guest_create(&g);
	guest_protected(&g, 0);
	number(&g);
	if (guest_map(&g, 0x400000, 0x50000, PAGE, RX) == ENOTSUP)
		atf_tc_skip("KVM here has no read-only memory");
	ATF_CHECK_EQ(0x50, load(&g, 0x400000));
	/* mov dword [0x400000],0x11223344 */
	CODE(&g, 0xC7, 0x05, 0, 0, 0x40, 0, 0x44, 0x33, 0x22, 0x11);
	ATF_REQUIRE_EQ(NVMM_VCPU_EXIT_MEMORY, guest_exit(&g));
	ATF_CHECK_EQ(NVMM_PROT_WRITE, g.comm[0]->exit.u.mem.prot);
	guest_access(&g, &a);
	ATF_CHECK(a.write);
	ATF_CHECK_EQ(0x400000, a.addr);
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_HALTED, guest_exit(&g));
	ATF_CHECK_EQ(0x50, load(&g, 0x400000));
	guest_destroy(&g);
}

CASE(protections, "No protection that KVM cannot keep")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	ATF_CHECK_EQ(ENOTSUP, guest_map(&g, 0x400000, 0, PAGE,
	    NVMM_PROT_READ | NVMM_PROT_WRITE));
	guest_destroy(&g);
}

CASE(reserved, "Where KVM keeps pages of its own, a link works or is refused")
{
	struct guest g;
	int error;

	(void)tc;
	guest_create(&g);
	guest_protected(&g, 0);
	number(&g);
	error = guest_map(&g, 0xFEFF0000, 0x50000, 0x10000, RWX);
	if (error == 0)
		ATF_CHECK_EQ(0x5C, load(&g, 0xFEFFC000));
	else
		ATF_CHECK_EQ(EEXIST, error);
	ATF_CHECK_EQ(0x41, load(&g, 0x41000));
	guest_destroy(&g);
}

CASE(above, "Memory above 4 GiB, and the last page of a machine")
{
	struct nvmm_ioc_capability ioc;
	struct guest g;

	(void)tc;
	guest_create(&g);
	guest_protected(&g, 0);
	number(&g);
	ATF_REQUIRE_EQ(0, nvmm_hosted_request(NVMM_IOC_CAPABILITY, &ioc));
	ATF_CHECK_EQ(0, guest_map(&g, 1ULL << 32, 0x50000, PAGE, RWX));
	ATF_CHECK_EQ(0, guest_map(&g, ioc.cap.max_ram - PAGE, 0x51000, PAGE,
	    RWX));
	ATF_CHECK_EQ(EINVAL, guest_map(&g, ioc.cap.max_ram, 0x52000, PAGE,
	    RWX));
	ATF_CHECK_EQ(0x41, load(&g, 0x41000));
	guest_destroy(&g);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, split);
	ATF_TP_ADD_TC(tp, alias);
	ATF_TP_ADD_TC(tp, many);
	ATF_TP_ADD_TC(tp, nomem);
	ATF_TP_ADD_TC(tp, readonly);
	ATF_TP_ADD_TC(tp, protections);
	ATF_TP_ADD_TC(tp, reserved);
	ATF_TP_ADD_TC(tp, above);

	return atf_no_error();
}
