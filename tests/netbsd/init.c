/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Process 1 of a NetBSD system that exists for one run: it loads the module,
 * runs the cases, unloads it, and so again with parameters, printing TAP on the
 * console; then it has the machine reset. Where the driver is built into the
 * kernel there is one round without the module.
 */

#include <sys/param.h>
#include <sys/module.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/sysctl.h>

#include <uvm/uvm_extern.h>

#include "h_atf.h"
#include "t_netbsd.h"

#define MODULE_FILE	"/nvmm.kmod"
#define SPARE_PAGES	2048		/* that the kernel may keep for itself */
#define PROPS(key, value)						\
	"<plist version=\"1.0\"><dict><key>" key "</key>"		\
	"<integer>" value "</integer></dict></plist>"

int	main(int, char **);

static int
load(const char *props)
{
	modctl_load_t ml = { .ml_filename = MODULE_FILE };
	long r;

	if (props != NULL) {
		ml.ml_props = props;
		ml.ml_propslen = strlen(props) + 1;
	} else
		ml.ml_flags = MODCTL_NO_PROP;
	r = h_syscall(SYS_modctl, MODCTL_LOAD, &ml);
	return r < 0 ? (int)-r : 0;
}

static int
unload(void)
{
	long r;

	r = h_syscall(SYS_modctl, MODCTL_UNLOAD, "nvmm");
	return r < 0 ? (int)-r : 0;
}

static void
loads(const void *props)
{
	int error;

	error = load(props);
	ATF_CHECK_EQ_MSG(0, error, "load: error %d", error);
}

static void
unloads(const void *unused)
{
	int error;

	error = unload();
	ATF_CHECK_EQ_MSG(0, error, "unload: error %d", error);
}

static void
unload_is_refused(const void *unused)
{
	int fd;

	fd = open("/dev/nvmm", O_RDONLY | O_CLOEXEC);
	ATF_REQUIRE(fd >= 0);
	ATF_CHECK_EQ(EBUSY, unload());
	ATF_REQUIRE_EQ(0, close(fd));
}

static void
no_device(const void *unused)
{

	ATF_CHECK_EQ(-1, open("/dev/nvmm", O_RDONLY | O_CLOEXEC));
	ATF_CHECK_EQ_MSG(ENXIO, errno, "%s", strerror(errno));
}

static int64_t
free_pages(void)
{
	static const int name[] = { CTL_VM, VM_UVMEXP2 };
	struct uvmexp_sysctl u;
	size_t size = sizeof(u);

	if (h_syscall(SYS___sysctl, name, 2, &u, &size, NULL, 0L) < 0)
		return -1;
	return u.free;
}

static void
memory_is_back(const void *arg)
{
	const int64_t *before = arg;
	int64_t now;

	now = free_pages();
	printf("# %ld pages free before, %ld after\n", *before, now);
	ATF_CHECK(now >= *before - SPARE_PAGES);
}

/* All groups, or one of them. */
static void
groups(const char *only)
{
	size_t i;

	t_netbsd();
	for (i = 0; t_groups[i].name != NULL; i++) {
		if (only == NULL || strcmp(only, t_groups[i].name) == 0)
			(void)t_groups[i].run(NULL);
	}
}

/* => False: there is no module to test. */
static bool
round_with(const char *props, const char *only)
{

	if (!h_case("module", "loads", loads, props))
		return false;
	(void)h_case("module", "unload_is_refused", unload_is_refused, NULL);
	groups(only);
	(void)h_case("module", "unloads", unloads, NULL);
	(void)h_case("module", "no_device", no_device, NULL);
	return true;
}

static void
rounds(void)
{
	int64_t before;

	(void)h_case("module", "no_device", no_device, NULL);
	if (!round_with(NULL, NULL))
		return;
	before = free_pages();
	(void)round_with(PROPS("nasid", "3"), "smp");
	(void)h_case("module", "loads", loads, PROPS("max_ram", "4096"));
	t_netbsd_ram();
	(void)h_case("module", "unloads", unloads, NULL);
	(void)h_case("module", "memory_is_back", memory_is_back, &before);
}

/* True if the driver is there already. */
static bool
built_in(void)
{
	int fd;

	fd = open("/dev/nvmm", O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

int
main(int argc, char **argv)
{
	int fd;

	if (argc > 1) {			/* of exec_ends_machines */
		usleep(3000000);
		return 0;
	}
	__builtin_cpu_init();
	fd = open("/dev/console", O_RDWR);
	(void)dup2(fd, 1);
	(void)dup2(fd, 2);
	if (built_in())
		groups(NULL);
	else
		rounds();
	(void)h_done();
	(void)h_syscall(SYS_reboot, RB_AUTOBOOT | RB_NOSYNC, NULL);
	return 1;
}
