/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What only a NetBSD kernel can show: owners that end in every way, the
 * device, guest memory under uvm(9), machines on several CPUs at once.
 */

#include <sys/param.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <dev/nvmm/nvmm_ioctl.h>

#include "h_atf.h"
#include "h_vm.h"
#include "t_netbsd.h"

#define DEVICE		"/dev/nvmm"
#define BIG_RAM		(64UL << 20)
#define BIG_GPA		(4UL << 20)
#define NSPINNERS	4
#define PAGE		4096

static const uint8_t g_spin[] = { 0xeb, 0xfe };		/* jmp . */
/* cpuid; dec %esi; jnz; out %al, $0x80; the loop again */
static const uint8_t g_cpuid[] = {
	0xbe, 0xe8, 0x03, 0x00, 0x00, 0x31, 0xc0, 0x0f, 0xa2, 0xff, 0xce,
	0x75, 0xf8, 0xe6, 0x80, 0xeb, 0xef
};
/* rep stosq of RAX, RCX times, at RDI; out */
static const uint8_t g_fill[] = { 0xf3, 0x48, 0xab, 0xe6, 0x80, 0xf4 };

static int
open_owner(void)
{
	int fd;

	fd = open(DEVICE, O_RDONLY | O_CLOEXEC);
	ATF_REQUIRE_EQ_MSG(true, fd >= 0, "open: %s", strerror(errno));
	return fd;
}

static nvmm_machid_t
create(int fd)
{
	struct nvmm_ioc_machine ioc;

	ATF_REQUIRE_EQ_MSG(0, ioctl(fd, NVMM_IOC_MACHINE_CREATE, &ioc),
	    "create: %s", strerror(errno));
	return ioc.machid;
}

/* 0, or why the root owner cannot see the machine. */
static int
look(nvmm_machid_t machid)
{
	struct nvmm_ctl_mach_info info = { .machid = machid };
	struct nvmm_ioc_ctl ioc = {
		.op = NVMM_CTL_MACH_INFO, .data = &info, .size = sizeof(info)
	};
	int error, fd;

	fd = open(DEVICE, O_WRONLY | O_CLOEXEC);
	ATF_REQUIRE(fd >= 0);
	error = ioctl(fd, NVMM_IOC_CTL, &ioc) == -1 ? errno : 0;
	(void)close(fd);
	return error;
}

/* Run a function as a child; it tells a machine's number by tell(). */
static pid_t
child(void (*func)(void), int *from)
{
	pid_t pid;
	int p[2];

	ATF_REQUIRE_EQ(0, pipe(p));
	pid = fork();
	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		ATF_REQUIRE_EQ(3, dup2(p[1], 3));
		func();
		_exit(0);
	}
	(void)close(p[1]);
	*from = p[0];
	return pid;
}

static void
tell(nvmm_machid_t machid)
{

	ATF_REQUIRE_EQ((ssize_t)sizeof(machid),
	    write(3, &machid, sizeof(machid)));
}

static nvmm_machid_t
told(int from)
{
	nvmm_machid_t machid;

	ATF_REQUIRE_EQ((ssize_t)sizeof(machid),
	    read(from, &machid, sizeof(machid)));
	return machid;
}

static void
close_ends_machines(const void *unused)
{
	nvmm_machid_t machid;
	int fd;

	fd = open_owner();
	machid = create(fd);
	ATF_CHECK_EQ(0, look(machid));
	ATF_REQUIRE_EQ(0, close(fd));
	ATF_CHECK_EQ(ENOENT, look(machid));
}

/* Every open must say that it ends with an exec. */
static void
cloexec_is_demanded(const void *unused)
{

	ATF_CHECK_EQ(-1, open(DEVICE, O_RDONLY));
	ATF_CHECK_EQ(EINVAL, errno);
}

static void
child_is_refused(const void *unused)
{
	struct nvmm_ioc_machine ioc;
	int fd, status;
	pid_t pid;

	fd = open_owner();
	ioc.machid = create(fd);
	pid = fork();
	if (pid == 0)
		_exit(ioctl(fd, NVMM_IOC_MACHINE_DESTROY, &ioc) == -1 ?
		    errno : 0);
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_CHECK_EQ(EPERM, WEXITSTATUS(status));
	ATF_CHECK_EQ(0, look(ioc.machid));
}

/* The child's child keeps the descriptor. */
static void
exit_owner(void)
{
	int fd;

	fd = open_owner();
	tell(create(fd));
	if (fork() == 0) {
		usleep(3000000);
		_exit(0);
	}
}

static void
exit_ends_machines(const void *unused)
{
	nvmm_machid_t machid;
	int from, status;
	pid_t pid;

	pid = child(exit_owner, &from);
	machid = told(from);
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_CHECK_EQ(ENOENT, look(machid));
}

static void
exec_owner(void)
{
	static char *const argv[] = { "init", "sleep", NULL };
	int fd;

	fd = open_owner();
	tell(create(fd));
	if (fork() == 0) {
		usleep(3000000);
		_exit(0);
	}
	(void)execve("/sbin/init", argv, argv + 2);
	_exit(1);
}

static void
exec_ends_machines(const void *unused)
{
	nvmm_machid_t machid;
	int error, from, i, status;
	pid_t pid;

	pid = child(exec_owner, &from);
	machid = told(from);
	for (i = 0; i < 100; i++) {
		error = look(machid);
		if (error)
			break;
		usleep(10000);
	}
	ATF_CHECK_EQ(ENOENT, error);
	ATF_CHECK_EQ(0, waitpid(pid, &status, WNOHANG));
	ATF_REQUIRE_EQ(0, kill(pid, SIGKILL));
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
}

static void
spin(struct vm *vm)
{

	vm_open();
	vm_create(vm);
	vm_start(vm, VM_LONG, g_spin, g_spin + sizeof(g_spin));
}

static void
spin_owner(void)
{
	struct vm vm;

	spin(&vm);
	tell(vm.mach.machid);
	(void)nvmm_vcpu_run(&vm.mach, &vm.cpus[0].v);
	for (;;)
		(void)nvmm_vcpu_run(&vm.mach, &vm.cpus[0].v);
}

static void
kill_in_run_ends_machines(const void *unused)
{
	nvmm_machid_t machid;
	int from, i, status;
	pid_t pid;

	for (i = 0; i < 20; i++) {
		pid = child(spin_owner, &from);
		machid = told(from);
		usleep(20000 + i * 1000);
		ATF_REQUIRE_EQ(0, kill(pid, SIGKILL));
		ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
		ATF_CHECK(WIFSIGNALED(status));
		ATF_REQUIRE_EQ(ENOENT, look(machid));
		(void)close(from);
	}
}

static struct nvmm_vcpu *stop_me;

static void
on_timer(int sig)
{

	ATF_CHECK_EQ(0, nvmm_vcpu_stop(stop_me));
}

static void
stop_from_a_signal(const void *unused)
{
	struct sigaction sa = { .sa_handler = on_timer };
	struct itimerval it = { .it_value = { .tv_usec = 100000 } };
	struct vm vm;

	spin(&vm);
	stop_me = &vm.cpus[0].v;
	ATF_REQUIRE_EQ(0, sigaction(SIGALRM, &sa, NULL));
	ATF_REQUIRE_EQ(0, setitimer(ITIMER_REAL, &it, NULL));
	do {
		ATF_REQUIRE_EQ(0, nvmm_vcpu_run(&vm.mach, &vm.cpus[0].v));
	} while (vm.cpus[0].v.exit->reason == NVMM_VCPU_EXIT_NONE);
	VM_CHECK_EQ(NVMM_VCPU_EXIT_STOPPED, vm.cpus[0].v.exit->reason);
	vm_destroy(&vm);
}

static void
root_destroys(const void *unused)
{
	struct nvmm_ioc_machine ioc;
	int from, root, status;
	pid_t pid;

	pid = child(spin_owner, &from);
	ioc.machid = told(from);
	usleep(50000);
	root = open(DEVICE, O_WRONLY | O_CLOEXEC);
	ATF_REQUIRE(root >= 0);
	ATF_CHECK_EQ(-1, ioctl(root, NVMM_IOC_MACHINE_CREATE, &ioc));
	ATF_CHECK_EQ(EPERM, errno);
	ATF_CHECK_EQ(0, ioctl(root, NVMM_IOC_MACHINE_DESTROY, &ioc));
	ATF_CHECK_EQ(ENOENT, look(ioc.machid));
	usleep(50000);
	ATF_CHECK_EQ(0, waitpid(pid, &status, WNOHANG));
	ATF_REQUIRE_EQ(0, kill(pid, SIGKILL));
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
}

static void
machines_up_to_the_limit(const void *unused)
{
	struct nvmm_ioc_machine ioc;
	int fd, i;

	fd = open_owner();
	for (i = 0; i < NVMM_MAX_MACHINES; i++)
		(void)create(fd);
	ATF_CHECK_EQ(-1, ioctl(fd, NVMM_IOC_MACHINE_CREATE, &ioc));
	ATF_CHECK_EQ(ENOBUFS, errno);
}

static void
vcpus_up_to_the_limit(const void *unused)
{
	struct vm vm;

	vm_open();
	vm_create_cpus(&vm, NVMM_MAX_VCPUS);
	vm_start_cpu(&vm, NVMM_MAX_VCPUS - 1, VM_LONG, G_CODE);
	vm_poke(&vm, G_CODE, g_cpuid, sizeof(g_cpuid));
	ATF_CHECK_EQ(0x80, vm_port_cpu(&vm, NVMM_MAX_VCPUS - 1));
	vm_destroy(&vm);
}

/* The guest keeps its pages when the owner unmaps its view of them. */
static void
owner_unmaps_its_view(const void *unused)
{
	struct vm vm;

	vm_open();
	vm_create(&vm);
	vm_start(&vm, VM_LONG, g_cpuid, g_cpuid + sizeof(g_cpuid));
	VM_PORT(&vm, 0x80);
	ATF_REQUIRE_EQ(0, munmap(vm.ram, G_RAM));
	VM_EXIT(&vm, NVMM_VCPU_EXIT_IO);
	VM_EXIT(&vm, NVMM_VCPU_EXIT_IO);
}

/* A child has no views of its parent's guests. */
static void
views_are_not_inherited(const void *unused)
{
	struct vm vm;
	int status;
	pid_t pid;

	vm_open();
	vm_create(&vm);
	pid = fork();
	if (pid == 0)
		_exit(vm.ram[0]);
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	vm_destroy(&vm);
}

/* The guest writes each page first, or the owner does; both see the same. */
static void
big_fill(struct vm *vm, uint64_t *ram, uint64_t value)
{
	struct nvmm_x64_state *state;
	size_t i;

	vm_start(vm, VM_LONG, g_fill, g_fill + sizeof(g_fill));
	state = vm_get(vm, GPRS);
	state->gprs[R_RAX] = value;
	state->gprs[R_RCX] = BIG_RAM / 8;
	state->gprs[R_RDI] = BIG_GPA;
	vm_set(vm, GPRS);
	VM_PORT(vm, 0x80);
	for (i = 0; i < BIG_RAM / 8; i += 16)
		ATF_REQUIRE_EQ_MSG(value, ram[i], "at %#zx", i * 8);
}

/* In 2 MiB pages, behind what vm_tables() maps. */
static void
big_tables(struct vm *vm, uint64_t size)
{
	uint64_t gpa, pde;

	for (gpa = BIG_GPA; gpa < BIG_GPA + size; gpa += 2 << 20) {
		pde = gpa | 0x83;
		vm_poke(vm, G_PD + (gpa >> 21) * 8, &pde, sizeof(pde));
	}
}

/* A machine with so much more memory. */
static uint64_t *
big_create(struct vm *vm, size_t size)
{
	uint64_t *ram;

	vm_open();
	vm_create(vm);
	ram = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON,
	    -1, 0);
	ATF_REQUIRE(ram != MAP_FAILED);
	ATF_REQUIRE_EQ_MSG(0, nvmm_hva_map(&vm->mach, (uintptr_t)ram, size),
	    "%s", strerror(errno));
	ATF_REQUIRE_EQ(0, nvmm_gpa_map(&vm->mach, (uintptr_t)ram, BIG_GPA,
	    size, RWX));
	big_tables(vm, size);
	return ram;
}

/* The machine's run ends where the memory does, and nothing else. */
static void
memory_runs_out(const void *unused)
{
	const uint64_t size = (1UL << 30) - BIG_GPA;
	struct nvmm_x64_state *state;
	struct vm vm;
	int ret;

	if ((uint64_t)sysconf(_SC_PHYS_PAGES) * PAGE > 1UL << 30)
		atf_tc_skip("there is more than 1 GiB of memory");
	(void)big_create(&vm, size);
	vm_start(&vm, VM_LONG, g_fill, g_fill + sizeof(g_fill));
	state = vm_get(&vm, GPRS);
	state->gprs[R_RCX] = size / 8;
	state->gprs[R_RDI] = BIG_GPA;
	vm_set(&vm, GPRS);
	do {
		ret = nvmm_vcpu_run(&vm.mach, &vm.cpus[0].v);
	} while (ret == 0 && vm_exit(&vm)->reason == NVMM_VCPU_EXIT_NONE);
	ATF_CHECK_EQ_MSG(-1, ret, "exit %s", vm_strexit(&vm));
	ATF_CHECK_EQ_MSG(ENOMEM, errno, "%s", strerror(errno));
	vm_destroy(&vm);
}

static void
memory_of_a_size(const void *unused)
{
	struct vm vm;
	uint64_t *ram;

	ram = big_create(&vm, BIG_RAM);
	big_fill(&vm, ram, 0x1122334455667788);
	big_fill(&vm, ram, 0xaabbccddeeff0011);
	ATF_REQUIRE_EQ(0, nvmm_gpa_unmap(&vm.mach, (uintptr_t)ram, BIG_GPA,
	    BIG_RAM));
	vm_start(&vm, VM_LONG, g_fill, g_fill + sizeof(g_fill));
	vm_get(&vm, GPRS)->gprs[R_RCX] = 1;
	vm_get(&vm, GPRS)->gprs[R_RDI] = BIG_GPA;
	vm_set(&vm, GPRS);
	VM_EXIT(&vm, NVMM_VCPU_EXIT_MEMORY);
	VM_CHECK_EQ(BIG_GPA, vm_exit(&vm)->u.mem.gpa);
	vm_destroy(&vm);
}

/*
 * A machine that works for a while; more of them than CPUs. Not for longer:
 * about once in five million VMRUNs QEMU 7.2 takes a nested fault of the host's
 * first fetch after an exit, and has the host's state in the VMCB then.
 */
static void
work_owner(void)
{
	struct vm vm;
	int i;

	vm_open();
	vm_create(&vm);
	vm_start(&vm, VM_LONG, g_cpuid, g_cpuid + sizeof(g_cpuid));
	for (i = 0; i < 20; i++)
		VM_PORT(&vm, 0x80);
	vm_destroy(&vm);
}

static void
machines_side_by_side(const void *unused)
{
	int from, i, status;

	for (i = 0; i < NSPINNERS; i++)
		(void)child(work_owner, &from);
	for (i = 0; i < NSPINNERS; i++) {
		ATF_REQUIRE(waitpid(-1, &status, 0) != -1);
		ATF_CHECK_EQ_MSG(0, status, "status %#x", status);
	}
}

struct row {
	const char *name;
	void (*func)(const void *);
};

static const struct row rows[] = {
	{ "cloexec_is_demanded", cloexec_is_demanded },
	{ "close_ends_machines", close_ends_machines },
	{ "child_is_refused", child_is_refused },
	{ "exit_ends_machines", exit_ends_machines },
	{ "exec_ends_machines", exec_ends_machines },
	{ "kill_in_run_ends_machines", kill_in_run_ends_machines },
	{ "stop_from_a_signal", stop_from_a_signal },
	{ "root_destroys", root_destroys },
	{ "machines_up_to_the_limit", machines_up_to_the_limit },
	{ "vcpus_up_to_the_limit", vcpus_up_to_the_limit },
	{ "owner_unmaps_its_view", owner_unmaps_its_view },
	{ "views_are_not_inherited", views_are_not_inherited },
	{ "memory_of_a_size", memory_of_a_size },
	{ "machines_side_by_side", machines_side_by_side },
};

void
t_netbsd(void)
{
	size_t i;

	for (i = 0; i < __arraycount(rows); i++)
		(void)h_case("netbsd", rows[i].name, rows[i].func, NULL);
}

void
t_netbsd_ram(void)
{

	(void)h_case("netbsd", "memory_runs_out", memory_runs_out, NULL);
	/* The others live. */
	(void)h_case("netbsd", "memory_of_a_size", memory_of_a_size, NULL);
}
