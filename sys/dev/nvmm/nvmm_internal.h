/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the driver's frontend and its backends share: machines, VCPUs and the
 * contract between the two.
 *
 * Life cycle. A machine sits in a slot of a static table. Its lock is the
 * slot's and outlives it. A VCPU exists from vcpu_create to vcpu_destroy or
 * the machine's end.
 *
 * Synchronization. Every request on a machine enters by nvmm_machine_get(),
 * which checks the owner and returns it locked. A request on a VCPU enters by
 * nvmm_vcpu_claim(): the VCPU is then the caller's alone, and no lock is held,
 * while a guest runs least of all. Who needs the machine whole calls
 * nvmm_machine_park(): every claimed VCPU is kicked, new claims wait, and the
 * call returns, still locked, once no VCPU is claimed.
 *
 * A claim is one atomic exchange, without the machine's lock if nobody is in
 * the way (nvmm_vcpu.c tells why that is safe). What it looks at on its way
 * there, the machine's owner and its VCPU, is freed only once mach->lookups is
 * seen to be 0 after it has been taken out of sight.
 *
 * Lock order: nvmm_lock (table) -> machine lock -> the owner's address space
 * (its mmap lock, taken by os_vmobj_map_user and os_vmobj_unmap_user) -> the
 * count of memory in nvmm_memory.c and the OS layer's own. A fault handler and
 * the close of a mapping come with the address space locked: they never take
 * the machine lock, nor does a request copy in or out under it.
 *
 * Keys to the fields:
 *	(c) constant while the object exists
 *	(g) nvmm_lock
 *	(m) the machine's lock
 *	(x) the machine's lock, machine parked, to change; claim or lock to read
 *	(v) whoever claimed the VCPU, or the machine's lock with no claim
 *	(a) atomic
 * Of a slot that is taken but not present, all but (g) and (a) belong to the
 * one who makes the machine or ends it.
 */

#ifndef _DEV_NVMM_NVMM_INTERNAL_H_
#define _DEV_NVMM_NVMM_INTERNAL_H_

#include "nvmm_os.h"

#include <dev/nvmm/nvmm.h>
#include <dev/nvmm/nvmm_ioctl.h>
#include <dev/nvmm/nvmm_access.h>

struct nvmm_machine;
struct nvmm_cpu;
struct nvmm_impl;

/* One open of the device: the owner of the machines created through it. */
struct nvmm_owner {
	struct os_file *file;		/* (c) */
	bool root;			/* (c) may list and destroy, only */
};

/*
 * A range of the owner's memory under hva_map; free if size is 0. After
 * hva_unmap it stays, with its slot and its charge, until nothing links to it.
 */
struct nvmm_hmapping {
	uintptr_t hva;			/* (m) */
	size_t size;			/* (m) */
	struct os_vmobj *obj;		/* (m) */
	bool ended;			/* (m) by hva_unmap */
};

/* One who waits for a VCPU; on the waiting thread's stack. */
struct nvmm_claimant {
	struct nvmm_cpu *vcpu;		/* (m) NULL: in no queue */
	struct nvmm_claimant *next;	/* (m) */
};

struct nvmm_cpu {
	nvmm_cpuid_t cpuid;		/* (c) */
	struct nvmm_machine *mach;	/* (c) */
	struct nvmm_comm_page *comm;	/* (c) the driver's view */
	struct os_vmobj *commobj;	/* (c) */
	uintptr_t commuva;		/* (c) the owner's view */
	bool made;			/* (c) the backend knows it */
	volatile int claimed;		/* (a) 0 or 1 */
	volatile int kicked;		/* (a) run must return soon */
	/* (m), (a) to read; who waits for a claim, in order */
	struct nvmm_claimant *first;
	/* (v) what the owner hands over, out of its reach */
	struct nvmm_x64_state state;
	struct nvmm_vcpu_event event;
	volatile int run_seq;		/* (a) odd: the two below change */
	uint64_t run_since;		/* (a) ticks when run began, or 0 */
	uint64_t run_ticks;		/* (v) to count; (a) in earlier runs */
	/* (v) to count, by nvmm_count(); (a) to read */
	struct nvmm_ctl_vcpu_stats stats;
	void *cpudata;			/* (v) the backend's */
};

struct nvmm_machine {
	nvmm_machid_t machid;		/* (c) index of the slot */
	os_mutex_t lock;		/* (c) */
	os_cv_t cv;			/* (m) claims and parking */
	bool used;			/* (g) the slot is taken */
	bool present;			/* (m) */
	bool made;			/* (m) the backend knows it */
	bool dying;			/* (m) no new claims, ever */
	struct nvmm_owner *owner;	/* (m) to change; (a) */
	struct nvmm_owner *open_to;	/* (m) to change; (a); the owner while
					   present and not dying */
	int64_t time;			/* (m) of creation, seconds */
	volatile int lookups;		/* (a) claims that look around here */
	volatile int nparking;		/* (m), (a) to read; callers of
					   nvmm_machine_park */
	volatile int nwaiting;		/* (m), (a) to read; callers that wait
					   on cv, or may */
	unsigned ncpus;			/* (m) */
	/* NVMM_MAX_VCPUS pointers; pointer and pointers (x), (a) for kicks */
	struct nvmm_cpu **cpus;
	struct os_vmspace *vm;		/* (x) */
	uint64_t max_ram;		/* (c) the guest's addresses end here */
	uint64_t gpa_mapped;		/* (x) bytes linked */
	uint64_t hva_mapped;		/* (m) bytes of all of hmap */
	struct nvmm_hmapping hmap[NVMM_MAX_HMAPPINGS];
	void *machdata;			/* (x) the backend's */
};

/*
 * The contract with a backend.
 *
 *	method			lock held		may sleep
 *	ident			none			no
 *	init, fini		nvmm_lock		yes
 *	enable, disable		nvmm_lock		yes
 *	cpu_online, cpu_offline	none, on that CPU	no
 *	capability		none			no
 *	machine_create		machine, not yet seen	yes
 *	machine_destroy		machine, parked		yes
 *	machine_configure	machine			yes
 *	memory_changed		machine, parked		yes
 *	vcpu_create		machine, not yet seen	yes
 *	vcpu_destroy		machine, unclaimed	yes
 *	vcpu_configure		claim			yes
 *	vcpu_setstate		claim			yes
 *	vcpu_getstate		claim			yes
 *	vcpu_getxstate		claim			yes
 *	vcpu_setxstate		claim			yes
 *	vcpu_inject		claim			yes
 *	vcpu_run		claim			yes
 *	vcpu_io_done		claim			no
 *	vcpu_access		claim			no
 *	vcpu_kick		any, or none (signal)	no
 *
 * Methods that return int return 0 or a positive errno. The comm page is for
 * the backend to write: its owner may change it at any time, so the backend
 * reads nothing there but stop, and adds to state_cached. What the owner hands
 * over comes as an argument, in memory of the driver's own.
 */
struct nvmm_impl {
	const char *name;
	/*
	 * 0 if this machine can run the backend. ENXIO: it cannot; any other
	 * error says what of the backend's is missing, or is kept from us.
	 */
	int (*ident)(void);
	int (*init)(void);
	void (*fini)(void);
	/*
	 * Before the first machine, and after the last: have every CPU able to
	 * run guests, and no longer. NULL: nothing to do.
	 */
	int (*enable)(void);
	void (*disable)(void);
	/*
	 * A CPU has come, or is about to go: no guest runs there then. Called
	 * on that CPU, interrupts off, whether enabled or not. NULL: as above.
	 * An error keeps the CPU from coming.
	 */
	int (*cpu_online)(void);
	void (*cpu_offline)(void);
	/* Fill .max_ram if lower than it stands, and .arch. */
	void (*capability)(struct nvmm_capability *);

	/* Size of the argument of configuration op MD_BEGIN + n; 0: ENOTSUP. */
	const size_t *mach_conf_sizes;
	size_t mach_conf_n;
	const size_t *vcpu_conf_sizes;
	size_t vcpu_conf_n;

	int (*machine_create)(struct nvmm_machine *);
	void (*machine_destroy)(struct nvmm_machine *);
	int (*machine_configure)(struct nvmm_machine *, uint64_t op, void *);
	/*
	 * The links of mach->vm changed within [gpa, gpa + size). NULL where
	 * the OS's tables are the hardware's. On an error the frontend takes
	 * the change back and calls again.
	 */
	int (*memory_changed)(struct nvmm_machine *, uint64_t gpa, size_t);

	/* The VCPU starts in the reset state of nvmm_x86_reset_state. */
	int (*vcpu_create)(struct nvmm_machine *, struct nvmm_cpu *);
	void (*vcpu_destroy)(struct nvmm_machine *, struct nvmm_cpu *);
	int (*vcpu_configure)(struct nvmm_cpu *, uint64_t op, void *);
	/*
	 * Set the groups in flags; the others are stale. Of GPRS alone the
	 * values may change while the backend reads. EINVAL: impossible state.
	 */
	int (*vcpu_setstate)(struct nvmm_cpu *, const struct nvmm_x64_state *,
	    uint64_t flags);
	/* The VCPU to comm->state, the groups in flags. */
	int (*vcpu_getstate)(struct nvmm_cpu *, uint64_t flags);
	/*
	 * The VCPU's extended state, to and from an area of size bytes, at
	 * least NVMM_X64_XSTATE_MIN, in the driver's memory; parts that lie
	 * beyond size are left out, or stay. EINVAL: what x86/nvmm_x86_xstate.h
	 * refuses; nothing is set then. NULL: ENOTSUP.
	 */
	int (*vcpu_getxstate)(struct nvmm_cpu *, void *area, size_t size);
	int (*vcpu_setxstate)(struct nvmm_cpu *, const void *area, size_t size);
	/*
	 * Take the event. EINVAL: no such event; EAGAIN: another one waits.
	 */
	int (*vcpu_inject)(struct nvmm_cpu *, const struct nvmm_vcpu_event *);
	/*
	 * Run until there is something for the owner; fill comm->exit with its
	 * exitstate. Returns with EXIT_NONE soon after vcpu->kicked or
	 * comm->stop is set, or os_return_needed(): it announces itself to
	 * vcpu_kick with a full barrier before it looks at the two, as who sets
	 * them has one before vcpu_kick. Groups left valid in
	 * comm->state for free may be added to comm->state_cached.
	 */
	int (*vcpu_run)(struct nvmm_machine *, struct nvmm_cpu *);
	/*
	 * Complete the IN or OUT of the last exit, which offered that by
	 * comm->io_rax and io_state: for IN, val is what the port gave. Nothing
	 * happens if none waits any more; what it was is the backend's to know.
	 * NULL: never offered.
	 */
	void (*vcpu_io_done)(struct nvmm_cpu *, uint64_t val);
	/*
	 * Where the host decodes: fetch the access of the last exit; and give
	 * it back completed. A setstate, getstate or run in between completes
	 * it as it stands; hence the frontend fetches no state after an IO or
	 * MEMORY exit of a backend that has this method, asked for or not.
	 * NULL: exits are raw.
	 */
	int (*vcpu_access)(struct nvmm_cpu *, struct nvmm_access *);
	int (*vcpu_access_done)(struct nvmm_cpu *, const struct nvmm_access *);
	/* Make a run in progress, on any CPU, look at kicked and stop. */
	void (*vcpu_kick)(struct nvmm_cpu *);
};

/* Count into a VCPU's stats, which others read meanwhile. */
static inline void
nvmm_count(uint64_t *counter, uint64_t n)
{

	os_atomic_store(counter, *counter + n);
}

/* The backends compiled in, best first, NULL-terminated; in os/<os>. */
extern const struct nvmm_impl *const nvmm_impls[];

/* nvmm.c */
extern os_mutex_t nvmm_lock;
extern const struct nvmm_impl *nvmm_impl;	/* (g) to change; set in init */
/* Parameters, to be set before nvmm_attach(). */
extern const char *nvmm_param_backend;	/* its name; NULL: the best */
extern uint64_t nvmm_param_ram;		/* bytes for all; 0: 75 % of the host's */
/*
 * Pick a backend and prepare the table. ENXIO: no backend for this host; else
 * what the best one that is not simply unfit for it gave as its reason.
 */
int	nvmm_attach(void);
/* => EBUSY while the device is open, or machines exist. */
int	nvmm_detach(void);
/* How the device was opened, as the OS layer knows it. */
#define NVMM_OPEN_CLOEXEC	0x1	/* with O_CLOEXEC */
#define NVMM_OPEN_ROOT		0x2	/* write-only, by who has root's right */
/*
 * => owner->file is set by the caller. EINVAL: opened without O_CLOEXEC.
 *    ENXIO: the driver is going.
 */
int	nvmm_owner_open(struct nvmm_owner *, int flags);
/* Destroy all machines of the owner. => Opened, and not closed yet. */
void	nvmm_owner_close(struct nvmm_owner *);
/* The OS layer's word that a CPU comes or goes. => On that CPU. */
int	nvmm_cpu_online(void);
void	nvmm_cpu_offline(void);
/* One request; data is the record in the driver's memory, in and out. */
int	nvmm_ioctl(struct nvmm_owner *, unsigned long cmd, void *data);
void	nvmm_do_capability(struct nvmm_ioc_capability *);

/* nvmm_ctl.c */
int	nvmm_do_ctl(struct nvmm_owner *, struct nvmm_ioc_ctl *);

/* nvmm_machine.c */
extern struct nvmm_machine nvmm_machines[NVMM_MAX_MACHINES];
void	nvmm_machine_init(void);
void	nvmm_machine_fini(void);
int	nvmm_machine_get(struct nvmm_owner *, nvmm_machid_t,
	    struct nvmm_machine **);
int	nvmm_machine_get_any(struct nvmm_owner *, nvmm_machid_t,
	    struct nvmm_machine **);
int	nvmm_machine_get_parked(struct nvmm_owner *, nvmm_machid_t,
	    struct nvmm_machine **);
void	nvmm_machine_put(struct nvmm_machine *);
void	nvmm_machine_put_parked(struct nvmm_machine *);
void	nvmm_machine_wait(struct nvmm_machine *);
void	nvmm_machine_wake_all(struct nvmm_machine *);
void	nvmm_machine_unseen(struct nvmm_machine *);
bool	nvmm_machine_claimed(const struct nvmm_machine *);
bool	nvmm_machine_exist_locked(void);
void	nvmm_machine_destroy_owned(struct nvmm_owner *);
int	nvmm_machine_check(const struct nvmm_machine *,
	    const struct nvmm_owner *);
int	nvmm_machine_kick_unlocked(nvmm_machid_t, nvmm_cpuid_t);
int	nvmm_conf_copyin(const size_t *sizes, size_t n, uint64_t op,
	    uint64_t first, const void *uaddr, void **conf, size_t *size);
void	nvmm_machine_park(struct nvmm_machine *);
void	nvmm_machine_unpark(struct nvmm_machine *);
int	nvmm_do_machine_create(struct nvmm_owner *, struct nvmm_ioc_machine *);
int	nvmm_do_machine_destroy(struct nvmm_owner *, struct nvmm_ioc_machine *);
int	nvmm_do_machine_configure(struct nvmm_owner *,
	    struct nvmm_ioc_machine_configure *);


/* The slot, whatever it holds; NULL: there is none of this number. */
static inline struct nvmm_machine *
nvmm_machine_slot(nvmm_machid_t machid)
{

	return machid < NVMM_MAX_MACHINES ? &nvmm_machines[machid] : NULL;
}

/* Wake those who wait, if any do. => Machine not locked. */
static inline void
nvmm_machine_wake(struct nvmm_machine *mach)
{

	if (os_atomic_load(&mach->nwaiting) != 0)
		nvmm_machine_wake_all(mach);
}

/* nvmm_vcpu.c */
struct nvmm_cpu *nvmm_vcpu_claim_free(struct nvmm_owner *, nvmm_machid_t,
	    nvmm_cpuid_t);
int	nvmm_vcpu_claim(struct nvmm_owner *, nvmm_machid_t, nvmm_cpuid_t,
	    struct nvmm_cpu **);
int	nvmm_vcpu_find(struct nvmm_machine *, nvmm_cpuid_t, struct nvmm_cpu **);
void	nvmm_vcpu_kick(struct nvmm_cpu *);
void	nvmm_vcpu_free(struct nvmm_machine *, struct nvmm_cpu *);
int	nvmm_do_vcpu_create(struct nvmm_owner *, struct nvmm_ioc_vcpu_create *);
int	nvmm_do_vcpu_destroy(struct nvmm_owner *, struct nvmm_ioc_vcpu *);
int	nvmm_do_vcpu_configure(struct nvmm_owner *,
	    struct nvmm_ioc_vcpu_configure *);
int	nvmm_do_vcpu_kick(struct nvmm_owner *, struct nvmm_ioc_vcpu *);

/* End a claim. => The last that the caller does with the VCPU. */
static inline void
nvmm_vcpu_release(struct nvmm_cpu *vcpu)
{
	struct nvmm_machine *mach = vcpu->mach;

	OS_ASSERT(os_atomic_load(&vcpu->claimed) != 0);
	(void)os_atomic_swap(&vcpu->claimed, 0);
	/* The VCPU may be gone; the slot stays. */
	nvmm_machine_wake(mach);
}

/* nvmm_run.c */
int	nvmm_vcpu_settle(struct nvmm_cpu *, uint64_t groups);
int	nvmm_do_vcpu_setstate(struct nvmm_owner *, struct nvmm_ioc_vcpu *);
int	nvmm_do_vcpu_getstate(struct nvmm_owner *, struct nvmm_ioc_vcpu *);
int	nvmm_do_vcpu_inject(struct nvmm_owner *, struct nvmm_ioc_vcpu *);
int	nvmm_do_vcpu_run(struct nvmm_owner *, struct nvmm_ioc_vcpu *);
int	nvmm_run(struct nvmm_owner *, nvmm_machid_t, nvmm_cpuid_t);
int	nvmm_do_vcpu_access(struct nvmm_owner *, const struct nvmm_ioc_vcpu *,
	    struct nvmm_access *);
int	nvmm_do_vcpu_access_done(struct nvmm_owner *,
	    const struct nvmm_ioc_vcpu *, const struct nvmm_access *);

/* nvmm_xstate.c */
int	nvmm_do_vcpu_getxstate(struct nvmm_owner *,
	    struct nvmm_ioc_vcpu_xstate *);
int	nvmm_do_vcpu_setxstate(struct nvmm_owner *,
	    struct nvmm_ioc_vcpu_xstate *);

/* nvmm_memory.c */
void	nvmm_memory_init(void);
void	nvmm_memory_fini(void);
void	nvmm_memory_free(struct nvmm_machine *);
int	nvmm_do_hva_map(struct nvmm_owner *, struct nvmm_ioc_hva *);
int	nvmm_do_hva_unmap(struct nvmm_owner *, struct nvmm_ioc_hva *);
int	nvmm_do_gpa_map(struct nvmm_owner *, struct nvmm_ioc_gpa *);
int	nvmm_do_gpa_unmap(struct nvmm_owner *, struct nvmm_ioc_gpa *);

#endif /* _DEV_NVMM_NVMM_INTERNAL_H_ */
