/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What instructions do to the processor beside registers and memory, as
 * nvmm_assist_mem(3) and nvmm_assist_io(3) hand it over: single steps, events
 * whose turn it is, vector registers.
 */

#include <atf-c.h>
#include <errno.h>
#include <string.h>

#include "h_assist.h"

/* A #DB waits, and DR6 says why. */
static void
check_step(void)
{

	ATF_CHECK_EQ(h_comm.event_commit, 1);
	ATF_CHECK_EQ(vcpu.event->type, NVMM_VCPU_EVENT_EXCP);
	ATF_CHECK_EQ(vcpu.event->vector, X86_EXC_DB);
	ATF_CHECK((h_comm.state_commit & NVMM_X64_STATE_DRS) != 0);
	ATF_CHECK_EQ(vcpu.state->drs[NVMM_X64_DR_DR6], X86_DR6_BS);
}

ATF_TC_WITHOUT_HEAD(step);
ATF_TC_BODY(step, tc)
{

	setup();
	MEM_EXIT(0x89, 0x07);
	RDI = DEV;
	FLAGS |= X86_FL_TF;
	vcpu.state->drs[NVMM_X64_DR_DR7] = X86_DR7_GD;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "w20000.4=0 ");
	ATF_CHECK_EQ(RIP, 0x1002);
	check_step();
	ATF_CHECK_EQ(vcpu.state->drs[NVMM_X64_DR_DR7], 0);
}

ATF_TC_WITHOUT_HEAD(no_step);
ATF_TC_BODY(no_step, tc)
{

	setup();
	MEM_EXIT(0x89, 0x07);
	RDI = DEV;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(h_comm.event_commit, 0);
	ATF_CHECK_EQ(h_comm.state_commit & NVMM_X64_STATE_DRS, 0);
	/* What faults is not stepped over; the fault comes with RF. */
	FLAGS |= X86_FL_TF;
	vcpu.state->segs[NVMM_X64_SEG_DS].limit = 0xFFF;
	RIP = 0x1000;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(vcpu.event->vector, X86_EXC_GP);
	ATF_CHECK_EQ(FLAGS, X86_FL_FIXED | X86_FL_TF | X86_FL_RF);
	ATF_CHECK_EQ(h_comm.state_commit & NVMM_X64_STATE_DRS, 0);
}

/* A REP is stepped through item by item. */
ATF_TC_WITHOUT_HEAD(step_string);
ATF_TC_BODY(step_string, tc)
{

	setup();
	MEM_EXIT(0xF3, 0xAA);
	RDI = DEV;
	RCX = 2;
	FLAGS |= X86_FL_TF;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "w20000.1=0 ");
	ATF_CHECK_EQ(RCX, 1);
	ATF_CHECK_EQ(RIP, 0x1000);
	ATF_CHECK((FLAGS & X86_FL_RF) != 0);
	check_step();
	h_comm.event_commit = 0;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(RCX, 0);
	ATF_CHECK_EQ(RIP, 0x1002);
	ATF_CHECK((FLAGS & X86_FL_RF) == 0);
	check_step();
}

/* Ports, also those that the driver offers to complete. */
ATF_TC_WITHOUT_HEAD(step_port);
ATF_TC_BODY(step_port, tc)
{
	struct nvmm_x86_exit_io *io;

	setup();
	(void)io_exit(true, 1);
	FLAGS |= X86_FL_TF;
	vcpu.exit->exitstate.rflags = FLAGS;
	h_comm.state_cached = h_comm.state_commit = 0;
	h_comm.io_state = NVMM_COMM_IO_OFFERED;
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	ATF_CHECK(h_comm.io_state != NVMM_COMM_IO_DONE);
	ATF_CHECK_EQ(RAX, 0x18);
	ATF_CHECK_EQ(RIP, 0x1001);
	check_step();
	h_comm.event_commit = 0;
	h_comm.io_state = NVMM_COMM_IO_NONE;
	io = io_exit(false, 1);
	io->str = io->rep = true;
	io->seg = NVMM_X64_SEG_DS;
	RSI = 0x2000;
	RCX = 2;
	RIP = 0x1000;
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	ATF_CHECK_EQ(RCX, 1);
	ATF_CHECK_EQ(RIP, 0x1000);
	check_step();
}

/* How many items a REP does with the exit as it is made by the test. */
static uint64_t
string_items(void)
{

	RDI = DEV;
	RCX = 10;
	RIP = 0x1000;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	return 10 - RCX;
}

/* A REP lets the guest take an event that is the client's to deliver. */
ATF_TC_WITHOUT_HEAD(string_lets_events_in);
ATF_TC_BODY(string_lets_events_in, tc)
{

	setup();
	MEM_EXIT(0xF3, 0xAA);
	ATF_CHECK_EQ(string_items(), 10);
	vcpu.exit->exitstate.int_window_exiting = 1;
	vcpu.exit->exitstate.rflags = X86_FL_FIXED;
	ATF_CHECK_EQ(string_items(), 10);
	vcpu.exit->exitstate.rflags |= X86_FL_IF;
	ATF_CHECK_EQ(string_items(), 1);
	vcpu.exit->exitstate.int_window_exiting = 0;
	vcpu.exit->exitstate.nmi_window_exiting = 1;
	ATF_CHECK_EQ(string_items(), 1);
	vcpu.exit->exitstate.nmi_window_exiting = 0;
	h_comm.event_commit = 1;
	ATF_CHECK_EQ(string_items(), 1);
	h_comm.event_commit = 0;
	h_comm.state_commit |= NVMM_X64_STATE_INTR;
	ATF_CHECK_EQ(string_items(), 1);
}

/* AVX is there for the guest, and a register and its upper half are known. */
static void
setup_avx(void)
{
	uint64_t bv = 7;
	unsigned i;

	setup();
	vcpu.state->crs[NVMM_X64_CR_CR4] |= X86_CR4_OSXSAVE;
	vcpu.state->crs[NVMM_X64_CR_XCR0] = 7;
	memcpy(h_dev[0].xstate + NVMM_X64_XSTATE_BV, &bv, sizeof(bv));
	for (i = 0; i < 16; i++) {
		vcpu.state->fpu.fx_xmm[1].xmm_bytes[i] = (uint8_t)(i + 1);
		h_dev[0].xstate[NVMM_X64_XSTATE_YMMH + 16 + i] =
		    (uint8_t)(i + 17);
	}
}

ATF_TC_WITHOUT_HEAD(ymm_store);
ATF_TC_BODY(ymm_store, tc)
{

	setup_avx();
	MEM_EXIT(0xC5, 0xFC, 0x11, 0x0F);	/* vmovups [edi], ymm1 */
	RDI = DEV;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "w20000.8=807060504030201 "
	    "w20008.8=100f0e0d0c0b0a09 w20010.8=1817161514131211 "
	    "w20018.8=201f1e1d1c1b1a19 ");
	ATF_CHECK_EQ(h_comm.state_commit & NVMM_X64_STATE_FPU, 0);
	/* In RAM, across pages. */
	RDI = 0x2FF0;
	RIP = 0x1000;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(ram[0x2FF0], 1);
	ATF_CHECK_EQ(ram[0x300F], 32);
}

ATF_TC_WITHOUT_HEAD(ymm_load);
ATF_TC_BODY(ymm_load, tc)
{
	const uint8_t *half = h_dev[0].xstate + NVMM_X64_XSTATE_YMMH + 16;

	setup_avx();
	MEM_EXIT(0xC5, 0xFC, 0x10, 0x0F);	/* vmovups ymm1, [edi] */
	RDI = DEV;
	answer = 0x10;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "r20000.8 r20008.8 r20010.8 r20018.8 ");
	ATF_CHECK_EQ(vcpu.state->fpu.fx_xmm[1].xmm_bytes[8], 0x11);
	ATF_CHECK((h_comm.state_commit & NVMM_X64_STATE_FPU) != 0);
	ATF_CHECK_EQ(half[0], 0x12);
	ATF_CHECK_EQ(half[8], 0x13);
	ATF_CHECK_EQ(half[16], 0);
}

/* VEX clears what it does not load, SSE leaves it alone. */
ATF_TC_WITHOUT_HEAD(ymm_cleared);
ATF_TC_BODY(ymm_cleared, tc)
{
	const uint8_t *half = h_dev[0].xstate + NVMM_X64_XSTATE_YMMH + 16;

	setup_avx();
	MEM_EXIT(0x0F, 0x10, 0x0F);		/* movups xmm1, [edi] */
	RDI = DEV;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(half[0], 17);
	RIP = 0x1000;
	MEM_EXIT(0xC5, 0xF8, 0x10, 0x0F);	/* vmovups xmm1, [edi] */
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(half[0], 0);
	ATF_CHECK_EQ(half[15], 0);
	ATF_CHECK_EQ(half[16], 0);
}

/* Nothing is stored where a part would fault; no line is flushed either. */
ATF_TC_WITHOUT_HEAD(checked_before);
ATF_TC_BODY(checked_before, tc)
{

	setup();
	paging();
	memset(ram + 0x9000 + 0x21 * 4, 0, 4);
	MEM_EXIT(0x66, 0x0F, 0xF7, 0xCA);	/* maskmovdqu xmm1, xmm2 */
	memset(&vcpu.state->fpu.fx_xmm[2], 0x80, 16);
	RDI = DEV + 0xFF8;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "");
	ATF_CHECK_EQ(vcpu.event->vector, X86_EXC_PF);
	ATF_CHECK_EQ(vcpu.state->crs[NVMM_X64_CR_CR2], 0x21000);
	RDI = DEV;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "w20000.8=0 w20008.8=0 ");
	RIP = 0x1000;
	MEM_EXIT(0x0F, 0xAE, 0x3F);		/* clflush [edi] */
	RDI = DEV + 0x1000;
	vcpu.state->crs[NVMM_X64_CR_CR2] = 0;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(vcpu.state->crs[NVMM_X64_CR_CR2], 0x21000);
	ATF_CHECK_EQ(vcpu.event->u.excp.error, 0);
	h_comm.event_commit = 0;
	RDI = DEV;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(h_comm.event_commit, 0);
	ATF_CHECK_EQ(RIP, 0x1003);
	ATF_CHECK_STREQ(seen, "w20000.8=0 w20008.8=0 ");
}

/* The widest exchange, in RAM and towards a device. */
ATF_TC_WITHOUT_HEAD(cmpxchg16b);
ATF_TC_BODY(cmpxchg16b, tc)
{

	setup();
	vcpu.state->msrs[NVMM_X64_MSR_EFER] = X86_EFER_LMA;
	vcpu.state->segs[NVMM_X64_SEG_CS].attrib.l = 1;
	vcpu.state->segs[NVMM_X64_SEG_CS].attrib.def = 0;
	MEM_EXIT(0xF0, 0x48, 0x0F, 0xC7, 0x0F);
	*gpr(NVMM_X64_GPR_RBX) = 0x1111;
	RCX = 0x2222;
	RDI = 0x2010;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(memcmp(ram + 0x2010, "\x11\x11\0\0\0\0\0\0\x22\x22", 10),
	    0);
	ATF_CHECK_EQ(FLAGS, X86_FL_FIXED | X86_FL_ZF);
	RIP = 0x1000;
	RDI = DEV;
	answer = 0x77;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "r20000.8 r20008.8 w20000.8=77 w20008.8=78 ");
	ATF_CHECK_EQ(RAX, 0x77);
	ATF_CHECK_EQ(FLAGS, X86_FL_FIXED);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, step);
	ATF_TP_ADD_TC(tp, no_step);
	ATF_TP_ADD_TC(tp, step_string);
	ATF_TP_ADD_TC(tp, step_port);
	ATF_TP_ADD_TC(tp, string_lets_events_in);
	ATF_TP_ADD_TC(tp, ymm_store);
	ATF_TP_ADD_TC(tp, ymm_load);
	ATF_TP_ADD_TC(tp, ymm_cleared);
	ATF_TP_ADD_TC(tp, checked_before);
	ATF_TP_ADD_TC(tp, cmpxchg16b);
	return atf_no_error();
}
