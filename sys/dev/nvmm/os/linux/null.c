/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A backend that runs no guest, for tests of the Linux layer on any processor:
 * run does what the VCPU's registers say and leaves. It is compiled into a
 * module of its own, never into the one that is installed.
 *
 *	RAX	0: spoil the FPU and leave with EXIT_IO. 1: serve a nested fault at RBX with the
 *		protection in RCX. 2: run until somebody wants the VCPU.
 *		3: look RBX up in the tables. 4: have the next runs do 2.
 *	RDX	what came out: an errno; of 3, 0 if there is nothing
 *	RSI	of 1 and 3, the 8 bytes that the tables show at RBX
 *	RDI	of 2, how many regions were entered
 *	R8	of 1 and 3, the generation
 */

#include "nvmm_internal.h"
#include "x86/nvmm_x86_internal.h"

#include "null.h"

/* (v) but for cpu, which is (a): where it runs, or -1. */
struct null_cpu {
	struct nvmm_x64_state state;
	volatile int cpu;
};

static int
null_ident(void)
{

	return 0;
}

static int
null_init(void)
{

	return 0;
}

static void
null_fini(void)
{
}

static void
null_capability(struct nvmm_capability *cap)
{

	cap->arch.impl_caps = NVMM_IMPL_PROT_NOEXEC | NVMM_IMPL_PROT_NOWRITE;
	memcpy(cap->arch.impl_name, "null", sizeof("null"));
}

static int
null_machine_create(struct nvmm_machine *mach)
{

	(void)mach;
	return 0;
}

static void
null_machine_destroy(struct nvmm_machine *mach)
{

	(void)mach;
}

static int
null_vcpu_create(struct nvmm_machine *mach, struct nvmm_cpu *vcpu)
{
	struct null_cpu *nc;

	(void)mach;
	nc = os_mem_zalloc(sizeof(*nc));
	if (nc == NULL)
		return ENOMEM;
	nc->cpu = -1;
	nvmm_x86_reset_state(&nc->state);
	vcpu->cpudata = nc;
	return 0;
}

static void
null_vcpu_destroy(struct nvmm_machine *mach, struct nvmm_cpu *vcpu)
{

	(void)mach;
	os_mem_free(vcpu->cpudata, sizeof(struct null_cpu));
}

static int
null_vcpu_setstate(struct nvmm_cpu *vcpu, const struct nvmm_x64_state *state,
    uint64_t flags)
{
	struct null_cpu *nc = vcpu->cpudata;

	nvmm_x86_copy_state(&nc->state, state, flags);
	return 0;
}

static int
null_vcpu_getstate(struct nvmm_cpu *vcpu, uint64_t flags)
{
	struct null_cpu *nc = vcpu->cpudata;

	nvmm_x86_copy_state(&vcpu->comm->state, &nc->state, flags);
	return 0;
}

static int
null_vcpu_inject(struct nvmm_cpu *vcpu, const struct nvmm_vcpu_event *event)
{

	(void)vcpu;
	(void)event;
	return EINVAL;
}

static int
null_vcpu_configure(struct nvmm_cpu *vcpu, uint64_t op, void *conf)
{

	(void)vcpu;
	(void)op;
	(void)conf;
	return ENOTSUP;
}

/* What the tables show at an address. */
static void
null_look(struct nvmm_machine *mach, struct null_cpu *nc, uint64_t gpa)
{
	uint64_t *gprs = nc->state.gprs;
	const void *p;

	gprs[NVMM_X64_GPR_RSI] = 0;
	gprs[NVMM_X64_GPR_R8] = os_vmspace_generation(mach->vm);
	p = os_vmspace_peek(mach->vm, gpa);
	if (p != NULL)
		memcpy(&gprs[NVMM_X64_GPR_RSI], p, sizeof(uint64_t));
	if (gprs[NVMM_X64_GPR_RAX] == NULL_LOOK)
		gprs[NVMM_X64_GPR_RDX] = p != NULL;
}

static bool
null_wanted(struct nvmm_cpu *vcpu)
{

	return os_atomic_load(&vcpu->kicked) != 0 ||
	    os_atomic_load(&vcpu->comm->stop) != 0 || os_return_needed();
}

/* As a backend does whose guest never exits: a region between host interrupts. */
static void
null_spin(struct nvmm_cpu *vcpu, struct null_cpu *nc)
{
	unsigned i;

	nc->state.gprs[NVMM_X64_GPR_RDI] = 0;
	do {
		os_guest_enter();
		(void)os_atomic_swap(&nc->cpu, (int)os_cpu_current());
		for (i = 0; i < 10000 && !null_wanted(vcpu); i++)
			continue;
		os_atomic_store(&nc->cpu, -1);
		os_guest_leave();
		nc->state.gprs[NVMM_X64_GPR_RDI]++;
	} while (!null_wanted(vcpu));
}

/* What a guest may do to the FPU's registers. => In a region. */
static void
null_clobber(void)
{
	const uint32_t mxcsr = 0x7F80;

	asm volatile("fninit; fldpi; fldpi; fldpi; fldpi\n\t"
	    "pcmpeqd %%xmm0, %%xmm0; pcmpeqd %%xmm1, %%xmm1\n\t"
	    "pcmpeqd %%xmm7, %%xmm7; pcmpeqd %%xmm8, %%xmm8\n\t"
	    "pcmpeqd %%xmm15, %%xmm15; ldmxcsr %0" : : "m" (mxcsr));
}

static int
null_vcpu_run(struct nvmm_machine *mach, struct nvmm_cpu *vcpu)
{
	struct null_cpu *nc = vcpu->cpudata;
	uint64_t *gprs = nc->state.gprs;

	vcpu->comm->exit.reason = NVMM_VCPU_EXIT_IO;
	switch (gprs[NVMM_X64_GPR_RAX]) {
	case NULL_FAULT:
		gprs[NVMM_X64_GPR_RDX] = (uint64_t)os_vmspace_fault(mach->vm,
		    gprs[NVMM_X64_GPR_RBX], (int)gprs[NVMM_X64_GPR_RCX]);
		null_look(mach, nc, gprs[NVMM_X64_GPR_RBX]);
		break;
	case NULL_SPIN:
		null_spin(vcpu, nc);
		vcpu->comm->exit.reason = NVMM_VCPU_EXIT_NONE;
		break;
	case NULL_LOOK:
		null_look(mach, nc, gprs[NVMM_X64_GPR_RBX]);
		break;
	case NULL_SPIN_NEXT:
		gprs[NVMM_X64_GPR_RAX] = NULL_SPIN;
		break;
	default:
		os_guest_enter();
		null_clobber();
		os_guest_leave();
		break;
	}
	return 0;
}

static void
null_vcpu_kick(struct nvmm_cpu *vcpu)
{
	struct null_cpu *nc = vcpu->cpudata;
	int cpu;

	cpu = os_atomic_load(&nc->cpu);
	if (cpu != -1)
		os_cpu_interrupt((unsigned)cpu);
}

static const struct nvmm_impl nvmm_null = {
	.name = "null",
	.ident = null_ident,
	.init = null_init,
	.fini = null_fini,
	.capability = null_capability,
	.machine_create = null_machine_create,
	.machine_destroy = null_machine_destroy,
	.vcpu_create = null_vcpu_create,
	.vcpu_destroy = null_vcpu_destroy,
	.vcpu_configure = null_vcpu_configure,
	.vcpu_setstate = null_vcpu_setstate,
	.vcpu_getstate = null_vcpu_getstate,
	.vcpu_inject = null_vcpu_inject,
	.vcpu_run = null_vcpu_run,
	.vcpu_kick = null_vcpu_kick,
};

const struct nvmm_impl *const nvmm_impls[] = {
	&nvmm_null,
	NULL
};
