/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The drivers behind h_dev.h, put in the place of the library's by defining
 * nvmm_devs here.
 */

#include <sys/mman.h>

#include <atf-c.h>
#include <errno.h>
#include <string.h>

#include "h_dev.h"

struct h_dev h_dev[2];
struct nvmm_comm_page *h_comm_page;

/* The state that the guest would have: every byte the same. */
static void
h_getstate(struct h_dev *h)
{

	h->wanted = h_comm.state_wanted;
	h_comm.state_cached |= h_comm.state_wanted;
}

static void
h_run(struct h_dev *h)
{

	h->wanted = h_comm.state_wanted;
	h_comm.state_commit = 0;
	h_comm.event_commit = 0;
	h_comm.state_cached = h_comm.state_wanted;
}

static void
h_serve(struct h_dev *h, unsigned long cmd, void *record)
{
	struct nvmm_ioc_capability *cap = record;
	struct nvmm_ioc_machine *mach = record;
	struct nvmm_ioc_vcpu_create *create = record;
	struct nvmm_ioc_vcpu_xstate *xs = record;

	switch (cmd) {
	case NVMM_IOC_CAPABILITY:
		cap->cap.version = h->version;
		cap->cap.state_size = h->state_size;
		cap->comm_size = h->comm_size;
		break;
	case NVMM_IOC_MACHINE_CREATE:
		mach->machid = 7;
		break;
	case NVMM_IOC_VCPU_CREATE:
		h_comm_page = mmap(NULL, sizeof(h_comm),
		    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
		ATF_REQUIRE(h_comm_page != MAP_FAILED);
		h_comm.machid = create->machid;
		h_comm.cpuid = create->cpuid;
		create->comm = h->no_comm ? NULL : &h_comm;
		break;
	case NVMM_IOC_VCPU_DESTROY:
		h->destroyed++;
		break;
	case NVMM_IOC_VCPU_GETSTATE:
		h_getstate(h);
		break;
	case NVMM_IOC_VCPU_GETXSTATE:
		memcpy(xs->area, h->xstate, xs->size);
		break;
	case NVMM_IOC_VCPU_SETXSTATE:
		memcpy(h->xstate, xs->area, xs->size);
		break;
	case NVMM_IOC_VCPU_RUN:
		h_run(h);
		break;
	}
}

static int
h_request(struct h_dev *h, unsigned long cmd, void *record)
{

	h->requests++;
	h->last = cmd;
	if (h->fail_error != 0 && h->fail_cmd == cmd) {
		errno = h->fail_error;
		return -1;
	}
	h_serve(h, cmd, record);
	return 0;
}

static int
h_open(struct h_dev *h, bool root)
{

	h->opens++;
	h->root = root;
	if (h->open_error == 0)
		return 0;
	errno = h->open_error;
	return -1;
}

static int
h_kick(nvmm_machid_t machid, nvmm_cpuid_t cpuid, struct nvmm_comm_page *comm)
{

	ATF_CHECK_EQ(machid, comm->machid);
	ATF_CHECK_EQ(cpuid, comm->cpuid);
	h_dev[0].kicks++;
	errno = ESRCH;
	return -1;
}

static int
h_access(nvmm_machid_t machid, nvmm_cpuid_t cpuid, struct nvmm_dev_access *a)
{

	(void)machid;
	(void)cpuid;
	*a = h_dev[0].access;
	return 0;
}

static int
h_access_done(nvmm_machid_t machid, nvmm_cpuid_t cpuid,
    const struct nvmm_dev_access *a)
{

	(void)machid;
	(void)cpuid;
	ATF_CHECK_EQ(a->token, h_dev[0].access.token);
	h_dev[0].done++;
	return 0;
}

static int
h_open_0(bool root)
{

	return h_open(&h_dev[0], root);
}

static int
h_open_1(bool root)
{

	return h_open(&h_dev[1], root);
}

static int
h_request_0(unsigned long cmd, void *record)
{

	return h_request(&h_dev[0], cmd, record);
}

static int
h_request_1(unsigned long cmd, void *record)
{

	return h_request(&h_dev[1], cmd, record);
}

static const struct nvmm_dev h_dev_0 = {
	.name = "/dev/nvmm",
	.open = h_open_0,
	.request = h_request_0,
	.kick = h_kick,
	.access = h_access,
	.access_done = h_access_done,
};

static const struct nvmm_dev h_dev_1 = {
	.name = "hosted",
	.open = h_open_1,
	.request = h_request_1,
	.kick = h_kick,
};

const struct nvmm_dev *const nvmm_devs[] = { &h_dev_0, &h_dev_1, NULL };

void
h_reset(void)
{
	unsigned i;

	memset(h_dev, 0, sizeof(h_dev));
	for (i = 0; i < 2; i++) {
		h_dev[i].version = NVMM_KERN_VERSION;
		h_dev[i].state_size = sizeof(struct nvmm_vcpu_state);
		h_dev[i].comm_size = sizeof(struct nvmm_comm_page);
	}
}

void
h_machine(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{

	h_reset();
	ATF_REQUIRE_EQ(nvmm_init(), 0);
	ATF_REQUIRE_EQ(nvmm_machine_create(mach), 0);
	ATF_REQUIRE_EQ(nvmm_vcpu_create(mach, 3, vcpu), 0);
}
