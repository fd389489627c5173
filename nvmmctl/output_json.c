/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Results for programs: the daemon's own text, a line each.
 */

#include <stdio.h>

#include "client.h"
#include "nvmmctl.h"
#include "output.h"

/* Prints a reply's result as it came. */
void
json_result(const struct reply *reply)
{
	const char *text;
	size_t len;

	text = reply_text(reply, &len);
	if (text == NULL)
		return;
	(void)fwrite(text, 1, len, stdout);
	(void)putchar('\n');
}

/* All columns are there. */
static void
json_list(const struct reply *reply, const char *columns)
{
	(void)columns;
	json_result(reply);
}

/* Prints an event as it came; who reads it wants it now. */
static void
json_event(const struct reply *reply)
{
	const char *text;
	size_t len;

	text = reply_params_text(reply, &len);
	if (text == NULL)
		return;
	(void)fwrite(text, 1, len, stdout);
	(void)putchar('\n');
}

const struct output output_json = {
	.created = json_result,
	.changed = json_result,
	.destroyed = json_result,
	.list = json_list,
	.show = json_result,
	.regs = json_result,
	.event = json_event,
	.stats = json_result,
	.ended = json_result,
	.run = json_result,
	.identify = json_result,
	.info = json_result,
	.describe = json_result,
	.console_apart = true,
};
