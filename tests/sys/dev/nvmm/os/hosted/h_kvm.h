/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the tests of the KVM backend share: a guest of a few bytes of machine
 * code, reached through the hosted driver's door. Calls that must succeed end
 * the test where they do not.
 */

#ifndef _H_KVM_H_
#define _H_KVM_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nvmm_hosted.h>

#define KVM_RAM		0x100000	/* bytes of RAM from 0 on */
#define KVM_CODE	0x1000		/* where code is put and starts */
#define KVM_STACK	0x8000
#define KVM_PORT	0x42

struct guest {
	nvmm_machid_t machid;
	uint8_t *ram;
	struct nvmm_comm_page *comm[NVMM_MAX_VCPUS];
};

/* If set, sees every ioctl of the driver's before KVM does. */
extern void (*kvm_hook)(unsigned long req, const void *arg);

/* Open the driver on KVM; skips the test where there is none. */
void	kvm_open(void);
/* A machine with RAM, and with VCPU 0 in real mode at KVM_CODE. */
void	guest_create(struct guest *);
void	guest_destroy(struct guest *);
void	guest_vcpu(struct guest *, nvmm_cpuid_t);
/* Code at KVM_CODE, where the VCPU goes on, with interrupts off. */
void	guest_code(struct guest *, nvmm_cpuid_t, const void *, size_t);
#define CODE(g, ...)							\
	guest_code(g, 0, (const uint8_t[]){ __VA_ARGS__ },		\
	    sizeof((const uint8_t[]){ __VA_ARGS__ }))
/* Flat 32-bit protected mode without paging; IDT at 0x6000, all gates to one. */
void	guest_protected(struct guest *, uint32_t handler);

/* Requests; the int is an errno. */
int	guest_run(struct guest *, nvmm_cpuid_t);
int	guest_setstate(struct guest *, nvmm_cpuid_t, uint64_t flags);
int	guest_getstate(struct guest *, nvmm_cpuid_t, uint64_t flags);
int	guest_inject(struct guest *, unsigned type, uint8_t vector,
	    uint64_t error);
int	guest_map(struct guest *, uint64_t gpa, size_t off, size_t, int prot);
int	guest_unmap(struct guest *, uint64_t gpa, size_t);

/* The state of VCPU 0, the groups fetched; and handed over. */
struct nvmm_x64_state *guest_get(struct guest *, uint64_t flags);
void	guest_set(struct guest *, uint64_t flags);
/* Run VCPU 0 to an exit other than NONE and return its reason. */
uint64_t guest_exit(struct guest *);
/* Run VCPU 0 to a port access and return its port; or the test fails. */
unsigned guest_port(struct guest *);
/* Fetch the access of VCPU 0's exit, and complete it. */
void	guest_access(struct guest *, struct nvmm_access *);
void	guest_answer(struct guest *, uint64_t value);

#endif /* _H_KVM_H_ */
