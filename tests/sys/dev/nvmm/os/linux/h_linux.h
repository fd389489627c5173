/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the tests of the Linux module share: its requests as functions that
 * return an errno, the null backend's operations, what the driver holds, and
 * children that own machines.
 */

#ifndef _H_LINUX_H_
#define _H_LINUX_H_

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dev/nvmm/nvmm_ioctl.h>

#include "null.h"

#define PAGE	4096UL
#define MIB	(1UL << 20)
#define RW	(NVMM_PROT_READ | NVMM_PROT_WRITE)
#define RWX	(RW | NVMM_PROT_EXEC)

/* A machine of this process with one VCPU, 0. */
struct h_machine {
	int fd;
	nvmm_machid_t id;
	struct nvmm_comm_page *comm;
};

/*
 * Note what the driver holds for its backend while no machine is there. => The
 * first call of each test program.
 */
void	h_begin(void);
/* Skip the test unless the module's backend is this one. */
void	h_need_backend(const char *name);
/* The device, opened as libnvmm does. */
int	h_open(void);
/* An open device with a machine and its VCPU. */
void	h_make(struct h_machine *);

/* Requests: 0 or an errno. */
int	h_capability(int fd);
int	h_machine_create(int fd, nvmm_machid_t *);
int	h_machine_destroy(int fd, nvmm_machid_t);
int	h_vcpu_create(int fd, nvmm_machid_t, nvmm_cpuid_t,
	    struct nvmm_comm_page **);
int	h_vcpu_run(int fd, nvmm_machid_t, nvmm_cpuid_t);
int	h_hva_map(const struct h_machine *, void *, size_t);
int	h_hva_unmap(const struct h_machine *, void *, size_t);
int	h_gpa_map(const struct h_machine *, void *, uint64_t gpa, size_t,
	    int prot);
int	h_gpa_unmap(const struct h_machine *, uint64_t gpa, size_t);
/* Bytes of the machine's that have pages. */
uint64_t h_resident(const struct h_machine *);
int	h_mach_info(int fd, nvmm_machid_t, struct nvmm_ctl_mach_info *);

/* The null backend: have a run do the operation, and say what came of it. */
struct h_result {
	uint64_t rdx;
	uint64_t data;
	uint64_t generation;
};
int	h_op(int fd, nvmm_machid_t, nvmm_cpuid_t, struct nvmm_comm_page *,
	    uint64_t op, uint64_t gpa, int prot, struct h_result *);
/* A nested fault of VCPU 0: 0 or its errno, and what is there then. */
int	h_fault(const struct h_machine *, uint64_t gpa, int prot,
	    uint64_t *data);
/* True if the tables lead somewhere from gpa. */
bool	h_look(const struct h_machine *, uint64_t gpa, uint64_t *data);
/*
 * Have VCPU 0 run until somebody wants it, whatever the backend: prepare it
 * once, and run it as often as you like.
 */
void	h_spin_prepare(const struct h_machine *);
int	h_spin(const struct h_machine *);

/* Reserved address space, a multiple of 2 MiB, aligned to it. */
void	*h_range(size_t);

/* What the driver holds: machines, vcpus, objects, pages, hwpages, allocs. */
long	h_held(const char *kind);
/*
 * The driver holds nothing but what it had at h_begin(). => Nobody has machines
 * or views.
 */
void	h_require_nothing_held(void);

/* A child that runs the function and then sleeps; h_child_ready() in between. */
struct h_child {
	pid_t pid;
	int ready;		/* readable when it says so */
	int go;			/* closed to let it go on */
};
struct h_child h_fork(void (*)(struct h_child *, void *), void *);
void	h_child_ready(struct h_child *);
/* Wait until the child says that it is ready. */
void	h_wait_ready(struct h_child *);
/* End the child by the signal, or let it end by itself if 0. */
void	h_reap(struct h_child *, int signal);

#endif /* _H_LINUX_H_ */
