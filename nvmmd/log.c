/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * One line a call, to standard error or to syslog. The settings are made
 * before the first thread starts and only read after that.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "log.h"

#define LOG_TEXT_MAX	1024

static const char *log_tag = "nvmmd";
static bool log_debugging;
static bool log_syslog;

/* Sets the name in front of each line and whether debug lines appear. */
void
log_init(const char *tag, bool debug)
{

	log_tag = tag;
	log_debugging = debug;
}

/* Opens what syslog(3) needs. */
void
log_prepare(void)
{

	tzset();
	openlog(log_tag, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

/* From here on lines go to syslog(3). */
void
log_to_syslog(void)
{

	log_syslog = true;
}

/* Writes one line in one go; error 0 adds no text. Keeps errno. */
static void
log_write(int priority, int error, const char *fmt, va_list ap)
{
	char text[LOG_TEXT_MAX];
	int saved = errno;

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	if (log_syslog)
		syslog(priority, "%s%s%s", text, error != 0 ? ": " : "",
		    error != 0 ? strerror(error) : "");
	else
		(void)fprintf(stderr, "%s: %s%s%s\n", log_tag, text,
		    error != 0 ? ": " : "", error != 0 ? strerror(error) : "");
	errno = saved;
}

/* What only -d shows. */
void
log_debug(const char *fmt, ...)
{
	va_list ap;

	if (!log_debugging)
		return;
	va_start(ap, fmt);
	log_write(LOG_DEBUG, 0, fmt, ap);
	va_end(ap);
}

/* What an administrator wants to find later. */
void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_write(LOG_INFO, 0, fmt, ap);
	va_end(ap);
}

/* Something failed, and errno says why. */
void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_write(LOG_WARNING, errno, fmt, ap);
	va_end(ap);
}

/* Something is not as it should be. */
void
log_warnx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_write(LOG_WARNING, 0, fmt, ap);
	va_end(ap);
}

/* As log_warn, then exits with that status. */
noreturn void
fatal(enum log_exit status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_write(LOG_CRIT, errno, fmt, ap);
	va_end(ap);
	exit(status);
}

/* As log_warnx, then exits with that status. */
noreturn void
fatalx(enum log_exit status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_write(LOG_CRIT, 0, fmt, ap);
	va_end(ap);
	exit(status);
}
