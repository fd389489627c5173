/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * nvmm_assist_io(3) and nvmm_assist_mem(3), raw and host-decoded: RAM is two
 * buffers of this process, what is not RAM is a device that writes down what
 * it was asked.
 */

#include <sys/mman.h>

#include <atf-c.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "h_dev.h"
#include "x86.h"

#define RAM_SIZE	0x10000
#define DEV		0x20000		/* where the device lies */

static struct nvmm_machine mach;
static struct nvmm_vcpu vcpu;
static uint8_t *ram;

/* What the device saw: "r20000.4 w20004.4=11223344 ". */
static char seen[4096];
static uint64_t answer;			/* to reads; counts on */

static void
note(const char *what, uint64_t addr, size_t size, const uint8_t *data,
    bool write)
{
	size_t n = strlen(seen);
	uint64_t val = 0;

	if (write) {
		memcpy(&val, data, size);
		snprintf(seen + n, sizeof(seen) - n, "%s%lx.%zu=%lx ", what,
		    addr, size, val);
	} else
		snprintf(seen + n, sizeof(seen) - n, "%s%lx.%zu ", what, addr,
		    size);
}

static void
dev_mem(struct nvmm_mem *mem)
{

	ATF_CHECK(mem->mach == &mach && mem->vcpu == &vcpu);
	note(mem->write ? "w" : "r", mem->gpa, mem->size, mem->data,
	    mem->write);
	if (!mem->write) {
		memcpy(mem->data, &answer, mem->size);
		answer++;
	}
}

static void
dev_io(struct nvmm_io *io)
{

	ATF_CHECK(io->mach == &mach && io->vcpu == &vcpu);
	note(io->in ? "i" : "o", io->port, io->size, io->data, !io->in);
	if (io->in) {
		memcpy(io->data, &answer, io->size);
		answer++;
	}
}

/* A VCPU in flat 32-bit mode, paging off, code at 1000. */
static void
setup(void)
{
	struct nvmm_assist_callbacks cbs = { .io = dev_io, .mem = dev_mem };
	struct nvmm_vcpu_state *st;
	unsigned i;

	h_machine(&mach, &vcpu);
	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON, -1, 0);
	ATF_REQUIRE(ram != MAP_FAILED);
	ATF_REQUIRE_EQ(nvmm_gpa_map(&mach, (uintptr_t)ram, 0, RAM_SIZE,
	    NVMM_PROT_READ | NVMM_PROT_WRITE | NVMM_PROT_EXEC), 0);
	ATF_REQUIRE_EQ(nvmm_vcpu_configure(&mach, &vcpu,
	    NVMM_VCPU_CONF_CALLBACKS, &cbs), 0);
	st = vcpu.state;
	memset(st, 0, sizeof(*st));
	for (i = 0; i <= NVMM_X64_SEG_GS; i++) {
		st->segs[i].limit = UINT32_MAX;
		st->segs[i].attrib.s = st->segs[i].attrib.p = 1;
		st->segs[i].attrib.def = 1;
		st->segs[i].attrib.type = i == NVMM_X64_SEG_CS ? 0xB : 3;
	}
	st->crs[NVMM_X64_CR_CR0] = X86_CR0_PE;
	st->crs[NVMM_X64_CR_CR4] = X86_CR4_OSFXSR;
	st->gprs[NVMM_X64_GPR_RIP] = 0x1000;
	st->gprs[NVMM_X64_GPR_RFLAGS] = X86_FL_FIXED;
	seen[0] = '\0';
	answer = 0xA1B2C3D4E5F60718;
}

/* A raw memory exit at the instruction, which lies in RAM. */
static void
mem_exit(const void *bytes, size_t len)
{

	memcpy(ram + vcpu.state->gprs[NVMM_X64_GPR_RIP], bytes, len);
	memset(vcpu.exit, 0, sizeof(*vcpu.exit));
	vcpu.exit->reason = NVMM_VCPU_EXIT_MEMORY;
}

#define MEM_EXIT(...) do {						\
	static const uint8_t b_[] = { __VA_ARGS__ };			\
	mem_exit(b_, sizeof(b_));					\
} while (0)

static uint64_t *
gpr(unsigned n)
{

	return &vcpu.state->gprs[n];
}

#define RAX	(*gpr(NVMM_X64_GPR_RAX))
#define RCX	(*gpr(NVMM_X64_GPR_RCX))
#define RSI	(*gpr(NVMM_X64_GPR_RSI))
#define RDI	(*gpr(NVMM_X64_GPR_RDI))
#define RIP	(*gpr(NVMM_X64_GPR_RIP))
#define FLAGS	(*gpr(NVMM_X64_GPR_RFLAGS))

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

/* 32-bit paging: one table, identity but for what the test changes. */
static void
paging(void)
{
	uint32_t pte;
	unsigned i;

	pte = 0x9000 | 7;
	memcpy(ram + 0x8000, &pte, 4);
	for (i = 0; i < 0x40; i++) {
		pte = i << 12 | 7;
		memcpy(ram + 0x9000 + i * 4, &pte, 4);
	}
	vcpu.state->crs[NVMM_X64_CR_CR0] |= X86_CR0_PG | X86_CR0_WP;
	vcpu.state->crs[NVMM_X64_CR_CR3] = 0x8000;
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

/* A raw port exit. */
static struct nvmm_x86_exit_io *
io_exit(bool in, uint8_t size)
{

	memset(vcpu.exit, 0, sizeof(*vcpu.exit));
	vcpu.exit->reason = NVMM_VCPU_EXIT_IO;
	vcpu.exit->u.io = (struct nvmm_x86_exit_io){
		.in = in, .port = 0x3F8, .seg = -1, .address_size = 4,
		.operand_size = size, .npc = 0x1001,
	};
	return &vcpu.exit->u.io;
}

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

	ATF_TP_ADD_TC(tp, mem_store);
	ATF_TP_ADD_TC(tp, mem_bytes_of_the_exit);
	ATF_TP_ADD_TC(tp, mem_exit_cut_short);
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
