/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Files for a daemon that descriptors cannot reach: each goes over the
 * connection as a stream behind an elf.upload, and the request then names the
 * upload where it named the descriptor.
 */

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "nvmmctl.h"
#include "progress.h"
#include "wire.h"

#define UPLOAD_CHUNK	65536

/* Sends the file's bytes, as many as were promised. */
static int
upload_bytes(struct client *client, int fd, uint64_t size)
{
	static char buf[UPLOAD_CHUNK];
	struct progress progress;
	uint64_t done = 0;
	ssize_t n;
	int status = CTL_OK;

	progress_begin(&progress, "uploading");
	while (done < size && status == CTL_OK) {
		n = pread(fd, buf, size - done < sizeof(buf) ?
		    (size_t)(size - done) : sizeof(buf), (off_t)done);
		if (n > 0)
			status = client_stream(client, buf, (size_t)n);
		else if (n == 0 || errno != EINTR)
			status = fail(CTL_FAILED, "the file to upload: %s",
			    n == 0 ? "it has become shorter" :
			    strerror(errno));
		done += n > 0 ? (uint64_t)n : 0;
		progress_percent(&progress, done, size);
	}
	progress_end(&progress);
	return status;
}

/* Uploads one file; gives its number. */
static int
upload_file(struct client *client, int fd, int64_t *number)
{
	struct request *req;
	struct reply *reply;
	struct stat st;
	int64_t id;
	int status;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		return fail(CTL_REFUSED, "only a regular file can be "
		    "uploaded");
	req = request_new("elf.upload");
	request_integer(req, "size", (uint64_t)st.st_size);
	if ((status = client_send(client, req, &id)) != CTL_OK ||
	    (status = upload_bytes(client, fd,
	    (uint64_t)st.st_size)) != CTL_OK ||
	    (status = client_await(client, id, &reply)) != CTL_OK)
		return status;
	*number = reply_integer(reply, "upload", -1);
	reply_free(reply);
	return CTL_OK;
}

int
upload_request(struct client *client, struct request *req)
{
	int64_t number = -1;
	json_t *file;
	int i, status = CTL_OK;

	for (i = 0; i < req->nfds && status == CTL_OK; i++) {
		status = upload_file(client, req->fds[i], &number);
		file = json_object_get(req->params, req->keys[i]);
		if (status == CTL_OK && (json_object_del(file, "fd") != 0 ||
		    json_object_set_new(file, "upload",
		    json_integer((json_int_t)number)) != 0))
			req->broken = true;
	}
	for (i = 0; i < req->nfds; i++)
		(void)close(req->fds[i]);
	req->nfds = 0;
	return status;
}
