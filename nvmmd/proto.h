/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The control protocol: one JSON object a line in, one a line out. Requests
 * are checked against a table of rows and handed on typed; answers are
 * written by proto_out.h. The rows themselves are in method.c.
 */

#ifndef _PROTO_H_
#define _PROTO_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROTO_MAJOR		1
#define PROTO_MINOR		0
#define PROTO_VERSION		"0.1.0"		/* of the daemon */
#define PROTO_SOCKET		"/var/run/nvmmd/nvmmd.sock"

#define PROTO_LINE_MAX		(1U << 20)	/* bytes, with the LF */
#define PROTO_DEPTH_MAX		16		/* objects and arrays */
#define PROTO_INTEGER_MAX	((INT64_C(1) << 53) - 1)
#define PROTO_ID_MAX		256		/* bytes, as JSON text */
#define PROTO_FDS_MAX		4		/* descriptors a line */
#define PROTO_PARAMS_MAX	8		/* a row */
#define PROTO_TEXT_MAX		512

/* name, code, summary. The names are the contract. */
#define PROTO_ERRORS(X)							\
	X(PARSE_ERROR, -32700, "the line is no JSON")			\
	X(INVALID_REQUEST, -32600, "the line is no request")		\
	X(METHOD_NOT_FOUND, -32601, "there is no such method")		\
	X(INVALID_PARAMS, -32602, "a parameter is missing, unknown or wrong") \
	X(INTERNAL, -32603, "the daemon failed")			\
	X(NOT_FOUND, 1, "there is no such machine or image")		\
	X(EXISTS, 2, "the name is taken")				\
	X(STATE_CONFLICT, 3, "not in the state that the machine is in")	\
	X(LIMIT, 4, "a limit of the policy's or the host's is reached")	\
	X(DENIED, 5, "the caller may not do that")			\
	X(BAD_IMAGE, 6, "the file is nothing that can be booted")	\
	X(NO_MEMORY, 7, "the host is out of memory")			\
	X(NOT_SUPPORTED, 8, "not with this driver")			\
	X(BUSY, 9, "something else is under way")			\
	X(TIMEOUT, 10, "it took longer than asked for")			\
	X(TOO_MANY_REQUESTS, 11, "too many unanswered requests")	\
	X(TOO_LONG, 12, "the line is too long")				\
	X(SHUTTING_DOWN, 13, "the daemon is ending")			\
	X(DRIVER, 14, "the driver refused; errno says how")		\
	X(BAD_CONFIG, 15, "the configuration is wrong; nothing was changed")

#define PROTO_ENUM(name, code, summary)	PROTO_##name,
enum proto_error {
	PROTO_ERRORS(PROTO_ENUM)
	PROTO_NERRORS
};
#undef PROTO_ENUM

struct proto_error_row {
	const char *name;
	int code;
	const char *summary;
};
extern const struct proto_error_row proto_errors[PROTO_NERRORS];

/* Why a request was not done. */
struct proto_failure {
	enum proto_error name;
	int error;			/* errno, or 0 */
	const char *param;		/* static text, or NULL */
	char text[PROTO_TEXT_MAX];	/* one line */
};
/* Fills the failure in and returns -1. */
int	proto_fail(struct proto_failure *, enum proto_error, int error,
	    const char *param, const char *, ...)
	    __attribute__((__format__(__printf__, 5, 6)));

/* Make one line of a text: what would end it, or steer a terminal, is '?'. */
void	proto_one_line(char *);

enum proto_type {
	PROTO_STRING,
	PROTO_INTEGER,
	PROTO_BOOLEAN,
	PROTO_FILE,			/* {"fd":N}, {"upload":N}, {"image":NAME} */
	PROTO_VM,			/* first only: the machine's name */
	PROTO_STREAM,			/* so many bytes follow the line */
	PROTO_SIZE,			/* files only: bytes, or "4G" */
	PROTO_STRINGS,			/* files only: one string or several */
	PROTO_OBJECTS			/* files only: an array of them */
};

struct proto_value {
	bool set;
	const char *string;		/* of FILE: the image's name or NULL */
	const char *name;		/* of FILE: what to call it, or NULL */
	int64_t integer;		/* of FILE: which descriptor or upload */
	bool boolean;			/* of FILE: an upload */
};

/* What the caller's role has to be at least. */
enum proto_privilege {
	PROTO_MONITOR,			/* looks */
	PROTO_USER,			/* acts on his own machines */
	PROTO_OPERATOR,			/* and on those of his groups */
	PROTO_ADMIN,			/* on all, and on the daemon */
	PROTO_NPRIVILEGES
};
extern const char *const proto_privileges[PROTO_NPRIVILEGES];
/* The privilege of that name, or PROTO_NPRIVILEGES. */
enum proto_privilege proto_privilege(const char *);

struct proto_param {
	const char *name;
	enum proto_type type;
	int required;			/* false, true, or PROTO_OF_ADMIN */
};
/* Not required, and for an admin only. */
#define PROTO_OF_ADMIN	2

struct request;

/*
 * A row whose first parameter is a PROTO_VM is about that machine. The caller
 * has to see it, and with more than PROTO_MONITOR may act on it: the
 * dispatcher has made sure of that before the handler is called.
 */
struct proto_row {
	const char *name;
	enum proto_privilege privilege;
	void (*handler)(struct request *);
	struct proto_param params[PROTO_PARAMS_MAX];	/* until a NULL name */
	const char *summary;
};

/* A request that was found right. */
struct proto_request {
	const struct proto_row *row;	/* NULL if it was not */
	bool jsonrpc;			/* to be echoed */
	char id[PROTO_ID_MAX];		/* JSON text; "null" */
	struct proto_value values[PROTO_PARAMS_MAX];	/* as in the row */
	void *tree;			/* what the strings are part of */
};

/*
 * Checks a line, without its LF, against the rows. Returns 0, or -1 with the
 * failure and as much of id and jsonrpc as could be made out.
 * => proto_request_free follows in both cases
 */
int	proto_parse(const struct proto_row *, size_t nrows, const char *,
	    size_t, struct proto_request *, struct proto_failure *);
void	proto_request_free(struct proto_request *);
/* Do bytes follow the line that are no line? */
bool	proto_row_streams(const struct proto_row *);
/* Text for a type: "string", "integer", ... */
const char *proto_type_name(enum proto_type);

/* proto_errno.c: "ENOMEM", or NULL for what has no name here. */
const char *proto_errno_name(int);

#endif /* _PROTO_H_ */
