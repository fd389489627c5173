/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Machines, VCPUs, their state and their maps, over a driver that counts.
 */

#include <sys/mman.h>

#include <atf-c.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "h_dev.h"

static struct nvmm_machine mach;
static struct nvmm_vcpu vcpu;

ATF_TC_WITHOUT_HEAD(cached_state_is_free);
ATF_TC_BODY(cached_state_is_free, tc)
{
	unsigned before;

	h_machine(&mach, &vcpu);
	before = h_dev[0].requests;
	ATF_REQUIRE_EQ(nvmm_vcpu_getstate(&mach, &vcpu, NVMM_X64_STATE_GPRS),
	    0);
	ATF_CHECK_EQ(h_dev[0].requests, before + 1);
	ATF_REQUIRE_EQ(nvmm_vcpu_getstate(&mach, &vcpu, NVMM_X64_STATE_GPRS),
	    0);
	ATF_CHECK_EQ(h_dev[0].requests, before + 1);
	/* Only what is missing is fetched. */
	ATF_REQUIRE_EQ(nvmm_vcpu_getstate(&mach, &vcpu, NVMM_X64_STATE_GPRS |
	    NVMM_X64_STATE_CRS), 0);
	ATF_CHECK_EQ(h_dev[0].requests, before + 2);
	ATF_CHECK_EQ(h_dev[0].wanted, NVMM_X64_STATE_CRS);
}

ATF_TC_WITHOUT_HEAD(set_state_is_kept);
ATF_TC_BODY(set_state_is_kept, tc)
{
	unsigned before;

	h_machine(&mach, &vcpu);
	before = h_dev[0].requests;
	ATF_REQUIRE_EQ(nvmm_vcpu_setstate(&mach, &vcpu, NVMM_X64_STATE_SEGS),
	    0);
	ATF_REQUIRE_EQ(nvmm_vcpu_getstate(&mach, &vcpu, NVMM_X64_STATE_SEGS),
	    0);
	ATF_CHECK_EQ(h_dev[0].requests, before);
	ATF_CHECK_EQ(h_comm.state_commit, NVMM_X64_STATE_SEGS);
	/* Even when something else has dropped the cache. */
	h_comm.state_cached = 0;
	ATF_REQUIRE_EQ(nvmm_vcpu_getstate(&mach, &vcpu, NVMM_X64_STATE_SEGS),
	    0);
	ATF_CHECK_EQ(h_dev[0].requests, before);
}

ATF_TC_WITHOUT_HEAD(asked_state_travels_with_the_run);
ATF_TC_BODY(asked_state_travels_with_the_run, tc)
{
	unsigned before;

	h_machine(&mach, &vcpu);
	ATF_REQUIRE_EQ(nvmm_vcpu_run(&mach, &vcpu), 0);
	ATF_CHECK_EQ(h_dev[0].wanted, 0);
	ATF_REQUIRE_EQ(nvmm_vcpu_getstate(&mach, &vcpu, NVMM_X64_STATE_GPRS),
	    0);
	ATF_REQUIRE_EQ(nvmm_vcpu_run(&mach, &vcpu), 0);
	ATF_CHECK_EQ(h_dev[0].wanted, NVMM_X64_STATE_GPRS);
	before = h_dev[0].requests;
	ATF_REQUIRE_EQ(nvmm_vcpu_getstate(&mach, &vcpu, NVMM_X64_STATE_GPRS),
	    0);
	ATF_CHECK_EQ(h_dev[0].requests, before);
	ATF_REQUIRE_EQ(nvmm_vcpu_run(&mach, &vcpu), 0);
	ATF_CHECK_EQ(h_dev[0].wanted, NVMM_X64_STATE_GPRS);
	/* Not asked for in between: no longer brought along. */
	ATF_REQUIRE_EQ(nvmm_vcpu_run(&mach, &vcpu), 0);
	ATF_CHECK_EQ(h_dev[0].wanted, 0);
}

ATF_TC_WITHOUT_HEAD(unknown_state);
ATF_TC_BODY(unknown_state, tc)
{

	h_machine(&mach, &vcpu);
	ATF_REQUIRE_ERRNO(EINVAL,
	    nvmm_vcpu_getstate(&mach, &vcpu, 0x80) == -1);
	ATF_REQUIRE_ERRNO(EINVAL,
	    nvmm_vcpu_setstate(&mach, &vcpu, 1ULL << 63) == -1);
	ATF_CHECK_EQ(h_comm.state_commit, 0);
}

ATF_TC_WITHOUT_HEAD(inject_waits_for_the_run);
ATF_TC_BODY(inject_waits_for_the_run, tc)
{
	unsigned before;

	h_machine(&mach, &vcpu);
	before = h_dev[0].requests;
	vcpu.event->vector = 33;
	ATF_REQUIRE_EQ(nvmm_vcpu_inject(&mach, &vcpu), 0);
	ATF_CHECK_EQ(h_dev[0].requests, before);
	ATF_CHECK_EQ(h_comm.event_commit, 1);
	ATF_CHECK_EQ(h_comm.event.vector, 33);
}

ATF_TC_WITHOUT_HEAD(stop);
ATF_TC_BODY(stop, tc)
{

	h_machine(&mach, &vcpu);
	errno = EXDEV;
	ATF_REQUIRE_EQ(nvmm_vcpu_stop(&vcpu), 0);
	ATF_CHECK_EQ(errno, EXDEV);
	ATF_CHECK_EQ(*vcpu.stop, 1);
	ATF_CHECK_EQ(h_dev[0].kicks, 1);
}

/* True if the process has a mapping at p. */
static bool
mapped(void *p)
{
	unsigned char vec;

	return mincore(p, 1, &vec) == 0;
}

ATF_TC_WITHOUT_HEAD(comm_pages_left_mapped);
ATF_TC_BODY(comm_pages_left_mapped, tc)
{
	struct nvmm_comm_page *first;
	struct nvmm_vcpu second;

	h_machine(&mach, &vcpu);
	first = h_comm_page;
	ATF_REQUIRE_EQ(nvmm_vcpu_create(&mach, 1, &second), 0);
	ATF_CHECK(mapped(first));
	ATF_CHECK(mapped(h_comm_page));
	ATF_REQUIRE_EQ(nvmm_vcpu_destroy(&mach, &second), 0);
	ATF_CHECK(!mapped(h_comm_page));
	ATF_CHECK(mapped(first));
	ATF_REQUIRE_EQ(nvmm_machine_destroy(&mach), 0);
	ATF_CHECK(!mapped(first));
}

ATF_TC_WITHOUT_HEAD(callbacks_are_local);
ATF_TC_BODY(callbacks_are_local, tc)
{
	struct nvmm_assist_callbacks cbs = { .io = NULL,
	    .mem = (void (*)(struct nvmm_mem *))abort };
	unsigned before;

	h_machine(&mach, &vcpu);
	before = h_dev[0].requests;
	ATF_REQUIRE_EQ(nvmm_vcpu_configure(&mach, &vcpu,
	    NVMM_VCPU_CONF_CALLBACKS, &cbs), 0);
	ATF_CHECK_EQ(h_dev[0].requests, before);
	ATF_CHECK(vcpu.cbs.mem == cbs.mem);
	ATF_REQUIRE_EQ(nvmm_vcpu_configure(&mach, &vcpu, NVMM_VCPU_CONF_TPR,
	    &cbs), 0);
	ATF_CHECK_EQ(h_dev[0].last, NVMM_IOC_VCPU_CONFIGURE);
}

ATF_TC_WITHOUT_HEAD(vcpu_without_page_is_undone);
ATF_TC_BODY(vcpu_without_page_is_undone, tc)
{

	h_machine(&mach, &vcpu);
	h_dev[0].no_comm = true;
	ATF_REQUIRE_ERRNO(ENOMEM, nvmm_vcpu_create(&mach, 4, &vcpu) == -1);
	ATF_CHECK_EQ(h_dev[0].destroyed, 1);
}

ATF_TC_WITHOUT_HEAD(failed_create);
ATF_TC_BODY(failed_create, tc)
{

	h_machine(&mach, &vcpu);
	h_dev[0].fail_cmd = NVMM_IOC_MACHINE_CREATE;
	h_dev[0].fail_error = ENOBUFS;
	ATF_REQUIRE_ERRNO(ENOBUFS, nvmm_machine_create(&mach) == -1);
}

ATF_TC_WITHOUT_HEAD(failed_destroy_keeps_the_machine);
ATF_TC_BODY(failed_destroy_keeps_the_machine, tc)
{
	nvmm_prot_t prot;
	uintptr_t hva;

	h_machine(&mach, &vcpu);
	ATF_REQUIRE_EQ(nvmm_gpa_map(&mach, 0x7000, 0x1000, 0x1000,
	    NVMM_PROT_READ), 0);
	h_dev[0].fail_cmd = NVMM_IOC_MACHINE_DESTROY;
	h_dev[0].fail_error = EPERM;
	ATF_REQUIRE_ERRNO(EPERM, nvmm_machine_destroy(&mach) == -1);
	ATF_REQUIRE_EQ(nvmm_gpa_to_hva(&mach, 0x1000, &hva, &prot), 0);
	h_dev[0].fail_error = 0;
	ATF_REQUIRE_EQ(nvmm_machine_destroy(&mach), 0);
}

ATF_TC_WITHOUT_HEAD(maps);
ATF_TC_BODY(maps, tc)
{
	nvmm_prot_t prot;
	uintptr_t hva;

	h_machine(&mach, &vcpu);
	ATF_REQUIRE_EQ(nvmm_gpa_map(&mach, 0x700000, 0x10000, 0x8000,
	    NVMM_PROT_READ | NVMM_PROT_EXEC), 0);
	ATF_REQUIRE_EQ(nvmm_gpa_to_hva(&mach, 0x12345, &hva, &prot), 0);
	ATF_CHECK_EQ(hva, 0x702345);
	ATF_CHECK_EQ(prot, NVMM_PROT_READ | NVMM_PROT_EXEC);
	ATF_REQUIRE_ERRNO(ENOENT,
	    nvmm_gpa_to_hva(&mach, 0xFFFF, &hva, &prot) == -1);
	ATF_REQUIRE_ERRNO(ENOENT,
	    nvmm_gpa_to_hva(&mach, 0x18000, &hva, &prot) == -1);
	/* A page out of the middle. */
	ATF_REQUIRE_EQ(nvmm_gpa_unmap(&mach, 0x702000, 0x12000, 0x1000), 0);
	ATF_REQUIRE_ERRNO(ENOENT,
	    nvmm_gpa_to_hva(&mach, 0x12345, &hva, &prot) == -1);
	ATF_REQUIRE_EQ(nvmm_gpa_to_hva(&mach, 0x13000, &hva, &prot), 0);
	ATF_CHECK_EQ(hva, 0x703000);
	ATF_REQUIRE_EQ(nvmm_gpa_to_hva(&mach, 0x11FFF, &hva, &prot), 0);
	ATF_CHECK_EQ(hva, 0x701FFF);
	/* The owner's side goes, and with it every link to it. */
	ATF_REQUIRE_EQ(nvmm_hva_unmap(&mach, 0x700000, 0x8000), 0);
	ATF_REQUIRE_ERRNO(ENOENT,
	    nvmm_gpa_to_hva(&mach, 0x13000, &hva, &prot) == -1);
}

ATF_TC_WITHOUT_HEAD(failed_map_changes_nothing);
ATF_TC_BODY(failed_map_changes_nothing, tc)
{
	nvmm_prot_t prot;
	uintptr_t hva;

	h_machine(&mach, &vcpu);
	h_dev[0].fail_error = EEXIST;
	h_dev[0].fail_cmd = NVMM_IOC_GPA_MAP;
	ATF_REQUIRE_ERRNO(EEXIST, nvmm_gpa_map(&mach, 0x7000, 0x1000, 0x1000,
	    NVMM_PROT_READ) == -1);
	ATF_REQUIRE_ERRNO(ENOENT,
	    nvmm_gpa_to_hva(&mach, 0x1000, &hva, &prot) == -1);
	h_dev[0].fail_cmd = NVMM_IOC_GPA_UNMAP;
	ATF_REQUIRE_EQ(nvmm_gpa_map(&mach, 0x7000, 0x1000, 0x1000,
	    NVMM_PROT_READ), 0);
	ATF_REQUIRE_ERRNO(EEXIST,
	    nvmm_gpa_unmap(&mach, 0x7000, 0x1000, 0x1000) == -1);
	ATF_REQUIRE_EQ(nvmm_gpa_to_hva(&mach, 0x1000, &hva, &prot), 0);
}

ATF_TC_WITHOUT_HEAD(bad_ranges);
ATF_TC_BODY(bad_ranges, tc)
{
	unsigned before;

	h_machine(&mach, &vcpu);
	before = h_dev[0].requests;
	ATF_REQUIRE_ERRNO(EINVAL, nvmm_hva_map(&mach, 0x7001, 4096) == -1);
	ATF_REQUIRE_ERRNO(EINVAL, nvmm_hva_map(&mach, 0x7000, 0) == -1);
	ATF_REQUIRE_ERRNO(EINVAL, nvmm_hva_map(&mach, 0x7000, 4095) == -1);
	ATF_REQUIRE_ERRNO(EINVAL,
	    nvmm_gpa_map(&mach, 0x7000, 0xFFFFFFFFFFFFF000, 0x2000, 1) == -1);
	ATF_REQUIRE_ERRNO(EINVAL,
	    nvmm_gpa_unmap(&mach, 0x7000, 0x1800, 0x1000) == -1);
	ATF_CHECK_EQ(h_dev[0].requests, before);
}

/* Upper halves of YMM, by areas with AVX and no more. */
ATF_TC_WITHOUT_HEAD(upper_halves);
ATF_TC_BODY(upper_halves, tc)
{
	uint8_t half[16], *ymmh;

	h_machine(&mach, &vcpu);
	ymmh = h_dev[0].xstate + NVMM_X64_XSTATE_YMMH;
	memset(h_dev[0].xstate, 0x11, sizeof(h_dev[0].xstate));
	h_dev[0].xstate[NVMM_X64_XSTATE_BV] = 3;
	ATF_CHECK_ERRNO(ENOTSUP, nvmm_ymmh_get(&mach, &vcpu, 0, half) == -1);
	ATF_CHECK_ERRNO(ENOTSUP, nvmm_ymmh_set(&mach, &vcpu, 0, half) == -1);
	h_dev[0].xstate[NVMM_X64_XSTATE_BV] = 7;
	memset(ymmh + 15 * 16, 0x55, 16);
	ATF_REQUIRE_EQ(0, nvmm_ymmh_get(&mach, &vcpu, 15, half));
	ATF_CHECK_EQ(0, memcmp(half, ymmh + 15 * 16, 16));
	memset(half, 0x66, sizeof(half));
	ATF_REQUIRE_EQ(0, nvmm_ymmh_set(&mach, &vcpu, 9, half));
	ATF_CHECK_EQ(h_dev[0].last, NVMM_IOC_VCPU_SETXSTATE);
	ATF_CHECK_EQ(0, memcmp(half, ymmh + 9 * 16, 16));
	ATF_CHECK_EQ(0x11, ymmh[9 * 16 - 1]);
	ATF_CHECK_EQ(0x11, ymmh[10 * 16]);
	h_dev[0].fail_cmd = NVMM_IOC_VCPU_GETXSTATE;
	h_dev[0].fail_error = EPERM;
	ATF_CHECK_ERRNO(EPERM, nvmm_ymmh_set(&mach, &vcpu, 9, half) == -1);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, cached_state_is_free);
	ATF_TP_ADD_TC(tp, set_state_is_kept);
	ATF_TP_ADD_TC(tp, asked_state_travels_with_the_run);
	ATF_TP_ADD_TC(tp, unknown_state);
	ATF_TP_ADD_TC(tp, inject_waits_for_the_run);
	ATF_TP_ADD_TC(tp, stop);
	ATF_TP_ADD_TC(tp, comm_pages_left_mapped);
	ATF_TP_ADD_TC(tp, callbacks_are_local);
	ATF_TP_ADD_TC(tp, vcpu_without_page_is_undone);
	ATF_TP_ADD_TC(tp, failed_create);
	ATF_TP_ADD_TC(tp, failed_destroy_keeps_the_machine);
	ATF_TP_ADD_TC(tp, maps);
	ATF_TP_ADD_TC(tp, failed_map_changes_nothing);
	ATF_TP_ADD_TC(tp, bad_ranges);
	ATF_TP_ADD_TC(tp, upper_halves);
	return atf_no_error();
}
