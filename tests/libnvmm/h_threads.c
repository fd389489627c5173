/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * All that libnvmm(3) allows several threads at once, in one machine: each VCPU
 * runs in a thread of its own with both assists, while others link and unlink
 * memory, translate addresses, ask for stops, counters and capabilities, and
 * make and end VCPUs and machines. t_tsan.sh has it watched by TSan.
 */

#include <sys/mman.h>

#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <nvmm.h>

#define NVCPUS		4
#define ROUNDS		300		/* exits of a VCPU, or turns of others */
#define RAM		0x8000		/* bytes; 0xF000 is a device */
#define SPARE		0x100000	/* linked and unlinked */
#define PAGE		4096
#define RWX		(NVMM_PROT_READ | NVMM_PROT_WRITE | NVMM_PROT_EXEC)

/* out 0x80, al; mov [0xF000], ax; in al, 0x80; jmp back */
static const uint8_t code[] = {
	0xE6, 0x80, 0xA3, 0x00, 0xF0, 0xE4, 0x80, 0xEB, 0xF7
};

static struct nvmm_machine mach;
static struct nvmm_vcpu vcpus[NVCPUS];
static uint8_t *ram;
static volatile int running = NVCPUS;	/* atomic */

/* What each thread of a VCPU counts for itself. */
static __thread unsigned accesses;

static void
on_io(struct nvmm_io *io)
{

	accesses++;
	if (io->in)
		*io->data = 1;
}

static void
on_mem(struct nvmm_mem *mem)
{

	(void)mem;
	accesses++;
}

static void
must(int ret, const char *what)
{

	if (ret == -1)
		err(1, "%s", what);
}

static bool
guests_run(void)
{

	return __atomic_load_n(&running, __ATOMIC_SEQ_CST) != 0;
}

static void
setup_vcpu(nvmm_cpuid_t i, struct nvmm_vcpu *vcpu)
{
	struct nvmm_assist_callbacks cbs = { .io = on_io, .mem = on_mem };
	struct nvmm_x64_state_seg *seg;
	unsigned s;

	must(nvmm_vcpu_create(&mach, i, vcpu), "vcpu_create");
	must(nvmm_vcpu_configure(&mach, vcpu, NVMM_VCPU_CONF_CALLBACKS, &cbs),
	    "callbacks");
	must(nvmm_vcpu_getstate(&mach, vcpu, NVMM_X64_STATE_ALL), "getstate");
	for (s = NVMM_X64_SEG_ES; s <= NVMM_X64_SEG_GS; s++) {
		seg = &vcpu->state->segs[s];
		seg->selector = 0;
		seg->base = 0;
	}
	vcpu->state->gprs[NVMM_X64_GPR_RIP] = 0x1000;
	must(nvmm_vcpu_setstate(&mach, vcpu, NVMM_X64_STATE_ALL), "setstate");
}

static void
setup(void)
{
	void *p;
	nvmm_cpuid_t i;

	must(nvmm_init(), "init");
	must(nvmm_machine_create(&mach), "create");
	p = mmap(NULL, SPARE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON,
	    -1, 0);
	must(p == MAP_FAILED ? -1 : 0, "mmap");
	ram = p;
	must(nvmm_hva_map(&mach, (uintptr_t)ram, SPARE), "hva_map");
	must(nvmm_gpa_map(&mach, (uintptr_t)ram, 0, RAM, RWX), "gpa_map");
	memcpy(ram + 0x1000, code, sizeof(code));
	for (i = 0; i < NVCPUS; i++)
		setup_vcpu(i, &vcpus[i]);
}

/* A VCPU's thread. */
static void *
runner(void *arg)
{
	struct nvmm_vcpu *vcpu = arg;
	unsigned stops;

	for (stops = 0; accesses < ROUNDS || stops == 0; ) {
		must(nvmm_vcpu_getstate(&mach, vcpu, NVMM_X64_STATE_GPRS),
		    "getstate");
		must(nvmm_vcpu_run(&mach, vcpu), "run");
		switch (vcpu->exit->reason) {
		case NVMM_VCPU_EXIT_IO:
			must(nvmm_assist_io(&mach, vcpu), "assist_io");
			break;
		case NVMM_VCPU_EXIT_MEMORY:
			must(nvmm_assist_mem(&mach, vcpu), "assist_mem");
			break;
		case NVMM_VCPU_EXIT_STOPPED:
			stops++;
			break;
		case NVMM_VCPU_EXIT_NONE:
			break;
		default:
			errx(1, "exit %#llx",
			    (unsigned long long)vcpu->exit->reason);
		}
	}
	__atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Link, look up and unlink pages of the guest's. */
static void *
mapper(void *arg)
{
	const uintptr_t n = (uintptr_t)arg;
	const gpaddr_t gpa = SPARE + n * PAGE;
	nvmm_prot_t prot;
	uintptr_t hva;

	do {
		hva = (uintptr_t)ram + RAM + n * PAGE;
		must(nvmm_gpa_map(&mach, hva, gpa, PAGE, RWX), "gpa_map");
		must(nvmm_gpa_to_hva(&mach, gpa, &hva, &prot), "gpa_to_hva");
		must(nvmm_gpa_to_hva(&mach, 0x1000, &hva, &prot), "gpa_to_hva");
		must(nvmm_gpa_unmap(&mach, (uintptr_t)ram + RAM + n * PAGE,
		    gpa, PAGE), "gpa_unmap");
		(void)usleep(100);
	} while (guests_run());
	return NULL;
}

static void *
stopper(void *arg)
{
	unsigned i;

	(void)arg;
	do {
		for (i = 0; i < NVCPUS; i++)
			must(nvmm_vcpu_stop(&vcpus[i]), "stop");
		(void)usleep(1000);
	} while (guests_run());
	return NULL;
}

static void *
asker(void *arg)
{
	struct nvmm_ctl_vcpu_stats st = { .machid = mach.machid };
	struct nvmm_ctl_mach_info info = { .machid = mach.machid };
	struct nvmm_capability cap;

	(void)arg;
	do {
		must(nvmm_init(), "init");
		must(nvmm_device() == NULL ? -1 : 0, "device");
		must(nvmm_capability(&cap), "capability");
		must(nvmm_ctl(NVMM_CTL_VCPU_STATS, &st, sizeof(st)), "stats");
		must(nvmm_ctl(NVMM_CTL_MACH_INFO, &info, sizeof(info)),
		    "info");
		(void)usleep(100);
	} while (guests_run());
	return NULL;
}

/* Machines and VCPUs come and go beside those that run. */
static void *
maker(void *arg)
{
	struct nvmm_machine other;
	struct nvmm_vcpu vcpu;
	unsigned n;

	(void)arg;
	for (n = 0; n < 20; n++) {
		must(nvmm_machine_create(&other), "create");
		must(nvmm_vcpu_create(&other, 0, &vcpu), "vcpu_create");
		must(nvmm_vcpu_destroy(&other, &vcpu), "vcpu_destroy");
		must(nvmm_machine_destroy(&other), "destroy");
		must(nvmm_vcpu_create(&mach, NVCPUS, &vcpu), "vcpu_create");
		must(nvmm_vcpu_getstate(&mach, &vcpu, NVMM_X64_STATE_ALL),
		    "getstate");
		must(nvmm_vcpu_destroy(&mach, &vcpu), "vcpu_destroy");
	}
	return NULL;
}

static pthread_t
start(void *(*func)(void *), void *arg)
{
	pthread_t thread;
	int error;

	error = pthread_create(&thread, NULL, func, arg);
	if (error != 0)
		errx(1, "pthread_create: %s", strerror(error));
	return thread;
}

int
main(void)
{
	pthread_t threads[NVCPUS + 5];
	unsigned i, n = 0;

	setup();
	for (i = 0; i < NVCPUS; i++)
		threads[n++] = start(runner, &vcpus[i]);
	threads[n++] = start(mapper, (void *)0);
	threads[n++] = start(mapper, (void *)1);
	threads[n++] = start(stopper, NULL);
	threads[n++] = start(asker, NULL);
	threads[n++] = start(maker, NULL);
	for (i = 0; i < n; i++)
		(void)pthread_join(threads[i], NULL);
	for (i = 0; i < NVCPUS; i++)
		must(nvmm_vcpu_destroy(&mach, &vcpus[i]), "vcpu_destroy");
	must(nvmm_machine_destroy(&mach), "destroy");
	puts("done");
	return 0;
}
