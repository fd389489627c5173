/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * stats: counters of machines, one after the other, or of all at once in the
 * format that Prometheus reads.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "nvmmctl.h"
#include "output.h"

/* Statistics that are gathered before any is printed. */
struct stats {
	struct reply **replies;
	size_t count;
	bool asked;		/* there was a machine to ask for */
};

/* Adds those of one machine. */
static int
stats_add(struct ctl *ctl, struct client *client, const char *name, void *arg)
{
	struct stats *stats = arg;
	struct request *req;
	struct reply **replies;
	int status;

	(void)ctl;
	stats->asked = true;
	replies = realloc(stats->replies,
	    (stats->count + 1) * sizeof(*replies));
	if (replies == NULL)
		return fail(CTL_FAILED, "%s", strerror(errno));
	stats->replies = replies;
	req = request_new("vm.stats");
	request_string(req, "vm", name);
	status = client_call(client, req, &replies[stats->count]);
	if (status == CTL_OK)
		stats->count++;
	return status;
}

int
cmd_stats(struct ctl *ctl)
{
	struct stats stats = { NULL, 0, false };
	int status;

	if (ctl->metrics == NULL)
		return call_each(ctl, "vm.stats", ctl->out->stats, NULL, NULL);
	status = targets_each(ctl, stats_add, &stats);
	if (status == CTL_OK || stats.asked)
		metrics_print(stats.replies, stats.count);
	while (stats.count > 0)
		reply_free(stats.replies[--stats.count]);
	free(stats.replies);
	return status;
}
