/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The terminal in raw mode for a guest's console, and back on every way out:
 * by exit, by a signal that ends us, by one that kills us (SIGKILL apart).
 */

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "toyvirt.h"

static struct termios saved;		/* constant once raw is set */
static volatile sig_atomic_t raw;	/* saved is to be put back */
static int term_fd;

/* The terminal as it was. */
void
term_restore(void)
{
	if (!raw)
		return;
	raw = 0;
	tcsetattr(term_fd, TCSANOW, &saved);
}

/* Put the terminal back, then die of the same signal. */
static void
term_crashed(int signo)
{
	term_restore();
	raise(signo);
}

/* The signals that would leave the terminal behind caught once. */
static void
term_catch_crashes(void)
{
	static const int signals[] = { SIGABRT, SIGALRM, SIGBUS, SIGFPE,
	    SIGILL, SIGSEGV, SIGSYS, SIGTRAP, SIGUSR1, SIGUSR2, SIGVTALRM,
	    SIGXCPU, SIGXFSZ };
	struct sigaction sa, old;
	size_t i;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = term_crashed;
	sa.sa_flags = SA_RESETHAND | SA_NODEFER;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (sigaction(signals[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(signals[i], &sa, NULL);
	}
}

/* True if keys now come one by one and unaltered; output stays cooked. */
bool
term_raw(int fd)
{
	struct termios t;

	if (!isatty(fd) || tcgetpgrp(fd) != getpgrp() ||
	    tcgetattr(fd, &saved) == -1)
		return false;
	t = saved;
	t.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | IGNCR | INLCR | ISTRIP |
	    IXON);
	t.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	term_fd = fd;
	atexit(term_restore);
	term_catch_crashes();
	raw = 1;
	if (tcsetattr(fd, TCSANOW, &t) == -1) {
		raw = 0;
		return false;
	}
	return true;
}
