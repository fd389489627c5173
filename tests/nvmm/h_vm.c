/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Machines of the API tests: made, run, looked at. Every run stands under an
 * alarm whose handler stops all VCPUs; where even that does not end the run,
 * the second alarm ends the process.
 */

#include <sys/mman.h>

#include <cpuid.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h_vm.h"

static struct nvmm_capability cap;
static struct vm *vms;				/* live ones, for the alarm */
static volatile sig_atomic_t timed_out;

static void
on_alarm(int sig)
{
	static const char text[] = "a run does not end, even if stopped\n";
	struct vm *vm;
	unsigned i;

	(void)sig;
	if (timed_out) {
		(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
		_exit(EXIT_FAILURE);
	}
	timed_out = 1;
	for (vm = vms; vm != NULL; vm = vm->next) {
		for (i = 0; i < vm->ncpus; i++) {
			if (vm->cpus[i].live)
				(void)nvmm_vcpu_stop(&vm->cpus[i].v);
		}
	}
	(void)alarm(VM_SECONDS);
}

void
vm_open(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };

	if (nvmm_init() == -1)
		atf_tc_skip("no driver: %s", strerror(errno));
	ATF_REQUIRE_EQ(0, nvmm_capability(&cap));
	ATF_REQUIRE_EQ(0, sigaction(SIGALRM, &sa, NULL));
}

bool
vm_is(const char *backend)
{

	return strcmp(cap.arch.impl_name, backend) == 0;
}

bool
vm_on_tcg(void)
{
	uint32_t regs[3], max;

	__cpuid(0x40000000, max, regs[0], regs[1], regs[2]);
	return memcmp(regs, "TCGTCGTCGTCG", sizeof(regs)) == 0;
}

bool
vm_can(uint64_t impl_caps)
{

	return (cap.arch.impl_caps & impl_caps) == impl_caps;
}

unsigned
vm_param(const char *name, unsigned dflt)
{
	const char *s = getenv(name);

	return s != NULL ? (unsigned)strtoul(s, NULL, 0) : dflt;
}

static struct vm_access *
access_next(struct nvmm_vcpu *v)
{
	struct vm_cpu *cpu = (struct vm_cpu *)v;

	ATF_REQUIRE(cpu->naccess < VM_NACCESS);
	return &cpu->access[cpu->naccess++];
}

/* Record the access; what the guest reads is the answer. */
static void
access_do(struct nvmm_vcpu *v, struct vm_access *a, uint8_t *data)
{
	struct vm_cpu *cpu = (struct vm_cpu *)v;

	if (!a->write)
		memcpy(data, &cpu->answer, a->size);
	a->val = 0;
	memcpy(&a->val, data, a->size);
	cpu->val = a->val;
}

static void
on_io(struct nvmm_io *io)
{
	struct vm_access *a = access_next(io->vcpu);

	a->mem = false;
	a->write = !io->in;
	a->addr = io->port;
	a->size = io->size;
	access_do(io->vcpu, a, io->data);
}

static void
on_mem(struct nvmm_mem *mem)
{
	struct vm_access *a = access_next(mem->vcpu);

	a->mem = true;
	a->write = mem->write;
	a->addr = mem->gpa;
	a->size = mem->size;
	access_do(mem->vcpu, a, mem->data);
}

static void
create_ram(struct vm *vm)
{
	void *p;

	p = mmap(NULL, G_RAM, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ATF_REQUIRE(p != MAP_FAILED);
	vm->ram = p;
	ATF_REQUIRE_EQ_MSG(0, nvmm_hva_map(&vm->mach, (uintptr_t)p, G_RAM),
	    "%s", strerror(errno));
	ATF_REQUIRE_EQ_MSG(0, nvmm_gpa_map(&vm->mach, (uintptr_t)p, 0, G_MMIO,
	    RWX), "%s", strerror(errno));
	ATF_REQUIRE_EQ(0, nvmm_gpa_map(&vm->mach, (uintptr_t)p + G_HIGH,
	    G_HIGH, G_RAM - G_HIGH, RWX));
}

static void
create_cpu(struct vm *vm, unsigned i)
{
	struct nvmm_assist_callbacks cbs = { .io = on_io, .mem = on_mem };
	struct vm_cpu *cpu = &vm->cpus[i];

	ATF_REQUIRE_EQ_MSG(0, nvmm_vcpu_create(&vm->mach, i, &cpu->v),
	    "VCPU %u: %s", i, strerror(errno));
	ATF_REQUIRE_EQ(0, nvmm_vcpu_configure(&vm->mach, &cpu->v,
	    NVMM_VCPU_CONF_CALLBACKS, &cbs));
	cpu->vm = vm;
	cpu->live = true;
}

void
vm_create_cpus(struct vm *vm, unsigned ncpus)
{
	unsigned i;

	memset(vm, 0, sizeof(*vm));
	ATF_REQUIRE_EQ_MSG(0, nvmm_machine_create(&vm->mach), "%s",
	    strerror(errno));
	create_ram(vm);
	vm->cpus = calloc(ncpus, sizeof(*vm->cpus));
	ATF_REQUIRE(vm->cpus != NULL);
	for (i = 0; i < ncpus; i++)
		create_cpu(vm, i);
	vm->ncpus = ncpus;
	vm->live = true;
	vm->next = vms;
	vms = vm;
	vm_tables(vm);
}

void
vm_create(struct vm *vm)
{

	vm_create_cpus(vm, 1);
}

void
vm_destroy(struct vm *vm)
{
	struct vm **p;
	unsigned i;

	for (p = &vms; *p != vm; p = &(*p)->next)
		continue;
	*p = vm->next;
	for (i = 0; i < vm->ncpus; i++) {
		if (vm->cpus[i].live)
			ATF_REQUIRE_EQ(0, nvmm_vcpu_destroy(&vm->mach,
			    &vm->cpus[i].v));
	}
	ATF_REQUIRE_EQ(0, nvmm_machine_destroy(&vm->mach));
	ATF_REQUIRE_EQ(0, munmap(vm->ram, G_RAM));
	free(vm->cpus);
	vm->live = false;
}

struct nvmm_x64_state *
vm_get_cpu(struct vm *vm, unsigned i, uint64_t flags)
{

	ATF_REQUIRE_EQ_MSG(0, nvmm_vcpu_getstate(&vm->mach, &vm->cpus[i].v,
	    flags), "%s", strerror(errno));
	return vm->cpus[i].v.state;
}

void
vm_set_cpu(struct vm *vm, unsigned i, uint64_t flags)
{

	ATF_REQUIRE_EQ(0, nvmm_vcpu_setstate(&vm->mach, &vm->cpus[i].v,
	    flags));
}

struct nvmm_x64_state *
vm_get(struct vm *vm, uint64_t flags)
{

	return vm_get_cpu(vm, 0, flags);
}

void
vm_set(struct vm *vm, uint64_t flags)
{

	vm_set_cpu(vm, 0, flags);
}

void
vm_gpr(struct vm *vm, unsigned reg, uint64_t val)
{

	vm_get(vm, GPRS)->gprs[reg] = val;
	vm_set(vm, GPRS);
}

uint64_t
vm_reg(struct vm *vm, unsigned reg)
{

	return vm_get(vm, GPRS)->gprs[reg];
}

void
vm_sti_cpu(struct vm *vm, unsigned i)
{

	vm_get_cpu(vm, i, GPRS)->gprs[R_RFLAGS] |= FL_IF;
	vm_set_cpu(vm, i, GPRS);
}

void
vm_inject(struct vm *vm, unsigned type, uint8_t vector, uint64_t error)
{
	struct nvmm_vcpu_event *event = vm->cpus[0].v.event;

	event->type = type;
	event->vector = vector;
	event->u.excp.error = error;
	ATF_REQUIRE_EQ(0, nvmm_vcpu_inject(&vm->mach, &vm->cpus[0].v));
}

const char *
vm_strexit(struct vm *vm)
{
	static char text[256];

	if (nvmm_vcpu_strexit(&vm->cpus[0].v, text, sizeof(text)) == -1)
		return "?";
	return text;
}

struct nvmm_vcpu_exit *
vm_exit(struct vm *vm)
{

	return vm->cpus[0].v.exit;
}

/* The test's end, with where the VCPU is. */
static void
run_fails(struct vm *vm, unsigned i, const char *what)
{
	struct nvmm_vcpu *v = &vm->cpus[i].v;
	char text[256] = "?";

	(void)nvmm_vcpu_strexit(v, text, sizeof(text));
	if (getenv("VM_DUMP") != NULL)
		(void)nvmm_vcpu_dump(&vm->mach, v);
	atf_tc_fail("%s: %s, RIP %#llx", what, text, (unsigned long long)
	    vm_get_cpu(vm, i, GPRS)->gprs[R_RIP]);
}

void
vm_alarm(struct vm *vm, unsigned seconds)
{

	vm->threads = seconds != 0;
	(void)alarm(seconds);
}

/* => Only one thread at a time has the alarm. */
uint64_t
vm_run_cpu(struct vm *vm, unsigned i)
{
	struct vm_cpu *cpu = &vm->cpus[i];

	cpu->naccess = 0;
	if (!timed_out && !vm->threads)
		(void)alarm(VM_SECONDS);
	do {
		ATF_REQUIRE_EQ_MSG(0, nvmm_vcpu_run(&vm->mach, &cpu->v),
		    "run: %s", strerror(errno));
	} while (cpu->v.exit->reason == NVMM_VCPU_EXIT_NONE && !timed_out);
	if (timed_out)
		run_fails(vm, i, "no exit in time");
	if (!vm->threads)
		(void)alarm(0);
	return cpu->v.exit->reason;
}

uint64_t
vm_run(struct vm *vm)
{

	return vm_run_cpu(vm, 0);
}

void
vm_assist_cpu(struct vm *vm, unsigned i)
{
	struct vm_cpu *cpu = &vm->cpus[i];
	int ret;

	if (cpu->v.exit->reason == NVMM_VCPU_EXIT_IO)
		ret = nvmm_assist_io(&vm->mach, &cpu->v);
	else
		ret = nvmm_assist_mem(&vm->mach, &cpu->v);
	ATF_REQUIRE_EQ_MSG(0, ret, "assist: %s", strerror(errno));
}

void
vm_assist(struct vm *vm)
{

	vm_assist_cpu(vm, 0);
}

unsigned
vm_port_cpu(struct vm *vm, unsigned i)
{
	struct nvmm_vcpu *v = &vm->cpus[i].v;

	if (vm_run_cpu(vm, i) != NVMM_VCPU_EXIT_IO)
		run_fails(vm, i, "no port access");
	vm_assist_cpu(vm, i);
	return v->exit->u.io.port;
}

unsigned
vm_port(struct vm *vm)
{

	return vm_port_cpu(vm, 0);
}

uint64_t
vm_val(struct vm *vm)
{

	return vm->cpus[0].val;
}

/* => What is on the stack: vector, error code in protected modes, frame. */
void
vm_trap(struct vm *vm, struct vm_trap *t)
{
	unsigned port, w = vm_mode_width(vm->mode);
	struct nvmm_x64_state *state;
	uint64_t sp;

	port = vm_port(vm);
	memset(t, 0, sizeof(*t));
	ATF_REQUIRE_EQ_MSG(PORT_TRAP, port, "port %#x where a trap was to be",
	    port);
	state = vm_get(vm, GPRS | SEGS);
	sp = state->gprs[R_RSP] + state->segs[NVMM_X64_SEG_SS].base;
	t->vector = (unsigned)vm_peek(vm, sp, w) & 0xff;
	sp += w;
	if (w != 2 && vm_pushes_error(t->vector)) {
		t->error = vm_peek(vm, sp, w);
		sp += w;
	}
	t->rip = vm_peek(vm, sp, w);
	t->cs = vm_peek(vm, sp + w, w);
	t->rflags = vm_peek(vm, sp + 2 * w, w);
	if (w == 8) {
		t->rsp = vm_peek(vm, sp + 3 * w, w);
		t->ss = vm_peek(vm, sp + 4 * w, w);
	}
}

void
vm_poke(struct vm *vm, uint64_t gpa, const void *data, size_t size)
{

	ATF_REQUIRE(gpa <= G_RAM && size <= G_RAM - gpa);
	memcpy(vm->ram + gpa, data, size);
}

uint64_t
vm_peek(struct vm *vm, uint64_t gpa, size_t size)
{
	uint64_t val = 0;

	ATF_REQUIRE(gpa <= G_RAM && size <= G_RAM - gpa);
	memcpy(&val, vm->ram + gpa, size);
	return val;
}

uint64_t
vm_data(struct vm *vm, size_t index)
{

	return vm_peek(vm, G_DATA + index * 8, 8);
}
