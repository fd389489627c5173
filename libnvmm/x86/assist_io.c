/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * nvmm_assist_io(3): carry out the port access that a VCPU left for. IN and
 * OUT move RAX; INS and OUTS move memory, whose pages are checked before the
 * device is touched. AMD APM vol. 3, IN, INSx, OUT, OUTSx.
 */

#include <errno.h>
#include <string.h>

#include "vmem.h"

struct portio {
	struct vmem vm;
	struct x86_bus bus;
	const struct nvmm_x86_exit_io *exit;
	uint64_t step;			/* of the index register */
	unsigned seg;
	unsigned index;			/* RSI or RDI */
};

/* One access of the client's. */
static void
portio_call(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu, uint8_t *data)
{
	const struct nvmm_x86_exit_io *exit = &vcpu->exit->u.io;
	struct nvmm_io io = {
		.mach = mach, .vcpu = vcpu, .port = exit->port,
		.in = exit->in, .size = exit->operand_size, .data = data,
	};

	vcpu->cbs.io(&io);
}

/* The instruction is done; the exit tells where the next one is. */
static void
portio_done(struct nvmm_vcpu *vcpu)
{
	struct nvmm_vcpu_state *st = vcpu->state;

	st->gprs[NVMM_X64_GPR_RIP] = vcpu->exit->u.io.npc;
	st->gprs[NVMM_X64_GPR_RFLAGS] &= ~(uint64_t)X86_FL_RF;
}

/* What an instruction changes as it ends, beside what it is for. */
#define PORTIO_STATE	(NVMM_X64_STATE_GPRS | NVMM_X64_STATE_DRS | \
			 NVMM_X64_STATE_INTR)

/* True if the guest executes step by step. */
static inline bool
portio_steps(const struct nvmm_vcpu *vcpu)
{

	return (vcpu->exit->exitstate.rflags & X86_FL_TF) != 0;
}

/* True if the driver completes the instruction, and nobody holds its state. */
static inline bool
portio_offered(const struct nvmm_vcpu *vcpu, const struct nvmm_comm_page *comm)
{

	return comm->io_state == NVMM_COMM_IO_OFFERED &&
	    (comm->state_cached & PORTIO_STATE) == 0 && !portio_steps(vcpu);
}

/*
 * Have the general registers. Where the driver offers to do without, this is no
 * reason for the next run to bring them along.
 */
static int
portio_getstate(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{
	const struct nvmm_comm_page *comm = nvmm_comm(vcpu);

	if (comm->io_state == NVMM_COMM_IO_OFFERED &&
	    (comm->state_cached & NVMM_X64_STATE_GPRS) != 0)
		return 0;
	return nvmm_state_get(mach, vcpu, NVMM_X64_STATE_GPRS);
}

/* The rest of IN and OUT, by the general registers. */
static int __attribute__((noinline))
portio_reg_end(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu, uint64_t val)
{
	const struct nvmm_x86_exit_io *exit = &vcpu->exit->u.io;

	if (portio_getstate(mach, vcpu) == -1)
		return -1;
	if (exit->in)
		x86_reg_set(vcpu->state, NVMM_X64_GPR_RAX, exit->operand_size,
		    0, val);
	portio_done(vcpu);
	nvmm_state_set(vcpu, NVMM_X64_STATE_GPRS);
	if (vmem_end_shadow(mach, vcpu) == -1)
		return -1;
	return portio_steps(vcpu) ? vmem_trap(mach, vcpu) : 0;
}

/*
 * IN and OUT: nothing but RAX and RIP is touched. They are left to the driver
 * where it offers that, unless the callback itself turns to the state.
 */
static int
portio_reg(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{
	const struct nvmm_x86_exit_io *exit = &vcpu->exit->u.io;
	struct nvmm_comm_page *comm = nvmm_comm(vcpu);
	const bool offered = portio_offered(vcpu, comm);
	uint64_t val = 0;

	if (!offered && portio_getstate(mach, vcpu) == -1)
		return -1;
	if (!exit->in)
		val = x86_cut(offered ? comm->io_rax :
		    vcpu->state->gprs[NVMM_X64_GPR_RAX], exit->operand_size);
	portio_call(mach, vcpu, (uint8_t *)&val);
	if (!portio_offered(vcpu, comm))
		return portio_reg_end(mach, vcpu, val);
	comm->io_rax = val;
	comm->io_state = NVMM_COMM_IO_DONE;
	return 0;
}

/* Where the next item of a string lies. */
static int
portio_linear(struct portio *p, gvaddr_t *lin)
{
	uint64_t offset = x86_reg_get(p->vm.cpu.state, p->index,
	    p->exit->address_size, 0);

	return x86_linear(&p->vm.cpu, p->seg, offset, p->exit->operand_size,
	    p->exit->in, lin);
}

/* One item of a string; a fault comes before the device hears of it. */
static int
portio_item(struct portio *p)
{
	const struct x86_bus *bus = &p->bus;
	size_t size = p->exit->operand_size;
	uint64_t val = 0;
	gvaddr_t lin;
	int error;

	error = portio_linear(p, &lin);
	if (error != 0)
		return error;
	if (p->exit->in)
		error = bus->probe(bus->arg, lin, size, NVMM_PROT_WRITE);
	else
		error = bus->load(bus->arg, lin, &val, size, NVMM_PROT_READ);
	if (error != 0)
		return error;
	vmem_release(&p->vm);
	portio_call(p->vm.mach, p->vm.vcpu, (uint8_t *)&val);
	if (p->exit->in)
		error = bus->store(bus->arg, lin, &val, size);
	return error;
}

/* Move the index register past an item. */
static void
portio_step(struct portio *p)
{
	struct nvmm_vcpu_state *st = p->vm.cpu.state;
	unsigned size = p->exit->address_size;

	x86_reg_set(st, p->index, size, 0,
	    x86_reg_get(st, p->index, size, 0) + p->step);
}

/* The REP goes on later, and does not meet a breakpoint on it again. */
static bool
portio_pause(struct portio *p)
{
	uint64_t *flags = &p->vm.cpu.state->gprs[NVMM_X64_GPR_RFLAGS];

	if ((*flags & X86_FL_TF) == 0 && !p->bus.pause(p->bus.arg))
		return false;
	*flags |= X86_FL_RF;
	return true;
}

/* The items of INS and OUTS; *more says that the REP paused before its end. */
static int
portio_items(struct portio *p, bool *more)
{
	struct nvmm_vcpu_state *st = p->vm.cpu.state;
	unsigned asize = p->exit->address_size;
	uint64_t left = 1;
	int error;

	if (p->exit->rep)
		left = x86_reg_get(st, NVMM_X64_GPR_RCX, asize, 0);
	for (; left != 0; left--) {
		error = portio_item(p);
		if (error != 0)
			return error;
		portio_step(p);
		if (!p->exit->rep)
			break;
		x86_reg_set(st, NVMM_X64_GPR_RCX, asize, 0, left - 1);
		if (left > 1 && portio_pause(p)) {
			*more = true;
			break;
		}
	}
	return 0;
}

/* The segment of OUTS where the exit does not tell: decode its prefixes. */
static int
portio_segment(struct portio *p)
{
	uint8_t bytes[X86_INSN_MAX];
	struct x86_insn insn;
	int error;

	p->seg = p->exit->in ? NVMM_X64_SEG_ES : NVMM_X64_SEG_DS;
	if (p->exit->in)
		return 0;
	if (p->exit->seg >= 0 && p->exit->seg <= NVMM_X64_SEG_GS) {
		p->seg = (unsigned)p->exit->seg;
		return 0;
	}
	error = x86_decode(&insn, x86_mode(p->vm.cpu.state), bytes,
	    vmem_fetch(&p->vm, bytes));
	if (error == 0 && insn.op == X86_OP_OUTS)
		p->seg = insn.src.mem.seg;
	return error;
}

/* Sizes that no processor makes would run over our buffers. */
static bool
portio_valid(const struct nvmm_x86_exit_io *exit)
{
	unsigned osize = exit->operand_size, asize = exit->address_size;

	if (osize != 1 && osize != 2 && osize != 4)
		return false;
	return !exit->str || asize == 2 || asize == 4 || asize == 8;
}

/* What the instruction does, its state fetched. */
static int
portio_run(struct portio *p)
{
	bool more = false;
	int error;

	p->bus = vmem_bus(&p->vm);
	p->vm.cpu.trap = (p->vm.cpu.state->gprs[NVMM_X64_GPR_RFLAGS] &
	    X86_FL_TF) != 0;
	p->index = p->exit->in ? NVMM_X64_GPR_RDI : NVMM_X64_GPR_RSI;
	p->step = p->exit->operand_size;
	if ((p->vm.cpu.state->gprs[NVMM_X64_GPR_RFLAGS] & X86_FL_DF) != 0)
		p->step = -p->step;
	error = portio_segment(p);
	if (error == 0)
		error = portio_items(p, &more);
	if (error == 0 && !more)
		portio_done(p->vm.vcpu);
	return error;
}

/* INS and OUTS, out of line: IN and OUT are to need none of their registers. */
static int __attribute__((noinline))
portio_string(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{
	struct portio p = { .exit = &vcpu->exit->u.io };

	if (vmem_begin(&p.vm, mach, vcpu) == -1)
		return -1;
	return vmem_end(&p.vm, portio_run(&p));
}

/* Carry out the port access that the VCPU left for, by its io callback. */
int
nvmm_assist_io(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{
	const struct nvmm_x86_exit_io *exit = &vcpu->exit->u.io;
	int ret;

	ret = assist_decoded(mach, vcpu, false);
	if (ret != ASSIST_RAW)
		return ret;
	if (!portio_valid(exit)) {
		errno = EINVAL;
		return -1;
	}
	return exit->str ? portio_string(mach, vcpu) : portio_reg(mach, vcpu);
}
