/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the x86 backends share: pure functions, and the locks' own honesty.
 */

#include <sys/wait.h>

#include <fcntl.h>
#include <unistd.h>

#include "h_frontend.h"
#include "x86/nvmm_x86_internal.h"

CASE(reset_state, "registers after power-on")
{
	struct nvmm_x64_state s;

	memset(&s, 0x5A, sizeof(s));
	nvmm_x86_reset_state(&s);
	ATF_CHECK_EQ(0xF000, s.segs[NVMM_X64_SEG_CS].selector);
	ATF_CHECK_EQ(0xFFFF0000, s.segs[NVMM_X64_SEG_CS].base);
	ATF_CHECK_EQ(0xFFFF, s.segs[NVMM_X64_SEG_CS].limit);
	ATF_CHECK_EQ(0, s.segs[NVMM_X64_SEG_SS].base);
	ATF_CHECK_EQ(1, s.segs[NVMM_X64_SEG_DS].attrib.p);
	ATF_CHECK_EQ(0xFFFF, s.segs[NVMM_X64_SEG_IDT].limit);
	ATF_CHECK_EQ(0xFFF0, s.gprs[NVMM_X64_GPR_RIP]);
	ATF_CHECK_EQ(2, s.gprs[NVMM_X64_GPR_RFLAGS]);
	ATF_CHECK_EQ(0x60000010, s.crs[NVMM_X64_CR_CR0]);
	ATF_CHECK_EQ(1, s.crs[NVMM_X64_CR_XCR0]);
	ATF_CHECK_EQ(0xFFFF0FF0, s.drs[NVMM_X64_DR_DR6]);
	ATF_CHECK_EQ(0x400, s.drs[NVMM_X64_DR_DR7]);
	ATF_CHECK_EQ(0x0007040600070406ULL, s.msrs[NVMM_X64_MSR_PAT]);
	ATF_CHECK_EQ(0, s.msrs[NVMM_X64_MSR_EFER]);
	ATF_CHECK_EQ(0x40, s.fpu.fx_cw);
	ATF_CHECK_EQ(0xFF, s.fpu.fx_tw);
	ATF_CHECK_EQ(0x1F80, s.fpu.fx_mxcsr);
}

CASE(pat_types, "PAT entries are memory types")
{

	ATF_CHECK(nvmm_x86_pat_valid(0x0007040600070406ULL));
	ATF_CHECK(nvmm_x86_pat_valid(0x0706050401000000ULL));
	ATF_CHECK(!nvmm_x86_pat_valid(0x0007040600070402ULL));
	ATF_CHECK(!nvmm_x86_pat_valid(0x0307040600070406ULL));
	ATF_CHECK(!nvmm_x86_pat_valid(0x0007040600070806ULL));
	ATF_CHECK(!nvmm_x86_pat_valid(0x8007040600070406ULL));
}

CASE(cpuid_hides_svm_and_vmx, "no guest sees SVM, VMX, MONITOR or MCE")
{
	struct nvmm_x86_cpuid r;

	memset(&r, 0xFF, sizeof(r));
	nvmm_x86_cpuid_filter(1, 0, &r);
	ATF_CHECK_EQ(0, r.ecx & (1U << 5));	/* VMX */
	ATF_CHECK_EQ(0, r.ecx & (1U << 3));	/* MONITOR */
	ATF_CHECK_EQ(0, r.ecx & (1U << 27));	/* OSXSAVE */
	ATF_CHECK_EQ(0, r.edx & (1U << 7));	/* MCE */
	ATF_CHECK_EQ(0, r.edx & (1U << 12));	/* MTRR */
	ATF_CHECK_EQ(0, r.edx & (1U << 14));	/* MCA */
	ATF_CHECK(r.edx & (1U << 26));		/* SSE2 */
	ATF_CHECK_EQ(0, r.ebx >> 24);		/* APIC id */
	memset(&r, 0xFF, sizeof(r));
	nvmm_x86_cpuid_filter(0x80000001, 0, &r);
	ATF_CHECK_EQ(0, r.ecx & (1U << 2));	/* SVM */
	ATF_CHECK(r.edx & (1U << 29));		/* long mode */
	ATF_CHECK(r.edx & (1U << 11));		/* SYSCALL */
	ATF_CHECK(r.edx & (1U << 20));		/* NX */
	memset(&r, 0xFF, sizeof(r));
	nvmm_x86_cpuid_filter(0x8000000A, 0, &r);
	ATF_CHECK_EQ(0, r.eax | r.ebx | r.ecx | r.edx);
}

CASE(cpuid_subleaves, "a row for one subleaf is not another's")
{
	struct nvmm_x86_cpuid r;

	memset(&r, 0xFF, sizeof(r));
	nvmm_x86_cpuid_filter(7, 0, &r);
	ATF_CHECK(r.ebx & 1);
	ATF_CHECK_EQ(0, r.ebx & (1U << 16));	/* AVX-512 */
	ATF_CHECK_EQ(0, r.eax);
	memset(&r, 0xFF, sizeof(r));
	nvmm_x86_cpuid_filter(7, 1, &r);
	ATF_CHECK_EQ(0, r.ebx);
	memset(&r, 0xFF, sizeof(r));
	nvmm_x86_cpuid_filter(0xD, 0, &r);
	ATF_CHECK_EQ(~0U, r.eax);
	nvmm_x86_cpuid_filter(0xD, 1, &r);
	ATF_CHECK_EQ(7, r.eax);
	memset(&r, 0xFF, sizeof(r));
	nvmm_x86_cpuid_filter(0x80000002, 0, &r);
	ATF_CHECK_EQ(~0U, r.eax & r.ebx & r.ecx & r.edx);
}

CASE(cpuid_unknown_leaf_reads_zero, "a leaf that nobody has looked at is zero")
{
	static const uint32_t leaves[] = { 3, 0xA, 0xB, 0x19, 0x1F, 0x24,
	    0x40000001, 0x4FFFFFFF, 0x8000000A, 0x8000001E, 0x80000022,
	    0xC0000001 };
	struct nvmm_x86_cpuid r;
	size_t i;

	for (i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		memset(&r, 0xFF, sizeof(r));
		nvmm_x86_cpuid_filter(leaves[i], 0, &r);
		ATF_CHECK_EQ_MSG(0, r.eax | r.ebx | r.ecx | r.edx,
		    "leaf %#x", leaves[i]);
	}
}

CASE(cpuid_last_leaf_clamped, "the host's last leaf is not the guest's")
{
	struct nvmm_x86_cpuid r;

	memset(&r, 0xFF, sizeof(r));
	nvmm_x86_cpuid_filter(0, 0, &r);
	ATF_CHECK_EQ(0x16, r.eax);
	ATF_CHECK_EQ(~0U, r.ebx & r.ecx & r.edx);
	r.eax = 0xD;
	nvmm_x86_cpuid_filter(0, 0, &r);
	ATF_CHECK_EQ(0xD, r.eax);
	r.eax = 0x80000028;
	nvmm_x86_cpuid_filter(0x80000000, 0, &r);
	ATF_CHECK_EQ(0x80000021, r.eax);
	memset(&r, 0xFF, sizeof(r));
	nvmm_x86_cpuid_filter(0x40000000, 0, &r);
	ATF_CHECK_EQ(0x40000000, r.eax);
	ATF_CHECK_EQ(0, memcmp(&r.ebx, "___ ", 4));
}

CASE(cpuid_mask_del_then_set, "a rule first takes away, then adds")
{
	struct nvmm_vcpu_conf_cpuid conf = { .mask = 1 };
	struct nvmm_x86_cpuid r = { 0xF0, 0xF0, 0xF0, 0xF0 };

	conf.u.mask.del.eax = 0x30;
	conf.u.mask.set.eax = 0x11;
	conf.u.mask.set.edx = 0x0F;
	nvmm_x86_cpuid_mask(&conf, &r);
	ATF_CHECK_EQ(0xD1, r.eax);
	ATF_CHECK_EQ(0xF0, r.ebx);
	ATF_CHECK_EQ(0xFF, r.edx);
}

CASE(cpuid_hypervisor_name, "leaf 0x40000000 says who it is")
{
	struct nvmm_x86_cpuid r;
	char name[13] = { 0 };

	nvmm_x86_cpuid_hypervisor(&r);
	memcpy(name, &r.ebx, 4);
	memcpy(name + 4, &r.ecx, 4);
	memcpy(name + 8, &r.edx, 4);
	ATF_CHECK_STREQ("___ NVMM ___", name);
	ATF_CHECK_EQ(0x40000000, r.eax);
}

CASE(exit_reasons_have_counters, "every exit reason is counted as itself")
{

	ATF_CHECK_EQ(NVMM_STAT_NONE, nvmm_x86_exit_stat(0));
	ATF_CHECK_EQ(NVMM_STAT_STOPPED, nvmm_x86_exit_stat(~1ULL));
	ATF_CHECK_EQ(NVMM_STAT_INVALID, nvmm_x86_exit_stat(~0ULL));
	ATF_CHECK_EQ(NVMM_STAT_MEMORY, nvmm_x86_exit_stat(1));
	ATF_CHECK_EQ(NVMM_STAT_IO, nvmm_x86_exit_stat(2));
	ATF_CHECK_EQ(NVMM_STAT_SHUTDOWN, nvmm_x86_exit_stat(0x1000));
	ATF_CHECK_EQ(NVMM_STAT_INT_READY, nvmm_x86_exit_stat(0x1001));
	ATF_CHECK_EQ(NVMM_STAT_NMI_READY, nvmm_x86_exit_stat(0x1002));
	ATF_CHECK_EQ(NVMM_STAT_HALTED, nvmm_x86_exit_stat(0x1003));
	ATF_CHECK_EQ(NVMM_STAT_TPR_CHANGED, nvmm_x86_exit_stat(0x1004));
	ATF_CHECK_EQ(NVMM_STAT_RDMSR, nvmm_x86_exit_stat(0x2000));
	ATF_CHECK_EQ(NVMM_STAT_WRMSR, nvmm_x86_exit_stat(0x2001));
	ATF_CHECK_EQ(NVMM_STAT_MONITOR, nvmm_x86_exit_stat(0x2002));
	ATF_CHECK_EQ(NVMM_STAT_MWAIT, nvmm_x86_exit_stat(0x2003));
	ATF_CHECK_EQ(NVMM_STAT_CPUID, nvmm_x86_exit_stat(0x2004));
}

/* True if f(arg) ends in abort(3). */
static bool
aborts(void (*f)(os_mutex_t *), os_mutex_t *mtx)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		(void)close(STDERR_FILENO);
		(void)open("/dev/null", O_WRONLY);
		f(mtx);
		_exit(0);
	}
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	return WIFSIGNALED(status);
}

static void
unlock_other(os_mutex_t *mtx)
{

	os_mutex_unlock(mtx);
}

static void
lock_twice(os_mutex_t *mtx)
{

	os_mutex_lock(mtx);
	os_mutex_lock(mtx);
}

static void *
lock_in_thread(void *arg)
{

	os_mutex_lock(arg);
	return NULL;
}

CASE(locks_know_their_owner, "a lock assert fails for who does not hold it")
{
	os_mutex_t mtx;
	pthread_t thread;

	os_mutex_init(&mtx);
	ATF_CHECK(!os_mutex_owned(&mtx));
	os_mutex_lock(&mtx);
	ATF_CHECK(os_mutex_owned(&mtx));
	os_mutex_unlock(&mtx);
	ATF_CHECK(!os_mutex_owned(&mtx));
	ATF_CHECK(aborts(lock_twice, &mtx));
	ATF_REQUIRE_EQ(0, pthread_create(&thread, NULL, lock_in_thread, &mtx));
	ATF_REQUIRE_EQ(0, pthread_join(thread, NULL));
	ATF_CHECK(!os_mutex_owned(&mtx));
	ATF_CHECK(aborts(unlock_other, &mtx));
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, reset_state);
	ATF_TP_ADD_TC(tp, pat_types);
	ATF_TP_ADD_TC(tp, cpuid_hides_svm_and_vmx);
	ATF_TP_ADD_TC(tp, cpuid_subleaves);
	ATF_TP_ADD_TC(tp, cpuid_unknown_leaf_reads_zero);
	ATF_TP_ADD_TC(tp, cpuid_last_leaf_clamped);
	ATF_TP_ADD_TC(tp, cpuid_mask_del_then_set);
	ATF_TP_ADD_TC(tp, cpuid_hypervisor_name);
	ATF_TP_ADD_TC(tp, exit_reasons_have_counters);
	ATF_TP_ADD_TC(tp, locks_know_their_owner);
	return atf_no_error();
}
