/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The figures of h_exits.c for the peer, by /dev/kvm's own requests: the same
 * guests in the same memory. Prints h_figure.h's lines.
 */

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h_figure.h"
#include "h_image.h"

#if defined(__linux__)
#include <linux/kvm.h>

#define OPS		100
#define MACHINES	20
#define MAX_CPUID	128

struct machine {
	int vm, vcpu;
	struct kvm_run *run;
};

static struct machine mach, machs[MACHINES];
static uint8_t *ram;
static size_t run_size;
static unsigned calls;			/* accesses that user space serves */
static int dev;

static void
machine_create(struct machine *m)
{

	m->vm = ioctl(dev, KVM_CREATE_VM, 0UL);
	m->vcpu = m->vm == -1 ? -1 : ioctl(m->vm, KVM_CREATE_VCPU, 0UL);
	if (m->vcpu == -1)
		err(1, "create");
	m->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    m->vcpu, 0);
	if (m->run == MAP_FAILED)
		err(1, "mmap");
}

static void
machine_destroy(struct machine *m)
{

	if (munmap(m->run, run_size) == -1 || close(m->vcpu) == -1 ||
	    close(m->vm) == -1)
		err(1, "destroy");
}

static void
segment(struct kvm_segment *seg, uint16_t selector, uint8_t type)
{

	memset(seg, 0, sizeof(*seg));
	seg->selector = selector;
	seg->limit = 0xffffffff;
	seg->type = type;
	seg->s = 1;
	seg->present = 1;
	seg->g = 1;
	seg->l = selector == 0x8;
	seg->db = selector != 0x8;
}

/* Long mode, as in h_exits.c. */
static void
start_sregs(void)
{
	struct kvm_sregs s;

	if (ioctl(mach.vcpu, KVM_GET_SREGS, &s) == -1)
		err(1, "KVM_GET_SREGS");
	segment(&s.cs, 0x8, 0xb);
	segment(&s.ds, 0x10, 0x3);
	s.es = s.ss = s.fs = s.gs = s.ds;
	s.cr0 = 0x80000011;
	s.cr3 = I_PML4;
	s.cr4 = 0x20;
	s.efer = 0x500;
	if (ioctl(mach.vcpu, KVM_SET_SREGS, &s) == -1)
		err(1, "KVM_SET_SREGS");
}

/* Have the VCPU begin that guest. */
static void
start(const uint8_t *guest)
{
	struct kvm_regs regs = { .rip = image_entry(guest), .rflags = 0x2 };

	start_sregs();
	if (ioctl(mach.vcpu, KVM_SET_REGS, &regs) == -1)
		err(1, "KVM_SET_REGS");
}

/* Run to the exit that is meant. */
static void
run(uint32_t reason)
{

	while (ioctl(mach.vcpu, KVM_RUN, 0UL) == -1) {
		if (errno != EINTR)
			err(1, "KVM_RUN");
	}
	if (mach.run->exit_reason != reason)
		errx(1, "exit %u, not %u", mach.run->exit_reason, reason);
}

/* To the guest's next port access, and serve it. */
static void
port(void)
{

	run(KVM_EXIT_IO);
	calls += mach.run->io.port == I_PORT;
}

static void
ioctl_round(void)
{
	unsigned i;

	for (i = 0; i < OPS; i++) {
		if (ioctl(dev, _IO('?', 0), NULL) != -1)
			errx(1, "the device knows that request");
	}
}

static void
port_prepare(void)
{

	start(guest_port);
	port();
}

static void
port_round(void)
{
	unsigned i;

	for (i = 0; i < OPS; i++)
		port();
}

static void
cpuid_prepare(void)
{

	start(guest_cpuid);
	port();
}

static void
mmio(void)
{

	run(KVM_EXIT_MMIO);
	calls += mach.run->mmio.phys_addr == I_MMIO;
}

static void
mmio_prepare(void)
{

	start(guest_mmio);
	mmio();
}

static void
mmio_round(void)
{
	unsigned i;

	for (i = 0; i < OPS; i++)
		mmio();
}

static void
machines_create(void)
{
	unsigned i;

	for (i = 0; i < MACHINES; i++)
		machine_create(&machs[i]);
}

static void
machines_destroy(void)
{
	unsigned i;

	for (i = 0; i < MACHINES; i++)
		machine_destroy(&machs[i]);
}

static void
touch_prepare(void)
{

	start(guest_touch);
	port();
	image_touches(TOUCH_ASCENDING, (void *)(ram + I_TABLE));
}

static void
scatter_prepare(void)
{

	start(guest_touch);
	port();
	image_touches(TOUCH_RANDOM, (void *)(ram + I_TABLE));
}

static const struct figure figures[] = {
	{ "empty ioctl", OPS, 0, NULL, ioctl_round, NULL },
	{ "port I/O to user space", OPS, 0, port_prepare, port_round, NULL },
	{ "CPUID in the kernel", I_CPUIDS, 1, cpuid_prepare, port, NULL },
	{ "MMIO write", OPS, 0, mmio_prepare, mmio_round, NULL },
	{ "create, one VCPU", MACHINES, 0, NULL, machines_create,
	    machines_destroy },
	{ "destroy, one VCPU", MACHINES, 0, machines_create, machines_destroy,
	    NULL },
	{ "fresh page, ascending", I_TOUCHES, 0, touch_prepare, port, NULL },
	{ "fresh page, random", I_TOUCHES, 0, scatter_prepare, port, NULL },
};

/* The guest sees what KVM offers. */
static void
set_cpuid(void)
{
	struct kvm_cpuid2 *cpuid;

	cpuid = calloc(1, sizeof(*cpuid) +
	    MAX_CPUID * sizeof(cpuid->entries[0]));
	if (cpuid == NULL)
		err(1, "calloc");
	cpuid->nent = MAX_CPUID;
	if (ioctl(dev, KVM_GET_SUPPORTED_CPUID, cpuid) == -1 ||
	    ioctl(mach.vcpu, KVM_SET_CPUID2, cpuid) == -1)
		err(1, "CPUID");
	free(cpuid);
}

static void
create(void)
{
	struct kvm_userspace_memory_region region = { .memory_size = I_RAM };

	run_size = (size_t)ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0UL);
	machine_create(&mach);
	set_cpuid();
	ram = image_memory();
	image_load(ram);
	region.userspace_addr = (uintptr_t)ram;
	if (ioctl(mach.vm, KVM_SET_USER_MEMORY_REGION, &region) == -1)
		err(1, "KVM_SET_USER_MEMORY_REGION");
}

int
main(void)
{

	dev = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (dev == -1)
		err(1, "/dev/kvm");
	create();
	figure_run(figures, sizeof(figures) / sizeof(figures[0]));
	if (calls < 2 * FIGURE_ROUNDS * OPS)
		errx(1, "%u accesses only", calls);
	return 0;
}

#else

int
main(void)
{

	errx(1, "no /dev/kvm on this system");
}

#endif
