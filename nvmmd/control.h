/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The listening sockets and their clients: lines in, answers out, descriptors
 * and credentials with them. Main thread only.
 */

#ifndef _CONTROL_H_
#define _CONTROL_H_

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "peer.h"
#include "proto.h"
#include "proto_out.h"

struct client;
struct machine;

/* One request, from its line to its answer. */
struct request {
	TAILQ_ENTRY(request) link;	/* of the client's unanswered ones */
	struct client *client;		/* NULL: gone, the answer is dropped */
	struct peer *peer;		/* as it was at connect(2) */
	struct machine *machine;	/* the dispatcher's, for the handler */
	struct proto_request p;
	int fds[PROTO_FDS_MAX];		/* -1 where there is none */
	/*
	 * The client is gone: the handler's chance to let go of the request,
	 * by request_drop at once or by an answer later. NULL: later.
	 */
	void (*cancel)(struct request *);
	void *state;			/* the handler's */
};

struct control_config {
	unsigned clients, requests;
	uid_t starter;			/* an admin by whatever socket, as root */
	const struct proto_row *rows;
	size_t nrows;
	/* Has the request handled, or refuses it. */
	void (*dispatch)(struct request *);
};

/* Returns 0, or -1 and errno. */
int	control_init(const struct control_config *);
/*
 * Listens on fd, control's from here on, also at failure; who comes by it has
 * the role, and sees as much. Returns 0, or -1 and errno.
 */
int	control_listen(int fd, const char *path, enum proto_privilege role,
	    enum peer_sees);
/*
 * The socket of that path listens no more, or has another role and sees
 * something else from here on. Whoever came by it goes, after the answers
 * that do not take long.
 */
void	control_unlisten(const char *path);
void	control_relisten(const char *path, enum proto_privilege role,
	    enum peer_sees);
/* How many clients there may be, and requests of one. */
void	control_limits(unsigned clients, unsigned requests);
/* No new clients; requests are refused from here on. */
void	control_shutdown(void);
void	control_fini(void);

/*
 * Each request is answered once: by request_fail, or by request_done after
 * the members of the result were written to request_result's builder.
 */
struct proto_out *request_result(struct request *);
void	request_done(struct request *);
void	request_fail(struct request *, const struct proto_failure *);
/* No answer: the client is gone. */
void	request_drop(struct request *);
/* The value of the row's parameter i. */
const struct proto_value *request_value(const struct request *, unsigned i);
/* Takes the line's descriptor i over. Returns -1 if there is none. */
int	request_take_fd(struct request *, unsigned i);
/* Are other requests of the connection unanswered? */
bool	request_others(const struct request *);

/* Who it is. */
const struct peer *control_peer(const struct client *);
/* The line's upload i, taken over. Returns -1 if there is none. */
int	request_take_upload(struct request *, unsigned i);
/* Keeps a file for later lines. Returns its number, -1 if there is no room. */
int	request_keep_upload(struct request *, int fd);

/*
 * The next len bytes are no lines: input gets them, then done is called once,
 * and lines go on. Neither is called once the connection is gone.
 */
void	control_sink(struct client *, uint64_t len,
	    void (*input)(void *arg, const void *, size_t),
	    void (*done)(void *arg), void *arg);

/* Called when the connection is gone. One a client: false if there is one. */
bool	control_on_close(struct client *, void (*)(void *), void *);
/* Queues a line unless more than max bytes then wait to be read. */
bool	control_send(struct client *, const char *, size_t, size_t max);

/* A connection that is a raw stream from its next byte on. */
struct control_raw {
	/* Fills the buffer with what goes to the client; 0: nothing now. */
	size_t (*output)(void *arg, void *, size_t max);
	/* Bytes from the client. Not called while held. */
	void (*input)(void *arg, const void *, size_t);
	size_t input_max;		/* bytes a call */
	void (*closed)(void *arg);
	void *arg;
};
void	control_raw(struct client *, const struct control_raw *);
/* There is output. */
void	control_raw_pump(struct client *);
/* Stops or resumes calling input. */
void	control_raw_hold(struct client *, bool);
/* What is pending goes out, then the connection ends. */
void	control_raw_end(struct client *);

#endif /* _CONTROL_H_ */
