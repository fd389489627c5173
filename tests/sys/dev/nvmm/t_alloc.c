/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Every allocation of every request fails once: the request says ENOMEM, leaks
 * nothing, changes nothing, and works the next time.
 */

#include "h_frontend.h"

static uintptr_t hva;
static char conf[64];

/* Each of these does one request on machine 0. */
static int
do_machine_create(void)
{
	struct nvmm_ioc_machine ioc;

	return h_req(NVMM_IOC_MACHINE_CREATE, &ioc);
}

static int
do_vcpu_create(void)
{

	return h_vcpu_create(0, 1, NULL);
}

static int
do_vcpu_configure(void)
{
	struct nvmm_ioc_vcpu_configure ioc = { 0, 0, NVMM_VCPU_CONF_CPUID,
	    conf };

	return h_req(NVMM_IOC_VCPU_CONFIGURE, &ioc);
}

static int
do_machine_configure(void)
{
	struct nvmm_ioc_machine_configure ioc = { 0, NVMM_MACH_CONF_MD_BEGIN,
	    conf };

	return h_req(NVMM_IOC_MACHINE_CONFIGURE, &ioc);
}

static int
do_hva_map(void)
{

	return h_hva_map(0, hva + 4 * PAGE, 4 * PAGE);
}

static int
do_gpa_map(void)
{

	return h_gpa_map(0, hva, 8 * PAGE, 4 * PAGE, PROT_RWX);
}

static int
do_gpa_unmap(void)
{

	return h_gpa_unmap(0, PAGE, PAGE);
}

static int
do_ctl(void)
{
	struct nvmm_ctl_mach_info info = { 0 };

	return h_ctl(NVMM_CTL_MACH_INFO, &info, sizeof(info));
}

static uint64_t xarea[NVMM_X64_XSTATE_AVX / 8];

static int
do_getxstate(void)
{
	struct nvmm_ioc_vcpu_xstate ioc = { 0, 0, xarea, sizeof(xarea) };

	return h_req(NVMM_IOC_VCPU_GETXSTATE, &ioc);
}

static int
do_setxstate(void)
{
	struct nvmm_ioc_vcpu_xstate ioc = { 0, 0, xarea, sizeof(xarea) };

	return h_req(NVMM_IOC_VCPU_SETXSTATE, &ioc);
}

/* Machine 0 with a VCPU and memory, linked at 0. */
static void
set_up(void)
{

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	h_cpu(0, 0);
	hva = h_range(8 * PAGE);
	ATF_REQUIRE_EQ(0, h_hva_map(0, hva, 4 * PAGE));
	ATF_REQUIRE_EQ(0, h_gpa_map(0, hva, 0, 4 * PAGE, PROT_RWX));
}

/* What a failed request must leave as it was. */
static void
take_stock(struct nvmm_ctl_mach_memory *mem, size_t *bytes, size_t *objs)
{

	memset(mem, 0, sizeof(*mem));
	ATF_REQUIRE_EQ(0, h_ctl(NVMM_CTL_MACH_MEMORY, mem, sizeof(*mem)));
	*bytes = hosted_mem_held();
	*objs = hosted_vmobj_held();
}

/* Fail the first, second, … allocation of the request, until it has no more. */
static void
fail_each(int (*request)(void), unsigned atleast)
{
	struct nvmm_ctl_mach_memory before, after;
	size_t bytes, objs, bytes2, objs2;
	unsigned nth;
	int error;

	set_up();
	for (nth = 1; ; nth++) {
		take_stock(&before, &bytes, &objs);
		(void)hosted_fail_nth(nth);
		error = request();
		(void)hosted_fail_nth(0);
		if (error == 0)
			break;
		ATF_REQUIRE_EQ_MSG(ENOMEM, error, "allocation %u", nth);
		take_stock(&after, &bytes2, &objs2);
		ATF_CHECK_EQ_MSG(bytes, bytes2, "allocation %u leaks", nth);
		ATF_CHECK_EQ_MSG(objs, objs2, "allocation %u leaks", nth);
		ATF_CHECK_EQ(0, memcmp(&before, &after, sizeof(before)));
		ATF_REQUIRE(nth < 100);
	}
	ATF_CHECK_MSG(nth > atleast, "only %u allocations seen", nth - 1);
	h_end();
}

#define ALLOC_CASE(request, atleast)					\
	CASE(request, "each allocation of " #request " fails once")	\
	{								\
		fail_each(do_##request, atleast);			\
	}

/* With how many allocations there are at least. */
ALLOC_CASE(machine_create, 5)
ALLOC_CASE(vcpu_create, 5)
ALLOC_CASE(machine_configure, 1)
ALLOC_CASE(vcpu_configure, 1)
ALLOC_CASE(hva_map, 3)
ALLOC_CASE(gpa_map, 3)
ALLOC_CASE(gpa_unmap, 3)
ALLOC_CASE(ctl, 1)
ALLOC_CASE(getxstate, 1)
ALLOC_CASE(setxstate, 1)

CASE(destroy_needs_no_memory, "what ends a thing allocates nothing")
{

	set_up();
	(void)hosted_fail_nth(1);
	ATF_CHECK_EQ(0, h_hva_unmap(0, hva, 4 * PAGE));
	ATF_CHECK_EQ(0, h_vcpu(NVMM_IOC_VCPU_DESTROY, 0, 0));
	ATF_CHECK_EQ(0, h_destroy(0));
	ATF_CHECK_EQ(0, hosted_fail_nth(0));
	h_end();
}

CASE(run_needs_no_memory, "a run allocates nothing")
{

	set_up();
	h_exit(NVMM_VCPU_EXIT_HALTED);
	(void)hosted_fail_nth(1);
	ATF_CHECK_EQ(0, h_run(0, 0));
	ATF_CHECK_EQ(0, hosted_fail_nth(0));
	h_end();
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, machine_create);
	ATF_TP_ADD_TC(tp, vcpu_create);
	ATF_TP_ADD_TC(tp, machine_configure);
	ATF_TP_ADD_TC(tp, vcpu_configure);
	ATF_TP_ADD_TC(tp, hva_map);
	ATF_TP_ADD_TC(tp, gpa_map);
	ATF_TP_ADD_TC(tp, gpa_unmap);
	ATF_TP_ADD_TC(tp, ctl);
	ATF_TP_ADD_TC(tp, getxstate);
	ATF_TP_ADD_TC(tp, setxstate);
	ATF_TP_ADD_TC(tp, destroy_needs_no_memory);
	ATF_TP_ADD_TC(tp, run_needs_no_memory);
	return atf_no_error();
}
