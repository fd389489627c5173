/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Claims without a lock against all that has to keep them out: parks, the end
 * of VCPUs, and the end of a machine at root's word. What goes wrong here hangs
 * or trips an assert; nothing is timed.
 */

#include <sys/mman.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "h_frontend.h"

#define NTHREADS	3

static volatile int over;		/* atomic */
static volatile int inside;		/* atomic; in a claim of VCPU 0 */
static unsigned long done[NTHREADS];

/* Claim VCPU 0 again and again, and see that nobody else has it. */
static void *
claim_loop(void *arg)
{
	unsigned long *n = arg;
	struct nvmm_cpu *vcpu;

	while (!os_atomic_load(&over)) {
		if (nvmm_vcpu_claim(&h_first.owner, 0, 0, &vcpu) != 0)
			continue;
		if (os_atomic_add(&inside, 1) != 1)
			abort();
		os_atomic_add(&inside, -1);
		nvmm_vcpu_release(vcpu);
		os_atomic_store(n, *n + 1);
	}
	return NULL;
}

static void
threads_start(pthread_t *threads)
{
	unsigned i;

	os_atomic_store(&over, 0);
	memset(done, 0, sizeof(done));
	for (i = 0; i < NTHREADS; i++)
		ATF_REQUIRE_EQ(0, pthread_create(&threads[i], NULL,
		    claim_loop, &done[i]));
}

/* Claims so far, roughly. */
static unsigned long
claims(void)
{
	unsigned long sum;
	unsigned i;

	for (i = 0, sum = 0; i < NTHREADS; i++)
		sum += os_atomic_load(&done[i]);
	return sum;
}

static void
threads_join(pthread_t *threads)
{
	unsigned i;

	os_atomic_store(&over, 1);
	for (i = 0; i < NTHREADS; i++)
		ATF_REQUIRE_EQ(0, pthread_join(threads[i], NULL));
}

CASE(one_claim_at_a_time, "of threads that want a VCPU each gets it, alone")
{
	pthread_t threads[NTHREADS];
	unsigned i;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	h_cpu(0, 0);
	threads_start(threads);
	usleep(500000);
	threads_join(threads);
	for (i = 0; i < NTHREADS; i++)
		ATF_CHECK(done[i] > 10);
	h_end();
}

CASE(parks_come_through, "who parks gets the machine whole, however many claim")
{
	pthread_t threads[NTHREADS];
	struct nvmm_machine *mach;
	unsigned long before;
	unsigned i, j;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	h_cpu(0, 0);
	threads_start(threads);
	for (i = 0; i < 500 || claims() < 5000; i++) {
		ATF_REQUIRE_EQ(0,
		    nvmm_machine_get_parked(&h_first.owner, 0, &mach));
		before = claims();
		for (j = 0; j < 20; j++) {
			ATF_REQUIRE_EQ(0, os_atomic_load(&inside));
			(void)sched_yield();
		}
		/* Each may be about to count its last one. */
		ATF_REQUIRE(claims() - before <= NTHREADS);
		nvmm_machine_put_parked(mach);
	}
	threads_join(threads);
	h_end();
}

CASE(vcpus_come_and_go, "a VCPU is freed once nobody can claim it any more")
{
	pthread_t threads[NTHREADS];
	struct nvmm_comm_page *comm;
	unsigned i;

	h_start();
	ATF_REQUIRE_EQ(0, h_machine());
	threads_start(threads);
	for (i = 0; i < 3000; i++) {
		ATF_REQUIRE_EQ(0, h_vcpu_create(0, 0, &comm));
		ATF_REQUIRE_EQ(0, h_vcpu(NVMM_IOC_VCPU_DESTROY, 0, 0));
		ATF_REQUIRE_EQ(0, munmap(comm, PAGE));
	}
	threads_join(threads);
	h_end();
}

CASE(machines_come_and_go, "root ends machines while their VCPUs are claimed")
{
	struct nvmm_ioc_machine ioc = { .machid = 0 };
	pthread_t threads[NTHREADS];
	struct nvmm_comm_page *comm;
	struct h_owner root;
	unsigned i;

	h_start();
	h_owner_init(&root, getpid(), true);
	threads_start(threads);
	for (i = 0; i < 2000; i++) {
		ATF_REQUIRE_EQ(0, h_machine());
		comm = h_cpu(0, 0);
		ATF_REQUIRE_EQ(0, nvmm_ioctl(&root.owner,
		    NVMM_IOC_MACHINE_DESTROY, &ioc));
		ATF_REQUIRE_EQ(0, munmap(comm, PAGE));
	}
	threads_join(threads);
	h_end();
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, one_claim_at_a_time);
	ATF_TP_ADD_TC(tp, parks_come_through);
	ATF_TP_ADD_TC(tp, vcpus_come_and_go);
	ATF_TP_ADD_TC(tp, machines_come_and_go);
	return atf_no_error();
}
