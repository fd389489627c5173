/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The short way of a plain MOV: wherever it is taken, and wherever it must not
 * be, the registers and the device see what the executor makes of it.
 */

#include <atf-c.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "h_assist.h"

#define TOLD	(NVMM_COMM_MEM_EFER | NVMM_COMM_MEM_OPERAND | \
		 NVMM_COMM_MEM_64)
#define RDX	(*gpr(NVMM_X64_GPR_RDX))
#define RBX	(*gpr(NVMM_X64_GPR_RBX))
#define R15	(*gpr(NVMM_X64_GPR_R15))

/* Forms on [RDI], which is the operand's address, and others that lead there. */
static const struct form {
	uint8_t bytes[15];
	unsigned size;
	bool write;
	bool plain;			/* for the short way */
	bool own;			/* the address is in the instruction */
} forms[] = {
	{ { 0x89, 0x07 }, 4, true, true, false },	/* mov [rdi], eax */
	{ { 0x48, 0x89, 0x07 }, 8, true, true, false },
	{ { 0x66, 0x89, 0x07 }, 2, true, true, false },
	{ { 0x88, 0x07 }, 1, true, true, false },
	{ { 0x88, 0x27 }, 1, true, true, false },	/* ah */
	{ { 0x40, 0x88, 0x27 }, 1, true, true, false },	/* spl */
	{ { 0x44, 0x89, 0x3F }, 4, true, true, false },	/* r15d */
	{ { 0xC6, 0x07, 0x85 }, 1, true, true, false },
	{ { 0x66, 0xC7, 0x07, 0x85, 0x96 }, 2, true, true, false },
	{ { 0xC7, 0x07, 0x85, 0x96, 0xA7, 0xB8 }, 4, true, true, false },
	{ { 0x48, 0xC7, 0x07, 0x85, 0x96, 0xA7, 0xB8 }, 8, true, true,
	  false },
	{ { 0x0F, 0xC3, 0x07 }, 4, true, true, false },	/* movnti */
	{ { 0x8B, 0x07 }, 4, false, true, false },
	{ { 0x48, 0x8B, 0x07 }, 8, false, true, false },
	{ { 0x66, 0x8B, 0x07 }, 2, false, true, false },
	{ { 0x8A, 0x07 }, 1, false, true, false },
	{ { 0x8A, 0x27 }, 1, false, true, false },
	{ { 0x4C, 0x8B, 0x3F }, 8, false, true, false },
	{ { 0x8B, 0x3F }, 4, false, true, false },	/* edi itself */
	{ { 0x0F, 0xB6, 0x07 }, 1, false, true, false },	/* movzx */
	{ { 0x66, 0x0F, 0xB6, 0x07 }, 1, false, true, false },
	{ { 0x48, 0x0F, 0xB7, 0x07 }, 2, false, true, false },
	{ { 0x67, 0x8B, 0x07 }, 4, false, true, false },
	{ { 0x8B, 0x44, 0x9F, 0x10 }, 4, false, true, false }, /* rdi+rbx*4+16 */
	{ { 0x89, 0x05, 0xFA, 0xEF, 0x01, 0x00 }, 4, true, true, true },
	{ { 0xA3, 0x00, 0x00, 0x02, 0, 0, 0, 0, 0 }, 4, true, true, true },
	{ { 0x48, 0xA1, 0x08, 0x00, 0x02, 0, 0, 0, 0, 0 }, 8, false, true,
	  true },
	/* Not for it. */
	{ { 0x0F, 0xBE, 0x07 }, 1, false, false, false },	/* movsx */
	{ { 0x01, 0x07 }, 4, true, false, false },	/* add */
	{ { 0x8C, 0x1F }, 2, true, false, false },	/* mov [rdi], ds */
	{ { 0x64, 0x89, 0x07 }, 4, true, false, false },	/* fs: */
	{ { 0x65, 0x8B, 0x07 }, 4, false, false, false },
	{ { 0x0F, 0x38, 0xF0, 0x07 }, 4, false, false, false },	/* movbe */
};

static uint64_t seed = 1;

static uint64_t
rnd(void)
{

	seed = seed * 6364136223846793005 + 1442695040888963407;
	return seed >> 16 ^ seed << 24;
}

/* Four levels: the first 64 pages to themselves. Code is 64-bit, in ring 0. */
static void
setup_long(void)
{
	static const uint64_t tables[] = { 0x8000, 0x9000, 0xA000, 0xB000 };
	struct nvmm_x64_state *st;
	uint64_t pte;
	unsigned i;

	setup();
	st = vcpu.state;
	for (i = 0; i < 3; i++) {
		pte = tables[i + 1] | 7;
		memcpy(ram + tables[i], &pte, 8);
	}
	for (i = 0; i < 64; i++) {
		pte = (uint64_t)i << 12 | 7;
		memcpy(ram + 0xB000 + i * 8, &pte, 8);
	}
	st->segs[NVMM_X64_SEG_CS].attrib.l = 1;
	st->segs[NVMM_X64_SEG_CS].attrib.def = 0;
	st->crs[NVMM_X64_CR_CR0] |= X86_CR0_PG | X86_CR0_WP;
	st->crs[NVMM_X64_CR_CR3] = 0x8000;
	st->crs[NVMM_X64_CR_CR4] |= X86_CR4_PAE;
	st->msrs[NVMM_X64_MSR_EFER] = X86_EFER_LMA | 0x100;
}

/* The exit of an instruction, with what a driver adds to it, or without. */
static void
long_exit(const uint8_t bytes[15], gpaddr_t gpa, bool write, uint32_t told)
{

	mem_exit(bytes, 15);
	vcpu.exit->u.mem.prot = write ? NVMM_PROT_WRITE : NVMM_PROT_READ;
	vcpu.exit->u.mem.gpa = gpa;
	vcpu.exit->u.mem.inst_len = 15;
	memcpy(vcpu.exit->u.mem.inst_bytes, bytes, 15);
	vcpu.exit->exitstate.rflags = FLAGS;
	h_comm.mem_state = told;
	h_comm.mem_efer = vcpu.state->msrs[NVMM_X64_MSR_EFER];
	h_comm.state_commit = 0;
	h_comm.state_cached = 0;
	h_comm.state_wanted = 0;
	h_comm.event_commit = 0;
	seen[0] = '\0';
}

/* What came of it. */
struct outcome {
	int ret, error;
	struct nvmm_x64_state state;
	uint64_t commit;
	uint32_t event;
	char seen[128];
};

static void
outcome(struct outcome *o)
{

	memset(o, 0, sizeof(*o));
	errno = 0;
	o->ret = nvmm_assist_mem(&mach, &vcpu);
	o->error = errno;
	o->state = *vcpu.state;
	o->commit = h_comm.state_commit;
	o->event = h_comm.event_commit;
	ATF_REQUIRE(strlen(seen) < sizeof(o->seen));
	memcpy(o->seen, seen, strlen(seen));
}

/* The same instruction twice: by all the rules, and with what is told. */
static void
both(const uint8_t bytes[15], gpaddr_t gpa, bool write, bool quick,
    uint32_t told)
{
	const struct nvmm_x64_state before = *vcpu.state;
	struct outcome slow, fast;

	answer = 0xA1B2C3D4E5F60718;
	long_exit(bytes, gpa, write, 0);
	outcome(&slow);
	*vcpu.state = before;
	answer = 0xA1B2C3D4E5F60718;
	long_exit(bytes, gpa, write, told);
	outcome(&fast);
	ATF_CHECK_STREQ_MSG(slow.seen, fast.seen, "%02x %02x, gpa %lx",
	    bytes[0], bytes[1], gpa);
	ATF_CHECK_EQ_MSG(0, memcmp(&slow, &fast, sizeof(slow)),
	    "%02x %02x, gpa %lx: %s", bytes[0], bytes[1], gpa, slow.seen);
	/* The short way has asked for no control registers. */
	ATF_CHECK_EQ_MSG(quick, (h_comm.state_wanted & NVMM_X64_STATE_CRS) == 0,
	    "%02x %02x, gpa %lx, quick %d", bytes[0], bytes[1], gpa, quick);
	*vcpu.state = before;
}

/* Registers at random, and the operand of the form at DEV + offset. */
static gpaddr_t
arrange(const struct form *f, unsigned offset)
{
	unsigned i;

	for (i = 0; i < 16; i++)
		*gpr(i) = rnd();
	RIP = 0x1000;
	RDI = DEV + offset;
	if (f->bytes[0] == 0x8B && f->bytes[1] == 0x44) {
		RBX &= 0xFF;
		RDI -= RBX * 4 + 16;
	}
	if (f->bytes[0] == 0xA3 || f->bytes[1] == 0xA1)
		return f->bytes[0] == 0xA3 ? DEV : DEV + 8;
	return f->own ? DEV : DEV + offset;
}

ATF_TC_WITHOUT_HEAD(same);
ATF_TC_BODY(same, tc)
{
	static const unsigned offsets[] = { 0, 4, 0x7C0, 0xFF8, 0xFF9, 0xFFC,
	    0xFFD, 0xFFE, 0xFFF, 0x1000 };
	const struct form *f;
	unsigned round;
	size_t i, j;
	gpaddr_t gpa;
	bool fits;

	setup_long();
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		f = &forms[i];
		for (j = 0; j < sizeof(offsets) / sizeof(offsets[0]); j++) {
			for (round = 0; round < 4; round++) {
				gpa = arrange(f, offsets[j]);
				fits = (gpa & 0xFFF) + f->size <= 4096;
				both(f->bytes, gpa, f->write, f->plain && fits,
				    TOLD);
			}
		}
	}
}

/* An operand whose first part is RAM: gpa is the second's. */
ATF_TC_WITHOUT_HEAD(second_page);
ATF_TC_BODY(second_page, tc)
{
	static const uint8_t store[15] = { 0x89, 0x07 };
	static const uint8_t load[15] = { 0x8B, 0x07 };

	setup_long();
	RAX = 0x11223344;
	RDI = RAM_SIZE - 2;
	both(store, RAM_SIZE, true, false, TOLD);
	ATF_CHECK_STREQ("w10000.2=1122 ", seen);
	both(load, RAM_SIZE, false, false, TOLD);
	ATF_CHECK_STREQ("r10000.2 ", seen);
}

/* What the driver does not say, or says of more than the operand. */
ATF_TC_WITHOUT_HEAD(not_told);
ATF_TC_BODY(not_told, tc)
{
	static const uint8_t store[15] = { 0x89, 0x07 };

	setup_long();
	RDI = DEV;
	both(store, DEV, true, false, NVMM_COMM_MEM_EFER);
	both(store, DEV, true, false, TOLD & ~NVMM_COMM_MEM_OPERAND);
	both(store, DEV, true, false, TOLD & ~NVMM_COMM_MEM_64);
	both(store, DEV, false, false, TOLD);	/* its own read: no operand */
	both(store, DEV, true, true, TOLD);
}

/* A step, a shadow, an event under way, #AC: the executor's. */
ATF_TC_WITHOUT_HEAD(not_plain);
ATF_TC_BODY(not_plain, tc)
{
	static const uint8_t store[15] = { 0x89, 0x07 };

	setup_long();
	RDI = DEV;
	FLAGS |= X86_FL_TF;
	both(store, DEV, true, false, TOLD);
	FLAGS &= ~(uint64_t)X86_FL_TF;
	FLAGS |= X86_FL_AC;
	both(store, DEV, true, false, TOLD);
	vcpu.state->crs[NVMM_X64_CR_CR0] |= X86_CR0_AM;
	vcpu.state->segs[NVMM_X64_SEG_SS].attrib.dpl = 3;
	RDI = DEV + 1;
	both(store, DEV + 1, true, false, TOLD);
	ATF_CHECK_EQ(X86_EXC_AC, vcpu.event->vector);
	ATF_CHECK_STREQ("", seen);
	FLAGS &= ~(uint64_t)X86_FL_AC;
	both(store, DEV + 1, true, true, TOLD);
}

ATF_TC_WITHOUT_HEAD(shadow_and_event);
ATF_TC_BODY(shadow_and_event, tc)
{
	static const uint8_t store[15] = { 0x89, 0x07 };

	setup_long();
	RDI = DEV;
	long_exit(store, DEV, true, TOLD);
	vcpu.exit->exitstate.int_shadow = 1;
	vcpu.state->intr.int_shadow = 1;
	ATF_REQUIRE_EQ(0, nvmm_assist_mem(&mach, &vcpu));
	ATF_CHECK_EQ(0, vcpu.state->intr.int_shadow);
	ATF_CHECK((h_comm.state_commit & NVMM_X64_STATE_INTR) != 0);
	RIP = 0x1000;
	long_exit(store, DEV, true, TOLD);
	vcpu.exit->exitstate.evt_pending = 1;
	ATF_REQUIRE_EQ(0, nvmm_assist_mem(&mach, &vcpu));
	ATF_CHECK((h_comm.state_wanted & NVMM_X64_STATE_CRS) != 0);
}

/* The owner has changed registers since: it is these that count. */
ATF_TC_WITHOUT_HEAD(changed_since);
ATF_TC_BODY(changed_since, tc)
{
	static const uint8_t store[15] = { 0x89, 0x07 };

	setup_long();
	RDI = DEV;
	long_exit(store, DEV, true, TOLD);
	RDI = DEV + 0x1000;
	RAX = 5;
	ATF_REQUIRE_EQ(0, nvmm_vcpu_setstate(&mach, &vcpu,
	    NVMM_X64_STATE_GPRS));
	ATF_REQUIRE_EQ(0, nvmm_assist_mem(&mach, &vcpu));
	ATF_CHECK_STREQ("w21000.4=5 ", seen);
}

/*
 * The groups that it does without are as the owner last saw them, which was
 * before the guest left real mode: RIP stays as wide as it is.
 */
ATF_TC_WITHOUT_HEAD(stale_groups);
ATF_TC_BODY(stale_groups, tc)
{
	static const uint8_t store[15] = { 0x89, 0x07 };
	const uint64_t rip = 0xFFFFFFFF8D89A395;

	setup_long();
	memset(vcpu.state->segs, 0, sizeof(vcpu.state->segs));
	memset(vcpu.state->crs, 0, sizeof(vcpu.state->crs));
	memset(vcpu.state->msrs, 0, sizeof(vcpu.state->msrs));
	RDI = DEV;
	long_exit(store, DEV, true, TOLD);
	RIP = rip;
	ATF_REQUIRE_EQ(0, nvmm_assist_mem(&mach, &vcpu));
	ATF_CHECK_EQ(rip + 2, RIP);
}

/* Bytes that are almost those decoded before are another instruction. */
ATF_TC_WITHOUT_HEAD(decoded_anew);
ATF_TC_BODY(decoded_anew, tc)
{
	uint8_t bytes[15] = { 0x89, 0x07 };
	unsigned i;

	setup_long();
	RDI = DEV;
	RAX = 0x1234;
	both(bytes, DEV, true, true, TOLD);
	bytes[1] = 0x1F;			/* ebx */
	RBX = 0x5678;
	both(bytes, DEV, true, true, TOLD);
	ATF_CHECK_STREQ("w20000.4=5678 ", seen);
	bytes[1] = 0x47;			/* [rdi + 0] */
	for (i = 0; i < 8; i++) {
		bytes[2] = (uint8_t)(i * 8);
		both(bytes, DEV + i * 8, true, true, TOLD);
	}
	/* In another mode the same bytes are another instruction: DEC EAX. */
	memcpy(bytes, "\x48\x89\x07\x90", 4);
	both(bytes, DEV, true, true, TOLD);
	vcpu.state->msrs[NVMM_X64_MSR_EFER] = 0;
	vcpu.state->segs[NVMM_X64_SEG_CS].attrib.l = 0;
	vcpu.state->segs[NVMM_X64_SEG_CS].attrib.def = 1;
	vcpu.state->crs[NVMM_X64_CR_CR0] = X86_CR0_PE;
	long_exit(bytes, DEV, true, 0);
	ATF_CHECK_ERRNO(ENOTSUP, nvmm_assist_mem(&mach, &vcpu) == -1);
	ATF_CHECK_STREQ("", seen);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, same);
	ATF_TP_ADD_TC(tp, second_page);
	ATF_TP_ADD_TC(tp, not_told);
	ATF_TP_ADD_TC(tp, not_plain);
	ATF_TP_ADD_TC(tp, shadow_and_event);
	ATF_TP_ADD_TC(tp, changed_since);
	ATF_TP_ADD_TC(tp, stale_groups);
	ATF_TP_ADD_TC(tp, decoded_anew);
	return atf_no_error();
}
