/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Every request that makes no sense, and the errno it gets.
 */

#include "h_frontend.h"

CASE(unknown_request_einval, "a request that does not exist: EINVAL")
{
	char record[64] = { 0 };

	h_start();
	ATF_CHECK_EQ(EINVAL, h_req(0, record));
	ATF_CHECK_EQ(EINVAL, h_req(_IOW('N', 16, int), record));
	ATF_CHECK_EQ(EINVAL, h_req(_IOW('N', 255, int), record));
	/* The right number with another size. */
	ATF_CHECK_EQ(EINVAL, h_req(_IOW('N', 10, int), record));
	h_end();
}

CASE(bad_machine_id_einval, "a machine id that cannot be: EINVAL")
{

	h_start();
	ATF_CHECK_EQ(EINVAL, h_destroy(128));
	ATF_CHECK_EQ(EINVAL, h_destroy(~0U));
	ATF_CHECK_EQ(EINVAL, h_vcpu_create(128, 0, NULL));
	ATF_CHECK_EQ(EINVAL, h_run(128, 0));
	ATF_CHECK_EQ(EINVAL, h_hva_map(128, h_range(PAGE), PAGE));
	h_end();
}

CASE(no_such_machine_enoent, "a machine that does not exist: ENOENT")
{
	struct nvmm_ctl_mach_info info = { .machid = 5 };

	h_start();
	h_machine();
	ATF_CHECK_EQ(ENOENT, h_destroy(5));
	ATF_CHECK_EQ(ENOENT, h_vcpu_create(5, 0, NULL));
	ATF_CHECK_EQ(ENOENT, h_run(5, 0));
	ATF_CHECK_EQ(ENOENT, h_hva_map(5, h_range(PAGE), PAGE));
	ATF_CHECK_EQ(ENOENT, h_gpa_unmap(5, 0, PAGE));
	ATF_CHECK_EQ(ENOENT, h_ctl(NVMM_CTL_MACH_INFO, &info, sizeof(info)));
	h_end();
}

CASE(bad_vcpu_id_einval, "a VCPU id that cannot be: EINVAL")
{
	struct nvmm_ctl_vcpu_stats st = { .cpuid = 256 };

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	ATF_CHECK_EQ(EINVAL, h_run(0, 256));
	ATF_CHECK_EQ(EINVAL, h_vcpu(NVMM_IOC_VCPU_DESTROY, 0, 256));
	ATF_CHECK_EQ(EINVAL, h_vcpu(NVMM_IOC_VCPU_KICK, 0, 256));
	ATF_CHECK_EQ(EINVAL, h_ctl(NVMM_CTL_VCPU_STATS, &st, sizeof(st)));
	h_end();
}

CASE(no_such_vcpu_enoent, "a VCPU that does not exist: ENOENT")
{
	struct nvmm_ctl_vcpu_stats st = { .cpuid = 1 };

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	h_cpu(0, 0);
	ATF_CHECK_EQ(ENOENT, h_run(0, 1));
	ATF_CHECK_EQ(ENOENT, h_vcpu(NVMM_IOC_VCPU_DESTROY, 0, 1));
	ATF_CHECK_EQ(ENOENT, h_vcpu(NVMM_IOC_VCPU_GETSTATE, 0, 1));
	ATF_CHECK_EQ(ENOENT, h_vcpu(NVMM_IOC_VCPU_KICK, 0, 1));
	ATF_CHECK_EQ(ENOENT, h_ctl(NVMM_CTL_VCPU_STATS, &st, sizeof(st)));
	ATF_CHECK_EQ(0, h_vcpu(NVMM_IOC_VCPU_DESTROY, 0, 0));
	ATF_CHECK_EQ(ENOENT, h_run(0, 0));
	h_end();
}

CASE(vcpu_exists_ebusy, "a VCPU that exists already: EBUSY")
{
	struct nvmm_ctl_mach_info info = { 0 };

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	h_cpu(0, 9);
	ATF_CHECK_EQ(EBUSY, h_vcpu_create(0, 9, NULL));
	ATF_REQUIRE_EQ(0, h_ctl(NVMM_CTL_MACH_INFO, &info, sizeof(info)));
	ATF_CHECK_EQ(1, info.nvcpus);
	h_end();
}

CASE(hva_overlap_eexist, "hva maps that overlap: EEXIST, neighbours: fine")
{
	uintptr_t hva;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	hva = h_range(8 * PAGE);
	ATF_REQUIRE_EQ(0, h_hva_map(0, hva + 2 * PAGE, 2 * PAGE));
	ATF_CHECK_EQ(EEXIST, h_hva_map(0, hva + 2 * PAGE, 2 * PAGE));
	ATF_CHECK_EQ(EEXIST, h_hva_map(0, hva, 8 * PAGE));
	ATF_CHECK_EQ(EEXIST, h_hva_map(0, hva + PAGE, 2 * PAGE));
	ATF_CHECK_EQ(EEXIST, h_hva_map(0, hva + 3 * PAGE, PAGE));
	ATF_CHECK_EQ(0, h_hva_map(0, hva, 2 * PAGE));
	ATF_CHECK_EQ(0, h_hva_map(0, hva + 4 * PAGE, 4 * PAGE));
	h_end();
}

CASE(hva_not_pages_einval, "hva ranges that are not whole pages: EINVAL")
{
	uintptr_t hva;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	hva = h_range(2 * PAGE);
	ATF_CHECK_EQ(EINVAL, h_hva_map(0, hva + 1, PAGE));
	ATF_CHECK_EQ(EINVAL, h_hva_map(0, hva, PAGE + 1));
	ATF_CHECK_EQ(EINVAL, h_hva_map(0, hva, 0));
	ATF_CHECK_EQ(EINVAL, h_hva_map(0, hva, -PAGE));
	ATF_CHECK_EQ(EINVAL, h_hva_map(0, -PAGE, 2 * PAGE));
	ATF_CHECK_EQ(EINVAL, h_hva_map(0, 0, PAGE));
	ATF_CHECK_EQ(EINVAL, h_hva_map(0, (uintptr_t)1 << 63, PAGE));
	ATF_CHECK_EQ(EINVAL, h_hva_unmap(0, hva, 0));
	ATF_CHECK_EQ(EINVAL, h_hva_unmap(0, hva + 1, PAGE));
	h_end();
}

CASE(hva_unmap_other_range_enoent, "only what was mapped can be unmapped")
{
	uintptr_t hva;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	hva = h_memory(0, 4 * PAGE);
	ATF_CHECK_EQ(ENOENT, h_hva_unmap(0, hva, PAGE));
	ATF_CHECK_EQ(ENOENT, h_hva_unmap(0, hva + PAGE, 3 * PAGE));
	ATF_CHECK_EQ(ENOENT, h_hva_unmap(0, hva + 4 * PAGE, PAGE));
	ATF_CHECK_EQ(0, h_hva_unmap(0, hva, 4 * PAGE));
	ATF_CHECK_EQ(ENOENT, h_hva_unmap(0, hva, 4 * PAGE));
	h_end();
}

CASE(gpa_not_pages_einval, "gpa ranges that are not whole pages: EINVAL")
{
	uintptr_t hva;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	hva = h_memory(0, 4 * PAGE);
	ATF_CHECK_EQ(EINVAL, h_gpa_map(0, hva, 1, PAGE, PROT_RWX));
	ATF_CHECK_EQ(EINVAL, h_gpa_map(0, hva + 1, 0, PAGE, PROT_RWX));
	ATF_CHECK_EQ(EINVAL, h_gpa_map(0, hva, 0, PAGE - 1, PROT_RWX));
	ATF_CHECK_EQ(EINVAL, h_gpa_map(0, hva, 0, 0, PROT_RWX));
	ATF_CHECK_EQ(EINVAL, h_gpa_unmap(0, 1, PAGE));
	ATF_CHECK_EQ(EINVAL, h_gpa_unmap(0, 0, 0));
	ATF_CHECK_EQ(EINVAL, h_gpa_unmap(0, 0, PAGE + 1));
	h_end();
}

CASE(gpa_outside_hva_map_einval, "a link lies inside one hva map: EINVAL")
{
	uintptr_t hva;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	hva = h_range(4 * PAGE);
	ATF_CHECK_EQ(EINVAL, h_gpa_map(0, hva, 0, PAGE, PROT_RWX));
	ATF_REQUIRE_EQ(0, h_hva_map(0, hva, 2 * PAGE));
	ATF_REQUIRE_EQ(0, h_hva_map(0, hva + 2 * PAGE, 2 * PAGE));
	/* Over the end of one into its neighbour. */
	ATF_CHECK_EQ(EINVAL, h_gpa_map(0, hva + PAGE, 0, 2 * PAGE, PROT_RWX));
	ATF_CHECK_EQ(EINVAL, h_gpa_map(0, hva - PAGE, 0, 2 * PAGE, PROT_RWX));
	ATF_CHECK_EQ(EINVAL, h_gpa_map(0, hva + 4 * PAGE, 0, PAGE, PROT_RWX));
	ATF_CHECK_EQ(EINVAL, h_gpa_map(0, hva + 3 * PAGE, 0, -4 * PAGE,
	    PROT_RWX));
	ATF_CHECK_EQ(0, h_gpa_map(0, hva + 3 * PAGE, 0, PAGE, PROT_RWX));
	h_end();
}

CASE(gpa_overlap_eexist, "a guest range that is linked already: EEXIST")
{
	uintptr_t hva;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	hva = h_memory(0, 4 * PAGE);
	ATF_REQUIRE_EQ(0, h_gpa_map(0, hva, 2 * PAGE, 2 * PAGE, PROT_RWX));
	ATF_CHECK_EQ(EEXIST, h_gpa_map(0, hva, PAGE, 2 * PAGE, PROT_RWX));
	ATF_CHECK_EQ(EEXIST, h_gpa_map(0, hva, 3 * PAGE, PAGE, PROT_RWX));
	ATF_CHECK_EQ(EEXIST, h_gpa_map(0, hva, PAGE, 4 * PAGE, PROT_RWX));
	ATF_CHECK_EQ(0, h_gpa_map(0, hva, 0, 2 * PAGE, PROT_RWX));
	ATF_CHECK_EQ(0, h_gpa_map(0, hva, 4 * PAGE, 2 * PAGE, PROT_RWX));
	h_end();
}

CASE(bad_protection_einval, "a protection that cannot be: EINVAL")
{
	uintptr_t hva;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	hva = h_memory(0, PAGE);
	ATF_CHECK_EQ(EINVAL, h_gpa_map(0, hva, 0, PAGE, 0));
	ATF_CHECK_EQ(EINVAL, h_gpa_map(0, hva, 0, PAGE, NVMM_PROT_WRITE));
	ATF_CHECK_EQ(EINVAL, h_gpa_map(0, hva, 0, PAGE, NVMM_PROT_ALL));
	ATF_CHECK_EQ(EINVAL, h_gpa_map(0, hva, 0, PAGE, 0x17));
	h_end();
}

CASE(protection_not_there_enotsup, "a protection the backend lacks: ENOTSUP")
{
	uintptr_t hva;

	h_start();
	fake_caps.impl_caps = 0;
	ATF_REQUIRE_EQ(0, h_machine());
	hva = h_memory(0, PAGE);
	ATF_CHECK_EQ(ENOTSUP, h_gpa_map(0, hva, 0, PAGE,
	    NVMM_PROT_READ | NVMM_PROT_WRITE));
	ATF_CHECK_EQ(ENOTSUP, h_gpa_map(0, hva, 0, PAGE,
	    NVMM_PROT_READ | NVMM_PROT_EXEC));
	ATF_CHECK_EQ(0, h_gpa_map(0, hva, 0, PAGE, PROT_RWX));
	h_end();
}

CASE(configuration_errors, "unknown: EINVAL; not here: ENOTSUP; NULL: EFAULT")
{
	struct nvmm_ioc_machine_configure mc = { 0, 200, NULL };
	struct nvmm_ioc_vcpu_configure vc = { 0, 0, 201, NULL };
	char conf[64] = { 0 };

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	h_cpu(0, 0);
	ATF_CHECK_EQ(EFAULT, h_req(NVMM_IOC_MACHINE_CONFIGURE, &mc));
	mc.conf = vc.conf = conf;
	mc.op = 201;
	ATF_CHECK_EQ(ENOTSUP, h_req(NVMM_IOC_MACHINE_CONFIGURE, &mc));
	ATF_CHECK_EQ(ENOTSUP, h_req(NVMM_IOC_VCPU_CONFIGURE, &vc));
	mc.op = vc.op = 202;
	ATF_CHECK_EQ(EINVAL, h_req(NVMM_IOC_MACHINE_CONFIGURE, &mc));
	ATF_CHECK_EQ(EINVAL, h_req(NVMM_IOC_VCPU_CONFIGURE, &vc));
	mc.op = vc.op = 0;
	ATF_CHECK_EQ(EINVAL, h_req(NVMM_IOC_MACHINE_CONFIGURE, &mc));
	ATF_CHECK_EQ(EINVAL, h_req(NVMM_IOC_VCPU_CONFIGURE, &vc));
	ATF_CHECK_EQ(0, fake_ncalls("vcpu_configure"));
	h_end();
}

CASE(ctl_errors, "nvmm_ctl: no such operation or size EINVAL, NULL EFAULT")
{
	char rec[2 * OS_PAGE_SIZE] = { 0 };

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	ATF_CHECK_EQ(EINVAL, h_ctl(1, rec, 64));
	ATF_CHECK_EQ(EINVAL, h_ctl(99, rec, 64));
	ATF_CHECK_EQ(EINVAL, h_ctl(NVMM_CTL_MACH_INFO, rec, 0));
	ATF_CHECK_EQ(EINVAL, h_ctl(NVMM_CTL_MACH_INFO, rec, 3));
	ATF_CHECK_EQ(EINVAL, h_ctl(NVMM_CTL_VCPU_STATS, rec, 7));
	ATF_CHECK_EQ(EINVAL, h_ctl(NVMM_CTL_MACH_INFO, rec, PAGE + 1));
	ATF_CHECK_EQ(EFAULT, h_ctl(NVMM_CTL_MACH_INFO, NULL, 64));
	h_end();
}

CASE(backend_errors_come_through, "what the backend says is the request's errno")
{

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	h_cpu(0, 0);
	fake_fail("vcpu_run", 1, EIO);
	ATF_CHECK_EQ(EIO, h_run(0, 0));
	fake_fail("vcpu_inject", 1, EAGAIN);
	ATF_CHECK_EQ(EAGAIN, h_vcpu(NVMM_IOC_VCPU_INJECT, 0, 0));
	h_end();
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, unknown_request_einval);
	ATF_TP_ADD_TC(tp, bad_machine_id_einval);
	ATF_TP_ADD_TC(tp, no_such_machine_enoent);
	ATF_TP_ADD_TC(tp, bad_vcpu_id_einval);
	ATF_TP_ADD_TC(tp, no_such_vcpu_enoent);
	ATF_TP_ADD_TC(tp, vcpu_exists_ebusy);
	ATF_TP_ADD_TC(tp, hva_overlap_eexist);
	ATF_TP_ADD_TC(tp, hva_not_pages_einval);
	ATF_TP_ADD_TC(tp, hva_unmap_other_range_enoent);
	ATF_TP_ADD_TC(tp, gpa_not_pages_einval);
	ATF_TP_ADD_TC(tp, gpa_outside_hva_map_einval);
	ATF_TP_ADD_TC(tp, gpa_overlap_eexist);
	ATF_TP_ADD_TC(tp, bad_protection_einval);
	ATF_TP_ADD_TC(tp, protection_not_there_enotsup);
	ATF_TP_ADD_TC(tp, configuration_errors);
	ATF_TP_ADD_TC(tp, ctl_errors);
	ATF_TP_ADD_TC(tp, backend_errors_come_through);
	return atf_no_error();
}
