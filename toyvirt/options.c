/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * toyvirt's command line. Options may stand before and after FILE; whatever
 * is wrong with one is said in a line that names it.
 */

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "toyvirt.h"

#define DEFAULT_MEM	(128ULL << 20)

static const struct option longopts[] = {
	{ "boot", required_argument, NULL, 'b' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void usage(int) __attribute__((__noreturn__));

/* Does not return. */
static void
usage(int status)
{
	fprintf(status == 0 ? stdout : stderr,
	    "usage: toyvirt [-a cmdline] [-c vcpus] [-m memory] "
	    "[--boot elf|pvh] file\n");
	exit(status);
}

/* The size that -m says. */
static uint64_t
parse_mem(const char *text)
{
	struct guest_error error;
	uint64_t mem = 0;

	if (guest_parse_size(text, &mem, &error) == -1)
		errx(STATUS_TROUBLE, "-m %s", error.text);
	return mem;
}

/* The number that -c says. */
static unsigned
parse_ncpus(const char *text)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (end == text || *end != '\0' || strchr(text, '-') != NULL ||
	    errno != 0 || n < 1 || n > GUEST_NCPUS_MAX)
		errx(STATUS_TROUBLE, "-c %.32s: not a number from 1 to %d",
		    text, GUEST_NCPUS_MAX);
	return (unsigned)n;
}

/* The way to boot that --boot says. */
static enum guest_boot
parse_boot(const char *text)
{
	if (strcmp(text, "elf") == 0)
		return GUEST_BOOT_ELF;
	if (strcmp(text, "pvh") == 0)
		return GUEST_BOOT_PVH;
	errx(STATUS_TROUBLE, "--boot %.32s: neither elf nor pvh", text);
}

/* One option taken in. */
static void
parse_option(struct options *opt, int c)
{
	switch (c) {
	case 'a':
		if (strlen(optarg) >= GUEST_CMDLINE_MAX)
			errx(STATUS_TROUBLE, "-a: longer than %d bytes",
			    GUEST_CMDLINE_MAX - 1);
		opt->cmdline = optarg;
		break;
	case 'b':
		opt->boot = parse_boot(optarg);
		break;
	case 'c':
		opt->ncpus = parse_ncpus(optarg);
		break;
	case 'h':
		usage(0);
	case 'm':
		opt->mem = parse_mem(optarg);
		break;
	default:
		/* getopt has said in a line what is wrong. */
		exit(STATUS_TROUBLE);
	}
}

/* The options as the command line has them. */
void
options_parse(struct options *opt, int argc, char **argv)
{
	int c;

	*opt = (struct options){
		.mem = DEFAULT_MEM,
		.ncpus = 1,
		.cmdline = "",
		.boot = GUEST_BOOT_AUTO,
	};
	while ((c = getopt_long(argc, argv, "a:c:hm:", longopts, NULL)) != -1)
		parse_option(opt, c);
	if (argc - optind != 1)
		usage(STATUS_TROUBLE);
	opt->file = argv[optind];
}
