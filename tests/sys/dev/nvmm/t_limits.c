/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Every limit: what is allowed works up to the last, one more is its own
 * error, and what exists goes on.
 */

#include <unistd.h>

#include "h_frontend.h"

/* The machine still runs. */
static void
check_runs(nvmm_machid_t m, nvmm_cpuid_t cpuid)
{

	h_exit(NVMM_VCPU_EXIT_HALTED);
	ATF_CHECK_EQ(0, h_run(m, cpuid));
}

CASE(machine_129_enobufs, "128 machines, the 129th is ENOBUFS")
{
	struct nvmm_ioc_machine ioc = { 0 };
	unsigned i;

	h_start();
	for (i = 0; i < 128; i++)
		ATF_REQUIRE_EQ(i, h_machine());
	ATF_CHECK_EQ(ENOBUFS, h_req(NVMM_IOC_MACHINE_CREATE, &ioc));
	h_cpu(127, 0);
	check_runs(127, 0);
	ATF_REQUIRE_EQ(0, h_destroy(64));
	ATF_CHECK_EQ(64, h_machine());
	ATF_CHECK_EQ(ENOBUFS, h_req(NVMM_IOC_MACHINE_CREATE, &ioc));
	h_end();
}

CASE(vcpu_256_einval, "256 VCPUs, number 256 is EINVAL")
{
	struct nvmm_ctl_mach_info info = { 0 };
	nvmm_cpuid_t i;

	h_start();
	info.machid = h_machine();
	for (i = 0; i < 256; i++)
		h_cpu(info.machid, i);
	ATF_CHECK_EQ(EINVAL, h_vcpu_create(info.machid, 256, NULL));
	ATF_CHECK_EQ(EINVAL, h_vcpu_create(info.machid, ~0U, NULL));
	ATF_REQUIRE_EQ(0, h_ctl(NVMM_CTL_MACH_INFO, &info, sizeof(info)));
	ATF_CHECK_EQ(256, info.nvcpus);
	check_runs(info.machid, 255);
	h_end();
}

CASE(hva_map_33_enobufs, "32 hva maps, the 33rd is ENOBUFS")
{
	nvmm_machid_t m;
	uintptr_t hva;
	size_t i;

	h_start();
	m = h_machine();
	hva = h_range(33 * PAGE);
	for (i = 0; i < 32; i++)
		ATF_REQUIRE_EQ(0, h_hva_map(m, hva + i * PAGE, PAGE));
	ATF_CHECK_EQ(ENOBUFS, h_hva_map(m, hva + 32 * PAGE, PAGE));
	ATF_REQUIRE_EQ(0, h_hva_unmap(m, hva + 7 * PAGE, PAGE));
	ATF_CHECK_EQ(0, h_hva_map(m, hva + 32 * PAGE, PAGE));
	ATF_CHECK_EQ(0, h_gpa_map(m, hva, 0, PAGE, PROT_RWX));
	h_end();
}

CASE(machine_of_4_gib, "4 GiB of RAM for one machine work")
{
	nvmm_machid_t m;
	uintptr_t hva;

	nvmm_param_ram = 64 * GiB;
	h_start();
	m = h_machine();
	hva = h_memory(m, 4 * GiB);
	ATF_CHECK_EQ(0, h_gpa_map(m, hva, 0, 3 * GiB, PROT_RWX));
	ATF_CHECK_EQ(0, h_gpa_map(m, hva + 3 * GiB, 4 * GiB, GiB, PROT_RWX));
	((volatile char *)hva)[4 * GiB - 1] = 1;
	h_end();
}

CASE(gpa_beyond_max_ram_einval, "guest addresses end at the machine's ceiling")
{
	nvmm_machid_t m;
	uintptr_t hva;

	h_start();
	fake_caps.max_ram = GiB;
	m = h_machine();
	hva = h_memory(m, 2 * PAGE);
	ATF_CHECK_EQ(0, h_gpa_map(m, hva, GiB - PAGE, PAGE, PROT_RWX));
	ATF_CHECK_EQ(EINVAL, h_gpa_map(m, hva, GiB, PAGE, PROT_RWX));
	ATF_CHECK_EQ(EINVAL, h_gpa_map(m, hva, GiB - PAGE, 2 * PAGE, PROT_RWX));
	ATF_CHECK_EQ(EINVAL, h_gpa_map(m, hva, -PAGE, PAGE, PROT_RWX));
	ATF_CHECK_EQ(EINVAL, h_gpa_map(m, hva, -PAGE, 2 * PAGE, PROT_RWX));
	ATF_CHECK_EQ(EINVAL, h_gpa_unmap(m, GiB - PAGE, 2 * PAGE));
	ATF_CHECK_EQ(EINVAL, h_gpa_unmap(m, GiB, PAGE));
	ATF_CHECK_EQ(0, h_gpa_unmap(m, GiB - PAGE, PAGE));
	ATF_CHECK_EQ(0, h_gpa_unmap(m, 0, GiB));
	h_end();
}

CASE(machine_ram_enomem, "a machine's hva maps end at its ceiling")
{
	nvmm_machid_t m;
	uintptr_t hva;

	h_start();
	fake_caps.max_ram = 4 * MiB;
	m = h_machine();
	hva = h_range(5 * MiB);
	ATF_CHECK_EQ(ENOMEM, h_hva_map(m, hva, 5 * MiB));
	ATF_CHECK_EQ(0, h_hva_map(m, hva, 3 * MiB));
	ATF_CHECK_EQ(ENOMEM, h_hva_map(m, hva + 3 * MiB, 2 * MiB));
	ATF_CHECK_EQ(0, h_hva_map(m, hva + 3 * MiB, MiB));
	h_end();
}

CASE(driver_ram_enomem, "all machines' hva maps end at the driver's ceiling")
{
	nvmm_machid_t a, b;
	uintptr_t hva;

	nvmm_param_ram = 4 * MiB;
	h_start();
	a = h_machine();
	b = h_machine();
	hva = h_range(8 * MiB);
	ATF_CHECK_EQ(0, h_hva_map(a, hva, 3 * MiB));
	ATF_CHECK_EQ(ENOMEM, h_hva_map(b, hva + 4 * MiB, MiB + PAGE));
	ATF_CHECK_EQ(0, h_hva_map(b, hva + 4 * MiB, MiB));
	ATF_CHECK_EQ(ENOMEM, h_hva_map(b, hva + 6 * MiB, PAGE));
	/* What goes is given back, by unmap and by the machine's end. */
	ATF_CHECK_EQ(0, h_hva_unmap(b, hva + 4 * MiB, MiB));
	ATF_CHECK_EQ(0, h_hva_map(b, hva + 4 * MiB, MiB));
	ATF_CHECK_EQ(0, h_destroy(a));
	ATF_CHECK_EQ(0, h_hva_map(b, hva, 3 * MiB));
	ATF_CHECK_EQ(ENOMEM, h_hva_map(b, hva + 6 * MiB, PAGE));
	h_end();
}

CASE(linked_memory_stays_charged, "an ended hva map counts while it is linked")
{
	struct nvmm_ctl_mach_memory mem = { 0 };
	nvmm_machid_t m;
	uintptr_t hva;

	nvmm_param_ram = 4 * MiB;
	h_start();
	m = mem.machid = h_machine();
	hva = h_memory(m, 3 * MiB);
	memset((void *)hva, 1, 3 * MiB);
	ATF_REQUIRE_EQ(0, h_gpa_map(m, hva, 0, 3 * MiB, PROT_RWX));
	ATF_REQUIRE_EQ(0, h_hva_unmap(m, hva, 3 * MiB));
	ATF_CHECK_EQ(ENOMEM, h_hva_map(m, hva, 2 * MiB));
	ATF_REQUIRE_EQ(0, h_ctl(NVMM_CTL_MACH_MEMORY, &mem, sizeof(mem)));
	ATF_CHECK_EQ(3 * MiB, mem.hva_mapped);
	ATF_CHECK_EQ(3 * MiB, mem.resident);
	ATF_CHECK_EQ(1, mem.nhmappings);
	/* Nor is it given back while a part is linked. */
	ATF_REQUIRE_EQ(0, h_gpa_unmap(m, 0, 2 * MiB));
	ATF_CHECK_EQ(ENOMEM, h_hva_map(m, hva, 2 * MiB));
	ATF_REQUIRE_EQ(0, h_gpa_unmap(m, 0, 3 * MiB));
	ATF_CHECK_EQ(0, h_hva_map(m, hva, 3 * MiB));
	h_end();
}

CASE(linked_memory_keeps_slot, "an ended hva map has its slot while linked")
{
	uintptr_t hva;
	int i;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	hva = h_range(PAGE);
	for (i = 0; i < 32; i++) {
		ATF_REQUIRE_EQ(0, h_hva_map(0, hva, PAGE));
		ATF_REQUIRE_EQ(0, h_gpa_map(0, hva, i * PAGE, PAGE, PROT_RWX));
		ATF_REQUIRE_EQ(0, h_hva_unmap(0, hva, PAGE));
	}
	ATF_CHECK_EQ(ENOBUFS, h_hva_map(0, hva, PAGE));
	/* Its range is no hva map any more. */
	ATF_CHECK_EQ(EINVAL, h_gpa_map(0, hva, MiB, PAGE, PROT_RWX));
	ATF_REQUIRE_EQ(0, h_gpa_unmap(0, 5 * PAGE, PAGE));
	ATF_CHECK_EQ(0, h_hva_map(0, hva, PAGE));
	h_end();
}

CASE(link_4097_enobufs, "4096 links, one more is ENOBUFS, by a split too")
{
	uintptr_t hva;
	uint64_t i;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	hva = h_memory(0, 4 * PAGE);
	ATF_REQUIRE_EQ(0, h_gpa_map(0, hva, 0, 4 * PAGE, PROT_RWX));
	for (i = 1; i < 4096; i++)
		ATF_REQUIRE_EQ(0, h_gpa_map(0, hva, i * 8 * PAGE, PAGE,
		    PROT_RWX));
	ATF_CHECK_EQ(ENOBUFS, h_gpa_map(0, hva, GiB, PAGE, PROT_RWX));
	ATF_CHECK_EQ(ENOBUFS, h_gpa_unmap(0, PAGE, PAGE));
	ATF_CHECK_EQ(0, h_gpa_unmap(0, 0, PAGE));
	ATF_CHECK_EQ(0, h_gpa_unmap(0, 8 * PAGE, PAGE));
	ATF_CHECK_EQ(0, h_gpa_map(0, hva, GiB, PAGE, PROT_RWX));
	h_end();
}

CASE(driver_ram_default, "the driver's ceiling is 75 % of the host's memory")
{
	uint64_t limit;
	nvmm_machid_t m;
	uintptr_t hva;

	h_start();
	m = h_machine();
	limit = os_ram_total() / 4 * 3;
	limit -= limit % PAGE;
	if (limit >= NVMM_MAX_RAM)
		atf_tc_skip("this host has more than one machine may have");
	hva = h_range(limit + PAGE);
	ATF_CHECK_EQ(ENOMEM, h_hva_map(m, hva, limit + PAGE));
	ATF_CHECK_EQ(0, h_hva_map(m, hva, limit));
	h_end();
}

CASE(detach_while_open_ebusy, "the driver does not go while the device is open")
{
	struct nvmm_ioc_capability ioc;
	struct os_file file = { .pid = getpid() };
	struct nvmm_owner late = { .file = &file };

	h_start();
	ATF_CHECK_EQ(EBUSY, nvmm_detach());
	ATF_CHECK_EQ(0, h_req(NVMM_IOC_CAPABILITY, &ioc));
	h_owner_close(&h_first);
	ATF_CHECK_EQ(0, nvmm_detach());
	ATF_CHECK_EQ(ENXIO, nvmm_owner_open(&late, NVMM_OPEN_CLOEXEC));
	ATF_REQUIRE_EQ(0, nvmm_attach());
	ATF_CHECK_EQ(0, nvmm_owner_open(&late, NVMM_OPEN_CLOEXEC));
	nvmm_owner_close(&late);
	h_end();
}

CASE(detach_with_machines_ebusy, "the driver does not go while machines exist")
{
	nvmm_machid_t m;

	h_start();
	m = h_machine();
	h_cpu(m, 0);
	ATF_CHECK_EQ(EBUSY, nvmm_detach());
	check_runs(m, 0);
	ATF_CHECK_EQ(0, h_destroy(m));
	h_end();
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, machine_129_enobufs);
	ATF_TP_ADD_TC(tp, vcpu_256_einval);
	ATF_TP_ADD_TC(tp, hva_map_33_enobufs);
	ATF_TP_ADD_TC(tp, machine_of_4_gib);
	ATF_TP_ADD_TC(tp, gpa_beyond_max_ram_einval);
	ATF_TP_ADD_TC(tp, machine_ram_enomem);
	ATF_TP_ADD_TC(tp, driver_ram_enomem);
	ATF_TP_ADD_TC(tp, linked_memory_stays_charged);
	ATF_TP_ADD_TC(tp, linked_memory_keeps_slot);
	ATF_TP_ADD_TC(tp, link_4097_enobufs);
	ATF_TP_ADD_TC(tp, driver_ram_default);
	ATF_TP_ADD_TC(tp, detach_while_open_ebusy);
	ATF_TP_ADD_TC(tp, detach_with_machines_ebusy);
	return atf_no_error();
}
