/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The main thread's event loop. evloop.c is the only file that sees libevent;
 * only the main thread calls anything here.
 */

#ifndef _EVLOOP_H_
#define _EVLOOP_H_

struct evloop_io;
struct evloop_timer;

#define EVLOOP_READ	0x1
#define EVLOOP_WRITE	0x2
#define EVLOOP_EDGE	0x4	/* tell of changes only, not of what lasts */

typedef void (*evloop_io_fn)(void *arg, int what);
typedef void (*evloop_fn)(void *arg);

/* All return 0, or -1 and errno, or NULL and errno. */
int	evloop_init(void);
void	evloop_fini(void);
/* Returns when evloop_stop has been called. */
void	evloop_run(void);
void	evloop_stop(void);

/* Watches nothing until evloop_io_set; fd stays the caller's. */
struct evloop_io *evloop_io_new(int fd, evloop_io_fn, void *arg);
int	evloop_io_set(struct evloop_io *, int what);
void	evloop_io_free(struct evloop_io *);

/* Runs once, ms milliseconds after evloop_timer_set; setting again moves it. */
struct evloop_timer *evloop_timer_new(evloop_fn, void *arg);
void	evloop_timer_set(struct evloop_timer *, unsigned ms);
void	evloop_timer_free(struct evloop_timer *);

int	evloop_signal(int signo, evloop_fn);

#endif /* _EVLOOP_H_ */
