/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Extended state: the pure copying between areas, and the requests for it.
 */

#include "h_frontend.h"
#include "x86/nvmm_x86_xstate.h"

#define X87	NVMM_X86_XCR0_X87
#define SSE	NVMM_X86_XCR0_SSE
#define AVX	0x4ULL
#define PKRU	0x200ULL
#define PKRU_AT	2432		/* as AMD's have it */
#define AREA	(PKRU_AT + 8)

/* An area as the processor and as owners have it. */
union area {
	uint8_t b[4096];
	uint64_t align;
	struct fxsave fx;
};

static struct nvmm_x86_xlayout layout;
static union area own, area;

/* x87, SSE, AVX and PKRU; own has 0x11 in each byte of a part, area 0x22. */
static void
start(void)
{

	nvmm_x86_xlayout_init(&layout, 0xFFFF);
	nvmm_x86_xlayout_add(&layout, 2, 576, 256);
	nvmm_x86_xlayout_add(&layout, 9, PKRU_AT, 8);
	memset(&own, 0x11, sizeof(own));
	memset(&area, 0x22, sizeof(area));
	own.fx.fx_mxcsr = area.fx.fx_mxcsr = 0x1F80;
	memset(nvmm_x86_xheader(&own), 0, 64);
	memset(nvmm_x86_xheader(&area), 0, 64);
	nvmm_x86_xheader(&own)->xstate_bv = X87 | SSE | AVX | PKRU;
	nvmm_x86_xheader(&area)->xstate_bv = X87 | SSE | AVX | PKRU;
}

static bool
all(const void *p, int byte, size_t n)
{
	const uint8_t *b = p;
	size_t i;

	for (i = 0; i < n; i++) {
		if (b[i] != byte)
			return false;
	}
	return true;
}

CASE(size, "an area's size covers all of its parts")
{

	nvmm_x86_xlayout_init(&layout, 0xFFFF);
	ATF_CHECK_EQ(NVMM_X64_XSTATE_MIN, layout.size);
	ATF_CHECK_EQ(X87 | SSE, layout.mask);
	start();
	ATF_CHECK_EQ(AREA, layout.size);
	ATF_CHECK_EQ(X87 | SSE | AVX | PKRU, layout.mask);
}

CASE(get_all, "all parts are there, and the header says so")
{

	start();
	nvmm_x86_xstate_get(&layout, &own, &area, AREA);
	ATF_CHECK_EQ(X87 | SSE | AVX | PKRU,
	    nvmm_x86_xheader(&area)->xstate_bv);
	ATF_CHECK_EQ(0x1111, area.fx.fx_cw);
	ATF_CHECK_EQ(0x1F80, area.fx.fx_mxcsr);
	ATF_CHECK_EQ(0xFFFF, area.fx.fx_mxcsr_mask);
	ATF_CHECK(all(area.fx.fx_87_ac, 0x11, 128));
	ATF_CHECK(all(area.fx.fx_xmm, 0x11, 256));
	ATF_CHECK(all(area.fx.fx_rsvd, 0, 96));
	ATF_CHECK(all(area.b + 576, 0x11, 256));
	ATF_CHECK(all(area.b + 832, 0, PKRU_AT - 832));
	ATF_CHECK(all(area.b + PKRU_AT, 0x11, 8));
	ATF_CHECK(all(area.b + AREA, 0x22, sizeof(area) - AREA));
}

CASE(get_initial, "a part in its initial state is given as that")
{

	start();
	nvmm_x86_xheader(&own)->xstate_bv = PKRU;
	nvmm_x86_xstate_get(&layout, &own, &area, AREA);
	ATF_CHECK_EQ(X87 | SSE | AVX | PKRU,
	    nvmm_x86_xheader(&area)->xstate_bv);
	ATF_CHECK_EQ(0x37F, area.fx.fx_cw);
	ATF_CHECK_EQ(0, area.fx.fx_sw);
	ATF_CHECK_EQ(0, area.fx.fx_tw);
	ATF_CHECK_EQ(0x1F80, area.fx.fx_mxcsr);
	ATF_CHECK(all(area.fx.fx_87_ac, 0, 128));
	ATF_CHECK(all(area.fx.fx_xmm, 0, 256));
	ATF_CHECK(all(area.b + 576, 0, 256));
	ATF_CHECK(all(area.b + PKRU_AT, 0x11, 8));
}

CASE(get_short, "what an area has no room for is left out of it")
{

	start();
	nvmm_x86_xstate_get(&layout, &own, &area, 831);
	ATF_CHECK_EQ(X87 | SSE, nvmm_x86_xheader(&area)->xstate_bv);
	ATF_CHECK(all(area.b + 576, 0, 831 - 576));
	ATF_CHECK(all(area.b + 831, 0x22, 10));
	nvmm_x86_xstate_get(&layout, &own, &area, 832);
	ATF_CHECK_EQ(X87 | SSE | AVX, nvmm_x86_xheader(&area)->xstate_bv);
	nvmm_x86_xstate_get(&layout, &own, &area, sizeof(area));
	ATF_CHECK_EQ(X87 | SSE | AVX | PKRU,
	    nvmm_x86_xheader(&area)->xstate_bv);
	ATF_CHECK(all(area.b + AREA, 0, sizeof(area) - AREA));
}

CASE(set_all, "all parts are taken")
{

	start();
	nvmm_x86_xheader(&own)->xstate_bv = 0;
	ATF_REQUIRE_EQ(0, nvmm_x86_xstate_set(&layout, &own, &area, AREA));
	ATF_CHECK_EQ(X87 | SSE | AVX | PKRU, nvmm_x86_xheader(&own)->xstate_bv);
	ATF_CHECK_EQ(0x2222, own.fx.fx_cw);
	ATF_CHECK_EQ(0xFFFF, own.fx.fx_mxcsr_mask);
	ATF_CHECK(all(own.fx.fx_xmm, 0x22, 256));
	ATF_CHECK(all(own.b + 576, 0x22, 256));
	ATF_CHECK(all(own.b + PKRU_AT, 0x22, 8));
}

CASE(set_initial, "a part that is not in the area becomes initial")
{

	start();
	nvmm_x86_xheader(&area)->xstate_bv = SSE;
	area.fx.fx_mxcsr = 0x1FA0;
	ATF_REQUIRE_EQ(0, nvmm_x86_xstate_set(&layout, &own, &area, AREA));
	ATF_CHECK_EQ(0x37F, own.fx.fx_cw);
	ATF_CHECK_EQ(0, own.fx.fx_tw);
	ATF_CHECK_EQ(0x1FA0, own.fx.fx_mxcsr);
	ATF_CHECK(all(own.fx.fx_xmm, 0x22, 256));
	ATF_CHECK(all(own.b + 576, 0, 256));
	ATF_CHECK(all(own.b + PKRU_AT, 0, 8));
	ATF_CHECK_EQ(X87 | SSE | AVX | PKRU, nvmm_x86_xheader(&own)->xstate_bv);
}

CASE(set_short, "what an area has no room for stays as it is")
{

	start();
	nvmm_x86_xheader(&own)->xstate_bv = AVX;
	nvmm_x86_xheader(&area)->xstate_bv = X87 | SSE;
	ATF_REQUIRE_EQ(0, nvmm_x86_xstate_set(&layout, &own, &area, 576));
	ATF_CHECK_EQ(0x2222, own.fx.fx_cw);
	ATF_CHECK(all(own.b + 576, 0x11, 256));
	ATF_CHECK(all(own.b + PKRU_AT, 0x11, 8));
	ATF_CHECK_EQ(X87 | SSE | AVX, nvmm_x86_xheader(&own)->xstate_bv);
}

/* => Nothing changes. */
static void
refused(size_t size, const char *what)
{
	static union area before;

	memcpy(&before, &own, sizeof(own));
	ATF_CHECK_EQ_MSG(EINVAL,
	    nvmm_x86_xstate_set(&layout, &own, &area, size), "%s", what);
	ATF_CHECK_EQ_MSG(0, memcmp(&before, &own, sizeof(own)), "%s", what);
}

CASE(set_refused, "what XRSTOR would not take is refused")
{
	struct nvmm_x86_xheader *h = nvmm_x86_xheader(&area);
	unsigned i;

	start();
	h->xstate_bv |= 0x8;
	refused(AREA, "a part that there is not");
	h->xstate_bv = 1ULL << 63;
	refused(AREA, "bit 63");
	h->xstate_bv = X87 | AVX;
	refused(831, "a part without room");
	h->xstate_bv = X87 | SSE;
	h->xcomp_bv = 1ULL << 63;
	refused(AREA, "the compacted form");
	h->xcomp_bv = X87;
	refused(AREA, "a part in XCOMP_BV");
	h->xcomp_bv = 0;
	for (i = 0; i < 6; i++) {
		h->rsvd[i] = 1ULL << (i * 9);
		refused(AREA, "a reserved bit");
		h->rsvd[i] = 0;
	}
	area.fx.fx_mxcsr = 0x11F80;
	refused(AREA, "MXCSR");
	h->xstate_bv = 0;
	refused(AREA, "MXCSR, whatever XSTATE_BV says");
	area.fx.fx_mxcsr = 0x1F80;
	ATF_CHECK_EQ(0, nvmm_x86_xstate_set(&layout, &own, &area, AREA));
}

static int
xstate(unsigned long cmd, nvmm_machid_t m, void *p, size_t size)
{
	struct nvmm_ioc_vcpu_xstate ioc = { m, 0, p, size };

	return h_req(cmd, &ioc);
}

static int
get(nvmm_machid_t m, size_t size)
{

	return xstate(NVMM_IOC_VCPU_GETXSTATE, m, &area, size);
}

static int
set(nvmm_machid_t m, size_t size)
{

	return xstate(NVMM_IOC_VCPU_SETXSTATE, m, &area, size);
}

CASE(requests, "what is set is got, and the size is told")
{
	struct nvmm_ioc_capability cap;
	nvmm_machid_t m;

	h_start();
	m = h_machine();
	h_cpu(m, 0);
	ATF_REQUIRE_EQ(0, h_req(NVMM_IOC_CAPABILITY, &cap));
	ATF_CHECK_EQ(NVMM_X64_XSTATE_AVX, cap.cap.arch.xstate_size);
	ATF_REQUIRE_EQ(0, get(m, sizeof(area)));
	ATF_CHECK_EQ(0x40, area.fx.fx_cw);
	ATF_CHECK_EQ(X87 | SSE | AVX, nvmm_x86_xheader(&area)->xstate_bv);
	memset(area.b + 576, 0x77, 256);
	area.fx.fx_mxcsr = 0x1FA0;
	ATF_REQUIRE_EQ(0, set(m, NVMM_X64_XSTATE_AVX));
	memset(&area, 0, sizeof(area));
	ATF_REQUIRE_EQ(0, get(m, NVMM_X64_XSTATE_AVX));
	ATF_CHECK(all(area.b + 576, 0x77, 256));
	ATF_CHECK_EQ(0x1FA0, area.fx.fx_mxcsr);
	h_end();
}

CASE(requests_and_fpu_group, "the comm page's FXSAVE area and this are one")
{
	struct nvmm_comm_page *comm;
	nvmm_machid_t m;

	h_start();
	m = h_machine();
	comm = h_cpu(m, 0);
	comm->state_wanted = NVMM_X64_STATE_ALL;
	ATF_REQUIRE_EQ(0, h_vcpu(NVMM_IOC_VCPU_GETSTATE, m, 0));
	comm->state.fpu.fx_mxcsr = 0x1F81;
	comm->state.gprs[0] = 7;
	comm->state_commit = NVMM_X64_STATE_FPU | NVMM_X64_STATE_GPRS;
	ATF_REQUIRE_EQ(0, get(m, NVMM_X64_XSTATE_MIN));
	ATF_CHECK_EQ(0x1F81, area.fx.fx_mxcsr);
	ATF_CHECK_EQ(NVMM_X64_STATE_GPRS, comm->state_commit);
	ATF_CHECK_EQ(NVMM_X64_STATE_ALL, comm->state_cached);
	area.fx.fx_mxcsr = 0x1F82;
	ATF_REQUIRE_EQ(0, set(m, NVMM_X64_XSTATE_MIN));
	ATF_CHECK_EQ(NVMM_X64_STATE_ALL & ~NVMM_X64_STATE_FPU,
	    comm->state_cached);
	ATF_REQUIRE_EQ(0, h_vcpu(NVMM_IOC_VCPU_GETSTATE, m, 0));
	ATF_CHECK_EQ(0x1F82, comm->state.fpu.fx_mxcsr);
	h_end();
}

CASE(requests_refused, "sizes, areas, machines and VCPUs that there are not")
{
	nvmm_machid_t m;

	h_start();
	m = h_machine();
	ATF_CHECK_EQ(ENOENT, get(m, AREA));
	h_cpu(m, 0);
	ATF_CHECK_EQ(EINVAL, get(m, NVMM_X64_XSTATE_MIN - 1));
	ATF_CHECK_EQ(EINVAL, get(m, 0));
	ATF_CHECK_EQ(EINVAL, get(m, SIZE_MAX));
	ATF_CHECK_EQ(EINVAL, set(m, NVMM_X64_XSTATE_MIN - 1));
	ATF_CHECK_EQ(EINVAL, set(m, 64 * KiB));
	ATF_CHECK_EQ(ENOENT, get(m + 1, AREA));
	ATF_CHECK_EQ(EFAULT, xstate(NVMM_IOC_VCPU_GETXSTATE, m, NULL, AREA));
	ATF_CHECK_EQ(EFAULT, xstate(NVMM_IOC_VCPU_SETXSTATE, m, NULL, AREA));
	ATF_REQUIRE_EQ(0, get(m, AREA));
	nvmm_x86_xheader(&area)->xcomp_bv = 1;
	ATF_CHECK_EQ(EINVAL, set(m, AREA));
	fake_fail("vcpu_getxstate", 1, EIO);
	ATF_CHECK_EQ(EIO, get(m, AREA));
	h_end();
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, size);
	ATF_TP_ADD_TC(tp, get_all);
	ATF_TP_ADD_TC(tp, get_initial);
	ATF_TP_ADD_TC(tp, get_short);
	ATF_TP_ADD_TC(tp, set_all);
	ATF_TP_ADD_TC(tp, set_initial);
	ATF_TP_ADD_TC(tp, set_short);
	ATF_TP_ADD_TC(tp, set_refused);
	ATF_TP_ADD_TC(tp, requests);
	ATF_TP_ADD_TC(tp, requests_and_fpu_group);
	ATF_TP_ADD_TC(tp, requests_refused);
	return atf_no_error();
}
