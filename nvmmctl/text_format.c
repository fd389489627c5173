/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Sizes, times and counts as people read them, and members of JSON objects
 * read with defaults, so that an older daemon's record still prints.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "output.h"

/* Formats a size: 512M where that is exact, else 3.2M. */
char *
format_bytes(char *buf, int64_t bytes)
{
	static const char suffixes[] = "KMGT";
	double value = (double)bytes;
	int i = -1;

	if (bytes < 0)
		return strcpy(buf, "-");
	while (value >= 1024 && i < 3) {
		value /= 1024;
		i++;
	}
	if (i < 0)
		(void)snprintf(buf, FORMAT_MAX, "%" PRId64, bytes);
	else if (value == (double)(int)value)
		(void)snprintf(buf, FORMAT_MAX, "%d%c", (int)value,
		    suffixes[i]);
	else
		(void)snprintf(buf, FORMAT_MAX, "%.1f%c", value, suffixes[i]);
	return buf;
}

/* Formats seconds since the Epoch as local time. */
char *
format_time(char *buf, int64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm tm;

	if (seconds < 0 || localtime_r(&when, &tm) == NULL ||
	    strftime(buf, FORMAT_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		return strcpy(buf, "-");
	return buf;
}

/* Formats a duration given in nanoseconds. */
char *
format_ns(char *buf, int64_t ns)
{
	int64_t s = ns / 1000000000;

	if (ns < 0)
		return strcpy(buf, "-");
	if (s >= 3600)
		(void)snprintf(buf, FORMAT_MAX, "%" PRId64 "h%02" PRId64 "m%02"
		    PRId64 "s", s / 3600, s / 60 % 60, s % 60);
	else if (s >= 60)
		(void)snprintf(buf, FORMAT_MAX, "%" PRId64 "m%02" PRId64 "s",
		    s / 60, s % 60);
	else
		(void)snprintf(buf, FORMAT_MAX, "%.3fs", (double)ns / 1e9);
	return buf;
}

/* Formats a count; a negative one is unknown. */
char *
format_count(char *buf, int64_t count)
{
	if (count < 0)
		return strcpy(buf, "-");
	(void)snprintf(buf, FORMAT_MAX, "%" PRId64, count);
	return buf;
}

/* Returns an integer member, or def. */
int64_t
member_integer(const json_t *object, const char *name, int64_t def)
{
	const json_t *value = json_object_get(object, name);

	return json_is_integer(value) ? json_integer_value(value) : def;
}

/* Returns a member that is any number, or 0. */
double
member_real(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

/* Returns a string member, or def. */
const char *
member_string(const json_t *object, const char *name, const char *def)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value) ? json_string_value(value) : def;
}
