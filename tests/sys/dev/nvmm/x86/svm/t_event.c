/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Events on a VMCB that no processor runs: what no emulator does, as it keeps no
 * interrupt shadow across VMRUN, or cannot be had to do at the moment that
 * counts. A test plays the processor: it writes what an #VMEXIT would.
 */

#include "h_policy.h"

#include "x86/svm/svm.h"

#define FAULT_UD	(1U << SVM_VECTOR_UD)
#define FAULT_PF	(1U << SVM_VECTOR_PF)
#define NMI_INJ		(SVM_EVENT_V | SVM_EVENT_TYPE_NMI | SVM_VECTOR_NMI)
#define INTR_INJ(n)	(SVM_EVENT_V | SVM_EVENT_TYPE_INTR | (n))
#define EXCP_INJ(n)	(SVM_EVENT_V | SVM_EVENT_TYPE_EXCP | (n))
#define RFLAGS		(SVM_RFLAGS_IF | SVM_RFLAGS_ONE)

static struct svm_vmcb vmcb;
static struct nvmm_comm_page comm;
static struct nvmm_cpu cpu;
static struct svm_vcpu vc;
static uint8_t memory[2 * OS_PAGE_SIZE];

struct svm_global svm;
unsigned nvmm_param_nasid;
long nvmm_param_tsc_skew;

const void *
os_vmspace_peek(struct os_vmspace *vm, uint64_t gpa)
{

	(void)vm;
	return gpa < sizeof(memory) ? memory + gpa : NULL;
}

uint64_t
os_vmspace_generation(const struct os_vmspace *vm)
{

	(void)vm;
	return 1;
}

/* A guest in real mode, at a NOP. */
static void
start(void)
{

	memset(&vmcb, 0, sizeof(vmcb));
	memset(&vc, 0, sizeof(vc));
	memset(memory, 0x90, sizeof(memory));
	vc.vmcb = &vmcb;
	vc.cpu = &cpu;
	cpu.comm = &comm;
	cpu.cpudata = &vc;
	vc.irq = -1;
	vmcb.state.rip = 0x100;
	vmcb.state.rflags = RFLAGS;
	vmcb.state.dr6 = SVM_DR6_ONES;
	vmcb.ctrl.clean = SVM_CLEAN_ALL;
}

static void
inject(unsigned type, unsigned vector)
{
	struct nvmm_vcpu_event event = { .type = type, .vector = (u_int)vector };

	ATF_REQUIRE_EQ(0, svm_vcpu_inject(&cpu, &event));
}

#define INTR	NVMM_VCPU_EVENT_INTR
#define EXCP	NVMM_VCPU_EVENT_EXCP

/* What goes in with the next VMRUN, which takes it. */
static uint64_t
vmrun(void)
{
	uint64_t event;

	ATF_REQUIRE(svm_event_enter(&vc));
	event = vc.eventinj;
	vc.injected = event;
	vc.eventinj = 0;
	vmcb.ctrl.clean = SVM_CLEAN_ALL;
	return event;
}

/* The processor says why it stopped. */
static void
vmexit(uint64_t code, uint64_t intinfo)
{

	vmcb.ctrl.exitcode = code;
	vmcb.ctrl.exitintinfo = intinfo;
	svm_event_exit(&vc);
}

/* An NMI waits for the shadow; its instruction is stepped. */
static void
step(void)
{

	start();
	vmcb.ctrl.intr_shadow = SVM_INTERRUPT_SHADOW;
	inject(INTR, SVM_VECTOR_NMI);
	ATF_REQUIRE_EQ(0, vmrun());
	ATF_REQUIRE(vmcb.state.rflags & SVM_RFLAGS_TF);
	ATF_CHECK_EQ(RFLAGS, svm_rflags(&vc));
	ATF_CHECK(vmcb.ctrl.intercept_excp & FAULT_UD);
}

/* The NMI goes in, flags as the guest's, and nothing of a step is left. */
static void
nmi_follows(void)
{

	ATF_CHECK_EQ(NMI_INJ, vmrun());
	ATF_CHECK_EQ(0, vmcb.state.rflags & SVM_RFLAGS_TF);
	ATF_CHECK_EQ(0, vmcb.ctrl.intercept_excp);
	ATF_CHECK(!vc.nmi_step);
}

CASE(step_done, "a step out of a shadow leaves flags and DR6 as they were")
{

	step();
	vmcb.ctrl.intr_shadow = 0;
	vmcb.state.rip++;
	vmcb.state.dr6 |= SVM_DR6_BS;
	vmexit(SVM_EXIT_EXCP(SVM_VECTOR_DB), 0);
	ATF_CHECK_EQ(SVM_AGAIN, svm_exit_db(&vc));
	ATF_CHECK_EQ(RFLAGS, vmcb.state.rflags);
	ATF_CHECK_EQ(SVM_DR6_ONES, vmcb.state.dr6);
	nmi_follows();
}

CASE(step_faults, "a stepped instruction's fault goes in without TF, NMI behind")
{

	step();
	vmexit(SVM_EXIT_EXCP(SVM_VECTOR_UD), 0);
	ATF_CHECK_EQ(SVM_AGAIN, svm_exit_fault(&vc));
	ATF_CHECK_EQ(EXCP_INJ(SVM_VECTOR_UD), vmrun());
	ATF_CHECK_EQ(RFLAGS | SVM_RFLAGS_RF, vmcb.state.rflags);
	ATF_CHECK_EQ(0, vmcb.ctrl.intercept_excp);
	ATF_CHECK(vc.event_exit);
	vmcb.ctrl.intr_shadow = 0;
	vmexit(SVM_EXIT_INTR, 0);
	nmi_follows();
	ATF_CHECK(!vc.event_exit);
}

CASE(step_page_fault, "a stepped instruction's page fault sets CR2")
{

	step();
	ATF_CHECK(vmcb.ctrl.intercept_excp & FAULT_PF);
	vmcb.state.cr0 = SVM_CR0_PE;
	vmcb.ctrl.exitinfo1 = 6;
	vmcb.ctrl.exitinfo2 = 0x123456;
	vmexit(SVM_EXIT_EXCP(SVM_VECTOR_PF), 0);
	(void)svm_exit_fault(&vc);
	ATF_CHECK_EQ(0, vmcb.ctrl.clean & SVM_CLEAN_CR2);
	ATF_CHECK_EQ(0x123456, vmcb.state.cr2);
	ATF_CHECK_EQ(EXCP_INJ(SVM_VECTOR_PF) | SVM_EVENT_EV | 6ULL << 32,
	    vmrun());
}

CASE(step_refused, "an exception of the driver's own goes in without TF")
{

	step();
	vmexit(SVM_EXIT_VMMCALL, 0);
	svm_exception(&vc, SVM_VECTOR_UD, 0);
	ATF_CHECK_EQ(EXCP_INJ(SVM_VECTOR_UD), vmrun());
	ATF_CHECK_EQ(RFLAGS, vmcb.state.rflags);
	ATF_CHECK_EQ(0, vmcb.ctrl.intercept_excp);
	ATF_CHECK(vc.event_exit);
}

CASE(step_shadow_gone, "an NMI goes in without TF where the shadow is gone")
{

	step();
	vmexit(SVM_EXIT_INTR, 0);
	vmcb.ctrl.intr_shadow = 0;
	nmi_follows();
	ATF_CHECK_EQ(RFLAGS, vmcb.state.rflags);
}

CASE(shadow_flags, "instructions that store or load TF are not stepped")
{
	static const struct {
		uint8_t bytes[4];
		bool stepped;
	} rows[] = {
		{ { 0x9C }, false }, { { 0x9D }, false }, { { 0xCC }, false },
		{ { 0xCD, 0x80 }, false }, { { 0xCE }, false },
		{ { 0xCF }, false }, { { 0xF1 }, false },
		{ { 0x0F, 0x05 }, false }, { { 0x0F, 0x07 }, false },
		{ { 0x66, 0x9C }, false }, { { 0x2E, 0x66, 0xCF }, false },
		{ { 0x0F, 0x0B }, true }, { { 0xBC, 0x9C, 0x9C }, true },
		{ { 0x66, 0xBC, 0x9C }, true },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start();
		memcpy(memory + 0x100, rows[i].bytes, 4);
		vmcb.ctrl.intr_shadow = SVM_INTERRUPT_SHADOW;
		inject(INTR, SVM_VECTOR_NMI);
		ATF_CHECK_EQ_MSG(rows[i].stepped ? 0 : NMI_INJ, vmrun(),
		    "row %zu", i);
		ATF_CHECK_EQ_MSG(rows[i].stepped, vc.nmi_step, "row %zu", i);
	}
}

/* An NMI's handler has come to its end. */
static void
at_iret(void)
{

	start();
	inject(INTR, SVM_VECTOR_NMI);
	ATF_REQUIRE_EQ(NMI_INJ, vmrun());
	ATF_CHECK(vmcb.ctrl.intercept_misc1 & SVM_MISC1_IRET);
	inject(INTR, SVM_VECTOR_NMI);
	ATF_REQUIRE_EQ(0, vmrun());
	vmexit(SVM_EXIT_IRET, 0);
	ATF_CHECK_EQ(SVM_AGAIN, svm_exit_iret(&vc));
	ATF_REQUIRE_EQ(0, vmrun());
	ATF_REQUIRE(vmcb.state.rflags & SVM_RFLAGS_TF);
	ATF_CHECK_EQ(0, vmcb.ctrl.intercept_misc1 & SVM_MISC1_IRET);
}

CASE(iret_faults, "an IRET's fault goes in without TF, and unmasks NMIs")
{

	at_iret();
	vmexit(SVM_EXIT_EXCP(SVM_VECTOR_GP), 0);
	(void)svm_exit_fault(&vc);
	ATF_CHECK_EQ(EXCP_INJ(SVM_VECTOR_GP), vmrun());
	ATF_CHECK_EQ(RFLAGS | SVM_RFLAGS_RF, vmcb.state.rflags);
	ATF_CHECK(vc.event_exit);
	vmexit(SVM_EXIT_INTR, 0);
	nmi_follows();
}

CASE(iret_again, "an exception in place of IRET leaves NMIs masked until it")
{

	at_iret();
	vmexit(SVM_EXIT_NPF, 0);
	inject(EXCP, SVM_VECTOR_GP);
	ATF_CHECK_EQ(EXCP_INJ(SVM_VECTOR_GP), vmrun());
	ATF_CHECK_EQ(RFLAGS, vmcb.state.rflags);
	ATF_CHECK(vmcb.ctrl.intercept_misc1 & SVM_MISC1_IRET);
	ATF_CHECK(!vc.event_exit);
	vmexit(SVM_EXIT_INTR, 0);
	ATF_CHECK_EQ(0, vmrun());
}

CASE(window_behind, "the NMI window opens right behind an event under way")
{

	start();
	vc.nmi_window = vc.event_busy = true;
	vmcb.ctrl.intr_shadow = SVM_INTERRUPT_SHADOW;
	vmexit(SVM_EXIT_NPF, EXCP_INJ(SVM_VECTOR_UD));
	ATF_CHECK_EQ(EXCP_INJ(SVM_VECTOR_UD), vmrun());
	ATF_CHECK_EQ(RFLAGS, vmcb.state.rflags);
	ATF_CHECK(vc.event_exit);
	vmcb.ctrl.intr_shadow = 0;
	vmexit(SVM_EXIT_INTR, 0);
	ATF_CHECK(!svm_event_enter(&vc));
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_NMI_READY, comm.exit.reason);
}

CASE(two_interrupts, "an interrupt put back goes before the one that waits")
{

	start();
	inject(INTR, 0x31);
	ATF_REQUIRE_EQ(INTR_INJ(0x31), vmrun());
	inject(INTR, 0x41);
	/* Its delivery met #AC. */
	vmexit(SVM_EXIT_EXCP(SVM_VECTOR_AC), INTR_INJ(0x31));
	(void)svm_exit_fault(&vc);
	ATF_CHECK_EQ(EXCP_INJ(SVM_VECTOR_AC), vmrun());
	vmexit(SVM_EXIT_INTR, 0);
	ATF_CHECK_EQ(INTR_INJ(0x31), vmrun());
	ATF_CHECK(svm_event_pending(&vc));
	vmexit(SVM_EXIT_INTR, 0);
	ATF_CHECK_EQ(INTR_INJ(0x41), vmrun());
	vmexit(SVM_EXIT_INTR, 0);
	ATF_CHECK_EQ(0, vmrun());
	ATF_CHECK(!svm_event_pending(&vc));
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, step_done);
	ATF_TP_ADD_TC(tp, step_faults);
	ATF_TP_ADD_TC(tp, step_page_fault);
	ATF_TP_ADD_TC(tp, step_refused);
	ATF_TP_ADD_TC(tp, step_shadow_gone);
	ATF_TP_ADD_TC(tp, shadow_flags);
	ATF_TP_ADD_TC(tp, iret_faults);
	ATF_TP_ADD_TC(tp, iret_again);
	ATF_TP_ADD_TC(tp, window_behind);
	ATF_TP_ADD_TC(tp, two_interrupts);
	return atf_no_error();
}
