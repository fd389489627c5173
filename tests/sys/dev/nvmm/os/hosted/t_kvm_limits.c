/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * As many machines and VCPUs as promised, on KVM itself, and nothing left behind.
 */

#include <sys/resource.h>

#include <dirent.h>
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

static unsigned
count_dir(const char *path)
{
	struct dirent *e;
	unsigned n;
	DIR *d;

	d = opendir(path);
	ATF_REQUIRE(d != NULL);
	n = 0;
	while ((e = readdir(d)) != NULL)
		n++;
	closedir(d);
	return n;
}

/* A limit on descriptors that leaves room for machines. */
static void
more_files(void)
{
	struct rlimit rl;

	ATF_REQUIRE_EQ(0, getrlimit(RLIMIT_NOFILE, &rl));
	rl.rlim_cur = rl.rlim_max < 4096 ? rl.rlim_max : 4096;
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &rl));
}

CASE(vcpus, "A machine with 256 VCPUs, each of which runs")
{
	struct guest g;
	unsigned i, fds;

	(void)tc;
	more_files();
	fds = count_dir("/proc/self/fd");
	guest_create(&g);
	for (i = 1; i < NVMM_MAX_VCPUS; i++)
		guest_vcpu(&g, i);
	for (i = 0; i < NVMM_MAX_VCPUS; i++) {
		guest_code(&g, i, "\xE6\x42", 2);
		ATF_REQUIRE_EQ(0, guest_run(&g, i));
		ATF_REQUIRE_EQ(NVMM_VCPU_EXIT_IO, g.comm[i]->exit.reason);
	}
	guest_destroy(&g);
	ATF_CHECK_EQ(fds, count_dir("/proc/self/fd"));
}

CASE(machines, "128 machines of two VCPUs, which run, and the 129th refused")
{
	static struct guest g[NVMM_MAX_MACHINES];
	struct nvmm_ioc_machine ioc;
	unsigned i, fds;

	(void)tc;
	more_files();
	fds = count_dir("/proc/self/fd");
	for (i = 0; i < NVMM_MAX_MACHINES; i++) {
		guest_create(&g[i]);
		guest_vcpu(&g[i], 1);
	}
	ATF_CHECK_EQ(ENOBUFS, nvmm_hosted_request(NVMM_IOC_MACHINE_CREATE,
	    &ioc));
	for (i = 0; i < NVMM_MAX_MACHINES; i++) {
		CODE(&g[i], 0xE6, 0x42);
		ATF_CHECK_EQ(0x42, guest_port(&g[i]));
	}
	for (i = 0; i < NVMM_MAX_MACHINES; i++) {
		ioc.machid = g[i].machid;
		ATF_CHECK_EQ(0, nvmm_hosted_request(NVMM_IOC_MACHINE_DESTROY,
		    &ioc));
	}
	ATF_CHECK_EQ(0, nvmm_hosted_close());
	ATF_CHECK_EQ(fds, count_dir("/proc/self/fd"));
}

CASE(vcpu_again, "A VCPU that was destroyed is made anew, in its reset state")
{
	struct nvmm_ioc_vcpu ioc = { .cpuid = 0 };
	struct guest g;
	unsigned i, fds;

	(void)tc;
	guest_create(&g);
	fds = count_dir("/proc/self/fd");
	ioc.machid = g.machid;
	for (i = 0; i < 4; i++) {
		CODE(&g, 0xE6, 0x42);
		ATF_REQUIRE_EQ(0x42, guest_port(&g));
		ATF_REQUIRE_EQ(0, nvmm_hosted_request(NVMM_IOC_VCPU_DESTROY,
		    &ioc));
		guest_vcpu(&g, 0);
		ATF_CHECK_EQ(0xFFF0, guest_get(&g,
		    NVMM_X64_STATE_GPRS)->gprs[NVMM_X64_GPR_RIP]);
	}
	ATF_CHECK_EQ(fds, count_dir("/proc/self/fd"));
	guest_destroy(&g);
}

CASE(vcpu_again_limit, "VCPUs made anew without end are ENOBUFS one day")
{
	struct nvmm_ioc_vcpu_create create = { .cpuid = 3 };
	struct nvmm_ioc_vcpu ioc = { .cpuid = 3 };
	struct guest g;
	unsigned i;
	int error;

	(void)tc;
	guest_create(&g);
	ioc.machid = create.machid = g.machid;
	error = 0;
	for (i = 0; i < 5000 && error == 0; i++) {
		error = nvmm_hosted_request(NVMM_IOC_VCPU_CREATE, &create);
		if (error == 0)
			ATF_REQUIRE_EQ(0, nvmm_hosted_request(
			    NVMM_IOC_VCPU_DESTROY, &ioc));
	}
	ATF_CHECK(i > 200);
	if (i < 5000)
		ATF_CHECK_EQ(ENOBUFS, error);
	CODE(&g, 0xE6, 0x42);
	ATF_CHECK_EQ(0x42, guest_port(&g));
	guest_destroy(&g);
}

CASE(files, "Without descriptors left, creation fails and nothing is lost")
{
	struct nvmm_ioc_machine ioc;
	struct rlimit rl, low;
	struct guest g;

	(void)tc;
	guest_create(&g);
	ATF_REQUIRE_EQ(0, getrlimit(RLIMIT_NOFILE, &rl));
	low = rl;
	low.rlim_cur = 0;
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &low));
	ATF_CHECK_EQ(EMFILE, nvmm_hosted_request(NVMM_IOC_MACHINE_CREATE,
	    &ioc));
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &rl));
	CODE(&g, 0xE6, 0x42);
	ATF_CHECK_EQ(0x42, guest_port(&g));
	guest_destroy(&g);
}

CASE(open_errno, "What keeps /dev/kvm from being opened is the open's error")
{
	struct rlimit rl, low;

	(void)tc;
	ATF_REQUIRE_EQ(0, getrlimit(RLIMIT_NOFILE, &rl));
	low = rl;
	low.rlim_cur = 0;
	ATF_REQUIRE_EQ(0, nvmm_hosted_backend("kvm"));
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &low));
	ATF_CHECK_EQ(EMFILE, nvmm_hosted_open(false));
	ATF_REQUIRE_EQ(0, setrlimit(RLIMIT_NOFILE, &rl));
	kvm_open();
	ATF_CHECK_EQ(0, nvmm_hosted_close());
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, vcpus);
	ATF_TP_ADD_TC(tp, machines);
	ATF_TP_ADD_TC(tp, vcpu_again);
	ATF_TP_ADD_TC(tp, vcpu_again_limit);
	ATF_TP_ADD_TC(tp, files);
	ATF_TP_ADD_TC(tp, open_errno);

	return atf_no_error();
}
