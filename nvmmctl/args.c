/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The command line: options before or after the verb, `--opt value' and
 * `--opt=value' alike, the verb, its operands.  An option is one row of the
 * table; which verb takes it is the verb's row in main.c.
 */

#include <string.h>

#include "nvmmctl.h"

struct option_row {
	const char *name;		/* with its dashes */
	unsigned int mask;		/* OPT_*, 0: every verb takes it */
	bool valued;
	size_t field;			/* in struct ctl */
};

#define FIELD(f)	offsetof(struct ctl, f)

static const struct option_row option_rows[] = {
	{ "-j",		0,		false,	FIELD(json) },
	{ "--json",	0,		false,	FIELD(json) },
	{ "-s",		0,		true,	FIELD(socket) },
	{ "--socket",	0,		true,	FIELD(socket) },
	{ "-H",		0,		true,	FIELD(host) },
	{ "--host",	0,		true,	FIELD(host) },
	{ "-h",		0,		false,	FIELD(help) },
	{ "--help",	0,		false,	FIELD(help) },
	{ "--mem",	OPT_MEM,	true,	FIELD(mem) },
	{ "--elf",	OPT_ELF,	true,	FIELD(elf) },
	{ "--name",	OPT_NAME,	true,	FIELD(name) },
	{ "--vcpus",	OPT_VCPUS,	true,	FIELD(vcpus) },
	{ "--cmdline",	OPT_CMDLINE,	true,	FIELD(cmdline) },
	{ "--boot",	OPT_BOOT,	true,	FIELD(boot) },
	{ "--keep",	OPT_KEEP,	false,	FIELD(keep) },
	{ "--timeout",	OPT_TIMEOUT,	true,	FIELD(timeout) },
	{ "--replay",	OPT_REPLAY,	false,	FIELD(replay) },
	{ "--all",	OPT_ALL,	false,	FIELD(all) },
	{ "--wait",	OPT_WAIT,	false,	FIELD(wait) },
	{ "--force",	OPT_FORCE,	false,	FIELD(force) },
	{ "--grace",	OPT_GRACE,	true,	FIELD(grace) },
	{ "--cpu",	OPT_CPU,	true,	FIELD(cpu) },
	{ "-f",		OPT_FOLLOW,	false,	FIELD(follow) },
	{ "--follow",	OPT_FOLLOW,	false,	FIELD(follow) },
	{ "-o",		OPT_COLUMNS,	true,	FIELD(columns) },
	{ "--columns",	OPT_COLUMNS,	true,	FIELD(columns) },
	{ "--restart",	OPT_RESTART,	true,	FIELD(restart) },
	{ "--openmetrics", OPT_METRICS,	false,	FIELD(metrics) },
	{ "--interval",	OPT_INTERVAL,	true,	FIELD(interval) },
	{ "--owner",	OPT_OWNER,	true,	FIELD(owner) },
	{ "--group",	OPT_GROUP,	true,	FIELD(group) },
	{ "--share",	OPT_SHARE,	true,	FIELD(share) },
};

/* Returns the row of the option that an argument spells, or NULL. */
static const struct option_row *
option_find(const char *arg, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(option_rows) / sizeof(option_rows[0]); i++) {
		if (strlen(option_rows[i].name) == len &&
		    strncmp(option_rows[i].name, arg, len) == 0)
			return &option_rows[i];
	}
	return NULL;
}

/* Tells whether an option may stand here; if not, it has said why. */
static bool
option_allowed(const struct ctl *ctl, const struct option_row *row,
    const char *arg)
{
	if (row == NULL)
		(void)fail(CTL_USAGE, "unknown option: %s", arg);
	else if (row->mask != 0 && ctl->verb == NULL)
		(void)fail(CTL_USAGE, "option %s goes after the verb", arg);
	else if (row->mask != 0 && (row->mask & ctl->verb->options) == 0)
		(void)fail(CTL_USAGE, "%s takes no option %s", ctl->verb->name,
		    row->name);
	else
		return true;
	return false;
}

/*
 * Takes the option at argv[0] and its value, if it has one, from argv[1].
 * Returns how many arguments that were, 0 after an error.
 */
static int
option_take(struct ctl *ctl, int argc, char **argv)
{
	const struct option_row *row;
	const char *equals, **field;
	size_t len;

	equals = (argv[0][1] == '-') ? strchr(argv[0], '=') : NULL;
	len = (equals != NULL) ? (size_t)(equals - argv[0]) : strlen(argv[0]);
	row = option_find(argv[0], len);
	if (!option_allowed(ctl, row, argv[0]))
		return 0;
	field = (const char **)(void *)((char *)ctl + row->field);
	if (!row->valued && equals != NULL) {
		(void)fail(CTL_USAGE, "option %s takes no value", row->name);
		return 0;
	}
	if (!row->valued || equals != NULL) {
		*field = row->valued ? equals + 1 : row->name;
		return 1;
	}
	if (argc < 2) {
		(void)fail(CTL_USAGE, "option %s needs a value", row->name);
		return 0;
	}
	*field = argv[1];
	return 2;
}

/* Returns the verb of that name, or NULL after an error. */
static const struct verb *
verb_find(const char *name, const struct verb *verbs, size_t nverbs)
{
	size_t i;

	for (i = 0; i < nverbs; i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	(void)fail(CTL_USAGE, "unknown verb: %s", name);
	return NULL;
}

/* Checks the number of operands against the verb's row. */
static int
operands_check(const struct ctl *ctl)
{
	const struct verb *v = ctl->verb;

	if (ctl->all != NULL && ctl->noperands > 0)
		return fail(CTL_USAGE, "either names or --all");
	if ((ctl->all == NULL && ctl->noperands < v->min) ||
	    (v->max >= 0 && ctl->noperands > v->max))
		return fail(CTL_USAGE, "usage: nvmmctl %s%s%s", v->name,
		    *v->usage != '\0' ? " " : "", v->usage);
	return CTL_OK;
}

/*
 * Parses the arguments after the program's name into ctl; argv is reordered,
 * operands first.  Returns an exit status; asking for help is no error, and
 * may leave the verb NULL.
 */
int
args_parse(struct ctl *ctl, int argc, char **argv, const struct verb *verbs,
    size_t nverbs)
{
	bool dashes = true;
	int i, n;

	ctl->operands = argv;
	for (i = 0; i < argc; i += n) {
		n = 1;
		if (dashes && strcmp(argv[i], "--") == 0) {
			dashes = false;
		} else if (dashes && argv[i][0] == '-' && argv[i][1] != '\0') {
			n = option_take(ctl, argc - i, argv + i);
			if (n == 0)
				return CTL_USAGE;
		} else if (ctl->verb == NULL) {
			ctl->verb = verb_find(argv[i], verbs, nverbs);
			if (ctl->verb == NULL)
				return CTL_USAGE;
		} else {
			argv[ctl->noperands++] = argv[i];
		}
	}
	if (ctl->help != NULL)
		return CTL_OK;
	if (ctl->verb == NULL)
		return fail(CTL_USAGE, "a verb is missing; "
		    "nvmmctl --help lists them");
	return operands_check(ctl);
}
