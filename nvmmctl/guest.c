/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * How a machine ended, as an exit status and in words.
 */

#include <string.h>

#include "client.h"
#include "nvmmctl.h"

/*
 * Returns the exit status for a machine that is no longer running: the
 * guest's own, if it left through the exit port.
 */
int
guest_status(const struct reply *reply)
{
	const char *kind = reply_string(reply, "reason.kind");
	const char *state = reply_string(reply, "state");

	if (kind != NULL && strcmp(kind, "exited") == 0)
		return (int)(reply_integer(reply, "reason.status", 0) & 0xff);
	if (state != NULL && strcmp(state, "failed") == 0)
		return CTL_GUEST_FAILED;
	return CTL_FAILED;
}

/* Returns why it ended; NULL if the guest itself chose to. */
const char *
guest_reason(const struct reply *reply)
{
	const char *kind = reply_string(reply, "reason.kind");
	const char *text = reply_string(reply, "reason.text");

	if (kind != NULL && strcmp(kind, "exited") == 0)
		return NULL;
	if (text != NULL)
		return text;
	return (kind != NULL) ? kind : "ended for a reason not told";
}
