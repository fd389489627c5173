/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * vm.regs: the registers of VCPUs that stand still, by the names of the
 * manuals. All are 64 bits wide in the answer, hence hex strings.
 */

#include <nvmm.h>

#include "control.h"
#include "method.h"

static const char *const regs_gprs[NVMM_X64_NGPR] = {
	[NVMM_X64_GPR_RAX] = "rax", [NVMM_X64_GPR_RCX] = "rcx",
	[NVMM_X64_GPR_RDX] = "rdx", [NVMM_X64_GPR_RBX] = "rbx",
	[NVMM_X64_GPR_RSP] = "rsp", [NVMM_X64_GPR_RBP] = "rbp",
	[NVMM_X64_GPR_RSI] = "rsi", [NVMM_X64_GPR_RDI] = "rdi",
	[NVMM_X64_GPR_R8] = "r8", [NVMM_X64_GPR_R9] = "r9",
	[NVMM_X64_GPR_R10] = "r10", [NVMM_X64_GPR_R11] = "r11",
	[NVMM_X64_GPR_R12] = "r12", [NVMM_X64_GPR_R13] = "r13",
	[NVMM_X64_GPR_R14] = "r14", [NVMM_X64_GPR_R15] = "r15",
	[NVMM_X64_GPR_RIP] = "rip", [NVMM_X64_GPR_RFLAGS] = "rflags",
};

static const char *const regs_crs[NVMM_X64_NCR] = {
	[NVMM_X64_CR_CR0] = "cr0", [NVMM_X64_CR_CR2] = "cr2",
	[NVMM_X64_CR_CR3] = "cr3", [NVMM_X64_CR_CR4] = "cr4",
	[NVMM_X64_CR_CR8] = "cr8", [NVMM_X64_CR_XCR0] = "xcr0",
};

static const char *const regs_drs[NVMM_X64_NDR] = {
	[NVMM_X64_DR_DR0] = "dr0", [NVMM_X64_DR_DR1] = "dr1",
	[NVMM_X64_DR_DR2] = "dr2", [NVMM_X64_DR_DR3] = "dr3",
	[NVMM_X64_DR_DR6] = "dr6", [NVMM_X64_DR_DR7] = "dr7",
};

static const char *const regs_msrs[NVMM_X64_NMSR] = {
	[NVMM_X64_MSR_EFER] = "efer", [NVMM_X64_MSR_STAR] = "star",
	[NVMM_X64_MSR_LSTAR] = "lstar", [NVMM_X64_MSR_CSTAR] = "cstar",
	[NVMM_X64_MSR_SFMASK] = "sfmask",
	[NVMM_X64_MSR_KERNELGSBASE] = "kernelgsbase",
	[NVMM_X64_MSR_SYSENTER_CS] = "sysenter_cs",
	[NVMM_X64_MSR_SYSENTER_ESP] = "sysenter_esp",
	[NVMM_X64_MSR_SYSENTER_EIP] = "sysenter_eip",
	[NVMM_X64_MSR_PAT] = "pat", [NVMM_X64_MSR_TSC] = "tsc",
};

static const char *const regs_segs[NVMM_X64_NSEG] = {
	[NVMM_X64_SEG_ES] = "es", [NVMM_X64_SEG_CS] = "cs",
	[NVMM_X64_SEG_SS] = "ss", [NVMM_X64_SEG_DS] = "ds",
	[NVMM_X64_SEG_FS] = "fs", [NVMM_X64_SEG_GS] = "gs",
	[NVMM_X64_SEG_GDT] = "gdt", [NVMM_X64_SEG_IDT] = "idt",
	[NVMM_X64_SEG_LDT] = "ldt", [NVMM_X64_SEG_TR] = "tr",
};

/* One group of registers. */
static void
regs_group(struct proto_out *o, const char *const *names,
    const uint64_t *values, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		proto_out_hex(o, names[i], values[i]);
}

/* One segment register with what is cached of its descriptor. */
static void
regs_seg(struct proto_out *o, const char *name,
    const struct nvmm_x64_state_seg *s)
{

	proto_out_object(o, name);
	proto_out_hex(o, "selector", s->selector);
	proto_out_hex(o, "base", s->base);
	proto_out_hex(o, "limit", s->limit);
	proto_out_integer(o, "type", s->attrib.type);
	proto_out_integer(o, "dpl", s->attrib.dpl);
	proto_out_boolean(o, "system", !s->attrib.s);
	proto_out_boolean(o, "present", s->attrib.p);
	proto_out_boolean(o, "long", s->attrib.l);
	proto_out_boolean(o, "default_32", s->attrib.def);
	proto_out_object_end(o);
}

/* One VCPU. */
static void
regs_vcpu(struct proto_out *o, unsigned cpu, const struct nvmm_x64_state *s)
{
	unsigned i;

	proto_out_object(o, NULL);
	proto_out_integer(o, "cpu", cpu);
	regs_group(o, regs_gprs, s->gprs, NVMM_X64_NGPR);
	regs_group(o, regs_crs, s->crs, NVMM_X64_NCR);
	regs_group(o, regs_drs, s->drs, NVMM_X64_NDR);
	regs_group(o, regs_msrs, s->msrs, NVMM_X64_NMSR);
	proto_out_object(o, "segments");
	for (i = 0; i < NVMM_X64_NSEG; i++)
		regs_seg(o, regs_segs[i], &s->segs[i]);
	proto_out_object_end(o);
	proto_out_boolean(o, "interrupt_shadow", s->intr.int_shadow);
	proto_out_object_end(o);
}

/* What vm.regs tells. => m->regs is there */
void
method_regs(struct proto_out *o, struct machine *m)
{
	unsigned i;

	proto_out_string(o, "name", m->name);
	proto_out_string(o, "state", machine_state_names[m->state]);
	proto_out_array(o, "vcpus");
	for (i = 0; i < m->ncpus; i++)
		regs_vcpu(o, i, &m->regs[i]);
	proto_out_array_end(o);
}
