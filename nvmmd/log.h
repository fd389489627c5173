/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The daemon's log: standard error until it is told to use syslog. Each text
 * opens with the token of the room that speaks, as in "control: ...".
 */

#ifndef _LOG_H_
#define _LOG_H_

#include <stdbool.h>
#include <stdnoreturn.h>

#define LOG_FORMAT	__attribute__((__format__(__printf__, 1, 2)))
#define LOG_FORMAT_2	__attribute__((__format__(__printf__, 2, 3)))

void	log_init(const char *tag, bool debug);
/* While /dev/log and the time zone can still be opened. */
void	log_prepare(void);
void	log_to_syslog(void);

/* log_warn appends the text of errno. Any thread may call all of these. */
void	log_debug(const char *, ...) LOG_FORMAT;
void	log_info(const char *, ...) LOG_FORMAT;
void	log_warn(const char *, ...) LOG_FORMAT;
void	log_warnx(const char *, ...) LOG_FORMAT;

/* How a start fails; nvmmd.8 tells users. */
enum log_exit {
	LOG_EXIT_OTHER = 1,
	LOG_EXIT_USAGE,
	LOG_EXIT_CONFIG,
	LOG_EXIT_SOCKET,
	LOG_EXIT_DRIVER
};

/* For start-up only: a daemon with machines does not leave by these. */
noreturn void	fatal(enum log_exit, const char *, ...) LOG_FORMAT_2;
noreturn void	fatalx(enum log_exit, const char *, ...) LOG_FORMAT_2;

#endif /* _LOG_H_ */
