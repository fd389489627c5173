/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * toyvirt's rooms: options, the terminal, and the console between terminal
 * and guest.
 */

#ifndef _TOYVIRT_H_
#define _TOYVIRT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <guest.h>

/* Exit statuses other than the guest's, see toyvirt(1). */
#define STATUS_TROUBLE	125		/* toyvirt could not do its part */
#define STATUS_DIED	126		/* the guest died */
#define STATUS_SIGNAL	128		/* plus the signal's number */

/* options.c */
struct options {
	const char *file;
	uint64_t mem;
	unsigned ncpus;
	const char *cmdline;
	enum guest_boot boot;
};
/* Parse the command line; exits on a usage error, with one line. */
void	options_parse(struct options *, int argc, char **argv);

/* term.c */
/* Put the terminal into raw mode, if fd is one and ours to use. */
bool	term_raw(int fd);
/* Back to how it was. => Async-signal-safe; any number of times. */
void	term_restore(void);

/* console.c */
/* The pipes and signal handlers. -1: errno. */
int	console_init(void);
/* guest_config's callbacks; arg is unused. */
void	console_output(void *arg, const void *buf, size_t len);
void	console_room(void *arg);
/* A VCPU's thread is through. */
void	console_vcpu_done(void);
/*
 * Pass input on until the guest has ended. Returns the signal that ended it,
 * or 0. escape: the user may leave by Ctrl-].
 */
int	console_serve(struct guest *, bool escape);

#endif /* _TOYVIRT_H_ */
