/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * NetBSD's system calls, by number.
 */

#include <sys/param.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysctl.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "h_libc.h"

#define PAGE			4096
#define SIGTRAMP_VERSION	2

int errno;

extern const char h_sigtramp[];

/* As C programs know errors. */
static long
ret(long r)
{

	if (r >= 0 || r < -ELAST)
		return r;
	errno = (int)-r;
	return -1;
}

int
open(const char *path, int flags, ...)
{

	return (int)ret(h_syscall(SYS_open, path, flags, 0));
}

int
close(int fd)
{

	return (int)ret(h_syscall(SYS_close, fd));
}

ssize_t
read(int fd, void *buf, size_t n)
{

	return ret(h_syscall(SYS_read, fd, buf, n));
}

ssize_t
write(int fd, const void *buf, size_t n)
{

	return ret(h_syscall(SYS_write, fd, buf, n));
}

int
dup2(int from, int to)
{

	return (int)ret(h_syscall(SYS_dup2, from, to));
}

int
pipe(int fd[2])
{

	return (int)ret(h_syscall(SYS_pipe2, fd, 0));
}

int
ioctl(int fd, unsigned long cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return (int)ret(h_syscall(SYS_ioctl, fd, cmd, arg));
}

void *
mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{

	return (void *)ret(h_syscall(SYS_mmap, addr, len, prot, flags,
	    (long)fd, 0L, off));
}

int
munmap(void *addr, size_t len)
{

	return (int)ret(h_syscall(SYS_munmap, addr, len));
}

int
execve(const char *path, char *const argv[], char *const envp[])
{

	return (int)ret(h_syscall(SYS_execve, path, argv, envp));
}

pid_t
fork(void)
{

	return (pid_t)ret(h_syscall(SYS_fork));
}

pid_t
getpid(void)
{

	return (pid_t)h_syscall(SYS_getpid);
}

pid_t
waitpid(pid_t pid, int *status, int flags)
{

	return (pid_t)ret(h_syscall(SYS___wait450, (long)pid, status, flags,
	    NULL));
}

int
kill(pid_t pid, int sig)
{

	return (int)ret(h_syscall(SYS_kill, (long)pid, sig));
}

int
setitimer(int which, const struct itimerval *restrict value,
    struct itimerval *restrict old)
{

	return (int)ret(h_syscall(SYS___setitimer50, which, value, old));
}

unsigned
alarm(unsigned seconds)
{
	struct itimerval it = { .it_value = { .tv_sec = seconds } };

	return (unsigned)setitimer(ITIMER_REAL, &it, NULL);
}

int
sigaction(int sig, const struct sigaction *sa, struct sigaction *old)
{

	return (int)ret(h_syscall(SYS___sigaction_sigtramp, sig, sa, old,
	    h_sigtramp, SIGTRAMP_VERSION));
}

int
usleep(unsigned us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	return (int)ret(h_syscall(SYS___nanosleep50, &ts, NULL));
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{

	return (int)ret(h_syscall(SYS___clock_gettime50, (long)id, ts));
}

/* => -1 but for the pages that there are. */
long
sysconf(int what)
{
	static const int name[] = { CTL_HW, HW_PHYSMEM64 };
	size_t len = sizeof(int64_t);
	int64_t bytes;

	if (what != _SC_PHYS_PAGES || h_syscall(SYS___sysctl, name, 2, &bytes,
	    &len, NULL, 0L) < 0)
		return -1;
	return bytes / PAGE;
}

void
_exit(int status)
{

	for (;;)
		(void)h_syscall(SYS_exit, status);
}

void
exit(int status)
{

	_exit(status);
}

void
abort(void)
{

	(void)kill(getpid(), SIGKILL);
	_exit(127);
}
