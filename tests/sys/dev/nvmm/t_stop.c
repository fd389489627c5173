/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Stops, kicks and parks against runs in other threads: no stop is lost, none
 * counts twice, and nobody waits for a guest that does not leave.
 */

#include <sys/syscall.h>

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "h_frontend.h"

/* A thread that runs a VCPU until it gets an error or a last exit. */
struct runner {
	pthread_t thread;
	nvmm_machid_t machid;
	nvmm_cpuid_t cpuid;
	uint64_t last;			/* the reason that ends it */
	struct nvmm_comm_page *comm;
	unsigned runs;
	unsigned stopped;
	int error;
};

static void *
runner_main(void *arg)
{
	struct runner *r = arg;

	for (;;) {
		r->error = h_run(r->machid, r->cpuid);
		if (r->error)
			break;
		os_atomic_store(&r->runs, r->runs + 1);
		if (r->comm->exit.reason == NVMM_VCPU_EXIT_STOPPED)
			os_atomic_store(&r->stopped, r->stopped + 1);
		if (r->comm->exit.reason == r->last)
			break;
	}
	return NULL;
}

/* Start a runner that ends at an exit with reason last, or an error. */
static void
runner_start(struct runner *r, nvmm_machid_t m, nvmm_cpuid_t cpuid,
    struct nvmm_comm_page *comm, uint64_t last)
{

	memset(r, 0, sizeof(*r));
	r->machid = m;
	r->cpuid = cpuid;
	r->comm = comm;
	r->last = last;
	ATF_REQUIRE_EQ(0, pthread_create(&r->thread, NULL, runner_main, r));
}

static void
runner_join(struct runner *r)
{

	ATF_REQUIRE_EQ(0, pthread_join(r->thread, NULL));
}

static void
stop_and_kick(struct nvmm_comm_page *comm)
{

	os_atomic_store(&comm->stop, 1);
	ATF_CHECK_EQ(0, nvmm_machine_kick_unlocked(comm->machid, comm->cpuid));
}

CASE(stop_before_run, "a stop before the run ends it at once, and only it")
{
	struct nvmm_comm_page *comm;
	int i;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	comm = h_cpu(0, 0);
	fake_state(0, 0)->crs[NVMM_X64_CR_CR8] = 5;
	comm->state.gprs[NVMM_X64_GPR_RFLAGS] = 0x202;
	comm->state_commit = NVMM_X64_STATE_GPRS;
	/* Any number of stops before a run count as one. */
	for (i = 0; i < 3; i++)
		stop_and_kick(comm);
	ATF_REQUIRE_EQ(0, h_run(0, 0));
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_STOPPED, comm->exit.reason);
	ATF_CHECK_EQ(0, comm->stop);
	ATF_CHECK_EQ(0, fake_ncalls("vcpu_run"));
	/* What was marked is handed over, and exitstate is of now. */
	ATF_CHECK_EQ(0, comm->state_commit);
	ATF_CHECK_EQ(5, comm->exit.exitstate.cr8);
	ATF_CHECK_EQ(0x202, comm->exit.exitstate.rflags);
	h_exit(NVMM_VCPU_EXIT_HALTED);
	ATF_REQUIRE_EQ(0, h_run(0, 0));
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_HALTED, comm->exit.reason);
	h_end();
}

CASE(stop_during_run, "a stop ends a run that would never end")
{
	struct nvmm_comm_page *comm;
	struct runner r;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	comm = h_cpu(0, 0);
	runner_start(&r, 0, 0, comm, NVMM_VCPU_EXIT_STOPPED);
	h_await_running(1);
	stop_and_kick(comm);
	runner_join(&r);
	ATF_CHECK_EQ(0, r.error);
	ATF_CHECK_EQ(1, r.stopped);
	ATF_CHECK_EQ(0, comm->stop);
	h_end();
}

CASE(stop_with_another_exit_waits, "a stop beside another exit is for the next")
{
	const struct fake_exit exit = { .reason = NVMM_VCPU_EXIT_IO,
	    .stop = true };
	struct nvmm_comm_page *comm;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	comm = h_cpu(0, 0);
	fake_push_exit(&exit);
	ATF_REQUIRE_EQ(0, h_run(0, 0));
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_IO, comm->exit.reason);
	ATF_CHECK_EQ(1, comm->stop);
	ATF_REQUIRE_EQ(0, h_run(0, 0));
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_STOPPED, comm->exit.reason);
	ATF_CHECK_EQ(0, comm->stop);
	ATF_CHECK_EQ(1, fake_ncalls("vcpu_run"));
	h_end();
}

CASE(stop_with_no_exit_is_taken, "a stop beside EXIT_NONE turns it into STOPPED")
{
	const struct fake_exit exit = { .reason = NVMM_VCPU_EXIT_NONE,
	    .stop = true };
	struct nvmm_comm_page *comm;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	comm = h_cpu(0, 0);
	fake_push_exit(&exit);
	ATF_REQUIRE_EQ(0, h_run(0, 0));
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_STOPPED, comm->exit.reason);
	ATF_CHECK_EQ(0, comm->stop);
	h_end();
}

CASE(stop_survives_failed_run, "a run that fails takes no stop with it")
{
	const struct fake_exit exit = { .error = EIO, .stop = true };
	struct nvmm_comm_page *comm;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	comm = h_cpu(0, 0);
	fake_push_exit(&exit);
	ATF_CHECK_EQ(EIO, h_run(0, 0));
	ATF_CHECK_EQ(1, comm->stop);
	fake_fail("vcpu_getstate", 1, EIO);
	ATF_CHECK_EQ(EIO, h_run(0, 0));
	ATF_CHECK_EQ(1, comm->stop);
	ATF_CHECK_EQ(0, h_run(0, 0));
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_STOPPED, comm->exit.reason);
	h_end();
}

CASE(many_stops_none_lost, "each stop is answered, in a thousand")
{
	struct nvmm_comm_page *comm;
	struct runner r;
	unsigned i, j;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	comm = h_cpu(0, 0);
	runner_start(&r, 0, 0, comm, NVMM_VCPU_EXIT_SHUTDOWN);
	for (i = 1; i <= 1000; i++) {
		stop_and_kick(comm);
		for (j = 0; os_atomic_load(&r.stopped) < i; j++) {
			ATF_REQUIRE_MSG(j < 100000, "stop %u was lost", i);
			usleep(10);
		}
		ATF_REQUIRE_EQ(i, os_atomic_load(&r.stopped));
	}
	h_exit(NVMM_VCPU_EXIT_SHUTDOWN);
	ATF_REQUIRE_EQ(0, h_vcpu(NVMM_IOC_VCPU_KICK, 0, 0));
	runner_join(&r);
	ATF_CHECK_EQ(1000, r.stopped);
	h_end();
}

static struct nvmm_comm_page *handler_comm;

static void
handler(int sig)
{

	(void)sig;
	os_atomic_store(&handler_comm->stop, 1);
	(void)nvmm_machine_kick_unlocked(0, 0);
}

CASE(stop_from_signal_handler, "a stop may come from a signal handler")
{
	struct runner r;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	handler_comm = h_cpu(0, 0);
	signal(SIGUSR1, handler);
	runner_start(&r, 0, 0, handler_comm, NVMM_VCPU_EXIT_STOPPED);
	h_await_running(1);
	pthread_kill(r.thread, SIGUSR1);
	runner_join(&r);
	ATF_CHECK_EQ(1, r.stopped);
	h_end();
}

CASE(kick_alone_is_no_stop, "a kick returns EXIT_NONE")
{
	struct nvmm_comm_page *comm;
	struct runner r;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	comm = h_cpu(0, 0);
	runner_start(&r, 0, 0, comm, NVMM_VCPU_EXIT_NONE);
	h_await_running(1);
	ATF_CHECK_EQ(0, h_vcpu(NVMM_IOC_VCPU_KICK, 0, 0));
	runner_join(&r);
	ATF_CHECK_EQ(0, r.stopped);
	ATF_CHECK_EQ(NVMM_VCPU_EXIT_NONE, comm->exit.reason);
	h_end();
}

CASE(destroy_ends_running_vcpus, "a machine ends while its VCPUs run")
{
	struct runner r[8];
	unsigned i;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	for (i = 0; i < 8; i++)
		runner_start(&r[i], 0, i, h_cpu(0, i), ~(uint64_t)0);
	/* The comm pages go with the machine, so the runners must not look. */
	h_await_running(8);
	for (i = 0; i < 8; i++)
		r[i].comm = calloc(1, sizeof(*r[i].comm));
	ATF_CHECK_EQ(0, h_destroy(0));
	for (i = 0; i < 8; i++) {
		runner_join(&r[i]);
		ATF_CHECK_EQ(ENOENT, r[i].error);
		free(r[i].comm);
	}
	ATF_CHECK_EQ(8, fake_ncalls("vcpu_destroy"));
	h_end();
}

CASE(unmap_parks_running_vcpus, "memory changes while VCPUs run")
{
	struct nvmm_comm_page *comm[2];
	struct runner r[2];
	uintptr_t hva;
	int i;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	hva = h_memory(0, MiB);
	for (i = 0; i < 2; i++) {
		comm[i] = h_cpu(0, i);
		runner_start(&r[i], 0, i, comm[i], NVMM_VCPU_EXIT_STOPPED);
	}
	/* The fake asserts that nobody is in a run when the links change. */
	for (i = 0; i < 200; i++) {
		h_await_running(2);
		ATF_REQUIRE_EQ(0, h_gpa_map(0, hva, 0, MiB, PROT_RWX));
		ATF_REQUIRE_EQ(0, h_gpa_unmap(0, 0, MiB));
	}
	for (i = 0; i < 2; i++) {
		stop_and_kick(comm[i]);
		runner_join(&r[i]);
		ATF_CHECK_EQ(0, r[i].error);
		ATF_CHECK(r[i].runs > 1);
	}
	h_end();
}

CASE(getstate_does_not_wait_for_guest, "a second claim gets the VCPU in time")
{
	struct nvmm_comm_page *comm;
	struct runner r;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	comm = h_cpu(0, 0);
	runner_start(&r, 0, 0, comm, NVMM_VCPU_EXIT_STOPPED);
	h_await_running(1);
	comm->state_wanted = NVMM_X64_STATE_GPRS;
	ATF_CHECK_EQ(0, h_vcpu(NVMM_IOC_VCPU_GETSTATE, 0, 0));
	stop_and_kick(comm);
	runner_join(&r);
	h_end();
}

CASE(stats_do_not_wait_for_guest, "stats of a run in progress, its time included")
{
	struct nvmm_ctl_vcpu_stats st = { 0 };
	struct nvmm_comm_page *comm;
	struct runner r;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	comm = h_cpu(0, 0);
	runner_start(&r, 0, 0, comm, NVMM_VCPU_EXIT_STOPPED);
	h_await_running(1);
	usleep(20000);
	ATF_REQUIRE_EQ(0, h_ctl(NVMM_CTL_VCPU_STATS, &st, sizeof(st)));
	ATF_CHECK(st.run_ns >= 20000000);
	ATF_CHECK_EQ(1, st.runs);
	ATF_CHECK_EQ(1, fake_nrunning());
	stop_and_kick(comm);
	runner_join(&r);
	h_end();
}

static int served;			/* atomic */

/* Claims VCPU 0 of machine 0 once. */
static void *
claim_once(void *arg)
{
	struct nvmm_cpu *vcpu;

	(void)arg;
	if (nvmm_vcpu_claim(&h_first.owner, 0, 0, &vcpu) != 0)
		return NULL;
	os_atomic_store(&served, 1);
	nvmm_vcpu_release(vcpu);
	return NULL;
}

CASE(waiting_claim_is_not_overtaken, "who waits for a VCPU gets it next")
{
	struct nvmm_cpu *vcpu;
	pthread_t thread;
	int i;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	h_cpu(0, 0);
	for (i = 0; i < 100; i++) {
		os_atomic_store(&served, 0);
		ATF_REQUIRE_EQ(0, nvmm_vcpu_claim(&h_first.owner, 0, 0, &vcpu));
		ATF_REQUIRE_EQ(0, pthread_create(&thread, NULL, claim_once,
		    NULL));
		while (os_atomic_load(&vcpu->kicked) == 0)
			usleep(10);
		nvmm_vcpu_release(vcpu);
		ATF_REQUIRE_EQ(0, nvmm_vcpu_claim(&h_first.owner, 0, 0, &vcpu));
		ATF_CHECK_EQ(1, os_atomic_load(&served));
		nvmm_vcpu_release(vcpu);
		pthread_join(thread, NULL);
	}
	h_end();
}

static _Thread_local bool slow_clock;

/* In the place of libc's: a clock that takes long, for the thread that runs. */
int
clock_gettime(clockid_t id, struct timespec *ts)
{

	if (slow_clock)
		usleep(1000);
	return (int)syscall(SYS_clock_gettime, id, ts);
}

static int run_times_over;

/* Runs VCPU 0 of machine 0, whose exits all lie ready. */
static void *
run_slow(void *arg)
{
	int i;

	(void)arg;
	slow_clock = true;
	for (i = 0; i < 50; i++)
		(void)h_run(0, 0);
	os_atomic_store(&run_times_over, 1);
	return NULL;
}

CASE(run_time_is_monotone, "the time inside run does not go backwards")
{
	struct nvmm_ctl_vcpu_stats st = { 0 };
	pthread_t thread;
	uint64_t last;
	int i;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	h_cpu(0, 0);
	for (i = 0; i < 50; i++)
		h_exit(NVMM_VCPU_EXIT_HALTED);
	ATF_REQUIRE_EQ(0, pthread_create(&thread, NULL, run_slow, NULL));
	for (last = 0; !os_atomic_load(&run_times_over); last = st.run_ns) {
		ATF_REQUIRE_EQ(0, h_ctl(NVMM_CTL_VCPU_STATS, &st, sizeof(st)));
		ATF_REQUIRE(st.run_ns >= last);
	}
	pthread_join(thread, NULL);
	h_end();
}

/* Ends and makes machine 0 in a loop, against the other thread's requests. */
static void *
churn(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 300; i++) {
		(void)h_destroy(0);
		(void)h_machine();
		(void)h_vcpu_create(0, 0, NULL);
	}
	return NULL;
}

CASE(requests_race_with_destroy, "requests on a machine that comes and goes")
{
	pthread_t thread;
	uintptr_t hva;
	int i, error;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	h_cpu(0, 0);
	hva = h_range(PAGE);
	ATF_REQUIRE_EQ(0, pthread_create(&thread, NULL, churn, NULL));
	for (i = 0; i < 3000; i++) {
		error = h_vcpu(NVMM_IOC_VCPU_SETSTATE, 0, 0);
		ATF_CHECK(error == 0 || error == ENOENT);
		error = h_hva_map(0, hva, PAGE);
		ATF_CHECK(error == 0 || error == ENOENT || error == EEXIST);
		error = h_gpa_map(0, hva, 0, PAGE, PROT_RWX);
		ATF_CHECK(error == 0 || error == ENOENT || error == EEXIST ||
		    error == EINVAL);
		error = h_gpa_unmap(0, 0, PAGE);
		ATF_CHECK(error == 0 || error == ENOENT);
	}
	pthread_join(thread, NULL);
	h_end();
}

static int race_over;

/* Runs VCPU 0 of machine 0, whenever there is one. */
static void *
race_run(void *arg)
{

	(void)arg;
	while (!os_atomic_load(&race_over))
		(void)h_run(0, 0);
	return NULL;
}

/* Asks for machine 0 whole, whenever there is one. */
static void *
race_park(void *arg)
{
	const uintptr_t hva = (uintptr_t)arg;

	while (!os_atomic_load(&race_over)) {
		(void)h_hva_map(0, hva, PAGE);
		(void)h_gpa_map(0, hva, 0, PAGE, PROT_RWX);
		(void)h_vcpu(NVMM_IOC_VCPU_DESTROY, 0, 1);
		(void)h_vcpu_create(0, 1, NULL);
	}
	return NULL;
}

CASE(parks_race_with_destroy, "who waits for a machine outlives its end")
{
	pthread_t threads[4];
	int i;

	h_start();
	fake_caps.quiet = true;
	for (i = 0; i < 4; i++)
		ATF_REQUIRE_EQ(0, pthread_create(&threads[i], NULL,
		    i == 0 ? race_run : race_park, (void *)h_range(PAGE)));
	for (i = 0; i < 500; i++) {
		ATF_REQUIRE_EQ(0, h_machine());
		(void)h_vcpu_create(0, 0, NULL);
		usleep(i % 4 * 20);
		ATF_REQUIRE_EQ(0, h_destroy(0));
	}
	os_atomic_store(&race_over, 1);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	fake_caps.quiet = false;
	h_end();
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, stop_before_run);
	ATF_TP_ADD_TC(tp, stop_during_run);
	ATF_TP_ADD_TC(tp, stop_with_another_exit_waits);
	ATF_TP_ADD_TC(tp, stop_with_no_exit_is_taken);
	ATF_TP_ADD_TC(tp, stop_survives_failed_run);
	ATF_TP_ADD_TC(tp, many_stops_none_lost);
	ATF_TP_ADD_TC(tp, stop_from_signal_handler);
	ATF_TP_ADD_TC(tp, kick_alone_is_no_stop);
	ATF_TP_ADD_TC(tp, destroy_ends_running_vcpus);
	ATF_TP_ADD_TC(tp, unmap_parks_running_vcpus);
	ATF_TP_ADD_TC(tp, getstate_does_not_wait_for_guest);
	ATF_TP_ADD_TC(tp, stats_do_not_wait_for_guest);
	ATF_TP_ADD_TC(tp, waiting_claim_is_not_overtaken);
	ATF_TP_ADD_TC(tp, run_time_is_monotone);
	ATF_TP_ADD_TC(tp, requests_race_with_destroy);
	ATF_TP_ADD_TC(tp, parks_race_with_destroy);
	return atf_no_error();
}
