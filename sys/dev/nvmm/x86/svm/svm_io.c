/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Port accesses, AMD APM vol. 2, 15.10.2: what the owner is told of them, and
 * the completion of IN and OUT, for which it needs no register but RAX.
 */

#include "x86/svm/svm.h"

/* The one bit among three at shift: 1, 2, 4; or 0 if there is none. */
static uint8_t
io_field(uint64_t info, unsigned shift)
{

	return info >> shift & 7;
}

/* True if the instruction at RIP has an address-size prefix. */
static bool
io_asize_prefix(struct svm_vcpu *vc)
{
	uint8_t buf[NVMM_X86_INSN_MAX];
	struct nvmm_x86_prefixes p = { .asize = false };
	struct nvmm_x86_where w;
	const uint8_t *bytes;
	size_t n;

	svm_where(vc, &w);
	bytes = nvmm_x86_fetch(&w, buf, &n);
	if (bytes != NULL)
		nvmm_x86_prefixes(bytes, n, nvmm_x86_where_64(&w), &p);
	return p.asize;
}

/*
 * Bytes of an address, for hardware that does not tell; where the instruction
 * has none, as many as its mode has.
 */
static uint8_t
io_address_size(struct svm_vcpu *vc, bool str)
{
	const bool prefix = str && io_asize_prefix(vc);

	if (svm_is_64(vc))
		return prefix ? 4 : 8;
	return ((vc->vmcb->state.cs.attrib & SVM_ATTR_D) != 0) != prefix ?
	    4 : 2;
}

/* The segment of a string, -1 where the instruction has to tell. */
static int8_t
io_seg(uint64_t info)
{

	if ((info & SVM_IOIO_STR) == 0)
		return -1;
	if ((info & SVM_IOIO_IN) != 0)
		return NVMM_X64_SEG_ES;
	return svm.decode ? (int8_t)(info >> SVM_IOIO_SEG_SHIFT & 7) : -1;
}

enum svm_next
svm_exit_io(struct svm_vcpu *vc)
{
	const struct svm_vmcb *vmcb = vc->vmcb;
	struct nvmm_comm_page *comm = vc->cpu->comm;
	struct nvmm_x86_exit_io *io = &comm->exit.u.io;
	const uint64_t info = vmcb->ctrl.exitinfo1;
	const bool str = (info & SVM_IOIO_STR) != 0;
	uint8_t asize;

	comm->exit.reason = NVMM_VCPU_EXIT_IO;
	io->npc = vmcb->ctrl.exitinfo2;
	/* IN or OUT: the owner may carry it out by RAX alone. */
	if (!str) {
		vc->io_waits = true;
		comm->io_rax = vmcb->state.rax;
		comm->io_state = NVMM_COMM_IO_OFFERED;
	}
	io->in = (info & SVM_IOIO_IN) != 0;
	io->port = (uint16_t)(info >> SVM_IOIO_PORT_SHIFT);
	io->seg = io_seg(info);
	io->operand_size = io_field(info, SVM_IOIO_SZ_SHIFT);
	io->rep = (info & SVM_IOIO_REP) != 0;
	io->str = str;
	asize = (uint8_t)(io_field(info, SVM_IOIO_A_SHIFT) * 2);
	io->address_size = asize != 0 ? asize : io_address_size(vc, str);
	return SVM_USER;
}

/*
 * Complete it. The VMCB says what it was: it is as that exit left it while
 * io_waits, whatever the owner has made of the rest.
 */
void
svm_vcpu_io_done(struct nvmm_cpu *cpu, uint64_t val)
{
	struct svm_vcpu *vc = svm_vcpu(cpu);
	const uint64_t info = vc->vmcb->ctrl.exitinfo1;
	uint64_t *rax = &vc->vmcb->state.rax;

	if (!vc->io_waits)
		return;
	vc->io_waits = false;
	if ((info & SVM_IOIO_IN) != 0) {
		switch (io_field(info, SVM_IOIO_SZ_SHIFT)) {
		case 1:
			*rax = (*rax & ~0xFFULL) | (uint8_t)val;
			break;
		case 2:
			*rax = (*rax & ~0xFFFFULL) | (uint16_t)val;
			break;
		default:
			*rax = (uint32_t)val;
			break;
		}
	}
	svm_advance(vc, vc->vmcb->ctrl.exitinfo2);
}
