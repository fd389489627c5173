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
	char space[CMSG_SPACE(sizeof(int))];
};

/* Sends a message; fd, unless it is -1, goes along and stays open here. */
int
parent_send(int sock, const struct parent_msg *msg, int fd)
{
	struct iovec iov = { (void *)(uintptr_t)msg, sizeof(*msg) };
	union parent_control control;
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	ssize_t n;

	if (fd != -1) {
		memset(&control, 0, sizeof(control));
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
		cmsg = CMSG_FIRSTHDR(&header);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	do
		n = sendmsg(sock, &header, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	return n == (ssize_t)sizeof(*msg) ? 0 : -1;
}

/* Receives one. Returns 1, 0 at the other's end, -1 and errno. */
ssize_t
parent_recv(int sock, struct parent_msg *msg, int *fd)
{
	struct iovec iov = { msg, sizeof(*msg) };
	union parent_control control;
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	ssize_t n;

	*fd = -1;
	n = recvmsg(sock, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return n;
	cmsg = CMSG_FIRSTHDR(&header);
	if (cmsg != NULL && cmsg->cmsg_level == SOL_SOCKET &&
	    cmsg->cmsg_type == SCM_RIGHTS &&
	    cmsg->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(cmsg), sizeof(*fd));
	if (n != (ssize_t)sizeof(*msg)) {
		if (*fd != -1)
			(void)close(*fd);
		*fd = -1;
		errno = EBADMSG;
		return -1;
	}
	msg->name[sizeof(msg->name) - 1] = '\0';
	return 1;
}
