/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * libnvmm(3)'s core: initialization, machines, VCPUs and their state.
 *
 * Synchronization. Initialization has its lock; the driver it chose is then
 * constant and read without one. A VCPU belongs to one thread at a time, which
 * the caller sees to; nvmm_vcpu_stop() alone may come from anywhere and only
 * touches the stop flag and constant fields. The comm page is the truth about
 * what is cached; the driver writes it during requests only.
 */

#include <sys/param.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "maps.h"

static pthread_mutex_t init_lock = PTHREAD_MUTEX_INITIALIZER;
static bool init_root;				/* init_lock */
const struct nvmm_dev *nvmm_init_dev;		/* init_lock to set; atomic */

int
nvmm_request(unsigned long cmd, void *record)
{
	const struct nvmm_dev *dev = nvmm_dev();

	if (dev == NULL) {
		errno = ENXIO;
		return -1;
	}
	return dev->request(cmd, record);
}

/*
 * -1 and EPROGMISMATCH unless the driver speaks our version; one that does not
 * even know the request's record says EINVAL.
 */
static int
init_check_version(const struct nvmm_dev *dev)
{
	struct nvmm_ioc_capability args;

	memset(&args, 0, sizeof(args));
	if (dev->request(NVMM_IOC_CAPABILITY, &args) == -1) {
		if (errno == EINVAL || errno == ENOTTY)
			errno = EPROGMISMATCH;
		return -1;
	}
	if (args.cap.version < NVMM_KERN_VERSION ||
	    args.comm_size != sizeof(struct nvmm_comm_page) ||
	    args.cap.state_size != sizeof(struct nvmm_vcpu_state)) {
		errno = EPROGMISMATCH;
		return -1;
	}
	return 0;
}

/* True if the error says that there is no such driver, not that it refuses. */
static bool
init_absent(int error)
{

	return error == ENOENT || error == ENXIO || error == ENODEV;
}

/* The environment's choice of a driver: *name, NULL for none; or EINVAL. */
static int
init_forced(const char **name)
{
	const struct nvmm_dev *const *d;

#if defined(__NetBSD__)
	*name = issetugid() ? NULL : getenv("NVMM_DEVICE");
#else
	*name = secure_getenv("NVMM_DEVICE");
#endif
	if (*name == NULL)
		return 0;
	for (d = nvmm_devs; *d != NULL; d++) {
		if (strcmp((*d)->name, *name) == 0)
			return 0;
	}
	errno = EINVAL;
	return -1;
}

/* The first driver that is there, opened; NULL and errno. */
static const struct nvmm_dev *
init_open(bool root)
{
	const struct nvmm_dev *const *d;
	const char *forced;

	if (init_forced(&forced) == -1)
		return NULL;
	errno = ENXIO;
	for (d = nvmm_devs; *d != NULL; d++) {
		if (forced != NULL && strcmp((*d)->name, forced) != 0)
			continue;
		if ((*d)->open(root) == 0)
			return *d;
		if (!init_absent(errno))
			return NULL;
	}
	return NULL;
}

/* Initialize once; after a failure the next call tries again. */
static int
init_locked(bool root)
{
	const struct nvmm_dev *dev;

	if (nvmm_init_dev != NULL) {
		if (init_root == root)
			return 0;
		errno = EBUSY;
		return -1;
	}
	dev = init_open(root);
	if (dev == NULL || init_check_version(dev) == -1)
		return -1;
	init_root = root;
	__atomic_store_n(&nvmm_init_dev, dev, __ATOMIC_RELEASE);
	return 0;
}

/* Initialize, whichever thread comes first. */
static int
init_once(bool root)
{
	int ret;

	(void)pthread_mutex_lock(&init_lock);
	ret = init_locked(root);
	(void)pthread_mutex_unlock(&init_lock);
	return ret;
}

/* Open the driver for machines of one's own. */
int
nvmm_init(void)
{

	return init_once(false);
}

/* Open the driver to list and destroy the machines of all. */
int
nvmm_root_init(void)
{

	return init_once(true);
}

/* The way to the driver, by the name that NVMM_DEVICE has for it. */
const char *
nvmm_device(void)
{
	const struct nvmm_dev *dev = nvmm_dev();

	return dev != NULL ? dev->name : NULL;
}

/* What the driver and the hardware offer. */
int
nvmm_capability(struct nvmm_capability *cap)
{
	struct nvmm_ioc_capability args;

	memset(&args, 0, sizeof(args));
	if (nvmm_request(NVMM_IOC_CAPABILITY, &args) == -1)
		return -1;
	*cap = args.cap;
	return 0;
}

/* A control operation on the driver, NVMM_CTL_*. */
int
nvmm_ctl(int op, void *data, size_t size)
{
	struct nvmm_ioc_ctl args = { .op = op, .data = data, .size = size };

	return nvmm_request(NVMM_IOC_CTL, &args);
}

/* A new machine without memory and VCPUs. */
int
nvmm_machine_create(struct nvmm_machine *mach)
{
	struct nvmm_ioc_machine args = { .machid = 0 };
	void *maps;

	maps = nvmm_maps_create();
	if (maps == NULL)
		return -1;
	if (nvmm_request(NVMM_IOC_MACHINE_CREATE, &args) == -1) {
		nvmm_maps_destroy(maps);
		return -1;
	}
	mach->machid = args.machid;
	mach->areas = maps;
	return 0;
}

/* Destroy the machine with its VCPUs. => No other call on it is in progress. */
int
nvmm_machine_destroy(struct nvmm_machine *mach)
{
	struct nvmm_ioc_machine args = { .machid = mach->machid };

	if (nvmm_request(NVMM_IOC_MACHINE_DESTROY, &args) == -1)
		return -1;
	nvmm_maps_destroy(mach->areas);
	mach->areas = NULL;
	return 0;
}

/* Configure the machine. */
int
nvmm_machine_configure(struct nvmm_machine *mach, uint64_t op, void *conf)
{
	struct nvmm_ioc_machine_configure args = {
		.machid = mach->machid, .op = op, .conf = conf,
	};

	return nvmm_request(NVMM_IOC_MACHINE_CONFIGURE, &args);
}

/* A request that names the VCPU only. */
static int
vcpu_request(unsigned long cmd, const struct nvmm_machine *mach,
    nvmm_cpuid_t cpuid)
{
	struct nvmm_ioc_vcpu args = { .machid = mach->machid, .cpuid = cpuid };

	return nvmm_request(cmd, &args);
}

/* Point the client's structure into the comm page. */
static void
vcpu_attach(struct nvmm_vcpu *vcpu, nvmm_cpuid_t cpuid,
    struct nvmm_comm_page *comm)
{

	vcpu->cpuid = cpuid;
	memset(&vcpu->cbs, 0, sizeof(vcpu->cbs));
	vcpu->state = &comm->state;
	vcpu->event = &comm->event;
	vcpu->exit = &comm->exit;
	vcpu->stop = &comm->stop;
}

/* A new VCPU in its reset state. */
int
nvmm_vcpu_create(struct nvmm_machine *mach, nvmm_cpuid_t cpuid,
    struct nvmm_vcpu *vcpu)
{
	struct nvmm_ioc_vcpu_create args = {
		.machid = mach->machid, .cpuid = cpuid, .comm = NULL,
	};

	if (nvmm_request(NVMM_IOC_VCPU_CREATE, &args) == -1)
		return -1;
	if (args.comm == NULL) {
		(void)vcpu_request(NVMM_IOC_VCPU_DESTROY, mach, cpuid);
		errno = ENOMEM;
		return -1;
	}
	nvmm_maps_set_comm(mach->areas, cpuid, args.comm);
	vcpu_attach(vcpu, cpuid, args.comm);
	return 0;
}

/* Destroy the VCPU. => Its state, event and exit are gone with it. */
int
nvmm_vcpu_destroy(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{

	if (vcpu_request(NVMM_IOC_VCPU_DESTROY, mach, vcpu->cpuid) == -1)
		return -1;
	nvmm_maps_set_comm(mach->areas, vcpu->cpuid, NULL);
	vcpu->state = NULL;
	vcpu->event = NULL;
	vcpu->exit = NULL;
	vcpu->stop = NULL;
	return 0;
}

/* Configure the VCPU; its callbacks are the library's own affair. */
int
nvmm_vcpu_configure(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu,
    uint64_t op, void *conf)
{
	struct nvmm_ioc_vcpu_configure args = {
		.machid = mach->machid, .cpuid = vcpu->cpuid,
		.op = op, .conf = conf,
	};

	if (op == NVMM_VCPU_CONF_CALLBACKS) {
		memcpy(&vcpu->cbs, conf, sizeof(vcpu->cbs));
		return 0;
	}
	return nvmm_request(NVMM_IOC_VCPU_CONFIGURE, &args);
}

/* -1 and ENOENT for a VCPU that nvmm_vcpu_destroy() has ended. */
static inline int
vcpu_check(const struct nvmm_vcpu *vcpu)
{

	if (vcpu->stop != NULL)
		return 0;
	errno = ENOENT;
	return -1;
}

/* Record that the groups in state were changed; the next run takes them. */
int
nvmm_vcpu_setstate(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu,
    uint64_t flags)
{

	(void)mach;
	if ((flags & ~(uint64_t)NVMM_X64_STATE_ALL) != 0) {
		errno = EINVAL;
		return -1;
	}
	if (vcpu_check(vcpu) == -1)
		return -1;
	nvmm_state_set(vcpu, flags);
	return 0;
}

/*
 * See to it that the groups in state are up to date. What is asked for
 * between two runs is what the second brings along.
 */
int
nvmm_vcpu_getstate(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu,
    uint64_t flags)
{
	struct nvmm_comm_page *comm = nvmm_comm(vcpu);
	uint64_t wanted, missing;
	int ret;

	if ((flags & ~(uint64_t)NVMM_X64_STATE_ALL) != 0) {
		errno = EINVAL;
		return -1;
	}
	if (vcpu_check(vcpu) == -1)
		return -1;
	wanted = comm->state_wanted | flags;
	missing = flags & ~(comm->state_cached | comm->state_commit);
	ret = 0;
	if (missing != 0) {
		comm->state_wanted = missing;
		ret = vcpu_request(NVMM_IOC_VCPU_GETSTATE, mach, vcpu->cpuid);
	}
	comm->state_wanted = wanted;
	return ret;
}

/* Have the next run deliver *vcpu->event, which the caller has filled in. */
int
nvmm_vcpu_inject(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{

	(void)mach;
	if (vcpu_check(vcpu) == -1)
		return -1;
	nvmm_comm(vcpu)->event_commit = 1;
	return 0;
}

/* Run the guest until *vcpu->exit has something for the caller. */
int
nvmm_vcpu_run(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{
	struct nvmm_ioc_vcpu args = {
		.machid = mach->machid, .cpuid = vcpu->cpuid,
	};
	const struct nvmm_dev *dev = nvmm_dev();

	if (dev == NULL) {
		errno = ENXIO;
		return -1;
	}
	if (dev->request(NVMM_IOC_VCPU_RUN, &args) == -1)
		return -1;
	nvmm_comm(vcpu)->state_wanted = 0;
	return 0;
}

/* Make the run in progress, or else the next, return EXIT_STOPPED. */
int
nvmm_vcpu_stop(struct nvmm_vcpu *vcpu)
{
	struct nvmm_comm_page *comm = nvmm_comm(vcpu);
	const struct nvmm_dev *dev = nvmm_dev();
	int error = errno;

	if (vcpu_check(vcpu) == -1)
		return -1;
	__atomic_store_n(&comm->stop, 1, __ATOMIC_SEQ_CST);
	/* The request is recorded; a failed kick can only delay it. */
	if (dev != NULL)
		(void)dev->kick(comm->machid, comm->cpuid, comm);
	errno = error;
	return 0;
}
