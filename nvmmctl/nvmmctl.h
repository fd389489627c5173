/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What nvmmctl's files share: exit statuses, the parsed command line, and the
 * prototypes, grouped under the file that defines them.  A verb is one row of
 * the table in main.c and one handler in a cmd_*.c.
 */

#ifndef _NVMMCTL_H_
#define _NVMMCTL_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses; nvmmctl(8) lists them. */
#define CTL_OK			0
#define CTL_FAILED		1	/* whatever has no status of its own */
#define CTL_USAGE		2	/* the command line is wrong */
#define CTL_REFUSED		3	/* the daemon, or policy, says no */
#define CTL_NOTFOUND		4	/* no such machine or image */
#define CTL_CONFLICT		5	/* exists, or in the wrong state */
#define CTL_NODAEMON		6	/* nobody answers on the socket */
#define CTL_GUEST_FAILED	7	/* run, wait: the machine failed */
#define CTL_SIGNAL		128	/* plus the signal that ended run */

/* Which options a verb takes. */
#define OPT_MEM			0x01
#define OPT_ELF			0x02
#define OPT_NAME		0x04
#define OPT_VCPUS		0x08
#define OPT_CMDLINE		0x10
#define OPT_BOOT		0x20
#define OPT_KEEP		0x40
#define OPT_TIMEOUT		0x80
#define OPT_REPLAY		0x100
#define OPT_ALL			0x200
#define OPT_WAIT		0x400
#define OPT_FORCE		0x800
#define OPT_GRACE		0x1000
#define OPT_CPU			0x2000
#define OPT_FOLLOW		0x4000
#define OPT_COLUMNS		0x8000
#define OPT_RESTART		0x10000
#define OPT_METRICS		0x20000
#define OPT_INTERVAL		0x40000
#define OPT_OWNER		0x80000
#define OPT_GROUP		0x100000
#define OPT_SHARE		0x200000
#define OPT_SET			(OPT_OWNER | OPT_GROUP | OPT_SHARE | OPT_RESTART)
#define OPT_CREATE		(OPT_MEM | OPT_ELF | OPT_NAME | OPT_VCPUS | \
				    OPT_CMDLINE | OPT_BOOT | OPT_RESTART)

struct client;
struct output;
struct reply;
struct request;

/* The parsed command line.  Options that were not given are NULL. */
struct ctl {
	const char *socket;
	const char *host;
	const char *json;
	const char *help;
	const char *mem;
	const char *elf;
	const char *name;
	const char *vcpus;
	const char *cmdline;
	const char *boot;
	const char *keep;
	const char *timeout;
	const char *replay;
	const char *all;
	const char *wait;
	const char *force;
	const char *grace;
	const char *cpu;
	const char *follow;
	const char *columns;
	const char *restart;
	const char *metrics;
	const char *interval;
	const char *owner;
	const char *group;
	const char *share;
	const struct verb *verb;
	char **operands;
	int noperands;
	const struct output *out;
};

struct verb {
	const char *name;
	const char *usage;
	unsigned int options;		/* OPT_* */
	int min, max;			/* operands; max -1: any number */
	int (*handler)(struct ctl *);	/* returns the exit status */
	const char *summary;
};

/* args.c */
int	args_parse(struct ctl *, int, char **, const struct verb *, size_t);

/* base64.c */
bool	base64_decode(const char *, unsigned char *, size_t *);

/* clock.c */
double	clock_seconds(void);

/* cmd_console.c */
int	cmd_console(struct ctl *);
int	cmd_log(struct ctl *);

/* cmd_daemon.c */
int	cmd_identify(struct ctl *);
int	cmd_info(struct ctl *);
int	cmd_describe(struct ctl *);
int	cmd_reload(struct ctl *);
int	cmd_raw(struct ctl *);
int	cmd_proxy(struct ctl *);

/* cmd_events.c */
int	cmd_events(struct ctl *);

/* cmd_life.c */
int	cmd_start(struct ctl *);
int	cmd_stop(struct ctl *);
int	cmd_pause(struct ctl *);
int	cmd_resume(struct ctl *);
int	cmd_reset(struct ctl *);
int	cmd_nmi(struct ctl *);
int	cmd_destroy(struct ctl *);
int	cmd_wait(struct ctl *);

/* cmd_machine.c */
int	cmd_create(struct ctl *);
int	cmd_list(struct ctl *);
int	cmd_set(struct ctl *);
int	cmd_show(struct ctl *);
int	cmd_regs(struct ctl *);

/* cmd_stats.c */
int	cmd_stats(struct ctl *);

/* cmd_run.c */
int	cmd_run(struct ctl *);

/* top.c */
int	cmd_top(struct ctl *);

/* create.c */
int	create_request(const struct ctl *, struct request **);

/* fail.c */
int	fail(int, const char *, ...) __attribute__((format(printf, 2, 3)));
void	text_clean(char *);

/* guest.c */
int	guest_status(const struct reply *);
const char *guest_reason(const struct reply *);

/* seconds.c */
int	seconds_parse(const char *, const char *, uint64_t *);

/* size.c */
const char *size_parse(const char *, uint64_t *);
const char *number_parse(const char *, uint64_t *);

/*
 * targets.c: the machines that a verb is for, its operands or with --all all
 * there are; and calls for them.
 * => targets_each opens a connection and calls fn for each machine.  One that
 *    fails does not keep the others from their turn; the last failure's status
 *    counts
 * => call_each does so with a method, and shows the results; add, unless it is
 *    NULL, adds parameters from arg
 * => call_once sends one request on a connection of its own and shows the
 *    result; it consumes the request
 */
typedef int (*target_t)(struct ctl *, struct client *, const char *, void *);
typedef void (*show_t)(const struct reply *);
typedef void (*add_t)(struct request *, const void *);
int	targets_each(struct ctl *, target_t, void *);
int	call_each(struct ctl *, const char *, show_t, add_t, const void *);
int	call_once(struct ctl *, struct request *, show_t);

#endif /* !_NVMMCTL_H_ */
