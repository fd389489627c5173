/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Messages between the two processes. Both ends are ours, yet what comes from
 * nvmmd proper is checked: it may have been taken over.
 */

#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "parent.h"

union parent_control {
	struct cmsghdr header;
	char space[CMSG_SPACE(CONFIG_SOCKETS_MAX * sizeof(int))];
};

/* Sends a message with its descriptors. */
int
parent_send(int sock, const struct parent_msg *msg, size_t size,
    const int *fds, unsigned nfds)
{
	struct iovec iov = { (void *)(uintptr_t)msg, size };
	union parent_control control;
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	ssize_t n;

	if (nfds > 0) {
		memset(&control, 0, sizeof(control));
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&header);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, nfds * sizeof(int));
	}
	do
		n = sendmsg(sock, &header, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	return n == (ssize_t)size ? 0 : -1;
}

/* Keeps the descriptors that came along. */
static void
parent_fds(struct msghdr *header, int *fds, unsigned *nfds)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(header);

	*nfds = 0;
	if (cmsg == NULL || cmsg->cmsg_level != SOL_SOCKET ||
	    cmsg->cmsg_type != SCM_RIGHTS)
		return;
	*nfds = (unsigned)((cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(cmsg), *nfds * sizeof(int));
}

/* Receives one; fds has room for CONFIG_SOCKETS_MAX. Returns 1, 0 or -1. */
ssize_t
parent_recv(int sock, struct parent_msg *msg, size_t size, int *fds,
    unsigned *nfds)
{
	struct iovec iov = { msg, size };
	union parent_control control;
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n, want;

	*nfds = 0;
	n = recvmsg(sock, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return n;
	parent_fds(&header, fds, nfds);
	want = n >= (ssize_t)sizeof(*msg) && msg->type == PARENT_CONFIG ?
	    (ssize_t)sizeof(struct parent_config) : (ssize_t)sizeof(*msg);
	if (n != want || (header.msg_flags & MSG_TRUNC) != 0) {
		while (*nfds > 0)
			(void)close(fds[--*nfds]);
		errno = EBADMSG;
		return -1;
	}
	msg->name[sizeof(msg->name) - 1] = '\0';
	msg->owner.user[sizeof(msg->owner.user) - 1] = '\0';
	msg->owner.group[sizeof(msg->owner.group) - 1] = '\0';
	return 1;
}
