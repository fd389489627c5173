/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Between control.c (clients), control_listen.c (where they come from),
 * control_request.c (what they ask), control_read.c (bytes in) and
 * control_write.c (bytes out) only.
 */

#ifndef _CONTROL_IMPL_H_
#define _CONTROL_IMPL_H_

#include "control.h"
#include "evloop.h"
#include "who.h"

#define CONTROL_HIGH_WATER	(256 * 1024)	/* unread: read no more */
#define CONTROL_OUT_MAX		(8 * 1024 * 1024)	/* unread: close */

struct control_buf {
	char *data;
	size_t start, end, size;	/* pending: start to end */
};

struct listener {
	LIST_ENTRY(listener) link;
	int fd;
	struct evloop_io *io;
	char *path;
	enum proto_privilege role;
	enum peer_sees sees;
};

struct client {
	TAILQ_ENTRY(client) link;
	int fd;
	struct evloop_io *io;
	struct peer *peer;
	const struct listener *from;	/* NULL: it is gone */
	struct control_buf in, out;
	int fds[PROTO_FDS_MAX];		/* came with the line so far */
	unsigned nfds;
	TAILQ_HEAD(, request) requests;
	unsigned nrequests;
	bool busy;			/* one of our functions is at work on it */
	bool eof;			/* it sends no more */
	bool closing;			/* ends when its output is out */
	struct evloop_timer *linger;	/* the output is out: ends with this */
	size_t discarded;		/* bytes read for nobody since */
	struct who_wait who;
	bool unknown;			/* who it is, is being asked */
	struct evloop_timer *leaving;	/* its socket went: so does it */
	bool dead;			/* to be freed */
	int uploads[PROTO_FDS_MAX];	/* files kept for later lines, or -1 */
	struct {
		uint64_t left;		/* bytes that are no lines */
		void (*input)(void *, const void *, size_t);
		void (*done)(void *);
		void *arg;
	} sink;
	bool raw, hold;
	struct control_raw stream;
	void (*on_close)(void *);
	void *on_close_arg;
};

TAILQ_HEAD(control_clients, client);

/* control.c */
extern struct control_config control_conf;
extern struct control_clients control_clients;
extern unsigned control_nclients;
extern bool control_ending;
/* A client on a socket that was accepted. NULL: fd is still the caller's. */
struct client *control_client(const struct listener *, int fd);
/* Finds his name out. Until that is known nothing is read of him. */
void	control_who(struct client *);
/* Has it leave, after the answers that do not take long. */
void	control_leave(struct client *);
void	control_refuse(struct client *, enum proto_error, const char *);
void	control_dead(struct client *);
void	control_arm(struct client *);
bool	control_reading(const struct client *);
/* Room for len more bytes at .end. Returns false without memory. */
bool	control_buf_room(struct control_buf *, size_t len);

/* control_listen.c */
int	control_listen_init(void);
void	control_listen_fini(void);

/* control_request.c: one line, a request or an error */
void	control_line(struct client *, const char *, size_t);

/* control_read.c: all that may be read now. */
void	control_read(struct client *);
/* What is there, for nobody. Returns false at the end. */
bool	control_discard(struct client *);
void	control_close_fds(struct client *);

/* control_write.c */
void	control_append(struct client *, const char *, size_t);
void	control_write(struct client *);
bool	control_fetch(struct client *);

#endif /* _CONTROL_IMPL_H_ */
