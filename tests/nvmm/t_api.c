/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the calls say when they refuse, name by name and errno by errno; and
 * that nothing has changed for it: the guest runs afterwards.
 */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "h_case.h"

#define PAGE		4096
#define HOLE		(G_MMIO + 0x2000)	/* where nothing is linked */
#define LINKED		(G_MMIO + G_RAM - G_HIGH)

/* A call that must refuse, with that errno. */
#define REFUSES(no, call)						\
	do {								\
		errno = 0;						\
		ATF_CHECK_MSG((call) == -1, "%s does not refuse", #call); \
		ATF_CHECK_MSG(errno == (no), "%s: errno %d, not %s", #call, \
		    errno, #no);					\
	} while (0)

/* The machine is as good as ever. */
static void
works(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_there);
	VM_PORT(vm, 0x80);
}

/* Calls on what is no machine: id is none, or nobody's. */
static void
no_machine(nvmm_machid_t id, int error)
{
	struct nvmm_machine mach = { .machid = id };
	struct nvmm_ctl_mach_info info = { .machid = id };
	struct nvmm_vcpu vcpu = { .cpuid = 0 };
	uint64_t area[NVMM_X64_XSTATE_MIN / 8];

	REFUSES(error, nvmm_machine_destroy(&mach));
	REFUSES(error, nvmm_vcpu_create(&mach, 0, &vcpu));
	REFUSES(error, nvmm_vcpu_destroy(&mach, &vcpu));
	REFUSES(error, nvmm_vcpu_run(&mach, &vcpu));
	REFUSES(error, nvmm_vcpu_getxstate(&mach, &vcpu, area, sizeof(area)));
	REFUSES(error, nvmm_hva_map(&mach, 0x10000000, PAGE));
	REFUSES(error, nvmm_ctl(NVMM_CTL_MACH_INFO, &info, sizeof(info)));
}

static void
machines(struct vm *vm)
{

	no_machine(NVMM_MAX_MACHINES - 1, ENOENT);
	no_machine(NVMM_MAX_MACHINES, EINVAL);
	no_machine(~0U, EINVAL);
	works(vm);
}

static void
vcpus(struct vm *vm)
{
	struct nvmm_vcpu v;
	struct nvmm_vcpu_conf_tpr tpr = { .exit_changed = 1 };

	REFUSES(EBUSY, nvmm_vcpu_create(&vm->mach, 0, &v));
	REFUSES(EINVAL, nvmm_vcpu_create(&vm->mach, NVMM_MAX_VCPUS, &v));
	REFUSES(EINVAL, nvmm_vcpu_create(&vm->mach, ~0U, &v));
	memset(&v, 0, sizeof(v));
	v.cpuid = 1;
	REFUSES(ENOENT, nvmm_vcpu_run(&vm->mach, &v));
	REFUSES(ENOENT, nvmm_vcpu_destroy(&vm->mach, &v));
	REFUSES(ENOENT, nvmm_vcpu_configure(&vm->mach, &v, NVMM_VCPU_CONF_CPUID,
	    &(struct nvmm_vcpu_conf_cpuid){ .mask = 1, .leaf = 1 }));
	if (vm_can(NVMM_IMPL_TPR_EXIT))
		REFUSES(ENOENT, nvmm_vcpu_configure(&vm->mach, &v,
		    NVMM_VCPU_CONF_TPR, &tpr));
	works(vm);
}

/* A VCPU that is destroyed is no more, for any call. */
static void
destroyed(struct vm *vm)
{
	struct nvmm_vcpu v;
	uint64_t area[NVMM_X64_XSTATE_MIN / 8];

	ATF_REQUIRE_EQ(0, nvmm_vcpu_create(&vm->mach, 7, &v));
	ATF_REQUIRE_EQ(0, nvmm_vcpu_destroy(&vm->mach, &v));
	REFUSES(ENOENT, nvmm_vcpu_run(&vm->mach, &v));
	REFUSES(ENOENT, nvmm_vcpu_stop(&v));
	REFUSES(ENOENT, nvmm_vcpu_inject(&vm->mach, &v));
	REFUSES(ENOENT, nvmm_vcpu_getstate(&vm->mach, &v, GPRS));
	REFUSES(ENOENT, nvmm_vcpu_setstate(&vm->mach, &v, GPRS));
	REFUSES(ENOENT, nvmm_vcpu_dump(&vm->mach, &v));
	REFUSES(ENOENT, nvmm_vcpu_getxstate(&vm->mach, &v, area,
	    sizeof(area)));
	REFUSES(ENOENT, nvmm_vcpu_setxstate(&vm->mach, &v, area,
	    sizeof(area)));
	REFUSES(ENOENT, nvmm_vcpu_destroy(&vm->mach, &v));
	works(vm);
}

static uintptr_t
room(size_t size)
{
	void *p;

	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON,
	    -1, 0);
	ATF_REQUIRE(p != MAP_FAILED);
	return (uintptr_t)p;
}

static void
hva(struct vm *vm)
{
	struct nvmm_machine *m = &vm->mach;
	uintptr_t p = room(64 * PAGE);
	unsigned i;

	REFUSES(EINVAL, nvmm_hva_map(m, p + 1, PAGE));
	REFUSES(EINVAL, nvmm_hva_map(m, p, 0));
	REFUSES(EINVAL, nvmm_hva_map(m, p, PAGE + 1));
	REFUSES(EINVAL, nvmm_hva_map(m, p, ~(size_t)0 << 12));
	ATF_REQUIRE_EQ(0, nvmm_hva_map(m, p, 4 * PAGE));
	REFUSES(EEXIST, nvmm_hva_map(m, p, 4 * PAGE));
	REFUSES(EEXIST, nvmm_hva_map(m, p + 3 * PAGE, 2 * PAGE));
	REFUSES(ENOENT, nvmm_hva_unmap(m, p, 3 * PAGE));
	REFUSES(ENOENT, nvmm_hva_unmap(m, p + PAGE, 3 * PAGE));
	for (i = 2; i < NVMM_MAX_HMAPPINGS; i++)	/* RAM's, and p's */
		ATF_REQUIRE_EQ(0, nvmm_hva_map(m, p + 2 * i * PAGE, PAGE));
	REFUSES(ENOBUFS, nvmm_hva_map(m, p + 63 * PAGE, PAGE));
	ATF_REQUIRE_EQ(0, nvmm_hva_unmap(m, p, 4 * PAGE));
	ATF_REQUIRE_EQ(0, nvmm_hva_map(m, p, PAGE));
	works(vm);
}

static void
gpa(struct vm *vm)
{
	struct nvmm_machine *m = &vm->mach;
	uintptr_t p = room(4 * PAGE), q;
	struct nvmm_capability cap;
	nvmm_prot_t prot;

	ATF_REQUIRE_EQ(0, nvmm_capability(&cap));
	REFUSES(EINVAL, nvmm_gpa_map(m, p, HOLE, PAGE, RWX));
	ATF_REQUIRE_EQ(0, nvmm_hva_map(m, p, 4 * PAGE));
	REFUSES(EINVAL, nvmm_gpa_map(m, p + 1, HOLE, PAGE, RWX));
	REFUSES(EINVAL, nvmm_gpa_map(m, p, HOLE + 1, PAGE, RWX));
	REFUSES(EINVAL, nvmm_gpa_map(m, p, HOLE, PAGE - 1, RWX));
	REFUSES(EINVAL, nvmm_gpa_map(m, p, HOLE, 0, RWX));
	REFUSES(EINVAL, nvmm_gpa_map(m, p, HOLE, 5 * PAGE, RWX));
	REFUSES(EINVAL, nvmm_gpa_map(m, p, ~(gpaddr_t)0 << 12, PAGE, RWX));
	REFUSES(EINVAL, nvmm_gpa_map(m, p, cap.max_ram, PAGE, RWX));
	REFUSES(EINVAL, nvmm_gpa_map(m, p, HOLE, PAGE, 0));
	REFUSES(EINVAL, nvmm_gpa_map(m, p, HOLE, PAGE, NVMM_PROT_WRITE));
	REFUSES(EINVAL, nvmm_gpa_map(m, p, HOLE, PAGE, RWX | 0x10));
	REFUSES(EEXIST, nvmm_gpa_map(m, p, G_FREE, PAGE, RWX));
	REFUSES(ENOENT, nvmm_gpa_to_hva(m, HOLE, &q, &prot));
	ATF_REQUIRE_EQ(0, nvmm_gpa_map(m, p + PAGE, HOLE, PAGE,
	    NVMM_PROT_READ | NVMM_PROT_EXEC) == -1 ? errno : 0);
	ATF_REQUIRE_EQ(0, nvmm_gpa_to_hva(m, HOLE + 5, &q, &prot));
	VM_CHECK_EQ(p + PAGE + 5, q);
	VM_CHECK_EQ(NVMM_PROT_READ | NVMM_PROT_EXEC, prot);
	REFUSES(EINVAL, nvmm_gpa_unmap(m, p + PAGE, HOLE, 0));
	ATF_REQUIRE_EQ(0, nvmm_gpa_unmap(m, p + PAGE, HOLE, PAGE));
	REFUSES(ENOENT, nvmm_gpa_to_hva(m, HOLE, &q, &prot));
	works(vm);
}

static void
configure(struct vm *vm)
{
	struct nvmm_vcpu_conf_cpuid cpuid = { .mask = 1, .exit = 1, .leaf = 1 };
	struct nvmm_vcpu_conf_tpr tpr = { .exit_changed = 1 };
	struct nvmm_vcpu *v = &vm->cpus[0].v;
	struct nvmm_capability cap;
	uint32_t i;

	REFUSES(EINVAL, nvmm_machine_configure(&vm->mach, 0, &tpr));
	REFUSES(EINVAL, nvmm_machine_configure(&vm->mach, 200, &tpr));
	REFUSES(EINVAL, nvmm_vcpu_configure(&vm->mach, v, 1, &tpr));
	REFUSES(EINVAL, nvmm_vcpu_configure(&vm->mach, v, 100, &tpr));
	REFUSES(EINVAL, nvmm_vcpu_configure(&vm->mach, v, 202, &tpr));
	REFUSES(EFAULT, nvmm_vcpu_configure(&vm->mach, v, NVMM_VCPU_CONF_CPUID,
	    NULL));
	REFUSES(EINVAL, nvmm_vcpu_configure(&vm->mach, v, NVMM_VCPU_CONF_CPUID,
	    &cpuid));
	ATF_REQUIRE_EQ(0, nvmm_capability(&cap));
	cpuid.exit = 0;
	for (i = 0; i < cap.arch.conf_cpuid_maxops; i++) {
		cpuid.leaf = 0x50000000 + i;
		ATF_REQUIRE_EQ(0, nvmm_vcpu_configure(&vm->mach, v,
		    NVMM_VCPU_CONF_CPUID, &cpuid));
	}
	cpuid.leaf++;
	REFUSES(ENOBUFS, nvmm_vcpu_configure(&vm->mach, v,
	    NVMM_VCPU_CONF_CPUID, &cpuid));
	if (!vm_can(NVMM_IMPL_TPR_EXIT))
		REFUSES(ENOTSUP, nvmm_vcpu_configure(&vm->mach, v,
		    NVMM_VCPU_CONF_TPR, &tpr));
	works(vm);
}

/* What is wrong with state, the run says, and keeps it to be put right. */
static void
state(struct vm *vm)
{
	struct nvmm_vcpu *v = &vm->cpus[0].v;

	VM_START(vm, VM_LONG, g_there);
	REFUSES(EINVAL, nvmm_vcpu_getstate(&vm->mach, v, 0x80));
	REFUSES(EINVAL, nvmm_vcpu_setstate(&vm->mach, v, 1ULL << 63));
	vm_get(vm, CRS)->crs[NVMM_X64_CR_CR8] = 16;
	vm_set(vm, CRS);
	REFUSES(EINVAL, nvmm_vcpu_run(&vm->mach, v));
	VM_CHECK_EQ(16, vm_get(vm, CRS)->crs[NVMM_X64_CR_CR8]);
	v->state->crs[NVMM_X64_CR_CR8] = 15;
	VM_PORT(vm, 0x80);
	VM_CHECK_EQ(15, vm_exit(vm)->exitstate.cr8);
}

static void
inject(struct vm *vm)
{
	struct nvmm_vcpu *v = &vm->cpus[0].v;

	VM_START(vm, VM_LONG, g_there);
	vm_inject(vm, NVMM_VCPU_EVENT_INTR + 1, 3, 0);
	REFUSES(EINVAL, nvmm_vcpu_run(&vm->mach, v));
	vm_inject(vm, NVMM_VCPU_EVENT_EXCP, 32, 0);
	REFUSES(EINVAL, nvmm_vcpu_run(&vm->mach, v));
	vm_inject(vm, NVMM_VCPU_EVENT_EXCP, 3, 0);
	VM_PORT(vm, PORT_TRAP);
}

/* An assist that nothing is there for. */
static void
assist(struct vm *vm)
{
	struct nvmm_assist_callbacks cbs = { NULL, NULL }, old;
	struct nvmm_vcpu *v = &vm->cpus[0].v;

	VM_START(vm, VM_LONG, g_there);
	VM_EXIT(vm, NVMM_VCPU_EXIT_IO);
	REFUSES(EINVAL, nvmm_assist_mem(&vm->mach, v));
	old = v->cbs;
	ATF_REQUIRE_EQ(0, nvmm_vcpu_configure(&vm->mach, v,
	    NVMM_VCPU_CONF_CALLBACKS, &cbs));
	REFUSES(EINVAL, nvmm_assist_io(&vm->mach, v));
	ATF_REQUIRE_EQ(0, nvmm_vcpu_configure(&vm->mach, v,
	    NVMM_VCPU_CONF_CALLBACKS, &old));
	ATF_REQUIRE_EQ(0, nvmm_assist_io(&vm->mach, v));
	VM_EXIT(vm, NVMM_VCPU_EXIT_HALTED);
	REFUSES(EINVAL, nvmm_assist_io(&vm->mach, v));
	REFUSES(EINVAL, nvmm_assist_mem(&vm->mach, v));
}

static void
ctl(struct vm *vm)
{
	struct nvmm_ctl_mach_info info = { .machid = vm->mach.machid };
	struct nvmm_ctl_mach_memory mem = { .machid = vm->mach.machid };
	struct nvmm_ctl_vcpu_stats st = { .machid = vm->mach.machid };

	works(vm);
	ATF_REQUIRE_EQ(0, nvmm_ctl(NVMM_CTL_MACH_INFO, &info, sizeof(info)));
	ATF_CHECK_EQ(vm->ncpus, info.nvcpus);
	VM_CHECK_EQ(LINKED, info.nram);
	ATF_CHECK(info.time > 0);
	ATF_REQUIRE_EQ(0, nvmm_ctl(NVMM_CTL_MACH_MEMORY, &mem, sizeof(mem)));
	ATF_CHECK_EQ(1, mem.nhmappings);
	VM_CHECK_EQ(LINKED, mem.gpa_mapped);
	ATF_CHECK(mem.hva_mapped >= mem.gpa_mapped);
	ATF_CHECK(mem.resident > 0 && mem.resident <= mem.hva_mapped);
	ATF_REQUIRE_EQ(0, nvmm_ctl(NVMM_CTL_VCPU_STATS, &st, sizeof(st)));
	ATF_CHECK(st.runs >= 1);
	VM_CHECK_EQ(1, st.exits_user[NVMM_STAT_IO]);
	st.cpuid = 99;
	REFUSES(ENOENT, nvmm_ctl(NVMM_CTL_VCPU_STATS, &st, sizeof(st)));
	REFUSES(EINVAL, nvmm_ctl(-1, &info, sizeof(info)));
	REFUSES(EINVAL, nvmm_ctl(NVMM_CTL_MACH_INFO, &info, 2));
	REFUSES(EFAULT, nvmm_ctl(NVMM_CTL_MACH_INFO, NULL, sizeof(info)));
}

/* A process is one or the other, and once is as good as twice. */
static void
init(struct vm *vm)
{

	ATF_CHECK_EQ(0, nvmm_init());
	REFUSES(EBUSY, nvmm_root_init());
	ATF_CHECK(nvmm_device() != NULL);
	works(vm);
}

static const struct vm_case table[] = {
	{ "machines", "Machines that there are not", MUST, MUST, NULL,
	  machines, 0 },
	{ "vcpus", "VCPUs that there are not, or are already", MUST, MUST,
	  NULL, vcpus, 0 },
	{ "destroyed", "A VCPU after its end", MUST, MUST, NULL, destroyed,
	  0 },
	{ "hva", "Ranges of the owner's memory", MUST, MUST, NULL, hva, 0 },
	{ "gpa", "Ranges of the guest's memory", MUST, MUST, NULL, gpa, 0 },
	{ "configure", "Configuration", MUST, MUST, NULL, configure, 0 },
	{ "state", "Impossible state", MUST, MUST, NULL, state, 0 },
	{ "inject", "Events that there are not", MUST, MUST, NULL, inject,
	  0 },
	{ "assist", "Assists without an exit, or a callback", MUST, MUST, NULL,
	  assist, 0 },
	{ "ctl", "What nvmm_ctl tells, and refuses", MUST, MUST, NULL, ctl,
	  0 },
	{ "init", "Initialization in both ways", MUST, MUST, NULL, init, 0 },
};

VM_CASES("api", table)
