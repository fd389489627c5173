/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A guest from its creation to its end: the machine, its memory, its VCPUs,
 * what is loaded into it, and how it ended.
 */

#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest_abi.h"
#include "guest_impl.h"

static const char *const end_names[] = {
	[GUEST_RUNNING] = "running",
	[GUEST_EXITED] = "exited",
	[GUEST_STOPPED] = "stopped",
	[GUEST_SHUTDOWN] = "shutdown",
	[GUEST_INVALID] = "invalid",
	[GUEST_FAILED] = "failed",
};

/* CPUID leaf 1: what this platform has, and what it has not. */
#define CPUID1_ECX_MONITOR	0x00000008
#define CPUID1_ECX_X2APIC	0x00200000
#define CPUID1_ECX_TSCDEADLINE	0x01000000
#define CPUID1_EDX_MCE		0x00000080
#define CPUID1_EDX_APIC		0x00000200
#define CPUID1_EDX_MTRR		0x00001000
#define CPUID1_EDX_MCA		0x00004000

/* What of a file's name fits an error beside the reason, with the NUL. */
#define LOAD_NAME_MAX	(GUEST_TEXT_MAX / 2)

/* A word for how a guest ended. */
const char *
guest_end_name(enum guest_end end)
{
	size_t i = (size_t)end;

	return i < NITEMS(end_names) ? end_names[i] : "unknown";
}

/* The device that is here but not ours to open; NULL: none such. */
static const char *
guest_device_refused(void)
{
	static const char *const devices[] = { "/dev/nvmm", "/dev/kvm" };
	size_t i;

	for (i = 0; i < NITEMS(devices); i++) {
		if (access(devices[i], F_OK) == 0 &&
		    faccessat(AT_FDCWD, devices[i], R_OK | W_OK,
		    AT_EACCESS) == -1)
			return devices[i];
	}
	return NULL;
}

/* The driver opened, or one line about why not. */
int
guest_init(struct guest_error *err)
{
	const char *refused;
	int error;

	if (nvmm_init() == 0)
		return 0;
	error = errno;
	refused = error == EACCES || error == EPERM ?
	    guest_device_refused() : NULL;
	if (refused != NULL)
		return guest_fail(err, error, "permission denied: %s", refused);
	switch (error) {
	case ENOENT:
		return guest_fail(err, error,
		    "neither /dev/nvmm nor /dev/kvm here");
	case ENODEV:
	case ENXIO:
		return guest_fail(err, error,
		    "no virtual machine driver: neither /dev/nvmm nor a "
		    "usable /dev/kvm");
	case EPROGMISMATCH:
		return guest_fail(err, error,
		    "/dev/nvmm is of another version than libnvmm");
	default:
		return guest_fail(err, error,
		    "cannot open the virtual machine driver: %s",
		    strerror(error));
	}
}

/* The driver that is open. */
const char *
guest_device(void)
{
	return nvmm_device();
}

/* The driver's capabilities. */
int
guest_capability(struct nvmm_capability *cap)
{
	return nvmm_capability(cap);
}

/* Passes if a guest can be made like this at all. */
static int
guest_check_config(const struct guest_config *conf, struct guest_error *err)
{
	if (conf->mem < GUEST_MEM_MIN || conf->mem > GUEST_MEM_MAX ||
	    conf->mem % GUEST_MEM_ALIGN != 0)
		return guest_fail(err, EINVAL,
		    "memory of %llu bytes: not from %lluM to %lluG in pages",
		    (unsigned long long)conf->mem, GUEST_MEM_MIN >> 20,
		    GUEST_MEM_MAX >> 30);
	if (conf->ncpus < 1 || conf->ncpus > GUEST_NCPUS_MAX)
		return guest_fail(err, EINVAL,
		    "%u VCPUs: not from 1 to %d", conf->ncpus,
		    GUEST_NCPUS_MAX);
	if (conf->cmdline != NULL &&
	    strlen(conf->cmdline) >= GUEST_CMDLINE_MAX)
		return guest_fail(err, E2BIG,
		    "command line longer than %d bytes",
		    GUEST_CMDLINE_MAX - 1);
	return 0;
}

/* Memory of the guest linked at a guest-physical address. */
static int
guest_link(struct guest *g, uint64_t off, uint64_t gpa, uint64_t size)
{
	if (size == 0)
		return 0;
	return nvmm_gpa_map(&g->mach, (uintptr_t)g->hva + off, gpa, size,
	    NVMM_PROT_READ | NVMM_PROT_WRITE | NVMM_PROT_EXEC);
}

/* The guest's RAM: reserved, taken over by the driver, linked. */
static int
guest_create_memory(struct guest *g, struct guest_error *err)
{
	uint64_t size = g->conf.mem;
	void *hva;

	hva = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANON |
	    MAP_NORESERVE, -1, 0);
	if (hva == MAP_FAILED)
		return guest_fail(err, errno,
		    "%llu MiB of address space for the guest's memory: %s",
		    (unsigned long long)size >> 20, strerror(errno));
	g->hva = hva;
	guest_mem_init(&g->mem, hva, size);
	if (nvmm_hva_map(&g->mach, (uintptr_t)hva, size) == -1 ||
	    guest_link(g, 0, 0, g->mem.low) == -1 ||
	    guest_link(g, g->mem.low, GUEST_HOLE_END, g->mem.high) == -1)
		return guest_fail(err, errno,
		    "%llu MiB of memory for the guest: %s",
		    (unsigned long long)size >> 20, strerror(errno));
	return 0;
}

/* CPUID leaf 1 in accord with the platform's local APIC and MSRs. */
static int
guest_configure_cpuid(struct guest_vcpu *v)
{
	struct nvmm_vcpu_conf_cpuid conf;

	memset(&conf, 0, sizeof(conf));
	conf.mask = 1;
	conf.leaf = 1;
	conf.u.mask.set.ecx = CPUID1_ECX_TSCDEADLINE;
	conf.u.mask.set.edx = CPUID1_EDX_APIC;
	conf.u.mask.del.ecx = CPUID1_ECX_MONITOR | CPUID1_ECX_X2APIC;
	conf.u.mask.del.edx = CPUID1_EDX_MCE | CPUID1_EDX_MTRR |
	    CPUID1_EDX_MCA;
	return nvmm_vcpu_configure(&v->g->mach, &v->nv, NVMM_VCPU_CONF_CPUID,
	    &conf);
}

/* A VCPU of the machine, with its local APIC. */
static int
guest_create_vcpu(struct guest *g, unsigned cpu,
    const struct nvmm_capability *cap)
{
	struct guest_vcpu *v = &g->vcpus[cpu];
	struct nvmm_assist_callbacks cbs = guest_dev_callbacks;

	guest_dev_init_vcpu(v);
	v->wait_sipi = cpu != 0;
	if (nvmm_vcpu_create(&g->mach, cpu, &v->nv) == -1)
		return -1;
	v->created = true;
	if (nvmm_vcpu_configure(&g->mach, &v->nv, NVMM_VCPU_CONF_CALLBACKS,
	    &cbs) == -1)
		return -1;
	if ((cap->arch.vcpu_conf_support & NVMM_CAP_ARCH_VCPU_CONF_CPUID) == 0)
		return 0;
	return guest_configure_cpuid(v);
}

/* The machine and what is in it. */
static int
guest_create_machine(struct guest *g, struct guest_error *err)
{
	struct nvmm_capability cap;
	unsigned i;

	if (nvmm_capability(&cap) == -1 ||
	    nvmm_machine_create(&g->mach) == -1)
		return guest_fail(err, errno, errno == ENOBUFS ?
		    "no machine free: as many exist as the driver can have" :
		    "cannot create a machine: %s", strerror(errno));
	g->have_mach = true;
	g->tpr_conf = (cap.arch.vcpu_conf_support &
	    NVMM_CAP_ARCH_VCPU_CONF_TPR) != 0;
	if (guest_create_memory(g, err) == -1)
		return -1;
	for (i = 0; i < g->conf.ncpus; i++) {
		if (guest_create_vcpu(g, i, &cap) == -1)
			return guest_fail(err, errno,
			    "cannot create VCPU %u: %s", i, strerror(errno));
	}
	return 0;
}

/* A VCPU's record with its locks, before there is a VCPU. */
static void
guest_init_vcpu(struct guest *g, unsigned cpu)
{
	struct guest_vcpu *v = &g->vcpus[cpu];

	v->g = g;
	v->cpu = cpu;
	pthread_mutex_init(&v->lock, NULL);
	pthread_cond_init(&v->cv, NULL);
}

/* A guest's record with nothing behind it; NULL: no memory. */
static struct guest *
guest_alloc(const struct guest_config *conf)
{
	struct guest *g;
	unsigned i;

	g = calloc(1, sizeof(*g));
	if (g == NULL)
		return NULL;
	g->vcpus = calloc(conf->ncpus, sizeof(*g->vcpus));
	if (g->vcpus == NULL) {
		free(g);
		return NULL;
	}
	g->conf = *conf;
	if (conf->cmdline != NULL)
		memcpy(g->cmdline, conf->cmdline, strlen(conf->cmdline) + 1);
	g->conf.cmdline = g->cmdline;
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->hold_cv, NULL);
	pthread_mutex_init(&g->uart_lock, NULL);
	guest_timer_init(g);
	guest_dev_init(g);
	for (i = 0; i < conf->ncpus; i++)
		guest_init_vcpu(g, i);
	return g;
}

/* A guest with nothing loaded. */
int
guest_create(const struct guest_config *conf, struct guest **gp,
    struct guest_error *err)
{
	struct guest *g;
	int error;

	if (guest_check_config(conf, err) == -1)
		return -1;
	g = guest_alloc(conf);
	if (g == NULL)
		return guest_fail(err, ENOMEM, "no memory for a guest");
	if (guest_create_machine(g, err) == -1) {
		error = errno;
		guest_destroy(g);
		errno = error;
		return -1;
	}
	*gp = g;
	return 0;
}

/* The ELF file in the guest's memory, and VCPU 0 at its entry. */
static int
guest_load_elf(struct guest *g, const struct guest_elf *elf, const char *name,
    struct guest_error *err)
{
	struct nvmm_vcpu *nv = &g->vcpus[0].nv;
	struct guest_start start;

	if (guest_boot_plan(&start, elf, &g->mem, g->conf.boot, name,
	    err) == -1 ||
	    guest_elf_check(elf, &g->mem, &start.area, start.pvh, name,
	    err) == -1 ||
	    guest_elf_place(elf, &g->mem, name, err) == -1 ||
	    guest_boot_build(&start, elf, &g->mem, g->cmdline, name,
	    err) == -1)
		return -1;
	if (nvmm_vcpu_getstate(&g->mach, nv, NVMM_X64_STATE_ALL) == -1)
		return guest_fail(err, errno, "VCPU 0's registers: %s",
		    strerror(errno));
	guest_boot_state(&start, nv->state);
	if (nvmm_vcpu_setstate(&g->mach, nv, NVMM_X64_STATE_SEGS |
	    NVMM_X64_STATE_GPRS | NVMM_X64_STATE_CRS |
	    NVMM_X64_STATE_MSRS) == -1)
		return guest_fail(err, errno, "VCPU 0's registers: %s",
		    strerror(errno));
	return 0;
}

/* The name as errors say it: printable, and of a long one the end. */
static void
guest_load_name(char *buf, size_t size, const char *name)
{
	size_t len = strlen(name);

	if (len < size)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "...%s", name + len - (size - 4));
	for (; *buf != '\0'; buf++) {
		if ((unsigned char)*buf < ' ' || *buf == 0x7f)
			*buf = '?';
	}
}

/* An ELF64 file loaded from a private copy. */
int
guest_load(struct guest *g, int fd, const char *path, struct guest_error *err)
{
	struct guest_elf elf;
	char name[LOAD_NAME_MAX];
	int error;

	guest_load_name(name, sizeof(name), path);
	if (g->loaded)
		return guest_fail(err, EBUSY, "%s: a file is loaded already",
		    name);
	error = guest_elf_open(&elf, fd, name, err);
	if (error == 0)
		error = guest_load_elf(g, &elf, name, err);
	guest_elf_free(&elf);
	if (error == 0)
		g->loaded = true;
	return error;
}

/* The first end recorded, and every VCPU told. */
void
guest_end(struct guest *g, const struct guest_vcpu *v, enum guest_end end,
    uint32_t status, const char *fmt, ...)
{
	struct guest_result *r = &g->result;
	va_list ap;
	unsigned i;

	pthread_mutex_lock(&g->lock);
	if (g->ended) {
		pthread_mutex_unlock(&g->lock);
		return;
	}
	r->end = end;
	r->status = status;
	r->cpu = v != NULL ? v->cpu : 0;
	va_start(ap, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
	g->ended = true;
	pthread_cond_broadcast(&g->hold_cv);
	pthread_mutex_unlock(&g->lock);
	for (i = 0; i < g->conf.ncpus; i++) {
		if (&g->vcpus[i] != v)
			guest_mail_post(&g->vcpus[i], MAIL_END, 0);
	}
}

/* The guest ended from outside. */
void
guest_stop(struct guest *g)
{
	guest_end(g, NULL, GUEST_STOPPED, 0, "stopped");
}

/* How the guest ended, once no VCPU runs any more. */
void
guest_result(struct guest *g, struct guest_result *r)
{
	pthread_mutex_lock(&g->lock);
	if (g->nrunning == 0)
		*r = g->result;
	else
		*r = (struct guest_result){ .end = GUEST_RUNNING };
	pthread_mutex_unlock(&g->lock);
}

/* The VCPUs' records and, where there are some, VCPUs. */
static void
guest_destroy_vcpus(struct guest *g)
{
	struct guest_vcpu *v;

	for (v = g->vcpus; v < g->vcpus + g->conf.ncpus; v++) {
		if (v->created)
			nvmm_vcpu_destroy(&g->mach, &v->nv);
		pthread_cond_destroy(&v->cv);
		pthread_mutex_destroy(&v->lock);
	}
	free(g->vcpus);
}

/* Everything given back, however far the guest had come to be. */
void
guest_destroy(struct guest *g)
{
	if (g == NULL)
		return;
	guest_timer_fini(g);
	guest_destroy_vcpus(g);
	if (g->have_mach)
		nvmm_machine_destroy(&g->mach);
	if (g->hva != NULL)
		munmap(g->hva, g->conf.mem);
	pthread_mutex_destroy(&g->uart_lock);
	pthread_cond_destroy(&g->hold_cv);
	pthread_mutex_destroy(&g->lock);
	free(g);
}
