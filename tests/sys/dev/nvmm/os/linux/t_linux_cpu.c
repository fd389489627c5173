/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Host CPUs under running machines on Linux: they go and come back, and no VCPU
 * is lost, nor deaf to who wants it.
 */

#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <atf-c.h>

#include "h_linux.h"

#define CPU1	"/sys/devices/system/cpu/cpu1/online"

static void
put(const char *path, const char *text)
{
	int fd;

	fd = open(path, O_WRONLY);
	if (fd == -1)
		atf_tc_skip("%s: %s", path, strerror(errno));
	ATF_REQUIRE_MSG(write(fd, text, strlen(text)) == (ssize_t)strlen(text),
	    "%s: %s", path, strerror(errno));
	close(fd);
}

/* A VCPU that runs all the time, and counts. */
struct runner {
	struct h_machine m;
	pthread_t thread;
	volatile unsigned long runs;
	volatile int error;
};

static void *
runner(void *arg)
{
	struct runner *r = arg;

	do {
		r->error = h_spin(&r->m);
		r->runs++;
	} while (r->error == 0);
	return NULL;
}

static void
start(struct runner *r)
{

	memset(r, 0, sizeof(*r));
	h_make(&r->m);
	h_spin_prepare(&r->m);
	ATF_REQUIRE_EQ(pthread_create(&r->thread, NULL, runner, r), 0);
}

/* Wait until the VCPU has come back from run and been in again. */
static void
require_alive(struct runner *r)
{
	const unsigned long since = r->runs;
	unsigned i;

	for (i = 0; i < 1000 && r->runs < since + 2; i++)
		usleep(10000);
	ATF_REQUIRE_MSG(r->runs >= since + 2, "VCPU stuck: error %d",
	    r->error);
}

/* End the machine under it. */
static void
finish(struct runner *r)
{

	ATF_CHECK_EQ(h_machine_destroy(r->m.fd, r->m.id), 0);
	pthread_join(r->thread, NULL);
	ATF_CHECK_EQ(r->error, ENOENT);
}

ATF_TC(offline_and_online);
ATF_TC_HEAD(offline_and_online, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "a CPU goes and comes back while VCPUs run on all of them");
}
ATF_TC_BODY(offline_and_online, tc)
{
	struct runner r[3];
	unsigned i, j;

	if (access(CPU1, W_OK) == -1)
		atf_tc_skip("one CPU only");
	for (i = 0; i < 3; i++)
		start(&r[i]);
	for (j = 0; j < 5; j++) {
		put(CPU1, "0");
		for (i = 0; i < 3; i++)
			require_alive(&r[i]);
		put(CPU1, "1");
		for (i = 0; i < 3; i++)
			require_alive(&r[i]);
	}
	for (i = 0; i < 3; i++)
		finish(&r[i]);
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

ATF_TC(wanted_at_once);
ATF_TC_HEAD(wanted_at_once, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "who wants a running VCPU gets it at once");
}
ATF_TC_BODY(wanted_at_once, tc)
{
	struct runner r;
	double worst, t;
	unsigned i;
	uint8_t *p;

	start(&r);
	p = h_range(2 * MIB);
	ATF_REQUIRE_EQ(h_hva_map(&r.m, p, 2 * MIB), 0);
	worst = 0;
	for (i = 0; i < 200; i++) {
		t = now();
		ATF_REQUIRE_EQ(h_gpa_map(&r.m, p, 0, 2 * MIB, RWX), 0);
		ATF_REQUIRE_EQ(h_gpa_unmap(&r.m, 0, 2 * MIB), 0);
		t = now() - t;
		if (t > worst)
			worst = t;
	}
	ATF_CHECK_MSG(worst < 1, "one took %f s", worst);
	require_alive(&r);
	finish(&r);
}

/* Registers of each kind that a guest may spoil. */
struct fpu {
	_Alignas(64) uint8_t fx[512];
};

/* Run the VCPU once, from and to the registers given. */
static void
run_between(const struct h_machine *m, const struct fpu *before,
    struct fpu *after)
{
	struct nvmm_ioc_vcpu ioc = { .machid = m->id, .cpuid = 0 };
	long ret;

	__asm volatile("fxrstor64 (%1)\n\tsyscall\n\tfxsave64 (%2)"
	    : "=a" (ret)
	    : "r" (before->fx), "r" (after->fx), "a" ((long)SYS_ioctl),
	      "D" ((long)m->fd), "S" (NVMM_IOC_VCPU_RUN), "d" (&ioc)
	    : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
	      "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
	      "xmm12", "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)",
	      "st(3)", "st(4)", "st(5)", "st(6)", "st(7)");
	ATF_REQUIRE_EQ(ret, 0);
}

/* A thread's own values, through many runs beside others on the same CPUs. */
static void *
fpu_thread(void *arg)
{
	const unsigned char seed = (unsigned char)(uintptr_t)arg;
	struct fpu before, after;
	struct h_machine m;
	unsigned i;

	h_make(&m);
	memset(&before, 0, sizeof(before));
	memset(before.fx + 32, seed, 10);	/* ST(0) */
	memset(before.fx + 160, seed, 256);	/* XMM0 to XMM15 */
	before.fx[0] = 0x7F;			/* FCW 037F */
	before.fx[1] = 0x03;
	before.fx[4] = 0x01;			/* FTW: one in use */
	before.fx[24] = 0x80;			/* MXCSR 1F80 */
	before.fx[25] = 0x1F;
	for (i = 0; i < 3000; i++) {
		run_between(&m, &before, &after);
		ATF_REQUIRE_EQ(memcmp(after.fx, before.fx, 6), 0);
		ATF_REQUIRE_EQ(memcmp(after.fx + 24, before.fx + 24, 4), 0);
		ATF_REQUIRE_EQ(memcmp(after.fx + 32, before.fx + 32, 10), 0);
		ATF_REQUIRE_EQ(memcmp(after.fx + 160, before.fx + 160, 256),
		    0);
		if (i % 100 == 0)
			sched_yield();
	}
	return NULL;
}

ATF_TC(fpu_is_kept);
ATF_TC_HEAD(fpu_is_kept, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "what a guest does to the FPU's registers, no thread sees");
}
ATF_TC_BODY(fpu_is_kept, tc)
{
	pthread_t threads[6];
	uintptr_t i;

	h_need_backend("null");
	for (i = 0; i < 6; i++)
		pthread_create(&threads[i], NULL, fpu_thread,
		    (void *)(0x11 * (i + 1)));
	for (i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
}

ATF_TP_ADD_TCS(tp)
{

	h_begin();
	ATF_TP_ADD_TC(tp, offline_and_online);
	ATF_TP_ADD_TC(tp, wanted_at_once);
	ATF_TP_ADD_TC(tp, fpu_is_kept);
	return atf_no_error();
}
