/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What a confined process can do and what it cannot; each case in a child.
 */

#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox.h"

#define PAGE	4096

static char *page;			/* of the case's own */

static int
try_open(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static int
try_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int
try_exec(void)
{
	return execl("/bin/true", "true", (char *)NULL);
}

static int
try_fork(void)
{
	return fork();
}

static int
try_kill(void)
{
	return kill(getppid(), SIGTERM);
}

static int
try_ptrace(void)
{
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int
try_map_code(void)
{
	return mmap(NULL, PAGE, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANON, -1, 0) == MAP_FAILED ? -1 : 0;
}

static int
try_make_code(void)
{
	return mprotect(page, PAGE, PROT_READ | PROT_EXEC);
}

static int
try_type(void)
{
	return ioctl(0, TIOCSTI, "x");
}

static int
try_chmod(void)
{
	return chmod(".", 0700);
}

static int
try_user(void)
{
	return setuid(getuid());
}

static void *
thread_main(void *arg)
{
	*(int *)arg = 1;
	return NULL;
}

/* What the daemon lives of. */
static int
do_work(void)
{
	pthread_t thread;
	int fds[2], ran = 0;
	char byte = 'x';

	if (pipe2(fds, O_CLOEXEC) == -1 || write(fds[1], &byte, 1) != 1 ||
	    read(fds[0], &byte, 1) != 1 ||
	    memfd_create("test", MFD_CLOEXEC) == -1 ||
	    pthread_create(&thread, NULL, thread_main, &ran) != 0 ||
	    pthread_join(thread, NULL) != 0)
		return -1;
	free(malloc(1 << 22));
	return ran - 1;
}

static const struct {
	int (*fn)(void);
	const char *what;
	int error;
} calls[] = {
	{ do_work, "work", 0 },
	{ try_open, "open", ENOENT },
	{ try_socket, "socket", EPERM },
	{ try_exec, "exec", EPERM },
	{ try_fork, "fork", EPERM },
	{ try_kill, "kill", EPERM },
	{ try_ptrace, "ptrace", EPERM },
	{ try_map_code, "mmap", EPERM },
	{ try_make_code, "mprotect", EPERM },
	{ try_type, "ioctl", EPERM },
	{ try_chmod, "chmod", EPERM },
	{ try_user, "setuid", EPERM },
};

/* Run in a confined child: its wait status; it exits with errno. */
static int
confined(int (*fn)(void), bool fatal)
{
	int status;
	pid_t pid;

	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON,
	    -1, 0);
	ATF_REQUIRE(page != MAP_FAILED);
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		if (sandbox_calls(fatal) == -1)
			_exit(errno == ENOSYS ? 254 : 255);
		errno = 0;
		_exit(fn() == -1 ? errno : 0);
	}
	ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	(void)munmap(page, PAGE);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 254)
		atf_tc_skip("system calls are not filtered in this build");
	return status;
}

ATF_TC_WITHOUT_HEAD(calls_that_are_refused);
ATF_TC_BODY(calls_that_are_refused, tc)
{
	size_t i;
	int status;

	(void)tc;
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		status = confined(calls[i].fn, false);
		ATF_CHECK_MSG(WIFEXITED(status), "%s: signal %d",
		    calls[i].what, WTERMSIG(status));
		ATF_CHECK_EQ_MSG(WEXITSTATUS(status), calls[i].error,
		    "%s: %s", calls[i].what, strerror(WEXITSTATUS(status)));
	}
}

ATF_TC_WITHOUT_HEAD(calls_that_end_the_process);
ATF_TC_BODY(calls_that_end_the_process, tc)
{
	int status;

	(void)tc;
	ATF_CHECK_EQ(confined(do_work, true), 0);
	status = confined(try_ptrace, true);
	ATF_CHECK(WIFSIGNALED(status));
	ATF_CHECK_EQ(WTERMSIG(status), SIGSYS);
}

ATF_TC_WITHOUT_HEAD(nobody_is_no_user);
ATF_TC_BODY(nobody_is_no_user, tc)
{
	struct sandbox s;

	(void)tc;
	ATF_CHECK_EQ(sandbox_user(&s, "no such user"), -1);
	ATF_REQUIRE_EQ(sandbox_user(&s, "nobody"), 0);
	ATF_CHECK(s.uid != 0);
	ATF_CHECK(s.ngroups >= 1);
	free(s.groups);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, calls_that_are_refused);
	ATF_TP_ADD_TC(tp, calls_that_end_the_process);
	ATF_TP_ADD_TC(tp, nobody_is_no_user);
	return atf_no_error();
}
