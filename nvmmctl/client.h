/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A connection to nvmmd: requests out, replies in, found by their ids.  All
 * else in nvmmctl but the output files sees neither sockets nor JSON.
 *
 * Every call that fails has printed its one line and returns the exit status
 * that fits (a number other than CTL_OK).
 */

#ifndef _CLIENT_H_
#define _CLIENT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client;
struct ctl;
struct json_t;
struct reply;
struct request;

/*
 * => client_open gives a connection that client_close ends
 * => client_fd is for poll(2); it stays the client's
 */
int	client_open(const struct ctl *, struct client **);
void	client_close(struct client *);
int	client_fd(const struct client *);

/*
 * A request is built, sent once and freed by that.  Building never fails:
 * lack of memory is told by client_send.
 * => request_fd passes a descriptor along and owns it from then on
 * => request_params takes the parameters as JSON text
 */
struct request *request_new(const char *);
void	request_free(struct request *);
void	request_string(struct request *, const char *, const char *);
void	request_integer(struct request *, const char *, uint64_t);
void	request_boolean(struct request *, const char *, bool);
void	request_fd(struct request *, const char *, int, const char *);
void	request_image(struct request *, const char *, const char *);
int	request_params(struct request *, const char *);

/*
 * => client_send gives the request's id
 * => client_next waits for a line and gives the next reply, error or event;
 *    client_await the reply to one id, dropping others; an error reply is
 *    printed, freed and turned into its exit status
 * => client_call is send and await
 * => client_stream sends bytes that are no request
 * => client_buffered: a whole line lies here already, so do not poll for it
 * => client_rest hands out raw bytes that followed the last line
 */
int	client_send(struct client *, struct request *, int64_t *);
int	client_next(struct client *, struct reply **);
int	client_await(struct client *, int64_t, struct reply **);
int	client_call(struct client *, struct request *, struct reply **);
int	client_stream(struct client *, const char *, size_t);
bool	client_buffered(const struct client *);
size_t	client_rest(struct client *, char *, size_t);

/*
 * => reply_error prints the error, if it is one, and gives its exit status
 * => reply_string and reply_integer read a member of the result, NULL or the
 *    default where there is none; "reason.text" reads one within another
 * => reply_result is the result's JSON, reply_text the same as the daemon
 *    wrote it; reply_event and reply_params_text are the same of an event;
 *    all live as long as the reply
 */
int64_t	reply_id(const struct reply *);
int	reply_error(const struct reply *);
const char *reply_string(const struct reply *, const char *);
int64_t	reply_integer(const struct reply *, const char *, int64_t);
const struct json_t *reply_result(const struct reply *);
const char *reply_text(const struct reply *, size_t *);
const struct json_t *reply_event(const struct reply *);
const char *reply_params_text(const struct reply *, size_t *);
void	reply_free(struct reply *);

#endif /* !_CLIENT_H_ */
