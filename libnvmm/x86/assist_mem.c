/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * nvmm_assist_mem(3): carry out the instruction whose memory access the VCPU
 * left for. Its bytes come with the exit where the driver could fetch them, or
 * else from memory at RIP.
 */

#include <errno.h>
#include <string.h>

#include "vmem.h"

/* An instruction, with what it takes beside the general registers. */
struct assist {
	struct vmem vm;
	const struct x86_insn *insn;
	struct x86_insn own;		/* unless it is one that is kept */
	uint8_t ymmh[16][16];		/* upper halves, of those it reads */
};

int
vmem_decode_keep(struct vmem_insn *kept, unsigned bits, const uint8_t *bytes)
{
	int error;

	kept->bits = 0;
	error = x86_decode(&kept->insn, bits, bytes, X86_INSN_MAX);
	if (error != 0)
		return error;
	kept->bits = (uint8_t)bits;
	memcpy(kept->bytes, bytes, X86_INSN_MAX);
	kept->move = vmem_move_kind(&kept->insn);
	return 0;
}

/* Decode len bytes. */
static inline int
mem_decode_bytes(struct assist *as, const uint8_t *bytes, size_t len)
{
	const struct nvmm_vcpu_state *st = as->vm.cpu.state;
	const unsigned bits = x86_mode(st);
	struct vmem_insn *kept;
	int error;

	if (len < X86_INSN_MAX) {
		as->insn = &as->own;
		return x86_decode(&as->own, bits, bytes, len);
	}
	error = vmem_decode(as->vm.tlb, st->gprs[NVMM_X64_GPR_RIP], bits,
	    bytes, &kept);
	as->insn = &kept->insn;
	return error;
}

/* Decode the instruction at RIP, whose bytes are the exit's from then on. */
static int __attribute__((noinline))
mem_decode_rip(struct assist *as)
{
	struct nvmm_x86_exit_memory *exit = &as->vm.vcpu->exit->u.mem;
	uint8_t bytes[X86_INSN_MAX];
	size_t len;
	int error;

	len = vmem_fetch(&as->vm, bytes);
	if (len == 0)
		return EFAULT;
	error = mem_decode_bytes(as, bytes, len);
	memcpy(exit->inst_bytes, bytes, len);
	exit->inst_len = (uint8_t)len;
	return error == EMSGSIZE ? EFAULT : error;
}

/* Decode; what is no instruction is the guest's fault. */
static inline int
mem_decode(struct assist *as)
{
	const struct nvmm_x86_exit_memory *exit = &as->vm.vcpu->exit->u.mem;
	int error = EMSGSIZE;

	if (exit->inst_len != 0 && exit->inst_len <= sizeof(exit->inst_bytes))
		error = mem_decode_bytes(as, exit->inst_bytes, exit->inst_len);
	if (error == EMSGSIZE)
		error = mem_decode_rip(as);
	if (error == EINVAL || error == E2BIG)
		error = x86_raise_invalid(&as->vm.cpu, error);
	return error;
}

/* True if the instruction loads a YMM register, or clears its upper half. */
static bool
mem_sets_ymm(const struct x86_insn *insn)
{

	return insn->unit == X86_UNIT_AVX && insn->dst.kind == X86_KIND_XMM;
}

/* Fetch the upper half of a register that is read as a whole. */
static int
mem_get_ymmh(struct assist *as, const struct x86_operand *o)
{

	if (o->kind != X86_KIND_XMM || o->size != 32)
		return 0;
	return nvmm_ymmh_get(as->vm.mach, as->vm.vcpu, o->reg,
	    as->ymmh[o->reg]) == -1 ? errno : 0;
}

/* Fetch the vector registers; of upper halves those that are read. */
static int
mem_get_vector(struct assist *as)
{
	struct vmem *vm = &as->vm;
	int error;

	if (nvmm_vcpu_getstate(vm->mach, vm->vcpu, NVMM_X64_STATE_FPU) == -1)
		return errno;
	if (as->insn->unit != X86_UNIT_AVX)
		return 0;
	vm->cpu.ymmh = as->ymmh;
	error = mem_get_ymmh(as, &as->insn->src);
	if (error == 0)
		error = mem_get_ymmh(as, &as->insn->third);
	return error;
}

/* Hand over what has changed of them. */
static int
mem_set_vector(struct assist *as)
{
	const struct x86_operand *dst = &as->insn->dst;
	struct vmem *vm = &as->vm;

	if (!vm->cpu.fpu_changed)
		return 0;
	nvmm_state_set(vm->vcpu, NVMM_X64_STATE_FPU);
	if (mem_sets_ymm(as->insn) && nvmm_ymmh_set(vm->mach, vm->vcpu,
	    dst->reg, as->ymmh[dst->reg]) == -1)
		return errno;
	return 0;
}

/* Execute, with the vector registers. */
static int __attribute__((noinline))
mem_execute_vector(struct assist *as, const struct x86_bus *bus)
{
	int error;

	error = mem_get_vector(as);
	if (error == 0)
		error = x86_execute(&as->vm.cpu, as->insn, bus);
	if (error == 0)
		error = mem_set_vector(as);
	return error;
}

/* Decode and execute. */
static int
mem_run(struct assist *as)
{
	struct x86_bus bus = vmem_bus(&as->vm);
	int error;

	error = mem_decode(as);
	if (error != 0)
		return error;
	if (as->insn->unit > X86_UNIT_VEX)
		return mem_execute_vector(as, &bus);
	return x86_execute(&as->vm.cpu, as->insn, &bus);
}

/* By all the rules. */
static int __attribute__((noinline))
mem_assist(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{
	struct assist as;

	if (vmem_begin(&as.vm, mach, vcpu) == -1)
		return -1;
	return vmem_end(&as.vm, mem_run(&as));
}

/* Carry out the instruction that the VCPU left for, by its mem callback. */
int
nvmm_assist_mem(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{
	struct vmem_tlb *tlb;
	int ret;

	ret = assist_decoded(mach, vcpu, true);
	if (ret != ASSIST_RAW)
		return ret;
	tlb = vmem_tlb(mach, vcpu->cpuid);
	if (tlb == NULL)
		return -1;
	ret = vmem_move(mach, vcpu, tlb);
	return ret != VMEM_MOVE_NOT ? ret : mem_assist(mach, vcpu);
}
