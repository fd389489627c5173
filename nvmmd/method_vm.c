/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The methods that act on machines. What takes time leaves an errand: it
 * waits for the machine, or for the parent, and then answers the request; if
 * the client goes first, the errand is dropped and the deed goes on.
 */

#include <sys/stat.h>

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "evloop.h"
#include "host.h"
#include "image.h"
#include "method.h"

struct errand {
	struct machine_wait wait;	/* first */
	struct image_wait image;
	struct request *request;
	struct evloop_timer *timer;	/* or NULL */
	/* Writes the result's members. */
	void (*answer)(struct proto_out *, struct machine *);
};

/* Ends the request with an error. */
void
method_fail(struct request *r, enum proto_error name, const char *param,
    const char *fmt, ...)
{
	char text[PROTO_TEXT_MAX];
	struct proto_failure f;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	proto_fail(&f, name, 0, param, "%s", text);
	request_fail(r, &f);
}

/* Lets go of the errand. */
static void
errand_free(struct errand *e)
{

	machine_cancel(&e->wait);
	evloop_timer_free(e->timer);
	free(e);
}

/* The client is gone. */
static void
errand_cancel(struct request *r)
{

	errand_free(r->state);
	request_drop(r);
}

/* The machine's answer. */
static void
errand_done(struct machine_wait *w, struct machine *m,
    const struct proto_failure *f)
{
	struct errand *e = (struct errand *)w;
	struct request *r = e->request;

	if (f != NULL) {
		request_fail(r, f);
	} else if (!peer_may_see(r->peer, &m->owner)) {
		method_absent(r, m->name);
	} else {
		e->answer(request_result(r), m);
		request_done(r);
	}
	errand_free(e);
}

/* An errand for the request; NULL: answered. */
static struct errand *
errand_new(struct request *r, void (*answer)(struct proto_out *,
    struct machine *))
{
	struct errand *e = calloc(1, sizeof(*e));

	if (e == NULL) {
		method_fail(r, PROTO_NO_MEMORY, NULL, "out of memory");
		return NULL;
	}
	e->wait.done = errand_done;
	e->request = r;
	e->answer = answer;
	r->state = e;
	r->cancel = errand_cancel;
	return e;
}

/* The errand could not even begin. */
static void
errand_fail(struct errand *e, const struct proto_failure *f)
{

	request_fail(e->request, f);
	errand_free(e);
}

/* The short answer of what changes a state. */
static void
method_answer_state(struct proto_out *o, struct machine *m)
{

	proto_out_string(o, "name", m->name);
	proto_out_string(o, "state", machine_state_names[m->state]);
}

/* Of a machine that is gone. */
static void
method_answer_name(struct proto_out *o, struct machine *m)
{

	proto_out_string(o, "name", m->name);
}

/* The whole record. */
static void
method_answer_record(struct proto_out *o, struct machine *m)
{

	method_record(o, m);
}

/* Asks the machine for something that answers later. */
static void
method_ask(struct request *r, int (*ask)(struct machine *,
    struct machine_wait *, struct proto_failure *),
    void (*answer)(struct proto_out *, struct machine *))
{
	struct proto_failure f;
	struct errand *e = errand_new(r, answer);

	if (e != NULL && ask(r->machine, &e->wait, &f) == -1)
		errand_fail(e, &f);
}

/* vm.start */
void
method_vm_start(struct request *r)
{

	method_ask(r, machine_start, method_answer_state);
}

/* Parameter i in milliseconds, where it is set. Returns -1: answered. */
static int
method_ms(struct request *r, unsigned i, unsigned *ms)
{
	const struct proto_value *v = request_value(r, i);
	const char *name = r->p.row->params[i].name;

	if (v->integer < 0 || v->integer > INT_MAX) {
		method_fail(r, PROTO_INVALID_PARAMS, name,
		    "%s must be 0 to %d", name, INT_MAX);
		return -1;
	}
	if (v->set)
		*ms = (unsigned)v->integer;
	return 0;
}

/* vm.stop */
void
method_vm_stop(struct request *r)
{
	unsigned grace = MACHINE_GRACE;
	struct proto_failure f;
	struct errand *e;

	if (method_ms(r, STOP_GRACE, &grace) == -1)
		return;
	if (request_value(r, STOP_FORCE)->boolean)
		grace = 0;
	e = errand_new(r, method_answer_state);
	if (e != NULL && machine_stop(r->machine, grace, &e->wait, &f) == -1)
		errand_fail(e, &f);
}

/* vm.pause */
void
method_vm_pause(struct request *r)
{

	method_ask(r, machine_pause, method_answer_state);
}

/* vm.resume */
void
method_vm_resume(struct request *r)
{

	method_ask(r, machine_resume, method_answer_state);
}

/* vm.reset */
void
method_vm_reset(struct request *r)
{

	method_ask(r, machine_reset, method_answer_state);
}

/* vm.regs */
void
method_vm_regs(struct request *r)
{

	method_ask(r, machine_regs, method_regs);
}

/* vm.nmi */
void
method_vm_nmi(struct request *r)
{
	const struct proto_value *cpu = request_value(r, NMI_CPU);
	struct machine *m = r->machine;
	struct proto_failure f;

	if (cpu->integer < 0 || cpu->integer >= m->ncpus) {
		method_fail(r, PROTO_INVALID_PARAMS, "cpu",
		    "cpu must be 0 to %u", m->ncpus - 1);
	} else if (machine_nmi(m, (unsigned)cpu->integer, &f) == -1) {
		request_fail(r, &f);
	} else {
		method_answer_state(request_result(r), m);
		request_done(r);
	}
}

/* vm.destroy */
void
method_vm_destroy(struct request *r)
{

	method_ask(r, machine_destroy, method_answer_name);
}

/* vm.show */
void
method_vm_show(struct request *r)
{

	method_ask(r, machine_sample, method_answer_record);
}

/* vm.stats */
void
method_vm_stats(struct request *r)
{

	method_ask(r, machine_sample, method_stats);
}

/* vm.list */
void
method_vm_list(struct request *r)
{
	struct proto_out *o = request_result(r);
	struct machine *m;

	proto_out_array(o, "machines");
	TAILQ_FOREACH(m, &machines, link) {
		if (!peer_may_see(r->peer, &m->owner))
			continue;
		proto_out_object(o, NULL);
		method_record_short(o, m);
		proto_out_object_end(o);
	}
	proto_out_array_end(o);
	request_done(r);
}

/* The time that vm.wait was given is over. */
static void
method_wait_timeout(void *arg)
{
	struct errand *e = arg;

	method_fail(e->request, PROTO_TIMEOUT, "timeout_ms",
	    "the machine has not ended in %" PRId64 " ms",
	    request_value(e->request, WAIT_TIMEOUT)->integer);
	errand_free(e);
}

/* vm.wait */
void
method_vm_wait(struct request *r)
{
	struct proto_failure f;
	struct errand *e;
	unsigned ms = 0;

	if (method_ms(r, WAIT_TIMEOUT, &ms) == -1)
		return;
	e = errand_new(r, method_answer_record);
	if (e == NULL)
		return;
	if (request_value(r, WAIT_TIMEOUT)->set) {
		e->timer = evloop_timer_new(method_wait_timeout, e);
		if (e->timer != NULL)
			evloop_timer_set(e->timer, ms);
	}
	if (machine_end_wait(r->machine, &e->wait, &f) == -1)
		errand_fail(e, &f);
}

/* The boot protocol by name. Returns -1 for what is none. */
static int
method_boot(const struct proto_value *v, enum guest_boot *boot)
{

	if (!v->set || strcmp(v->string, "auto") == 0)
		*boot = GUEST_BOOT_AUTO;
	else if (strcmp(v->string, "elf") == 0)
		*boot = GUEST_BOOT_ELF;
	else if (strcmp(v->string, "pvh") == 0)
		*boot = GUEST_BOOT_PVH;
	else
		return -1;
	return 0;
}

/* The machine asked for. Its file comes later. Returns -1: answered. */
static int
method_spec(struct request *r, struct machine_spec *spec)
{
	const struct proto_value *vcpus = request_value(r, CREATE_VCPUS);
	const struct proto_value *restart = request_value(r, CREATE_RESTART);
	int64_t memory = request_value(r, CREATE_MEMORY)->integer;

	memset(spec, 0, sizeof(*spec));
	spec->name = request_value(r, CREATE_NAME)->string;
	spec->memory = memory > 0 ? (uint64_t)memory : 0;
	spec->vcpus = vcpus->set ? vcpus->integer : 1;
	spec->cmdline = request_value(r, CREATE_CMDLINE)->string;
	spec->owner = r->peer->me;
	spec->who = peer_who(r->peer);
	if (method_boot(request_value(r, CREATE_BOOT), &spec->boot) == -1) {
		method_fail(r, PROTO_INVALID_PARAMS, "boot",
		    "boot must be auto, elf or pvh");
		return -1;
	}
	if (restart->set &&
	    restart_parse(restart->string, &spec->restart) == -1) {
		method_fail(r, PROTO_INVALID_PARAMS, "restart",
		    "restart must be never, on-failure or always");
		return -1;
	}
	return 0;
}

/* Creates from an open file. */
static void
method_create_file(struct request *r, int fd, const char *image)
{
	struct machine_spec spec;
	struct proto_failure f;
	struct errand *e;

	if (method_spec(r, &spec) == -1) {
		(void)close(fd);
		return;
	}
	spec.fd = fd;
	spec.image = image;
	e = errand_new(r, method_answer_record);
	if (e == NULL)
		(void)close(fd);
	else if (machine_create(&spec, &e->wait, &f) == -1)
		errand_fail(e, &f);
}

/* The parent's answer: a file, or why not. */
static void
method_create_image(struct image_wait *w, int fd, int error)
{
	struct errand *e = (struct errand *)((char *)w -
	    offsetof(struct errand, image));
	struct request *r = e->request;
	const char *name = request_value(r, CREATE_ELF)->string;
	struct proto_failure f;

	r->state = NULL;
	errand_free(e);
	if (fd != -1 && r->client == NULL)
		(void)close(fd);
	if (r->client == NULL) {
		request_drop(r);
		return;
	}
	if (fd != -1) {
		method_create_file(r, fd, name);
		return;
	}
	proto_fail(&f, error == ENOENT ? PROTO_NOT_FOUND : PROTO_BAD_IMAGE,
	    error, "elf", "%.200s: %s", name, error == ENOENT ?
	    "there is no image of that name" : error == EINVAL ?
	    "no name of an image, or no regular file" : strerror(error));
	request_fail(r, &f);
}

/* Creates from the image folder. */
static void
method_create_named(struct request *r, const char *name)
{
	struct errand *e = errand_new(r, NULL);
	struct proto_failure f;

	if (e == NULL)
		return;
	e->image.done = method_create_image;
	r->cancel = NULL;
	if (image_open(name, &e->image) == -1) {
		proto_fail(&f, errno == ENAMETOOLONG ? PROTO_NOT_FOUND :
		    PROTO_INTERNAL, errno, "elf", "%.200s: %s", name,
		    strerror(errno));
		errand_fail(e, &f);
	}
}

/* Creates from a descriptor that came along, or from an upload. */
static void
method_create_passed(struct request *r, unsigned i, bool upload)
{
	const char *name = request_value(r, CREATE_ELF)->name;
	struct stat st;
	int fd;

	fd = upload ? request_take_upload(r, i) : request_take_fd(r, i);
	if (fd == -1) {
		method_fail(r, PROTO_INVALID_PARAMS, "elf", upload ?
		    "elf.upload is %u, and the connection has no such upload" :
		    "elf.fd is %u, and the line came with no such descriptor",
		    i);
		return;
	}
	if (name == NULL)
		name = upload ? "upload" : "elf";
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		method_fail(r, PROTO_BAD_IMAGE, "elf",
		    "%.200s: not a regular file", name);
		return;
	}
	method_create_file(r, fd, name);
}

/* vm.create */
void
method_vm_create(struct request *r)
{
	const struct proto_value *elf = request_value(r, CREATE_ELF);
	struct machine_spec spec;
	struct proto_failure f;

	/* Refuse before any file is touched. */
	if (method_spec(r, &spec) == -1)
		return;
	if (machine_admit(&spec, &f) == -1)
		request_fail(r, &f);
	else if (elf->string != NULL)
		method_create_named(r, elf->string);
	else
		method_create_passed(r, (unsigned)elf->integer, elf->boolean);
}
