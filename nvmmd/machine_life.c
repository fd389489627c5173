/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * How machines run: start, pause, reset, and the end with what follows.
 *
 * A run goes from START's answer to ENDED, and worker_stop is sent once a run
 * (.ending). Whoever wants the end leaves a mark that tells ENDED what to do:
 * .stopping, for somebody who asked, wins over .resetting; without either the
 * restart policy decides. The timer is either the end of a stop's grace or the
 * pause before the next start, never both: a stop takes a start back.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "events.h"
#include "evloop.h"
#include "host.h"
#include "log.h"
#include "machine_impl.h"

/* Has it no VCPUs that run or are about to? */
static bool
machine_at_rest(const struct machine *m)
{

	return m->state != MACHINE_RUNNING && m->state != MACHINE_PAUSED &&
	    !m->starting;
}

/* A conflict of the request with the state that it is in. */
static int
machine_conflict(const struct machine *m, struct proto_failure *f)
{

	return proto_fail(f, PROTO_STATE_CONFLICT, 0, "vm", "%s is %s",
	    m->name, m->starting ? "starting" :
	    m->resetting ? "being reset" : m->stopping ? "being stopped" :
	    m->pausing ? "being paused" : m->resuming ? "being resumed" :
	    machine_state_names[m->state]);
}

/* Sends START. */
static void
machine_begin(struct machine *m)
{

	m->starting = true;
	m->ending = false;
	worker_start(m->worker);
}

/* Ends the run at once. */
static void
machine_end_now(struct machine *m)
{

	if (!m->ending)
		worker_stop(m->worker);
	m->ending = true;
}

/* The grace is over, or the pause before a start. */
static void
machine_timer(void *arg)
{
	struct machine *m = arg;

	if (m->destroying)
		return;
	if (m->restarting) {
		m->restarting = false;
		machine_begin(m);
	} else if (m->stopping && !m->ending) {
		log_info("machine: %s: its grace is over", m->name);
		machine_end_now(m);
	}
}

/* Sets the timer. Returns false if there is none to be had. */
static bool
machine_timer_set(struct machine *m, unsigned ms)
{

	if (m->timer == NULL)
		m->timer = evloop_timer_new(machine_timer, m);
	if (m->timer == NULL)
		return false;
	evloop_timer_set(m->timer, ms);
	return true;
}

/* Lets a machine run that does not. */
int
machine_start(struct machine *m, struct machine_wait *wait,
    struct proto_failure *f)
{

	if (machine_settled(m, f) == -1)
		return -1;
	if (!machine_at_rest(m))
		return machine_conflict(m, f);
	m->restarting = false;
	m->restart.quick = 0;
	machine_wait_on(&m->starts, wait);
	machine_begin(m);
	return 0;
}

/* Ends it and lets it run again from the beginning. */
int
machine_reset(struct machine *m, struct machine_wait *wait,
    struct proto_failure *f)
{

	if (machine_settled(m, f) == -1)
		return -1;
	if (m->state == MACHINE_CREATED || m->starting || m->stopping)
		return machine_conflict(m, f);
	if (machine_at_rest(m))
		return machine_start(m, wait, f);
	m->resetting = true;
	machine_wait_on(&m->starts, wait);
	machine_end_now(m);
	return 0;
}

/* Holds all VCPUs. */
int
machine_pause(struct machine *m, struct machine_wait *wait,
    struct proto_failure *f)
{

	if (machine_settled(m, f) == -1)
		return -1;
	if ((m->state != MACHINE_RUNNING && m->state != MACHINE_PAUSED) ||
	    m->starting || m->stopping || m->resetting || m->resuming)
		return machine_conflict(m, f);
	if (m->state == MACHINE_PAUSED) {
		wait->done(wait, m, NULL);
		return 0;
	}
	machine_wait_on(&m->pauses, wait);
	if (!m->pausing)
		worker_pause(m->worker);
	m->pausing = true;
	return 0;
}

/* Lets them go on. */
int
machine_resume(struct machine *m, struct machine_wait *wait,
    struct proto_failure *f)
{

	if (machine_settled(m, f) == -1)
		return -1;
	if (m->state != MACHINE_PAUSED || m->ending)
		return machine_conflict(m, f);
	machine_wait_on(&m->resumes, wait);
	if (!m->resuming)
		worker_resume(m->worker);
	m->resuming = true;
	return 0;
}

/* Gives a VCPU a non-maskable interrupt. */
int
machine_nmi(struct machine *m, unsigned cpu, struct proto_failure *f)
{

	if (machine_settled(m, f) == -1)
		return -1;
	if (m->state != MACHINE_RUNNING || m->starting)
		return machine_conflict(m, f);
	worker_nmi(m->worker, cpu);
	return 0;
}

/* Has the registers fetched; they are in m->regs at the call back. */
int
machine_regs(struct machine *m, struct machine_wait *wait,
    struct proto_failure *f)
{

	if (machine_settled(m, f) == -1)
		return -1;
	if (m->state == MACHINE_RUNNING || m->starting || m->resuming)
		return machine_conflict(m, f);
	if (m->state == MACHINE_CREATED)
		return proto_fail(f, PROTO_STATE_CONFLICT, 0, "vm",
		    "%s has not run yet", m->name);
	machine_wait_on(&m->reads, wait);
	if (!m->reading)
		worker_regs(m->worker);
	m->reading = true;
	return 0;
}

/* Stops what does not run: a machine before its first start, or between two. */
static void
machine_stop_at_rest(struct machine *m)
{

	m->stopping = false;
	if (m->state == MACHINE_CREATED) {
		machine_enter(m, MACHINE_STOPPED, "stopped",
		    "stopped before it was started");
		machine_tell(m, EVENTS_STOPPED, m->reason.text);
	}
	if (m->restarting)
		log_info("machine: %s: will not be started again", m->name);
	m->restarting = false;
	machine_console(m, true);
	machine_answer(m, &m->stops, NULL);
	machine_answer(m, &m->ends, NULL);
}

/* Ends what runs: by itself within the grace, else by force. */
int
machine_stop(struct machine *m, unsigned grace_ms, struct machine_wait *wait,
    struct proto_failure *f)
{
	bool force = grace_ms == 0 || m->state == MACHINE_PAUSED ||
	    m->starting || m->resetting;

	if (machine_settled(m, f) == -1)
		return -1;
	machine_wait_on(&m->stops, wait);
	if (machine_at_rest(m)) {
		machine_stop_at_rest(m);
		return 0;
	}
	if (force || !machine_timer_set(m, grace_ms)) {
		machine_end_now(m);
	} else if (!m->powering) {
		worker_power(m->worker);
		m->powering = true;
	}
	m->stopping = true;
	return 0;
}

/* Waits for an end that no start follows. */
int
machine_end_wait(struct machine *m, struct machine_wait *wait,
    struct proto_failure *f)
{

	if (m->destroying)
		return machine_settled(m, f);
	machine_wait_on(&m->ends, wait);
	if (machine_over(m))
		machine_answer(m, &m->ends, NULL);
	return 0;
}

/* A new run could not begin. The state is what it was before a first one. */
static void
machine_start_failed(struct machine *m, const struct worker_msg *msg)
{
	const struct guest_error *e = &msg->error;
	struct proto_failure f;

	proto_fail(&f, e->code == ENOMEM ? PROTO_NO_MEMORY : msg->image ?
	    PROTO_BAD_IMAGE : PROTO_LIMIT, e->code, NULL, "%s", e->text);
	m->resetting = false;
	if (m->state != MACHINE_CREATED) {
		machine_enter(m, MACHINE_FAILED, "not-started", e->text);
		machine_tell(m, EVENTS_FAILED, e->text);
		machine_console(m, true);
		machine_answer(m, &m->ends, NULL);
	}
	machine_answer(m, &m->starts, &f);
	if (m->stopping)
		machine_stop_at_rest(m);
}

/* What was counted belongs to the run before. */
static void
machine_count_anew(struct machine *m)
{

	m->shown = NULL;
	memset(m->rates, 0, m->ncpus * sizeof(*m->rates));
	m->end_ns = 0;
	m->started = time(NULL);
	m->start_ns = m->rate_ns = host_clock();
}

/* START's answer. */
void
machine_started(struct machine *m, const struct worker_msg *msg)
{

	m->starting = false;
	if (msg->failed) {
		machine_start_failed(m, msg);
		return;
	}
	machine_count_anew(m);
	if (m->resetting) {
		machine_enter(m, MACHINE_RUNNING, "reset", "reset");
		machine_tell(m, EVENTS_RESET, NULL);
	} else {
		machine_enter(m, MACHINE_RUNNING, "started", "started");
		machine_tell(m, EVENTS_STARTED, NULL);
	}
	m->resetting = false;
	m->held = false;
	machine_share_update(m);
	machine_answer(m, &m->starts, NULL);
}

/* POWER's answer: is there anything to wait for? */
void
machine_powered(struct machine *m, const struct worker_msg *msg)
{

	m->powering = false;
	if (m->stopping && !msg->listens && !m->destroying)
		machine_end_now(m);
}

/* PAUSE's answer. */
void
machine_paused(struct machine *m, const struct worker_msg *msg)
{
	struct proto_failure f;

	m->pausing = false;
	if (msg->failed) {
		proto_fail(&f, PROTO_STATE_CONFLICT, 0, "vm",
		    "%s has ended", m->name);
		machine_answer(m, &m->pauses, &f);
		return;
	}
	machine_enter(m, MACHINE_PAUSED, "paused", "paused");
	machine_tell(m, EVENTS_PAUSED, NULL);
	machine_answer(m, &m->pauses, NULL);
}

/* RESUME's answer. */
void
machine_resumed(struct machine *m)
{

	m->resuming = false;
	if (m->state == MACHINE_PAUSED) {
		machine_enter(m, MACHINE_RUNNING, "resumed", "resumed");
		machine_tell(m, EVENTS_RESUMED, NULL);
	}
	machine_answer(m, &m->resumes, NULL);
}

/* The end as the guest's result has it. */
static void
machine_enter_end(struct machine *m, const struct guest_result *r)
{
	bool failed = r->end != GUEST_EXITED && r->end != GUEST_STOPPED;

	machine_enter(m, failed ? MACHINE_FAILED : MACHINE_STOPPED,
	    guest_end_name(r->end), r->text);
	m->reason.ended = r->end != GUEST_STOPPED;
	m->reason.exited = r->end == GUEST_EXITED;
	m->reason.status = r->status;
	m->reason.cpu = r->cpu;
	machine_tell(m, failed ? EVENTS_FAILED : EVENTS_STOPPED, m->reason.text);
}

/* Does the policy start it again? Then the timer is set. */
static bool
machine_start_again(struct machine *m, const struct guest_result *r)
{
	uint64_t ran_ms = (m->end_ns - m->start_ns) / 1000000;
	unsigned delay;

	switch (restart_decide(&m->restart,
	    r->end == GUEST_EXITED && r->status == 0, ran_ms, &delay)) {
	case RESTART_AFTER:
		m->restarting = machine_timer_set(m, delay);
		if (m->restarting)
			log_info("machine: %s: starts again in %u ms", m->name,
			    delay);
		break;
	case RESTART_GIVE_UP:
		log_warnx("machine: %s: ended %u times soon after its start, "
		    "will not be started again", m->name, m->restart.quick);
		m->state = MACHINE_FAILED;
		m->reason.kind = "crash-loop";
		machine_tell(m, EVENTS_FAILED, "crash-loop");
		break;
	case RESTART_NO:
		break;
	}
	return m->restarting;
}

/* Whoever asked for a reset and got a stop. */
static void
machine_reset_over(struct machine *m)
{
	struct proto_failure f;

	m->resetting = false;
	proto_fail(&f, PROTO_STATE_CONFLICT, 0, "vm", "%s was stopped",
	    m->name);
	machine_answer(m, &m->starts, &f);
}

/* ENDED: the guest is over. */
void
machine_ended(struct machine *m, const struct worker_msg *msg)
{
	struct proto_failure f;

	m->end_ns = host_clock();
	m->shown = msg->sample;
	if (m->resetting && !m->stopping && !m->destroying) {
		machine_begin(m);
		return;
	}
	machine_enter_end(m, &msg->result);
	machine_reset_over(m);
	if (!m->stopping && !m->destroying &&
	    machine_start_again(m, &msg->result))
		return;
	m->stopping = false;
	machine_console(m, true);
	machine_answer(m, &m->stops, NULL);
	machine_answer(m, &m->ends, NULL);
	if (m->doomed_next && !m->destroying)
		(void)machine_destroy(m, NULL, &f);
}
