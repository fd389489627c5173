/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The backend on /dev/kvm: what the host offers, the making and end of
 * machines and VCPUs, and the table of operations.
 */

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <fcntl.h>
#include <unistd.h>

#include "kvm.h"

/*
 * Intel processors without unrestricted guests need four pages of the guest's
 * address space for KVM's own use: below the firmware, above the local APICs,
 * where no machine has RAM. gpa_map over them fails there.
 */
#define KVM_IDENTITY_MAP	0xFEFFC000UL
#define KVM_TSS			0xFEFFD000UL

#define MSR_APIC_BASE		0x1B
#define MSR_TSC_DEADLINE	0x6E0

struct kvm_host kvm_host = { .fd = -1 };

int
kvm_ioctl(int fd, unsigned long req, void *arg)
{

	return ioctl(fd, req, arg) == -1 ? errno : 0;
}

/* What an extension amounts to on fd; 0 if it is not there. */
static unsigned
kvm_extension(int fd, unsigned long ext)
{
	int r;

	r = ioctl(fd, KVM_CHECK_EXTENSION, ext);
	return r > 0 ? (unsigned)r : 0;
}

/*
 * /dev/kvm with the interface that all kernels since 2.6.22 have, in *fdp.
 * => What open(2) says if it cannot be opened; ENXIO: it lacks something.
 */
static int
kvm_open(int *fdp)
{
	int fd;

	fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd == -1)
		return errno;
	if (ioctl(fd, KVM_GET_API_VERSION, 0) == KVM_API_VERSION &&
	    kvm_extension(fd, KVM_CAP_USER_MEMORY) != 0 &&
	    kvm_extension(fd, KVM_CAP_IMMEDIATE_EXIT) != 0 &&
	    kvm_extension(fd, KVM_CAP_VCPU_EVENTS) != 0) {
		*fdp = fd;
		return 0;
	}
	close(fd);
	return ENXIO;
}

static int
kvm_ident(void)
{
	int error, fd;

	if (kvm_host.fd != -1)
		return 0;
	error = kvm_open(&fd);
	if (!error)
		close(fd);
	return error;
}

static void
kvm_probe(struct kvm_host *host)
{
	unsigned sync;

	sync = kvm_extension(host->fd, KVM_CAP_SYNC_REGS);
	host->sync = sync & (KVM_SYNC_X86_REGS | KVM_SYNC_X86_EVENTS);
	host->nslots = kvm_extension(host->fd, KVM_CAP_NR_MEMSLOTS);
	if (host->nslots == 0)
		host->nslots = 32;
	host->readonly = kvm_extension(host->fd, KVM_CAP_READONLY_MEM) != 0;
	host->msr_exit = kvm_extension(host->fd,
	    KVM_CAP_X86_USER_SPACE_MSR) != 0;
	host->msr_filter = host->msr_exit &&
	    kvm_extension(host->fd, KVM_CAP_X86_MSR_FILTER) != 0;
	host->xsave = kvm_extension(host->fd, KVM_CAP_XSAVE) != 0;
	host->xcrs = kvm_extension(host->fd, KVM_CAP_XCRS) != 0;
	host->nmi = kvm_extension(host->fd, KVM_CAP_USER_NMI) != 0;
}

static void
kvm_fini(void)
{

	kvm_cpuid_fini();
	if (kvm_host.fd != -1)
		close(kvm_host.fd);
	memset(&kvm_host, 0, sizeof(kvm_host));
	kvm_host.fd = -1;
}

static int
kvm_init(void)
{
	int error, size;

	error = kvm_open(&kvm_host.fd);
	if (error)
		return error;
	error = ENXIO;
	size = ioctl(kvm_host.fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(struct kvm_run))
		goto out;
	kvm_host.run_size = (size_t)size;
	kvm_probe(&kvm_host);
	error = kvm_cpuid_init();
	if (error)
		goto out;
	kvm_fpu_init();
	error = kvm_run_init();
out:
	if (error)
		kvm_fini();
	return error;
}

static void
kvm_capability(struct nvmm_capability *cap)
{
	struct nvmm_cap_md *arch = &cap->arch;

	arch->vcpu_conf_support = NVMM_CAP_ARCH_VCPU_CONF_CPUID;
	arch->conf_cpuid_maxops = KVM_CPUID_RULES;
	arch->xcr0_mask = kvm_host.xcr0;
	kvm_fpu_capability(arch);
	if (kvm_host.msr_exit)
		arch->impl_caps |= NVMM_IMPL_MSR_EXIT;
	if (kvm_host.readonly)
		arch->impl_caps |= NVMM_IMPL_PROT_NOWRITE;
	if (kvm_host.xcrs)
		arch->impl_caps |= NVMM_IMPL_XCR0;
	memcpy(arch->impl_name, "kvm", sizeof("kvm"));
}

/*
 * Have the MSRs that KVM does not know, and those that make up the local
 * APIC's, leave to user space.
 */
static int
kvm_vm_msrs(int fd)
{
	static unsigned long none;	/* KVM reads whole ones */
	struct kvm_enable_cap cap = { .cap = KVM_CAP_X86_USER_SPACE_MSR };
	struct kvm_msr_filter_range range = {
		.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
		.nmsrs = 1,
		.bitmap = (uint8_t *)&none,
	};
	struct kvm_msr_filter filter = { .flags = KVM_MSR_FILTER_DEFAULT_ALLOW };
	int error;

	if (!kvm_host.msr_exit)
		return 0;
	cap.args[0] = KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_INVAL |
	    KVM_MSR_EXIT_REASON_FILTER;
	error = kvm_ioctl(fd, KVM_ENABLE_CAP, &cap);
	if (error || !kvm_host.msr_filter)
		return error;
	range.base = MSR_APIC_BASE;
	filter.ranges[0] = range;
	range.base = MSR_TSC_DEADLINE;
	filter.ranges[1] = range;
	return kvm_ioctl(fd, KVM_X86_SET_MSR_FILTER, &filter);
}

static int
kvm_vm_setup(int fd)
{
	uint64_t identity = KVM_IDENTITY_MAP;
	int error;

	if (kvm_extension(kvm_host.fd, KVM_CAP_SET_IDENTITY_MAP_ADDR) != 0) {
		error = kvm_ioctl(fd, KVM_SET_IDENTITY_MAP_ADDR, &identity);
		if (error)
			return error;
	}
	if (ioctl(fd, KVM_SET_TSS_ADDR, KVM_TSS) == -1)
		return errno;
	return kvm_vm_msrs(fd);
}

static void
kvm_machine_destroy(struct nvmm_machine *mach)
{
	struct kvm_vm *vm = kvm_vm(mach);

	if (vm == NULL)
		return;
	close(vm->fd);
	kvm_memory_fini(vm);
	os_mem_free(vm, sizeof(*vm));
	mach->machdata = NULL;
}

/* Machine of KVM's in *fdp. A signal may interrupt its making: try again. */
static int
kvm_create_vm(int *fdp)
{

	do {
		*fdp = ioctl(kvm_host.fd, KVM_CREATE_VM, 0);
	} while (*fdp == -1 && errno == EINTR);
	return *fdp == -1 ? errno : 0;
}

static int
kvm_machine_create(struct nvmm_machine *mach)
{
	struct kvm_vm *vm;
	int error;

	vm = os_mem_zalloc(sizeof(*vm));
	if (vm == NULL)
		return ENOMEM;
	error = kvm_create_vm(&vm->fd);
	if (error) {
		os_mem_free(vm, sizeof(*vm));
		return error;
	}
	mach->machdata = vm;
	error = kvm_vm_setup(vm->fd);
	if (error)
		kvm_machine_destroy(mach);
	return error;
}

/* => No operation is supported, see kvm_mach_conf_sizes. */
static int
kvm_machine_configure(struct nvmm_machine *mach, uint64_t op, void *conf)
{

	(void)mach;
	(void)op;
	(void)conf;
	return ENOTSUP;
}

static void
kvm_vcpu_free(struct kvm_vcpu *vc)
{

	if (vc->run != NULL)
		munmap(vc->run, kvm_host.run_size);
	if (vc->fd != -1)
		close(vc->fd);
	os_mem_free(vc, sizeof(*vc));
}

static void
kvm_vcpu_destroy(struct nvmm_machine *mach, struct nvmm_cpu *cpu)
{
	struct kvm_vcpu *vc = kvm_vcpu(cpu);

	(void)mach;
	cpu->cpudata = NULL;
	if (vc != NULL)
		kvm_vcpu_free(vc);
}

/*
 * A VCPU of KVM's, under the owner's number for it. KVM keeps what was closed
 * until the machine ends: who comes after it there gets a number beyond the
 * owner's. It matters to nobody: CPUID has the owner's, KVM emulates no APIC.
 * => ENOBUFS: KVM has no more for this machine.
 */
static int
kvm_create_vcpu(struct kvm_vm *vm, struct kvm_vcpu *vc)
{

	vc->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)vc->cpu->cpuid);
	if (vc->fd == -1 && errno == EEXIST) {
		vc->fd = ioctl(vm->fd, KVM_CREATE_VCPU,
		    NVMM_MAX_VCPUS + vm->reborn);
		if (vc->fd != -1)
			vm->reborn++;
	}
	if (vc->fd != -1)
		return 0;
	return errno == EINVAL ? ENOBUFS : errno;
}

static int
kvm_vcpu_open(struct kvm_vm *vm, struct kvm_vcpu *vc)
{
	void *p;
	int error;

	error = kvm_create_vcpu(vm, vc);
	if (error)
		return error;
	p = mmap(NULL, kvm_host.run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    vc->fd, 0);
	if (p == MAP_FAILED)
		return errno;
	(void)madvise(p, kvm_host.run_size, MADV_DONTFORK);
	vc->run = p;
	vc->run->kvm_valid_regs = kvm_host.sync;
	return 0;
}

/*
 * KVM makes its VCPUs in the architecture's reset state but for the FPU,
 * which follows when first needed, as CPUID does: a VCPU may be configured
 * and set first.
 */
static int
kvm_vcpu_create(struct nvmm_machine *mach, struct nvmm_cpu *cpu)
{
	struct kvm_vcpu *vc;
	int error;

	vc = os_mem_zalloc(sizeof(*vc));
	if (vc == NULL)
		return ENOMEM;
	vc->fd = -1;
	vc->irq = -1;
	vc->cpu = cpu;
	vc->changed = true;
	vc->fpu_reset = true;
	error = kvm_vcpu_open(kvm_vm(mach), vc);
	if (error) {
		kvm_vcpu_free(vc);
		return error;
	}
	cpu->cpudata = vc;
	return 0;
}

static int
kvm_vcpu_configure(struct nvmm_cpu *cpu, uint64_t op, void *conf)
{

	if (op != NVMM_VCPU_CONF_CPUID)
		return ENOTSUP;
	return kvm_cpuid_configure(kvm_vcpu(cpu), conf);
}

static const size_t kvm_vcpu_conf_sizes[] = {
	[NVMM_VCPU_CONF_CPUID - NVMM_VCPU_CONF_MD_BEGIN] =
	    sizeof(struct nvmm_vcpu_conf_cpuid),
	[NVMM_VCPU_CONF_TPR - NVMM_VCPU_CONF_MD_BEGIN] = 0,
};

const struct nvmm_impl nvmm_kvm = {
	.name = "kvm",
	.ident = kvm_ident,
	.init = kvm_init,
	.fini = kvm_fini,
	.capability = kvm_capability,
	.mach_conf_sizes = NULL,
	.mach_conf_n = 0,
	.vcpu_conf_sizes = kvm_vcpu_conf_sizes,
	.vcpu_conf_n = sizeof(kvm_vcpu_conf_sizes) /
	    sizeof(kvm_vcpu_conf_sizes[0]),
	.machine_create = kvm_machine_create,
	.machine_destroy = kvm_machine_destroy,
	.machine_configure = kvm_machine_configure,
	.memory_changed = kvm_memory_changed,
	.vcpu_create = kvm_vcpu_create,
	.vcpu_destroy = kvm_vcpu_destroy,
	.vcpu_configure = kvm_vcpu_configure,
	.vcpu_setstate = kvm_vcpu_setstate,
	.vcpu_getstate = kvm_vcpu_getstate,
	.vcpu_getxstate = kvm_vcpu_getxstate,
	.vcpu_setxstate = kvm_vcpu_setxstate,
	.vcpu_inject = kvm_vcpu_inject,
	.vcpu_run = kvm_vcpu_run,
	.vcpu_access = kvm_vcpu_access,
	.vcpu_access_done = kvm_vcpu_access_done,
	.vcpu_kick = kvm_vcpu_kick,
};
