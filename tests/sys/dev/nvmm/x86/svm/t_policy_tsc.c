/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The guest's TSC against a model that counts without wrapping around: hosts'
 * counters are lines of their own base and rate, and a guest moves between
 * them, reads, writes and sleeps.
 */

#include "x86/svm/svm_tsc.h"

#include "h_policy.h"

#define NCPUS		4
#define NSEEDS		200
#define NSTEPS		2000
#define UNIT		1000000		/* of a rate: ticks in so much time */

typedef __int128 model_t;

/* Where counters stand at the start of a sequence. */
static const uint64_t places[] = {
	0, 1000000, (uint64_t)1 << 32, ((uint64_t)1 << 63) - 500000,
	(uint64_t)1 << 63, (uint64_t)0 - 500000, (uint64_t)0 - 1,
};
#define NPLACES		(sizeof(places) / sizeof(places[0]))

static struct {
	model_t time;
	struct {
		model_t base, rate;
	} cpu[NCPUS];
	model_t offset;			/* the guest's TSC - the CPU's */
	model_t last;			/* as the guest stopped */
	model_t seen;			/* the most that the guest has read */
	unsigned at;			/* the guest's CPU */
	struct svm_tsc tsc;		/* the policy's */
} model;

#define REQUIRE(e)							\
	ATF_REQUIRE_MSG(e, "seed %#jx: %s", (uintmax_t)h_seed, #e)

/* A CPU's counter now, and as hardware shows it. */
static model_t
host(unsigned cpu)
{

	return model.cpu[cpu].base +
	    model.time * model.cpu[cpu].rate / UNIT;
}

static uint64_t
host64(void)
{

	return (uint64_t)host(model.at);
}

/* Counters that agree, or that differ by skew and drift at most. */
static void
model_start(uint64_t place, unsigned skew, unsigned drift)
{
	unsigned i;

	memset(&model, 0, sizeof(model));
	for (i = 0; i < NCPUS; i++) {
		model.cpu[i].base = place;
		model.cpu[i].rate = UNIT;
		if (skew != 0)
			model.cpu[i].base += h_random(skew);
		if (drift != 0)
			model.cpu[i].rate += h_random(drift);
	}
}

/* What the guest reads, its own way of telling the order included. */
static void
guest_read(void)
{
	const model_t value = host(model.at) + model.offset;

	REQUIRE(svm_tsc_get(&model.tsc, host64()) == (uint64_t)value);
	REQUIRE(value >= model.seen);
	model.seen = value;
}

/* A guest's or its owner's write. */
static void
guest_write(uint64_t value)
{

	svm_tsc_set(&model.tsc, value, host64());
	model.offset = (model_t)value - host(model.at);
	model.last = value;
	model.seen = value;
	guest_read();
}

/* Stop, let time go by, go on at a CPU. */
static void
guest_move(unsigned cpu, unsigned pause)
{
	model_t least;

	guest_read();
	svm_tsc_stop(&model.tsc, host64());
	model.last = host(model.at) + model.offset;
	model.time += pause;
	model.at = cpu;
	svm_tsc_move(&model.tsc, host64());
	least = model.last - host(model.at);
	if (model.offset < least)
		model.offset = least;
	REQUIRE(model.tsc.offset == (uint64_t)model.offset);
	guest_read();
}

static void
random_step(void)
{
	const unsigned what = h_random(100);

	model.time += h_random(1000);
	if (what < 50)
		guest_read();
	else if (what < 95)
		guest_move(h_random(NCPUS), h_random(1000));
	else
		guest_write(places[h_random(NPLACES)] + h_random(2000));
}

static void
random_sequences(unsigned skew, unsigned drift)
{
	unsigned seed, step;

	for (seed = 0; seed < NSEEDS; seed++) {
		h_random_start((uint64_t)skew << 32 | drift << 16 | seed);
		model_start(places[seed % NPLACES], skew, drift);
		guest_write(places[seed / NPLACES % NPLACES]);
		for (step = 0; step < NSTEPS; step++)
			random_step();
	}
}

CASE(random_agreeing, "hosts that agree: the reference's value at every read")
{

	random_sequences(0, 0);
}

CASE(random_skewed, "CPUs with other bases: never backwards, no further than so")
{

	random_sequences(100000, 0);
}

CASE(random_drifting, "CPUs with other rates: never backwards, no further than so")
{

	random_sequences(1000, 2000);
}

CASE(agreeing_unchanged, "where hosts agree the offset stays, sleep included")
{
	uint64_t offset;
	unsigned i;

	h_random_start(1);
	model_start(1000000, 0, 0);
	guest_write(12345);
	offset = model.tsc.offset;
	for (i = 0; i < 1000; i++) {
		guest_move(i % NCPUS, i);
		ATF_CHECK_EQ(offset, model.tsc.offset);
	}
}

CASE(behind_catches_up, "on a CPU that is behind it goes on where it stopped")
{
	struct svm_tsc tsc;

	svm_tsc_set(&tsc, 100, 5000);
	svm_tsc_stop(&tsc, 5050);
	svm_tsc_move(&tsc, 1000);
	ATF_CHECK_EQ(150, svm_tsc_get(&tsc, 1000));
	ATF_CHECK_EQ(160, svm_tsc_get(&tsc, 1010));
}

CASE(write_goes_back, "a write of less than before is honoured after a move")
{
	struct svm_tsc tsc;

	svm_tsc_set(&tsc, 1000000, 500);
	svm_tsc_stop(&tsc, 600);
	svm_tsc_set(&tsc, 5, 700);
	svm_tsc_move(&tsc, 800);
	ATF_CHECK_EQ(105, svm_tsc_get(&tsc, 800));
}

/* From value on, over a move to a CPU that is behind and one that agrees. */
static void
check_wrap(uint64_t value)
{
	struct svm_tsc tsc;

	svm_tsc_set(&tsc, value - 10, 1000);
	svm_tsc_stop(&tsc, 1005);
	svm_tsc_move(&tsc, 1025);
	ATF_CHECK_EQ(value + 15, svm_tsc_get(&tsc, 1025));
	svm_tsc_stop(&tsc, 1030);
	svm_tsc_move(&tsc, 1000);
	ATF_CHECK_EQ(value + 20, svm_tsc_get(&tsc, 1000));

	/* And back over it, where comparisons of values would rewind. */
	svm_tsc_set(&tsc, value - 10, 1000);
	svm_tsc_stop(&tsc, 1020);
	svm_tsc_move(&tsc, 1005);
	ATF_CHECK_EQ(value + 10, svm_tsc_get(&tsc, 1005));
}

CASE(wrap_half, "over 2^63, where a signed value ends")
{

	check_wrap((uint64_t)1 << 63);
}

CASE(wrap_full, "over 2^64, where the counter ends")
{

	check_wrap(0);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, agreeing_unchanged);
	ATF_TP_ADD_TC(tp, behind_catches_up);
	ATF_TP_ADD_TC(tp, write_goes_back);
	ATF_TP_ADD_TC(tp, wrap_half);
	ATF_TP_ADD_TC(tp, wrap_full);
	ATF_TP_ADD_TC(tp, random_agreeing);
	ATF_TP_ADD_TC(tp, random_skewed);
	ATF_TP_ADD_TC(tp, random_drifting);
	return atf_no_error();
}
