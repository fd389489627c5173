/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * One question to the parent: a name, to be opened in the configured folders.
 */

#include <errno.h>
#include <string.h>

#include "image.h"

/* The answer. */
static void
image_opened(struct ask_wait *ask, const struct parent_msg *msg, int fd)
{
	struct image_wait *w = (struct image_wait *)ask;

	w->done(w, fd, fd == -1 && msg->error == 0 ? EIO : msg->error);
}

/* The question. */
int
image_open(const char *name, struct image_wait *w)
{
	struct parent_msg msg;

	memset(&msg, 0, sizeof(msg));
	msg.type = PARENT_IMAGE;
	if (strlen(name) >= sizeof(msg.name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	(void)strcpy(msg.name, name);
	w->ask.done = image_opened;
	return ask_send(&msg, &w->ask);
}
