/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * nvmm_vcpu_strexit(3): every reason has its words, and they fit the buffer.
 */

#include <atf-c.h>
#include <string.h>

#include "h_dev.h"

static struct nvmm_machine mach;
static struct nvmm_vcpu vcpu;

/* The exit in words, whole. */
static const char *
words(void)
{
	static char buf[256];
	int n = nvmm_vcpu_strexit(&vcpu, buf, sizeof(buf));

	ATF_REQUIRE(n > 0 && (size_t)n == strlen(buf));
	return buf;
}

ATF_TC_WITHOUT_HEAD(invalid);
ATF_TC_BODY(invalid, tc)
{

	h_machine(&mach, &vcpu);
	vcpu.exit->reason = NVMM_VCPU_EXIT_INVALID;
	vcpu.exit->u.inv = (struct nvmm_x86_exit_invalid){
		.hwcode = NVMM_HWCODE_KVM_INTERNAL | 1, .rip = 0x100123,
		.inst_len = 3, .inst_bytes = { 0x0F, 0x58, 0xC1 },
	};
	ATF_CHECK_STREQ(words(), "KVM could not emulate the instruction at "
	    "rip 0x100123: 0f 58 c1 (KVM internal error, suberror 1)");
	vcpu.exit->u.inv.hwcode = NVMM_HWCODE_KVM_INTERNAL | 99;
	ATF_CHECK_STREQ(words(), "KVM failed at rip 0x100123: 0f 58 c1 "
	    "(KVM internal error, suberror 99)");
	vcpu.exit->u.inv.inst_len = 0;
	vcpu.exit->u.inv.hwcode = NVMM_HWCODE_KVM_FAIL_ENTRY | 0x80000021;
	ATF_CHECK_STREQ(words(), "the hardware refused the state of the VCPU "
	    "at rip 0x100123 (KVM entry failure, reason 0x80000021)");
	vcpu.exit->u.inv.hwcode = NVMM_HWCODE_KVM_UNKNOWN | 31;
	ATF_CHECK_STREQ(words(), "KVM left for a reason that the driver does "
	    "not know at rip 0x100123 (KVM exit 31)");
	vcpu.exit->u.inv = (struct nvmm_x86_exit_invalid){
		.hwcode = UINT64_MAX >> 16 };
	ATF_CHECK_STREQ(words(), "the hardware could not run the VCPU "
	    "(hardware code 0xffffffffffff)");
	/* A length that no driver should give. */
	vcpu.exit->u.inv.inst_len = 255;
	(void)words();
}

ATF_TC_WITHOUT_HEAD(others);
ATF_TC_BODY(others, tc)
{

	h_machine(&mach, &vcpu);
	vcpu.exit->reason = NVMM_VCPU_EXIT_MEMORY;
	vcpu.exit->u.mem.prot = NVMM_PROT_WRITE;
	vcpu.exit->u.mem.gpa = 0xFEE00000;
	ATF_CHECK_STREQ(words(),
	    "memory write at guest-physical 0xfee00000");
	vcpu.exit->u.mem.prot = NVMM_PROT_EXEC;
	vcpu.exit->u.mem.inst_len = 1;
	vcpu.exit->u.mem.inst_bytes[0] = 0xF4;
	ATF_CHECK_STREQ(words(),
	    "memory instruction fetch at guest-physical 0xfee00000: f4");
	vcpu.exit->reason = NVMM_VCPU_EXIT_IO;
	memset(&vcpu.exit->u, 0, sizeof(vcpu.exit->u));
	vcpu.exit->u.io.in = true;
	vcpu.exit->u.io.port = 0x3FD;
	vcpu.exit->u.io.operand_size = 1;
	ATF_CHECK_STREQ(words(), "input from port 0x3fd, 1 byte");
	vcpu.exit->reason = NVMM_VCPU_EXIT_WRMSR;
	vcpu.exit->u.wrmsr.msr = 0xC0010015;
	vcpu.exit->u.wrmsr.val = 0x10;
	ATF_CHECK_STREQ(words(), "write of 0x10 to MSR 0xc0010015");
	vcpu.exit->reason = 0x7777;
	ATF_CHECK_STREQ(words(), "unknown exit 0x7777");
}

ATF_TC_WITHOUT_HEAD(all_reasons);
ATF_TC_BODY(all_reasons, tc)
{
	static const uint64_t reasons[] = { NVMM_VCPU_EXIT_NONE,
	    NVMM_VCPU_EXIT_STOPPED, NVMM_VCPU_EXIT_INVALID,
	    NVMM_VCPU_EXIT_MEMORY, NVMM_VCPU_EXIT_IO, NVMM_VCPU_EXIT_SHUTDOWN,
	    NVMM_VCPU_EXIT_INT_READY, NVMM_VCPU_EXIT_NMI_READY,
	    NVMM_VCPU_EXIT_HALTED, NVMM_VCPU_EXIT_TPR_CHANGED,
	    NVMM_VCPU_EXIT_RDMSR, NVMM_VCPU_EXIT_WRMSR,
	    NVMM_VCPU_EXIT_MONITOR, NVMM_VCPU_EXIT_MWAIT,
	    NVMM_VCPU_EXIT_CPUID };
	unsigned i;

	h_machine(&mach, &vcpu);
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		vcpu.exit->reason = reasons[i];
		ATF_CHECK_MSG(strstr(words(), "unknown") == NULL, "%u", i);
	}
}

ATF_TC_WITHOUT_HEAD(short_buffer);
ATF_TC_BODY(short_buffer, tc)
{
	char buf[16], whole[256];
	size_t size;
	int n;

	h_machine(&mach, &vcpu);
	vcpu.exit->reason = NVMM_VCPU_EXIT_INVALID;
	vcpu.exit->u.inv.hwcode = NVMM_HWCODE_KVM_INTERNAL | 1;
	n = nvmm_vcpu_strexit(&vcpu, whole, sizeof(whole));
	for (size = 0; size < sizeof(buf); size++) {
		memset(buf, '#', sizeof(buf));
		ATF_CHECK_EQ(nvmm_vcpu_strexit(&vcpu, buf, size), n);
		ATF_CHECK_EQ(buf[size], '#');
		if (size != 0) {
			ATF_CHECK_EQ(strlen(buf), size - 1);
			ATF_CHECK_EQ(memcmp(buf, whole, size - 1), 0);
		}
	}
	ATF_CHECK_EQ(nvmm_vcpu_strexit(&vcpu, NULL, 0), n);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, invalid);
	ATF_TP_ADD_TC(tp, others);
	ATF_TP_ADD_TC(tp, all_reasons);
	ATF_TP_ADD_TC(tp, short_buffer);
	return atf_no_error();
}
