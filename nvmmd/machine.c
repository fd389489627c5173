/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Records, and the messages to and from their workers.
 *
 * Life cycle. machine_create admits, names and lists a record at once, with
 * .creating set until the worker has loaded the guest; a create that fails is
 * undone by destroy, and only then answered. What happens between is told in
 * machine_life.c.
 * Destroy may come at any time: it is the last message that the worker gets,
 * and when its answer is here, nothing of the machine is left anywhere else.
 *
 * Synchronization. All of this is the main thread's. Other threads see a
 * worker's own structure and the console, which has a lock.
 */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "events.h"
#include "evloop.h"
#include "host.h"
#include "log.h"
#include "machine_impl.h"

const char *const machine_state_names[] = {
	[MACHINE_CREATED] = "created",
	[MACHINE_RUNNING] = "running",
	[MACHINE_PAUSED] = "paused",
	[MACHINE_STOPPED] = "stopped",
	[MACHINE_FAILED] = "failed",
};

struct machine_list machines = TAILQ_HEAD_INITIALIZER(machines);

static struct queue machine_queue;
const struct policy *machine_policy;
static void (*machine_empty)(void);
static unsigned machine_next;		/* of the names we give */
static bool machine_closing;		/* the daemon ends */

/* Prepares for the first machine. */
int
machine_init(const struct policy *policy, void (*empty)(void))
{

	machine_policy = policy;
	machine_empty = empty;
	return queue_init(&machine_queue, true);
}

/* => There are no machines. */
void
machine_fini(void)
{

	machine_share_fini();
	queue_fini(&machine_queue);
}

/* Readable when workers have answered. */
int
machine_fd(void)
{

	return queue_fd(&machine_queue);
}

/* The record of that name, or NULL. */
struct machine *
machine_find(const char *name)
{
	struct machine *m;

	TAILQ_FOREACH(m, &machines, link) {
		if (strcmp(m->name, name) == 0)
			return m;
	}
	return NULL;
}

/* Puts a wait on a list. NULL is allowed. */
void
machine_wait_on(struct machine_waits *list, struct machine_wait *w)
{

	if (w == NULL)
		return;
	w->list = list;
	TAILQ_INSERT_TAIL(list, w, link);
}

/* Takes a wait off its list. */
void
machine_cancel(struct machine_wait *w)
{

	if (w->list != NULL)
		TAILQ_REMOVE(w->list, w, link);
	w->list = NULL;
}

/* Calls all of a list back. */
void
machine_answer(struct machine *m, struct machine_waits *list,
    const struct proto_failure *failure)
{
	struct machine_wait *w;

	while ((w = TAILQ_FIRST(list)) != NULL) {
		machine_cancel(w);
		w->done(w, m, failure);
	}
}

/* Writes the state down. */
static void
machine_set(struct machine *m, enum machine_state state, const char *kind,
    const char *text)
{

	m->state = state;
	m->since = time(NULL);
	memset(&m->reason, 0, sizeof(m->reason));
	m->reason.kind = kind;
	(void)snprintf(m->reason.text, sizeof(m->reason.text), "%s", text);
}

/* The same, for all to know. */
void
machine_enter(struct machine *m, enum machine_state state, const char *kind,
    const char *text)
{

	machine_set(m, state, kind, text);
	log_info("machine: %s: %s: %s", m->name, machine_state_names[state],
	    text);
}

/* Is that a name that a file, a shell and a table can carry? */
static bool
machine_name_good(const char *name)
{
	const char *p;

	if (!isalnum((unsigned char)name[0]) ||
	    strlen(name) >= MACHINE_NAME_MAX)
		return false;
	for (p = name; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) && strchr("_.-", *p) == NULL)
			return false;
	}
	return true;
}

/* Checks the name and the command line. */
static int
machine_admit_texts(const struct machine_spec *spec, struct proto_failure *f)
{

	if (spec->name != NULL && !machine_name_good(spec->name))
		return proto_fail(f, PROTO_INVALID_PARAMS, 0, "name",
		    "\"%.80s\" is no name: 1 to %d letters, digits and _.- "
		    "after a letter or digit", spec->name,
		    MACHINE_NAME_MAX - 1);
	if (spec->name != NULL && machine_find(spec->name) != NULL)
		return proto_fail(f, PROTO_EXISTS, EEXIST, "name",
		    "%s exists already", spec->name);
	if (spec->cmdline != NULL &&
	    strlen(spec->cmdline) >= GUEST_CMDLINE_MAX)
		return proto_fail(f, PROTO_INVALID_PARAMS, 0, "cmdline",
		    "the command line is longer than %d bytes",
		    GUEST_CMDLINE_MAX - 1);
	return 0;
}

/* Asks the policy. */
int
machine_admit(const struct machine_spec *spec, struct proto_failure *f)
{
	struct policy_ask ask = { spec->memory, spec->vcpus };
	struct policy_use all, his;
	char text[POLICY_TEXT_MAX];

	if (machine_closing)
		return proto_fail(f, PROTO_SHUTTING_DOWN, 0, NULL,
		    "the daemon is ending");
	if (machine_admit_texts(spec, f) == -1)
		return -1;
	machine_use(&all);
	machine_use_of(spec->owner.uid, &his);
	switch (policy_admit(machine_policy, &spec->who, &all, &his, &ask,
	    text)) {
	case POLICY_OK:
		return 0;
	case POLICY_BAD_MEMORY:
		return proto_fail(f, PROTO_INVALID_PARAMS, 0, "memory", "%s",
		    text);
	case POLICY_BAD_VCPUS:
		return proto_fail(f, PROTO_INVALID_PARAMS, 0, "vcpus", "%s",
		    text);
	case POLICY_MEMORY:
		return proto_fail(f, PROTO_LIMIT, 0, "memory", "%s", text);
	case POLICY_VCPUS:
		return proto_fail(f, PROTO_LIMIT, 0, "vcpus", "%s", text);
	case POLICY_MACHINES:
		break;
	}
	return proto_fail(f, PROTO_LIMIT, 0, NULL, "%s", text);
}

/* Frees a record that is on no list and has no worker. NULL is allowed. */
static void
machine_free(struct machine *m)
{

	if (m == NULL)
		return;
	free(m->cmdline);
	free(m->image);
	free(m->rates);
	free(m->groups);
	free(m);
}

/* Gives the record its name. */
static void
machine_name(struct machine *m, const char *name)
{

	m->numbered = name == NULL;
	if (name != NULL) {
		(void)snprintf(m->name, sizeof(m->name), "%s", name);
		return;
	}
	do {
		m->number = machine_next++;
		(void)snprintf(m->name, sizeof(m->name), "vm%u", m->number);
	} while (machine_find(m->name) != NULL);
}

/* Takes the number back of a machine that never was. */
static void
machine_unname(const struct machine *m)
{

	if (m->numbered && m->number < machine_next)
		machine_next = m->number;
}

/* A record of what was asked for. Returns NULL without memory. */
static struct machine *
machine_alloc(const struct machine_spec *spec)
{
	struct machine *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	TAILQ_INIT(&m->creates);
	TAILQ_INIT(&m->starts);
	TAILQ_INIT(&m->stops);
	TAILQ_INIT(&m->pauses);
	TAILQ_INIT(&m->resumes);
	TAILQ_INIT(&m->reads);
	TAILQ_INIT(&m->destroys);
	TAILQ_INIT(&m->samples);
	TAILQ_INIT(&m->ends);
	LIST_INIT(&m->readers);
	m->memory = spec->memory;
	m->ncpus = (unsigned)spec->vcpus;
	m->boot = spec->boot;
	m->restart.policy = spec->restart;
	m->owner = spec->owner;
	machine_who(m, &spec->who);
	m->cmdline = strdup(spec->cmdline != NULL ? spec->cmdline : "");
	m->image = strdup(spec->image);
	m->rates = calloc(m->ncpus, sizeof(*m->rates));
	if (m->cmdline != NULL && m->image != NULL && m->rates != NULL &&
	    console_init(&m->console) == 0)
		return m;
	machine_free(m);
	return NULL;
}

/* Starts the record's worker. Returns 0 or an errno. */
static int
machine_hire(struct machine *m, int fd)
{
	struct worker_spec spec = {
		.name = m->name,
		.memory = m->memory,
		.ncpus = m->ncpus,
		.cmdline = m->cmdline,
		.boot = m->boot,
		.fd = fd,
		.image = m->image,
	};

	return worker_new(&spec, &m->console, &machine_queue, m, &m->worker);
}

/* A new machine, loaded by the time that the wait is called back. */
int
machine_create(const struct machine_spec *spec, struct machine_wait *wait,
    struct proto_failure *f)
{
	struct machine *m;
	int error = ENOMEM;

	if (machine_admit(spec, f) == -1) {
		(void)close(spec->fd);
		return -1;
	}
	m = machine_alloc(spec);
	if (m != NULL) {
		machine_name(m, spec->name);
		error = machine_hire(m, spec->fd);
	}
	if (error != 0) {
		(void)close(spec->fd);
		if (m != NULL) {
			machine_unname(m);
			console_fini(&m->console);
		}
		machine_free(m);
		return proto_fail(f, error == ENOMEM ? PROTO_NO_MEMORY :
		    PROTO_LIMIT, error, NULL, "no thread for a machine: %s",
		    strerror(error));
	}
	TAILQ_INSERT_TAIL(&machines, m, link);
	m->creating = true;
	m->created = time(NULL);
	machine_set(m, MACHINE_CREATED, "created", "being created");
	machine_wait_on(&m->creates, wait);
	return 0;
}

/* Is it on its way in or out? */
int
machine_settled(const struct machine *m, struct proto_failure *f)
{

	if (m->destroying)
		return proto_fail(f, PROTO_NOT_FOUND, 0, "vm",
		    "%s is being destroyed", m->name);
	if (m->creating)
		return proto_fail(f, PROTO_BUSY, EBUSY, "vm",
		    "%s is still being created", m->name);
	return 0;
}

/* Sends the last message. */
static void
machine_doom(struct machine *m)
{

	if (m->doomed)
		return;
	m->doomed = true;
	worker_destroy(m->worker);
}

/* Ends and frees it, whatever it does. wait may be NULL. */
int
machine_destroy(struct machine *m, struct machine_wait *wait,
    struct proto_failure *f)
{

	(void)f;
	m->destroying = true;
	machine_wait_on(&m->destroys, wait);
	machine_doom(m);
	return 0;
}

/* Takes a fresh sample, shared by all who ask meanwhile. */
int
machine_sample(struct machine *m, struct machine_wait *wait,
    struct proto_failure *f)
{

	if (m->destroying)
		return machine_settled(m, f);
	machine_wait_on(&m->samples, wait);
	if (!m->sampling)
		worker_sample(m->worker, m->shown);
	m->sampling = true;
	return 0;
}

/* All at once; what runs is asked to end by itself first. */
void
machine_destroy_all(unsigned grace_ms)
{
	struct proto_failure f;
	struct machine *m;

	machine_closing = true;
	if (TAILQ_EMPTY(&machines))
		machine_empty();
	TAILQ_FOREACH(m, &machines, link) {
		m->doomed_next = m->state == MACHINE_RUNNING && !m->destroying &&
		    machine_stop(m, grace_ms, NULL, &f) == 0;
		if (!m->doomed_next)
			(void)machine_destroy(m, NULL, &f);
	}
}

/* Nothing will write to the console again. */
bool
machine_over(const struct machine *m)
{

	if (m->destroying)
		return true;
	return (m->state == MACHINE_STOPPED || m->state == MACHINE_FAILED) &&
	    !m->starting && !m->restarting;
}

/* Adds a reader. */
void
machine_reader_add(struct machine *m, struct machine_reader *r)
{

	LIST_INSERT_HEAD(&m->readers, r, link);
}

/* Takes a reader off. */
void
machine_reader_remove(struct machine_reader *r)
{

	LIST_REMOVE(r, link);
}

/* Passes input on. */
void
machine_input(struct machine *m, struct worker_input *in,
    struct machine_reader *r)
{

	in->arg = r;
	worker_input(m->worker, in);
}

/* Tells all who listen and may see it. */
void
machine_tell(const struct machine *m, enum events_type type,
    const char *reason)
{

	events_tell(type, m->name, reason, &m->owner);
}

/* Tells the console's readers. */
void
machine_console(struct machine *m, bool ended)
{
	struct machine_reader *r, *next;

	for (r = LIST_FIRST(&m->readers); r != NULL; r = next) {
		next = LIST_NEXT(r, link);
		r->notify(r, m, ended);
	}
}

/* An input is back: is its reader still there? */
static void
machine_taken(struct machine *m, struct worker_input *in)
{
	struct machine_reader *r;

	LIST_FOREACH(r, &m->readers, link) {
		if (r == in->arg) {
			r->taken(r, in);
			return;
		}
	}
	free(in);
}

/* CREATE's answer: a machine, or one to be taken back. */
static void
machine_created(struct machine *m, const struct worker_msg *msg)
{
	const struct guest_error *e = &msg->error;

	m->creating = false;
	if (m->destroying)
		return;
	if (!msg->failed) {
		machine_enter(m, MACHINE_CREATED, "created", "created");
		machine_tell(m, EVENTS_CREATED, NULL);
		machine_answer(m, &m->creates, NULL);
		return;
	}
	proto_fail(&m->failure, e->code == ENOMEM ? PROTO_NO_MEMORY :
	    msg->image ? PROTO_BAD_IMAGE : e->code == ENOBUFS ||
	    e->code == EMFILE || e->code == ENFILE ? PROTO_LIMIT :
	    PROTO_DRIVER, e->code, msg->image ? "elf" : NULL, "%s", e->text);
	m->destroying = true;
	machine_doom(m);
}

/* SAMPLE's answer. */
static void
machine_sampled(struct machine *m, const struct worker_msg *msg)
{

	m->sampling = false;
	m->shown = msg->sample;
	machine_answer(m, &m->samples, NULL);
}

/* REGS' answer: for those who ask while it is told. */
static void
machine_read(struct machine *m, const struct worker_msg *msg)
{
	struct proto_failure f;

	m->reading = false;
	m->regs = msg->regs;
	if (msg->failed)
		proto_fail(&f, msg->error.code == ENOMEM ? PROTO_NO_MEMORY :
		    PROTO_STATE_CONFLICT, msg->error.code, "vm",
		    "%s has no registers to show", m->name);
	machine_answer(m, &m->reads, msg->failed ? &f : NULL);
	m->regs = NULL;
}

/* Tells all who still wait that there is nothing to wait for. */
static void
machine_forsake(struct machine *m)
{
	struct proto_failure f;

	proto_fail(&f, PROTO_NOT_FOUND, 0, "vm", "%s was destroyed", m->name);
	machine_answer(m, &m->creates, m->failure.text[0] != '\0' ?
	    &m->failure : &f);
	machine_answer(m, &m->starts, &f);
	machine_answer(m, &m->stops, &f);
	machine_answer(m, &m->pauses, &f);
	machine_answer(m, &m->resumes, &f);
	machine_answer(m, &m->reads, &f);
	machine_answer(m, &m->samples, &f);
	machine_answer(m, &m->ends, &f);
}

/* Takes a machine's memory back, so that the answer comes after that. */
static void
machine_shed(struct machine *m)
{

	worker_free(m->worker);
	m->worker = NULL;
	m->shown = NULL;
	TAILQ_REMOVE(&machines, m, link);
	machine_console(m, true);
	console_fini(&m->console);
	evloop_timer_free(m->timer);
}

/* DESTROY's answer: nothing else refers to the machine any more. */
static void
machine_destroyed(struct machine *m)
{

	machine_shed(m);
	log_info("machine: %s: destroyed", m->name);
	if (m->failure.text[0] == '\0')
		machine_tell(m, EVENTS_DESTROYED, NULL);
	else
		machine_unname(m);
	machine_forsake(m);
	machine_answer(m, &m->destroys, NULL);
	machine_free(m);
	if (TAILQ_EMPTY(&machines))
		machine_empty();
}

/* One message from a worker. */
static void
machine_message(struct worker_msg *msg)
{
	struct machine *m = msg->owner;

	switch (msg->op) {
	case WORKER_CREATE:
		machine_created(m, msg);
		break;
	case WORKER_START:
		machine_started(m, msg);
		break;
	case WORKER_POWER:
		machine_powered(m, msg);
		break;
	case WORKER_PAUSE:
		machine_paused(m, msg);
		break;
	case WORKER_RESUME:
		machine_resumed(m);
		break;
	case WORKER_SHARE:
		machine_shared(m, msg);
		break;
	case WORKER_REGS:
		machine_read(m, msg);
		break;
	case WORKER_SAMPLE:
		machine_sampled(m, msg);
		break;
	case WORKER_INPUT:
		machine_taken(m, (struct worker_input *)msg);
		break;
	case WORKER_ENDED:
		machine_share_count(m, msg->cpu_ns);
		machine_ended(m, msg);
		break;
	case WORKER_CONSOLE:
		console_ack(&m->console);
		machine_console(m, false);
		break;
	case WORKER_DESTROY:
		machine_share_count(m, msg->cpu_ns);
		machine_destroyed(m);
		break;
	case WORKER_STOP:
	case WORKER_NMI:
	case WORKER_ROOM:
		break;
	}
}

/* All messages that are there. */
void
machine_dispatch(void *arg, int what)
{
	struct queue_item *item;

	(void)arg;
	(void)what;
	while ((item = queue_tryget(&machine_queue)) != NULL)
		machine_message((struct worker_msg *)item);
}
