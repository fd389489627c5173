/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the daemon asks of its host and what differs between hosts: resource
 * limits, the allocator's habits, who is at the other end of a socket.
 */

#ifndef _HOST_H_
#define _HOST_H_

#include <sys/types.h>

#include <stdint.h>

struct host_peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;			/* 0: the host does not tell */
	gid_t *groups;			/* malloc'ed; NULL: it does not tell */
	unsigned ngroups;
};

/* Bytes of RAM. */
uint64_t host_ram(void);
/* Raises what may be raised, and warns of what is short of the need. */
void	host_limits(uint64_t descriptors, uint64_t threads);
/* For the start: what is freed can go back, and does not come back unasked. */
void	host_memory_tune(void);
/* What is free goes back to the system. */
void	host_memory_trim(void);
/* Who connected, with all groups. Returns 0, or -1 and errno. */
int	host_peer(int fd, struct host_peer *);
/* An empty file in memory, by no name that others see. -1 and errno. */
int	host_memory_file(const char *);
/* Nanoseconds of a clock that is never set. */
uint64_t host_clock(void);

#endif /* _HOST_H_ */
