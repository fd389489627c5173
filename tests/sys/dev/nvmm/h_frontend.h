/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the tests of the frontend share: owners, and requests as one call each.
 * Functions that return int return the request's errno; the others fail the
 * test case when the request does.
 */

#ifndef _H_FRONTEND_H_
#define _H_FRONTEND_H_

#include <atf-c.h>

#include "nvmm_internal.h"
#include "fake.h"
#include "hosted_vm.h"

#define KiB		((size_t)1 << 10)
#define MiB		((size_t)1 << 20)
#define GiB		((size_t)1 << 30)
#define PAGE		((size_t)OS_PAGE_SIZE)
#define PROT_RWX	(NVMM_PROT_READ | NVMM_PROT_WRITE | NVMM_PROT_EXEC)

/* A test case with its description. */
#define CASE(name, text)						\
	ATF_TC(name);							\
	ATF_TC_HEAD(name, tc)						\
	{								\
		atf_tc_set_md_var(tc, "descr", "%s", text);		\
		atf_tc_set_md_var(tc, "timeout", "60");			\
	}								\
	ATF_TC_BODY(name, tc)

/* An owner, by default the first. */
struct h_owner {
	struct os_file file;
	struct nvmm_owner owner;
	struct h_owner *next;
};
extern struct h_owner h_first;

/* Attach the driver on the fake, with one owner, h_first. */
void	h_start(void);
/* Close all owners, detach, and check that nothing is left behind. */
void	h_end(void);
/* Another owner: of process pid, with root's right or not. */
void	h_owner_init(struct h_owner *, pid_t, bool root);
void	h_owner_close(struct h_owner *);

/* Requests of h_first. */
int	h_req(unsigned long, void *);
int	h_destroy(nvmm_machid_t);
int	h_vcpu_create(nvmm_machid_t, nvmm_cpuid_t, struct nvmm_comm_page **);
int	h_vcpu(unsigned long, nvmm_machid_t, nvmm_cpuid_t);
int	h_run(nvmm_machid_t, nvmm_cpuid_t);
int	h_hva_map(nvmm_machid_t, uintptr_t, size_t);
int	h_hva_unmap(nvmm_machid_t, uintptr_t, size_t);
int	h_gpa_map(nvmm_machid_t, uintptr_t, uint64_t, size_t, int);
int	h_gpa_unmap(nvmm_machid_t, uint64_t, size_t);
int	h_ctl(int, void *, size_t);

nvmm_machid_t h_machine(void);
struct nvmm_comm_page *h_cpu(nvmm_machid_t, nvmm_cpuid_t);
/* A page-aligned range of this process, reserved without access. */
uintptr_t h_range(size_t);
/* A machine's range of size bytes, hva-mapped. */
uintptr_t h_memory(nvmm_machid_t, size_t);
/* Lay out an exit; and one without ado. */
void	h_exit(uint64_t reason);
/* Wait until n runs sleep in the fake. */
void	h_await_running(unsigned n);

#endif /* _H_FRONTEND_H_ */
