/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * nvmm_assist_mem(3): carry out the instruction whose memory access the VCPU
 * left for. Its bytes come with the exit where the hardware fetched them, or
 * else from memory at RIP.
 */

#include <errno.h>
#include <string.h>

#include "vmem.h"

/* Decode what the exit brought; EMSGSIZE if that is not enough. */
static int
mem_decode_exit(struct vmem *vm, struct x86_insn *insn)
{
	const struct nvmm_x86_exit_memory *exit = &vm->vcpu->exit->u.mem;

	if (exit->inst_len == 0 || exit->inst_len > sizeof(exit->inst_bytes))
		return EMSGSIZE;
	return x86_decode(insn, x86_mode(vm->cpu.state), exit->inst_bytes,
	    exit->inst_len);
}

/* Decode the instruction at RIP. */
static int
mem_decode(struct vmem *vm, struct x86_insn *insn)
{
	uint8_t bytes[X86_INSN_MAX];
	size_t len;
	int error;

	error = mem_decode_exit(vm, insn);
	if (error != EMSGSIZE)
		return error;
	len = vmem_fetch(vm, bytes);
	if (len == 0)
		return EFAULT;
	error = x86_decode(insn, x86_mode(vm->cpu.state), bytes, len);
	return error == EMSGSIZE ? EFAULT : error;
}

/* Decode and execute; the vector registers are fetched where they are used. */
static int
mem_run(struct vmem *vm, struct x86_insn *insn)
{
	struct x86_bus bus = vmem_bus(vm);
	int error;

	error = mem_decode(vm, insn);
	if (error != 0)
		return error;
	if (insn->op == X86_OP_MOVV && nvmm_vcpu_getstate(vm->mach, vm->vcpu,
	    NVMM_X64_STATE_FPU) == -1)
		return errno;
	return x86_execute(&vm->cpu, insn, &bus);
}

/* Carry out the instruction that the VCPU left for, by its mem callback. */
int
nvmm_assist_mem(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{
	struct x86_insn insn = { .op = X86_OP_UNKNOWN };
	struct vmem vm;
	int ret, error;

	ret = assist_decoded(mach, vcpu, true);
	if (ret != ASSIST_RAW)
		return ret;
	if (vmem_begin(&vm, mach, vcpu) == -1)
		return -1;
	error = mem_run(&vm, &insn);
	if (error == 0 && insn.op == X86_OP_MOVV &&
	    nvmm_vcpu_setstate(mach, vcpu, NVMM_X64_STATE_FPU) == -1)
		return -1;
	return vmem_end(&vm, error);
}
