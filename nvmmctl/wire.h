/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Between client.c, request.c and reply.c only: requests become lines and
 * lines become replies.
 */

#ifndef _WIRE_H_
#define _WIRE_H_

#include "../nvmmd/proto.h"
#include "client.h"

struct json_t;

struct request {
	char *method;
	struct json_t *params;
	int fds[PROTO_FDS_MAX];	/* ours to close */
	const char *keys[PROTO_FDS_MAX];	/* of their parameters */
	int nfds;
	bool broken;		/* no memory while it was built */
};

/* request.c: the line with its LF, from malloc; NULL without memory. */
char	*request_line(const struct request *, int64_t, size_t *);

/* upload.c: the request's files go over the connection, instead of with it */
int	upload_request(struct client *, struct request *);

/* reply.c: takes over the line, which need not be JSON; NULL if it is not. */
struct reply *reply_parse(char *, size_t);
bool	reply_iserror(const struct reply *);

#endif /* !_WIRE_H_ */
