/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The backend as a whole: which hosts it runs on, what it takes to turn SVM on
 * and off there, and the table by which the frontend knows it.
 *
 * SVM is on while a machine exists. svm.enabled is set before the CPUs are
 * called and cleared before they are called to stop, so that a CPU which comes
 * meanwhile sees what it shall do; each knows whether it has been served.
 */

#include "x86/svm/svm.h"

struct svm_global svm;
unsigned nvmm_param_nasid;
long nvmm_param_tsc_skew;

/* A number that no other VCPU or machine ever had. */
uint64_t
svm_serial(void)
{
	uint64_t serial;

	os_mutex_lock(&svm.lock);
	serial = ++svm.serial;
	os_mutex_unlock(&svm.lock);
	return serial;
}

/* This CPU's TSC, as the backend sees it. => The caller is on it. */
/* EDX of the SVM leaf, and the ASIDs in EBX. => Without SVM, zeroes. */
static uint32_t
svm_features(uint32_t *nasid)
{
	uint32_t eax, ebx, ecx, edx;

	*nasid = 0;
	svm_cpuid(0x80000000, 0, &eax, &ebx, &ecx, &edx);
	if (eax < 0x8000000A)
		return 0;
	svm_cpuid(0x80000001, 0, &eax, &ebx, &ecx, &edx);
	if ((ecx & SVM_CPUID_EXT_ECX_SVM) == 0)
		return 0;
	svm_cpuid(0x8000000A, 0, &eax, nasid, &ecx, &edx);
	return edx;
}

/* => EPERM: the firmware has locked SVM away. */
static int
svm_ident(void)
{
	uint32_t features, nasid;

	features = svm_features(&nasid);
	if ((features & SVM_CPUID_SVM_NP) == 0 || nasid < 2)
		return ENXIO;
	if ((svm_rdmsr(SVM_MSR_VM_CR) & SVM_VM_CR_SVMDIS) != 0)
		return EPERM;
	return 0;
}

/* => On the CPU. EBUSY: another hypervisor has SVM on. */
static int
svm_host_enable(void *arg)
{
	struct svm_host *host = &svm.hosts[os_cpu_current()];
	uint64_t efer;

	(void)arg;
	if (host->enabled)
		return 0;
	efer = svm_rdmsr(SVM_MSR_EFER);
	if ((efer & SVM_EFER_SVME) != 0)
		return EBUSY;
	svm_wrmsr(SVM_MSR_EFER, efer | SVM_EFER_SVME);
	svm_wrmsr(SVM_MSR_VM_HSAVE_PA, host->hsave_pa);
	host->tlb.epoch++;
	host->mach_serial = 0;
	host->enabled = true;
	return 0;
}

/* => On the CPU. */
static int
svm_host_disable(void *arg)
{
	struct svm_host *host = &svm.hosts[os_cpu_current()];

	(void)arg;
	if (!host->enabled)
		return 0;
	svm_wrmsr(SVM_MSR_VM_HSAVE_PA, 0);
	svm_wrmsr(SVM_MSR_EFER, svm_rdmsr(SVM_MSR_EFER) & ~SVM_EFER_SVME);
	host->enabled = false;
	return 0;
}

static void
svm_disable(void)
{

	os_atomic_store(&svm.enabled, 0);
	(void)os_cpu_call(svm_host_disable, NULL);
}

/* => EBUSY: another hypervisor has SVM on. */
static int
svm_enable(void)
{
	int error;

	os_atomic_store(&svm.enabled, 1);
	error = os_cpu_call(svm_host_enable, NULL);
	if (error)
		svm_disable();
	return error;
}

static int
svm_cpu_online(void)
{

	return os_atomic_load(&svm.enabled) ? svm_host_enable(NULL) : 0;
}

static void
svm_cpu_offline(void)
{

	(void)svm_host_disable(NULL);
}

/* What the CPUs can do. => One like the other. */
static void
svm_init_features(void)
{
	uint32_t eax, ebx, ecx, edx, features, nasid;

	features = svm_features(&nasid);
	svm.nrips = (features & SVM_CPUID_SVM_NRIPS) != 0;
	svm.decode = (features & SVM_CPUID_SVM_DECODE) != 0;
	svm.by_asid = (features & SVM_CPUID_SVM_FLUSHBYASID) != 0;
	svm_cpuid(0x80000008, 0, &eax, &ebx, &ecx, &edx);
	svm.ibpb = (ebx & SVM_CPUID_8_EBX_IBPB) != 0;
	svm.x87_leak = (ebx & SVM_CPUID_8_EBX_XSAVEERPTR) == 0;
	if (nvmm_param_nasid >= 2 && nvmm_param_nasid < nasid)
		nasid = nvmm_param_nasid;
	svm_asid_init(&svm.asids, nasid);
}

/* A host's pages; those of CPUs that never come are few. */
static int
svm_init_host(struct svm_host *host)
{

	host->pages = os_pages_zalloc(2, &host->hsave_pa);
	if (host->pages == NULL)
		return ENOMEM;
	host->save_pa = host->hsave_pa + OS_PAGE_SIZE;
	return 0;
}

static int
svm_init_hosts(void)
{
	unsigned i;
	int error;

	svm.nhosts = os_cpu_max();
	svm.hosts = os_mem_zalloc(svm.nhosts * sizeof(*svm.hosts));
	error = svm.hosts == NULL ? ENOMEM : 0;
	for (i = 0; !error && i < svm.nhosts; i++)
		error = svm_init_host(&svm.hosts[i]);
	return error;
}

/* All ports, and most MSRs, are intercepted; for all guests alike. */
static int
svm_init_maps(void)
{

	svm.iopm = os_pages_zalloc(SVM_IOPM_PAGES, &svm.iopm_pa);
	svm.msrpm = os_pages_zalloc(SVM_MSRPM_PAGES, &svm.msrpm_pa);
	if (svm.iopm == NULL || svm.msrpm == NULL)
		return ENOMEM;
	memset(svm.iopm, 0xFF, SVM_IOPM_PAGES * OS_PAGE_SIZE);
	svm_msrpm_init(svm.msrpm);
	return 0;
}

/* Also of an init that failed. => No machine is left. */
static void
svm_fini(void)
{
	unsigned i;

	for (i = 0; svm.hosts != NULL && i < svm.nhosts; i++) {
		OS_ASSERT(!svm.hosts[i].enabled);
		if (svm.hosts[i].pages != NULL)
			os_pages_free(svm.hosts[i].pages, 2);
	}
	os_mem_free(svm.hosts, svm.nhosts * sizeof(*svm.hosts));
	if (svm.msrpm != NULL)
		os_pages_free(svm.msrpm, SVM_MSRPM_PAGES);
	if (svm.iopm != NULL)
		os_pages_free(svm.iopm, SVM_IOPM_PAGES);
	os_mutex_destroy(&svm.lock);
}

static int
svm_init(void)
{
	int error;

	memset(&svm, 0, sizeof(svm));
	os_mutex_init(&svm.lock);
	svm_init_features();
	svm_fpu_init();
	error = svm_init_hosts();
	if (!error)
		error = svm_init_maps();
	if (error) {
		svm_fini();
		return error;
	}
	svm_cpuid_init();
	svm_cr_init();
	return 0;
}

static void
svm_capability(struct nvmm_capability *cap)
{
	struct nvmm_cap_md *arch = &cap->arch;

	arch->vcpu_conf_support = NVMM_CAP_ARCH_VCPU_CONF_CPUID |
	    NVMM_CAP_ARCH_VCPU_CONF_TPR;
	arch->xcr0_mask = svm.xcr0_mask;
	arch->mxcsr_mask = svm.mxcsr_mask;
	arch->xstate_size = svm.xlayout.size;
	arch->conf_cpuid_maxops = SVM_CPUID_RULES;
	arch->impl_caps = NVMM_IMPL_CPUID_EXIT | NVMM_IMPL_TPR_EXIT |
	    NVMM_IMPL_NMI_WINDOW | NVMM_IMPL_MSR_EXIT |
	    NVMM_IMPL_MONITOR_EXIT | NVMM_IMPL_PROT_NOEXEC |
	    NVMM_IMPL_PROT_NOWRITE | NVMM_IMPL_RAW_EXITS;
	if (svm.xcr0_mask != 0)
		arch->impl_caps |= NVMM_IMPL_XCR0;
	memcpy(arch->impl_name, nvmm_x86_svm.name, sizeof("x86-SVM"));
}

static int
svm_machine_create(struct nvmm_machine *mach)
{
	struct svm_machine *md;

	md = os_mem_zalloc(sizeof(*md));
	if (md == NULL)
		return ENOMEM;
	md->serial = svm_serial();
	mach->machdata = md;
	return 0;
}

static void
svm_machine_destroy(struct nvmm_machine *mach)
{

	os_mem_free(mach->machdata, sizeof(struct svm_machine));
}

static int
svm_machine_configure(struct nvmm_machine *mach, uint64_t op, void *conf)
{

	(void)mach;
	(void)op;
	(void)conf;
	return EINVAL;
}

const struct nvmm_impl nvmm_x86_svm = {
	.name = "x86-SVM",
	.ident = svm_ident,
	.init = svm_init,
	.fini = svm_fini,
	.enable = svm_enable,
	.disable = svm_disable,
	.cpu_online = svm_cpu_online,
	.cpu_offline = svm_cpu_offline,
	.capability = svm_capability,
	.vcpu_conf_sizes = svm_vcpu_conf_sizes,
	.vcpu_conf_n = sizeof(svm_vcpu_conf_sizes) /
	    sizeof(svm_vcpu_conf_sizes[0]),
	.machine_create = svm_machine_create,
	.machine_destroy = svm_machine_destroy,
	.machine_configure = svm_machine_configure,
	.vcpu_create = svm_vcpu_create,
	.vcpu_destroy = svm_vcpu_destroy,
	.vcpu_configure = svm_vcpu_configure,
	.vcpu_setstate = svm_vcpu_setstate,
	.vcpu_getstate = svm_vcpu_getstate,
	.vcpu_getxstate = svm_vcpu_getxstate,
	.vcpu_setxstate = svm_vcpu_setxstate,
	.vcpu_inject = svm_vcpu_inject,
	.vcpu_run = svm_vcpu_run,
	.vcpu_io_done = svm_vcpu_io_done,
	.vcpu_kick = svm_vcpu_kick,
};
