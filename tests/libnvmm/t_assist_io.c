/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * nvmm_assist_io(3), and exits that the host has decoded.
 */

#include <atf-c.h>
#include <errno.h>
#include <string.h>

#include "h_assist.h"

ATF_TC_WITHOUT_HEAD(io_register);
ATF_TC_BODY(io_register, tc)
{

	setup();
	RAX = 0x1122334455667788;
	(void)io_exit(false, 1);
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	(void)io_exit(false, 2);
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	(void)io_exit(false, 4);
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "o3f8.1=88 o3f8.2=7788 o3f8.4=55667788 ");
	ATF_CHECK_EQ(RIP, 0x1001);
	answer = 0xFFFFFFFFAABBCCDD;
	(void)io_exit(true, 1);
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	ATF_CHECK_EQ(RAX, 0x11223344556677DD);
	(void)io_exit(true, 2);
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	ATF_CHECK_EQ(RAX, 0x112233445566CCDE);
	(void)io_exit(true, 4);
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	ATF_CHECK_EQ(RAX, 0xAABBCCDF);
}

/* The same, of a driver that offers to complete it. */
static void
io_offer(bool in, uint8_t size)
{

	(void)io_exit(in, size);
	h_comm.state_cached = h_comm.state_commit = h_comm.state_wanted = 0;
	h_comm.io_rax = 0x1122334455667788;
	h_comm.io_state = NVMM_COMM_IO_OFFERED;
	answer = 0xFFFFFFFFAABBCCDD;
	h_dev[0].requests = 0;
}

/* The driver has got it to do, and the registers have not been moved. */
static void
io_left_to_driver(void)
{

	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	ATF_CHECK_EQ(h_comm.io_state, NVMM_COMM_IO_DONE);
	ATF_CHECK_EQ(h_comm.state_cached | h_comm.state_commit, 0);
	ATF_CHECK_EQ(h_dev[0].requests, 0);
}

ATF_TC_WITHOUT_HEAD(io_left_to_the_driver);
ATF_TC_BODY(io_left_to_the_driver, tc)
{

	setup();
	io_offer(false, 2);
	io_left_to_driver();
	ATF_CHECK_STREQ(seen, "o3f8.2=7788 ");
	io_offer(true, 1);
	io_left_to_driver();
	ATF_CHECK_EQ(h_comm.io_rax, 0xDD);
	ATF_CHECK_EQ(RIP, 0x1000);
}

ATF_TC_WITHOUT_HEAD(io_done_here_if_cached);
ATF_TC_BODY(io_done_here_if_cached, tc)
{

	setup();
	RAX = 0x1111111111111111;
	io_offer(true, 1);
	h_comm.state_cached = NVMM_X64_STATE_GPRS;
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	ATF_CHECK(h_comm.io_state != NVMM_COMM_IO_DONE);
	ATF_CHECK_EQ(h_comm.state_commit, NVMM_X64_STATE_GPRS);
	ATF_CHECK_EQ(RAX, 0x11111111111111DD);
	ATF_CHECK_EQ(RIP, 0x1001);
	/* Whoever wanted them then need not want them again. */
	ATF_CHECK_EQ(h_comm.state_wanted, 0);
}

/* A callback that looks at the registers, and changes one. */
static void
dev_io_curious(struct nvmm_io *io)
{

	dev_io(io);
	ATF_REQUIRE_EQ(nvmm_vcpu_getstate(&mach, &vcpu, NVMM_X64_STATE_GPRS),
	    0);
	RCX = 77;
}

ATF_TC_WITHOUT_HEAD(io_done_here_if_the_callback_looks);
ATF_TC_BODY(io_done_here_if_the_callback_looks, tc)
{

	setup();
	RAX = 0x1111111111111111;
	vcpu.cbs.io = dev_io_curious;
	io_offer(true, 2);
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "i3f8.2 ");
	ATF_CHECK(h_comm.io_state != NVMM_COMM_IO_DONE);
	ATF_CHECK_EQ(h_comm.state_commit, NVMM_X64_STATE_GPRS);
	ATF_CHECK_EQ(RAX, 0x111111111111CCDD);
	ATF_CHECK_EQ(RCX, 77);
	ATF_CHECK_EQ(RIP, 0x1001);
}

ATF_TC_WITHOUT_HEAD(io_string_in);
ATF_TC_BODY(io_string_in, tc)
{
	struct nvmm_x86_exit_io *io;

	setup();
	io = io_exit(true, 2);
	io->str = io->rep = true;
	RDI = 0x2FFF;
	RCX = 2;
	answer = 0x2211;
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "i3f8.2 i3f8.2 ");
	ATF_CHECK_EQ(memcmp(ram + 0x2FFF, "\x11\x22\x12\x22", 4), 0);
	ATF_CHECK_EQ(RDI, 0x3003);
	ATF_CHECK_EQ(RCX, 0);
	ATF_CHECK_EQ(RIP, 0x1001);
}

ATF_TC_WITHOUT_HEAD(io_string_out);
ATF_TC_BODY(io_string_out, tc)
{
	struct nvmm_x86_exit_io *io;

	setup();
	io = io_exit(false, 4);
	io->str = true;
	io->seg = NVMM_X64_SEG_ES;
	vcpu.state->segs[NVMM_X64_SEG_ES].base = 0x100;
	memcpy(ram + 0x2100, "\x11\x22\x33\x44", 4);
	RSI = 0x2000;
	FLAGS |= X86_FL_DF;
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "o3f8.4=44332211 ");
	ATF_CHECK_EQ(RSI, 0x1FFC);
	/* The segment is decoded where the exit does not tell it. */
	io->seg = -1;
	RIP = 0x1000;
	RSI = 0x2000;
	memcpy(ram + 0x1000, "\x26\x6F", 2);
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "o3f8.4=44332211 o3f8.4=44332211 ");
}

/* 16-bit addresses wrap, and only CX and DI move. */
ATF_TC_WITHOUT_HEAD(io_string_16);
ATF_TC_BODY(io_string_16, tc)
{
	struct nvmm_x86_exit_io *io;

	setup();
	io = io_exit(true, 1);
	io->str = io->rep = true;
	io->address_size = 2;
	RDI = 0x7FFFF;
	RCX = 0x50002;
	answer = 0x31;
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	ATF_CHECK_EQ(ram[0xFFFF], 0x31);
	ATF_CHECK_EQ(ram[0], 0x32);
	ATF_CHECK_EQ(RDI, 0x70001);
	ATF_CHECK_EQ(RCX, 0x50000);
}

/* A stop that was asked for lets a REP go on at the next run. */
ATF_TC_WITHOUT_HEAD(io_string_stops);
ATF_TC_BODY(io_string_stops, tc)
{
	struct nvmm_x86_exit_io *io;

	setup();
	io = io_exit(false, 1);
	io->str = io->rep = true;
	io->seg = NVMM_X64_SEG_DS;
	RSI = 0x2000;
	RCX = 2;
	ATF_REQUIRE_EQ(nvmm_vcpu_stop(&vcpu), 0);
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	ATF_CHECK_EQ(RCX, 1);
	ATF_CHECK_EQ(RIP, 0x1000);
	/* The last item ends it, stop or not. */
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	ATF_CHECK_EQ(RCX, 0);
	ATF_CHECK_EQ(RIP, 0x1001);
	ATF_CHECK_STREQ(seen, "o3f8.1=0 o3f8.1=0 ");
}

/* The device does not lose a byte that the guest cannot store. */
ATF_TC_WITHOUT_HEAD(io_string_fault);
ATF_TC_BODY(io_string_fault, tc)
{
	struct nvmm_x86_exit_io *io;

	setup();
	paging();
	memset(ram + 0x9000 + 0x3 * 4, 0, 4);
	io = io_exit(true, 1);
	io->str = io->rep = true;
	RDI = 0x2FFE;
	RCX = 4;
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "i3f8.1 i3f8.1 ");
	ATF_CHECK_EQ(RCX, 2);
	ATF_CHECK_EQ(RDI, 0x3000);
	ATF_CHECK_EQ(RIP, 0x1000);
	ATF_CHECK_EQ(h_comm.event_commit, 1);
	ATF_CHECK_EQ(vcpu.event->vector, X86_EXC_PF);
	ATF_CHECK_EQ(vcpu.state->crs[NVMM_X64_CR_CR2], 0x3000);
}

ATF_TC_WITHOUT_HEAD(io_nonsense);
ATF_TC_BODY(io_nonsense, tc)
{

	setup();
	(void)io_exit(true, 9);
	ATF_REQUIRE_ERRNO(EINVAL, nvmm_assist_io(&mach, &vcpu) == -1);
	ATF_CHECK_STREQ(seen, "");
}

/* What the host has decoded needs no state. */
ATF_TC_WITHOUT_HEAD(decoded_io);
ATF_TC_BODY(decoded_io, tc)
{
	uint8_t data[6] = { 1, 2, 3, 4, 5, 6 };
	unsigned before;

	setup();
	(void)io_exit(false, 2);
	h_dev[0].access = (struct nvmm_dev_access){ .token = 9, .write = true,
	    .size = 2, .count = 3, .addr = 0x60, .data = data };
	before = h_dev[0].requests;
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "o60.2=201 o60.2=403 o60.2=605 ");
	ATF_CHECK_EQ(h_dev[0].done, 1);
	ATF_CHECK_EQ(h_dev[0].requests, before);
	ATF_CHECK_EQ(h_comm.state_commit, 0);
	h_dev[0].access.write = false;
	answer = 0x0A0B;
	ATF_REQUIRE_EQ(nvmm_assist_io(&mach, &vcpu), 0);
	ATF_CHECK_EQ(memcmp(data, "\x0B\x0A\x0C\x0A\x0D\x0A", 6), 0);
}

ATF_TC_WITHOUT_HEAD(decoded_mem);
ATF_TC_BODY(decoded_mem, tc)
{
	uint8_t data[8] = { 9 };

	setup();
	vcpu.exit->reason = NVMM_VCPU_EXIT_MEMORY;
	h_dev[0].access = (struct nvmm_dev_access){ .token = 5, .mem = true,
	    .size = 8, .count = 1, .addr = 0xFEE00020, .data = data };
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "rfee00020.8 ");
	ATF_CHECK_EQ(memcmp(data, "\x18\x07\xF6\xE5\xD4\xC3\xB2\xA1", 8), 0);
	ATF_CHECK_EQ(h_dev[0].done, 1);
	/* An access of the other kind is not carried out. */
	h_dev[0].access.mem = false;
	ATF_REQUIRE_ERRNO(EINVAL, nvmm_assist_mem(&mach, &vcpu) == -1);
	ATF_CHECK_EQ(h_dev[0].done, 1);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, io_register);
	ATF_TP_ADD_TC(tp, io_left_to_the_driver);
	ATF_TP_ADD_TC(tp, io_done_here_if_cached);
	ATF_TP_ADD_TC(tp, io_done_here_if_the_callback_looks);
	ATF_TP_ADD_TC(tp, io_string_in);
	ATF_TP_ADD_TC(tp, io_string_out);
	ATF_TP_ADD_TC(tp, io_string_16);
	ATF_TP_ADD_TC(tp, io_string_stops);
	ATF_TP_ADD_TC(tp, io_string_fault);
	ATF_TP_ADD_TC(tp, io_nonsense);
	ATF_TP_ADD_TC(tp, decoded_io);
	ATF_TP_ADD_TC(tp, decoded_mem);
	return atf_no_error();
}
