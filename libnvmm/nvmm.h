/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * libnvmm(3): create and run virtual machines through nvmm(4), or through the
 * hosted driver where there is no /dev/nvmm. The interface is NetBSD's,
 * version 2; what goes beyond it carries an NVMM_HAS_ feature macro.
 */

#ifndef _NVMM_H_
#define _NVMM_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dev/nvmm/nvmm.h>
#include <dev/nvmm/nvmm_ioctl.h>

/* What NetBSD's system headers give and other hosts' do not. */
#ifndef __SHIFTIN
#define __NVMM_LOWEST_BIT(mask)	((((mask) - 1) & (mask)) ^ (mask))
#define __SHIFTIN(x, mask)	((x) * __NVMM_LOWEST_BIT(mask))
#define __SHIFTOUT(x, mask)	(((x) & (mask)) / __NVMM_LOWEST_BIT(mask))
#endif
#include <errno.h>
#ifndef EPROGMISMATCH
#define EPROGMISMATCH	EPROTONOSUPPORT
#endif

#define NVMM_USER_VERSION	2

#ifdef __cplusplus
extern "C" {
#endif

struct nvmm_io;
struct nvmm_mem;

/* Called by nvmm_assist_io(3) and nvmm_assist_mem(3), on the calling thread. */
struct nvmm_assist_callbacks {
	void (*io)(struct nvmm_io *);
	void (*mem)(struct nvmm_mem *);
};

struct nvmm_machine {
	nvmm_machid_t machid;
	void *areas;			/* private to libnvmm */
};

struct nvmm_vcpu {
	nvmm_cpuid_t cpuid;
	struct nvmm_assist_callbacks cbs;
	struct nvmm_vcpu_state *state;
	struct nvmm_vcpu_event *event;
	struct nvmm_vcpu_exit *exit;
	volatile int *stop;
};

/* One port access of .size bytes (1, 2, 4) at .data; .in: to be filled in. */
struct nvmm_io {
	struct nvmm_machine *mach;
	struct nvmm_vcpu *vcpu;
	uint16_t port;
	bool in;
	size_t size;
	uint8_t *data;
};

/* One memory access of .size bytes at .data; !.write: to be filled in. */
struct nvmm_mem {
	struct nvmm_machine *mach;
	struct nvmm_vcpu *vcpu;
	gpaddr_t gpa;
	bool write;
	size_t size;
	uint8_t *data;
};

#define NVMM_VCPU_CONF_CALLBACKS	NVMM_VCPU_CONF_LIBNVMM_BEGIN

int	nvmm_init(void);
int	nvmm_root_init(void);

int	nvmm_capability(struct nvmm_capability *);

int	nvmm_machine_create(struct nvmm_machine *);
int	nvmm_machine_destroy(struct nvmm_machine *);
int	nvmm_machine_configure(struct nvmm_machine *, uint64_t, void *);

int	nvmm_vcpu_create(struct nvmm_machine *, nvmm_cpuid_t,
	    struct nvmm_vcpu *);
int	nvmm_vcpu_destroy(struct nvmm_machine *, struct nvmm_vcpu *);
int	nvmm_vcpu_configure(struct nvmm_machine *, struct nvmm_vcpu *,
	    uint64_t, void *);
int	nvmm_vcpu_setstate(struct nvmm_machine *, struct nvmm_vcpu *,
	    uint64_t);
int	nvmm_vcpu_getstate(struct nvmm_machine *, struct nvmm_vcpu *,
	    uint64_t);
int	nvmm_vcpu_inject(struct nvmm_machine *, struct nvmm_vcpu *);
int	nvmm_vcpu_run(struct nvmm_machine *, struct nvmm_vcpu *);
int	nvmm_vcpu_stop(struct nvmm_vcpu *);
int	nvmm_vcpu_dump(struct nvmm_machine *, struct nvmm_vcpu *);

int	nvmm_gpa_map(struct nvmm_machine *, uintptr_t, gpaddr_t, size_t, int);
int	nvmm_gpa_unmap(struct nvmm_machine *, uintptr_t, gpaddr_t, size_t);
int	nvmm_hva_map(struct nvmm_machine *, uintptr_t, size_t);
int	nvmm_hva_unmap(struct nvmm_machine *, uintptr_t, size_t);

int	nvmm_gva_to_gpa(struct nvmm_machine *, struct nvmm_vcpu *, gvaddr_t,
	    gpaddr_t *, nvmm_prot_t *);
int	nvmm_gpa_to_hva(struct nvmm_machine *, gpaddr_t, uintptr_t *,
	    nvmm_prot_t *);

int	nvmm_assist_io(struct nvmm_machine *, struct nvmm_vcpu *);
int	nvmm_assist_mem(struct nvmm_machine *, struct nvmm_vcpu *);

int	nvmm_ctl(int, void *, size_t);

/*
 * Put the VCPU's last exit into words. Returns the length as snprintf does.
 * Not in NetBSD.
 */
#define NVMM_HAS_STREXIT	1
int	nvmm_vcpu_strexit(struct nvmm_vcpu *, char *, size_t);

/*
 * The driver that is open: "/dev/nvmm" or "hosted"; NULL before nvmm_init().
 * Not in NetBSD.
 */
#define NVMM_HAS_DEVICE		1
const char *nvmm_device(void);

/*
 * The VCPU's extended state in XSAVE's standard form: nvmm_capability's
 * arch.xstate_size bytes for all of it; a shorter area, from
 * NVMM_X64_XSTATE_MIN on, has the parts that fit. It takes effect at once.
 * NVMM_HAS_XSTATE; not in NetBSD.
 */
int	nvmm_vcpu_getxstate(struct nvmm_machine *, struct nvmm_vcpu *, void *,
	    size_t);
int	nvmm_vcpu_setxstate(struct nvmm_machine *, struct nvmm_vcpu *,
	    const void *, size_t);

#ifdef __cplusplus
}
#endif

#endif /* _NVMM_H_ */
