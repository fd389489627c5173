/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * elf.upload: a guest's file for those whose descriptors cannot travel. The
 * bytes follow the request's line on the connection, as many as it says, and
 * lie in memory until vm.create on the same connection takes them, or it ends.
 */

#include <sys/types.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "host.h"
#include "method.h"

struct upload {
	struct request *request;
	int fd;
	uint64_t size;
	int error;			/* of the first write that failed */
};

static uint64_t upload_pending;		/* bytes of uploads under way */

/* Lets go of an upload; its descriptor, if it is still ours, too. */
static void
upload_free(struct upload *u)
{

	upload_pending -= u->size;
	if (u->fd != -1)
		(void)close(u->fd);
	free(u);
}

/* The client is gone. */
static void
upload_cancel(struct request *r)
{

	upload_free(r->state);
	request_drop(r);
}

/* Some bytes; after an error the rest is only counted. */
static void
upload_input(void *arg, const void *buf, size_t len)
{
	struct upload *u = arg;
	const char *p = buf;
	ssize_t n;

	while (len > 0 && u->error == 0) {
		n = write(u->fd, p, len);
		if (n == -1 && errno != EINTR)
			u->error = errno;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

/* All bytes are there. */
static void
upload_done(void *arg)
{
	struct upload *u = arg;
	struct request *r = u->request;
	struct proto_failure f;
	struct proto_out *o;
	int i = -1;

	if (u->error == 0)
		i = request_keep_upload(r, u->fd);
	if (i == -1) {
		proto_fail(&f, u->error != 0 ? PROTO_NO_MEMORY : PROTO_LIMIT,
		    u->error, NULL, u->error != 0 ? "the file: %s" :
		    "as many uploads wait as a connection may have%s",
		    u->error != 0 ? strerror(u->error) : "");
		request_fail(r, &f);
	} else {
		u->fd = -1;
		o = request_result(r);
		proto_out_integer(o, "upload", i);
		proto_out_unsigned(o, "size", u->size);
		request_done(r);
	}
	upload_free(u);
}

/* Is there room for it? */
static int
upload_admit(int64_t size, struct proto_failure *f)
{

	if (size < 1 || size > UPLOAD_MAX)
		return proto_fail(f, PROTO_LIMIT, 0, "size",
		    "size must be 1 to %d, not %" PRId64, UPLOAD_MAX, size);
	if ((uint64_t)size > UPLOAD_PENDING_MAX - upload_pending)
		return proto_fail(f, PROTO_LIMIT, 0, "size",
		    "too many uploads are under way: %" PRIu64 " of %d bytes",
		    upload_pending, UPLOAD_PENDING_MAX);
	return 0;
}

/* elf.upload */
void
method_elf_upload(struct request *r)
{
	int64_t size = request_value(r, UPLOAD_SIZE)->integer;
	struct proto_failure f;
	struct upload *u = NULL;
	int fd = -1;

	if (upload_admit(size, &f) == 0) {
		u = calloc(1, sizeof(*u));
		fd = u != NULL ? host_memory_file("elf") : -1;
		if (fd == -1)
			proto_fail(&f, PROTO_NO_MEMORY, errno, NULL,
			    "no room for the file: %s", strerror(errno));
	}
	if (fd == -1) {
		free(u);
		request_fail(r, &f);
		return;
	}
	*u = (struct upload){ .request = r, .fd = fd, .size = (uint64_t)size };
	upload_pending += u->size;
	r->state = u;
	r->cancel = upload_cancel;
	control_sink(r->client, u->size, upload_input, upload_done, u);
}
