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

void	log_init(const char *tag, bool debug);
void	log_to_syslog(void);

/* log_warn appends the text of errno. Any thread may call all of these. */
void	log_debug(const char *, ...) LOG_FORMAT;
void	log_info(const char *, ...) LOG_FORMAT;
void	log_warn(const char *, ...) LOG_FORMAT;
void	log_warnx(const char *, ...) LOG_FORMAT;

/* For start-up only: a daemon with machines does not leave by these. */
noreturn void	fatal(const char *, ...) LOG_FORMAT;
noreturn void	fatalx(const char *, ...) LOG_FORMAT;

#endif /* _LOG_H_ */
