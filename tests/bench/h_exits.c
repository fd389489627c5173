/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the driver's exits, machines and nested faults take through libnvmm,
 * and a host process's first touch of a page. Prints h_figure.h's lines.
 */

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <err.h>
#include <fcntl.h>
#include <nvmm.h>
#include <string.h>

#include "h_figure.h"
#include "h_image.h"

#define OPS		100
#define MACHINES	20
#define PROT_GUEST	(NVMM_PROT_READ | NVMM_PROT_WRITE | NVMM_PROT_EXEC)

static struct nvmm_machine mach, machs[MACHINES];
static struct nvmm_vcpu vcpu, vcpus[MACHINES];
static uint8_t *ram, *host;
static unsigned calls;			/* of the callbacks */
static int dev;

static void
on_io(struct nvmm_io *io)
{

	(void)io;
	calls++;
}

static void
on_mem(struct nvmm_mem *mem)
{

	(void)mem;
	calls++;
}

static void
segment(struct nvmm_x64_state_seg *seg, uint16_t selector, unsigned type)
{

	memset(seg, 0, sizeof(*seg));
	seg->selector = selector;
	seg->limit = 0xffffffff;
	seg->attrib.type = type & 0xf;
	seg->attrib.s = 1;
	seg->attrib.p = 1;
	seg->attrib.g = 1;
	seg->attrib.l = selector == 0x8;
	seg->attrib.def = selector != 0x8;
}

/* Have the VCPU begin that guest. */
static void
start(const uint8_t *guest)
{
	struct nvmm_x64_state *st = vcpu.state;
	unsigned i;

	if (nvmm_vcpu_getstate(&mach, &vcpu, NVMM_X64_STATE_ALL) == -1)
		err(1, "getstate");
	for (i = NVMM_X64_SEG_ES; i <= NVMM_X64_SEG_GS; i++)
		segment(&st->segs[i], 0x10, 0x3);
	segment(&st->segs[NVMM_X64_SEG_CS], 0x8, 0xb);
	st->gprs[NVMM_X64_GPR_RIP] = image_entry(guest);
	st->gprs[NVMM_X64_GPR_RFLAGS] = 0x2;
	st->crs[NVMM_X64_CR_CR0] = 0x80000011;
	st->crs[NVMM_X64_CR_CR3] = I_PML4;
	st->crs[NVMM_X64_CR_CR4] = 0x20;
	st->msrs[NVMM_X64_MSR_EFER] = 0x500;
	if (nvmm_vcpu_setstate(&mach, &vcpu, NVMM_X64_STATE_SEGS |
	    NVMM_X64_STATE_GPRS | NVMM_X64_STATE_CRS |
	    NVMM_X64_STATE_MSRS) == -1)
		err(1, "setstate");
}

/* Run to the exit that is meant. */
static void
run(uint64_t reason)
{
	char text[128];

	do {
		if (nvmm_vcpu_run(&mach, &vcpu) == -1)
			err(1, "run");
	} while (vcpu.exit->reason == NVMM_VCPU_EXIT_NONE);
	if (vcpu.exit->reason != reason) {
		(void)nvmm_vcpu_strexit(&vcpu, text, sizeof(text));
		errx(1, "not the exit that was to be: %s", text);
	}
}

/* To the guest's next port access and past it. */
static void
port(void)
{

	run(NVMM_VCPU_EXIT_IO);
	if (nvmm_assist_io(&mach, &vcpu) == -1)
		err(1, "assist_io");
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

	run(NVMM_VCPU_EXIT_MEMORY);
	if (nvmm_assist_mem(&mach, &vcpu) == -1)
		err(1, "assist_mem");
}

static void
mmio_prepare(void)
{

	start(guest_mmio);
	mmio();
}

static void
mmio_or_prepare(void)
{

	start(guest_mmio_or);
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

	for (i = 0; i < MACHINES; i++) {
		if (nvmm_machine_create(&machs[i]) == -1 ||
		    nvmm_vcpu_create(&machs[i], 0, &vcpus[i]) == -1)
			err(1, "create");
	}
}

static void
machines_destroy(void)
{
	unsigned i;

	for (i = 0; i < MACHINES; i++) {
		if (nvmm_vcpu_destroy(&machs[i], &vcpus[i]) == -1 ||
		    nvmm_machine_destroy(&machs[i]) == -1)
			err(1, "destroy");
	}
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

static void
host_prepare(void)
{
	static unsigned rounds;

	image_touches(rounds++ <= FIGURE_ROUNDS ? TOUCH_ASCENDING :
	    TOUCH_RANDOM, (void *)(host + I_TABLE));
}

static void
host_round(void)
{

	image_touch((void *)(host + I_TABLE), host);
}

static const struct figure figures[] = {
	{ "empty ioctl", OPS, 0, NULL, ioctl_round, NULL },
	{ "port I/O to user space", OPS, 0, port_prepare, port_round, NULL },
	{ "CPUID in the kernel", I_CPUIDS, 1, cpuid_prepare, port, NULL },
	{ "MMIO write", OPS, 0, mmio_prepare, mmio_round, NULL },
	{ "MMIO OR", OPS, 0, mmio_or_prepare, mmio_round, NULL },
	{ "create, one VCPU", MACHINES, 0, NULL, machines_create,
	    machines_destroy },
	{ "destroy, one VCPU", MACHINES, 0, machines_create, machines_destroy,
	    NULL },
	{ "fresh page, ascending", I_TOUCHES, 0, touch_prepare, port, NULL },
	{ "fresh page, random", I_TOUCHES, 0, scatter_prepare, port, NULL },
	{ "host's page, ascending", I_TOUCHES, 0, host_prepare, host_round,
	    NULL },
	{ "host's page, random", I_TOUCHES, 0, host_prepare, host_round,
	    NULL },
};

static void
create(void)
{
	struct nvmm_assist_callbacks cbs = { .io = on_io, .mem = on_mem };

	ram = image_memory();
	if (nvmm_machine_create(&mach) == -1 ||
	    nvmm_hva_map(&mach, (uintptr_t)ram, I_RAM) == -1 ||
	    nvmm_gpa_map(&mach, (uintptr_t)ram, 0, I_RAM, PROT_GUEST) == -1 ||
	    nvmm_vcpu_create(&mach, 0, &vcpu) == -1 ||
	    nvmm_vcpu_configure(&mach, &vcpu, NVMM_VCPU_CONF_CALLBACKS,
	    &cbs) == -1)
		err(1, "create");
	image_load(ram);
	host = image_memory();
	memset(host + I_TABLE, 0, I_TOUCHES * 8);
}

int
main(void)
{

	dev = open("/dev/nvmm", O_RDWR | O_CLOEXEC);
	if (dev == -1 || nvmm_init() == -1)
		err(1, "/dev/nvmm");
	create();
	figure_run(figures, sizeof(figures) / sizeof(figures[0]));
	if (calls < 2 * FIGURE_ROUNDS * OPS)
		errx(1, "%u calls of the callbacks only", calls);
	return 0;
}
