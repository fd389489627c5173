/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The system calls that nvmmd proper needs, by seccomp(2). The list is what
 * its tests use; a call that is not on it fails with EPERM, so that a C library
 * that does something else learns it as any other error, and no guest ends for
 * it. The tests run with a filter that ends the daemon instead. Calls that C
 * libraries try and do without are refused in either way alike.
 *
 * What is needed but for one use is allowed for that one: clone(2) for threads,
 * ioctl(2) for drivers of virtual machines, memory that is not executable.
 */

#include <errno.h>

#include "sandbox.h"

/* Sanitizers need more than can be listed. */
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>

#define CALL(name)	SCMP_SYS(name)

/* Allowed whatever the arguments. */
static const int sandbox_allowed[] = {
	/* descriptors that it has */
	CALL(read), CALL(write), CALL(readv), CALL(writev), CALL(pread64),
	CALL(close), CALL(lseek), CALL(fstat), CALL(newfstatat), CALL(dup),
	CALL(fcntl), CALL(ftruncate), CALL(pipe2), CALL(memfd_create),
	/* sockets that it has */
	CALL(accept4), CALL(recvmsg), CALL(recvfrom), CALL(sendmsg),
	CALL(sendto), CALL(shutdown), CALL(getsockopt), CALL(getsockname),
	/* waiting */
	CALL(poll), CALL(ppoll), CALL(epoll_create1), CALL(epoll_ctl),
	CALL(epoll_wait), CALL(epoll_pwait), CALL(eventfd2),
	CALL(nanosleep), CALL(clock_nanosleep), CALL(clock_gettime),
	CALL(gettimeofday), CALL(restart_syscall), CALL(sched_yield),
	/* memory */
	CALL(munmap), CALL(mremap), CALL(madvise), CALL(brk), CALL(mincore),
	/* threads and signals */
	CALL(futex), CALL(set_robust_list), CALL(rseq), CALL(gettid),
	CALL(getpid), CALL(tgkill), CALL(sigaltstack), CALL(rt_sigaction),
	CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(rt_sigpending),
	CALL(rt_sigtimedwait), CALL(exit),
	CALL(exit_group), CALL(sched_setattr), CALL(getpriority),
	CALL(sched_getaffinity), CALL(getrandom), CALL(getuid), CALL(geteuid),
	CALL(membarrier), CALL(set_tid_address), CALL(getrusage),
};

/* Allowed under one condition. */
static const struct {
	int call;
	struct scmp_arg_cmp arg;
} sandbox_some[] = {
	{ CALL(clone), { 0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD } },
	{ CALL(mmap), { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 } },
	{ CALL(mprotect), { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 } },
	{ CALL(prctl), { 0, SCMP_CMP_EQ, PR_SET_NAME, 0 } },
	/* nvmm(4)'s and KVM's, by the letter of their numbers */
	{ CALL(ioctl), { 1, SCMP_CMP_MASKED_EQ, 0xff00, 'N' << 8 } },
	{ CALL(ioctl), { 1, SCMP_CMP_MASKED_EQ, 0xff00, 0xae << 8 } },
};

/* The C library tries them and goes on without. */
static const struct {
	int call, error;
} sandbox_tried[] = {
	{ CALL(clone3), ENOSYS },
	{ CALL(open), ENOENT },
	{ CALL(openat), ENOENT },
	{ CALL(readlink), ENOENT },
	{ CALL(prlimit64), EPERM },
	{ CALL(socket), EPERM },		/* syslog(3), again */
	{ CALL(connect), EPERM },
	{ CALL(sysinfo), EPERM },
};

/* The lists as rules. Returns 0 or a negative errno. */
static int
sandbox_rules(scmp_filter_ctx filter)
{
	size_t i;
	int error = 0;

	for (i = 0; i < sizeof(sandbox_allowed) / sizeof(sandbox_allowed[0]) &&
	    error == 0; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
		    sandbox_allowed[i], 0);
	for (i = 0; i < sizeof(sandbox_some) / sizeof(sandbox_some[0]) &&
	    error == 0; i++)
		error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
		    sandbox_some[i].call, 1, &sandbox_some[i].arg);
	for (i = 0; i < sizeof(sandbox_tried) / sizeof(sandbox_tried[0]) &&
	    error == 0; i++) {
		error = seccomp_rule_add(filter,
		    SCMP_ACT_ERRNO((uint32_t)sandbox_tried[i].error),
		    sandbox_tried[i].call, 0);
		/* The filter does that anyway. */
		if (error == -EACCES)
			error = 0;
	}
	return error;
}

/* The filter, from here on. */
int
sandbox_calls(bool fatal)
{
	scmp_filter_ctx filter;
	int error;

	filter = seccomp_init(fatal ? SCMP_ACT_KILL_PROCESS :
	    SCMP_ACT_ERRNO(EPERM));
	if (filter == NULL) {
		errno = ENOMEM;
		return -1;
	}
	error = sandbox_rules(filter);
	if (error == 0)
		error = seccomp_load(filter);
	seccomp_release(filter);
	errno = -error;
	return error == 0 ? 0 : -1;
}

#else

/* There is no filter. */
int
sandbox_calls(bool fatal)
{

	(void)fatal;
	errno = ENOSYS;
	return -1;
}

#endif
