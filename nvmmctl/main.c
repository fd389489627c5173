/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * nvmmctl, the command that talks to nvmmd.  Here is the table of its verbs;
 * a verb's handler sends requests through client.h and shows the answers
 * through output.h.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../nvmmd/proto.h"
#include "nvmmctl.h"
#include "output.h"

#define MACHINE_USAGE	"--mem SIZE --elf FILE [--name NAME] [--vcpus N] " \
			    "[--cmdline TEXT] [--boot auto|elf|pvh] " \
			    "[--restart never|on-failure|always]"
#define NAMES_USAGE	"NAME ... | --all"

static const struct verb verbs[] = {
	{ "create", MACHINE_USAGE, OPT_CREATE, 0, 0,
	    cmd_create, "create a machine and print its name" },
	{ "start", NAMES_USAGE " [--wait]", OPT_ALL | OPT_WAIT, 1, -1,
	    cmd_start, "start machines" },
	{ "stop", NAMES_USAGE " [--grace SECONDS | --force]",
	    OPT_ALL | OPT_GRACE | OPT_FORCE, 1, -1,
	    cmd_stop, "ask machines to end, end those that do not" },
	{ "pause", NAMES_USAGE, OPT_ALL, 1, -1,
	    cmd_pause, "hold machines" },
	{ "resume", NAMES_USAGE, OPT_ALL, 1, -1,
	    cmd_resume, "let them go on" },
	{ "reset", NAMES_USAGE, OPT_ALL, 1, -1,
	    cmd_reset, "start machines from the beginning" },
	{ "nmi", "NAME ... [--cpu N]", OPT_CPU, 1, -1,
	    cmd_nmi, "give a VCPU a non-maskable interrupt" },
	{ "destroy", NAMES_USAGE, OPT_ALL, 1, -1,
	    cmd_destroy, "end machines and free all they had" },
	{ "run", MACHINE_USAGE " [--keep]", OPT_CREATE | OPT_KEEP, 0, 0,
	    cmd_run, "create, start, follow to the end, destroy" },
	{ "list", "[-o COLUMN,...]", OPT_COLUMNS, 0, 0,
	    cmd_list, "list the machines" },
	{ "set", NAMES_USAGE " [--owner USER] [--group GROUP] "
	    "[--share PERCENT] [--restart never|on-failure|always]",
	    OPT_ALL | OPT_SET, 1, -1,
	    cmd_set, "change what machines have and whose they are" },
	{ "show", NAMES_USAGE, OPT_ALL, 1, -1,
	    cmd_show, "show machines, and why they stopped" },
	{ "stats", NAMES_USAGE " [--openmetrics]", OPT_ALL | OPT_METRICS, 1,
	    -1, cmd_stats, "show times, memory and exits by reason" },
	{ "top", "[--interval SECONDS]", OPT_INTERVAL, 0, 0,
	    cmd_top, "watch all machines" },
	{ "regs", "NAME ...", 0, 1, -1,
	    cmd_regs, "show the registers of what stands still" },
	{ "events", "[NAME ...]", 0, 0, -1,
	    cmd_events, "follow what happens to machines" },
	{ "log", "NAME [-f]", OPT_FOLLOW, 1, 1,
	    cmd_log, "print the console so far, or follow it" },
	{ "console", "NAME [--replay]", OPT_REPLAY, 1, 1,
	    cmd_console, "attach to the console; leave by ~." },
	{ "wait", "NAME [--timeout SECONDS]", OPT_TIMEOUT, 1, 1,
	    cmd_wait, "wait until a machine has ended" },
	{ "identify", "", 0, 0, 0,
	    cmd_identify, "show what the driver offers" },
	{ "info", "", 0, 0, 0,
	    cmd_info, "show the daemon's version and limits" },
	{ "describe", "", 0, 0, 0,
	    cmd_describe, "list the protocol's methods and errors" },
	{ "reload", "", 0, 0, 0,
	    cmd_reload, "have the daemon read its configuration again" },
	{ "proxy", "", 0, 0, 0,
	    cmd_proxy, "carry the protocol between the daemon and here" },
	{ "raw", "METHOD [PARAMS]", 0, 1, 2,
	    cmd_raw, "send one request, print its result as JSON" },
};

#define NVERBS	(sizeof(verbs) / sizeof(verbs[0]))

/* Prints the usage of one verb, or of all. */
static int
help(const struct verb *verb)
{
	size_t i;

	if (verb != NULL) {
		printf("usage: nvmmctl [-j] [-H HOST | -s SOCKET] %s %s\n", verb->name,
		    verb->usage);
		return CTL_OK;
	}
	printf("usage: nvmmctl [-j] [-H HOST | -s SOCKET] VERB ...\n\n");
	for (i = 0; i < NVERBS; i++)
		printf("  %-10s%s\n", verbs[i].name, verbs[i].summary);
	return CTL_OK;
}

/* Flushes standard output; what could not be written fails the command. */
static int
finish(int status)
{
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == CTL_OK)
		return fail(CTL_FAILED, "standard output: %s", strerror(errno));
	return status;
}

int
main(int argc, char **argv)
{
	struct ctl ctl = { 0 };
	int status;

	ctl.socket = getenv("NVMMD_SOCKET");
	if (ctl.socket == NULL || *ctl.socket == '\0')
		ctl.socket = PROTO_SOCKET;
	status = args_parse(&ctl, argc - 1, argv + 1, verbs, NVERBS);
	if (status != CTL_OK)
		return status;
	if (ctl.help != NULL)
		return finish(help(ctl.verb));
	(void)signal(SIGPIPE, SIG_IGN);
	ctl.out = (ctl.json != NULL) ? &output_json : &output_text;
	return finish(ctl.verb->handler(&ctl));
}
