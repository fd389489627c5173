/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The NetBSD module: its load and unload, its parameters, and /dev/nvmm, each
 * open of which is a file of its own.
 *
 * An owner is an open file together with the address space that opened it. The
 * last close and the end of the address space, whichever comes first, end the
 * machines; of the latter hooks of exit and exec tell, even if the descriptor
 * lives on in another process. A file is on a list from open to close. Who ends
 * its machines early marks it, and its close waits for that.
 *
 * Suspend is refused while a machine exists, and machines that would be made
 * while the system sleeps wait for its return.
 */

#include "netbsd.h"

#include <sys/conf.h>
#include <sys/cpu.h>
#include <sys/device.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/filedesc.h>
#include <sys/kmem.h>
#include <sys/module.h>
#include <sys/pmf.h>
#include <sys/proc.h>
#include <sys/stat.h>

#include <prop/proplib.h>

#include "x86/svm/svm.h"

#define NVMM_MAJOR	345	/* as in MAKEDEV(8) */

static dev_type_open(dev_open);

extern struct cfdriver nvmm_cd;
void	nvmmattach(int);

static struct {
	kmutex_t lock;
	kcondvar_t cv;		/* (f) ending, creating and asleep change */
	LIST_HEAD(, os_file) list;
	unsigned creating;	/* (f) machines being made */
	bool asleep;		/* (f) the system is, or is about to be */
	void *exit_hook;
	void *exec_hook;
} files;

bool
os_file_is_current(struct os_file *of)
{

	return curproc->p_vmspace == os_atomic_load(&of->vm);
}

int
os_file_pid(struct os_file *of)
{

	return of->pid;
}

/* The process's address space is going, or has been replaced. */
static void
proc_gone(struct proc *p, void *arg)
{
	struct os_file *of;

	mutex_enter(&files.lock);
again:
	LIST_FOREACH(of, &files.list, list) {
		if (of->proc != p)
			continue;
		of->proc = NULL;
		of->ending = true;
		os_atomic_store(&of->vm, NULL);
		mutex_exit(&files.lock);
		nvmm_machine_destroy_owned(&of->owner);
		mutex_enter(&files.lock);
		of->ending = false;
		cv_broadcast(&files.cv);
		goto again;
	}
	mutex_exit(&files.lock);
}

/* A request that makes a machine waits while the system sleeps. */
static int
create_begin(void)
{
	int error;

	error = 0;
	mutex_enter(&files.lock);
	while (files.asleep && !error)
		error = cv_wait_sig(&files.cv, &files.lock);
	if (!error)
		files.creating++;
	mutex_exit(&files.lock);
	return error;
}

static void
create_end(void)
{

	mutex_enter(&files.lock);
	files.creating--;
	mutex_exit(&files.lock);
}

/* => The request's record is in the kernel's memory; what comes back, too. */
static int
file_ioctl(file_t *fp, u_long cmd, void *data)
{
	struct os_file *of = fp->f_data;
	int error;

	if (__predict_true(cmd != NVMM_IOC_MACHINE_CREATE))
		return nvmm_ioctl(&of->owner, cmd, data);
	error = create_begin();
	if (error)
		return error;
	error = nvmm_ioctl(&of->owner, cmd, data);
	create_end();
	return error;
}

static int
file_stat(file_t *fp, struct stat *st)
{

	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFCHR;
	st->st_rdev = makedev(NVMM_MAJOR, 0);
	return 0;
}

/* => No request is in progress. */
static int
file_close(file_t *fp)
{
	struct os_file *of = fp->f_data;

	mutex_enter(&files.lock);
	while (of->ending)
		cv_wait(&files.cv, &files.lock);
	LIST_REMOVE(of, list);
	mutex_exit(&files.lock);
	nvmm_owner_close(&of->owner);
	kmem_free(of, sizeof(*of));
	fp->f_data = NULL;
	return 0;
}

static const struct fileops file_ops = {
	.fo_name = "nvmm",
	.fo_read = fbadop_read,
	.fo_write = fbadop_write,
	.fo_ioctl = file_ioctl,
	.fo_fcntl = fnullop_fcntl,
	.fo_poll = fnullop_poll,
	.fo_stat = file_stat,
	.fo_close = file_close,
	.fo_kqfilter = fnullop_kqfilter,
	.fo_restart = fnullop_restart,
};

/* => Freed by file_close. */
static int
file_make(struct os_file **ofp, int flags)
{
	struct os_file *of;
	int error, how;

	of = kmem_zalloc(sizeof(*of), KM_SLEEP);
	of->owner.file = of;
	of->proc = curproc;
	of->vm = curproc->p_vmspace;
	of->pid = curproc->p_pid;
	how = (flags & O_CLOEXEC) != 0 ? NVMM_OPEN_CLOEXEC : 0;
	if ((OFLAGS(flags) & O_ACCMODE) == O_WRONLY)
		how |= NVMM_OPEN_ROOT;
	error = nvmm_owner_open(&of->owner, how);
	if (error) {
		kmem_free(of, sizeof(*of));
		return error;
	}
	mutex_enter(&files.lock);
	LIST_INSERT_HEAD(&files.list, of, list);
	mutex_exit(&files.lock);
	*ofp = of;
	return 0;
}

static int
dev_open(dev_t dev, int flags, int type, struct lwp *l)
{
	struct os_file *of;
	struct file *fp;
	int error, fd;

	if (minor(dev) != 0)
		return ENXIO;
	error = fd_allocfile(&fp, &fd);
	if (error)
		return error;
	error = file_make(&of, flags);
	if (error) {
		fd_abort(curproc, fp, fd);
		return error;
	}
	return fd_clone(fp, fd, flags, &file_ops, of);
}

const struct cdevsw nvmm_cdevsw = {
	.d_open = dev_open,
	.d_close = noclose,
	.d_read = noread,
	.d_write = nowrite,
	.d_ioctl = noioctl,
	.d_stop = nostop,
	.d_tty = notty,
	.d_poll = nopoll,
	.d_mmap = nommap,
	.d_kqfilter = nokqfilter,
	.d_discard = nodiscard,
	.d_flag = D_OTHER | D_MPSAFE
};

/* -- The device that stands for the CPUs when the system sleeps -------------- */

static int
nvmm_match(device_t parent, cfdata_t cf, void *aux)
{

	return 1;
}

/* => True: no machine exists, and none will before nvmm_resume. */
static bool
nvmm_suspend(device_t self, const pmf_qual_t *qual)
{
	bool ok;

	os_mutex_lock(&nvmm_lock);
	mutex_enter(&files.lock);
	ok = files.creating == 0 && !nvmm_machine_exist_locked();
	if (ok)
		files.asleep = true;
	mutex_exit(&files.lock);
	os_mutex_unlock(&nvmm_lock);
	return ok;
}

static bool
nvmm_resume(device_t self, const pmf_qual_t *qual)
{

	mutex_enter(&files.lock);
	files.asleep = false;
	cv_broadcast(&files.cv);
	mutex_exit(&files.lock);
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

/* -- The module -------------------------------------------------------------- */

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
	cmajor = NVMM_MAJOR;
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

static void
files_init(void)
{

	mutex_init(&files.lock, MUTEX_DEFAULT, IPL_NONE);
	cv_init(&files.cv, "nvmmfile");
	LIST_INIT(&files.list);
	files.exit_hook = exithook_establish(proc_gone, NULL);
	files.exec_hook = exechook_establish(proc_gone, NULL);
}

/* => No file is open. */
static void
files_fini(void)
{

	exechook_disestablish(files.exec_hook);
	exithook_disestablish(files.exit_hook);
	cv_destroy(&files.cv);
	mutex_destroy(&files.lock);
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
	files_init();
	error = dev_attach();
	if (error)
		goto files;
	return 0;
files:
	files_fini();
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
	files_fini();
	netbsd_cpu_fini();
	os_mutex_destroy(&nvmm_lock);
	return 0;
}

MODULE(MODULE_CLASS_DRIVER, nvmm, NULL);

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
