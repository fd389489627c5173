/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * JSON text written piece by piece into a buffer that grows. Every value
 * takes its key, or NULL inside an array and at the top. Running out of
 * memory is remembered and shows at the end as a NULL buffer.
 */

#ifndef _PROTO_OUT_H_
#define _PROTO_OUT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto.h"

struct proto_out {
	char *buf;
	size_t len, size;
	bool comma;			/* a value stands before */
	bool failed;
};

void	proto_out_init(struct proto_out *);
void	proto_out_free(struct proto_out *);

void	proto_out_object(struct proto_out *, const char *key);
void	proto_out_object_end(struct proto_out *);
void	proto_out_array(struct proto_out *, const char *key);
void	proto_out_array_end(struct proto_out *);

/* Text that may be NULL, then nothing is written. */
void	proto_out_string(struct proto_out *, const char *key, const char *);
/* Any bytes as text: what is no UTF-8 becomes U+FFFD. */
void	proto_out_bytes(struct proto_out *, const char *key, const void *,
	    size_t);
void	proto_out_base64(struct proto_out *, const char *key, const void *,
	    size_t);
/* Clipped to what fits below 2^53. */
void	proto_out_integer(struct proto_out *, const char *key, int64_t);
void	proto_out_unsigned(struct proto_out *, const char *key, uint64_t);
void	proto_out_hex(struct proto_out *, const char *key, uint64_t);
void	proto_out_real(struct proto_out *, const char *key, double);
void	proto_out_boolean(struct proto_out *, const char *key, bool);

/* Whole lines, LF included: the result goes between begin and end. */
void	proto_out_result(struct proto_out *, const struct proto_request *);
void	proto_out_result_end(struct proto_out *, const struct proto_request *);
void	proto_out_failure(struct proto_out *, const struct proto_request *,
	    const struct proto_failure *);
void	proto_out_event(struct proto_out *);
void	proto_out_event_end(struct proto_out *);

/* The length of buf without a UTF-8 sequence that its end cuts in two. */
size_t	proto_utf8_whole(const void *buf, size_t len);

#endif /* _PROTO_OUT_H_ */
