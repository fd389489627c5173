/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * /dev/nvmm on NetBSD, each open of which is a file of its own.
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
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/filedesc.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/stat.h>

static dev_type_open(dev_open);

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
	st->st_rdev = makedev(NETBSD_MAJOR, 0);
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

/* => True: no machine exists, and none will before netbsd_files_resume(). */
bool
netbsd_files_suspend(void)
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

void
netbsd_files_resume(void)
{

	mutex_enter(&files.lock);
	files.asleep = false;
	cv_broadcast(&files.cv);
	mutex_exit(&files.lock);
}

void
netbsd_files_init(void)
{

	mutex_init(&files.lock, MUTEX_DEFAULT, IPL_NONE);
	cv_init(&files.cv, "nvmmfile");
	LIST_INIT(&files.list);
	files.exit_hook = exithook_establish(proc_gone, NULL);
	files.exec_hook = exechook_establish(proc_gone, NULL);
}

/* => No file is open. */
void
netbsd_files_fini(void)
{

	exechook_disestablish(files.exec_hook);
	exithook_disestablish(files.exit_hook);
	cv_destroy(&files.cv);
	mutex_destroy(&files.lock);
}
