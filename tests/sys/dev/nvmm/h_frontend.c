/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * See h_frontend.h.
 */

#include <sys/mman.h>

#include <unistd.h>

#include "h_frontend.h"

const struct nvmm_impl *const nvmm_impls[] = {
	&nvmm_fake,
	NULL
};

struct h_owner h_first;
static struct h_owner *h_opened;

void
h_owner_init(struct h_owner *o, pid_t pid, bool root)
{

	o->file.pid = pid;
	o->owner.file = &o->file;
	ATF_REQUIRE_EQ(0, nvmm_owner_open(&o->owner,
	    NVMM_OPEN_CLOEXEC | (root ? NVMM_OPEN_ROOT : 0)));
	o->next = h_opened;
	h_opened = o;
}

void
h_owner_close(struct h_owner *o)
{
	struct h_owner **p;

	for (p = &h_opened; *p != o; p = &(*p)->next)
		ATF_REQUIRE(*p != NULL);
	*p = o->next;
	nvmm_owner_close(&o->owner);
}

void
h_start(void)
{

	fake_reset();
	nvmm_param_backend = "fake";
	ATF_REQUIRE_EQ(0, nvmm_attach());
	h_owner_init(&h_first, getpid(), false);
}

void
h_end(void)
{

	while (h_opened != NULL)
		h_owner_close(h_opened);
	ATF_CHECK_EQ(0, nvmm_detach());
	ATF_CHECK_EQ(0, hosted_mem_held());
	ATF_CHECK_EQ(0, hosted_vmobj_held());
	ATF_CHECK_EQ(fake_ncalls("init"), fake_ncalls("fini"));
}

int
h_req(unsigned long cmd, void *record)
{

	return nvmm_ioctl(&h_first.owner, cmd, record);
}

int
h_destroy(nvmm_machid_t machid)
{
	struct nvmm_ioc_machine ioc = { .machid = machid };

	return h_req(NVMM_IOC_MACHINE_DESTROY, &ioc);
}

int
h_vcpu_create(nvmm_machid_t machid, nvmm_cpuid_t cpuid,
    struct nvmm_comm_page **comm)
{
	struct nvmm_ioc_vcpu_create ioc = { .machid = machid, .cpuid = cpuid };
	int error;

	error = h_req(NVMM_IOC_VCPU_CREATE, &ioc);
	if (!error && comm != NULL)
		*comm = ioc.comm;
	return error;
}

int
h_vcpu(unsigned long cmd, nvmm_machid_t machid, nvmm_cpuid_t cpuid)
{
	struct nvmm_ioc_vcpu ioc = { .machid = machid, .cpuid = cpuid };

	return h_req(cmd, &ioc);
}

int
h_run(nvmm_machid_t machid, nvmm_cpuid_t cpuid)
{

	return h_vcpu(NVMM_IOC_VCPU_RUN, machid, cpuid);
}

int
h_hva_map(nvmm_machid_t machid, uintptr_t hva, size_t size)
{
	struct nvmm_ioc_hva ioc = { machid, hva, size };

	return h_req(NVMM_IOC_HVA_MAP, &ioc);
}

int
h_hva_unmap(nvmm_machid_t machid, uintptr_t hva, size_t size)
{
	struct nvmm_ioc_hva ioc = { machid, hva, size };

	return h_req(NVMM_IOC_HVA_UNMAP, &ioc);
}

int
h_gpa_map(nvmm_machid_t machid, uintptr_t hva, uint64_t gpa, size_t size,
    int prot)
{
	struct nvmm_ioc_gpa ioc = { machid, hva, gpa, size, prot };

	return h_req(NVMM_IOC_GPA_MAP, &ioc);
}

int
h_gpa_unmap(nvmm_machid_t machid, uint64_t gpa, size_t size)
{
	struct nvmm_ioc_gpa ioc = { .machid = machid, .gpa = gpa,
	    .size = size };

	return h_req(NVMM_IOC_GPA_UNMAP, &ioc);
}

int
h_ctl(int op, void *data, size_t size)
{
	struct nvmm_ioc_ctl ioc = { op, data, size };

	return h_req(NVMM_IOC_CTL, &ioc);
}

nvmm_machid_t
h_machine(void)
{
	struct nvmm_ioc_machine ioc = { 0 };

	ATF_REQUIRE_EQ(0, h_req(NVMM_IOC_MACHINE_CREATE, &ioc));
	return ioc.machid;
}

struct nvmm_comm_page *
h_cpu(nvmm_machid_t machid, nvmm_cpuid_t cpuid)
{
	struct nvmm_comm_page *comm;

	ATF_REQUIRE_EQ(0, h_vcpu_create(machid, cpuid, &comm));
	return comm;
}

uintptr_t
h_range(size_t size)
{
	void *p;

	p = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_NORESERVE, -1, 0);
	ATF_REQUIRE(p != MAP_FAILED);
	return (uintptr_t)p;
}

uintptr_t
h_memory(nvmm_machid_t machid, size_t size)
{
	uintptr_t hva;

	hva = h_range(size);
	ATF_REQUIRE_EQ(0, h_hva_map(machid, hva, size));
	return hva;
}

void
h_exit(uint64_t reason)
{
	const struct fake_exit exit = { .reason = reason };

	fake_push_exit(&exit);
}

void
h_await_running(unsigned n)
{
	unsigned i;

	for (i = 0; i < 10000 && fake_nrunning() != n; i++)
		usleep(500);
	ATF_REQUIRE_EQ(n, fake_nrunning());
}

/* Leaks of libatf-c's own are not ours to report. => Read by LeakSanitizer. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

const char *
__lsan_default_suppressions(void)
{

	return "leak:libatf-c\n";
}

const char *
__lsan_default_options(void)
{

	return "print_suppressions=0";
}
