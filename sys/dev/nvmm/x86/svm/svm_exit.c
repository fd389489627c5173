/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What follows an #VMEXIT: a table leads from its code to the function that
 * serves it, here or in the files about events, instructions, ports, CPUID and MSRs.
 */

#include "x86/svm/svm.h"

static const uint8_t op_hlt[] = { 0xF4 };
static const uint8_t op_invd[] = { 0x0F, 0x08 };
static const uint8_t op_wbinvd[] = { 0x0F, 0x09 };
static const uint8_t op_monitor[] = { 0x0F, 0x01, 0xC8 };
static const uint8_t op_mwait[] = { 0x0F, 0x01, 0xC9 };
static const uint8_t op_xsetbv[] = { 0x0F, 0x01, 0xD1 };

static void
exit_count(struct svm_vcpu *vc, unsigned stat)
{

	nvmm_count(&vc->cpu->stats.exits_driver[stat], 1);
}

/* The bytes at RIP, where the exit has room for them. */
static uint8_t
exit_bytes(struct svm_vcpu *vc, uint8_t bytes[NVMM_X86_INSN_MAX])
{
	const struct svm_vmcb_ctrl *ctrl = &vc->vmcb->ctrl;
	uint8_t buf[NVMM_X86_INSN_MAX];
	struct nvmm_x86_where w;
	const uint8_t *p;
	size_t n;

	p = ctrl->inst_bytes;
	n = ctrl->inst_len;
	if (!svm.decode || n == 0 || n > NVMM_X86_INSN_MAX) {
		svm_where(vc, &w);
		p = nvmm_x86_fetch(&w, buf, &n);
	}
	if (n != 0)
		memcpy(bytes, p, n);
	return (uint8_t)n;
}

static enum svm_next
exit_invalid(struct svm_vcpu *vc)
{
	struct nvmm_x86_exit_invalid *inv = &vc->cpu->comm->exit.u.inv;

	inv->hwcode = vc->vmcb->ctrl.exitcode;
	inv->rip = vc->vmcb->state.rip;
	inv->inst_len = 0;
	/* Refused: neither flushed, nor cached, nor was the event taken. */
	svm_tlb_refused(&vc->tlb);
	svm_dirty(vc, SVM_CLEAN_ALL);
	vc->eventinj = vc->injected;
	return svm_user(vc, NVMM_VCPU_EXIT_INVALID);
}

/* Host interrupts, NMIs and INIT have been taken once STGI is through. */
static enum svm_next
exit_host(struct svm_vcpu *vc)
{

	exit_count(vc, NVMM_STAT_HOSTINTR);
	return SVM_LEAVE;
}

static enum svm_next
exit_mc(struct svm_vcpu *vc)
{

	os_machine_check();
	return exit_host(vc);
}

/* The guest turns to its debug registers: it has them until the region ends. */
static enum svm_next
exit_dr(struct svm_vcpu *vc)
{

	exit_count(vc, NVMM_STAT_INSN);
	svm_drs_load(vc);
	return SVM_AGAIN;
}

/* An instruction that this guest's processor does not have. */
static enum svm_next
exit_ud(struct svm_vcpu *vc)
{

	exit_count(vc, NVMM_STAT_INSN);
	svm_exception(vc, SVM_VECTOR_UD, 0);
	return SVM_AGAIN;
}

/* An operand that is not for this guest's processor. */
static enum svm_next
exit_gp(struct svm_vcpu *vc)
{

	exit_count(vc, NVMM_STAT_INSN);
	svm_exception(vc, SVM_VECTOR_GP, 0);
	return SVM_AGAIN;
}

/* Nothing to do: caches are coherent for guests without devices of their own. */
static enum svm_next
exit_skip(struct svm_vcpu *vc, const uint8_t *op, size_t nop)
{
	uint64_t npc;

	if (!svm_npc(vc, op, nop, &npc))
		return SVM_LEAVE;
	svm_advance(vc, npc);
	exit_count(vc, NVMM_STAT_INSN);
	return SVM_AGAIN;
}

static enum svm_next
exit_invd(struct svm_vcpu *vc)
{

	return exit_skip(vc, op_invd, sizeof(op_invd));
}

static enum svm_next
exit_wbinvd(struct svm_vcpu *vc)
{

	return exit_skip(vc, op_wbinvd, sizeof(op_wbinvd));
}

static enum svm_next
exit_hlt(struct svm_vcpu *vc)
{
	uint64_t npc;

	if (!svm_npc(vc, op_hlt, sizeof(op_hlt), &npc))
		return SVM_LEAVE;
	svm_advance(vc, npc);
	if (vc->eventinj != 0 || svm_event_wakes(vc)) {
		exit_count(vc, NVMM_STAT_HALTED);
		return SVM_AGAIN;
	}
	return svm_user(vc, NVMM_VCPU_EXIT_HALTED);
}

/* The processor has shut down: nothing is under way in it any more. */
static enum svm_next
exit_shutdown(struct svm_vcpu *vc)
{

	svm_event_drop(vc);
	/* What else the VMCB holds now is undefined, 15.14.3. */
	svm_dirty(vc, SVM_CLEAN_ALL);
	return svm_user(vc, NVMM_VCPU_EXIT_SHUTDOWN);
}

static enum svm_next
exit_insn(struct svm_vcpu *vc, const uint8_t *op, size_t nop, uint64_t reason)
{

	if (!svm_npc(vc, op, nop, &vc->cpu->comm->exit.u.insn.npc))
		return SVM_LEAVE;
	return svm_user(vc, reason);
}

static enum svm_next
exit_monitor(struct svm_vcpu *vc)
{

	return exit_insn(vc, op_monitor, sizeof(op_monitor),
	    NVMM_VCPU_EXIT_MONITOR);
}

static enum svm_next
exit_mwait(struct svm_vcpu *vc)
{

	return exit_insn(vc, op_mwait, sizeof(op_mwait), NVMM_VCPU_EXIT_MWAIT);
}

/*
 * XSETBV, APM vol. 4. Of what it checks the manual says of nothing that it comes
 * before the intercept.
 */
static enum svm_next
exit_xsetbv(struct svm_vcpu *vc)
{
	uint64_t npc, val;

	if ((vc->cr4 & SVM_CR4_OSXSAVE) == 0)
		return exit_ud(vc);
	val = (vc->vmcb->state.rax & 0xFFFFFFFF) |
	    vc->gprs[NVMM_X64_GPR_RDX] << 32;
	if ((uint32_t)vc->gprs[NVMM_X64_GPR_RCX] != 0 ||
	    vc->vmcb->state.cpl != 0 || val != svm_xcr0_valid(val))
		return exit_gp(vc);
	if (!svm_npc(vc, op_xsetbv, sizeof(op_xsetbv), &npc))
		return SVM_LEAVE;
	vc->xcr0 = val;
	svm_xsetbv(val);
	svm_advance(vc, npc);
	exit_count(vc, NVMM_STAT_INSN);
	return SVM_AGAIN;
}

static int
fault_prot(uint64_t info)
{

	if ((info & SVM_NPF_WRITE) != 0)
		return NVMM_PROT_WRITE;
	return (info & SVM_NPF_FETCH) != 0 ? NVMM_PROT_EXEC : NVMM_PROT_READ;
}

/* What else the owner may want to know of an access of its memory. */
static void
fault_tell(struct svm_vcpu *vc, uint64_t info)
{
	struct nvmm_comm_page *comm = vc->cpu->comm;

	comm->mem_efer = vc->vmcb->state.efer & ~SVM_EFER_SVME;
	comm->mem_state = NVMM_COMM_MEM_EFER |
	    ((info & SVM_NPF_FINAL) != 0 ? NVMM_COMM_MEM_OPERAND : 0) |
	    (svm_is_64(vc) ? NVMM_COMM_MEM_64 : 0);
}

/*
 * Serve a nested fault. => Outside a region. EFAULT: it is the owner's, and
 *    comm->exit is filled; ENOMEM: no memory for the page.
 */
int
svm_fault(struct svm_vcpu *vc)
{
	struct nvmm_x86_exit_memory *mem = &vc->cpu->comm->exit.u.mem;
	const struct svm_vmcb_ctrl *ctrl = &vc->vmcb->ctrl;
	const int prot = fault_prot(ctrl->exitinfo1);
	int error;

	error = os_vmspace_fault(vc->vm, ctrl->exitinfo2, prot);
	if (error != EFAULT) {
		if (!error)
			exit_count(vc, NVMM_STAT_NPF);
		return error;
	}
	mem->prot = prot;
	mem->gpa = ctrl->exitinfo2;
	mem->inst_len = 0;
	vc->cpu->comm->mem_state = 0;
	if (prot != NVMM_PROT_EXEC) {
		mem->inst_len = exit_bytes(vc, mem->inst_bytes);
		fault_tell(vc, ctrl->exitinfo1);
	}
	(void)svm_user(vc, NVMM_VCPU_EXIT_MEMORY);
	return EFAULT;
}

static enum svm_next (*const svm_exits[])(struct svm_vcpu *) = {
	[SVM_EXIT_CR_READ(4)] = svm_exit_cr4_read,
	[SVM_EXIT_CR_WRITE(4)] = svm_exit_cr4_write,
	[SVM_EXIT_CR_WRITE(8)] = svm_exit_cr8,
	[SVM_EXIT_DR_READ(0)] = exit_dr,
	[SVM_EXIT_DR_READ(1)] = exit_dr,
	[SVM_EXIT_DR_READ(2)] = exit_dr,
	[SVM_EXIT_DR_READ(3)] = exit_dr,
	[SVM_EXIT_DR_WRITE(0)] = exit_dr,
	[SVM_EXIT_DR_WRITE(1)] = exit_dr,
	[SVM_EXIT_DR_WRITE(2)] = exit_dr,
	[SVM_EXIT_DR_WRITE(3)] = exit_dr,
	[SVM_EXIT_DR_WRITE(5)] = exit_dr,
	[SVM_EXIT_DR_WRITE(7)] = exit_dr,
	[SVM_EXIT_EXCP(SVM_VECTOR_DE)] = svm_exit_fault,
	[SVM_EXIT_EXCP(SVM_VECTOR_DB)] = svm_exit_db,
	[SVM_EXIT_EXCP(SVM_VECTOR_BR)] = svm_exit_fault,
	[SVM_EXIT_EXCP(SVM_VECTOR_UD)] = svm_exit_fault,
	[SVM_EXIT_EXCP(SVM_VECTOR_NM)] = svm_exit_fault,
	[SVM_EXIT_EXCP(SVM_VECTOR_TS)] = svm_exit_fault,
	[SVM_EXIT_EXCP(SVM_VECTOR_NP)] = svm_exit_fault,
	[SVM_EXIT_EXCP(SVM_VECTOR_SS)] = svm_exit_fault,
	[SVM_EXIT_EXCP(SVM_VECTOR_GP)] = svm_exit_fault,
	[SVM_EXIT_EXCP(SVM_VECTOR_PF)] = svm_exit_fault,
	[SVM_EXIT_EXCP(SVM_VECTOR_MF)] = svm_exit_fault,
	[SVM_EXIT_EXCP(SVM_VECTOR_AC)] = svm_exit_fault,
	[SVM_EXIT_EXCP(SVM_VECTOR_MC)] = exit_mc,
	[SVM_EXIT_EXCP(SVM_VECTOR_XF)] = svm_exit_fault,
	[SVM_EXIT_EXCP(SVM_VECTOR_CP)] = svm_exit_fault,
	[SVM_EXIT_INTR] = exit_host,
	[SVM_EXIT_NMI] = exit_host,
	[SVM_EXIT_INIT] = exit_host,
	[SVM_EXIT_VINTR] = svm_exit_vintr,
	[SVM_EXIT_RDPMC] = exit_gp,
	[SVM_EXIT_CPUID] = svm_exit_cpuid,
	[SVM_EXIT_IRET] = svm_exit_iret,
	[SVM_EXIT_INVD] = exit_invd,
	[SVM_EXIT_HLT] = exit_hlt,
	[SVM_EXIT_INVLPGA] = exit_ud,
	[SVM_EXIT_IOIO] = svm_exit_io,
	[SVM_EXIT_MSR] = svm_exit_msr,
	[SVM_EXIT_SHUTDOWN] = exit_shutdown,
	[SVM_EXIT_VMRUN] = exit_ud,
	[SVM_EXIT_VMMCALL] = exit_ud,
	[SVM_EXIT_VMLOAD] = exit_ud,
	[SVM_EXIT_VMSAVE] = exit_ud,
	[SVM_EXIT_STGI] = exit_ud,
	[SVM_EXIT_CLGI] = exit_ud,
	[SVM_EXIT_SKINIT] = exit_ud,
	[SVM_EXIT_RDTSCP] = exit_ud,
	[SVM_EXIT_WBINVD] = exit_wbinvd,
	[SVM_EXIT_MONITOR] = exit_monitor,
	[SVM_EXIT_MWAIT] = exit_mwait,
	[SVM_EXIT_XSETBV] = exit_xsetbv,
	[SVM_EXIT_RDPRU] = exit_ud,
	[SVM_EXIT_INVLPGB] = exit_ud,
	[SVM_EXIT_MCOMMIT] = exit_ud,
	[SVM_EXIT_TLBSYNC] = exit_ud,
};

/* Serve the exit that the VMCB tells of. => In a region. */
enum svm_next
svm_exit(struct svm_vcpu *vc)
{
	const uint64_t code = vc->vmcb->ctrl.exitcode;

	if (code == SVM_EXIT_NPF)
		return SVM_FAULT;
	/* By far the most frequent of the others: spared an indirect call. */
	if (code == SVM_EXIT_IOIO)
		return svm_exit_io(vc);
	if (code >= sizeof(svm_exits) / sizeof(svm_exits[0]) ||
	    svm_exits[code] == NULL)
		return exit_invalid(vc);
	return svm_exits[code](vc);
}
