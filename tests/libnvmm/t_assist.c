/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * nvmm_assist_mem(3) on memory and on devices: pieces, pages, faults.
 */

#include <atf-c.h>
#include <errno.h>
#include <string.h>

#include "h_assist.h"

ATF_TC_WITHOUT_HEAD(mem_store);
ATF_TC_BODY(mem_store, tc)
{

	setup();
	MEM_EXIT(0x89, 0x07);
	RDI = DEV;
	RAX = 0x11223344;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "w20000.4=11223344 ");
	ATF_CHECK_EQ(RIP, 0x1002);
	ATF_CHECK((h_comm.state_commit & NVMM_X64_STATE_GPRS) != 0);
}

ATF_TC_WITHOUT_HEAD(mem_bytes_of_the_exit);
ATF_TC_BODY(mem_bytes_of_the_exit, tc)
{

	setup();
	MEM_EXIT(0x90);			/* not what is executed */
	vcpu.exit->u.mem.inst_len = 2;
	memcpy(vcpu.exit->u.mem.inst_bytes, "\x8B\x07", 2);
	RDI = DEV;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "r20000.4 ");
	ATF_CHECK_EQ(RAX, 0xE5F60718);
}

ATF_TC_WITHOUT_HEAD(mem_exit_cut_short);
ATF_TC_BODY(mem_exit_cut_short, tc)
{

	setup();
	MEM_EXIT(0x8B, 0x07);
	vcpu.exit->u.mem.inst_len = 1;
	vcpu.exit->u.mem.inst_bytes[0] = 0x8B;
	RDI = DEV;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "r20000.4 ");
}

/* A length that no exit has is none. */
ATF_TC_WITHOUT_HEAD(mem_exit_too_long);
ATF_TC_BODY(mem_exit_too_long, tc)
{

	setup();
	MEM_EXIT(0x8B, 0x07);
	memset(vcpu.exit->u.mem.inst_bytes, 0x90, X86_INSN_MAX);
	vcpu.exit->u.mem.inst_len = X86_INSN_MAX + 1;
	RDI = DEV;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "r20000.4 ");
}

/* What is kept of an instruction is not taken for another's. */
ATF_TC_WITHOUT_HEAD(mem_decoded_anew);
ATF_TC_BODY(mem_decoded_anew, tc)
{
	uint8_t *bytes;

	setup();
	MEM_EXIT(0x8B, 0x07);
	bytes = vcpu.exit->u.mem.inst_bytes;
	memset(bytes, 0x90, X86_INSN_MAX);
	memcpy(bytes, "\x8B\x07", 2);
	vcpu.exit->u.mem.inst_len = X86_INSN_MAX;
	RDI = DEV;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	RIP = 0x1000;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	bytes[0] = 0x8A;
	RIP = 0x1000;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	/* The same bytes in 16-bit code are at [bx]. */
	bytes[0] = 0x8B;
	RIP = 0x1000;
	vcpu.state->segs[NVMM_X64_SEG_CS].attrib.def = 0;
	*gpr(NVMM_X64_GPR_RBX) = 0x100;
	vcpu.state->segs[NVMM_X64_SEG_DS].base = DEV;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "r20000.4 r20000.4 r20000.1 r20100.2 ");
}

ATF_TC_WITHOUT_HEAD(mem_modify);
ATF_TC_BODY(mem_modify, tc)
{

	setup();
	MEM_EXIT(0xF0, 0x09, 0x07);
	RDI = DEV;
	RAX = 0xF0000000;
	answer = 0x11;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "r20000.4 w20000.4=f0000011 ");
	ATF_CHECK_EQ(FLAGS, 0x86);
}

ATF_TC_WITHOUT_HEAD(mem_across_ram_and_device);
ATF_TC_BODY(mem_across_ram_and_device, tc)
{

	setup();
	MEM_EXIT(0x89, 0x07);
	RDI = RAM_SIZE - 1;
	RAX = 0x44332211;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(ram[RAM_SIZE - 1], 0x11);
	ATF_CHECK_STREQ(seen, "w10000.3=443322 ");
}

ATF_TC_WITHOUT_HEAD(mem_across_device_pages);
ATF_TC_BODY(mem_across_device_pages, tc)
{

	setup();
	MEM_EXIT(0x89, 0x07);
	RDI = DEV + 0xFFE;
	RAX = 0x44332211;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "w20ffe.2=2211 w21000.2=4433 ");
}

ATF_TC_WITHOUT_HEAD(mem_wide_in_pieces);
ATF_TC_BODY(mem_wide_in_pieces, tc)
{
	unsigned i;

	setup();
	MEM_EXIT(0x0F, 0x11, 0x0F);		/* movups [edi], xmm1 */
	RDI = DEV;
	for (i = 0; i < 16; i++)
		vcpu.state->fpu.fx_xmm[1].xmm_bytes[i] = (uint8_t)(i + 1);
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "w20000.8=807060504030201 "
	    "w20008.8=100f0e0d0c0b0a09 ");
}

ATF_TC_WITHOUT_HEAD(mem_string_device_to_ram);
ATF_TC_BODY(mem_string_device_to_ram, tc)
{

	setup();
	MEM_EXIT(0xF3, 0xA5);
	RSI = DEV;
	RDI = 0x2000;
	RCX = 3;
	answer = 0x10;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "r20000.4 r20004.4 r20008.4 ");
	ATF_CHECK_EQ(memcmp(ram + 0x2000,
	    "\x10\0\0\0\x11\0\0\0\x12\0\0\0", 12), 0);
	ATF_CHECK_EQ(RCX, 0);
	ATF_CHECK_EQ(RIP, 0x1002);
}

/* A stop that was asked for lets a REP go on at the next run. */
ATF_TC_WITHOUT_HEAD(mem_string_stops);
ATF_TC_BODY(mem_string_stops, tc)
{

	setup();
	MEM_EXIT(0xF3, 0xAA);
	RDI = DEV;
	RCX = 100;
	ATF_REQUIRE_EQ(nvmm_vcpu_stop(&vcpu), 0);
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "w20000.1=0 ");
	ATF_CHECK_EQ(RCX, 99);
	ATF_CHECK_EQ(RDI, DEV + 1);
	ATF_CHECK_EQ(RIP, 0x1000);
}

ATF_TC_WITHOUT_HEAD(mem_read_only_is_a_device);
ATF_TC_BODY(mem_read_only_is_a_device, tc)
{

	setup();
	ATF_REQUIRE_EQ(nvmm_gpa_map(&mach, (uintptr_t)ram + 0x5000, 0x30000,
	    0x1000, NVMM_PROT_READ), 0);
	ram[0x5000] = 0x77;
	MEM_EXIT(0x88, 0x07);
	RDI = 0x30000;
	RAX = 0x55;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "w30000.1=55 ");
	ATF_CHECK_EQ(ram[0x5000], 0x77);
}

ATF_TC_WITHOUT_HEAD(mem_unknown_instruction);
ATF_TC_BODY(mem_unknown_instruction, tc)
{
	char text[256];

	setup();
	memset(ram + 0x1000, 0x90, X86_INSN_MAX);
	MEM_EXIT(0xD9, 0x07);			/* fld [edi] */
	RDI = DEV;
	vcpu.exit->u.mem.gpa = DEV;
	ATF_REQUIRE_ERRNO(ENOTSUP, nvmm_assist_mem(&mach, &vcpu) == -1);
	ATF_CHECK_EQ(RIP, 0x1000);
	ATF_CHECK_EQ(h_comm.state_commit, 0);
	ATF_CHECK_STREQ(seen, "");
	/* The exit's text says what it was, though the exit did not. */
	(void)nvmm_vcpu_strexit(&vcpu, text, sizeof(text));
	ATF_CHECK_STREQ(text, "memory read at guest-physical 0x20000: "
	    "d9 07 90 90 90 90 90 90 90 90 90 90 90 90 90");
}

/* What is no instruction is the guest's #UD, what is too long its #GP. */
ATF_TC_WITHOUT_HEAD(mem_invalid_instruction);
ATF_TC_BODY(mem_invalid_instruction, tc)
{

	setup();
	MEM_EXIT(0xF0, 0x89, 0x07);		/* lock mov [edi], eax */
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(h_comm.event_commit, 1);
	ATF_CHECK_EQ(vcpu.event->vector, X86_EXC_UD);
	h_comm.event_commit = 0;
	memset(ram + 0x1000, 0x66, X86_INSN_MAX);
	vcpu.exit->u.mem.inst_len = 0;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(h_comm.event_commit, 1);
	ATF_CHECK_EQ(vcpu.event->vector, X86_EXC_GP);
	ATF_CHECK_STREQ(seen, "");
	ATF_CHECK_EQ(RIP, 0x1000);
}

ATF_TC_WITHOUT_HEAD(mem_code_out_of_reach);
ATF_TC_BODY(mem_code_out_of_reach, tc)
{

	setup();
	MEM_EXIT(0x90);
	RIP = 0x80000;
	ATF_REQUIRE_ERRNO(EFAULT, nvmm_assist_mem(&mach, &vcpu) == -1);
}

ATF_TC_WITHOUT_HEAD(mem_code_across_pages);
ATF_TC_BODY(mem_code_across_pages, tc)
{

	setup();
	RIP = 0x1FFD;
	MEM_EXIT(0xC7, 0x07, 0x78, 0x56, 0x34, 0x12);
	RDI = DEV;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "w20000.4=12345678 ");
	ATF_CHECK_EQ(RIP, 0x2003);
}

ATF_TC_WITHOUT_HEAD(mem_page_fault);
ATF_TC_BODY(mem_page_fault, tc)
{

	setup();
	paging();
	MEM_EXIT(0x01, 0x07);
	memset(ram + 0x9000 + 0x21 * 4, 0, 4);
	/* The second page is missing: the first must not hear of it. */
	RDI = DEV + 0xFFE;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_STREQ(seen, "");
	ATF_CHECK_EQ(h_comm.event_commit, 1);
	ATF_CHECK_EQ(vcpu.event->type, NVMM_VCPU_EVENT_EXCP);
	ATF_CHECK_EQ(vcpu.event->vector, X86_EXC_PF);
	ATF_CHECK_EQ(vcpu.event->u.excp.error, X86_PF_W);
	ATF_CHECK_EQ(vcpu.state->crs[NVMM_X64_CR_CR2], 0x21000);
	ATF_CHECK_EQ(RIP, 0x1000);
}

ATF_TC_WITHOUT_HEAD(mem_protection);
ATF_TC_BODY(mem_protection, tc)
{

	setup();
	paging();
	ram[0x9000 + 0x20 * 4] &= ~2;		/* read-only */
	MEM_EXIT(0x89, 0x07);
	RDI = DEV;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(vcpu.event->u.excp.error, X86_PF_P | X86_PF_W);
	ATF_CHECK_STREQ(seen, "");
	/* The supervisor may write there if CR0.WP is clear, the user not. */
	vcpu.state->crs[NVMM_X64_CR_CR0] &= ~X86_CR0_WP;
	h_comm.event_commit = 0;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(h_comm.event_commit, 0);
	ATF_CHECK_STREQ(seen, "w20000.4=0 ");
	vcpu.state->segs[NVMM_X64_SEG_SS].attrib.dpl = 3;
	RIP = 0x1000;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(h_comm.event_commit, 1);
	ATF_CHECK_EQ(vcpu.event->u.excp.error, X86_PF_P | X86_PF_W |
	    X86_PF_U);
}

ATF_TC_WITHOUT_HEAD(mem_smap);
ATF_TC_BODY(mem_smap, tc)
{

	setup();
	paging();
	vcpu.state->crs[NVMM_X64_CR_CR4] |= X86_CR4_SMAP;
	MEM_EXIT(0x89, 0x07);
	RDI = DEV;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(h_comm.event_commit, 1);
	ATF_CHECK_EQ(vcpu.event->u.excp.error, X86_PF_P | X86_PF_W);
	ATF_CHECK_STREQ(seen, "");
	/* With AC the supervisor may; the user's own are no matter of it. */
	h_comm.event_commit = 0;
	vcpu.state->gprs[NVMM_X64_GPR_RFLAGS] |= X86_FL_AC;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	RIP = 0x1000;
	vcpu.state->gprs[NVMM_X64_GPR_RFLAGS] &= ~(uint64_t)X86_FL_AC;
	vcpu.state->segs[NVMM_X64_SEG_SS].attrib.dpl = 3;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK_EQ(h_comm.event_commit, 0);
	ATF_CHECK_STREQ(seen, "w20000.4=0 w20000.4=0 ");
}

ATF_TC_WITHOUT_HEAD(mem_shadow_ends);
ATF_TC_BODY(mem_shadow_ends, tc)
{

	setup();
	MEM_EXIT(0x89, 0x07);
	RDI = DEV;
	vcpu.exit->exitstate.int_shadow = 1;
	vcpu.state->intr.int_shadow = 1;
	vcpu.state->intr.int_window_exiting = 1;
	ATF_REQUIRE_EQ(nvmm_assist_mem(&mach, &vcpu), 0);
	ATF_CHECK((h_comm.state_commit & NVMM_X64_STATE_INTR) != 0);
	ATF_CHECK_EQ(vcpu.state->intr.int_shadow, 0);
	ATF_CHECK_EQ(vcpu.state->intr.int_window_exiting, 1);
}

ATF_TC_WITHOUT_HEAD(wrong_exit);
ATF_TC_BODY(wrong_exit, tc)
{

	setup();
	vcpu.exit->reason = NVMM_VCPU_EXIT_HALTED;
	ATF_REQUIRE_ERRNO(EINVAL, nvmm_assist_mem(&mach, &vcpu) == -1);
	ATF_REQUIRE_ERRNO(EINVAL, nvmm_assist_io(&mach, &vcpu) == -1);
	vcpu.exit->reason = NVMM_VCPU_EXIT_MEMORY;
	vcpu.cbs.mem = NULL;
	ATF_REQUIRE_ERRNO(EINVAL, nvmm_assist_mem(&mach, &vcpu) == -1);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, mem_store);
	ATF_TP_ADD_TC(tp, mem_bytes_of_the_exit);
	ATF_TP_ADD_TC(tp, mem_exit_cut_short);
	ATF_TP_ADD_TC(tp, mem_exit_too_long);
	ATF_TP_ADD_TC(tp, mem_decoded_anew);
	ATF_TP_ADD_TC(tp, mem_modify);
	ATF_TP_ADD_TC(tp, mem_across_ram_and_device);
	ATF_TP_ADD_TC(tp, mem_across_device_pages);
	ATF_TP_ADD_TC(tp, mem_wide_in_pieces);
	ATF_TP_ADD_TC(tp, mem_string_device_to_ram);
	ATF_TP_ADD_TC(tp, mem_string_stops);
	ATF_TP_ADD_TC(tp, mem_read_only_is_a_device);
	ATF_TP_ADD_TC(tp, mem_unknown_instruction);
	ATF_TP_ADD_TC(tp, mem_invalid_instruction);
	ATF_TP_ADD_TC(tp, mem_code_out_of_reach);
	ATF_TP_ADD_TC(tp, mem_code_across_pages);
	ATF_TP_ADD_TC(tp, mem_page_fault);
	ATF_TP_ADD_TC(tp, mem_protection);
	ATF_TP_ADD_TC(tp, mem_smap);
	ATF_TP_ADD_TC(tp, mem_shadow_ends);
	ATF_TP_ADD_TC(tp, wrong_exit);
	return atf_no_error();
}
