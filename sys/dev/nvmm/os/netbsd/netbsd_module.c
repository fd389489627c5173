/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The NetBSD module, or the driver built into a kernel: load and unload, the
 * parameters, and nvmm0, a device that only hears of the system's sleep.
 */

#include "netbsd.h"

#include <sys/conf.h>
#include <sys/device.h>
#include <sys/module.h>
#include <sys/pmf.h>

#include <prop/proplib.h>

#include "x86/svm/svm.h"

extern struct cfdriver nvmm_cd;
void	nvmmattach(int);

static int
nvmm_match(device_t parent, cfdata_t cf, void *aux)
{

	return 1;
}

static bool
nvmm_suspend(device_t self, const pmf_qual_t *qual)
{

	return netbsd_files_suspend();
}

static bool
nvmm_resume(device_t self, const pmf_qual_t *qual)
{

	netbsd_files_resume();
	return true;
}

static void
nvmm_attach_self(device_t parent, device_t self, void *aux)
{

	aprint_normal_dev(self, "virtual machine monitor, %s\n",
	    nvmm_impl->name);
	if (!pmf_device_register(self, nvmm_suspend, nvmm_resume))
		aprint_error_dev(self, "no power management\n");
}

/* => The module's own doing, when nothing is open. */
static int
nvmm_detach_self(device_t self, int flags)
{

	pmf_device_deregister(self);
	return 0;
}

CFATTACH_DECL_NEW(nvmm, 0, nvmm_match, nvmm_attach_self, nvmm_detach_self,
    NULL);

static struct cfdata nvmm_cfdata[] = {
	{
		.cf_name = "nvmm",
		.cf_atname = "nvmm",
		.cf_unit = 0,
		.cf_fstate = FSTATE_STAR,
	},
	{ .cf_fstate = FSTATE_NOTFOUND }
};

static int
self_attach(void)
{
	int error;

	error = config_cfattach_attach(nvmm_cd.cd_name, &nvmm_ca);
	if (error)
		return error;
	error = config_cfdata_attach(nvmm_cfdata, 1);
	if (!error && config_attach_pseudo(nvmm_cfdata) == NULL) {
		(void)config_cfdata_detach(nvmm_cfdata);
		error = ENXIO;
	}
	if (error)
		(void)config_cfattach_detach(nvmm_cd.cd_name, &nvmm_ca);
	return error;
}

static void
self_detach(void)
{

	(void)config_cfdata_detach(nvmm_cfdata);
	(void)config_cfattach_detach(nvmm_cd.cd_name, &nvmm_ca);
}

#ifdef _MODULE

CFDRIVER_DECL(nvmm, DV_VIRTUAL, NULL);

static int
dev_attach(void)
{
	devmajor_t bmajor, cmajor;
	int error;

	error = config_cfdriver_attach(&nvmm_cd);
	if (error)
		return error;
	error = self_attach();
	if (error)
		goto cfdriver;
	bmajor = NODEVMAJOR;
	cmajor = NETBSD_MAJOR;
	error = devsw_attach(nvmm_cd.cd_name, NULL, &bmajor, &nvmm_cdevsw,
	    &cmajor);
	if (error)
		goto self;
	return 0;
self:
	self_detach();
cfdriver:
	(void)config_cfdriver_detach(&nvmm_cd);
	return error;
}

/* => No open is in progress, or comes, after this. */
static void
dev_detach(void)
{

	devsw_detach(NULL, &nvmm_cdevsw);
	self_detach();
	(void)config_cfdriver_detach(&nvmm_cd);
}

#else /* _MODULE: config(1) has made the driver and the switches */

static int
dev_attach(void)
{

	return self_attach();
}

static void
dev_detach(void)
{

	self_detach();
}

#endif /* _MODULE */

/* For config(1), of a kernel with the driver built in. */
void
nvmmattach(int n)
{
}

/*
 * max_ram, in MiB: guest memory for all machines. For tests, nasid: ASIDs to
 * use at most; tsc_skew: skews the CPUs' TSCs. As modload -i sets them.
 */
static void
params_read(prop_dictionary_t props)
{
	uint64_t ram;
	uint32_t nasid;
	int64_t skew;

	if (props == NULL)
		return;
	if (prop_dictionary_get_uint64(props, "max_ram", &ram))
		nvmm_param_ram = ram << 20;
	if (prop_dictionary_get_uint32(props, "nasid", &nasid))
		nvmm_param_nasid = nasid;
	if (prop_dictionary_get_int64(props, "tsc_skew", &skew))
		nvmm_param_tsc_skew = skew;
}

static int
nvmm_init(prop_dictionary_t props)
{
	int error;

	params_read(props);
	error = netbsd_vmspace_init();
	if (error)
		return error;
	error = netbsd_cpu_init();
	if (error)
		return error;
	error = nvmm_attach();
	if (error)
		goto cpu;
	netbsd_files_init();
	error = dev_attach();
	if (error)
		goto files;
	return 0;
files:
	netbsd_files_fini();
	(void)nvmm_detach();
cpu:
	netbsd_cpu_fini();
	return error;
}

/* => EBUSY: in use. */
static int
nvmm_fini(void)
{
	int error;

	error = nvmm_detach();
	if (error)
		return error;
	dev_detach();
	netbsd_files_fini();
	netbsd_cpu_fini();
	os_mutex_destroy(&nvmm_lock);
	return 0;
}

/* Of this class, a built-in driver starts when all CPUs are there. */
MODULE(MODULE_CLASS_MISC, nvmm, NULL);

static int
nvmm_modcmd(modcmd_t cmd, void *arg)
{

	switch (cmd) {
	case MODULE_CMD_INIT:
		return nvmm_init(arg);
	case MODULE_CMD_FINI:
		return nvmm_fini();
	case MODULE_CMD_AUTOUNLOAD:
		return EBUSY;
	default:
		return ENOTTY;
	}
}
