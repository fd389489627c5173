/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the API tests share: a machine with a small guest in a mode of choice,
 * on whichever backend libnvmm opens, through <nvmm.h> alone. Calls that must
 * succeed end the test where they do not, and no run outlasts its time: a
 * guest or driver that hangs fails the test.
 */

#ifndef _H_VM_H_
#define _H_VM_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <atf-c.h>
#include <nvmm.h>

#include "h_layout.h"

#define SEGS	NVMM_X64_STATE_SEGS
#define GPRS	NVMM_X64_STATE_GPRS
#define CRS	NVMM_X64_STATE_CRS
#define DRS	NVMM_X64_STATE_DRS
#define MSRS	NVMM_X64_STATE_MSRS
#define INTR	NVMM_X64_STATE_INTR
#define FPU	NVMM_X64_STATE_FPU
#define ALL	NVMM_X64_STATE_ALL

#define R_RAX	NVMM_X64_GPR_RAX
#define R_RCX	NVMM_X64_GPR_RCX
#define R_RDX	NVMM_X64_GPR_RDX
#define R_RBX	NVMM_X64_GPR_RBX
#define R_RSP	NVMM_X64_GPR_RSP
#define R_RSI	NVMM_X64_GPR_RSI
#define R_RDI	NVMM_X64_GPR_RDI
#define R_RIP	NVMM_X64_GPR_RIP
#define R_RFLAGS NVMM_X64_GPR_RFLAGS

#define FL_TF	0x100ULL
#define FL_IF	0x200ULL
#define FL_RF	0x10000ULL

#define RWX	(NVMM_PROT_READ | NVMM_PROT_WRITE | NVMM_PROT_EXEC)

#define VM_SECONDS	20		/* that a run may take */
#define VM_NACCESS	64

enum vm_mode {
	VM_REAL,
	VM_PROT16,
	VM_PROT32,
	VM_PAGE32,		/* 4 KiB pages, no PSE */
	VM_PSE32,		/* 4 MiB pages */
	VM_PAE,
	VM_COMPAT,		/* 32-bit code under long mode */
	VM_LONG,
	VM_USER64,		/* long mode in ring 3, with IOPL 3 */
	VM_NMODES
};

/* A port or memory access, as an assist had it carried out. */
struct vm_access {
	bool mem;
	bool write;
	uint64_t addr;			/* port or gpa */
	size_t size;
	uint64_t val;
};

struct vm_cpu {
	struct nvmm_vcpu v;
	struct vm *vm;
	struct vm_access access[VM_NACCESS];
	size_t naccess;			/* since the last vm_run() */
	uint64_t answer;		/* to what the guest reads */
	uint64_t val;			/* of the last access */
	bool live;
};

struct vm {
	struct nvmm_machine mach;
	uint8_t *ram;
	enum vm_mode mode;		/* of the last vm_start() */
	bool live;
	bool threads;			/* one alarm for all: vm_alarm() */
	unsigned ncpus;			/* in cpus */
	struct vm_cpu *cpus;
	struct vm *next;		/* all that are live */
};

/* What a stub's exit finds on the stack. */
struct vm_trap {
	unsigned vector;
	uint64_t error;			/* if it pushes one */
	uint64_t rip, cs, rflags;
	uint64_t rsp, ss;		/* long mode: else 0 */
};

/* h_vm.c */
/* Open the driver. Skips the test where there is neither. */
void	vm_open(void);
bool	vm_is(const char *backend);	/* "x86-SVM", "kvm" */
/* True on a host whose processor QEMU's TCG emulates. */
bool	vm_on_tcg(void);
bool	vm_can(uint64_t impl_caps);
/* A machine with RAM and ncpus VCPUs in their reset state. */
void	vm_create_cpus(struct vm *, unsigned ncpus);
void	vm_create(struct vm *);
void	vm_destroy(struct vm *);
struct nvmm_x64_state *vm_get_cpu(struct vm *, unsigned, uint64_t flags);
void	vm_set_cpu(struct vm *, unsigned, uint64_t flags);
struct nvmm_x64_state *vm_get(struct vm *, uint64_t flags);
void	vm_set(struct vm *, uint64_t flags);
void	vm_gpr(struct vm *, unsigned reg, uint64_t val);
uint64_t vm_reg(struct vm *, unsigned reg);
/*
 * Have the guest start with interrupts on, though none comes to it. => For what
 *    runs until it is interrupted: Bochs interrupts no guest that has them off.
 */
void	vm_sti_cpu(struct vm *, unsigned);
void	vm_inject(struct vm *, unsigned type, uint8_t vector, uint64_t error);
/* Run to an exit other than NONE; its reason. Accesses are not carried out. */
uint64_t vm_run_cpu(struct vm *, unsigned);
uint64_t vm_run(struct vm *);
/* For VCPUs that run in threads: an end to them all; 0 takes it back. */
void	vm_alarm(struct vm *, unsigned seconds);
/* Carry out the access of the last exit. */
void	vm_assist_cpu(struct vm *, unsigned);
void	vm_assist(struct vm *);
/* Run to a port access, carried out, and return its port; vm_val() its value. */
unsigned vm_port_cpu(struct vm *, unsigned);
unsigned vm_port(struct vm *);
uint64_t vm_val(struct vm *);
/* The same, to a stub: see vm_stubs(). */
void	vm_trap(struct vm *, struct vm_trap *);
struct nvmm_vcpu_exit *vm_exit(struct vm *);
/* Guest memory; eight bytes of G_DATA. */
void	vm_poke(struct vm *, uint64_t gpa, const void *, size_t);
uint64_t vm_peek(struct vm *, uint64_t gpa, size_t size);
uint64_t vm_data(struct vm *, size_t index);
/* A parameter of the environment, or its default. */
unsigned vm_param(const char *name, unsigned dflt);

/* h_mode.c */
/* Page tables, GDT, TSS, and gates to stubs that TELL PORT_TRAP and return. */
void	vm_tables(struct vm *);
void	vm_stubs(struct vm *, enum vm_mode);
/* One gate elsewhere, to ring 0's code of the mode. */
void	vm_gate(struct vm *, enum vm_mode, unsigned vector, uint32_t handler);
/* Put code at G_CODE and the VCPU there, in a mode, with interrupts off. */
void	vm_load(struct vm *, const uint8_t *, const uint8_t *end);
void	vm_mode_state(struct vm *, struct nvmm_x64_state *, enum vm_mode,
	    uint64_t rip);
void	vm_start_cpu(struct vm *, unsigned, enum vm_mode, uint64_t rip);
void	vm_start(struct vm *, enum vm_mode, const uint8_t *, const uint8_t *end);
#define VM_START(vm, mode, guest)					\
	do {								\
		extern const uint8_t guest[], guest##_end[];		\
									\
		vm_start(vm, mode, guest, guest##_end + 1);		\
	} while (0)
/* A segment register as loading the selector from the GDT has it. */
void	vm_segment(struct vm *, struct nvmm_x64_state_seg *, uint16_t selector);
/* True for exceptions with an error code. */
bool	vm_pushes_error(unsigned vector);
const char *vm_mode_name(enum vm_mode);
uint16_t vm_mode_cs(enum vm_mode);
unsigned vm_mode_width(enum vm_mode);	/* bytes a gate pushes: 2, 4, 8 */

#define VM_PORT(vm, port)	ATF_REQUIRE_EQ((unsigned)(port), vm_port(vm))
#define VM_EXIT(vm, what)						\
	ATF_REQUIRE_EQ_MSG(what, vm_run(vm), "exit %s", vm_strexit(vm))
const char *vm_strexit(struct vm *);
/* Numbers compared as hexadecimal ones, so that a failure can be read. */
#define VM_CHECK_EQ(a, b)						\
	do {								\
		uint64_t a_ = (a), b_ = (b);				\
									\
		ATF_CHECK_MSG(a_ == b_, "%s is not %s: %#llx, %#llx",	\
		    #b, #a, (unsigned long long)b_,			\
		    (unsigned long long)a_);				\
	} while (0)

#endif /* _H_VM_H_ */
