/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The Linux module: its load and unload, its parameters, and /dev/nvmm.
 *
 * An owner is an open file together with the address space that opened it. The
 * file's release and the address space's end, whichever comes first, end the
 * machines: of the latter an mmu notifier tells, upon exit, exec and SIGKILL
 * alike, even if the descriptor lives on in another process. Every request
 * comes from the owner's address space, so that none is in progress at its end;
 * nor is one at the file's release, as each holds the file. The two may meet,
 * and the frontend then sees each machine ended once. The record of the owner
 * is freed after both, and after all that the notifier may still be in.
 *
 * How the device was opened: Linux keeps O_CLOEXEC with the descriptor and
 * strips it from what a driver's open sees, so it cannot be asked for here. Nor
 * does it matter, as an exec ends the address space, hence the machines, and
 * the program that follows is refused as any other process is.
 */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "linux.h"
#ifdef NVMM_SVM
#include "x86/svm/svm.h"
#endif

/* Room for the largest record of a request, which goes on the stack. */
union request {
	struct nvmm_ioc_capability capability;
	struct nvmm_ioc_machine machine;
	struct nvmm_ioc_machine_configure machine_configure;
	struct nvmm_ioc_vcpu_create vcpu_create;
	struct nvmm_ioc_vcpu vcpu;
	struct nvmm_ioc_vcpu_configure vcpu_configure;
	struct nvmm_ioc_vcpu_xstate vcpu_xstate;
	struct nvmm_ioc_gpa gpa;
	struct nvmm_ioc_hva hva;
	struct nvmm_ioc_ctl ctl;
};

static char *param_backend;
static unsigned param_max_ram;

bool
os_file_is_current(struct os_file *of)
{

	return current->mm == of->mm;
}

/* => As the process that asks sees it; 0 outside its name space. */
int
os_file_pid(struct os_file *of)
{

	return pid_vnr(of->pid);
}

/* The owner's address space ends; whoever ran in it is gone. => May sleep. */
static void
file_mm_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct os_file *of = container_of(mn, struct os_file, notifier);

	nvmm_machine_destroy_owned(&of->owner);
}

/* => Closed, and nothing is in the notifier any more. */
static void
file_free(struct mmu_notifier *mn)
{
	struct os_file *of = container_of(mn, struct os_file, notifier);

	put_pid(of->pid);
	kfree(of);
}

static const struct mmu_notifier_ops file_notifier_ops = {
	.release = file_mm_release,
	.free_notifier = file_free,
};

/* => Registered, the notifier holds the mm. */
static int
file_make(struct os_file **ofp)
{
	struct os_file *of;
	int error;

	of = kzalloc(sizeof(*of), GFP_KERNEL_ACCOUNT);
	if (of == NULL)
		return ENOMEM;
	of->owner.file = of;
	of->mm = current->mm;
	of->pid = get_pid(task_tgid(current));
	of->notifier.ops = &file_notifier_ops;
	error = mmu_notifier_register(&of->notifier, of->mm);
	if (error) {
		file_free(&of->notifier);
		return -error;
	}
	*ofp = of;
	return 0;
}

/* => EPERM: write-only, which is root's way in, without the right to it. */
static int
dev_open(struct inode *inode, struct file *file)
{
	struct os_file *of;
	int error, flags;

	flags = NVMM_OPEN_CLOEXEC;
	if ((file->f_flags & O_ACCMODE) == O_WRONLY) {
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		flags |= NVMM_OPEN_ROOT;
	}
	error = file_make(&of);
	if (error)
		return -error;
	error = nvmm_owner_open(&of->owner, flags);
	if (error) {
		mmu_notifier_put(&of->notifier);
		return -error;
	}
	file->private_data = of;
	return 0;
}

/* => No request is in progress. */
static int
dev_release(struct inode *inode, struct file *file)
{
	struct os_file *of = file->private_data;

	nvmm_owner_close(&of->owner);
	mmu_notifier_put(&of->notifier);
	return 0;
}

/*
 * The request of every exit: its record is two numbers, which come as one, and
 * nothing goes back.
 */
static long
dev_run(struct os_file *of, const uint64_t __user *record)
{
	uint64_t ids;

	OS_CTASSERT(sizeof(struct nvmm_ioc_vcpu) == sizeof(ids));
	OS_CTASSERT(offsetof(struct nvmm_ioc_vcpu, machid) == 0);
	if (!user_access_begin(record, sizeof(ids)))
		return -EFAULT;
	unsafe_get_user(ids, record, fault);
	user_access_end();
	if (!os_file_is_current(of) || of->owner.root)
		return -EPERM;
	return -nvmm_run(&of->owner, (nvmm_machid_t)ids,
	    (nvmm_cpuid_t)(ids >> 32));
fault:
	user_access_end();
	return -EFAULT;
}

/*
 * Any other. Apart, as kernels clear what is on the stack at each call.
 * => What goes back to user space is what came, or zero, or what was filled.
 */
static noinline long
dev_request(struct os_file *of, unsigned int cmd, void __user *uaddr)
{
	union request req;
	size_t size;
	int error;

	size = _IOC_SIZE(cmd);
	if (size > sizeof(req))
		return -EINVAL;
	memset(&req, 0, sizeof(req));
	if ((_IOC_DIR(cmd) & _IOC_WRITE) &&
	    copy_from_user(&req, uaddr, size) != 0)
		return -EFAULT;
	error = nvmm_ioctl(&of->owner, cmd, &req);
	if (!error && (_IOC_DIR(cmd) & _IOC_READ) &&
	    copy_to_user(uaddr, &req, size) != 0)
		error = EFAULT;
	return -error;
}

static long
dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{

	if (likely(cmd == NVMM_IOC_VCPU_RUN))
		return dev_run(file->private_data,
		    (const uint64_t __user *)arg);
	return dev_request(file->private_data, cmd, (void __user *)arg);
}

static const struct file_operations dev_fops = {
	.owner = THIS_MODULE,
	.open = dev_open,
	.release = dev_release,
	.unlocked_ioctl = dev_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice dev_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "nvmm",
	.fops = &dev_fops,
	.mode = 0660,
};

static int __init
nvmm_linux_init(void)
{
	int error;

	linux_time_init();
	nvmm_param_backend = param_backend;
	nvmm_param_ram = (uint64_t)param_max_ram << 20;
	error = nvmm_attach();
	if (error)
		return -error;
	error = linux_cpu_init();
	if (error)
		goto detach;
	error = -misc_register(&dev_misc);
	if (error)
		goto cpu;
	return 0;
cpu:
	linux_cpu_fini();
detach:
	(void)nvmm_detach();
	return -error;
}

/*
 * => The kernel lets nobody unload while the device is open or a view of guest
 *    memory is mapped; machines do not outlive the former.
 */
static void __exit
nvmm_linux_exit(void)
{

	misc_deregister(&dev_misc);
	mmu_notifier_synchronize();
	linux_cpu_fini();
	WARN_ON(nvmm_detach() != 0);
	os_mutex_destroy(&nvmm_lock);
}

/* What is held, as a parameter that can be read and not set. */
static int
held_get(char *buf, const struct kernel_param *kp)
{

	return sysfs_emit(buf, "%ld\n", atomic_long_read(kp->arg));
}

static int
held_set(const char *val, const struct kernel_param *kp)
{

	return -EPERM;
}

static const struct kernel_param_ops held_ops = {
	.set = held_set,
	.get = held_get,
};

module_init(nvmm_linux_init);
module_exit(nvmm_linux_exit);
MODULE_DESCRIPTION("NetBSD Virtual Machine Monitor");
MODULE_LICENSE("Dual BSD/GPL");

module_param_named(backend, param_backend, charp, 0444);
MODULE_PARM_DESC(backend, "backend to use; the best one if not given");
module_param_named(max_ram, param_max_ram, uint, 0444);
MODULE_PARM_DESC(max_ram,
    "MiB of guest memory for all machines; 0: 75 % of the host's");
#ifdef NVMM_SVM
module_param_named(nasid, nvmm_param_nasid, uint, 0444);
MODULE_PARM_DESC(nasid, "ASIDs to use at most, the host's among them; 0: all");
module_param_cb(tsc_skew, &param_ops_long, &nvmm_param_tsc_skew, 0444);
MODULE_PARM_DESC(tsc_skew, "for tests: skew the TSCs of CPUs by multiples");
#endif

module_param_cb(machines, &held_ops, &linux_held.machines, 0444);
MODULE_PARM_DESC(machines, "machines that exist (to read)");
module_param_cb(vcpus, &held_ops, &linux_held.vcpus, 0444);
MODULE_PARM_DESC(vcpus, "VCPUs that exist (to read)");
module_param_cb(objects, &held_ops, &linux_held.objects, 0444);
MODULE_PARM_DESC(objects, "memory objects that exist (to read)");
module_param_cb(pages, &held_ops, &linux_held.pages, 0444);
MODULE_PARM_DESC(pages, "pages of guests and their tables (to read)");
module_param_cb(hwpages, &held_ops, &linux_held.hwpages, 0444);
MODULE_PARM_DESC(hwpages, "pages that the hardware works with (to read)");
module_param_cb(allocs, &held_ops, &linux_held.allocs, 0444);
MODULE_PARM_DESC(allocs, "other allocations that the driver holds (to read)");
