/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * libguest: the guest platform that toyvirt and nvmmd share. A guest is one
 * machine with its memory, its VCPUs and its devices, loaded from an ELF64
 * file. The caller brings the threads: one a VCPU, in guest_vcpu_run().
 *
 * Threads. guest_create, guest_load and guest_destroy are for one thread, with
 * no VCPU running. Everything else may be called from any thread meanwhile.
 * Nothing is printed; no process-wide state is kept.
 */

#ifndef _GUEST_H_
#define _GUEST_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUEST_MEM_MIN		(2ULL << 20)	/* bytes */
#define GUEST_MEM_MAX		(128ULL << 30)
#define GUEST_MEM_ALIGN		4096
#define GUEST_NCPUS_MAX		256
#define GUEST_CMDLINE_MAX	2048		/* bytes, with the NUL */
#define GUEST_TEXT_MAX		256

struct guest;

/* What went wrong, in one line that names it, for a person. */
struct guest_error {
	int code;				/* errno */
	char text[GUEST_TEXT_MAX];
};

enum guest_boot {
	GUEST_BOOT_AUTO,		/* PVH if the file has the note */
	GUEST_BOOT_ELF,			/* e_entry, long mode */
	GUEST_BOOT_PVH			/* PHYS32_ENTRY, 32-bit protected mode */
};

struct guest_config {
	uint64_t mem;			/* bytes, multiple of GUEST_MEM_ALIGN */
	unsigned ncpus;			/* 1 to GUEST_NCPUS_MAX */
	const char *cmdline;		/* or NULL */
	enum guest_boot boot;
	/* Bytes that the guest wrote to its console; on a VCPU's thread. */
	void (*console)(void *arg, const void *buf, size_t len);
	/* The UART took input and has room again; on a VCPU's thread. Or NULL. */
	void (*console_room)(void *arg);
	void *arg;
};

/* How a guest ended. */
enum guest_end {
	GUEST_RUNNING,			/* not yet */
	GUEST_EXITED,			/* it wrote .status to the exit port */
	GUEST_STOPPED,			/* guest_stop() */
	GUEST_SHUTDOWN,			/* triple fault */
	GUEST_INVALID,			/* the host could not run it on */
	GUEST_FAILED			/* an error of the platform's */
};

struct guest_result {
	enum guest_end end;
	uint32_t status;		/* GUEST_EXITED: what was written */
	unsigned cpu;			/* the VCPU that ended it */
	char text[GUEST_TEXT_MAX];	/* one line: what, where, which bytes */
};

/* Memory in bytes. */
struct guest_memory {
	uint64_t mapped;		/* the guest's RAM */
	uint64_t resident;		/* of which has pages */
};

/* Exits by reason. Names in guest_exit_names, indexes below GUEST_NEXITS. */
#define GUEST_NEXITS		18
extern const char *const guest_exit_names[GUEST_NEXITS];

struct guest_vcpu_stats {
	uint64_t run_ns;		/* time in the guest, nanoseconds */
	uint64_t injected;		/* events */
	uint64_t exits_user[GUEST_NEXITS];	/* that reached the platform */
	uint64_t exits_driver[GUEST_NEXITS];	/* served in the driver */
	bool halted;			/* waiting for an interrupt now */
	char last_exit[64];		/* in words; "" before the first */
};

/* Text for an enum guest_end: "exited", "stopped", ... */
const char *guest_end_name(enum guest_end);

/*
 * A memory size as people write it ("512M", "4G"), held against
 * GUEST_MEM_MIN, _MAX and _ALIGN.
 */
int	guest_parse_size(const char *, uint64_t *, struct guest_error *);

/* Open the driver. Once a process, before anything else. */
int	guest_init(struct guest_error *);
/* Which driver is open: "/dev/nvmm" or "hosted"; NULL before guest_init. */
const char *guest_device(void);
/* The driver's capabilities; as libnvmm's nvmm_capability(3). */
struct nvmm_capability;
int	guest_capability(struct nvmm_capability *);

/* A machine with its memory, devices and VCPUs; nothing loaded. -1: error. */
int	guest_create(const struct guest_config *, struct guest **,
	    struct guest_error *);
/*
 * Load an ELF64 from fd, of which a private copy is taken first: what happens
 * to the file meanwhile cannot hurt. name is for the error text. Once.
 */
int	guest_load(struct guest *, int fd, const char *name,
	    struct guest_error *);
/*
 * Run a VCPU on the calling thread until the guest ends. The first VCPU to end
 * it ends it for all. VCPU 0 starts at the entry, others wait for a SIPI.
 */
void	guest_vcpu_run(struct guest *, unsigned cpu);
/* End the guest from outside, whatever its VCPUs do. Does not wait. */
void	guest_stop(struct guest *);
/*
 * Ask the guest to end by itself, by its power port. Returns true if it
 * listens, which promises nothing; it may be asked again.
 */
bool	guest_power(struct guest *);
/*
 * Hold all VCPUs, and wait until they are; or let them go on. A guest may be
 * paused before its VCPUs run. -1, ESRCH: it has ended, or was resumed.
 */
int	guest_pause(struct guest *);
void	guest_resume(struct guest *);
/*
 * Hold all VCPUs for a moment, without waiting until they are, or let them go
 * on; a pause is another thing, and shows registers.
 */
void	guest_throttle(struct guest *, bool hold);
/* Give a VCPU a non-maskable interrupt. -1, EINVAL: there is no such VCPU. */
int	guest_nmi(struct guest *, unsigned cpu);
/* How it ended; .end is GUEST_RUNNING until every VCPU knows. */
void	guest_result(struct guest *, struct guest_result *);
/* Give input to the console. Returns the bytes taken, the rest does not fit yet. */
size_t	guest_console_input(struct guest *, const void *, size_t);
int	guest_vcpu_stats(struct guest *, unsigned cpu,
	    struct guest_vcpu_stats *);
int	guest_memory(struct guest *, struct guest_memory *);
/*
 * The VCPU's registers, while it is held by a pause or has ended. -1, EBUSY:
 * it runs, or never has; EINVAL: there is no such VCPU.
 */
struct nvmm_x64_state;
int	guest_vcpu_regs(struct guest *, unsigned cpu,
	    struct nvmm_x64_state *);
/* The same as text, "" while there are none. Returns the length as snprintf. */
int	guest_vcpu_dump(struct guest *, unsigned cpu, char *, size_t);
/* => No thread may be in any call on it. NULL is allowed. */
void	guest_destroy(struct guest *);

#endif /* _GUEST_H_ */
