/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * ASIDs and flushes against a model of CPUs' TLBs.
 *
 * The model is a TLB at its worst: under each ASID it keeps what the last guest
 * left there, made from the tables as they were then, until it is told to
 * flush; after the CPU was away it holds anything. A guest that runs on
 * what it did not leave there, in the state in which it is, fails the test; so
 * does a flush for which the model sees no cause.
 */

#include "x86/svm/svm_tlb.h"
#include "x86/svm/svm_vmcb.h"

#include "h_policy.h"

#define NCPUS		4
#define NMACHINES	4
#define NVCPUS		12
#define NASIDS		64	/* the model's most */
#define NSEEDS		64
#define NSTEPS		4000

/* Under one ASID on one CPU. */
struct model_slot {
	bool holds;
	bool anything;		/* of anybody's */
	uint64_t turn;		/* who ran last, or tried to */
	uint64_t serial;	/* of whose translations */
	uint64_t generation;	/* of which nested tables */
	uint64_t version;	/* of which of the guest's own tables */
};

struct model_vcpu {
	bool exists;
	struct svm_tlb_vcpu tlb;	/* the policy's */
	unsigned machine;
	uint64_t version;
	bool changed;		/* by the owner, since it last ran */
	bool ran;
	unsigned cpu;		/* where it last ran, */
	uint64_t generation;	/* with what, */
	uint64_t absence;	/* and after how many of that CPU's */
};

static struct {
	bool by_asid;
	uint32_t nasids;
	uint64_t serials;
	uint64_t absences[NCPUS];
	bool online[NCPUS];
	struct svm_tlb_cpu cpu[NCPUS];	/* the policy's */
	struct model_slot slot[NCPUS][NASIDS];
	uint64_t generation[NMACHINES];
	struct model_vcpu vcpu[NVCPUS];
	unsigned flushes;
} model;
static struct svm_asids asids;

#define REQUIRE(e)							\
	ATF_REQUIRE_MSG(e, "seed %#jx: %s", (uintmax_t)h_seed, #e)

/* A CPU comes, or comes back: SVM is enabled there. */
static void
cpu_online(unsigned cpu)
{
	uint32_t i;

	model.online[cpu] = true;
	model.absences[cpu]++;
	model.cpu[cpu].epoch++;
	for (i = 0; i < model.nasids; i++) {
		model.slot[cpu][i].holds = true;
		model.slot[cpu][i].anything = true;
	}
}

static void
model_start(uint32_t nasids, bool by_asid)
{
	unsigned i;

	memset(&model, 0, sizeof(model));
	memset(&asids, 0xA5, sizeof(asids));
	svm_asid_init(&asids, nasids);
	model.nasids = nasids;
	model.by_asid = by_asid;
	for (i = 0; i < NCPUS; i++)
		cpu_online(i);
}

/* Its own ASID while there are any, and nobody else's. */
static void
check_asid(const struct model_vcpu *v)
{
	const struct model_vcpu *o;
	unsigned private;

	private = 0;
	for (o = model.vcpu; o < model.vcpu + NVCPUS; o++) {
		if (o == v || !o->exists)
			continue;
		private += !o->tlb.shared;
		REQUIRE(o->tlb.asid != v->tlb.asid ||
		    (o->tlb.shared && v->tlb.shared));
	}
	if (v->tlb.shared)
		REQUIRE(v->tlb.asid == model.nasids - 1);
	else
		REQUIRE(v->tlb.asid >= 1 && v->tlb.asid < model.nasids - 1);
	REQUIRE(v->tlb.shared == (private == model.nasids - 2));
}

/* What the one before left in the record means nothing to one that never ran. */
static void
vcpu_create(struct model_vcpu *v, unsigned machine)
{
	const struct svm_tlb_vcpu before = v->tlb;

	memset(v, 0, sizeof(*v));
	v->exists = true;
	v->machine = machine;
	v->tlb = before;
	v->tlb.serial = ++model.serials;
	v->tlb.ran = false;
	v->tlb.stale = false;
	svm_asid_take(&asids, &v->tlb);
	check_asid(v);
}

static void
vcpu_destroy(struct model_vcpu *v)
{

	svm_asid_give(&asids, &v->tlb);
	v->exists = false;
}

/* Do what the policy says, as the hardware would. */
static void
obey(uint32_t control, unsigned cpu, uint32_t asid)
{
	uint32_t i;

	if (control == SVM_TLB_NOTHING)
		return;
	model.flushes++;
	/* Of the hardware that is there, the least that does it. */
	REQUIRE(control == (model.by_asid ? SVM_TLB_FLUSH_GUEST :
	    SVM_TLB_FLUSH_ALL));
	for (i = 0; i < model.nasids; i++) {
		if (control == SVM_TLB_FLUSH_ALL || i == asid)
			model.slot[cpu][i].holds = false;
	}
}

/* Is there any reason why this VCPU should not go on as it was? */
static bool
flush_has_cause(const struct model_vcpu *v, unsigned cpu,
    const struct model_slot *slot)
{

	return !v->ran || v->cpu != cpu || v->changed ||
	    v->generation != model.generation[v->machine] ||
	    v->absence != model.absences[cpu] ||
	    slot->turn != v->tlb.serial;
}

/* Run, and with tables the guest changes its own while it does. */
static uint32_t
vcpu_run(struct model_vcpu *v, unsigned cpu, bool tables)
{
	struct model_slot *slot = &model.slot[cpu][v->tlb.asid];
	const uint64_t generation = model.generation[v->machine];
	uint32_t control;
	bool cause;

	cause = flush_has_cause(v, cpu, slot);
	control = svm_tlb_control(&model.cpu[cpu], &v->tlb, cpu, generation,
	    model.by_asid);
	REQUIRE(cause || control == SVM_TLB_NOTHING);
	obey(control, cpu, v->tlb.asid);
	if (slot->holds) {
		REQUIRE(!slot->anything);
		REQUIRE(slot->serial == v->tlb.serial);
		REQUIRE(slot->generation == generation);
		REQUIRE(slot->version == v->version);
	}
	/* The hardware flushes for it, here and not elsewhere. */
	if (tables)
		v->version++;
	*slot = (struct model_slot){ .holds = true, .turn = v->tlb.serial,
	    .serial = v->tlb.serial, .generation = generation,
	    .version = v->version };
	v->ran = true;
	v->changed = false;
	v->cpu = cpu;
	v->generation = generation;
	v->absence = model.absences[cpu];
	return control;
}

/* A VMRUN that the hardware refuses, before it has flushed anything. */
static void
vcpu_run_refused(struct model_vcpu *v, unsigned cpu)
{

	(void)svm_tlb_control(&model.cpu[cpu], &v->tlb, cpu,
	    model.generation[v->machine], model.by_asid);
	svm_tlb_refused(&v->tlb);
	model.slot[cpu][v->tlb.asid].turn = v->tlb.serial;
	v->changed = true;
}

/* The owner sets CR3 or the like. */
static void
vcpu_set_state(struct model_vcpu *v)
{

	v->version++;
	v->changed = true;
	v->tlb.stale = true;
}

static void
random_run(struct model_vcpu *v)
{
	unsigned cpu;

	cpu = v->ran && h_random(4) != 0 ? v->cpu : h_random(NCPUS);
	if (!model.online[cpu])
		return;
	if (h_random(16) == 0)
		vcpu_run_refused(v, cpu);
	else
		(void)vcpu_run(v, cpu, h_random(8) == 0);
}

/* One thing of all that can happen. */
static void
random_step(void)
{
	struct model_vcpu *v = &model.vcpu[h_random(NVCPUS)];
	unsigned cpu = h_random(NCPUS), what = h_random(100);

	if (!v->exists) {
		vcpu_create(v, h_random(NMACHINES));
	} else if (what < 70) {
		random_run(v);
	} else if (what < 80) {
		vcpu_set_state(v);
	} else if (what < 88) {
		model.generation[v->machine]++;
	} else if (what < 94) {
		vcpu_destroy(v);
	} else if (model.online[cpu]) {
		model.online[cpu] = false;
	} else {
		cpu_online(cpu);
	}
}

static void
random_sequences(uint32_t nasids, bool by_asid)
{
	unsigned seed, step;

	for (seed = 0; seed < NSEEDS; seed++) {
		h_random_start((uint64_t)nasids << 32 | seed);
		model_start(nasids, by_asid);
		for (step = 0; step < NSTEPS; step++)
			random_step();
	}
}

CASE(random_many_asids, "no guest sees another's or its own past: an ASID each")
{

	random_sequences(NASIDS, true);
	random_sequences(NASIDS, false);
}

CASE(random_few_asids, "the same with less ASIDs than VCPUs")
{

	random_sequences(8, true);
	random_sequences(8, false);
}

CASE(random_three_asids, "the same with the host's, one private and one shared")
{

	random_sequences(3, true);
	random_sequences(3, false);
}

CASE(random_one_asid, "the same with one ASID for all")
{

	random_sequences(2, true);
	random_sequences(2, false);
}

/* Two VCPUs, of two machines. */
static void
start_two(uint32_t nasids)
{

	model_start(nasids, true);
	vcpu_create(&model.vcpu[0], 0);
	vcpu_create(&model.vcpu[1], 1);
}

CASE(plain_no_flush, "the same VCPU on the same CPU, nothing changed: no flush")
{
	unsigned i;

	start_two(2);
	ATF_CHECK_EQ(SVM_TLB_FLUSH_GUEST, vcpu_run(&model.vcpu[0], 1, false));
	for (i = 0; i < 1000; i++)
		ATF_CHECK_EQ(SVM_TLB_NOTHING,
		    vcpu_run(&model.vcpu[0], 1, i % 2));
}

CASE(private_turns_no_flush, "VCPUs with ASIDs of their own take turns freely")
{
	unsigned i;

	start_two(4);
	(void)vcpu_run(&model.vcpu[0], 0, false);
	(void)vcpu_run(&model.vcpu[1], 0, false);
	for (i = 0; i < 1000; i++)
		ATF_CHECK_EQ(SVM_TLB_NOTHING,
		    vcpu_run(&model.vcpu[i % 2], 0, false));
}

CASE(shared_turns_flush, "VCPUs that share an ASID are flushed at each turn")
{
	unsigned i;

	start_two(2);
	for (i = 0; i < 1000; i++)
		ATF_CHECK_EQ(SVM_TLB_FLUSH_GUEST,
		    vcpu_run(&model.vcpu[i % 2], 0, false));
}

CASE(shared_apart_no_flush, "on CPUs of their own they are not")
{
	unsigned i;

	start_two(2);
	(void)vcpu_run(&model.vcpu[0], 0, false);
	(void)vcpu_run(&model.vcpu[1], 1, false);
	for (i = 0; i < 1000; i++)
		ATF_CHECK_EQ(SVM_TLB_NOTHING,
		    vcpu_run(&model.vcpu[i % 2], i % 2, false));
}

CASE(one_flush_a_change, "each change is one flush, and no more")
{
	struct model_vcpu *v = &model.vcpu[0];

	start_two(4);
	(void)vcpu_run(v, 0, false);
	vcpu_set_state(v);
	vcpu_set_state(v);
	model.generation[0]++;
	ATF_CHECK_EQ(SVM_TLB_FLUSH_GUEST, vcpu_run(v, 0, false));
	ATF_CHECK_EQ(SVM_TLB_NOTHING, vcpu_run(v, 0, false));
	model.online[0] = false;
	cpu_online(0);
	ATF_CHECK_EQ(SVM_TLB_FLUSH_GUEST, vcpu_run(v, 0, false));
	ATF_CHECK_EQ(SVM_TLB_NOTHING, vcpu_run(v, 0, false));
	/* Another machine's pages are none of its business. */
	model.generation[1]++;
	ATF_CHECK_EQ(SVM_TLB_NOTHING, vcpu_run(v, 0, false));
}

CASE(return_flushes, "tables changed elsewhere are not seen in the old place")
{
	struct model_vcpu *v = &model.vcpu[0];

	start_two(4);
	(void)vcpu_run(v, 0, false);
	(void)vcpu_run(v, 1, true);
	ATF_CHECK_EQ(SVM_TLB_FLUSH_GUEST, vcpu_run(v, 0, false));
}

CASE(refused_flushes, "what a refused VMRUN should have flushed the next one does")
{
	struct model_vcpu *v = &model.vcpu[0];

	start_two(2);
	(void)vcpu_run(&model.vcpu[1], 0, false);
	vcpu_run_refused(v, 0);
	ATF_CHECK_EQ(SVM_TLB_FLUSH_GUEST, vcpu_run(v, 0, false));
	ATF_CHECK_EQ(SVM_TLB_NOTHING, vcpu_run(v, 0, false));
}

CASE(asid_used_again, "an ASID's next VCPU starts with a flush")
{
	uint32_t asid;

	start_two(4);
	(void)vcpu_run(&model.vcpu[0], 0, false);
	asid = model.vcpu[0].tlb.asid;
	vcpu_destroy(&model.vcpu[0]);
	vcpu_create(&model.vcpu[0], 0);
	ATF_CHECK_EQ(asid, model.vcpu[0].tlb.asid);
	ATF_CHECK_EQ(SVM_TLB_FLUSH_GUEST, vcpu_run(&model.vcpu[0], 0, false));
}

CASE(asids_all_given, "every ASID is given, and again after it came back")
{
	struct svm_tlb_vcpu v[300];
	const uint32_t last = 299;
	uint32_t i, round;

	memset(&asids, 0xA5, sizeof(asids));
	svm_asid_init(&asids, last + 1);
	for (round = 0; round < 2; round++) {
		for (i = 1; i <= last; i++) {
			svm_asid_take(&asids, &v[i]);
			ATF_REQUIRE_EQ(i, v[i].asid);
			ATF_REQUIRE_EQ(i == last, v[i].shared);
		}
		for (i = 1; i <= last; i++)
			svm_asid_give(&asids, &v[i]);
	}
}

CASE(asids_beyond_table, "no more ASIDs than there are, whatever CPUID says")
{

	svm_asid_init(&asids, 1U << 31);
	ATF_CHECK_EQ(SVM_ASID_MAX, asids.n);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, plain_no_flush);
	ATF_TP_ADD_TC(tp, private_turns_no_flush);
	ATF_TP_ADD_TC(tp, shared_turns_flush);
	ATF_TP_ADD_TC(tp, shared_apart_no_flush);
	ATF_TP_ADD_TC(tp, one_flush_a_change);
	ATF_TP_ADD_TC(tp, return_flushes);
	ATF_TP_ADD_TC(tp, refused_flushes);
	ATF_TP_ADD_TC(tp, asid_used_again);
	ATF_TP_ADD_TC(tp, asids_all_given);
	ATF_TP_ADD_TC(tp, asids_beyond_table);
	ATF_TP_ADD_TC(tp, random_many_asids);
	ATF_TP_ADD_TC(tp, random_few_asids);
	ATF_TP_ADD_TC(tp, random_three_asids);
	ATF_TP_ADD_TC(tp, random_one_asid);
	return atf_no_error();
}
