/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The connection to nvmmd: a UNIX stream socket, lines both ways, descriptors
 * along with the line that names them.  Reads and writes block.  Towards another
 * host it is ssh's end, and files are uploaded.
 */

#include <sys/param.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nvmmctl.h"
#include "progress.h"
#include "remote.h"
#include "wire.h"

#define CLIENT_CHUNK	4096
#define CLIENT_MAXLINE	(64 * 1024 * 1024)

struct client {
	int fd;
	int64_t lastid;
	char *buf;		/* what was read and not yet handed out */
	size_t len, size;
	bool remote;		/* path is a host */
	char path[256];
};

/* Puts why connect(2) failed into words. */
static int
client_refused(const char *path, int error)
{
	if (error == ECONNREFUSED || error == ENOENT || error == ENOTSOCK)
		return fail(CTL_NODAEMON, "no daemon listens on %s%s", path,
		    error == ENOENT ? " (no such socket)" : "");
	if (error == EACCES || error == EPERM)
		return fail(CTL_NODAEMON, "no permission to use the socket %s",
		    path);
	return fail(CTL_NODAEMON, "%s: %s", path, strerror(error));
}

/* Connects to the daemon's socket. */
static int
client_connect(const char *path, int *fdp)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int error;

	if (strlen(path) >= sizeof(sun.sun_path))
		return fail(CTL_NODAEMON, "socket name too long: %s", path);
	strcpy(sun.sun_path, path);
	*fdp = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fdp != -1 && connect(*fdp, (struct sockaddr *)&sun,
	    sizeof(sun)) == 0)
		return CTL_OK;
	error = errno;
	if (*fdp != -1)
		(void)close(*fdp);
	return client_refused(path, error);
}

/* Connects to the daemon, here or on another host. */
int
client_open(const struct ctl *ctl, struct client **clientp)
{
	struct client *client;
	int status;

	client = calloc(1, sizeof(*client));
	if (client == NULL)
		return fail(CTL_FAILED, "%s", strerror(errno));
	client->remote = ctl->host != NULL;
	(void)snprintf(client->path, sizeof(client->path), "%s",
	    client->remote ? ctl->host : ctl->socket);
	status = client->remote ? remote_open(ctl->host, &client->fd) :
	    client_connect(ctl->socket, &client->fd);
	if (status == CTL_OK)
		*clientp = client;
	else
		free(client);
	return status;
}

/* Ends a connection; NULL is none. */
void
client_close(struct client *client)
{
	if (client == NULL)
		return;
	(void)close(client->fd);
	free(client->buf);
	free(client);
}

int
client_fd(const struct client *client)
{
	return client->fd;
}

/* Says that the daemon is gone, or why it cannot be reached any more. */
static int
client_lost(const struct client *client, int error)
{
	if (error == 0 || error == EPIPE || error == ECONNRESET)
		return fail(CTL_NODAEMON, "the daemon closed the connection "
		    "on %s", client->path);
	return fail(CTL_NODAEMON, "%s: %s", client->path, strerror(error));
}

/* Puts descriptors into a message's control buffer. */
static void
attach_fds(struct msghdr *msg, void *control, const int *fds, int nfds)
{
	size_t bytes = sizeof(int) * (size_t)nfds;
	struct cmsghdr *cmsg;

	if (nfds == 0)
		return;
	msg->msg_control = control;
	msg->msg_controllen = CMSG_SPACE(bytes);
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(bytes);
	memcpy(CMSG_DATA(cmsg), fds, bytes);
}

/* Writes all of a line; the descriptors go with its first bytes. */
static int
client_write(struct client *client, char *line, size_t len, const int *fds,
    int nfds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * PROTO_FDS_MAX)];
	} control;
	struct iovec iov = { .iov_base = line, .iov_len = len };
	ssize_t n;

	while (iov.iov_len > 0) {
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

		memset(&control, 0, sizeof(control));
		attach_fds(&msg, &control, fds, nfds);
		n = sendmsg(client->fd, &msg, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno;
		nfds = 0;
		iov.iov_base = (char *)iov.iov_base + n;
		iov.iov_len -= (size_t)n;
	}
	return 0;
}

/*
 * Sends a request and frees it.  A daemon that has closed the connection may
 * have said why: a write that fails for that leaves it to the read to tell.
 */
int
client_send(struct client *client, struct request *req, int64_t *idp)
{
	char *line = NULL;
	size_t len;
	int error;

	if (req != NULL && req->nfds > 0 && client->remote) {
		error = upload_request(client, req);
		if (error != CTL_OK) {
			request_free(req);
			return error;
		}
	}
	if (req != NULL && !req->broken)
		line = request_line(req, client->lastid + 1, &len);
	if (line == NULL) {
		request_free(req);
		return fail(CTL_USAGE, "cannot be put into a request: "
		    "not UTF-8 text, or out of memory");
	}
	*idp = ++client->lastid;
	error = client_write(client, line, len, req->fds, req->nfds);
	free(line);
	request_free(req);
	if (error != 0 && error != EPIPE)
		return client_lost(client, error);
	return CTL_OK;
}

/* Sends bytes; if the daemon has closed, it is the read that tells why. */
int
client_stream(struct client *client, const char *bytes, size_t len)
{
	int error;

	error = client_write(client, (char *)(uintptr_t)bytes, len, NULL, 0);
	if (error != 0 && error != EPIPE && error != ECONNRESET)
		return client_lost(client, error);
	return CTL_OK;
}

/* Makes room for another chunk. */
static int
client_grow(struct client *client)
{
	size_t size;
	char *buf;

	if (client->size - client->len >= CLIENT_CHUNK)
		return CTL_OK;
	size = MAX(client->size * 2, CLIENT_CHUNK * 4);
	if (size > CLIENT_MAXLINE)
		return fail(CTL_FAILED, "the daemon's answer is too long");
	buf = realloc(client->buf, size);
	if (buf == NULL)
		return fail(CTL_FAILED, "%s", strerror(errno));
	client->buf = buf;
	client->size = size;
	return CTL_OK;
}

/* Reads what has come, at least a byte. */
static int
client_fill(struct client *client)
{
	int status;
	ssize_t n;

	status = client_grow(client);
	if (status != CTL_OK)
		return status;
	do {
		n = read(client->fd, client->buf + client->len,
		    client->size - client->len);
	} while (n == -1 && errno == EINTR);
	if (n <= 0)
		return client_lost(client, n == -1 ? errno : 0);
	client->len += (size_t)n;
	return CTL_OK;
}

/* Takes the first len bytes out of the buffer. */
static void
client_consume(struct client *client, size_t len)
{
	client->len -= len;
	memmove(client->buf, client->buf + len, client->len);
}

/* Tells whether client_next would return without waiting. */
bool
client_buffered(const struct client *client)
{
	return client->len > 0 &&
	    memchr(client->buf, '\n', client->len) != NULL;
}

/* Gives the next line, NUL-terminated, without its end. */
static int
client_line(struct client *client, char **linep, size_t *lenp)
{
	size_t searched = 0;
	char *lf = NULL;
	int status;

	for (;;) {
		if (client->len > searched)
			lf = memchr(client->buf + searched, '\n',
			    client->len - searched);
		if (lf != NULL)
			break;
		searched = client->len;
		status = client_fill(client);
		if (status != CTL_OK)
			return status;
	}
	*lenp = (size_t)(lf - client->buf);
	*linep = malloc(*lenp + 1);
	if (*linep == NULL)
		return fail(CTL_FAILED, "%s", strerror(errno));
	memcpy(*linep, client->buf, *lenp);
	(*linep)[*lenp] = '\0';
	client_consume(client, *lenp + 1);
	return CTL_OK;
}

/* Waits for the next line and gives it as a reply, which may be an error. */
int
client_next(struct client *client, struct reply **replyp)
{
	size_t len;
	char *line;
	int status;

	status = client_line(client, &line, &len);
	if (status != CTL_OK)
		return status;
	*replyp = reply_parse(line, len);
	if (*replyp == NULL)
		return fail(CTL_FAILED, "what answers on %s does not speak "
		    "nvmmd's protocol", client->path);
	return CTL_OK;
}

/*
 * Waits for the reply to one request.  An error without an id concerns the
 * connection as a whole, so it counts too.
 */
int
client_await(struct client *client, int64_t id, struct reply **replyp)
{
	struct progress progress;
	struct reply *reply;
	int status;

	for (;;) {
		progress_begin(&progress, "waiting for the daemon");
		if (!client_buffered(client))
			progress_wait(&progress, client->fd);
		progress_end(&progress);
		status = client_next(client, &reply);
		if (status != CTL_OK)
			return status;
		if (reply_id(reply) == id ||
		    (reply_id(reply) == -1 && reply_iserror(reply)))
			break;
		reply_free(reply);
	}
	status = reply_error(reply);
	if (status == CTL_OK && reply_result(reply) == NULL)
		status = fail(CTL_FAILED, "the daemon's answer is no result");
	if (status != CTL_OK)
		reply_free(reply);
	else
		*replyp = reply;
	return status;
}

/* Sends a request and waits for its reply. */
int
client_call(struct client *client, struct request *req, struct reply **replyp)
{
	int64_t id;
	int status;

	status = client_send(client, req, &id);
	if (status != CTL_OK)
		return status;
	return client_await(client, id, replyp);
}

/* Hands out bytes that were read past the last line; returns how many. */
size_t
client_rest(struct client *client, char *bytes, size_t size)
{
	size_t n = MIN(client->len, size);

	if (n > 0) {
		memcpy(bytes, client->buf, n);
		client_consume(client, n);
	}
	return n;
}
