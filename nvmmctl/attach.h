/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A terminal, or a pipe, attached to a guest's console: bytes both ways until
 * the console ends, the user leaves by ~. or a signal comes.
 */

#ifndef _ATTACH_H_
#define _ATTACH_H_

#include <stdbool.h>
#include <stddef.h>
#include <signal.h>
#include <termios.h>

struct attach {
	int confd;		/* the console's connection; not ours */
	int infd;		/* standard input, -1 when there is no more */
	int outfd;

	/* Until the caller clears them: */
	bool ended;		/* the console is at its end */
	bool left;		/* the user typed ~. */
	int signal;		/* caught, 0 if none */
	int error;		/* errno of a write; output is dropped then */

	/* Private. */
	bool tty;
	struct termios saved;
	sigset_t savedmask;
	bool linestart, tilde;
	char input[2048];	/* twice what one read gives */
	size_t inputlen;
};

/*
 * => attach_begin blocks SIGINT, SIGTERM and SIGHUP until attach_step waits;
 *    a foreground terminal becomes raw when attach_terminal says so
 * => attach_terminal(a, true) leaves the keys that send signals to work
 * => attach_end gives the terminal back; call it before printing
 */
void	attach_begin(struct attach *, int);
bool	attach_terminal(struct attach *, bool);
void	attach_end(struct attach *);

/*
 * => attach_step waits, at most so many milliseconds (-1: for ever), and moves
 *    what there is; returns false if the time ran out.  Returns also when
 *    otherfd (-1: none) can be read, which otherp tells.
 * => attach_output writes bytes of the console that came by another way
 */
bool	attach_step(struct attach *, int, int, bool *);
void	attach_output(struct attach *, const char *, size_t);

#endif /* !_ATTACH_H_ */
