/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Owners: whose machine it is, what root may, what another process may not,
 * and that machines end with their owner.
 */

#include <sys/mman.h>
#include <sys/wait.h>

#include <unistd.h>

#include "h_frontend.h"
#include "nvmm_hosted.h"

static struct h_owner other, root;

/* Each request on another's machine, and its error. */
static void
check_all(struct nvmm_owner *owner, nvmm_machid_t m, int error)
{
	struct nvmm_vcpu_conf_cpuid conf = { .leaf = 1 };
	struct nvmm_ioc_machine_configure mconf = { m, 200, &conf };
	struct nvmm_ioc_vcpu vcpu = { m, 0 };
	struct nvmm_ioc_vcpu_create create = { m, 1, NULL };
	struct nvmm_ioc_vcpu_configure vconf = { m, 0, 200, &conf };
	struct nvmm_ioc_hva hva = { m, 0x10000, PAGE };
	struct nvmm_ioc_gpa gpa = { m, 0x10000, 0, PAGE, PROT_RWX };
	const struct {
		unsigned long cmd;
		void *record;
	} reqs[] = {
		{ NVMM_IOC_MACHINE_CONFIGURE, &mconf },
		{ NVMM_IOC_VCPU_CREATE, &create },
		{ NVMM_IOC_VCPU_DESTROY, &vcpu },
		{ NVMM_IOC_VCPU_CONFIGURE, &vconf },
		{ NVMM_IOC_VCPU_SETSTATE, &vcpu },
		{ NVMM_IOC_VCPU_GETSTATE, &vcpu },
		{ NVMM_IOC_VCPU_INJECT, &vcpu },
		{ NVMM_IOC_VCPU_RUN, &vcpu },
		{ NVMM_IOC_VCPU_KICK, &vcpu },
		{ NVMM_IOC_HVA_MAP, &hva },
		{ NVMM_IOC_HVA_UNMAP, &hva },
		{ NVMM_IOC_GPA_MAP, &gpa },
		{ NVMM_IOC_GPA_UNMAP, &gpa },
	};
	size_t i;

	for (i = 0; i < sizeof(reqs) / sizeof(reqs[0]); i++)
		ATF_CHECK_EQ_MSG(error, nvmm_ioctl(owner, reqs[i].cmd,
		    reqs[i].record), "request %zu", i);
}

static int
ctl_info(struct nvmm_owner *owner, nvmm_machid_t m)
{
	struct nvmm_ctl_mach_info info = { .machid = m };
	struct nvmm_ioc_ctl ioc = { NVMM_CTL_MACH_INFO, &info, sizeof(info) };

	return nvmm_ioctl(owner, NVMM_IOC_CTL, &ioc);
}

CASE(others_machine_eperm, "another owner's machine is EPERM throughout")
{
	struct nvmm_ioc_machine ioc;

	h_start();
	h_owner_init(&other, getpid(), false);
	ioc.machid = h_machine();
	h_cpu(ioc.machid, 0);
	check_all(&other.owner, ioc.machid, EPERM);
	ATF_CHECK_EQ(EPERM, ctl_info(&other.owner, ioc.machid));
	ATF_CHECK_EQ(EPERM, nvmm_ioctl(&other.owner, NVMM_IOC_MACHINE_DESTROY,
	    &ioc));
	ATF_CHECK_EQ(0, ctl_info(&h_first.owner, ioc.machid));
	h_end();
}

CASE(root_lists_and_destroys_only, "the root owner may list and destroy")
{
	struct nvmm_ioc_capability cap;
	struct nvmm_ioc_machine ioc;

	h_start();
	h_owner_init(&root, getpid(), true);
	ioc.machid = h_machine();
	h_cpu(ioc.machid, 0);
	check_all(&root.owner, ioc.machid, EPERM);
	ATF_CHECK_EQ(EPERM, nvmm_ioctl(&root.owner, NVMM_IOC_MACHINE_CREATE,
	    &ioc));
	ATF_CHECK_EQ(0, nvmm_ioctl(&root.owner, NVMM_IOC_CAPABILITY, &cap));
	ATF_CHECK_EQ(0, ctl_info(&root.owner, ioc.machid));
	ATF_CHECK_EQ(ENOENT, ctl_info(&root.owner, ioc.machid + 1));
	ATF_CHECK_EQ(0, nvmm_ioctl(&root.owner, NVMM_IOC_MACHINE_DESTROY,
	    &ioc));
	ATF_CHECK_EQ(ENOENT, ctl_info(&h_first.owner, ioc.machid));
	h_end();
}

CASE(close_ends_own_machines_only, "machines end with their owner")
{
	struct nvmm_ioc_machine ioc;

	h_start();
	h_owner_init(&other, getpid(), false);
	ATF_REQUIRE_EQ(0, h_machine());
	ATF_REQUIRE_EQ(0, nvmm_ioctl(&other.owner, NVMM_IOC_MACHINE_CREATE,
	    &ioc));
	ATF_REQUIRE_EQ(2, h_machine());
	h_memory(0, MiB);
	h_owner_close(&h_first);
	ATF_CHECK_EQ(2, fake_ncalls("machine_destroy"));
	ATF_CHECK_EQ(0, ctl_info(&other.owner, ioc.machid));
	ATF_CHECK_EQ(EBUSY, nvmm_detach());
	h_owner_close(&other);
	h_end();
}

CASE(other_process_eperm, "who inherited the file may do nothing with it")
{
	nvmm_machid_t m;

	h_start();
	m = h_machine();
	h_cpu(m, 0);
	h_first.file.pid++;
	check_all(&h_first.owner, m, EPERM);
	ATF_CHECK_EQ(EPERM, h_destroy(m));
	ATF_CHECK_EQ(EPERM, ctl_info(&h_first.owner, m));
	h_first.file.pid--;
	ATF_CHECK_EQ(0, h_destroy(m));
	h_end();
}

CASE(open_without_cloexec_einval, "the device opened without O_CLOEXEC: EINVAL")
{
	struct os_file file = { .pid = getpid() };
	struct nvmm_owner owner = { .file = &file };

	h_start();
	ATF_CHECK_EQ(EINVAL, nvmm_owner_open(&owner, 0));
	ATF_CHECK_EQ(EINVAL, nvmm_owner_open(&owner, NVMM_OPEN_ROOT));
	ATF_CHECK_EQ(0, nvmm_owner_open(&owner, NVMM_OPEN_CLOEXEC));
	nvmm_owner_close(&owner);
	h_end();
}

CASE(close_waits_for_no_other_owner, "a close does not touch others' machines")
{
	struct nvmm_machine *mach;

	h_start();
	h_owner_init(&other, getpid(), false);
	ATF_REQUIRE_EQ(0, nvmm_machine_get(&h_first.owner, h_machine(), &mach));
	/* To lock it again would be an assertion. */
	h_owner_close(&other);
	nvmm_machine_put(mach);
	h_end();
}

CASE(root_destroy_leaves_owners_views, "the owner's memory stays when root ends it")
{
	struct nvmm_ioc_machine ioc;
	struct nvmm_comm_page *comm;
	volatile char *p;

	h_start();
	h_owner_init(&root, getpid(), true);
	ioc.machid = h_machine();
	comm = h_cpu(ioc.machid, 0);
	p = (volatile char *)h_memory(ioc.machid, MiB);
	p[5] = 'x';
	ATF_REQUIRE_EQ(0, nvmm_ioctl(&root.owner, NVMM_IOC_MACHINE_DESTROY,
	    &ioc));
	ATF_CHECK_EQ('x', p[5]);
	p[MiB - 1] = 1;
	ATF_CHECK_EQ(0, comm->cpuid);
	os_atomic_store(&comm->stop, 1);
	ATF_CHECK_EQ(0, munmap((void *)p, MiB));
	ATF_CHECK_EQ(0, munmap(comm, sizeof(*comm)));
	h_end();
}

/* What each call through the door says in a child. */
static int
child_calls(void)
{
	struct nvmm_access access = { .token = 1 };
	struct nvmm_ioc_machine ioc = { 0 };

	if (nvmm_hosted_access(0, 0, &access) != EPERM)
		return 4;
	if (nvmm_hosted_access_done(0, 0, &access) != EPERM)
		return 5;
	if (nvmm_hosted_kick(0, 0) != EPERM)
		return 6;

	if (nvmm_hosted_request(NVMM_IOC_MACHINE_DESTROY, &ioc) != EPERM)
		return 1;
	if (nvmm_hosted_open(false) != EPERM)
		return 2;
	if (nvmm_hosted_close() != EPERM)
		return 3;
	return 0;
}

CASE(hosted_child_eperm, "a forked child of the hosted driver's process: EPERM")
{
	struct nvmm_ioc_machine ioc = { 0 };
	int status;
	pid_t pid;

	ATF_REQUIRE_EQ(0, nvmm_hosted_backend("fake"));
	ATF_REQUIRE_EQ(0, nvmm_hosted_open(false));
	ATF_REQUIRE_EQ(0, nvmm_hosted_request(NVMM_IOC_MACHINE_CREATE, &ioc));
	pid = fork();
	if (pid == 0)
		_exit(child_calls());
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_CHECK(WIFEXITED(status));
	ATF_CHECK_EQ(0, WEXITSTATUS(status));
	ATF_CHECK_EQ(0, nvmm_hosted_request(NVMM_IOC_MACHINE_DESTROY, &ioc));
	ATF_CHECK_EQ(0, nvmm_hosted_close());
}

CASE(hosted_door_opens_and_closes, "the hosted door, there and back, twice")
{
	struct nvmm_ioc_machine ioc;
	int i;

	ATF_CHECK_EQ(EBADF, nvmm_hosted_request(NVMM_IOC_MACHINE_CREATE, &ioc));
	ATF_CHECK_EQ(EBADF, nvmm_hosted_close());
	ATF_REQUIRE_EQ(0, nvmm_hosted_backend("fake"));
	for (i = 0; i < 2; i++) {
		ATF_REQUIRE_EQ(0, nvmm_hosted_open(false));
		ATF_CHECK_EQ(0, nvmm_hosted_open(false));
		ATF_CHECK_EQ(EBUSY, nvmm_hosted_open(true));
		ATF_CHECK_EQ(EBUSY, nvmm_hosted_backend(NULL));
		ATF_CHECK_EQ(0, nvmm_hosted_request(NVMM_IOC_MACHINE_CREATE,
		    &ioc));
		ATF_CHECK_EQ(0, ioc.machid);
		ATF_CHECK_EQ(ENOENT, nvmm_hosted_kick(0, 0));
		ATF_CHECK_EQ(EINVAL, nvmm_hosted_kick(128, 0));
		ATF_CHECK_EQ(0, nvmm_hosted_close());
		ATF_CHECK_EQ(0, hosted_mem_held());
	}
}

CASE(hosted_root_lists_only, "the hosted door opened for root: list, destroy")
{
	struct nvmm_ioc_machine ioc = { 0 };

	ATF_REQUIRE_EQ(0, nvmm_hosted_backend("fake"));
	ATF_REQUIRE_EQ(0, nvmm_hosted_open(true));
	ATF_CHECK_EQ(EPERM, nvmm_hosted_request(NVMM_IOC_MACHINE_CREATE, &ioc));
	ATF_CHECK_EQ(ENOENT, nvmm_hosted_request(NVMM_IOC_MACHINE_DESTROY,
	    &ioc));
	ATF_CHECK_EQ(0, nvmm_hosted_close());
}

CASE(hosted_without_backend_enxio, "no backend: ENXIO; one that fails: its own")
{

	ATF_CHECK_EQ(ENXIO, nvmm_hosted_open(false));
	ATF_REQUIRE_EQ(0, nvmm_hosted_backend("fake"));
	fake_reset();
	fake_fail("init", 1, EACCES);
	ATF_CHECK_EQ(EACCES, nvmm_hosted_open(false));
	ATF_CHECK_EQ(0, nvmm_hosted_open(false));
	ATF_CHECK_EQ(0, nvmm_hosted_close());
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, others_machine_eperm);
	ATF_TP_ADD_TC(tp, root_lists_and_destroys_only);
	ATF_TP_ADD_TC(tp, close_ends_own_machines_only);
	ATF_TP_ADD_TC(tp, open_without_cloexec_einval);
	ATF_TP_ADD_TC(tp, close_waits_for_no_other_owner);
	ATF_TP_ADD_TC(tp, root_destroy_leaves_owners_views);
	ATF_TP_ADD_TC(tp, other_process_eperm);
	ATF_TP_ADD_TC(tp, hosted_child_eperm);
	ATF_TP_ADD_TC(tp, hosted_door_opens_and_closes);
	ATF_TP_ADD_TC(tp, hosted_root_lists_only);
	ATF_TP_ADD_TC(tp, hosted_without_backend_enxio);
	return atf_no_error();
}
