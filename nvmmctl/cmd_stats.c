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

/*
 * Gathers the statistics of the machines; one that is gone meanwhile is left
 * out. Returns how many.
 */
static size_t
stats_gather(struct client *client, const struct targets *t,
    struct reply **replies, int *status)
{
	struct request *req;
	size_t i, n = 0;
	int one;

	for (i = 0; i < t->count && *status != CTL_NODAEMON; i++) {
		req = request_new("vm.stats");
		request_string(req, "vm", t->names[i]);
		one = client_call(client, req, &replies[n]);
		if (one == CTL_OK)
			n++;
		else
			*status = one;
	}
	return n;
}

/* Prints the statistics of the machines in one exposition. */
static int
stats_metrics(struct client *client, const struct targets *t)
{
	struct reply **replies;
	int status = CTL_OK;
	size_t n;

	replies = calloc(t->count + 1, sizeof(*replies));
	if (replies == NULL)
		return fail(CTL_FAILED, "%s", strerror(errno));
	n = stats_gather(client, t, replies, &status);
	metrics_print(replies, n);
	while (n > 0)
		reply_free(replies[--n]);
	free(replies);
	return status;
}

int
cmd_stats(struct ctl *ctl)
{
	struct client *client;
	struct targets t;
	int status;

	if (ctl->metrics == NULL)
		return call_each(ctl, "vm.stats", ctl->out->stats, NULL);
	status = client_open(ctl, &client);
	if (status != CTL_OK)
		return status;
	status = targets_new(ctl, client, &t);
	if (status == CTL_OK) {
		status = stats_metrics(client, &t);
		targets_free(&t);
	}
	client_close(client);
	return status;
}
