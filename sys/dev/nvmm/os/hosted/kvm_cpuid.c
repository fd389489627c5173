/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * CPUID on KVM: what the host supports is asked and filtered once, a VCPU gets
 * its copy with its own identity and its owner's rules applied. KVM takes the
 * table as a whole, and after the first run not at all.
 */

#include "kvm.h"
#include "x86/nvmm_x86_internal.h"

/* Leaves of hypervisors; KVM's own are taken out. */
#define LEAF_HYPERVISOR_MASK	0xF0000000U
#define LEAF_HYPERVISOR		0x40000000U

/* Leaf 1, Intel SDM vol. 2, CPUID. */
#define LEAF1_EBX_APICID_SHIFT	24
#define LEAF1_ECX_HYPERVISOR	(1U << 31)

/* The table as KVM takes it. */
struct kvm_cpuid_table {
	struct {
		uint32_t nent;
		uint32_t padding;
	} head;
	struct kvm_cpuid_entry2 entry[KVM_CPUID_ENTRIES];
};
OS_CTASSERT(offsetof(struct kvm_cpuid_table, entry) ==
    offsetof(struct kvm_cpuid2, entries));

static void
entry_get(const struct kvm_cpuid_entry2 *e, struct nvmm_x86_cpuid *regs)
{

	regs->eax = e->eax;
	regs->ebx = e->ebx;
	regs->ecx = e->ecx;
	regs->edx = e->edx;
}

static void
entry_put(struct kvm_cpuid_entry2 *e, const struct nvmm_x86_cpuid *regs)
{

	e->eax = regs->eax;
	e->ebx = regs->ebx;
	e->ecx = regs->ecx;
	e->edx = regs->edx;
}

static void
entry_filter(struct kvm_cpuid_entry2 *e)
{
	struct nvmm_x86_cpuid regs;

	entry_get(e, &regs);
	nvmm_x86_cpuid_filter(e->function, e->index, &regs);
	entry_put(e, &regs);
}

/* The leaf by which a guest knows NVMM. */
static void
entry_hypervisor(struct kvm_cpuid_entry2 *e)
{
	struct nvmm_x86_cpuid regs;

	memset(e, 0, sizeof(*e));
	e->function = NVMM_X86_CPUID_HYPERVISOR;
	nvmm_x86_cpuid_hypervisor(&regs);
	entry_put(e, &regs);
}

/* Filter in place, without KVM's own leaves. Returns how many are left. */
static size_t
cpuid_filter(struct kvm_cpuid_entry2 *entry, size_t n)
{
	size_t i, left;

	left = 0;
	for (i = 0; i < n; i++) {
		if ((entry[i].function & LEAF_HYPERVISOR_MASK) ==
		    LEAF_HYPERVISOR)
			continue;
		entry[left] = entry[i];
		entry_filter(&entry[left++]);
	}
	return left;
}

/* The XCR0 bits that leaf 0xD offers, or x87 alone. */
static uint64_t
cpuid_xcr0(const struct kvm_cpuid_entry2 *entry, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (entry[i].function == 0xD && entry[i].index == 0)
			return (uint64_t)entry[i].edx << 32 | entry[i].eax;
	}
	return 1;
}

int
kvm_cpuid_init(void)
{
	struct kvm_cpuid_table *t;
	struct kvm_cpuid_entry2 *entry;
	int error;

	t = os_mem_zalloc(sizeof(*t));
	entry = os_mem_zalloc(sizeof(t->entry));
	error = ENOMEM;
	if (t == NULL || entry == NULL)
		goto out;
	/* Room for the hypervisor's leaf and for those of rules. */
	t->head.nent = KVM_CPUID_ENTRIES - KVM_CPUID_RULES - 1;
	error = kvm_ioctl(kvm_host.fd, KVM_GET_SUPPORTED_CPUID, t);
	if (error)
		goto out;
	memcpy(entry, t->entry, sizeof(t->entry));
	kvm_host.ncpuid = cpuid_filter(entry, t->head.nent);
	kvm_host.xcr0 = cpuid_xcr0(entry, kvm_host.ncpuid);
	entry_hypervisor(&entry[kvm_host.ncpuid++]);
	kvm_host.cpuid = entry;
	entry = NULL;
out:
	os_mem_free(entry, sizeof(t->entry));
	os_mem_free(t, sizeof(*t));
	return error;
}

void
kvm_cpuid_fini(void)
{

	os_mem_free(kvm_host.cpuid,
	    KVM_CPUID_ENTRIES * sizeof(*kvm_host.cpuid));
	kvm_host.cpuid = NULL;
}

/*
 * What differs from VCPU to VCPU, and what the filter leaves to backends.
 * OSXSAVE, OSPKE and the APIC bit KVM keeps up to date by itself.
 */
static void
entry_identify(struct kvm_cpuid_entry2 *e, uint32_t apicid)
{

	if (e->function == 1) {
		e->ebx |= apicid << LEAF1_EBX_APICID_SHIFT;
		e->ecx |= LEAF1_ECX_HYPERVISOR;
	} else if (e->function == 0xB)
		e->edx = apicid;
}

/* Apply a rule to each subleaf; a leaf that is not there becomes one. */
static void
table_rule(struct kvm_cpuid_table *t, const struct nvmm_vcpu_conf_cpuid *rule)
{
	struct nvmm_x86_cpuid regs;
	bool found;
	uint32_t i;

	found = false;
	for (i = 0; i < t->head.nent; i++)
		found = found || t->entry[i].function == rule->leaf;
	if (!found)
		t->entry[t->head.nent++].function = rule->leaf;
	for (i = 0; i < t->head.nent; i++) {
		if (t->entry[i].function != rule->leaf)
			continue;
		entry_get(&t->entry[i], &regs);
		nvmm_x86_cpuid_mask(rule, &regs);
		entry_put(&t->entry[i], &regs);
	}
}

/* Hand the VCPU's CPUID to KVM, if it has not got it yet. */
int
kvm_cpuid_flush(struct kvm_vcpu *vc)
{
	struct kvm_cpuid_table t;
	unsigned i;
	int error;

	if (vc->cpuid_set)
		return 0;
	memset(&t, 0, sizeof(t));
	t.head.nent = (uint32_t)kvm_host.ncpuid;
	memcpy(t.entry, kvm_host.cpuid,
	    kvm_host.ncpuid * sizeof(*kvm_host.cpuid));
	for (i = 0; i < t.head.nent; i++)
		entry_identify(&t.entry[i], vc->cpu->cpuid);
	for (i = 0; i < vc->nrules; i++)
		table_rule(&t, &vc->rule[i]);
	error = kvm_ioctl(vc->fd, KVM_SET_CPUID2, &t);
	if (!error)
		vc->cpuid_set = true;
	return error;
}

/* The place of the leaf's rule, or of the next one. */
static unsigned
rule_find(const struct kvm_vcpu *vc, uint32_t leaf)
{
	unsigned i;

	for (i = 0; i < vc->nrules; i++) {
		if (vc->rule[i].leaf == leaf)
			break;
	}
	return i;
}

/*
 * Add, replace or take back a rule; the VCPU's CPUID is then set anew.
 * => EINVAL: both mask and exit. ENOTSUP: KVM has no exit. ENOBUFS: no room.
 *    EBUSY: the VCPU has run, KVM lets its CPUID stand.
 */
int
kvm_cpuid_configure(struct kvm_vcpu *vc,
    const struct nvmm_vcpu_conf_cpuid *conf)
{
	unsigned i;

	if (conf->mask && conf->exit)
		return EINVAL;
	if (conf->exit)
		return ENOTSUP;
	if (vc->ran)
		return EBUSY;
	i = rule_find(vc, conf->leaf);
	if (!conf->mask) {
		if (i < vc->nrules)
			vc->rule[i] = vc->rule[--vc->nrules];
	} else {
		if (i == KVM_CPUID_RULES)
			return ENOBUFS;
		vc->rule[i] = *conf;
		if (i == vc->nrules)
			vc->nrules++;
	}
	vc->cpuid_set = false;
	return 0;
}
