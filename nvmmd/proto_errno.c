/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * errno by name, as answers carry it: numbers differ between hosts.
 */

#include <errno.h>
#include <stddef.h>

#include "proto.h"

#define PROTO_E(name)	{ name, #name }

static const struct {
	int error;
	const char *name;
} proto_errnos[] = {
	PROTO_E(EPERM), PROTO_E(ENOENT), PROTO_E(ESRCH), PROTO_E(EINTR),
	PROTO_E(EIO), PROTO_E(ENXIO), PROTO_E(E2BIG), PROTO_E(ENOEXEC),
	PROTO_E(EBADF), PROTO_E(EAGAIN), PROTO_E(ENOMEM), PROTO_E(EACCES),
	PROTO_E(EFAULT), PROTO_E(EBUSY), PROTO_E(EEXIST), PROTO_E(ENODEV),
	PROTO_E(ENOTDIR), PROTO_E(EISDIR), PROTO_E(EINVAL), PROTO_E(ENFILE),
	PROTO_E(EMFILE), PROTO_E(ENOTTY), PROTO_E(EFBIG), PROTO_E(ENOSPC),
	PROTO_E(ESPIPE), PROTO_E(EROFS), PROTO_E(EPIPE), PROTO_E(ERANGE),
	PROTO_E(ENAMETOOLONG), PROTO_E(ENOSYS), PROTO_E(ELOOP),
	PROTO_E(EOVERFLOW), PROTO_E(EPROTONOSUPPORT), PROTO_E(EOPNOTSUPP),
	PROTO_E(ENOBUFS), PROTO_E(ETIMEDOUT), PROTO_E(EALREADY),
	PROTO_E(ECANCELED),
};

/* The symbol of the number. */
const char *
proto_errno_name(int error)
{
	size_t i;

	for (i = 0; i < sizeof(proto_errnos) / sizeof(proto_errnos[0]); i++) {
		if (proto_errnos[i].error == error)
			return proto_errnos[i].name;
	}
	return NULL;
}
