/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * toyvirt: execute an x86-64 ELF binary in a virtual machine, its console on
 * our standard input and output, its exit status ours. The smallest program
 * that the guest platform serves; nvmmd is the large one.
 */

#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "toyvirt.h"

#define DUMP_MAX	4096

/* A VCPU's thread. */
struct vcpu {
	struct guest *guest;
	unsigned cpu;
	pthread_t thread;
};

/* Descriptors 0 to 2 open, so that no other file becomes one of them. */
static void
open_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd == -1)
			exit(STATUS_TROUBLE);
	} while (fd <= STDERR_FILENO);
	close(fd);
}

/* A guest with the file loaded; does not return on an error. */
static struct guest *
make_guest(const struct options *opt)
{
	struct guest_config conf = {
		.mem = opt->mem,
		.ncpus = opt->ncpus,
		.cmdline = opt->cmdline,
		.boot = opt->boot,
		.console = console_output,
		.console_room = console_room,
	};
	struct guest_error error;
	struct guest *g;
	int fd;

	fd = open(opt->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		err(STATUS_TROUBLE, "%s", opt->file);
	if (guest_init(&error) == -1 || guest_create(&conf, &g, &error) == -1)
		errx(STATUS_TROUBLE, "%s", error.text);
	if (guest_load(g, fd, opt->file, &error) == -1) {
		guest_destroy(g);
		errx(STATUS_TROUBLE, "%s", error.text);
	}
	close(fd);
	return g;
}

/* The thread: the guest has ended when it returns. */
static void *
vcpu_main(void *arg)
{
	struct vcpu *v = arg;

	guest_vcpu_run(v->guest, v->cpu);
	console_vcpu_done();
	return NULL;
}

/* Threads for all VCPUs; on an error the guest is stopped. */
static unsigned
start_vcpus(struct guest *g, struct vcpu *vcpus, unsigned n)
{
	unsigned i;
	int error;

	for (i = 0; i < n; i++) {
		vcpus[i].guest = g;
		vcpus[i].cpu = i;
		error = pthread_create(&vcpus[i].thread, NULL, vcpu_main,
		    &vcpus[i]);
		if (error != 0) {
			warnx("no thread for VCPU %u: %s", i, strerror(error));
			guest_stop(g);
			break;
		}
	}
	return i;
}

/* Run the guest to its end. Returns the signal that ended it, or 0. */
static int
run_guest(struct guest *g, const struct options *opt)
{
	struct vcpu *vcpus;
	unsigned i, n;
	int signo;

	vcpus = calloc(opt->ncpus, sizeof(*vcpus));
	if (vcpus == NULL)
		err(STATUS_TROUBLE, "VCPUs");
	n = start_vcpus(g, vcpus, opt->ncpus);
	signo = console_serve(g, term_raw(STDIN_FILENO));
	for (i = 0; i < n; i++)
		pthread_join(vcpus[i].thread, NULL);
	term_restore();
	free(vcpus);
	if (n != opt->ncpus)
		exit(STATUS_TROUBLE);
	return signo;
}

/* What it died of, and its registers, on standard error. */
static void
report_death(struct guest *g, const struct guest_result *result)
{
	char dump[DUMP_MAX];

	warnx("%s", result->text);
	if (guest_vcpu_dump(g, result->cpu, dump, sizeof(dump)) > 0)
		fputs(dump, stderr);
}

/* Our exit status by how the guest ended. */
static int
report(struct guest *g, int signo)
{
	struct guest_result result;

	guest_result(g, &result);
	switch (result.end) {
	case GUEST_EXITED:
		return (int)(result.status & 0xff);
	case GUEST_STOPPED:
		return signo != 0 ? STATUS_SIGNAL + signo : 0;
	default:
		report_death(g, &result);
		return STATUS_DIED;
	}
}

int
main(int argc, char **argv)
{
	struct options opt;
	struct guest *g;
	int signo, status;

	open_standard_files();
	options_parse(&opt, argc, argv);
	if (console_init() == -1)
		err(STATUS_TROUBLE, "pipe");
	g = make_guest(&opt);
	signo = run_guest(g, &opt);
	status = report(g, signo);
	guest_destroy(g);
	return status;
}
