/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Configuration files: one JSON object, held against a table of keys. What
 * the table does not name, and what has another type, is refused with the
 * place in the file.
 */

#ifndef _PROTO_DOC_H_
#define _PROTO_DOC_H_

#include <stddef.h>
#include <stdint.h>

#include "proto.h"

#define PROTO_WHY_MAX	512

/*
 * A key of PROTO_OBJECTS, "sockets", has an array of objects for its value;
 * their members are keys of their own, "sockets[].path".
 */
struct proto_key {
	const char *path;		/* "limits.machines" */
	enum proto_type type;
};

/*
 * Takes one value; of PROTO_STRINGS once for each; of PROTO_OBJECTS once for
 * each object, after its members, to say what is wrong with it as a whole, and
 * for an array of none once with NULL.
 * index: which object of the array it is about, or 0. Returns 0, or -1 with
 * why (PROTO_WHY_MAX bytes), a text that goes on after the key's name.
 */
typedef int (*proto_set_fn)(void *arg, size_t key, unsigned index,
	    const struct proto_value *, char *why);

/*
 * Returns 0, or -1 with "name:line:column: what" in why. Some values may have
 * been set by then.
 */
int	proto_doc_parse(const char *name, const char *text, size_t len,
	    const struct proto_key *, size_t nkeys, proto_set_fn, void *arg,
	    char *why);

#endif /* _PROTO_DOC_H_ */
