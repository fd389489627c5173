/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * As much of a C library as libnvmm and the API tests call, for a program that
 * runs on a bare NetBSD kernel. All of <stdio.h>, <string.h> and so on are this
 * header; constants and structures come from the kernel's source.
 */

#ifndef _H_LIBC_H_
#define _H_LIBC_H_

#include <sys/types.h>
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/inttypes.h>
#include <sys/signal.h>
#include <sys/stdarg.h>
#include <sys/stdbool.h>
#include <sys/stdint.h>
#include <sys/unistd.h>

#include <machine/limits.h>

#undef offsetof
#define offsetof(t, f)	__builtin_offsetof(t, f)

#ifndef NULL
#define NULL		((void *)0)
#endif
#define EXIT_SUCCESS	0
#define EXIT_FAILURE	1
#define STDERR_FILENO	2

struct timespec;

extern int errno;

/* h_sys.c */
long	h_syscall(long, ...);
int	open(const char *, int, ...);
int	close(int);
ssize_t	read(int, void *, size_t);
ssize_t	write(int, const void *, size_t);
int	dup2(int, int);
int	pipe(int[2]);
int	execve(const char *, char *const[], char *const[]);
pid_t	fork(void);
pid_t	getpid(void);
pid_t	waitpid(pid_t, int *, int);
int	kill(pid_t, int);
unsigned alarm(unsigned);
int	sigaction(int, const struct sigaction *, struct sigaction *);
int	usleep(unsigned);
long	sysconf(int);
int	clock_gettime(clockid_t, struct timespec *);
void	_exit(int) __dead;
void	exit(int) __dead;
void	abort(void) __dead;

/* h_libc.c */
void	*memchr(const void *, int, size_t);
int	memcmp(const void *, const void *, size_t);
void	*memcpy(void *, const void *, size_t);
void	*memmove(void *, const void *, size_t);
void	*memset(void *, int, size_t);
int	strcmp(const char *, const char *);
size_t	strlen(const char *);
char	*strerror(int);
unsigned long strtoul(const char *, char **, int);
void	srandom(unsigned);
long	random(void);
void	*calloc(size_t, size_t);
void	*malloc(size_t);
void	*realloc(void *, size_t);
void	free(void *);
int	printf(const char *, ...) __printflike(1, 2);
int	vprintf(const char *, va_list) __printflike(1, 0);
int	snprintf(char *, size_t, const char *, ...) __printflike(3, 4);
int	vsnprintf(char *, size_t, const char *, va_list) __printflike(3, 0);

static inline char *
getenv(const char *name)
{

	(void)name;
	return NULL;
}

static inline int
issetugid(void)
{

	return 0;
}

/* h_thread.c; errno is one for all threads */
typedef struct h_thread *pthread_t;
typedef volatile int pthread_mutex_t;
typedef volatile int pthread_rwlock_t;
#define PTHREAD_MUTEX_INITIALIZER	0
#define pthread_mutex_lock(m)		h_lock(m)
#define pthread_mutex_unlock(m)		h_unlock(m)
#define pthread_rwlock_init(l, a)	((void)(a), h_unlock(l))
#define pthread_rwlock_destroy(l)	((void)(l), 0)
#define pthread_rwlock_rdlock(l)	h_lock(l)
#define pthread_rwlock_wrlock(l)	h_lock(l)
#define pthread_rwlock_unlock(l)	h_unlock(l)
int	h_lock(volatile int *);
int	h_unlock(volatile int *);
int	pthread_create(pthread_t *, const void *, void *(*)(void *), void *);
int	pthread_join(pthread_t, void **);

typedef struct {
	uint32_t bits[8];
} cpu_set_t;
#define CPU_SETSIZE	256
#define CPU_ZERO(s)	memset(s, 0, sizeof(*(s)))
#define CPU_SET(n, s)	((s)->bits[(n) / 32] |= 1U << (n) % 32)
#define CPU_ISSET(n, s)	(((s)->bits[(n) / 32] >> (n) % 32 & 1) != 0)
#define CPU_COUNT(s)	__builtin_popcount((s)->bits[0])
int	pthread_setaffinity_np(pthread_t, size_t, const cpu_set_t *);
int	sched_setaffinity(pid_t, size_t, const cpu_set_t *);
int	sched_getaffinity(pid_t, size_t, cpu_set_t *);

/* stdio's, as far as nvmm_vcpu_dump wants it */
typedef int FILE;
#define stdout		((FILE *)1)
#define stderr		((FILE *)2)
#define fprintf(f, ...)	((void)(f), printf(__VA_ARGS__))

#endif /* _H_LIBC_H_ */
