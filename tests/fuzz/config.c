/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * nvmmd.conf(5): a file that is wrong is refused with a line of text.
 */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "h_fuzz.h"

/* Text that ends within its room. */
#define ENDS(s)	FUZZ_CHECK(memchr(s, '\0', sizeof(s)) != NULL)

/* What the daemon relies on. */
static void
check_config(const struct config *c)
{
	unsigned i;

	FUZZ_CHECK(c->nsockets <= CONFIG_SOCKETS_MAX);
	FUZZ_CHECK(c->nimages <= CONFIG_IMAGES_MAX);
	for (i = 0; i < c->nsockets; i++) {
		ENDS(c->sockets[i].path);
		FUZZ_CHECK(c->sockets[i].role < PROTO_NPRIVILEGES);
		FUZZ_CHECK((c->sockets[i].mode & ~0777u) == 0);
	}
	for (i = 0; i < c->nimages; i++)
		ENDS(c->images[i]);
	ENDS(c->user);
	FUZZ_CHECK(c->clients != 0 && c->requests != 0);
}

void
fuzz_config(const uint8_t *p, size_t n)
{
	static struct config c;
	char path[64], text[CONFIG_TEXT_MAX] = "";
	int fd = fuzz_file(p, n);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (config_load(&c, path, true, text) == 0)
		check_config(&c);
	else {
		ENDS(text);
		FUZZ_CHECK(text[0] != '\0' && strchr(text, '\n') == NULL);
	}
	close(fd);
}
