/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Verbs over what hosts do differently. Where a host lacks something that is
 * only an improvement, the verb does nothing there.
 */

#include <sys/param.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <malloc.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "log.h"

/* The RAM of the host. */
uint64_t
host_ram(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

/* Raises one limit to what is allowed; returns what it is then. */
static rlim_t
host_limit_raise(int resource)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) == -1)
		return RLIM_INFINITY;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(resource, &limit);
	(void)getrlimit(resource, &limit);
	return limit.rlim_cur;
}

/* Raises and checks. */
void
host_limits(uint64_t descriptors, uint64_t threads)
{
	rlim_t limit;

	limit = host_limit_raise(RLIMIT_NOFILE);
	if (limit != RLIM_INFINITY && limit < descriptors)
		log_warnx("host: %ju descriptors are allowed, the policy may "
		    "need %" PRIu64, (uintmax_t)limit, descriptors);
	limit = host_limit_raise(RLIMIT_NPROC);
	if (limit != RLIM_INFINITY && limit < threads)
		log_warnx("host: %ju threads are allowed, the policy may need %"
		    PRIu64, (uintmax_t)limit, threads);
}

/* The clock of durations. */
uint64_t
host_clock(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

#ifdef __linux__

/*
 * One arena, and large blocks always mapped by themselves. No transparent huge
 * pages: one touch of what was given back would take 2 MiB again. The memory
 * of guests is the driver's and not concerned.
 */
void
host_memory_tune(void)
{

	(void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
#ifdef M_ARENA_MAX
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	(void)mallopt(M_TRIM_THRESHOLD, 128 * 1024);
#endif
}

/* Gives free pages back, those in the middle of the heap too. */
void
host_memory_trim(void)
{

#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
}

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS	59
#endif

/* The groups that go with them. */
static int
host_peer_groups(int fd, struct host_peer *peer)
{
	socklen_t len = 32 * sizeof(gid_t);
	gid_t *groups = NULL, *more;
	int error;

	do {
		more = realloc(groups, len + 1);
		if (more == NULL) {
			free(groups);
			return -1;
		}
		groups = more;
		error = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups,
		    &len);
	} while (error == -1 && errno == ERANGE);
	if (error == -1) {
		free(groups);
		return -1;
	}
	peer->groups = groups;
	peer->ngroups = (unsigned)(len / sizeof(gid_t));
	return 0;
}

/* The credentials that the kernel recorded at connect(2). */
int
host_peer(int fd, struct host_peer *peer)
{
	struct ucred ucred;
	socklen_t len = sizeof(ucred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &ucred, &len) == -1)
		return -1;
	peer->uid = ucred.uid;
	peer->gid = ucred.gid;
	peer->pid = ucred.pid;
	return host_peer_groups(fd, peer);
}

/* memfd_create(2). */
int
host_memory_file(const char *name)
{

	return memfd_create(name, MFD_CLOEXEC);
}

#else

/* jemalloc gives back by itself. */
void
host_memory_tune(void)
{
}

/* The same. */
void
host_memory_trim(void)
{
}

/* getpeereid(3). */
int
host_peer(int fd, struct host_peer *peer)
{

	peer->pid = 0;
	peer->groups = NULL;
	peer->ngroups = 0;
	return getpeereid(fd, &peer->uid, &peer->gid);
}

/* shm_open(3) under a name that is gone at once. */
int
host_memory_file(const char *name)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/nvmmd.%s.%d", name,
	    (int)getpid());
	fd = shm_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd != -1)
		(void)shm_unlink(path);
	return fd;
}

#endif
