/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Cases in processes of their own, and TAP. A case that hangs in the kernel
 * hangs the run, which the one who started the machine ends.
 */

#include <sys/param.h>
#include <sys/wait.h>

#include "h_atf.h"
#include "h_case.h"

#define EXIT_SKIP	77

static bool failed;		/* in a case's process */
static unsigned ncases, nfailed;

static void
say(const char *what, const char *fmt, va_list ap)
{
	char text[256];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	printf("# %s%s\n", what, text);
}

void
atf_tc_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
	_exit(EXIT_FAILURE);
}

void
atf_tc_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("skipped: ", fmt, ap);
	va_end(ap);
	_exit(EXIT_SKIP);
}

void
h_failed(bool fatal, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	printf("# %s:%d:\n", file, line);
	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
	failed = true;
	if (fatal)
		_exit(EXIT_FAILURE);
}

bool
h_case(const char *group, const char *name, void (*func)(const void *),
    const void *arg)
{
	bool ok, skip;
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		func(arg);
		_exit(failed ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	ok = pid != -1 && waitpid(pid, &status, 0) == pid;
	skip = ok && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP;
	if (ok && WIFSIGNALED(status))
		printf("# signal %d\n", WTERMSIG(status));
	ok = ok && (skip || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
	if (!ok)
		nfailed++;
	printf("%sok %u - %s:%s%s\n", ok ? "" : "not ", ++ncases, group, name,
	    skip ? " # SKIP" : "");
	return ok;
}

unsigned
h_done(void)
{

	printf("1..%u\n", ncases);
	return nfailed;
}

/* A row of the API tests' tables. */
static void
row(const void *arg)
{
	const struct vm_case *c = arg;
	struct vm vm;

	vm_open();
	if (c->svm != MUST)
		atf_tc_skip("not applicable to svm: %s", c->svm);
	vm_create_cpus(&vm, c->ncpus != 0 ? c->ncpus : 1);
	c->func(&vm);
	vm_destroy(&vm);
}

atf_error_t
vm_cases_add(atf_tp_t *tp, const char *group, const struct vm_case *table,
    size_t n)
{
	size_t i;

	(void)tp;
	for (i = 0; i < n; i++)
		(void)h_case(group, table[i].name, row, &table[i]);
	return 0;
}
