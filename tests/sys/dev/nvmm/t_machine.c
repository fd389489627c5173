/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Machines: from creation to the end, configuration, and what is told of them.
 */

#include <time.h>
#include <unistd.h>

#include "h_frontend.h"

CASE(capability_tells_limits, "capability tells version, sizes and limits")
{
	struct nvmm_ioc_capability ioc;

	h_start();
	fake_caps.max_ram = 4 * GiB;
	ATF_REQUIRE_EQ(0, h_req(NVMM_IOC_CAPABILITY, &ioc));
	ATF_CHECK_EQ(NVMM_KERN_VERSION, ioc.cap.version);
	ATF_CHECK_EQ(1008, ioc.cap.state_size);
	ATF_CHECK_EQ(128, ioc.cap.max_machines);
	ATF_CHECK_EQ(256, ioc.cap.max_vcpus);
	ATF_CHECK_EQ(4 * GiB, ioc.cap.max_ram);
	ATF_CHECK_STREQ("fake", ioc.cap.arch.impl_name);
	h_end();
}

CASE(destroyed_slot_is_used_again, "a destroyed machine's id comes back")
{
	nvmm_machid_t a, b, c;

	h_start();
	a = h_machine();
	b = h_machine();
	ATF_CHECK(a != b);
	ATF_CHECK_EQ(0, h_destroy(a));
	ATF_CHECK_EQ(ENOENT, h_destroy(a));
	c = h_machine();
	ATF_CHECK_EQ(a, c);
	h_end();
}

CASE(new_machine_in_old_slot_is_empty, "nothing of the last machine is left")
{
	struct nvmm_ctl_mach_memory mem = { 0 };
	struct nvmm_ctl_mach_info info = { 0 };
	nvmm_machid_t m;
	uintptr_t hva;

	h_start();
	m = h_machine();
	h_cpu(m, 3);
	hva = h_memory(m, MiB);
	ATF_REQUIRE_EQ(0, h_gpa_map(m, hva, 0, MiB, PROT_RWX));
	ATF_REQUIRE_EQ(0, h_destroy(m));
	ATF_REQUIRE_EQ(m, h_machine());
	info.machid = mem.machid = m;
	ATF_REQUIRE_EQ(0, h_ctl(NVMM_CTL_MACH_INFO, &info, sizeof(info)));
	ATF_REQUIRE_EQ(0, h_ctl(NVMM_CTL_MACH_MEMORY, &mem, sizeof(mem)));
	ATF_CHECK_EQ(0, info.nvcpus);
	ATF_CHECK_EQ(0, info.nram);
	ATF_CHECK_EQ(0, mem.nhmappings);
	ATF_CHECK_EQ(0, mem.hva_mapped);
	ATF_CHECK_EQ(ENOENT, h_run(m, 3));
	h_end();
}

CASE(destroy_frees_vcpus_first, "the backend loses VCPUs before their machine")
{
	nvmm_machid_t m;

	h_start();
	m = h_machine();
	h_cpu(m, 0);
	h_cpu(m, 255);
	ATF_REQUIRE_EQ(0, h_destroy(m));
	ATF_CHECK_EQ(2, fake_ncalls("vcpu_destroy"));
	ATF_CHECK_EQ(1, fake_ncalls("machine_destroy"));
	ATF_CHECK(fake_when("vcpu_destroy") < fake_when("machine_destroy"));
	h_end();
}

CASE(info_tells_owner_and_size, "CTL_MACH_INFO tells VCPUs, RAM, pid, time")
{
	struct nvmm_ctl_mach_info info = { 0 };
	uintptr_t hva;

	h_start();
	info.machid = h_machine();
	h_cpu(info.machid, 0);
	h_cpu(info.machid, 1);
	hva = h_memory(info.machid, 2 * MiB);
	ATF_REQUIRE_EQ(0, h_gpa_map(info.machid, hva, 0, MiB, PROT_RWX));
	ATF_REQUIRE_EQ(0, h_ctl(NVMM_CTL_MACH_INFO, &info, sizeof(info)));
	ATF_CHECK_EQ(2, info.nvcpus);
	ATF_CHECK_EQ(MiB, info.nram);
	ATF_CHECK_EQ(getpid(), info.pid);
	ATF_CHECK(info.time <= time(NULL) && info.time > time(NULL) - 60);
	h_end();
}

CASE(memory_tells_resident_pages, "CTL_MACH_MEMORY counts pages that exist")
{
	struct nvmm_ctl_mach_memory mem = { 0 };
	uintptr_t hva;

	h_start();
	mem.machid = h_machine();
	hva = h_memory(mem.machid, 64 * MiB);
	((volatile char *)hva)[0] = 1;
	((volatile char *)hva)[32 * MiB] = 1;
	ATF_REQUIRE_EQ(0, h_ctl(NVMM_CTL_MACH_MEMORY, &mem, sizeof(mem)));
	ATF_CHECK_EQ(1, mem.nhmappings);
	ATF_CHECK_EQ(64 * MiB, mem.hva_mapped);
	ATF_CHECK_EQ(0, mem.gpa_mapped);
	/* Two pages, small or, if the host prefers them, huge ones. */
	ATF_CHECK(mem.resident == 2 * PAGE || mem.resident == 4 * MiB);
	h_end();
}

CASE(short_record_gets_prefix, "a shorter record is not written past its end")
{
	struct nvmm_ctl_mach_info info;
	const size_t size = offsetof(struct nvmm_ctl_mach_info, nram);

	h_start();
	memset(&info, 0x5A, sizeof(info));
	info.machid = h_machine();
	h_cpu(info.machid, 0);
	ATF_REQUIRE_EQ(0, h_ctl(NVMM_CTL_MACH_INFO, &info, size));
	ATF_CHECK_EQ(1, info.nvcpus);
	ATF_CHECK_EQ(0x5A5A5A5A5A5A5A5AULL, info.nram);
	h_end();
}

CASE(long_record_is_zeroed, "what the driver does not know of is zero")
{
	struct {
		struct nvmm_ctl_mach_info info;
		uint64_t later;
	} rec;

	h_start();
	memset(&rec, 0x5A, sizeof(rec));
	rec.info.machid = h_machine();
	ATF_REQUIRE_EQ(0, h_ctl(NVMM_CTL_MACH_INFO, &rec, sizeof(rec)));
	ATF_CHECK_EQ(getpid(), rec.info.pid);
	ATF_CHECK_EQ(0, rec.later);
	h_end();
}

CASE(configure_reaches_backend, "a configuration comes with its argument")
{
	uint32_t word = 0xC0FFEE;
	struct nvmm_ioc_machine_configure ioc = {
		.op = NVMM_MACH_CONF_MD_BEGIN, .conf = &word
	};

	h_start();
	ioc.machid = h_machine();
	ATF_REQUIRE_EQ(0, h_req(NVMM_IOC_MACHINE_CONFIGURE, &ioc));
	ATF_REQUIRE(fake_last("machine_configure") != NULL);
	ATF_CHECK_EQ(NVMM_MACH_CONF_MD_BEGIN, fake_last("machine_configure")->a);
	ATF_CHECK_EQ(0xC0FFEE, fake_last("machine_configure")->b);
	h_end();
}

CASE(failed_create_gives_slot_back, "a machine that fails leaves no slot taken")
{
	struct nvmm_ioc_machine ioc = { 0 };
	unsigned i;

	h_start();
	for (i = 0; i < 2 * NVMM_MAX_MACHINES; i++) {
		fake_fail("machine_create", 1, EIO);
		ATF_REQUIRE_EQ(EIO, h_req(NVMM_IOC_MACHINE_CREATE, &ioc));
	}
	ATF_CHECK_EQ(0, fake_ncalls("machine_destroy"));
	ATF_CHECK_EQ(0, h_machine());
	h_end();
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, capability_tells_limits);
	ATF_TP_ADD_TC(tp, destroyed_slot_is_used_again);
	ATF_TP_ADD_TC(tp, new_machine_in_old_slot_is_empty);
	ATF_TP_ADD_TC(tp, destroy_frees_vcpus_first);
	ATF_TP_ADD_TC(tp, info_tells_owner_and_size);
	ATF_TP_ADD_TC(tp, memory_tells_resident_pages);
	ATF_TP_ADD_TC(tp, short_record_gets_prefix);
	ATF_TP_ADD_TC(tp, long_record_is_zeroed);
	ATF_TP_ADD_TC(tp, configure_reaches_backend);
	ATF_TP_ADD_TC(tp, failed_create_gives_slot_back);
	return atf_no_error();
}
