/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The common part of the tests of the Linux module; see h_linux.h.
 */

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "h_linux.h"

#define LARGE	(2 * MIB)
#define RESET_PAGE	0xFFFFF000
#define RESET_OFFSET	0xFF0

/* What the driver holds, and how much of it with no machine there. */
static struct h_kind {
	const char *name;
	long idle;
} kinds[] = {
	{ "machines", 0 }, { "vcpus", 0 }, { "objects", 0 }, { "pages", 0 },
	{ "hwpages", 0 }, { "allocs", 0 },
};

#define NKINDS	(sizeof(kinds) / sizeof(kinds[0]))

static int
request(int fd, unsigned long cmd, void *record)
{

	return ioctl(fd, cmd, record) == -1 ? errno : 0;
}

int
h_open(void)
{
	int fd;

	fd = open("/dev/nvmm", O_RDWR | O_CLOEXEC);
	ATF_REQUIRE_MSG(fd != -1, "/dev/nvmm: %s", strerror(errno));
	return fd;
}

/* The backend's name. */
static const char *
backend(void)
{
	static struct nvmm_ioc_capability ioc;
	int fd;

	fd = h_open();
	ATF_REQUIRE_EQ(request(fd, NVMM_IOC_CAPABILITY, &ioc), 0);
	close(fd);
	return ioc.cap.arch.impl_name;
}

void
h_need_backend(const char *name)
{

	if (strcmp(backend(), name) != 0)
		atf_tc_skip("for the backend %s, not %s", name, backend());
}

void
h_make(struct h_machine *m)
{

	m->fd = h_open();
	ATF_REQUIRE_EQ(h_machine_create(m->fd, &m->id), 0);
	ATF_REQUIRE_EQ(h_vcpu_create(m->fd, m->id, 0, &m->comm), 0);
}

int
h_capability(int fd)
{
	struct nvmm_ioc_capability ioc;

	return request(fd, NVMM_IOC_CAPABILITY, &ioc);
}

int
h_machine_create(int fd, nvmm_machid_t *id)
{
	struct nvmm_ioc_machine ioc = { .machid = 0 };
	int error;

	error = request(fd, NVMM_IOC_MACHINE_CREATE, &ioc);
	*id = ioc.machid;
	return error;
}

int
h_machine_destroy(int fd, nvmm_machid_t id)
{
	struct nvmm_ioc_machine ioc = { .machid = id };

	return request(fd, NVMM_IOC_MACHINE_DESTROY, &ioc);
}

int
h_vcpu_create(int fd, nvmm_machid_t id, nvmm_cpuid_t cpuid,
    struct nvmm_comm_page **comm)
{
	struct nvmm_ioc_vcpu_create ioc = { .machid = id, .cpuid = cpuid };
	int error;

	error = request(fd, NVMM_IOC_VCPU_CREATE, &ioc);
	*comm = ioc.comm;
	return error;
}

int
h_vcpu_run(int fd, nvmm_machid_t id, nvmm_cpuid_t cpuid)
{
	struct nvmm_ioc_vcpu ioc = { .machid = id, .cpuid = cpuid };

	return request(fd, NVMM_IOC_VCPU_RUN, &ioc);
}

int
h_hva_map(const struct h_machine *m, void *p, size_t size)
{
	struct nvmm_ioc_hva ioc = {
		.machid = m->id, .hva = (uintptr_t)p, .size = size,
	};

	return request(m->fd, NVMM_IOC_HVA_MAP, &ioc);
}

int
h_hva_unmap(const struct h_machine *m, void *p, size_t size)
{
	struct nvmm_ioc_hva ioc = {
		.machid = m->id, .hva = (uintptr_t)p, .size = size,
	};

	return request(m->fd, NVMM_IOC_HVA_UNMAP, &ioc);
}

int
h_gpa_map(const struct h_machine *m, void *p, uint64_t gpa, size_t size,
    int prot)
{
	struct nvmm_ioc_gpa ioc = {
		.machid = m->id, .hva = (uintptr_t)p, .gpa = gpa,
		.size = size, .prot = prot,
	};

	return request(m->fd, NVMM_IOC_GPA_MAP, &ioc);
}

int
h_gpa_unmap(const struct h_machine *m, uint64_t gpa, size_t size)
{
	struct nvmm_ioc_gpa ioc = {
		.machid = m->id, .gpa = gpa, .size = size,
	};

	return request(m->fd, NVMM_IOC_GPA_UNMAP, &ioc);
}

uint64_t
h_resident(const struct h_machine *m)
{
	struct nvmm_ctl_mach_memory mem = { .machid = m->id };
	struct nvmm_ioc_ctl ioc = {
		.op = NVMM_CTL_MACH_MEMORY, .data = &mem, .size = sizeof(mem),
	};

	ATF_REQUIRE_EQ(request(m->fd, NVMM_IOC_CTL, &ioc), 0);
	return mem.resident;
}

int
h_mach_info(int fd, nvmm_machid_t id, struct nvmm_ctl_mach_info *info)
{
	struct nvmm_ioc_ctl ioc = {
		.op = NVMM_CTL_MACH_INFO, .data = info, .size = sizeof(*info),
	};

	info->machid = id;
	return request(fd, NVMM_IOC_CTL, &ioc);
}

int
h_op(int fd, nvmm_machid_t id, nvmm_cpuid_t cpuid, struct nvmm_comm_page *comm,
    uint64_t op, uint64_t gpa, int prot, struct h_result *res)
{
	uint64_t *gprs = comm->state.gprs;
	int error;

	gprs[NVMM_X64_GPR_RAX] = op;
	gprs[NVMM_X64_GPR_RBX] = gpa;
	gprs[NVMM_X64_GPR_RCX] = (uint64_t)prot;
	comm->state_commit |= NVMM_X64_STATE_GPRS;
	comm->state_wanted = NVMM_X64_STATE_GPRS;
	error = h_vcpu_run(fd, id, cpuid);
	res->rdx = gprs[NVMM_X64_GPR_RDX];
	res->data = gprs[NVMM_X64_GPR_RSI];
	res->generation = gprs[NVMM_X64_GPR_R8];
	return error;
}

int
h_fault(const struct h_machine *m, uint64_t gpa, int prot, uint64_t *data)
{
	struct h_result res;

	ATF_REQUIRE_EQ(h_op(m->fd, m->id, 0, m->comm, NULL_FAULT, gpa, prot,
	    &res), 0);
	if (data != NULL)
		*data = res.data;
	return (int)res.rdx;
}

bool
h_look(const struct h_machine *m, uint64_t gpa, uint64_t *data)
{
	struct h_result res;

	ATF_REQUIRE_EQ(h_op(m->fd, m->id, 0, m->comm, NULL_LOOK, gpa, 0, &res),
	    0);
	if (data != NULL)
		*data = res.data;
	return res.rdx != 0;
}

/* A jump to itself at the reset vector. The null backend has an operation. */
void
h_spin_prepare(const struct h_machine *m)
{
	struct h_result res;
	uint8_t *p;

	p = h_range(LARGE);
	ATF_REQUIRE_EQ(h_hva_map(m, p, PAGE), 0);
	ATF_REQUIRE_EQ(h_gpa_map(m, p, RESET_PAGE, PAGE, RWX), 0);
	p[RESET_OFFSET] = 0xEB;
	p[RESET_OFFSET + 1] = 0xFE;
	if (strcmp(backend(), "null") == 0)
		ATF_REQUIRE_EQ(h_op(m->fd, m->id, 0, m->comm, NULL_SPIN_NEXT,
		    0, 0, &res), 0);
}

int
h_spin(const struct h_machine *m)
{
	int error;

	error = h_vcpu_run(m->fd, m->id, 0);
	if (error == 0)
		ATF_REQUIRE_EQ(m->comm->exit.reason, NVMM_VCPU_EXIT_NONE);
	return error;
}

void *
h_range(size_t size)
{
	uint8_t *p;

	p = mmap(NULL, size + LARGE, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ATF_REQUIRE(p != MAP_FAILED);
	return (void *)(((uintptr_t)p + LARGE - 1) & ~(LARGE - 1));
}

long
h_held(const char *kind)
{
	char path[128];
	FILE *f;
	long n;

	snprintf(path, sizeof(path), "/sys/module/nvmm/parameters/%s", kind);
	f = fopen(path, "r");
	ATF_REQUIRE_MSG(f != NULL, "%s: %s", path, strerror(errno));
	ATF_REQUIRE_EQ(fscanf(f, "%ld", &n), 1);
	fclose(f);
	return n;
}

/* => A machine, or a page of one, is never there at the beginning. */
void
h_begin(void)
{
	size_t i;

	if (access("/dev/nvmm", F_OK) == -1)
		return;
	for (i = 0; i < NKINDS; i++) {
		if (strcmp(kinds[i].name, "hwpages") == 0 ||
		    strcmp(kinds[i].name, "allocs") == 0)
			kinds[i].idle = h_held(kinds[i].name);
	}
}

void
h_require_nothing_held(void)
{
	size_t i;

	for (i = 0; i < NKINDS; i++)
		ATF_CHECK_MSG(h_held(kinds[i].name) == kinds[i].idle,
		    "the driver holds %ld %s, %ld before",
		    h_held(kinds[i].name), kinds[i].name, kinds[i].idle);
}

struct h_child
h_fork(void (*func)(struct h_child *, void *), void *arg)
{
	struct h_child child;
	int ready[2], go[2];
	char c;

	ATF_REQUIRE_EQ(pipe(ready), 0);
	ATF_REQUIRE_EQ(pipe(go), 0);
	child.pid = fork();
	ATF_REQUIRE(child.pid != -1);
	if (child.pid == 0) {
		close(ready[0]);
		close(go[1]);
		child.ready = ready[1];
		child.go = go[0];
		func(&child, arg);
		h_child_ready(&child);
		(void)!read(child.go, &c, 1);
		_exit(0);
	}
	close(ready[1]);
	close(go[0]);
	child.ready = ready[0];
	child.go = go[1];
	return child;
}

void
h_child_ready(struct h_child *child)
{

	(void)!write(child->ready, "", 1);
}

void
h_wait_ready(struct h_child *child)
{
	int status;
	char c;

	if (read(child->ready, &c, 1) == 1)
		return;
	ATF_REQUIRE_EQ(waitpid(child->pid, &status, 0), child->pid);
	atf_tc_fail("the child ended early with status %#x", status);
}

void
h_reap(struct h_child *child, int signal)
{
	int status;

	close(child->go);
	if (signal != 0)
		ATF_REQUIRE_EQ(kill(child->pid, signal), 0);
	ATF_REQUIRE_EQ(waitpid(child->pid, &status, 0), child->pid);
	if (signal == 0)
		ATF_CHECK_MSG(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		    "the child ended with status %#x", status);
	close(child->ready);
}
