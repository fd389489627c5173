/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The part of nvmm(4)'s binary interface that programs see through <nvmm.h>:
 * identifiers, limits, capabilities, the page shared between the driver and
 * the owner of a VCPU, and the records of nvmm_ctl(3). C99 only: the same file
 * serves kernels, the hosted driver, libnvmm and, installed as
 * <dev/nvmm/nvmm.h>, its clients.
 */

#ifndef _DEV_NVMM_NVMM_H_
#define _DEV_NVMM_NVMM_H_

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <sys/types.h>
#ifndef _KERNEL
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif
#endif

#define NVMM_KERN_VERSION	2

/* What a VMM may rely on; the driver may be configured for less, see max_ram. */
#define NVMM_MAX_MACHINES	128
#define NVMM_MAX_VCPUS		256
#define NVMM_MAX_HMAPPINGS	32
#define NVMM_MAX_RAM		(128ULL << 30)

typedef uint64_t gpaddr_t;	/* guest-physical address */
typedef uint64_t gvaddr_t;	/* guest-virtual address */
typedef uint32_t nvmm_machid_t;
typedef uint32_t nvmm_cpuid_t;

/* Protections of guest-physical memory; USER appears in page walks only. */
#define NVMM_PROT_READ		0x01
#define NVMM_PROT_WRITE		0x02
#define NVMM_PROT_EXEC		0x04
#define NVMM_PROT_USER		0x08
#define NVMM_PROT_ALL		0x0F
typedef uint64_t nvmm_prot_t;

/* Configuration operations: of the library from 0, of the machine from 200. */
#define NVMM_MACH_CONF_LIBNVMM_BEGIN	0
#define NVMM_MACH_CONF_MI_BEGIN		100
#define NVMM_MACH_CONF_MD_BEGIN		200
#define NVMM_MACH_CONF_MD(op)		((op) - NVMM_MACH_CONF_MD_BEGIN)
#define NVMM_VCPU_CONF_LIBNVMM_BEGIN	0
#define NVMM_VCPU_CONF_MI_BEGIN		100
#define NVMM_VCPU_CONF_MD_BEGIN		200
#define NVMM_VCPU_CONF_MD(op)		((op) - NVMM_VCPU_CONF_MD_BEGIN)

#if defined(__x86_64__)
#include <dev/nvmm/x86/nvmm_x86.h>
#else
#error "nvmm(4) knows no machine-dependent interface for this architecture"
#endif

/* Filled by NVMM_IOC_CAPABILITY. Sizes in bytes. */
struct nvmm_capability {
	uint32_t version;	/* NVMM_KERN_VERSION */
	uint32_t state_size;	/* sizeof(struct nvmm_vcpu_state) */
	uint32_t max_machines;
	uint32_t max_vcpus;	/* per machine */
	uint64_t max_ram;	/* per machine */
	struct nvmm_cap_md arch;
};

/*
 * Why VCPUs leave guest mode, as counted: those that reach the owner, then
 * those that only the driver sees. Append only; records are versioned by size.
 */
#define NVMM_STAT_NONE		0	/* signal, reschedule or kick */
#define NVMM_STAT_STOPPED	1
#define NVMM_STAT_INVALID	2
#define NVMM_STAT_MEMORY	3
#define NVMM_STAT_IO		4
#define NVMM_STAT_SHUTDOWN	5
#define NVMM_STAT_INT_READY	6
#define NVMM_STAT_NMI_READY	7
#define NVMM_STAT_HALTED	8
#define NVMM_STAT_TPR_CHANGED	9
#define NVMM_STAT_RDMSR		10
#define NVMM_STAT_WRMSR		11
#define NVMM_STAT_MONITOR	12
#define NVMM_STAT_MWAIT		13
#define NVMM_STAT_CPUID		14
#define NVMM_STAT_HOSTINTR	15	/* driver only: a host interrupt */
#define NVMM_STAT_NPF		16	/* driver only: nested fault on mapped memory */
#define NVMM_STAT_INSN		17	/* driver only: another emulated instruction */
#define NVMM_NSTAT		18

/*
 * The page that a VCPU shares with its owner. The owner writes what it wants
 * and what it changed, the driver reads it at the next run or system call;
 * nothing here is trusted further than the VCPU it belongs to.
 */
struct nvmm_comm_page {
	/* Set to ask for EXIT_STOPPED; taken back by the run that returns it. */
	volatile int stop;
	nvmm_machid_t machid;
	nvmm_cpuid_t cpuid;
	uint32_t event_commit;		/* .event is to be injected */
	uint64_t state_wanted;		/* NVMM_X64_STATE_*: asked for at each
					   exit and by GETSTATE; the owner's */
	uint64_t state_cached;		/* .state holds these groups, up to date */
	uint64_t state_commit;		/* .state holds these groups, changed */
	struct nvmm_vcpu_event event;
	struct nvmm_vcpu_exit exit;
	struct nvmm_vcpu_state state;
	/*
	 * IN and OUT without the other registers. With NVMM_COMM_IO_OFFERED,
	 * which the driver may say with EXIT_IO, .io_rax is the VCPU's RAX. The
	 * owner who says NVMM_COMM_IO_DONE leaves there what the port gave, and
	 * the next request completes the instruction before all else.
	 */
	uint64_t io_rax;
	uint32_t io_state;
	/*
	 * What a driver knows of EXIT_MEMORY beyond the exit, NVMM_COMM_MEM_*;
	 * 0 where it knows nothing. It holds while no state is set.
	 */
	uint32_t mem_state;
	uint64_t mem_efer;		/* the VCPU's EFER */
};
#define NVMM_COMM_IO_NONE	0
#define NVMM_COMM_IO_OFFERED	1
#define NVMM_COMM_IO_DONE	2
#define NVMM_COMM_MEM_EFER	0x1	/* .mem_efer is there */
/*
 * The access is an instruction's own, not that of a walk of page tables: its
 * segment and its page allow it, and gpa is where its first byte lies, or the
 * first in the second of two pages.
 */
#define NVMM_COMM_MEM_OPERAND	0x2
#define NVMM_COMM_MEM_64	0x4	/* the code is 64-bit */

/* Operations of nvmm_ctl(3). */
#define NVMM_CTL_MACH_INFO	0
#define NVMM_CTL_MACH_MEMORY	2	/* not in NetBSD */
#define NVMM_CTL_VCPU_STATS	3	/* not in NetBSD */
#define NVMM_HAS_CTL_VCPU_STATS	1

/* NVMM_CTL_MACH_INFO: .machid in, the rest out. */
struct nvmm_ctl_mach_info {
	nvmm_machid_t machid;
	uint32_t nvcpus;
	uint64_t nram;			/* bytes of guest-physical memory linked */
	pid_t pid;			/* of the owner */
	int64_t time;			/* of creation, seconds since the Epoch */
};

/* NVMM_CTL_MACH_MEMORY: .machid in, the rest out, all in bytes. */
struct nvmm_ctl_mach_memory {
	nvmm_machid_t machid;
	uint32_t nhmappings;
	uint64_t hva_mapped;		/* under hva_map */
	uint64_t gpa_mapped;		/* linked to the guest */
	uint64_t resident;		/* pages that exist */
};

/*
 * NVMM_CTL_VCPU_STATS: .machid and .cpuid in, the rest out. A caller with an
 * older, shorter record gets its prefix.
 */
struct nvmm_ctl_vcpu_stats {
	nvmm_machid_t machid;
	nvmm_cpuid_t cpuid;
	uint64_t runs;			/* calls of run */
	uint64_t run_ns;		/* time inside run, nanoseconds */
	uint64_t injected;		/* events handed to the guest */
	uint64_t exits_user[NVMM_NSTAT];	/* returned to the owner */
	uint64_t exits_driver[NVMM_NSTAT];	/* served within the driver */
};

#endif /* _DEV_NVMM_NVMM_H_ */
