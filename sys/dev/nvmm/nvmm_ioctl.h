/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The requests of /dev/nvmm. libnvmm is their only caller; the hosted driver
 * is reached by the same numbers and records.
 */

#ifndef _DEV_NVMM_NVMM_IOCTL_H_
#define _DEV_NVMM_NVMM_IOCTL_H_

#include <dev/nvmm/nvmm.h>

#ifdef __KERNEL__
#include <linux/ioctl.h>
#else
#include <sys/ioctl.h>
#endif

/* The library takes no driver that lays out the comm page otherwise. */
struct nvmm_ioc_capability {
	struct nvmm_capability cap;
	uint32_t comm_size;		/* sizeof(struct nvmm_comm_page) */
	uint32_t rsvd;
};

/* MACHINE_CREATE returns machid, MACHINE_DESTROY takes it. */
struct nvmm_ioc_machine {
	nvmm_machid_t machid;
};

struct nvmm_ioc_machine_configure {
	nvmm_machid_t machid;
	uint64_t op;
	void *conf;
};

/*
 * VCPU_CREATE maps the comm page into the caller and returns where. The view
 * is the owner's: after VCPU_DESTROY or MACHINE_DESTROY, its own or root's, it
 * stays readable and writable until the owner munmaps it, sizeof(page) rounded
 * up to a page; nobody looks at it any more.
 */
struct nvmm_ioc_vcpu_create {
	nvmm_machid_t machid;
	nvmm_cpuid_t cpuid;
	struct nvmm_comm_page *comm;
};

/* VCPU_DESTROY, SETSTATE, GETSTATE, INJECT, RUN, KICK: the rest is in the comm page. */
struct nvmm_ioc_vcpu {
	nvmm_machid_t machid;
	nvmm_cpuid_t cpuid;
};

struct nvmm_ioc_vcpu_configure {
	nvmm_machid_t machid;
	nvmm_cpuid_t cpuid;
	uint64_t op;
	void *conf;
};

/*
 * VCPU_GETXSTATE fills the area, VCPU_SETXSTATE takes it: in XSAVE's standard
 * form, size bytes.
 */
struct nvmm_ioc_vcpu_xstate {
	nvmm_machid_t machid;
	nvmm_cpuid_t cpuid;
	void *area;
	size_t size;
};

/* GPA_MAP, GPA_UNMAP (which ignores prot). */
struct nvmm_ioc_gpa {
	nvmm_machid_t machid;
	uintptr_t hva;
	gpaddr_t gpa;
	size_t size;
	int prot;
};

/*
 * HVA_MAP puts memory over the range, whatever lay there: also over a range of
 * another machine of the same owner, whose guest keeps its pages while the
 * owner loses its view of them. HVA_UNMAP ends the owner's view; the owner says
 * it while the range is still its own. Nothing else does: after MACHINE_DESTROY
 * the memory stays in the owner until it munmaps it. What is linked counts
 * against the ceilings, and takes its slot, until it is unlinked.
 */
struct nvmm_ioc_hva {
	nvmm_machid_t machid;
	uintptr_t hva;
	size_t size;
};

struct nvmm_ioc_ctl {
	int op;
	void *data;
	size_t size;
};

#define NVMM_IOC_CAPABILITY		_IOR ('N',  0, struct nvmm_ioc_capability)
#define NVMM_IOC_MACHINE_CREATE		_IOWR('N',  1, struct nvmm_ioc_machine)
#define NVMM_IOC_MACHINE_DESTROY	_IOW ('N',  2, struct nvmm_ioc_machine)
#define NVMM_IOC_MACHINE_CONFIGURE	_IOW ('N',  3, struct nvmm_ioc_machine_configure)
#define NVMM_IOC_VCPU_CREATE		_IOWR('N',  4, struct nvmm_ioc_vcpu_create)
#define NVMM_IOC_VCPU_DESTROY		_IOW ('N',  5, struct nvmm_ioc_vcpu)
#define NVMM_IOC_VCPU_CONFIGURE		_IOW ('N',  6, struct nvmm_ioc_vcpu_configure)
#define NVMM_IOC_VCPU_SETSTATE		_IOW ('N',  7, struct nvmm_ioc_vcpu)
#define NVMM_IOC_VCPU_GETSTATE		_IOW ('N',  8, struct nvmm_ioc_vcpu)
#define NVMM_IOC_VCPU_INJECT		_IOW ('N',  9, struct nvmm_ioc_vcpu)
#define NVMM_IOC_VCPU_RUN		_IOW ('N', 10, struct nvmm_ioc_vcpu)
#define NVMM_IOC_VCPU_KICK		_IOW ('N', 11, struct nvmm_ioc_vcpu)
#define NVMM_IOC_GPA_MAP		_IOW ('N', 12, struct nvmm_ioc_gpa)
#define NVMM_IOC_GPA_UNMAP		_IOW ('N', 13, struct nvmm_ioc_gpa)
#define NVMM_IOC_HVA_MAP		_IOW ('N', 14, struct nvmm_ioc_hva)
#define NVMM_IOC_HVA_UNMAP		_IOW ('N', 15, struct nvmm_ioc_hva)
#define NVMM_IOC_VCPU_GETXSTATE		_IOW ('N', 16, struct nvmm_ioc_vcpu_xstate)
#define NVMM_IOC_VCPU_SETXSTATE		_IOW ('N', 17, struct nvmm_ioc_vcpu_xstate)
#define NVMM_IOC_CTL			_IOW ('N', 20, struct nvmm_ioc_ctl)

#endif /* _DEV_NVMM_NVMM_IOCTL_H_ */
