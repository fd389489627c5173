/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The table of cases as ATF test cases: each finds its row by its name. What
 * the host's KVM, or the emulator that the host runs in, is known to get wrong
 * is looked up in files.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h_bare.h"
#include "h_case.h"

#define MAX_CASES	128
#define FAULTS_FILE	"d_kvm_faults.txt"
#define FAULTS_MAX	8192

static const char *group;
static const struct vm_case *cases;
static size_t ncases;
static atf_tc_t tcs[MAX_CASES + 1];

static const struct vm_case *
case_find(const char *name)
{
	size_t i;

	for (i = 0; i < ncases; i++) {
		if (strcmp(cases[i].name, name) == 0)
			return &cases[i];
	}
	atf_tc_fail("no row %s", name);
}

static void
case_head(atf_tc_t *tc)
{

	atf_tc_set_md_var(tc, "descr", "%s",
	    case_find(atf_tc_get_ident(tc))->descr);
}

/* True where the row is skipped for the host's sake. */
static bool
case_faulty(const struct vm_case *c)
{

	return vm_is("kvm") && c->kvm == MUST && c->fault != NULL &&
	    bare_has_fault(c->fault);
}

/* => Does not return where the row does not apply. */
static void
case_applies(const struct vm_case *c)
{
	const char *why = vm_is("kvm") ? c->kvm : c->svm;

	if (why != MUST)
		atf_tc_skip("not applicable to %s: %s",
		    vm_is("kvm") ? "kvm" : "svm", why);
	if (case_faulty(c))
		atf_tc_skip("bare KVM fails here: %s", c->fault);
}

/* A file of faults, with a newline before its first line. */
static char *
faults_read(const atf_tc_t *tc, const char *file)
{
	static char text[FAULTS_MAX + 2] = "\n";
	char path[1024];
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s",
	    atf_tc_get_config_var_wd(tc, "srcdir", "."), file);
	f = fopen(path, "r");
	ATF_REQUIRE_MSG(f != NULL, "%s: %s", path, strerror(errno));
	n = fread(text + 1, 1, FAULTS_MAX, f);
	(void)fclose(f);
	ATF_REQUIRE_MSG(n < FAULTS_MAX, "%s is too long", path);
	return text;
}

/*
 * In an emulator that NVMM_TEST_HOST names, d_NAME_faults.txt lists rows that
 * it gets wrong by itself, each with the reason. => Does not return for them.
 */
static void
case_emulated(const atf_tc_t *tc, const struct vm_case *c)
{
	const char *host = getenv("NVMM_TEST_HOST");
	char file[64], line[128], *why;

	if (host == NULL)
		return;
	(void)snprintf(file, sizeof(file), "d_%s_faults.txt", host);
	(void)snprintf(line, sizeof(line), "\n%s:%s ", group, c->name);
	why = strstr(faults_read(tc, file), line);
	if (why == NULL)
		return;
	why += strlen(line);
	why[strcspn(why, "\n")] = '\0';
	atf_tc_skip("%s fails here: %s", host, why);
}

static void
case_body(const atf_tc_t *tc)
{
	const struct vm_case *c = case_find(atf_tc_get_ident(tc));
	struct vm vm;

	vm_open();
	case_applies(c);
	case_emulated(tc, c);
	vm_create_cpus(&vm, c->ncpus != 0 ? c->ncpus : 1);
	c->func(&vm);
	vm_destroy(&vm);
}

static bool
faults_name(const char *text, const struct vm_case *c)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "\n%s:%s\n", group, c->name);
	return strstr(text, line) != NULL;
}

/* Each line of this group names a row with a fault: the list only shrinks. */
static void
faults_known(char *text)
{
	char *line, *save, *name;

	for (line = strtok_r(text, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save)) {
		name = strchr(line, ':');
		if (line[0] == '#' || name == NULL ||
		    strncmp(line, group, (size_t)(name - line)) != 0 ||
		    group[name - line] != '\0')
			continue;
		ATF_CHECK_MSG(case_find(name + 1)->fault != NULL,
		    "%s is listed but has no fault", line);
	}
}

static void
faults_head(atf_tc_t *tc)
{

	atf_tc_set_md_var(tc, "descr", "%s",
	    "Only listed cases are skipped for the host's KVM");
}

static void
faults_body(const atf_tc_t *tc)
{
	char *text = faults_read(tc, FAULTS_FILE);
	bool faulty, listed;
	size_t i;

	vm_open();
	if (!vm_is("kvm"))
		atf_tc_skip("not applicable to svm: no KVM is below");
	for (i = 0; i < ncases; i++) {
		faulty = case_faulty(&cases[i]);
		listed = faults_name(text, &cases[i]);
		if (faulty)
			printf("skipped: %s:%s, as bare KVM fails: %s\n",
			    group, cases[i].name, cases[i].fault);
		else if (listed)
			printf("listed, but runs here: %s:%s\n", group,
			    cases[i].name);
		ATF_CHECK_MSG(!faulty || listed, "%s:%s is not in %s", group,
		    cases[i].name, FAULTS_FILE);
	}
	faults_known(text);
}

static atf_error_t
case_add(atf_tp_t *tp, atf_tc_t *tc, const char *name, atf_tc_head_t head,
    atf_tc_body_t body)
{
	char **config = atf_tp_get_config(tp);
	atf_error_t error;

	if (config == NULL)
		return atf_no_memory_error();
	error = atf_tc_init(tc, name, head, body, NULL,
	    (const char *const *)config);
	atf_utils_free_charpp(config);
	if (atf_is_error(error))
		return error;
	return atf_tp_add_tc(tp, tc);
}

atf_error_t
vm_cases_add(atf_tp_t *tp, const char *name, const struct vm_case *table,
    size_t n)
{
	atf_error_t error = atf_no_error();
	size_t i;

	if (n > MAX_CASES)
		return atf_libc_error(E2BIG, "too many cases");
	group = name;
	cases = table;
	ncases = n;
	for (i = 0; i < n && !atf_is_error(error); i++)
		error = case_add(tp, &tcs[i], table[i].name, case_head,
		    case_body);
	if (!atf_is_error(error))
		error = case_add(tp, &tcs[n], "kvm_faults", faults_head,
		    faults_body);
	return error;
}
