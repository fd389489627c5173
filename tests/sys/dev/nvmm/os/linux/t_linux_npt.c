/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Nested page tables on Linux, looked at through the null backend: what faults
 * put there, and what unmapping takes away.
 */

#include <sys/mman.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "h_linux.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif

#define LARGE	(2 * MIB)

/* Memory whose pages carry their number plus one. */
static uint8_t *
make_marked(struct h_machine *m, size_t size)
{
	uint8_t *p;
	size_t i;

	h_need_backend("null");
	h_make(m);
	p = h_range(size);
	ATF_REQUIRE_EQ(h_hva_map(m, p, size), 0);
	for (i = 0; i < size / PAGE; i++)
		*(uint64_t *)(p + i * PAGE) = i + 1;
	return p;
}

ATF_TC(protections);
ATF_TC_HEAD(protections, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "a fault is served for what the link allows, and for no more");
}
ATF_TC_BODY(protections, tc)
{
	struct h_machine m;
	uint8_t *p;

	p = make_marked(&m, LARGE);
	ATF_REQUIRE_EQ(h_gpa_map(&m, p, 0, PAGE, NVMM_PROT_READ), 0);
	ATF_REQUIRE_EQ(h_gpa_map(&m, p, PAGE, PAGE, RW), 0);
	ATF_REQUIRE_EQ(h_gpa_map(&m, p, 2 * PAGE, PAGE,
	    NVMM_PROT_READ | NVMM_PROT_EXEC), 0);
	ATF_CHECK_EQ(h_fault(&m, 8, NVMM_PROT_WRITE, NULL), EFAULT);
	ATF_CHECK_EQ(h_fault(&m, 8, NVMM_PROT_EXEC, NULL), EFAULT);
	ATF_CHECK(!h_look(&m, 0, NULL));
	ATF_CHECK_EQ(h_fault(&m, 8, NVMM_PROT_READ, NULL), 0);
	ATF_CHECK_EQ(h_fault(&m, PAGE, RW, NULL), 0);
	ATF_CHECK_EQ(h_fault(&m, PAGE, NVMM_PROT_EXEC, NULL), EFAULT);
	ATF_CHECK_EQ(h_fault(&m, 2 * PAGE, NVMM_PROT_EXEC, NULL), 0);
	ATF_CHECK_EQ(h_fault(&m, 2 * PAGE, NVMM_PROT_WRITE, NULL), EFAULT);
	ATF_CHECK_EQ(h_fault(&m, 3 * PAGE, NVMM_PROT_READ, NULL), EFAULT);
	ATF_CHECK_EQ(h_fault(&m, 1ULL << 60, NVMM_PROT_READ, NULL), EFAULT);
	ATF_CHECK(!h_look(&m, 1ULL << 48, NULL));
}

ATF_TC(unmap_takes_away);
ATF_TC_HEAD(unmap_takes_away, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "unmapping empties the tables, frees them, and grows the generation");
}
ATF_TC_BODY(unmap_takes_away, tc)
{
	struct h_result before, after;
	struct h_machine m;
	uint64_t data;
	uint8_t *p;
	long held;

	p = make_marked(&m, LARGE);
	held = h_held("pages");
	ATF_REQUIRE_EQ(h_gpa_map(&m, p, 0x40000000, LARGE, RWX), 0);
	ATF_REQUIRE_EQ(h_fault(&m, 0x40000000, RW, NULL), 0);
	ATF_REQUIRE_EQ(h_fault(&m, 0x40005000, RW, NULL), 0);
	ATF_REQUIRE(h_held("pages") > held);
	ATF_REQUIRE_EQ(h_op(m.fd, m.id, 0, m.comm, NULL_LOOK, 0, 0, &before),
	    0);
	ATF_REQUIRE_EQ(h_gpa_unmap(&m, 0x40005000, PAGE), 0);
	ATF_REQUIRE_EQ(h_op(m.fd, m.id, 0, m.comm, NULL_LOOK, 0, 0, &after),
	    0);
	ATF_CHECK(after.generation > before.generation);
	ATF_CHECK(!h_look(&m, 0x40005000, NULL));
	ATF_CHECK_EQ(h_fault(&m, 0x40005000, RW, NULL), EFAULT);
	ATF_CHECK(h_look(&m, 0x40000000, &data));
	ATF_CHECK_EQ(data, 1);
	ATF_CHECK_EQ(h_fault(&m, 0x40006000, RW, &data), 0);
	ATF_CHECK_EQ(data, 7);
	ATF_REQUIRE_EQ(h_gpa_unmap(&m, 0x40000000, LARGE), 0);
	ATF_CHECK_EQ(h_held("pages"), held);
}

ATF_TC(large_pages);
ATF_TC_HEAD(large_pages, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "memory populated in sequence is linked by 2 MiB where it fits");
}
ATF_TC_BODY(large_pages, tc)
{
	struct h_machine m;
	uint64_t data;
	uint8_t *p;
	long held;

	p = make_marked(&m, 8 * LARGE);
	ATF_REQUIRE_EQ(h_gpa_map(&m, p, 0, 8 * LARGE, RWX), 0);
	ATF_REQUIRE_EQ(h_fault(&m, 0, RW, NULL), 0);
	held = h_held("pages");
	ATF_REQUIRE_EQ(h_fault(&m, 5 * LARGE + 3 * PAGE, RW, &data), 0);
	ATF_CHECK_EQ(data, 5 * 512 + 4);
	ATF_CHECK_MSG(h_held("pages") == held, "a table was needed");
	ATF_CHECK(h_look(&m, 5 * LARGE + 511 * PAGE, &data));
	ATF_CHECK_EQ(data, 6 * 512);
	/* What remains of a large page comes back small. */
	ATF_REQUIRE_EQ(h_gpa_unmap(&m, 5 * LARGE + PAGE, PAGE), 0);
	ATF_CHECK_EQ(h_fault(&m, 5 * LARGE + PAGE, RW, NULL), EFAULT);
	ATF_CHECK_EQ(h_fault(&m, 5 * LARGE, RW, &data), 0);
	ATF_CHECK_EQ(data, 5 * 512 + 1);
	ATF_CHECK_EQ(h_fault(&m, 5 * LARGE + 2 * PAGE, RW, &data), 0);
	ATF_CHECK_EQ(data, 5 * 512 + 3);
	ATF_CHECK(!h_look(&m, 5 * LARGE + PAGE, NULL));
	ATF_CHECK(!h_look(&m, 5 * LARGE + 4 * PAGE, NULL));
}

ATF_TC(misaligned_large_pages);
ATF_TC_HEAD(misaligned_large_pages, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "memory that is not aligned like its address is linked by 4 KiB");
}
ATF_TC_BODY(misaligned_large_pages, tc)
{
	struct h_machine m;
	uint64_t data;
	uint8_t *p;

	p = make_marked(&m, 4 * LARGE);
	/* All of [17, 18) LARGE is linked, and off by a page. */
	ATF_REQUIRE_EQ(h_gpa_map(&m, p + LARGE, 16 * LARGE + PAGE, 3 * LARGE,
	    RW), 0);
	ATF_CHECK_EQ(h_fault(&m, 17 * LARGE + 5 * PAGE, RW, &data), 0);
	ATF_CHECK_EQ(data, 2 * 512 + 5);
	ATF_CHECK(!h_look(&m, 17 * LARGE + 6 * PAGE, NULL));
	/* The link ends within the large page. */
	ATF_REQUIRE_EQ(h_gpa_map(&m, p + 2 * LARGE, 32 * LARGE, MIB, RW), 0);
	ATF_CHECK_EQ(h_fault(&m, 32 * LARGE, RW, &data), 0);
	ATF_CHECK_EQ(data, 2 * 512 + 1);
	ATF_CHECK(!h_look(&m, 32 * LARGE + MIB, NULL));
	ATF_CHECK_EQ(h_fault(&m, 32 * LARGE + MIB, RW, NULL), EFAULT);
}

ATF_TC(last_address);
ATF_TC_HEAD(last_address, tc)
{
	atf_tc_set_md_var(tc, "descr", "the last page below 128 GiB works");
}
ATF_TC_BODY(last_address, tc)
{
	struct h_machine m;
	uint64_t data;
	uint8_t *p;

	p = make_marked(&m, LARGE);
	ATF_REQUIRE_EQ(h_gpa_map(&m, p + PAGE, NVMM_MAX_RAM - PAGE, PAGE, RW),
	    0);
	ATF_CHECK_EQ(h_fault(&m, NVMM_MAX_RAM - 8, RW, NULL), 0);
	ATF_CHECK(h_look(&m, NVMM_MAX_RAM - PAGE, &data));
	ATF_CHECK_EQ(data, 2);
	ATF_CHECK_EQ(h_fault(&m, NVMM_MAX_RAM, RW, NULL), EFAULT);
	ATF_CHECK_EQ(h_gpa_map(&m, p, NVMM_MAX_RAM, PAGE, RW), EINVAL);
}

ATF_TC(link_limit);
ATF_TC_HEAD(link_limit, tc)
{
	atf_tc_set_md_var(tc, "descr", "4096 links work, one more is ENOBUFS");
}
ATF_TC_BODY(link_limit, tc)
{
	struct h_machine m;
	uint64_t data;
	uint8_t *p;
	size_t i;

	p = make_marked(&m, 8 * LARGE);
	ATF_REQUIRE_EQ(h_gpa_map(&m, p, 0, 3 * PAGE, RW), 0);
	for (i = 1; i < 4096; i++)
		ATF_REQUIRE_EQ(h_gpa_map(&m, p + i * PAGE,
		    (4096 - i) * 8 * PAGE, PAGE, RW), 0);
	ATF_CHECK_EQ(h_gpa_map(&m, p, 64UL << 30, PAGE, RW), ENOBUFS);
	ATF_CHECK_EQ(h_gpa_unmap(&m, PAGE, PAGE), ENOBUFS);
	for (i = 1; i < 4096; i++) {
		ATF_REQUIRE_EQ(h_fault(&m, (4096 - i) * 8 * PAGE, RW, &data),
		    0);
		ATF_REQUIRE_EQ(data, i + 1);
	}
	ATF_CHECK_EQ(h_gpa_unmap(&m, 8 * PAGE, PAGE), 0);
	ATF_CHECK_EQ(h_gpa_unmap(&m, PAGE, PAGE), 0);
	ATF_CHECK_EQ(h_fault(&m, 2 * PAGE, RW, &data), 0);
	ATF_CHECK_EQ(data, 3);
	ATF_CHECK_EQ(h_fault(&m, PAGE, RW, &data), EFAULT);
}

/* The model: for each page of the guest's, the number it shows, or 0. */
#define MODEL_PAGES	(8 * 512UL)

static size_t
below(unsigned *seed, size_t n)
{

	return (size_t)rand_r(seed) % n;
}

/* True if [at, at + n) is free in the model. */
static bool
model_free(const uint64_t *model, size_t at, size_t n)
{

	while (n-- != 0) {
		if (model[at++] != 0)
			return false;
	}
	return true;
}

/* One random change, in the driver and in the model. */
static void
model_step(const struct h_machine *m, uint8_t *p, uint64_t *model,
    unsigned *seed)
{
	size_t at, n, off, i;
	int error;

	n = below(seed, 4) == 0 ? 512 * (1 + below(seed, 3)) :
	    1 + below(seed, 40);
	at = below(seed, MODEL_PAGES - n + 1);
	off = below(seed, MODEL_PAGES - n + 1);
	if (n >= 512) {
		at &= ~511UL;
		off &= ~511UL;
	}
	if (below(seed, 2) == 0) {
		error = h_gpa_map(m, p + off * PAGE, at * PAGE, n * PAGE, RW);
		ATF_REQUIRE_EQ(error, model_free(model, at, n) ? 0 : EEXIST);
		for (i = 0; error == 0 && i < n; i++)
			model[at + i] = off + i + 1;
	} else {
		ATF_REQUIRE_EQ(h_gpa_unmap(m, at * PAGE, n * PAGE), 0);
		memset(&model[at], 0, n * sizeof(*model));
	}
}

/* Look at, or fault at, a random page. */
static void
model_check(const struct h_machine *m, const uint64_t *model, unsigned *seed)
{
	uint64_t data;
	size_t at;
	int error;

	at = below(seed, MODEL_PAGES);
	if (below(seed, 2) == 0) {
		if (h_look(m, at * PAGE, &data))
			ATF_REQUIRE_EQ_MSG(data, model[at], "page %zu: %ju",
			    at, (uintmax_t)data);
		return;
	}
	error = h_fault(m, at * PAGE, RW, &data);
	ATF_REQUIRE_EQ(error, model[at] != 0 ? 0 : EFAULT);
	if (error == 0)
		ATF_REQUIRE_EQ_MSG(data, model[at], "page %zu: %ju", at,
		    (uintmax_t)data);
}

ATF_TC(random_against_model);
ATF_TC_HEAD(random_against_model, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "random links, cuts and faults show what a plain array says");
	atf_tc_set_md_var(tc, "timeout", "600");
}
ATF_TC_BODY(random_against_model, tc)
{
	static uint64_t model[MODEL_PAGES];
	struct h_machine m;
	unsigned seed, step, i;
	uint8_t *p;
	long held;

	p = make_marked(&m, MODEL_PAGES * PAGE);
	held = h_held("pages");
	seed = 20261;
	for (step = 0; step < 1500; step++) {
		model_step(&m, p, model, &seed);
		for (i = 0; i < 20; i++)
			model_check(&m, model, &seed);
	}
	ATF_REQUIRE_EQ(h_gpa_unmap(&m, 0, MODEL_PAGES * PAGE), 0);
	ATF_CHECK_EQ(h_held("pages"), held);
}

#define NTHREADS	8

struct racer {
	const struct h_machine *m;
	struct nvmm_comm_page *comm;
	nvmm_cpuid_t cpuid;
	pthread_barrier_t *barrier;
	unsigned bad;
};

/* All race through the same pages. */
static void *
racer(void *arg)
{
	struct racer *r = arg;
	struct h_result res;
	size_t i;

	pthread_barrier_wait(r->barrier);
	for (i = 0; i < 4 * 512; i++) {
		if (h_op(r->m->fd, r->m->id, r->cpuid, r->comm, NULL_FAULT,
		    i * PAGE, RW, &res) != 0 || res.rdx != 0 || res.data != 0)
			r->bad++;
	}
	return NULL;
}

ATF_TC(many_fault_at_once);
ATF_TC_HEAD(many_fault_at_once, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "VCPUs that fault on the same fresh pages share one of each");
}
ATF_TC_BODY(many_fault_at_once, tc)
{
	pthread_t threads[NTHREADS];
	struct racer r[NTHREADS];
	pthread_barrier_t barrier;
	struct h_machine m;
	uint8_t *p;
	size_t i;

	h_need_backend("null");
	h_make(&m);
	p = h_range(4 * LARGE);
	ATF_REQUIRE_EQ(h_hva_map(&m, p, 4 * LARGE), 0);
	ATF_REQUIRE_EQ(h_gpa_map(&m, p, 0, 4 * LARGE, RW), 0);
	pthread_barrier_init(&barrier, NULL, NTHREADS);
	for (i = 0; i < NTHREADS; i++) {
		r[i] = (struct racer){ .m = &m, .cpuid = (nvmm_cpuid_t)i + 1,
		    .barrier = &barrier };
		ATF_REQUIRE_EQ(h_vcpu_create(m.fd, m.id, r[i].cpuid,
		    &r[i].comm), 0);
		pthread_create(&threads[i], NULL, racer, &r[i]);
	}
	for (i = 0; i < NTHREADS; i++) {
		pthread_join(threads[i], NULL);
		ATF_CHECK_EQ(r[i].bad, 0);
	}
	ATF_CHECK_EQ(h_resident(&m), 4 * LARGE);
	for (i = 0; i < 4 * 512; i++)
		*(uint64_t *)(p + i * PAGE) = i;
	for (i = 0; i < 4 * 512; i++) {
		uint64_t data;

		ATF_REQUIRE(h_look(&m, i * PAGE, &data));
		ATF_REQUIRE_EQ(data, i);
	}
}

ATF_TP_ADD_TCS(tp)
{

	h_begin();
	ATF_TP_ADD_TC(tp, protections);
	ATF_TP_ADD_TC(tp, unmap_takes_away);
	ATF_TP_ADD_TC(tp, large_pages);
	ATF_TP_ADD_TC(tp, misaligned_large_pages);
	ATF_TP_ADD_TC(tp, last_address);
	ATF_TP_ADD_TC(tp, link_limit);
	ATF_TP_ADD_TC(tp, random_against_model);
	ATF_TP_ADD_TC(tp, many_fault_at_once);
	return atf_no_error();
}
