/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The driver's entries, called by the OS layer: attach and detach, owners, and
 * requests, which one table leads to the functions that serve them.
 */

#include "nvmm_internal.h"

os_mutex_t nvmm_lock;
const struct nvmm_impl *nvmm_impl;
const char *nvmm_param_backend;
uint64_t nvmm_param_ram;

static bool lock_made;		/* nvmm_lock outlives detach */
static unsigned nopen;		/* nvmm_lock; owners */
static bool going;		/* nvmm_lock; detach is under way, or over */

/*
 * The first backend that this host can run. => ENXIO: none; or the first
 *    error that says more.
 */
static int
nvmm_ident(const struct nvmm_impl **implp)
{
	const struct nvmm_impl *impl;
	int error, why;
	size_t i;

	*implp = NULL;
	why = ENXIO;
	for (i = 0; (impl = nvmm_impls[i]) != NULL; i++) {
		if (nvmm_param_backend != NULL &&
		    strcmp(nvmm_param_backend, impl->name) != 0)
			continue;
		error = impl->ident();
		if (!error) {
			*implp = impl;
			return 0;
		}
		if (why == ENXIO)
			why = error;
	}
	return why;
}

/*
 * => Not attached. The backend's own error if it is there but will not start.
 *    nvmm_lock stays for good, as an open may still wait for it while detach
 *    is under way; a module that is unloaded destroys it after its device.
 */
int
nvmm_attach(void)
{
	const struct nvmm_impl *impl;
	int error;

	error = nvmm_ident(&impl);
	if (error)
		return error;
	if (!lock_made)
		os_mutex_init(&nvmm_lock);
	lock_made = true;
	os_mutex_lock(&nvmm_lock);
	error = impl->init();
	if (!error) {
		nvmm_memory_init();
		nvmm_machine_init();
		nvmm_impl = impl;
		going = false;
	}
	os_mutex_unlock(&nvmm_lock);
	return error;
}

/*
 * => Attached. EBUSY: the device is open, or a machine exists. An open that
 *    comes from now on is turned away.
 */
int
nvmm_detach(void)
{
	int error;

	os_mutex_lock(&nvmm_lock);
	error = nopen != 0 || nvmm_machine_exist_locked() ? EBUSY : 0;
	if (!error) {
		going = true;
		nvmm_impl->fini();
		nvmm_impl = NULL;
		nvmm_machine_fini();
		nvmm_memory_fini();
	}
	os_mutex_unlock(&nvmm_lock);
	return error;
}

int
nvmm_owner_open(struct nvmm_owner *owner, int flags)
{
	int error;

	if (owner->file == NULL || (flags & NVMM_OPEN_CLOEXEC) == 0)
		return EINVAL;
	owner->root = (flags & NVMM_OPEN_ROOT) != 0;
	os_mutex_lock(&nvmm_lock);
	error = going ? ENXIO : 0;
	if (!error)
		nopen++;
	os_mutex_unlock(&nvmm_lock);
	return error;
}

/* => No request of this owner is in progress. */
void
nvmm_owner_close(struct nvmm_owner *owner)
{

	nvmm_machine_destroy_owned(owner);
	os_mutex_lock(&nvmm_lock);
	OS_ASSERT(nopen != 0);
	nopen--;
	os_mutex_unlock(&nvmm_lock);
}

/* => Attached; so are all calls of the OS layer for CPUs. */
int
nvmm_cpu_online(void)
{

	return nvmm_impl->cpu_online != NULL ? nvmm_impl->cpu_online() : 0;
}

void
nvmm_cpu_offline(void)
{

	if (nvmm_impl->cpu_offline != NULL)
		nvmm_impl->cpu_offline();
}

/* What the driver and its backend offer. */
void
nvmm_do_capability(struct nvmm_ioc_capability *ioc)
{
	struct nvmm_capability *cap = &ioc->cap;

	memset(ioc, 0, sizeof(*ioc));
	ioc->comm_size = sizeof(struct nvmm_comm_page);
	cap->version = NVMM_KERN_VERSION;
	cap->state_size = sizeof(struct nvmm_vcpu_state);
	cap->max_machines = NVMM_MAX_MACHINES;
	cap->max_vcpus = NVMM_MAX_VCPUS;
	cap->max_ram = NVMM_MAX_RAM;
	nvmm_impl->capability(cap);
}

static int
req_capability(struct nvmm_owner *owner, void *data)
{

	(void)owner;
	nvmm_do_capability(data);
	return 0;
}

/* What a row of the table calls: the request's function on its own record. */
#define REQUEST(name)							\
static int								\
req_##name(struct nvmm_owner *owner, void *data)			\
{									\
									\
	return nvmm_do_##name(owner, data);				\
}

REQUEST(machine_create)
REQUEST(machine_destroy)
REQUEST(machine_configure)
REQUEST(vcpu_create)
REQUEST(vcpu_destroy)
REQUEST(vcpu_configure)
REQUEST(vcpu_setstate)
REQUEST(vcpu_getstate)
REQUEST(vcpu_inject)
REQUEST(vcpu_run)
REQUEST(vcpu_kick)
REQUEST(vcpu_getxstate)
REQUEST(vcpu_setxstate)
REQUEST(gpa_map)
REQUEST(gpa_unmap)
REQUEST(hva_map)
REQUEST(hva_unmap)
REQUEST(ctl)

/* The requests, at the index that is their command's lowest byte. */
static const struct nvmm_request {
	unsigned long cmd;
	int (*func)(struct nvmm_owner *, void *);
	bool root;		/* open to the root owner */
} nvmm_requests[] = {
	[0] = { NVMM_IOC_CAPABILITY, req_capability, true },
	[1] = { NVMM_IOC_MACHINE_CREATE, req_machine_create, false },
	[2] = { NVMM_IOC_MACHINE_DESTROY, req_machine_destroy, true },
	[3] = { NVMM_IOC_MACHINE_CONFIGURE, req_machine_configure, false },
	[4] = { NVMM_IOC_VCPU_CREATE, req_vcpu_create, false },
	[5] = { NVMM_IOC_VCPU_DESTROY, req_vcpu_destroy, false },
	[6] = { NVMM_IOC_VCPU_CONFIGURE, req_vcpu_configure, false },
	[7] = { NVMM_IOC_VCPU_SETSTATE, req_vcpu_setstate, false },
	[8] = { NVMM_IOC_VCPU_GETSTATE, req_vcpu_getstate, false },
	[9] = { NVMM_IOC_VCPU_INJECT, req_vcpu_inject, false },
	[10] = { NVMM_IOC_VCPU_RUN, req_vcpu_run, false },
	[11] = { NVMM_IOC_VCPU_KICK, req_vcpu_kick, false },
	[12] = { NVMM_IOC_GPA_MAP, req_gpa_map, false },
	[13] = { NVMM_IOC_GPA_UNMAP, req_gpa_unmap, false },
	[14] = { NVMM_IOC_HVA_MAP, req_hva_map, false },
	[15] = { NVMM_IOC_HVA_UNMAP, req_hva_unmap, false },
	[16] = { NVMM_IOC_VCPU_GETXSTATE, req_vcpu_getxstate, false },
	[17] = { NVMM_IOC_VCPU_SETXSTATE, req_vcpu_setxstate, false },
	[20] = { NVMM_IOC_CTL, req_ctl, true },
};

/* The command's row, or NULL. */
static const struct nvmm_request *
nvmm_request_find(unsigned long cmd)
{
	const struct nvmm_request *req;
	size_t i;

	i = cmd & 0xFF;
	if (i >= sizeof(nvmm_requests) / sizeof(nvmm_requests[0]))
		return NULL;
	req = &nvmm_requests[i];
	return req->func != NULL && req->cmd == cmd ? req : NULL;
}

/*
 * => EPERM: from another address space than the one that opened the file, or
 *    a request that the root owner has no right to. EINVAL: no such request.
 */
int
nvmm_ioctl(struct nvmm_owner *owner, unsigned long cmd, void *data)
{
	const struct nvmm_request *req;

	if (!os_file_is_current(owner->file))
		return EPERM;
	req = nvmm_request_find(cmd);
	if (req == NULL)
		return EINVAL;
	if (owner->root && !req->root)
		return EPERM;
	return req->func(owner, data);
}
