/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The most frequent of all: a MOV between a register and a device, in 64-bit
 * mode. The processor itself has come as far as the device: segments and pages
 * allow the access, and gpa says where it goes. So neither is looked at again,
 * and no state is needed but the general registers. Whatever is not as plain
 * as that is left to the executor, which knows everything.
 */

#include <string.h>

#include "vmem.h"

#define MOVE_TOLD	(NVMM_COMM_MEM_OPERAND | NVMM_COMM_MEM_64)
/* A step's #DB and #AC are the executor's. */
#define MOVE_FLAGS	((uint64_t)(X86_FL_TF | X86_FL_AC))

enum vmem_move
vmem_move_kind(const struct x86_insn *insn)
{
	const struct x86_operand *dst = &insn->dst, *src = &insn->src;
	const struct x86_mem *mem;
	enum vmem_move kind;

	if (insn->op != X86_OP_MOV || insn->unit != X86_UNIT_NONE)
		return VMEM_MOVE_NONE;
	if (dst->kind == X86_KIND_MEM && (src->kind == X86_KIND_REG ||
	    src->kind == X86_KIND_IMM)) {
		kind = VMEM_MOVE_STORE;
		mem = &dst->mem;
	} else if (dst->kind == X86_KIND_REG && src->kind == X86_KIND_MEM) {
		kind = VMEM_MOVE_LOAD;
		mem = &src->mem;
	} else
		return VMEM_MOVE_NONE;
	/* These have bases, also in 64-bit mode. */
	return mem->seg == NVMM_X64_SEG_FS || mem->seg == NVMM_X64_SEG_GS ?
	    VMEM_MOVE_NONE : kind;
}

/* True if the exit, and what the driver adds to it, tell all there is to know. */
static inline bool
move_plain(const struct nvmm_vcpu *vcpu, const struct nvmm_comm_page *comm)
{
	const struct nvmm_vcpu_exit *exit = vcpu->exit;

	return (comm->mem_state & MOVE_TOLD) == MOVE_TOLD &&
	    comm->state_commit == 0 && exit->u.mem.inst_len == X86_INSN_MAX &&
	    (exit->exitstate.rflags & MOVE_FLAGS) == 0 &&
	    !exit->exitstate.int_shadow && !exit->exitstate.evt_pending;
}

/*
 * True if the operand lies at gpa, whole: linear and physical addresses are the
 * same within a page. => False for the second part of one that lies in two.
 */
static inline bool
move_fits(const struct x86_operand *o, uint64_t offset, gpaddr_t gpa)
{
	const uint64_t in_page = gpa & (NVMM_PAGE_SIZE - 1);

	return ((offset ^ gpa) & (NVMM_PAGE_SIZE - 1)) == 0 &&
	    in_page + o->size <= NVMM_PAGE_SIZE;
}

/* Call the device, and go on behind the instruction. */
static inline int
move_do(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu,
    const struct x86_insn *insn, bool store)
{
	const struct x86_operand *o = store ? &insn->dst : &insn->src;
	const struct nvmm_x86_exit_memory *exit = &vcpu->exit->u.mem;
	struct nvmm_vcpu_state *st = vcpu->state;
	const uint64_t next = st->gprs[NVMM_X64_GPR_RIP] + insn->len;
	uint64_t val = 0;
	struct nvmm_mem mem = {
		.mach = mach, .vcpu = vcpu, .gpa = exit->gpa, .write = store,
		.size = o->size, .data = (uint8_t *)&val,
	};

	if (!move_fits(o, x86_mem_offset(st, &o->mem, insn->addrsize, next),
	    exit->gpa))
		return VMEM_MOVE_NOT;
	if (store)
		val = insn->src.kind == X86_KIND_REG ?
		    x86_reg_get(st, insn->src.reg, o->size, insn->src.shift) :
		    x86_cut(insn->src.imm, o->size);
	vcpu->cbs.mem(&mem);
	if (!store)
		x86_reg_set(st, insn->dst.reg, insn->dst.size,
		    insn->dst.shift, x86_cut(val, o->size));
	/* Not x86_advance(): the segments at hand may be of another time. */
	st->gprs[NVMM_X64_GPR_RIP] = next;
	st->gprs[NVMM_X64_GPR_RFLAGS] &= ~(uint64_t)X86_FL_RF;
	nvmm_state_set(vcpu, NVMM_X64_STATE_GPRS);
	return 0;
}

int
vmem_move(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu,
    struct vmem_tlb *tlb)
{
	const struct nvmm_x86_exit_memory *exit = &vcpu->exit->u.mem;
	struct vmem_insn *kept;
	int prot;

	if (!move_plain(vcpu, nvmm_comm(vcpu)))
		return VMEM_MOVE_NOT;
	if (nvmm_state_get(mach, vcpu, NVMM_X64_STATE_GPRS) == -1)
		return -1;
	if (vmem_decode(tlb, vcpu->state->gprs[NVMM_X64_GPR_RIP], 64,
	    exit->inst_bytes, &kept) != 0 || kept->move == VMEM_MOVE_NONE)
		return VMEM_MOVE_NOT;
	prot = kept->move == VMEM_MOVE_STORE ? NVMM_PROT_WRITE :
	    NVMM_PROT_READ;
	if (exit->prot != prot)
		return VMEM_MOVE_NOT;
	return move_do(mach, vcpu, &kept->insn, prot == NVMM_PROT_WRITE);
}
