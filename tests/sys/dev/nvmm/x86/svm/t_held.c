/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * SVM belongs to one hypervisor at a time: NVMM and KVM on the same host, each
 * turned away while the other has a machine, neither harmed by it. In the
 * testhost, whose kernel brings kvm_amd.
 */

#include <sys/ioctl.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <nvmm.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* /dev/kvm, or skip. */
static int
kvm_open(void)
{
	int fd;

	if (access("/dev/nvmm", F_OK) == -1)
		atf_tc_skip("no /dev/nvmm");
	if (system("modprobe kvm_amd 2>/dev/null") != 0)
		atf_tc_skip("no kvm_amd for this kernel");
	fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	ATF_REQUIRE(fd != -1);
	return fd;
}

ATF_TC_WITHOUT_HEAD(real_kvm_first);
ATF_TC_BODY(real_kvm_first, tc)
{
	struct nvmm_machine mach;
	int kvm, vm, vcpu;

	(void)tc;
	kvm = kvm_open();
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	ATF_REQUIRE(vm != -1);
	ATF_REQUIRE_EQ(0, nvmm_init());
	ATF_REQUIRE_ERRNO(EBUSY, nvmm_machine_create(&mach) == -1);
	/* KVM's machine is none the worse, and ours come once it is gone. */
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	ATF_CHECK(vcpu != -1);
	close(vcpu);
	close(vm);
	ATF_REQUIRE_EQ(0, nvmm_machine_create(&mach));
	ATF_REQUIRE_EQ(0, nvmm_machine_destroy(&mach));
	close(kvm);
}

ATF_TC_WITHOUT_HEAD(real_nvmm_first);
ATF_TC_BODY(real_nvmm_first, tc)
{
	struct nvmm_machine mach;
	struct nvmm_vcpu vcpu;
	int kvm, vm;

	(void)tc;
	kvm = kvm_open();
	ATF_REQUIRE_EQ(0, nvmm_init());
	ATF_REQUIRE_EQ(0, nvmm_machine_create(&mach));
	ATF_REQUIRE_EQ(0, nvmm_vcpu_create(&mach, 0, &vcpu));
	ATF_CHECK_ERRNO(EBUSY, ioctl(kvm, KVM_CREATE_VM, 0) == -1);
	/* A VCPU without memory runs into its first fetch. */
	ATF_REQUIRE_EQ(0, nvmm_vcpu_run(&mach, &vcpu));
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_MEMORY, vcpu.exit->reason);
	ATF_REQUIRE_EQ(0, nvmm_machine_destroy(&mach));
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	ATF_CHECK(vm != -1);
	close(vm);
	close(kvm);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, real_kvm_first);
	ATF_TP_ADD_TC(tp, real_nvmm_first);
	return atf_no_error();
}
