/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * stress [CYCLES]: create, run and destroy machines in child processes, half
 * of which are killed at a random moment; then see that the driver holds
 * nothing, and that the kernel's memory is as before. To be run in the
 * testhost, which sees to what the kernel said and that the module unloads.
 */

#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <atf-c.h>

#include "h_linux.h"

#define CYCLES		1000
#define WARM_UP		50
#define SIZE		(8 * MIB)
#define SLACK		(16L << 10)	/* KiB of free memory */

/* What is compared, before and after. */
struct memory {
	long free;		/* KiB, page cache dropped */
	long slab;		/* KiB */
	long vmalloc_ours;	/* areas that the module made */
};

static const char *const kinds[] = {
	"machines", "vcpus", "objects", "pages", "hwpages", "allocs",
};

#define NKINDS		(sizeof(kinds) / sizeof(kinds[0]))

static unsigned seed = 4242;

static void
die(const char *what)
{

	fprintf(stderr, "stress: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* A number of /proc/meminfo. */
static long
meminfo(const char *name)
{
	char line[128];
	long n;
	FILE *f;

	n = -1;
	f = fopen("/proc/meminfo", "r");
	while (f != NULL && n == -1 && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, name, strlen(name)) == 0)
			n = strtol(line + strlen(name) + 1, NULL, 10);
	}
	if (f != NULL)
		fclose(f);
	return n;
}

/* KiB that are free, but on the CPUs' own lists. */
static long
percpu_free(void)
{
	char line[128];
	long pages, n;
	FILE *f;

	pages = 0;
	f = fopen("/proc/zoneinfo", "r");
	if (f == NULL)
		die("/proc/zoneinfo");
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, " count: %ld", &n) == 1)
			pages += n;
	}
	fclose(f);
	return pages * (long)(PAGE / 1024);
}

/* Lines of /proc/vmallocinfo that name the module. */
static long
vmalloc_ours(void)
{
	char line[512];
	long n;
	FILE *f;

	n = 0;
	f = fopen("/proc/vmallocinfo", "r");
	if (f == NULL)
		die("/proc/vmallocinfo");
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, "[nvmm]") != NULL;
	fclose(f);
	return n;
}

/* => Lets go what is freed with delay, and what the kernel only caches. */
static void
measure(struct memory *m)
{
	int fd;

	sync();
	usleep(500000);
	fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
	if (fd == -1 || write(fd, "3", 1) != 1)
		die("drop_caches");
	close(fd);
	usleep(500000);
	m->free = meminfo("MemFree:") + percpu_free();
	m->slab = meminfo("Slab:");
	m->vmalloc_ours = vmalloc_ours();
}

static void *
run_thread(void *arg)
{

	while (h_spin(arg) == 0)
		continue;
	return NULL;
}

/* A life: machines with memory touched by owner and guest, and VCPUs that run. */
static void
cycle(unsigned n)
{
	static struct h_machine m[2];
	pthread_t thread;
	uint8_t *p;
	size_t i, off;

	srand(n);
	for (i = 0; i < 2; i++) {
		h_make(&m[i]);
		p = h_range(SIZE);
		if (h_hva_map(&m[i], p, SIZE) != 0 ||
		    h_gpa_map(&m[i], p, 0, SIZE, RWX) != 0)
			_exit(1);
		for (off = 0; off < SIZE; off += PAGE << (rand() % 6))
			p[off] = 1;
		h_spin_prepare(&m[i]);
		if (pthread_create(&thread, NULL, run_thread, &m[i]) != 0)
			_exit(2);
		if (rand() % 4 == 0)
			(void)munmap(p, SIZE / 2);
		if (rand() % 4 == 0)
			(void)h_gpa_unmap(&m[i], SIZE / 4, SIZE / 4);
	}
	usleep((useconds_t)(rand() % 2000));
	if (rand() % 2 == 0 && h_machine_destroy(m[0].fd, m[0].id) != 0)
		_exit(3);
	if (rand() % 2 == 0)
		_exit(0);
	close(m[1].fd);
	exit(0);
}

/* One child, to its own end or killed on its way. True if it went well. */
static bool
one(unsigned n)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == -1)
		die("fork");
	if (pid == 0)
		cycle(n);
	if (n % 2 == 0) {
		usleep((useconds_t)(rand_r(&seed) % 30000));
		(void)kill(pid, SIGKILL);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
	    (n % 2 == 0 && WIFSIGNALED(status));
}

static unsigned
cycles(unsigned from, unsigned n)
{
	unsigned bad, i;

	bad = 0;
	for (i = from; i < from + n; i++) {
		if (!one(i))
			bad++;
	}
	return bad;
}

/* One line to each quantity; true if it is as before, within the slack. */
static bool
same(const char *what, long before, long after, long slack)
{
	const bool ok = labs(after - before) <= slack;

	printf("%-24s %10ld before %10ld after%s\n", what, before, after,
	    ok ? "" : "  NOT AS BEFORE");
	return ok;
}

int
main(int argc, char **argv)
{
	struct memory before, after;
	long held[NKINDS];
	unsigned n, bad;
	size_t i;
	bool ok;

	n = argc > 1 ? (unsigned)atoi(argv[1]) : CYCLES;
	for (i = 0; i < NKINDS; i++)
		held[i] = h_held(kinds[i]);
	bad = cycles(0, WARM_UP);
	measure(&before);
	bad += cycles(WARM_UP, n);
	measure(&after);
	printf("%u cycles, %u failed\n", n, bad);
	ok = bad == 0;
	for (i = 0; i < NKINDS; i++)
		ok &= same(kinds[i], i < 4 ? 0 : held[i], h_held(kinds[i]), 0);
	ok &= same("vmalloc areas of nvmm", before.vmalloc_ours,
	    after.vmalloc_ours, 0);
	ok &= same("slab, KiB", before.slab, after.slab, 4096);
	ok &= same("free memory, KiB", before.free, after.free, SLACK);
	return ok ? 0 : 1;
}
