/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * An instruction on guest-virtual memory from its fetch to what comes of it:
 * the next one, an exception for the guest, or an error for the client.
 */

#include <sys/param.h>

#include <errno.h>
#include <string.h>

#include "vmem.h"

/* The rights that the guest's own accesses have, APM vol. 2, 5.6. */
static unsigned
insn_access(const struct nvmm_vcpu_state *st)
{

	if (x86_cpl(st) == 3)
		return X86_ACC_USER;
	return (st->gprs[NVMM_X64_GPR_RFLAGS] & X86_FL_AC) != 0 ?
	    X86_ACC_AC : 0;
}

/*
 * Have VMEM_STATE. Of the MSRs nothing but EFER is looked at, which the driver
 * may have told with the exit.
 */
static inline int
insn_state(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{
	const struct nvmm_comm_page *comm = nvmm_comm(vcpu);
	const uint64_t msrs = NVMM_X64_STATE_MSRS;

	if (vcpu->exit->reason != NVMM_VCPU_EXIT_MEMORY ||
	    (comm->mem_state & NVMM_COMM_MEM_EFER) == 0 ||
	    ((comm->state_cached | comm->state_commit) & msrs) != 0)
		return nvmm_state_get(mach, vcpu, VMEM_STATE);
	vcpu->state->msrs[NVMM_X64_MSR_EFER] = comm->mem_efer;
	return nvmm_state_get(mach, vcpu, VMEM_STATE & ~msrs);
}

int
vmem_begin(struct vmem *vm, struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{

	if (insn_state(mach, vcpu) == -1)
		return -1;
	if (vmem_init(vm, mach, vcpu) == -1)
		return -1;
	vm->access = insn_access(vcpu->state);
	return 0;
}

/* The bytes from RIP on that the code segment has, at most X86_INSN_MAX. */
static size_t
insn_room(struct vmem *vm, uint64_t rip)
{
	const uint32_t limit = vm->cpu.state->segs[NVMM_X64_SEG_CS].limit;

	if (rip > limit)
		return 0;
	return MIN(limit - rip + 1, X86_INSN_MAX);
}

/*
 * Copy instruction bytes of one page; an errno, fault raised. The CPU has been
 * here to fetch the same, so that what is accessed is marked already, unless it
 * was unmarked since, or the instruction ends before.
 */
static int
insn_bytes(struct vmem *vm, gvaddr_t gva, uint8_t *bytes, size_t size)
{
	const size_t offset = gva & (NVMM_PAGE_SIZE - 1);
	struct vmem_page *p;
	int error;

	error = vmem_page(vm, gva, X86_ACC_EXEC | X86_ACC_LOOK, &p);
	if (error != 0)
		return error;
	vmem_page_refresh(vm, p);
	if (p->base == NULL) {
		vm->cpu.fault.raised = false;
		return EFAULT;
	}
	if (size == X86_INSN_MAX)
		memcpy(bytes, p->base + offset, X86_INSN_MAX);
	else
		memcpy(bytes, p->base + offset, size);
	return 0;
}

size_t
vmem_fetch(struct vmem *vm, uint8_t *bytes)
{
	const struct nvmm_vcpu_state *st = vm->cpu.state;
	gvaddr_t gva = st->gprs[NVMM_X64_GPR_RIP];
	size_t have, n, room = X86_INSN_MAX;
	int error;

	if (x86_mode(st) != 64) {
		room = insn_room(vm, gva);
		gva = (uint32_t)(gva + st->segs[NVMM_X64_SEG_CS].base);
	}
	for (have = 0; have < room; have += n) {
		n = vmem_in_page(gva, room - have);
		error = insn_bytes(vm, gva, bytes + have, n);
		if (error != 0) {
			vm->unfetched = error;
			return have;
		}
		gva = vmem_next(vm, gva, n);
	}
	/* What goes on beyond the limit is #GP, APM vol. 2, 4.12. */
	if (room < X86_INSN_MAX)
		(void)x86_raise(&vm->cpu, X86_EXC_GP, 0);
	return have;
}

/* APM vol. 2, 15.21.5. */
int
vmem_clear_shadow(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{

	if (nvmm_vcpu_getstate(mach, vcpu, NVMM_X64_STATE_INTR) == -1)
		return -1;
	vcpu->state->intr.int_shadow = 0;
	return nvmm_vcpu_setstate(mach, vcpu, NVMM_X64_STATE_INTR);
}

/* Have the exception delivered before the next instruction. */
static int
insn_inject(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu, uint8_t vector,
    uint32_t error)
{

	vcpu->event->type = NVMM_VCPU_EVENT_EXCP;
	vcpu->event->vector = vector;
	vcpu->event->u.excp.error = error;
	return nvmm_vcpu_inject(mach, vcpu);
}

/*
 * APM vol. 2, 13.1.4. What waits to be delivered already goes first, and the
 * step is then lost: the driver has room for one.
 */
int
vmem_trap(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{
	uint64_t *drs = vcpu->state->drs;

	if (vcpu->exit->exitstate.evt_pending)
		return 0;
	if (nvmm_vcpu_getstate(mach, vcpu, NVMM_X64_STATE_DRS) == -1)
		return -1;
	drs[NVMM_X64_DR_DR6] |= X86_DR6_BS;
	drs[NVMM_X64_DR_DR7] &= ~X86_DR7_GD;
	nvmm_state_set(vcpu, NVMM_X64_STATE_DRS);
	return insn_inject(mach, vcpu, X86_EXC_DB, 0);
}

/*
 * Let the guest have the exception that its instruction raised; RF keeps what
 * is done again from meeting a breakpoint twice.
 */
static int
vmem_inject(struct vmem *vm)
{
	const struct x86_fault *f = &vm->cpu.fault;
	struct nvmm_vcpu_state *st = vm->vcpu->state;
	uint64_t flags = NVMM_X64_STATE_GPRS;

	/* Two events would make a third; that is the client's to know. */
	if (vm->vcpu->exit->exitstate.evt_pending) {
		errno = EFAULT;
		return -1;
	}
	if (f->vector == X86_EXC_PF) {
		st->crs[NVMM_X64_CR_CR2] = f->cr2;
		flags |= NVMM_X64_STATE_CRS;
	}
	st->gprs[NVMM_X64_GPR_RFLAGS] |= X86_FL_RF;
	nvmm_state_set(vm->vcpu, flags);
	return insn_inject(vm->mach, vm->vcpu, f->vector, f->error);
}

int
vmem_end(struct vmem *vm, int error)
{

	vmem_release(vm);
	if (error == EFAULT && vm->cpu.fault.raised)
		return vmem_inject(vm);
	/* Bytes that are missing may be so for another reason. */
	if (error == EFAULT && vm->unfetched != 0)
		error = vm->unfetched;
	if (error != 0 && error != EAGAIN) {
		errno = error;
		return -1;
	}
	nvmm_state_set(vm->vcpu, NVMM_X64_STATE_GPRS);
	if (error == EAGAIN)
		return 0;
	if (vmem_end_shadow(vm->mach, vm->vcpu) == -1)
		return -1;
	return vm->cpu.trap ? vmem_trap(vm->mach, vm->vcpu) : 0;
}
