/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Whole guests of a few instructions (d_guests.S) on whatever driver there is:
 * each way in which a guest ends, the timer, VCPUs among each other, and what
 * a guest must not be able to do.
 */

#include <sys/stat.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <nvmm.h>

#include "guest.h"
#include "h_elf.h"

#define CODE(name)	extern const uint8_t name[], name##_end[]
CODE(g_exit);
CODE(g_spin);
CODE(g_halt);
CODE(g_busy);
CODE(g_power);
CODE(g_nmi);
CODE(g_timer);
CODE(g_deadline);
CODE(g_deadline_spin);
CODE(g_tpr);
CODE(g_msr);
CODE(g_nobody);
CODE(g_lost);
CODE(g_init);
CODE(g_smp);

struct run {
	struct guest *g;
	unsigned cpu;
	pthread_t thread;
};

/* Skips the case where no driver is. */
static void
need_driver(void)
{
	struct guest_error err;

	if (guest_init(&err) == -1)
		atf_tc_skip("%s", err.text);
}

/* A guest with the code loaded. */
static struct guest *
make(const uint8_t *code, const uint8_t *end, unsigned ncpus)
{
	struct guest_config conf = { .mem = 4 << 20, .ncpus = ncpus };
	uint32_t others = ncpus - 1;
	struct guest_error err;
	struct guest *g;
	struct h_elf e;
	int fd;

	need_driver();
	h_elf_make(&e, 0);
	ATF_REQUIRE(end - code <= 0x1000);
	memcpy((uint8_t *)&e + 0x1000, code, (size_t)(end - code));
	memcpy((uint8_t *)&e + 0x2000, &others, sizeof(others));
	fd = h_elf_file(&e, sizeof(e));
	ATF_REQUIRE_EQ_MSG(guest_create(&conf, &g, &err), 0, "%s", err.text);
	ATF_REQUIRE_EQ_MSG(guest_load(g, fd, "guest", &err), 0, "%s",
	    err.text);
	close(fd);
	return g;
}
#define MAKE(name, ncpus)	make(name, name##_end, ncpus)

static void *
run_main(void *arg)
{
	struct run *r = arg;

	guest_vcpu_run(r->g, r->cpu);
	return NULL;
}

/* Threads for the VCPUs. */
static struct run *
start(struct guest *g, unsigned ncpus)
{
	struct run *r = calloc(ncpus, sizeof(*r));
	unsigned i;

	for (i = 0; i < ncpus; i++) {
		r[i].g = g;
		r[i].cpu = i;
		ATF_REQUIRE_EQ(pthread_create(&r[i].thread, NULL, run_main,
		    &r[i]), 0);
	}
	return r;
}

/* Wait for the end; a guest that has none after 20 s fails the case. */
static void
finish(struct guest *g, struct run *r, unsigned ncpus,
    struct guest_result *result)
{
	struct timespec until;
	unsigned i;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 20;
	for (i = 0; i < ncpus; i++)
		ATF_REQUIRE_EQ_MSG(pthread_timedjoin_np(r[i].thread, NULL,
		    &until), 0, "VCPU %u did not return", i);
	free(r);
	guest_result(g, result);
}

/* The guest run to its own end. */
static void
run(struct guest *g, unsigned ncpus, struct guest_result *result)
{
	finish(g, start(g, ncpus), ncpus, result);
}

/* It must end by the exit port with this status. */
static void
expect(struct guest *g, unsigned ncpus, uint32_t status)
{
	struct guest_result result;

	run(g, ncpus, &result);
	ATF_CHECK_EQ_MSG(result.end, GUEST_EXITED, "%s: %s",
	    guest_end_name(result.end), result.text);
	ATF_CHECK_EQ_MSG(result.status, status, "status %u", result.status);
	guest_destroy(g);
}

ATF_TC_WITHOUT_HEAD(exits);
ATF_TC_BODY(exits, tc)
{
	struct guest_result result;
	struct guest_vcpu_stats st;
	struct guest *g;
	char dump[4096];

	(void)tc;
	g = MAKE(g_exit, 1);
	guest_result(g, &result);
	ATF_CHECK_EQ(result.end, GUEST_RUNNING);
	ATF_CHECK_EQ(guest_vcpu_dump(g, 0, dump, sizeof(dump)), 0);
	run(g, 1, &result);
	ATF_CHECK_EQ(result.end, GUEST_EXITED);
	ATF_CHECK_EQ(result.status, 5);
	ATF_CHECK_EQ(result.cpu, 0);
	ATF_CHECK_STREQ(result.text, "VCPU 0 wrote 5 to the exit port");
	ATF_CHECK_EQ(guest_vcpu_stats(g, 0, &st), 0);
	ATF_CHECK_STREQ(st.last_exit, "io port 0xf4");
	ATF_CHECK(st.exits_user[4] >= 1);
	ATF_CHECK_EQ(guest_vcpu_stats(g, 1, &st), -1);
	ATF_CHECK(guest_vcpu_dump(g, 0, dump, sizeof(dump)) > 100);
	ATF_CHECK(strstr(dump, "rip 00000000001000") != NULL);
	ATF_CHECK(guest_vcpu_dump(g, 0, dump, 10) > 100);
	ATF_CHECK_EQ(strlen(dump), 9);
	/* Another run of what has ended returns at once. */
	guest_vcpu_run(g, 0);
	guest_stop(g);
	guest_result(g, &result);
	ATF_CHECK_EQ(result.end, GUEST_EXITED);
	guest_destroy(g);
}

/* A guest that does not end by itself ends by guest_stop, in little time. */
static void
stops(struct guest *g, unsigned ncpus)
{
	struct guest_result result;
	struct run *r;

	r = start(g, ncpus);
	usleep(100000);
	guest_result(g, &result);
	ATF_CHECK_EQ_MSG(result.end, GUEST_RUNNING, "%s", result.text);
	guest_stop(g);
	finish(g, r, ncpus, &result);
	ATF_CHECK_EQ(result.end, GUEST_STOPPED);
	guest_destroy(g);
}

ATF_TC_WITHOUT_HEAD(stop_while_spinning);
ATF_TC_BODY(stop_while_spinning, tc)
{
	(void)tc;
	stops(MAKE(g_spin, 1), 1);
	stops(MAKE(g_spin, 3), 3);
}

/* Exits for ports so far. */
static uint64_t
port_exits(struct guest *g)
{
	struct guest_vcpu_stats st;

	ATF_REQUIRE_EQ(guest_vcpu_stats(g, 0, &st), 0);
	return st.exits_user[4];
}

/* True once the VCPU's thread sleeps, for want of a SIPI for one. */
static bool
waits(struct guest *g, unsigned cpu)
{
	struct guest_vcpu_stats st;

	ATF_REQUIRE_EQ(guest_vcpu_stats(g, cpu, &st), 0);
	return st.halted;
}

ATF_TC_WITHOUT_HEAD(pause_holds_all_vcpus);
ATF_TC_BODY(pause_holds_all_vcpus, tc)
{
	struct nvmm_x64_state regs;
	struct guest_result result;
	struct guest *g;
	struct run *r;
	uint64_t before;
	int i;

	(void)tc;
	g = MAKE(g_busy, 2);
	ATF_CHECK_EQ(guest_vcpu_regs(g, 0, &regs), -1);
	ATF_CHECK_EQ(errno, EBUSY);
	r = start(g, 2);
	/* A thread that has not come yet is held when it does. */
	while (port_exits(g) == 0 || !waits(g, 1))
		usleep(1000);
	for (i = 0; i < 20; i++) {
		ATF_REQUIRE_EQ(guest_pause(g), 0);
		before = port_exits(g);
		usleep(5000);
		ATF_CHECK_EQ(port_exits(g), before);
		ATF_CHECK_EQ(guest_vcpu_regs(g, 0, &regs), 0);
		ATF_CHECK_EQ(regs.gprs[NVMM_X64_GPR_RIP] & ~0xfULL, 0x100000);
		ATF_CHECK_EQ(guest_vcpu_regs(g, 1, &regs), 0);
		ATF_CHECK_EQ(guest_vcpu_regs(g, 2, &regs), -1);
		ATF_CHECK_EQ(errno, EINVAL);
		guest_resume(g);
		while (port_exits(g) == before)
			usleep(1000);
	}
	ATF_CHECK_EQ(guest_vcpu_regs(g, 0, &regs), -1);
	/* Paused, it ends when told to. */
	ATF_CHECK_EQ(guest_pause(g), 0);
	guest_stop(g);
	finish(g, r, 2, &result);
	ATF_CHECK_EQ(result.end, GUEST_STOPPED);
	ATF_CHECK_EQ(guest_pause(g), -1);
	ATF_CHECK_EQ(guest_vcpu_regs(g, 1, &regs), 0);
	guest_destroy(g);
}

ATF_TC_WITHOUT_HEAD(throttle_holds_and_lets_go);
ATF_TC_BODY(throttle_holds_and_lets_go, tc)
{
	struct nvmm_x64_state regs;
	struct guest_result result;
	struct guest *g;
	struct run *r;
	uint64_t before;
	int i;

	(void)tc;
	g = MAKE(g_busy, 2);
	r = start(g, 2);
	for (i = 0; i < 20; i++) {
		guest_throttle(g, true);
		usleep(20000);
		before = port_exits(g);
		usleep(5000);
		ATF_CHECK_EQ(port_exits(g), before);
		ATF_CHECK_EQ(guest_vcpu_regs(g, 0, &regs), -1);
		/* A pause meanwhile is one, and outlasts it. */
		if (i % 2 == 1) {
			ATF_CHECK_EQ(guest_pause(g), 0);
			ATF_CHECK_EQ(guest_vcpu_regs(g, 0, &regs), 0);
			guest_throttle(g, false);
			usleep(5000);
			ATF_CHECK_EQ(port_exits(g), before);
			guest_resume(g);
		}
		guest_throttle(g, false);
		while (port_exits(g) == before)
			usleep(1000);
	}
	/* Throttled, it ends when told to. */
	guest_throttle(g, true);
	guest_stop(g);
	finish(g, r, 2, &result);
	ATF_CHECK_EQ(result.end, GUEST_STOPPED);
	guest_destroy(g);
}

ATF_TC_WITHOUT_HEAD(power);
ATF_TC_BODY(power, tc)
{
	struct guest_result result;
	struct guest *g;
	struct run *r;

	(void)tc;
	g = MAKE(g_halt, 1);
	ATF_CHECK(!guest_power(g));
	guest_destroy(g);
	/* Asked before it listens, it hears as soon as it does. */
	g = MAKE(g_power, 1);
	ATF_CHECK(!guest_power(g));
	expect(g, 1, 6);
	g = MAKE(g_power, 1);
	r = start(g, 1);
	usleep(100000);
	ATF_CHECK(guest_power(g));
	finish(g, r, 1, &result);
	ATF_CHECK_EQ_MSG(result.status, 6, "%s", result.text);
	guest_destroy(g);
}

ATF_TC_WITHOUT_HEAD(nmi);
ATF_TC_BODY(nmi, tc)
{
	struct guest_result result;
	struct guest *g;
	struct run *r;

	(void)tc;
	g = MAKE(g_nmi, 1);
	ATF_CHECK_EQ(guest_nmi(g, 1), -1);
	ATF_CHECK_EQ(errno, EINVAL);
	r = start(g, 1);
	usleep(100000);
	ATF_CHECK_EQ(guest_nmi(g, 0), 0);
	finish(g, r, 1, &result);
	ATF_CHECK_EQ_MSG(result.status, 7, "%s", result.text);
	guest_destroy(g);
}

ATF_TC_WITHOUT_HEAD(stop_while_halted_for_ever);
ATF_TC_BODY(stop_while_halted_for_ever, tc)
{
	struct guest_result result;
	struct guest_vcpu_stats st;
	struct guest *g;
	struct run *r;

	(void)tc;
	stops(MAKE(g_halt, 1), 1);
	g = MAKE(g_halt, 1);
	r = start(g, 1);
	usleep(100000);
	ATF_CHECK_EQ(guest_vcpu_stats(g, 0, &st), 0);
	ATF_CHECK(st.halted);
	ATF_CHECK_STREQ(st.last_exit, "halted");
	guest_stop(g);
	finish(g, r, 1, &result);
	guest_destroy(g);
}

ATF_TC_WITHOUT_HEAD(stop_before_start);
ATF_TC_BODY(stop_before_start, tc)
{
	struct guest_result result;
	struct guest *g;

	(void)tc;
	g = MAKE(g_spin, 2);
	guest_stop(g);
	run(g, 2, &result);
	ATF_CHECK_EQ(result.end, GUEST_STOPPED);
	guest_destroy(g);
}

ATF_TC_WITHOUT_HEAD(stop_in_every_moment);
ATF_TC_BODY(stop_in_every_moment, tc)
{
	struct guest_result result;
	struct guest *g;
	struct run *r;
	useconds_t us;

	(void)tc;
	for (us = 0; us < 60; us++) {
		g = us % 2 != 0 ? MAKE(g_spin, 2) : MAKE(g_halt, 2);
		r = start(g, 2);
		usleep(us * 20);
		guest_stop(g);
		finish(g, r, 2, &result);
		ATF_REQUIRE_EQ(result.end, GUEST_STOPPED);
		guest_destroy(g);
	}
}

ATF_TC_WITHOUT_HEAD(nothing_loaded);
ATF_TC_BODY(nothing_loaded, tc)
{
	struct guest_config conf = { .mem = 2 << 20, .ncpus = 1 };
	struct guest_result result;
	struct guest_error err;
	struct guest *g;

	(void)tc;
	need_driver();
	ATF_REQUIRE_EQ(guest_create(&conf, &g, &err), 0);
	run(g, 1, &result);
	ATF_CHECK_EQ(result.end, GUEST_FAILED);
	ATF_CHECK_STREQ(result.text, "nothing is loaded");
	guest_destroy(g);
}

ATF_TC_WITHOUT_HEAD(timer_ends_a_spin);
ATF_TC_BODY(timer_ends_a_spin, tc)
{
	(void)tc;
	expect(MAKE(g_timer, 1), 1, 7);
}

ATF_TC_WITHOUT_HEAD(tsc_deadline_ends_a_halt);
ATF_TC_BODY(tsc_deadline_ends_a_halt, tc)
{
	(void)tc;
	expect(MAKE(g_deadline, 1), 1, 8);
}

ATF_TC_WITHOUT_HEAD(tsc_deadline_ends_a_spin);
ATF_TC_BODY(tsc_deadline_ends_a_spin, tc)
{
	(void)tc;
	expect(MAKE(g_deadline_spin, 1), 1, 8);
}

ATF_TC_WITHOUT_HEAD(interrupt_when_tpr_allows);
ATF_TC_BODY(interrupt_when_tpr_allows, tc)
{
	(void)tc;
	expect(MAKE(g_tpr, 1), 1, 9);
}

ATF_TC_WITHOUT_HEAD(msrs);
ATF_TC_BODY(msrs, tc)
{
	(void)tc;
	expect(MAKE(g_msr, 1), 1, 13);
}

ATF_TC_WITHOUT_HEAD(nobody_answers);
ATF_TC_BODY(nobody_answers, tc)
{
	(void)tc;
	expect(MAKE(g_nobody, 1), 1, 11);
}

ATF_TC_WITHOUT_HEAD(smp_start_and_ipis);
ATF_TC_BODY(smp_start_and_ipis, tc)
{
	(void)tc;
	expect(MAKE(g_smp, 2), 2, 3);
	expect(MAKE(g_smp, 4), 4, 9);
}

ATF_TC_WITHOUT_HEAD(lost_guest_ends_in_words);
ATF_TC_BODY(lost_guest_ends_in_words, tc)
{
	struct guest_result result;
	struct guest *g;

	(void)tc;
	g = MAKE(g_lost, 1);
	run(g, 1, &result);
	ATF_CHECK_MSG(result.end == GUEST_INVALID ||
	    result.end == GUEST_FAILED, "%s", guest_end_name(result.end));
	ATF_CHECK_MSG(strstr(result.text, "d0000000") != NULL, "%s",
	    result.text);
	guest_destroy(g);
}

ATF_TC_WITHOUT_HEAD(init_resets_the_first);
ATF_TC_BODY(init_resets_the_first, tc)
{
	struct guest_result result;
	struct guest *g;

	(void)tc;
	g = MAKE(g_init, 2);
	run(g, 2, &result);
	ATF_CHECK_EQ(result.end, GUEST_SHUTDOWN);
	ATF_CHECK_STREQ(result.text, "VCPU 0: reset by an INIT interrupt");
	guest_destroy(g);
}

ATF_TC_WITHOUT_HEAD(bad_configurations);
ATF_TC_BODY(bad_configurations, tc)
{
	static const struct guest_config confs[] = {
		{ .mem = 0, .ncpus = 1 },
		{ .mem = (2 << 20) - 4096, .ncpus = 1 },
		{ .mem = (2 << 20) + 1, .ncpus = 1 },
		{ .mem = (128ULL << 30) + 4096, .ncpus = 1 },
		{ .mem = 2 << 20, .ncpus = 0 },
		{ .mem = 2 << 20, .ncpus = 257 },
	};
	struct guest_error err;
	struct guest *g;
	size_t i;

	(void)tc;
	need_driver();
	for (i = 0; i < sizeof(confs) / sizeof(confs[0]); i++) {
		ATF_CHECK_EQ(guest_create(&confs[i], &g, &err), -1);
		ATF_CHECK(err.text[0] != '\0');
		ATF_CHECK_EQ(err.code, EINVAL);
	}
}

ATF_TC_WITHOUT_HEAD(memory_is_lazy);
ATF_TC_BODY(memory_is_lazy, tc)
{
	struct guest_config conf = { .mem = 512 << 20, .ncpus = 1 };
	struct guest_memory m;
	struct guest_error err;
	struct guest *g;
	struct h_elf e;
	int fd;

	(void)tc;
	need_driver();
	h_elf_make(&e, 0);
	fd = h_elf_file(&e, sizeof(e));
	ATF_REQUIRE_EQ(guest_create(&conf, &g, &err), 0);
	ATF_REQUIRE_EQ(guest_load(g, fd, "guest", &err), 0);
	ATF_CHECK_EQ(guest_load(g, fd, "guest", &err), -1);
	ATF_CHECK_EQ(err.code, EBUSY);
	ATF_REQUIRE_EQ(guest_memory(g, &m), 0);
	ATF_CHECK_EQ(m.mapped, 512 << 20);
	ATF_CHECK_MSG(m.resident < 256 << 10, "%llu bytes",
	    (unsigned long long)m.resident);
	guest_destroy(g);
	close(fd);
}

ATF_TC_WITHOUT_HEAD(error_is_one_whole_line);
ATF_TC_BODY(error_is_one_whole_line, tc)
{
	struct guest_config conf = { .mem = 2 << 20, .ncpus = 1 };
	struct guest_error err;
	struct guest *g;
	char name[400];
	int fd;

	(void)tc;
	need_driver();
	fd = h_elf_file("no ELF", 6);
	ATF_REQUIRE_EQ(guest_create(&conf, &g, &err), 0);
	ATF_CHECK_EQ(guest_load(g, fd, "a\nb\033", &err), -1);
	ATF_CHECK_STREQ(err.text, "a?b?: not an ELF file");
	/* A name of any length leaves room for what was wrong with it. */
	memset(name, 'd', sizeof(name));
	strcpy(name + 300, "/file");
	ATF_CHECK_EQ(guest_load(g, fd, name, &err), -1);
	ATF_CHECK_MSG(strncmp(err.text, "...ddd", 6) == 0 &&
	    strstr(err.text, "d/file: not an ELF file") != NULL, "%s",
	    err.text);
	guest_destroy(g);
	close(fd);
}

/* True if guest_init fails with this code and exactly this text. */
static bool
init_says(int code, const char *text)
{
	struct guest_error err;

	if (guest_init(&err) == 0 || err.code != code)
		return false;
	return strcmp(err.text, text) == 0;
}

/* The device that is here; the first that is tried. */
static const char *
init_device(void)
{
	return access("/dev/nvmm", F_OK) == 0 ? "/dev/nvmm" : "/dev/kvm";
}

/* As somebody who may open no device. */
static bool
init_as_nobody(void)
{
	char text[64];

	snprintf(text, sizeof(text), "permission denied: %s", init_device());
	return setgroups(0, NULL) == 0 && setgid(65534) == 0 &&
	    setuid(65534) == 0 && init_says(EACCES, text);
}

/* Where there are no devices: in the case's own, empty folder. */
static bool
init_without_devices(void)
{
	return chroot(".") == 0 &&
	    init_says(ENOENT, "neither /dev/nvmm nor /dev/kvm here");
}

/* The function must be true in a child, whose driver is not open. */
static void
check_in_child(bool (*f)(void))
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		atf_tc_skip("only root can give rights away");
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0)
		_exit(f() ? 0 : 1);
	ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	ATF_CHECK_EQ(status, 0);
}

ATF_TC_WITHOUT_HEAD(device_not_ours_is_named);
ATF_TC_BODY(device_not_ours_is_named, tc)
{
	struct stat st;

	(void)tc;
	if (stat(init_device(), &st) == -1 || (st.st_mode & 06) == 06)
		atf_tc_skip("no %s, or it is open to all", init_device());
	check_in_child(init_as_nobody);
}

ATF_TC_WITHOUT_HEAD(no_device_is_said);
ATF_TC_BODY(no_device_is_said, tc)
{
	(void)tc;
	check_in_child(init_without_devices);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, exits);
	ATF_TP_ADD_TC(tp, stop_while_spinning);
	ATF_TP_ADD_TC(tp, pause_holds_all_vcpus);
	ATF_TP_ADD_TC(tp, throttle_holds_and_lets_go);
	ATF_TP_ADD_TC(tp, power);
	ATF_TP_ADD_TC(tp, nmi);
	ATF_TP_ADD_TC(tp, stop_while_halted_for_ever);
	ATF_TP_ADD_TC(tp, stop_before_start);
	ATF_TP_ADD_TC(tp, stop_in_every_moment);
	ATF_TP_ADD_TC(tp, nothing_loaded);
	ATF_TP_ADD_TC(tp, timer_ends_a_spin);
	ATF_TP_ADD_TC(tp, tsc_deadline_ends_a_halt);
	ATF_TP_ADD_TC(tp, tsc_deadline_ends_a_spin);
	ATF_TP_ADD_TC(tp, interrupt_when_tpr_allows);
	ATF_TP_ADD_TC(tp, msrs);
	ATF_TP_ADD_TC(tp, nobody_answers);
	ATF_TP_ADD_TC(tp, smp_start_and_ipis);
	ATF_TP_ADD_TC(tp, lost_guest_ends_in_words);
	ATF_TP_ADD_TC(tp, init_resets_the_first);
	ATF_TP_ADD_TC(tp, bad_configurations);
	ATF_TP_ADD_TC(tp, memory_is_lazy);
	ATF_TP_ADD_TC(tp, error_is_one_whole_line);
	ATF_TP_ADD_TC(tp, device_not_ours_is_named);
	ATF_TP_ADD_TC(tp, no_device_is_said);
	return atf_no_error();
}
