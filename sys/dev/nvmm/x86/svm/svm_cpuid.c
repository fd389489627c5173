/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * CPUID. What guests see of the processor is filtered once, at init; an exit
 * takes it from there and adds what depends on the VCPU, and its owner's rules.
 */

#include "x86/svm/svm.h"

#define EXTENDED		0x80000000U

#define LEAF1_EBX_APICID_SHIFT	24
#define LEAF1_ECX_FMA		0x00001000U
#define LEAF1_ECX_XSAVE		0x04000000U
#define LEAF1_ECX_OSXSAVE	0x08000000U
#define LEAF1_ECX_AVX		0x10000000U
#define LEAF1_ECX_F16C		0x20000000U
#define LEAF1_ECX_HYPERVISOR	0x80000000U
#define LEAF7_EBX_AVX2		0x00000020U
#define LEAF7_ECX_PKU		0x00000008U
#define LEAF7_ECX_OSPKE		0x00000010U

static const uint8_t op_cpuid[] = { 0x0F, 0xA2 };

/* What the host says, as far as guests may know. */
static void
cpuid_host(uint32_t leaf, uint32_t subleaf, struct nvmm_x86_cpuid *regs)
{

	svm_cpuid(leaf, subleaf, &regs->eax, &regs->ebx, &regs->ecx,
	    &regs->edx);
	nvmm_x86_cpuid_filter(leaf, subleaf, regs);
}

/* Take out what needs a host that saves it. */
static void
cpuid_init_xsave(void)
{

	if (!svm.pku)
		svm.basic[7].ecx &= ~LEAF7_ECX_PKU;
	if ((svm.xcr0_mask & SVM_XCR0_AVX) != 0)
		return;
	svm.basic[1].ecx &= ~(LEAF1_ECX_AVX | LEAF1_ECX_FMA | LEAF1_ECX_F16C);
	svm.basic[7].ebx &= ~LEAF7_EBX_AVX2;
	if (svm.xcr0_mask == 0)
		svm.basic[1].ecx &= ~LEAF1_ECX_XSAVE;
}

/* => svm_fpu_init() has been. */
void
svm_cpuid_init(void)
{
	uint32_t i, max;

	cpuid_host(0, 0, &svm.basic[0]);
	max = svm.basic[0].eax;
	for (i = 1; i < SVM_CPUID_BASIC && i <= max; i++)
		cpuid_host(i, 0, &svm.basic[i]);
	cpuid_host(EXTENDED, 0, &svm.extended[0]);
	max = svm.extended[0].eax - EXTENDED;
	for (i = 1; i < SVM_CPUID_EXTENDED && i <= max; i++)
		cpuid_host(EXTENDED + i, 0, &svm.extended[i]);
	cpuid_init_xsave();
}

/* The bytes of an area in XSAVEC's form, APM vol. 2, 11.5.4. */
static uint32_t
cpuid_compact_size(uint64_t xcr0)
{
	struct nvmm_x86_cpuid r;
	uint32_t size;
	unsigned i;

	size = 576;
	for (i = 2; i < 63; i++) {
		if ((xcr0 >> i & 1) == 0)
			continue;
		svm_cpuid(0xD, i, &r.eax, &r.ebx, &r.ecx, &r.edx);
		if ((r.ecx & 2) != 0)
			size = (size + 63) & ~63U;
		size += r.eax;
	}
	return size;
}

/* Fn0000_000D: what XSAVE covers, and how large it is right now. */
static void
cpuid_xsave(const struct svm_vcpu *vc, uint32_t subleaf,
    struct nvmm_x86_cpuid *regs)
{

	memset(regs, 0, sizeof(*regs));
	if (svm.xcr0_mask == 0)
		return;
	switch (subleaf) {
	case 0:
		regs->eax = (uint32_t)svm.xcr0_mask;
		regs->edx = (uint32_t)(svm.xcr0_mask >> 32);
		regs->ebx = (uint32_t)svm_fpu_size(vc->xcr0);
		regs->ecx = (uint32_t)svm_fpu_size(svm.xcr0_mask);
		break;
	case 1:
		cpuid_host(0xD, 1, regs);
		regs->ebx = cpuid_compact_size(vc->xcr0);
		break;
	default:
		if (subleaf < 64 && (svm.xcr0_mask >> subleaf & 1) != 0)
			cpuid_host(0xD, subleaf, regs);
		break;
	}
}

/* The leaves that the tables do not hold whole. */
static void
cpuid_special(const struct svm_vcpu *vc, uint32_t leaf, uint32_t subleaf,
    struct nvmm_x86_cpuid *regs)
{
	const uint64_t cr4 = vc->vmcb->state.cr4;

	switch (leaf) {
	case 1:
		regs->ebx |= vc->cpu->cpuid << LEAF1_EBX_APICID_SHIFT;
		regs->ecx |= LEAF1_ECX_HYPERVISOR;
		if ((cr4 & SVM_CR4_OSXSAVE) != 0)
			regs->ecx |= LEAF1_ECX_OSXSAVE;
		break;
	case 7:
		if (subleaf != 0)
			memset(regs, 0, sizeof(*regs));
		else if ((cr4 & SVM_CR4_PKE) != 0)
			regs->ecx |= LEAF7_ECX_OSPKE;
		break;
	case 0xB:
		regs->edx = vc->cpu->cpuid;
		break;
	case 0xD:
		cpuid_xsave(vc, subleaf, regs);
		break;
	case 4:
	case EXTENDED + 0x1D:
		if (subleaf != 0)
			cpuid_host(leaf, subleaf, regs);
		break;
	}
}

/* The guest's CPUID, without rules. */
static void
cpuid_guest(const struct svm_vcpu *vc, uint32_t leaf, uint32_t subleaf,
    struct nvmm_x86_cpuid *regs)
{

	if (leaf < SVM_CPUID_BASIC)
		*regs = svm.basic[leaf];
	else if (leaf - EXTENDED < SVM_CPUID_EXTENDED)
		*regs = svm.extended[leaf - EXTENDED];
	else {
		memset(regs, 0, sizeof(*regs));
		if (leaf == NVMM_X86_CPUID_HYPERVISOR)
			nvmm_x86_cpuid_hypervisor(regs);
	}
	cpuid_special(vc, leaf, subleaf, regs);
}

/* The place of the leaf's rule, or of the next one. */
static unsigned
rule_find(const struct svm_vcpu *vc, uint32_t leaf)
{
	unsigned i;

	for (i = 0; i < vc->nrules; i++) {
		if (vc->rule[i].leaf == leaf)
			break;
	}
	return i;
}

/*
 * Add, replace or take back a rule.
 * => EINVAL: both mask and exit. ENOBUFS: no room.
 */
int
svm_cpuid_configure(struct svm_vcpu *vc,
    const struct nvmm_vcpu_conf_cpuid *conf)
{
	unsigned i;

	if (conf->mask && conf->exit)
		return EINVAL;
	i = rule_find(vc, conf->leaf);
	if (!conf->mask && !conf->exit) {
		if (i < vc->nrules)
			vc->rule[i] = vc->rule[--vc->nrules];
		return 0;
	}
	if (i == SVM_CPUID_RULES)
		return ENOBUFS;
	vc->rule[i] = *conf;
	if (i == vc->nrules)
		vc->nrules++;
	return 0;
}

enum svm_next
svm_exit_cpuid(struct svm_vcpu *vc)
{
	const uint32_t leaf = (uint32_t)vc->vmcb->state.rax;
	const uint32_t subleaf = (uint32_t)vc->gprs[NVMM_X64_GPR_RCX];
	const struct nvmm_vcpu_conf_cpuid *rule;
	struct nvmm_x86_cpuid regs;
	uint64_t npc;
	unsigned i;

	if (!svm_npc(vc, op_cpuid, sizeof(op_cpuid), &npc))
		return SVM_LEAVE;
	i = rule_find(vc, leaf);
	rule = i < vc->nrules ? &vc->rule[i] : NULL;
	if (rule != NULL && rule->exit) {
		vc->cpu->comm->exit.u.insn.npc = npc;
		return svm_user(vc, NVMM_VCPU_EXIT_CPUID);
	}
	cpuid_guest(vc, leaf, subleaf, &regs);
	if (rule != NULL)
		nvmm_x86_cpuid_mask(rule, &regs);
	vc->vmcb->state.rax = regs.eax;
	vc->gprs[NVMM_X64_GPR_RBX] = regs.ebx;
	vc->gprs[NVMM_X64_GPR_RCX] = regs.ecx;
	vc->gprs[NVMM_X64_GPR_RDX] = regs.edx;
	svm_advance(vc, npc);
	nvmm_count(&vc->cpu->stats.exits_driver[NVMM_STAT_CPUID], 1);
	return SVM_AGAIN;
}
