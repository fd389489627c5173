/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * See fake.h. One lock covers what is recorded and laid out; the sleep in run
 * ends by a semaphore, as a kick may come from a signal handler.
 */

#include <semaphore.h>
#include <stdlib.h>

#include "nvmm_internal.h"
#include "x86/nvmm_x86_internal.h"
#include "x86/nvmm_x86_xstate.h"
#include "fake.h"
#include "hosted_vm.h"

#define NCALLS	65536
#define NEXITS	64

/* A VCPU of the fake's. */
struct fake_cpu {
	struct nvmm_x64_state state;
	uint64_t xstate[NVMM_X64_XSTATE_AVX / 8]; /* but for what state has */
	sem_t kick;
	uint64_t token;			/* of the access that waits, or 0 */
	bool io_waits;			/* for vcpu_io_done */
	uint8_t data[8];
};

static pthread_mutex_t fake_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fake_call calls[NCALLS];
static unsigned ncalls;
static struct fake_exit exits[NEXITS];
static unsigned exit_first, exit_end;
static const char *fail_method;
static unsigned fail_countdown;
static int fail_error;
static unsigned nrunning;		/* atomic */
static struct fake_cpu *fake_cpus[NVMM_MAX_MACHINES][NVMM_MAX_VCPUS];

struct fake_caps fake_caps;

/* x87, SSE and AVX. */
static struct nvmm_x86_xlayout fake_layout;

#define CAPS_ALL							\
	(NVMM_IMPL_CPUID_EXIT | NVMM_IMPL_TPR_EXIT |			\
	 NVMM_IMPL_NMI_WINDOW | NVMM_IMPL_MSR_EXIT |			\
	 NVMM_IMPL_MONITOR_EXIT | NVMM_IMPL_PROT_NOEXEC |		\
	 NVMM_IMPL_PROT_NOWRITE | NVMM_IMPL_RAW_EXITS | NVMM_IMPL_XCR0)

void
fake_reset(void)
{

	pthread_mutex_lock(&fake_lock);
	ncalls = 0;
	exit_first = exit_end = 0;
	fail_method = NULL;
	fake_caps.max_ram = NVMM_MAX_RAM;
	fake_caps.impl_caps = CAPS_ALL;
	fake_caps.decodes = false;
	fake_caps.quiet = false;
	fake_caps.scribble = false;
	pthread_mutex_unlock(&fake_lock);
}

/* Record a call. Returns the error that it shall fail with, or 0. */
static int
record(const char *method, nvmm_machid_t machid, nvmm_cpuid_t cpuid,
    uint64_t a, uint64_t b)
{
	int error;

	error = 0;
	pthread_mutex_lock(&fake_lock);
	OS_ASSERT(ncalls < NCALLS);
	calls[ncalls] = (struct fake_call){ method, machid, cpuid, a, b };
	if (!fake_caps.quiet)
		ncalls++;
	if (fail_method != NULL && strcmp(fail_method, method) == 0 &&
	    --fail_countdown == 0) {
		fail_method = NULL;
		error = fail_error;
	}
	pthread_mutex_unlock(&fake_lock);
	return error;
}

static int
record_cpu(const char *method, struct nvmm_cpu *vcpu, uint64_t a)
{

	return record(method, vcpu->mach->machid, vcpu->cpuid, a, 0);
}

unsigned
fake_when(const char *method)
{
	unsigned i;

	pthread_mutex_lock(&fake_lock);
	for (i = ncalls; i > 0; i--) {
		if (strcmp(calls[i - 1].method, method) == 0)
			break;
	}
	pthread_mutex_unlock(&fake_lock);
	return i;
}

const struct fake_call *
fake_last(const char *method)
{
	unsigned i;

	i = fake_when(method);
	return i != 0 ? &calls[i - 1] : NULL;
}

unsigned
fake_ncalls(const char *method)
{
	unsigned i, n;

	n = 0;
	pthread_mutex_lock(&fake_lock);
	for (i = 0; i < ncalls; i++)
		n += strcmp(calls[i].method, method) == 0;
	pthread_mutex_unlock(&fake_lock);
	return n;
}

void
fake_fail(const char *method, unsigned nth, int error)
{

	pthread_mutex_lock(&fake_lock);
	fail_method = method;
	fail_countdown = nth;
	fail_error = error;
	pthread_mutex_unlock(&fake_lock);
}

void
fake_push_exit(const struct fake_exit *exit)
{

	pthread_mutex_lock(&fake_lock);
	OS_ASSERT(exit_end - exit_first < NEXITS);
	exits[exit_end++ % NEXITS] = *exit;
	pthread_mutex_unlock(&fake_lock);
}

/* The next exit laid out. False if there is none. */
static bool
take_exit(struct fake_exit *exit)
{
	bool found;

	pthread_mutex_lock(&fake_lock);
	found = exit_first != exit_end;
	if (found)
		*exit = exits[exit_first++ % NEXITS];
	pthread_mutex_unlock(&fake_lock);
	return found;
}

unsigned
fake_nrunning(void)
{

	return os_atomic_load(&nrunning);
}

struct nvmm_x64_state *
fake_state(nvmm_machid_t machid, nvmm_cpuid_t cpuid)
{

	return &fake_cpus[machid][cpuid]->state;
}

static int
fake_ident(void)
{

	if (nvmm_param_backend == NULL ||
	    strcmp(nvmm_param_backend, nvmm_fake.name) != 0)
		return ENXIO;
	return 0;
}

static int
fake_init(void)
{

	OS_ASSERT(os_mutex_owned(&nvmm_lock));
	if (fake_caps.max_ram == 0)
		fake_reset();
	nvmm_x86_xlayout_init(&fake_layout, 0xFFFF);
	nvmm_x86_xlayout_add(&fake_layout, 2, NVMM_X64_XSTATE_YMMH,
	    NVMM_X64_XSTATE_AVX - NVMM_X64_XSTATE_YMMH);
	return record("init", 0, 0, 0, 0);
}

static void
fake_fini(void)
{

	OS_ASSERT(os_mutex_owned(&nvmm_lock));
	(void)record("fini", 0, 0, 0, 0);
}

static void
fake_capability(struct nvmm_capability *cap)
{

	if (fake_caps.max_ram < cap->max_ram)
		cap->max_ram = fake_caps.max_ram;
	cap->arch.vcpu_conf_support = NVMM_CAP_ARCH_VCPU_CONF_CPUID;
	cap->arch.xcr0_mask = fake_layout.mask;
	cap->arch.mxcsr_mask = fake_layout.mxcsr_mask;
	cap->arch.xstate_size = fake_layout.size;
	cap->arch.conf_cpuid_maxops = 32;
	cap->arch.impl_caps = fake_caps.impl_caps;
	memcpy(cap->arch.impl_name, "fake", sizeof("fake"));
}

static int
fake_machine_create(struct nvmm_machine *mach)
{
	int error;

	OS_ASSERT(os_mutex_owned(&mach->lock));
	error = record("machine_create", mach->machid, 0, 0, 0);
	if (error)
		return error;
	mach->machdata = os_mem_zalloc(1);
	return mach->machdata != NULL ? 0 : ENOMEM;
}

static void
fake_machine_destroy(struct nvmm_machine *mach)
{

	OS_ASSERT(os_mutex_owned(&mach->lock));
	OS_ASSERT(!nvmm_machine_claimed(mach) && mach->ncpus == 0);
	(void)record("machine_destroy", mach->machid, 0, 0, 0);
	os_mem_free(mach->machdata, 1);
}

static int
fake_machine_configure(struct nvmm_machine *mach, uint64_t op, void *conf)
{
	uint32_t word;

	OS_ASSERT(os_mutex_owned(&mach->lock));
	memcpy(&word, conf, sizeof(word));
	return record("machine_configure", mach->machid, 0, op, word);
}

static int
fake_memory_changed(struct nvmm_machine *mach, uint64_t gpa, size_t size)
{

	OS_ASSERT(os_mutex_owned(&mach->lock));
	OS_ASSERT(!nvmm_machine_claimed(mach) && mach->nparking != 0);
	return record("memory_changed", mach->machid, 0, gpa, size);
}

static int
fake_vcpu_create(struct nvmm_machine *mach, struct nvmm_cpu *vcpu)
{
	struct fake_cpu *cpu;
	int error;

	OS_ASSERT(os_mutex_owned(&mach->lock));
	error = record_cpu("vcpu_create", vcpu, 0);
	if (error)
		return error;
	cpu = os_mem_zalloc(sizeof(*cpu));
	if (cpu == NULL)
		return ENOMEM;
	sem_init(&cpu->kick, 0, 0);
	nvmm_x86_reset_state(&cpu->state);
	vcpu->cpudata = cpu;
	fake_cpus[mach->machid][vcpu->cpuid] = cpu;
	return 0;
}

static void
fake_vcpu_destroy(struct nvmm_machine *mach, struct nvmm_cpu *vcpu)
{
	struct fake_cpu *cpu = vcpu->cpudata;

	OS_ASSERT(os_mutex_owned(&mach->lock));
	OS_ASSERT(!vcpu->claimed);
	(void)record_cpu("vcpu_destroy", vcpu, 0);
	fake_cpus[mach->machid][vcpu->cpuid] = NULL;
	sem_destroy(&cpu->kick);
	os_mem_free(cpu, sizeof(*cpu));
}

static int
fake_vcpu_configure(struct nvmm_cpu *vcpu, uint64_t op, void *conf)
{
	struct nvmm_vcpu_conf_cpuid *cpuid = conf;

	OS_ASSERT(vcpu->claimed);
	return record("vcpu_configure", vcpu->mach->machid, vcpu->cpuid, op,
	    cpuid->leaf);
}

static int
fake_vcpu_setstate(struct nvmm_cpu *vcpu, const struct nvmm_x64_state *state,
    uint64_t flags)
{
	struct fake_cpu *cpu = vcpu->cpudata;
	int error;

	OS_ASSERT(vcpu->claimed);
	error = record_cpu("vcpu_setstate", vcpu, flags);
	if (error)
		return error;
	cpu->token = 0;
	if (fake_caps.scribble)
		memset(&vcpu->comm->state, 0x5A, sizeof(vcpu->comm->state));
	nvmm_x86_copy_state(&cpu->state, state, flags);
	return 0;
}

static int
fake_vcpu_getstate(struct nvmm_cpu *vcpu, uint64_t flags)
{
	struct fake_cpu *cpu = vcpu->cpudata;
	int error;

	OS_ASSERT(vcpu->claimed);
	error = record_cpu("vcpu_getstate", vcpu, flags);
	if (error)
		return error;
	cpu->token = 0;
	nvmm_x86_copy_state(&vcpu->comm->state, &cpu->state, flags);
	return 0;
}

/* The area, with what the state's group has in its front. */
static void *
fake_xstate(struct fake_cpu *cpu)
{

	memcpy(cpu->xstate, &cpu->state.fpu, sizeof(cpu->state.fpu));
	nvmm_x86_xheader(cpu->xstate)->xstate_bv |=
	    NVMM_X86_XCR0_X87 | NVMM_X86_XCR0_SSE;
	return cpu->xstate;
}

static int
fake_vcpu_getxstate(struct nvmm_cpu *vcpu, void *area, size_t size)
{
	struct fake_cpu *cpu = vcpu->cpudata;
	int error;

	OS_ASSERT(vcpu->claimed);
	error = record_cpu("vcpu_getxstate", vcpu, size);
	if (!error)
		nvmm_x86_xstate_get(&fake_layout, fake_xstate(cpu), area, size);
	return error;
}

static int
fake_vcpu_setxstate(struct nvmm_cpu *vcpu, const void *area, size_t size)
{
	struct fake_cpu *cpu = vcpu->cpudata;
	int error;

	OS_ASSERT(vcpu->claimed);
	error = record_cpu("vcpu_setxstate", vcpu, size);
	if (!error)
		error = nvmm_x86_xstate_set(&fake_layout, fake_xstate(cpu),
		    area, size);
	if (!error)
		memcpy(&cpu->state.fpu, cpu->xstate, sizeof(cpu->state.fpu));
	return error;
}

static int
fake_vcpu_inject(struct nvmm_cpu *vcpu, const struct nvmm_vcpu_event *event)
{
	struct fake_cpu *cpu = vcpu->cpudata;
	int error;

	OS_ASSERT(vcpu->claimed);
	if (fake_caps.scribble)
		memset(&vcpu->comm->event, 0x5A, sizeof(vcpu->comm->event));
	error = record_cpu("vcpu_inject", vcpu, event->vector);
	if (error)
		return error;
	if (event->type > NVMM_VCPU_EVENT_INTR)
		return EINVAL;
	cpu->state.intr.evt_pending = 1;
	return 0;
}

/* Sleep until somebody wants the run to end. */
static void
fake_sleep(struct nvmm_cpu *vcpu)
{
	struct fake_cpu *cpu = vcpu->cpudata;

	__atomic_add_fetch(&nrunning, 1, __ATOMIC_SEQ_CST);
	while (os_atomic_load(&vcpu->kicked) == 0 &&
	    os_atomic_load(&vcpu->comm->stop) == 0)
		sem_wait(&cpu->kick);
	__atomic_sub_fetch(&nrunning, 1, __ATOMIC_SEQ_CST);
}

static int
fake_vcpu_run(struct nvmm_machine *mach, struct nvmm_cpu *vcpu)
{
	struct fake_cpu *cpu = vcpu->cpudata;
	struct fake_exit exit = { .reason = NVMM_VCPU_EXIT_NONE };
	int error;

	OS_ASSERT(vcpu->claimed && !os_mutex_owned(&mach->lock));
	error = record_cpu("vcpu_run", vcpu, 0);
	if (error)
		return error;
	cpu->token = 0;
	cpu->state.intr.evt_pending = 0;
	cpu->io_waits = false;
	if (!take_exit(&exit))
		fake_sleep(vcpu);
	if (exit.stop)
		os_atomic_store(&vcpu->comm->stop, 1);
	if (exit.error != 0)
		return exit.error;
	if (exit.reason == NVMM_VCPU_EXIT_IO && fake_caps.decodes)
		cpu->token = 1;
	if (exit.offers) {
		cpu->io_waits = true;
		vcpu->comm->io_rax = cpu->state.gprs[NVMM_X64_GPR_RAX];
		vcpu->comm->io_state = NVMM_COMM_IO_OFFERED;
	}
	vcpu->comm->exit.reason = exit.reason;
	nvmm_x86_copy_state(&vcpu->comm->state, &cpu->state, exit.cached);
	vcpu->comm->state_cached |= exit.cached;
	return 0;
}

/* An IN to all of RAX. */
static void
fake_vcpu_io_done(struct nvmm_cpu *vcpu, uint64_t val)
{
	struct fake_cpu *cpu = vcpu->cpudata;

	OS_ASSERT(vcpu->claimed);
	(void)record_cpu("vcpu_io_done", vcpu, val);
	if (!cpu->io_waits)
		return;
	cpu->io_waits = false;
	cpu->state.gprs[NVMM_X64_GPR_RAX] = val;
	cpu->state.gprs[NVMM_X64_GPR_RIP]++;
}

static int
fake_vcpu_access(struct nvmm_cpu *vcpu, struct nvmm_access *access)
{
	struct fake_cpu *cpu = vcpu->cpudata;

	OS_ASSERT(vcpu->claimed);
	access->token = cpu->token;
	access->size = 1;
	access->count = 1;
	access->data = cpu->data;
	return record_cpu("vcpu_access", vcpu, cpu->token);
}

static int
fake_vcpu_access_done(struct nvmm_cpu *vcpu, const struct nvmm_access *access)
{
	struct fake_cpu *cpu = vcpu->cpudata;

	OS_ASSERT(vcpu->claimed);
	if (access->token == 0 || access->token != cpu->token)
		return EINVAL;
	cpu->token = 0;
	return record_cpu("vcpu_access_done", vcpu, access->token);
}

/* => From anywhere, signal handlers too. */
static void
fake_vcpu_kick(struct nvmm_cpu *vcpu)
{
	struct fake_cpu *cpu = vcpu->cpudata;

	sem_post(&cpu->kick);
}

static const size_t fake_mach_conf_sizes[] = {
	[0] = sizeof(uint32_t),
	[1] = 0,
};

static const size_t fake_vcpu_conf_sizes[] = {
	[NVMM_VCPU_CONF_CPUID - NVMM_VCPU_CONF_MD_BEGIN] =
	    sizeof(struct nvmm_vcpu_conf_cpuid),
	[NVMM_VCPU_CONF_TPR - NVMM_VCPU_CONF_MD_BEGIN] = 0,
};

const struct nvmm_impl nvmm_fake = {
	.name = "fake",
	.ident = fake_ident,
	.init = fake_init,
	.fini = fake_fini,
	.capability = fake_capability,
	.mach_conf_sizes = fake_mach_conf_sizes,
	.mach_conf_n = 2,
	.vcpu_conf_sizes = fake_vcpu_conf_sizes,
	.vcpu_conf_n = 2,
	.machine_create = fake_machine_create,
	.machine_destroy = fake_machine_destroy,
	.machine_configure = fake_machine_configure,
	.memory_changed = fake_memory_changed,
	.vcpu_create = fake_vcpu_create,
	.vcpu_destroy = fake_vcpu_destroy,
	.vcpu_configure = fake_vcpu_configure,
	.vcpu_setstate = fake_vcpu_setstate,
	.vcpu_getstate = fake_vcpu_getstate,
	.vcpu_getxstate = fake_vcpu_getxstate,
	.vcpu_setxstate = fake_vcpu_setxstate,
	.vcpu_inject = fake_vcpu_inject,
	.vcpu_run = fake_vcpu_run,
	.vcpu_io_done = fake_vcpu_io_done,
	.vcpu_access = fake_vcpu_access,
	.vcpu_access_done = fake_vcpu_access_done,
	.vcpu_kick = fake_vcpu_kick,
};
