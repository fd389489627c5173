/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Who owns machines on Linux, and when they end: with the open file or with
 * the address space that opened it, whichever goes first.
 */

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "h_linux.h"

#define NOBODY	65534

static char *
helper(const atf_tc_t *tc)
{
	static char path[1024];

	snprintf(path, sizeof(path), "%s/h_exec",
	    atf_tc_get_config_var(tc, "srcdir"));
	return path;
}

ATF_TC(close_ends);
ATF_TC_HEAD(close_ends, tc)
{
	atf_tc_set_md_var(tc, "descr", "the last close ends the machines");
}
ATF_TC_BODY(close_ends, tc)
{
	struct h_machine m;
	int other;

	h_make(&m);
	other = dup(m.fd);
	close(m.fd);
	ATF_CHECK_EQ(h_held("machines"), 1);
	close(other);
	ATF_CHECK_EQ(h_held("machines"), 0);
	ATF_CHECK_EQ(h_held("vcpus"), 0);
	/* The comm page is this process's to unmap. */
	ATF_CHECK_EQ(h_held("objects"), 1);
	m.comm->stop = 1;
	ATF_CHECK_EQ(munmap(m.comm, PAGE), 0);
	h_require_nothing_held();
}

/* In a child that inherited the descriptor. */
static void
child_of_fork(struct h_child *child, void *arg)
{
	struct h_machine *m = arg;
	nvmm_machid_t id;
	unsigned char vec;

	(void)child;
	if (h_capability(m->fd) != EPERM)
		_exit(1);
	if (h_machine_create(m->fd, &id) != EPERM)
		_exit(2);
	if (h_machine_destroy(m->fd, m->id) != EPERM)
		_exit(3);
	if (mincore(m->comm, PAGE, &vec) != -1 || errno != ENOMEM)
		_exit(4);
	close(m->fd);
}

ATF_TC(fork_inherits_nothing);
ATF_TC_HEAD(fork_inherits_nothing, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "a child is refused, sees no memory, and takes nothing with it");
}
ATF_TC_BODY(fork_inherits_nothing, tc)
{
	struct h_machine m;
	struct h_child child;

	h_make(&m);
	child = h_fork(child_of_fork, &m);
	h_wait_ready(&child);
	h_reap(&child, 0);
	ATF_CHECK_EQ(h_held("machines"), 1);
	ATF_CHECK_EQ(h_capability(m.fd), 0);
	ATF_CHECK_EQ(h_machine_destroy(m.fd, m.id), 0);
}

ATF_TC(exec_ends);
ATF_TC_HEAD(exec_ends, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "exec ends the machines, though the descriptor was kept");
}
ATF_TC_BODY(exec_ends, tc)
{
	char arg[16], *argv[3];
	nvmm_machid_t id;
	pid_t pid;
	int fd, status;

	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		fd = open("/dev/nvmm", O_RDWR);
		if (fd == -1 || h_machine_create(fd, &id) != 0)
			_exit(100);
		snprintf(arg, sizeof(arg), "%d", fd);
		argv[0] = helper(tc);
		argv[1] = arg;
		argv[2] = NULL;
		execv(argv[0], argv);
		_exit(101);
	}
	ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	ATF_CHECK_MSG(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "status %#x", status);
	h_require_nothing_held();
}

/* Send the descriptor. */
static void
send_fd(int sock, int fd)
{
	union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } c;
	struct iovec iov = { .iov_base = &(char){ 0 }, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = c.room, .msg_controllen = sizeof(c.room),
	};

	memset(&c, 0, sizeof(c));
	c.h.cmsg_len = CMSG_LEN(sizeof(int));
	c.h.cmsg_level = SOL_SOCKET;
	c.h.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	if (sendmsg(sock, &msg, 0) != 1)
		_exit(110);
}

static int
receive_fd(int sock)
{
	union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } c;
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = c.room, .msg_controllen = sizeof(c.room),
	};
	int fd;

	ATF_REQUIRE_EQ(recvmsg(sock, &msg, 0), 1);
	ATF_REQUIRE_EQ(c.h.cmsg_type, SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(&c.h), sizeof(fd));
	return fd;
}

static void
child_that_passes(struct h_child *child, void *arg)
{
	struct h_machine m;

	(void)child;
	h_make(&m);
	send_fd(*(int *)arg, m.fd);
}

ATF_TC(passed_descriptor);
ATF_TC_HEAD(passed_descriptor, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "who is passed the descriptor is refused, and keeps nothing alive");
}
ATF_TC_BODY(passed_descriptor, tc)
{
	struct h_child child;
	nvmm_machid_t id;
	int sock[2], fd;

	ATF_REQUIRE_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sock), 0);
	child = h_fork(child_that_passes, &sock[1]);
	fd = receive_fd(sock[0]);
	h_wait_ready(&child);
	ATF_CHECK_EQ(h_capability(fd), EPERM);
	ATF_CHECK_EQ(h_machine_create(fd, &id), EPERM);
	ATF_CHECK_EQ(h_machine_destroy(fd, 0), EPERM);
	ATF_CHECK_EQ(h_held("machines"), 1);
	h_reap(&child, SIGKILL);
	h_require_nothing_held();
	ATF_CHECK_EQ(h_capability(fd), EPERM);
	close(fd);
}

static void *
spinner(void *arg)
{

	while (h_spin(arg) == 0)
		continue;
	return NULL;
}

static void
child_that_spins(struct h_child *child, void *arg)
{
	static struct h_machine m[2];
	pthread_t thread;
	uint8_t *p;
	size_t i;

	(void)child;
	(void)arg;
	for (i = 0; i < 2; i++) {
		h_make(&m[i]);
		p = h_range(8 * MIB);
		if (h_hva_map(&m[i], p, 8 * MIB) != 0 ||
		    h_gpa_map(&m[i], p, 0, 8 * MIB, RWX) != 0)
			_exit(120);
		memset(p, 0xF4, 3 * MIB);
		h_spin_prepare(&m[i]);
		pthread_create(&thread, NULL, spinner, &m[i]);
	}
	usleep(50000);
}

ATF_TC(killed_amid_runs);
ATF_TC_HEAD(killed_amid_runs, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "SIGKILL amid runs ends machines, memory and all");
}
ATF_TC_BODY(killed_amid_runs, tc)
{
	struct h_child child;

	child = h_fork(child_that_spins, NULL);
	h_wait_ready(&child);
	ATF_CHECK_EQ(h_held("machines"), 2);
	ATF_CHECK(h_held("pages") >= 2 * 3 * 256);
	h_reap(&child, SIGKILL);
	h_require_nothing_held();
}

ATF_TC(root_owner);
ATF_TC_HEAD(root_owner, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "opened write-only, root sees and ends the machines of others");
}
ATF_TC_BODY(root_owner, tc)
{
	struct nvmm_ctl_mach_info info;
	struct h_child child;
	nvmm_machid_t id;
	int fd;

	child = h_fork(child_that_spins, NULL);
	h_wait_ready(&child);
	fd = open("/dev/nvmm", O_WRONLY | O_CLOEXEC);
	ATF_REQUIRE(fd != -1);
	ATF_CHECK_EQ(h_machine_create(fd, &id), EPERM);
	ATF_CHECK_EQ(h_vcpu_run(fd, 0, 0), EPERM);
	ATF_REQUIRE_EQ(h_mach_info(fd, 0, &info), 0);
	ATF_CHECK_EQ(info.pid, child.pid);
	ATF_CHECK_EQ(info.nvcpus, 1);
	ATF_CHECK_EQ(h_machine_destroy(fd, 0), 0);
	ATF_CHECK_EQ(h_machine_destroy(fd, 1), 0);
	ATF_CHECK_EQ(h_held("machines"), 0);
	/* The views are the owner's, and go with it. */
	ATF_CHECK_EQ(h_held("objects"), 6);
	h_reap(&child, SIGKILL);
	close(fd);
	h_require_nothing_held();
}

static void
child_without_rights(struct h_child *child, void *arg)
{
	struct stat st;
	nvmm_machid_t id;
	int fd;

	(void)child;
	(void)arg;
	if (stat("/dev/nvmm", &st) == -1 || setgid(st.st_gid) == -1 ||
	    setuid(NOBODY) == -1)
		_exit(1);
	if (open("/dev/nvmm", O_WRONLY | O_CLOEXEC) != -1 || errno != EPERM)
		_exit(2);
	fd = open("/dev/nvmm", O_RDWR | O_CLOEXEC);
	if (fd == -1)
		_exit(3);
	if (h_machine_create(fd, &id) != 0)
		_exit(4);
}

ATF_TC(root_owner_needs_rights);
ATF_TC_HEAD(root_owner_needs_rights, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "write-only needs CAP_SYS_ADMIN; the group may own machines");
}
ATF_TC_BODY(root_owner_needs_rights, tc)
{
	struct h_child child;

	child = h_fork(child_without_rights, NULL);
	h_wait_ready(&child);
	h_reap(&child, 0);
	h_require_nothing_held();
}

static int
unload(void)
{

	return syscall(SYS_delete_module, "nvmm", O_NONBLOCK) == -1 ? errno :
	    0;
}

ATF_TC(unload_refused);
ATF_TC_HEAD(unload_refused, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "the module stays while it is open, or memory of it is mapped");
}
ATF_TC_BODY(unload_refused, tc)
{
	struct h_machine m;

	h_make(&m);
	ATF_CHECK_EQ(unload(), EAGAIN);
	close(m.fd);
	ATF_CHECK_EQ(unload(), EAGAIN);
	m.comm->stop = 0;
	ATF_CHECK_EQ(munmap(m.comm, PAGE), 0);
}

ATF_TC(bad_requests);
ATF_TC_HEAD(bad_requests, tc)
{
	atf_tc_set_md_var(tc, "descr",
	    "unknown requests and bad addresses are errors");
}
ATF_TC_BODY(bad_requests, tc)
{
	struct h_machine m;

	h_make(&m);
	ATF_CHECK_ERRNO(EINVAL, ioctl(m.fd, _IOWR('N', 63, char[4000]), &m)
	    == -1);
	ATF_CHECK_ERRNO(EINVAL, ioctl(m.fd, _IO('N', 10), &m) == -1);
	ATF_CHECK_ERRNO(EFAULT, ioctl(m.fd, NVMM_IOC_VCPU_RUN, NULL) == -1);
	ATF_CHECK_ERRNO(EFAULT, ioctl(m.fd, NVMM_IOC_CAPABILITY, 8) == -1);
	ATF_CHECK_EQ(h_vcpu_run(m.fd, m.id, 1), ENOENT);
	ATF_CHECK_EQ(h_vcpu_run(m.fd, 1000, 0), EINVAL);
	ATF_CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, m.fd, 0) ==
	    MAP_FAILED);
}

ATF_TP_ADD_TCS(tp)
{

	h_begin();
	ATF_TP_ADD_TC(tp, close_ends);
	ATF_TP_ADD_TC(tp, fork_inherits_nothing);
	ATF_TP_ADD_TC(tp, exec_ends);
	ATF_TP_ADD_TC(tp, passed_descriptor);
	ATF_TP_ADD_TC(tp, killed_amid_runs);
	ATF_TP_ADD_TC(tp, root_owner);
	ATF_TP_ADD_TC(tp, root_owner_needs_rights);
	ATF_TP_ADD_TC(tp, unload_refused);
	ATF_TP_ADD_TC(tp, bad_requests);
	return atf_no_error();
}
