/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * h_suspend: suspend the host, as far as the kernel's own test of it goes, with
 * a VCPU that runs all the time; it must run on afterwards. Prints "survived".
 * It is linked statically, for a host with nothing in it but this.
 */

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dev/nvmm/nvmm_ioctl.h>

#define PAGE		4096
#define RESET_PAGE	0xFFFFF000
#define RESET_OFFSET	0xFF0

static int fd;
static nvmm_machid_t machid;
static volatile unsigned long runs;

static void
die(const char *what)
{

	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static void
request(unsigned long cmd, void *record, const char *what)
{

	if (ioctl(fd, cmd, record) == -1)
		die(what);
}

/* A machine whose VCPU jumps to itself at the reset vector. */
static void
make(void)
{
	struct nvmm_ioc_vcpu_create cpu = { .cpuid = 0 };
	struct nvmm_ioc_machine mach = { .machid = 0 };
	struct nvmm_ioc_hva hva = { .size = PAGE };
	struct nvmm_ioc_gpa gpa = {
		.gpa = RESET_PAGE, .size = PAGE,
		.prot = NVMM_PROT_READ | NVMM_PROT_WRITE | NVMM_PROT_EXEC,
	};
	uint8_t *p;

	request(NVMM_IOC_MACHINE_CREATE, &mach, "create");
	machid = hva.machid = gpa.machid = cpu.machid = mach.machid;
	request(NVMM_IOC_VCPU_CREATE, &cpu, "vcpu");
	p = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	hva.hva = gpa.hva = (uintptr_t)p;
	request(NVMM_IOC_HVA_MAP, &hva, "hva");
	request(NVMM_IOC_GPA_MAP, &gpa, "gpa");
	p[RESET_OFFSET] = 0xEB;
	p[RESET_OFFSET + 1] = 0xFE;
}

static void *
runner(void *arg)
{
	struct nvmm_ioc_vcpu cpu = { .machid = machid, .cpuid = 0 };

	for (;;) {
		request(NVMM_IOC_VCPU_RUN, &cpu, "run");
		runs++;
	}
	return arg;
}

static void
put(const char *path, const char *text)
{
	int f;

	f = open(path, O_WRONLY);
	if (f == -1 || write(f, text, strlen(text)) == -1)
		die(path);
	close(f);
}

/* The VCPU comes back from run and goes in again. */
static void
require_alive(const char *when)
{
	const unsigned long since = runs;
	unsigned i;

	for (i = 0; i < 1000 && runs < since + 3; i++)
		usleep(10000);
	if (runs < since + 3) {
		printf("the VCPU is stuck %s\n", when);
		exit(1);
	}
}

int
main(void)
{
	pthread_t thread;

	fd = open("/dev/nvmm", O_RDWR | O_CLOEXEC);
	if (fd == -1)
		die("/dev/nvmm");
	make();
	pthread_create(&thread, NULL, runner, NULL);
	require_alive("at first");
	put("/sys/power/pm_test", "core");
	put("/sys/power/state", "mem");
	require_alive("after the first suspend");
	put("/sys/power/state", "mem");
	require_alive("after the second suspend");
	printf("survived\n");
	return 0;
}
