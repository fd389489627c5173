/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Many VCPUs: beside each other, in the same memory, moved between the host's
 * CPUs, more than there are ASIDs, stopped from outside, and as many as there
 * may be. NVMM_TEST_SECONDS says how long those run that gain by it.
 *
 * Each VCPU that runs at length has a thread; one alarm stands over them all.
 */

#include <sys/mman.h>
#include <sys/time.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "h_case.h"

#define COUNTER		(G_HIGH + 0x1000)
#define TURNS		2000
#define LOCKED		20000
#define VA		0x800000
#define PTE		0x7ULL
#define PAGE		0x1000ULL
#define MAX_CPUS	8
#define PORT_DONE	0x80

struct runner {
	struct vm *vm;
	unsigned cpu;
	pthread_t thread;
	uint64_t until;			/* nanoseconds, or 0: one exit */
	uint64_t rounds;
	unsigned port;			/* of the last exit */
	uint64_t val;
};

static uint64_t
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t
seconds(void)
{

	return vm_param("NVMM_TEST_SECONDS", 2);
}

static void *
runner_main(void *arg)
{
	struct runner *r = arg;

	do {
		r->port = vm_port_cpu(r->vm, r->cpu);
		r->val = r->vm->cpus[r->cpu].val;
		r->rounds++;
	} while (r->port == PORT_DONE && now() < r->until);
	return NULL;
}

static void
runners_start(struct runner *r, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		ATF_REQUIRE_EQ(0, pthread_create(&r[i].thread, NULL,
		    runner_main, &r[i]));
}

static void
runners_join(struct runner *r, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		ATF_REQUIRE_EQ(0, pthread_join(r[i].thread, NULL));
		ATF_REQUIRE_EQ_MSG(PORT_DONE, r[i].port,
		    "VCPU %u, round %llu: port %#x, value %#llx", i,
		    (unsigned long long)r[i].rounds, r[i].port,
		    (unsigned long long)r[i].val);
	}
}

/* All VCPUs of the machine on one guest, each to be given its registers. */
static void
start_all(struct vm *vm, const uint8_t *guest, const uint8_t *end)
{
	unsigned i;

	vm_load(vm, guest, end + 1);
	vm_stubs(vm, VM_LONG);
	for (i = 0; i < vm->ncpus; i++) {
		vm_start_cpu(vm, i, VM_LONG, G_CODE);
		vm_sti_cpu(vm, i);
	}
}

#define START_ALL(vm, guest)						\
	do {								\
		extern const uint8_t guest[], guest##_end[];		\
									\
		start_all(vm, guest, guest##_end);			\
	} while (0)

static void
gpr_cpu(struct vm *vm, unsigned i, unsigned reg, uint64_t val)
{

	vm_get_cpu(vm, i, GPRS)->gprs[reg] = val;
	vm_set_cpu(vm, i, GPRS);
}

static void
turns(struct vm *vm)
{
	struct runner r[2];
	unsigned i;

	START_ALL(vm, g_turns);
	memset(r, 0, sizeof(r));
	for (i = 0; i < 2; i++) {
		gpr_cpu(vm, i, R_RBX, COUNTER);
		gpr_cpu(vm, i, R_RCX, TURNS);
		gpr_cpu(vm, i, R_RDX, i);
		r[i].vm = vm;
		r[i].cpu = i;
	}
	vm_alarm(vm, 3 * VM_SECONDS);
	runners_start(r, 2);
	runners_join(r, 2);
	vm_alarm(vm, 0);
	ATF_CHECK_EQ(2 * TURNS, vm_peek(vm, COUNTER, 8));
}

static void
locked(struct vm *vm)
{
	struct runner r[4];
	unsigned i;

	START_ALL(vm, g_lock);
	memset(r, 0, sizeof(r));
	for (i = 0; i < 4; i++) {
		gpr_cpu(vm, i, R_RBX, COUNTER + 0x800);
		gpr_cpu(vm, i, R_RCX, LOCKED);
		r[i].vm = vm;
		r[i].cpu = i;
	}
	vm_alarm(vm, 3 * VM_SECONDS);
	runners_start(r, 4);
	runners_join(r, 4);
	vm_alarm(vm, 0);
	ATF_CHECK_EQ(4 * LOCKED, vm_peek(vm, COUNTER + 0x800, 8));
}

/* Move a thread from CPU to CPU until the time is up. => CPUs it may use. */
static void
move_about(pthread_t thread, uint64_t until)
{
	cpu_set_t all, one;
	unsigned cpu = 0;

	ATF_REQUIRE_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	while (now() < until) {
		do {
			cpu = (cpu + 1) % CPU_SETSIZE;
		} while (!CPU_ISSET(cpu, &all));
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		ATF_REQUIRE_EQ(0, pthread_setaffinity_np(thread, sizeof(one),
		    &one));
		(void)usleep(500);
	}
}

static void
tsc_moved(struct vm *vm)
{
	struct runner r = { .vm = vm };
	cpu_set_t all;

	ATF_REQUIRE_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	if (CPU_COUNT(&all) < 2)
		atf_tc_skip("one CPU is no place to move to");
	START_ALL(vm, g_tsc);
	r.until = now() + seconds() * 1000000000;
	vm_alarm(vm, (unsigned)seconds() + VM_SECONDS);
	runners_start(&r, 1);
	move_about(r.thread, r.until);
	runners_join(&r, 1);
	vm_alarm(vm, 0);
	ATF_CHECK(r.rounds > 1);
}

/* The owner's view of the TSC grows as the guest's does. */
static void
tsc_owner(struct vm *vm)
{
	uint64_t last = 0, tsc;
	cpu_set_t all, one;
	unsigned i, cpu;

	ATF_REQUIRE_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	START_ALL(vm, g_tsc);
	for (i = 0; i < 40; i++) {
		cpu = i % 2;
		if (CPU_ISSET(cpu, &all)) {
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			ATF_REQUIRE_EQ(0, sched_setaffinity(0, sizeof(one),
			    &one));
		}
		ATF_REQUIRE_EQ(PORT_DONE, vm_port(vm));
		tsc = vm_reg(vm, NVMM_X64_GPR_R8);
		ATF_CHECK(tsc >= last);
		/* MSRs that are asked for come with the next run: one more. */
		ATF_REQUIRE_EQ(PORT_DONE, vm_port(vm));
		last = vm_reg(vm, NVMM_X64_GPR_R8);
		/* More than the way back into the guest takes. */
		(void)usleep(5000);
		tsc = vm_get(vm, MSRS)->msrs[NVMM_X64_MSR_TSC];
		ATF_CHECK(tsc >= last);
		last = tsc;
	}
}

/* One address space at base: the tables' root. VA leads to page. */
static uint64_t
space(struct vm *vm, uint64_t base, uint64_t page)
{
	const uint64_t pml4 = base, pdpt = base + PAGE, pd = base + 2 * PAGE,
	    pt = base + 3 * PAGE;
	uint64_t e;

	e = pdpt | PTE;
	vm_poke(vm, pml4, &e, 8);
	e = pd | PTE;
	vm_poke(vm, pdpt, &e, 8);
	vm_poke(vm, pd, vm->ram + G_PD, 4 * 8);
	e = pt | PTE;
	vm_poke(vm, pd + (VA >> 21) * 8, &e, 8);
	e = page | PTE;
	vm_poke(vm, pt, &e, 8);
	return pml4;
}

/* Two address spaces for a VCPU, with values that nobody else has. */
static void
spaces_start(struct vm *vm, unsigned machine, unsigned i)
{
	const uint64_t base = G_HIGH + 0x10000 + i * 0x10000;
	const uint64_t data = base + 8 * PAGE;
	uint64_t *gprs, val[2];
	unsigned k;

	for (k = 0; k < 2; k++) {
		val[k] = 0x5a000000ULL | machine << 16 | i << 8 | k;
		vm_poke(vm, data + k * PAGE, &val[k], 8);
	}
	gprs = vm_get_cpu(vm, i, GPRS)->gprs;
	gprs[R_RBX] = space(vm, base, data);
	gprs[NVMM_X64_GPR_RBP] = space(vm, base + 4 * PAGE, data + PAGE);
	gprs[R_RSI] = val[0];
	gprs[R_RDI] = val[1];
	gprs[NVMM_X64_GPR_R9] = base + 3 * PAGE;
	gprs[NVMM_X64_GPR_R10] = data | PTE;
	gprs[NVMM_X64_GPR_R11] = (data + PAGE) | PTE;
	vm_set_cpu(vm, i, GPRS);
}

/* 4 machines of 2 VCPUs on the host's CPUs: none sees another's memory. */
static void
spaces(struct vm *first)
{
	struct runner r[MAX_CPUS];
	struct vm vms[3], *vm;
	unsigned m, i;

	memset(r, 0, sizeof(r));
	vm_alarm(first, (unsigned)seconds() + 2 * VM_SECONDS);
	for (m = 0; m < 4; m++) {
		vm = first;
		if (m > 0) {
			vm = &vms[m - 1];
			vm_create_cpus(vm, 2);
		}
		vm->threads = true;
		START_ALL(vm, g_spaces);
		for (i = 0; i < 2; i++) {
			spaces_start(vm, m, i);
			r[m * 2 + i].vm = vm;
			r[m * 2 + i].cpu = i;
			r[m * 2 + i].until = now() + seconds() * 1000000000;
		}
	}
	runners_start(r, MAX_CPUS);
	runners_join(r, MAX_CPUS);
	for (i = 0; i < MAX_CPUS; i++)
		ATF_CHECK(r[i].rounds != 0);
	vm_alarm(first, 0);
	for (m = 0; m < 3; m++)
		vm_destroy(&vms[m]);
}

/* Another machine in the other's place: nothing of it is left. */
static void
spaces_reborn(struct vm *first)
{
	struct vm vm;
	unsigned m;

	(void)first;			/* it is there, and idle */
	for (m = 0; m < 20; m++) {
		vm_create_cpus(&vm, 2);
		START_ALL(&vm, g_spaces);
		spaces_start(&vm, m, 0);
		spaces_start(&vm, m, 1);
		ATF_REQUIRE_EQ(PORT_DONE, vm_port_cpu(&vm, 0));
		ATF_REQUIRE_EQ(PORT_DONE, vm_port_cpu(&vm, 1));
		ATF_REQUIRE_EQ(PORT_DONE, vm_port_cpu(&vm, 0));
		vm_destroy(&vm);
	}
}

static void *
run_to_stop(void *arg)
{
	struct vm *vm = arg;

	return (void *)(uintptr_t)vm_run(vm);
}

/* From another thread, each stop ends one run, and soon. */
static void
stop_thread(struct vm *vm)
{
	uint64_t since, worst = 0;
	pthread_t thread;
	void *reason;
	unsigned i;

	START_ALL(vm, g_forever);
	gpr_cpu(vm, 0, R_RBX, COUNTER);
	vm_alarm(vm, 2 * VM_SECONDS);
	for (i = 0; i < 50; i++) {
		ATF_REQUIRE_EQ(0, pthread_create(&thread, NULL, run_to_stop,
		    vm));
		(void)usleep((i * 37) % 3000);
		since = now();
		ATF_REQUIRE_EQ(0, nvmm_vcpu_stop(&vm->cpus[0].v));
		ATF_REQUIRE_EQ(0, pthread_join(thread, &reason));
		VM_CHECK_EQ(NVMM_VCPU_EXIT_STOPPED, (uintptr_t)reason);
		if (now() - since > worst)
			worst = now() - since;
	}
	vm_alarm(vm, 0);
	ATF_CHECK_MSG(worst < 2000000000, "a stop took %llu ms",
	    (unsigned long long)worst / 1000000);
}

/* Stops out of a handler while the guest exits all the time. */
static struct vm *stopped_vm;

static void
on_stop(int sig)
{

	(void)sig;
	(void)nvmm_vcpu_stop(&stopped_vm->cpus[0].v);
}

static void
stop_handler(struct vm *vm)
{
	struct sigaction sa = { .sa_handler = on_stop };
	struct itimerval it = { { 0, 5000 }, { 0, 5000 } };
	unsigned stops = 0;

	START_ALL(vm, g_tsc);
	stopped_vm = vm;
	ATF_REQUIRE_EQ(0, sigaction(SIGPROF, &sa, NULL));
	ATF_REQUIRE_EQ(0, setitimer(ITIMER_PROF, &it, NULL));
	while (stops < 20) {
		switch (vm_run(vm)) {
		case NVMM_VCPU_EXIT_STOPPED:
			stops++;
			break;
		case NVMM_VCPU_EXIT_IO:
			ATF_REQUIRE_EQ(PORT_DONE, vm_exit(vm)->u.io.port);
			vm_assist(vm);
			break;
		default:
			atf_tc_fail("%s", vm_strexit(vm));
		}
	}
	memset(&it, 0, sizeof(it));
	ATF_REQUIRE_EQ(0, setitimer(ITIMER_PROF, &it, NULL));
}

/* As many machines as there may be, each run; one more is refused. */
static void
machines(struct vm *first)
{
	struct nvmm_capability cap;
	struct nvmm_machine more;
	struct vm *vms;
	unsigned i, n;

	ATF_REQUIRE_EQ(0, nvmm_capability(&cap));
	ATF_CHECK_EQ(NVMM_MAX_MACHINES, cap.max_machines);
	n = cap.max_machines - 1;	/* and the first */
	vms = calloc(n, sizeof(*vms));
	ATF_REQUIRE(vms != NULL);
	for (i = 0; i < n; i++) {
		vm_create(&vms[i]);
		START_ALL(&vms[i], g_once);
		gpr_cpu(&vms[i], 0, R_RBX, i);
	}
	ATF_CHECK_EQ(-1, nvmm_machine_create(&more));
	ATF_CHECK_EQ_MSG(ENOBUFS, errno, "%s", strerror(errno));
	for (i = 0; i < n; i++) {
		ATF_REQUIRE_EQ(PORT_DONE, vm_port(&vms[i]));
		ATF_CHECK_EQ(i, vm_val(&vms[i]));
	}
	START_ALL(first, g_once);
	ATF_REQUIRE_EQ(PORT_DONE, vm_port(first));
	for (i = 0; i < n; i++)
		vm_destroy(&vms[i]);
	ATF_REQUIRE_EQ(0, nvmm_machine_create(&more));
	ATF_REQUIRE_EQ(0, nvmm_machine_destroy(&more));
	free(vms);
}

static void
vcpus(struct vm *vm)
{
	struct nvmm_capability cap;
	struct nvmm_vcpu more;
	unsigned i;

	ATF_REQUIRE_EQ(0, nvmm_capability(&cap));
	ATF_REQUIRE_EQ(NVMM_MAX_VCPUS, cap.max_vcpus);
	START_ALL(vm, g_once);
	for (i = 0; i < vm->ncpus; i++)
		gpr_cpu(vm, i, R_RBX, i);
	ATF_CHECK_EQ(-1, nvmm_vcpu_create(&vm->mach, vm->ncpus, &more));
	for (i = 0; i < vm->ncpus; i++) {
		ATF_REQUIRE_EQ(PORT_DONE, vm_port_cpu(vm, i));
		ATF_CHECK_EQ(i, vm->cpus[i].val);
	}
}

/* A VCPU that goes leaves its place to another. */
static void
vcpu_again(struct vm *vm)
{
	struct nvmm_vcpu other;
	unsigned i;

	for (i = 0; i < 100; i++) {
		ATF_REQUIRE_EQ(0, nvmm_vcpu_create(&vm->mach, 1, &other));
		ATF_CHECK_EQ(0xfff0, other.state == NULL ? 0 :
		    nvmm_vcpu_getstate(&vm->mach, &other, GPRS) == -1 ? 0 :
		    other.state->gprs[R_RIP]);
		ATF_REQUIRE_EQ(0, nvmm_vcpu_destroy(&vm->mach, &other));
	}
	START_ALL(vm, g_once);
	ATF_REQUIRE_EQ(PORT_DONE, vm_port(vm));
}

static const struct vm_case table[] = {
	{ "turns", "Two VCPUs pass a counter to each other", MUST, MUST, NULL,
	  turns, 2 },
	{ "locked", "Four VCPUs add to one number", MUST, MUST, NULL, locked,
	  4 },
	{ "tsc_moved", "The TSC never goes back, wherever the VCPU runs", MUST,
	  MUST, NULL, tsc_moved, 0 },
	{ "tsc_owner", "Nor does it for the owner", MUST, MUST, NULL,
	  tsc_owner, 0 },
	{ "spaces", "8 VCPUs of 4 machines keep their memory apart", MUST,
	  MUST, NULL, spaces, 2 },
	{ "spaces_reborn", "A new machine sees nothing of an old one", MUST,
	  MUST, NULL, spaces_reborn, 0 },
	{ "stop_thread", "A stop from another thread ends the run", MUST, MUST,
	  NULL, stop_thread, 0 },
	{ "stop_handler", "Stops out of a handler are not lost", MUST, MUST,
	  NULL, stop_handler, 0 },
	{ "machines", "128 machines", MUST, MUST, NULL, machines, 0 },
	{ "vcpus", "256 VCPUs in one machine", MUST, MUST, NULL, vcpus, 256 },
	{ "vcpu_again", "A VCPU's place is used again", MUST, MUST, NULL,
	  vcpu_again, 0 },
};

VM_CASES("smp", table)
