/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Port and memory accesses that KVM has decoded: what the owner is shown, and
 * what becomes of its answer.
 */

#include <errno.h>
#include <string.h>

#include <atf-c.h>

#include "h_kvm.h"

#define CASE(name, text)						\
	ATF_TC(name);							\
	ATF_TC_HEAD(name, tc)						\
	{								\
		atf_tc_set_md_var(tc, "descr", "%s", text);		\
	}								\
	ATF_TC_BODY(name, tc)

#define GPRS	NVMM_X64_STATE_GPRS
#define RAX	NVMM_X64_GPR_RAX
#define RCX	NVMM_X64_GPR_RCX
#define RIP	NVMM_X64_GPR_RIP

#define MMIO	0x200000

CASE(out, "OUT of each size arrives with its data")
{
	struct nvmm_access a;
	struct guest g;
	unsigned size;

	(void)tc;
	guest_create(&g);
	/* mov eax,0x11223344; out 0x42,al; out 0x42,ax; out 0x42,eax */
	CODE(&g, 0x66, 0xB8, 0x44, 0x33, 0x22, 0x11, 0xE6, 0x42, 0xE7, 0x42,
	    0x66, 0xE7, 0x42);
	for (size = 1; size <= 4; size *= 2) {
		ATF_REQUIRE_EQ(KVM_PORT, guest_port(&g));
		ATF_CHECK(!g.comm[0]->exit.u.io.in);
		ATF_CHECK_EQ(size, g.comm[0]->exit.u.io.operand_size);
		guest_access(&g, &a);
		ATF_CHECK(a.write && !a.mem);
		ATF_CHECK_EQ(size, a.size);
		ATF_CHECK_EQ(1, a.count);
		ATF_CHECK_EQ(KVM_PORT, a.addr);
		ATF_CHECK_EQ(0, memcmp(a.data, "\x44\x33\x22\x11", size));
		ATF_CHECK_EQ(0, nvmm_hosted_access_done(g.machid, 0, &a));
	}
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_HALTED, guest_exit(&g));
	guest_destroy(&g);
}

CASE(in, "IN of each size takes its answer, and none above it")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	/* in eax,0x42; in ax,0x42; in al,0x42 */
	CODE(&g, 0x66, 0xE5, 0x42, 0xE5, 0x42, 0xE4, 0x42);
	ATF_REQUIRE_EQ(KVM_PORT, guest_port(&g));
	ATF_CHECK(g.comm[0]->exit.u.io.in);
	guest_answer(&g, 0x11223344);
	ATF_REQUIRE_EQ(KVM_PORT, guest_port(&g));
	guest_answer(&g, 0x5566);
	ATF_REQUIRE_EQ(KVM_PORT, guest_port(&g));
	guest_answer(&g, 0x77);
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_HALTED, guest_exit(&g));
	ATF_CHECK_EQ(0x11225577, guest_get(&g, GPRS)->gprs[RAX]);
	guest_destroy(&g);
}

CASE(in_unanswered, "A read that nobody answers yields ones")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	CODE(&g, 0xE4, 0x42, 0x66, 0xE5, 0x42);
	ATF_REQUIRE_EQ(KVM_PORT, guest_port(&g));
	ATF_REQUIRE_EQ(KVM_PORT, guest_port(&g));
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_HALTED, guest_exit(&g));
	ATF_CHECK_EQ(0xFFFFFFFF, guest_get(&g, GPRS)->gprs[RAX]);
	guest_destroy(&g);
}

CASE(in_getstate, "The state after an answer is that after the instruction")
{
	struct nvmm_x64_state *state;
	struct nvmm_access a;
	struct guest g;

	(void)tc;
	guest_create(&g);
	CODE(&g, 0xE4, 0x42, 0xE6, 0x43);
	ATF_REQUIRE_EQ(KVM_PORT, guest_port(&g));
	guest_access(&g, &a);
	a.data[0] = 0x5A;
	ATF_CHECK_EQ(0, nvmm_hosted_access_done(g.machid, 0, &a));
	state = guest_get(&g, GPRS);
	ATF_CHECK_EQ(0x5A, state->gprs[RAX]);
	ATF_CHECK_EQ(KVM_CODE + 2, state->gprs[RIP]);
	/* Too late now. */
	ATF_CHECK_EQ(EINVAL, nvmm_hosted_access_done(g.machid, 0, &a));
	ATF_CHECK_EQ(EINVAL, nvmm_hosted_access(g.machid, 0, &a));
	ATF_CHECK_EQ(0, a.token);
	guest_destroy(&g);
}

CASE(in_setstate, "Registers set after an access stand")
{
	struct nvmm_x64_state *state;
	struct guest g;

	(void)tc;
	guest_create(&g);
	CODE(&g, 0xE4, 0x42, 0xE6, 0x43, 0xE6, 0x44);
	ATF_REQUIRE_EQ(KVM_PORT, guest_port(&g));
	guest_answer(&g, 0x5A);
	state = &g.comm[0]->state;
	memset(state->gprs, 0, sizeof(state->gprs));
	state->gprs[NVMM_X64_GPR_RFLAGS] = 2;
	state->gprs[RIP] = KVM_CODE + 4;
	state->gprs[RAX] = 0x99;
	guest_set(&g, GPRS);
	ATF_REQUIRE_EQ(0x44, guest_port(&g));
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_HALTED, guest_exit(&g));
	ATF_CHECK_EQ(0x99, guest_get(&g, GPRS)->gprs[RAX]);
	guest_destroy(&g);
}

CASE(rep_ins, "REP INS takes its data in batches")
{
	struct nvmm_access a;
	struct guest g;
	unsigned i, n;

	(void)tc;
	guest_create(&g);
	/* mov cx,5; mov di,0x4000; mov dx,0x42; rep insw */
	CODE(&g, 0xB9, 5, 0, 0xBF, 0x00, 0x40, 0xBA, 0x42, 0, 0xF3, 0x6D);
	for (n = 0; n < 10; n += 2 * a.count) {
		ATF_REQUIRE_EQ(KVM_PORT, guest_port(&g));
		guest_access(&g, &a);
		ATF_REQUIRE_EQ(2, a.size);
		ATF_REQUIRE(a.count >= 1 && n + 2 * a.count <= 10);
		for (i = 0; i < 2 * a.count; i++)
			a.data[i] = (uint8_t)(n + i + 1);
		ATF_CHECK_EQ(0, nvmm_hosted_access_done(g.machid, 0, &a));
	}
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_HALTED, guest_exit(&g));
	for (i = 0; i < 10; i++)
		ATF_CHECK_EQ(i + 1, g.ram[0x4000 + i]);
	ATF_CHECK_EQ(0, g.ram[0x4000 + 10]);
	ATF_CHECK_EQ(0, guest_get(&g, GPRS)->gprs[RCX] & 0xFFFF);
	guest_destroy(&g);
}

CASE(rep_outs, "REP OUTS gives its data in batches")
{
	struct nvmm_access a;
	struct guest g;
	char got[16];
	unsigned n;

	(void)tc;
	guest_create(&g);
	memcpy(g.ram + 0x4000, "hello, world", 12);
	/* mov cx,12; mov si,0x4000; mov dx,0x42; rep outsb */
	CODE(&g, 0xB9, 12, 0, 0xBE, 0x00, 0x40, 0xBA, 0x42, 0, 0xF3, 0x6E);
	for (n = 0; n < 12; n += a.count) {
		ATF_REQUIRE_EQ(KVM_PORT, guest_port(&g));
		guest_access(&g, &a);
		ATF_REQUIRE(a.count >= 1 && n + a.count <= 12);
		memcpy(got + n, a.data, a.count);
	}
	ATF_CHECK_EQ(0, memcmp(got, "hello, world", 12));
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_HALTED, guest_exit(&g));
	guest_destroy(&g);
}

CASE(mmio_read, "A read where nothing is linked leaves as EXIT_MEMORY")
{
	struct nvmm_access a;
	struct guest g;
	unsigned size;

	(void)tc;
	guest_create(&g);
	guest_protected(&g, 0);
	/* mov al,[MMIO]; mov ax,[MMIO]; mov eax,[MMIO] */
	CODE(&g, 0xA0, 0, 0, 0x20, 0, 0x66, 0xA1, 0, 0, 0x20, 0,
	    0xA1, 0, 0, 0x20, 0);
	for (size = 1; size <= 4; size *= 2) {
		ATF_REQUIRE_EQ(NVMM_VCPU_EXIT_MEMORY, guest_exit(&g));
		ATF_CHECK_EQ(MMIO, g.comm[0]->exit.u.mem.gpa);
		ATF_CHECK_EQ(NVMM_PROT_READ, g.comm[0]->exit.u.mem.prot);
		guest_access(&g, &a);
		ATF_CHECK(a.mem && !a.write);
		ATF_CHECK_EQ(size, a.size);
		ATF_CHECK_EQ(MMIO, a.addr);
		guest_answer(&g, 0x44332211);
	}
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_HALTED, guest_exit(&g));
	ATF_CHECK_EQ(0x44332211, guest_get(&g, GPRS)->gprs[RAX]);
	guest_destroy(&g);
}

CASE(mmio_write, "A write where nothing is linked leaves as EXIT_MEMORY")
{
	struct nvmm_access a;
	struct guest g;

	(void)tc;
	guest_create(&g);
	guest_protected(&g, 0);
	/* mov dword [MMIO+4],0x11223344 */
	CODE(&g, 0xC7, 0x05, 4, 0, 0x20, 0, 0x44, 0x33, 0x22, 0x11);
	ATF_REQUIRE_EQ(NVMM_VCPU_EXIT_MEMORY, guest_exit(&g));
	ATF_CHECK_EQ(NVMM_PROT_WRITE, g.comm[0]->exit.u.mem.prot);
	guest_access(&g, &a);
	ATF_CHECK(a.mem && a.write);
	ATF_CHECK_EQ(4, a.size);
	ATF_CHECK_EQ(MMIO + 4, a.addr);
	ATF_CHECK_EQ(0, memcmp(a.data, "\x44\x33\x22\x11", 4));
	ATF_CHECK_EQ(KVM_CODE + 10, guest_get(&g, GPRS)->gprs[RIP]);
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_HALTED, guest_exit(&g));
	guest_destroy(&g);
}

CASE(mmio_getstate, "A read in several parts survives a getstate in between")
{
	struct guest g;
	unsigned n;

	(void)tc;
	guest_create(&g);
	guest_protected(&g, 0);
	/* mov eax,[MMIO-2]: one page, then another; and once more */
	CODE(&g, 0xA1, 0xFE, 0xFF, 0x1F, 0, 0xA1, 0xFE, 0xFF, 0x1F, 0);
	for (n = 0; guest_exit(&g) == NVMM_VCPU_EXIT_MEMORY; n++) {
		ATF_REQUIRE(n < 8);
		guest_answer(&g, 0x22222222);
		(void)guest_get(&g, GPRS);
	}
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_HALTED, g.comm[0]->exit.reason);
	ATF_CHECK(n >= 2);
	ATF_CHECK_EQ(0x22222222, guest_get(&g, GPRS)->gprs[RAX]);
	guest_destroy(&g);
}

CASE(mmio_half, "An access half in RAM leaves for the other half only")
{
	struct guest g;

	(void)tc;
	guest_create(&g);
	guest_protected(&g, 0);
	g.ram[KVM_RAM - 2] = 0x11;
	g.ram[KVM_RAM - 1] = 0x22;
	/* mov eax,[KVM_RAM-2] */
	CODE(&g, 0xA1, 0xFE, 0xFF, 0x0F, 0);
	while (guest_exit(&g) == NVMM_VCPU_EXIT_MEMORY) {
		ATF_REQUIRE(g.comm[0]->exit.u.mem.gpa >= KVM_RAM);
		guest_answer(&g, 0x4433 >> (g.comm[0]->exit.u.mem.gpa % 2 * 8));
	}
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_HALTED, g.comm[0]->exit.reason);
	ATF_CHECK_EQ(0x44332211, guest_get(&g, GPRS)->gprs[RAX]);
	guest_destroy(&g);
}

CASE(mmio_drop, "Registers set in the middle of an instruction end it")
{
	struct nvmm_x64_state *state;
	struct guest g;

	(void)tc;
	guest_create(&g);
	guest_protected(&g, 0);
	/* mov eax,[MMIO-2]; out 0x43,al; out 0x44,al */
	CODE(&g, 0xA1, 0xFE, 0xFF, 0x1F, 0, 0xE6, 0x43, 0xE6, 0x44);
	ATF_REQUIRE_EQ(NVMM_VCPU_EXIT_MEMORY, guest_exit(&g));
	guest_answer(&g, 0);
	state = &g.comm[0]->state;
	memset(state->gprs, 0, sizeof(state->gprs));
	state->gprs[NVMM_X64_GPR_RFLAGS] = 2;
	state->gprs[RIP] = KVM_CODE + 7;
	guest_set(&g, GPRS);
	ATF_CHECK_EQ(0x44, guest_port(&g));
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_HALTED, guest_exit(&g));
	ATF_CHECK_EQ(0, guest_get(&g, GPRS)->gprs[RAX]);
	guest_destroy(&g);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, out);
	ATF_TP_ADD_TC(tp, in);
	ATF_TP_ADD_TC(tp, in_unanswered);
	ATF_TP_ADD_TC(tp, in_getstate);
	ATF_TP_ADD_TC(tp, in_setstate);
	ATF_TP_ADD_TC(tp, rep_ins);
	ATF_TP_ADD_TC(tp, rep_outs);
	ATF_TP_ADD_TC(tp, mmio_read);
	ATF_TP_ADD_TC(tp, mmio_write);
	ATF_TP_ADD_TC(tp, mmio_getstate);
	ATF_TP_ADD_TC(tp, mmio_half);
	ATF_TP_ADD_TC(tp, mmio_drop);

	return atf_no_error();
}
