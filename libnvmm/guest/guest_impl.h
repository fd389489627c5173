/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The guest and its VCPUs, as libguest's own files see them. How their threads
 * live together is told in guest_run.c.
 *
 * Keys to the fields:
 *	(c) constant from guest_create, or guest_load, on
 *	(g) struct guest's lock
 *	(u) struct guest's uart_lock
 *	(t) struct guest's timer_lock
 *	(m) struct guest_vcpu's lock
 *	(o) the thread in guest_vcpu_run() only
 *	(a) atomic
 */

#ifndef _GUEST_IMPL_H_
#define _GUEST_IMPL_H_

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nvmm.h>

#include "exitport.h"
#include "guest.h"
#include "guest_boot.h"
#include "guest_bus.h"
#include "guest_error.h"
#include "guest_mem.h"
#include "lapic.h"
#include "powerport.h"
#include "uart.h"

#define GUEST_OUT_MAX	128		/* console bytes gathered in one exit */
#define NITEMS(a)	(sizeof(a) / sizeof((a)[0]))

/* What a VCPU's mail may say. */
#define MAIL_TIMER	0x01		/* the armed time has come */
#define MAIL_INTR	0x02		/* mail_irr has vectors */
#define MAIL_NMI	0x04
#define MAIL_INIT	0x08
#define MAIL_SIPI	0x10		/* to mail_sipi */
#define MAIL_END	0x20		/* the guest has ended */
#define MAIL_PAUSE	0x40		/* the guest is paused or throttled */

struct guest_vcpu {
	struct guest *g;		/* (c) */
	unsigned cpu;			/* (c) */
	bool created;			/* (c) */
	struct nvmm_vcpu nv;		/* (c); what it points to: (o) */

	/* The run loop. */
	struct lapic lapic;		/* (o), but see lapic.h */
	bool wait_sipi;			/* (o) */
	bool halted;			/* (o) */
	bool nmi;			/* (o) one is to be injected */
	bool injected;			/* (o) one is, for the next run */
	bool window;			/* (o) asked for by the next run */
	bool watch_tpr;			/* (o) TPR_CHANGED was configured */
	uint8_t cr8;			/* (o) as the VCPU has it */
	bool tsc_stale;			/* (o) a run may have changed the TSC */
	uint64_t tsc_offset;		/* (o) guest's minus host's TSC */
	bool room;			/* (o) console_room is to be called */
	size_t nout;			/* (o) bytes in out */
	uint8_t out[GUEST_OUT_MAX];	/* (o) */
	struct exitport exitport;	/* (c) */

	/* Mail. */
	pthread_mutex_t lock;
	pthread_cond_t cv;		/* (m) attention was set */
	uint32_t mail;			/* (m) */
	uint32_t mail_irr[LAPIC_NWORDS];	/* (m) */
	uint8_t mail_sipi;		/* (m) */
	bool running;			/* (m) a thread is in guest_vcpu_run */
	bool have_regs;			/* (m) it stands still */
	struct nvmm_x64_state regs;	/* (m) its registers then */
	atomic_bool attention;		/* (a) there is mail */
	atomic_bool in_run;		/* (a) nvmm_vcpu_run may be under way */

	/* For others to see. */
	atomic_bool sleeping;		/* (a) */
	_Atomic uint64_t last_reason;	/* (a) of the last exit */
	_Atomic uint64_t last_detail;	/* (a) its port, address or MSR */
	_Atomic uint64_t nexits[GUEST_NEXITS];	/* (a) */
	_Atomic uint64_t ninjected;	/* (a) */

	uint64_t deadline;		/* (t) when to post MAIL_TIMER, or 0 */
};

struct guest {
	struct nvmm_machine mach;	/* (c) */
	bool have_mach;			/* (c) */
	struct guest_config conf;	/* (c) */
	char cmdline[GUEST_CMDLINE_MAX];	/* (c) */
	void *hva;			/* (c) */
	struct guest_mem mem;		/* (c) */
	bool loaded;			/* (c) */
	bool tpr_conf;			/* (c) TPR_CHANGED can be configured */
	struct guest_vcpu *vcpus;	/* (c) conf.ncpus of them */

	pthread_mutex_t lock;
	struct guest_result result;	/* (g) */
	unsigned nrunning;		/* (g) threads in guest_vcpu_run */
	unsigned nheld;			/* (g) of which guest_hold() has */
	pthread_cond_t hold_cv;		/* (g) paused, throttled, nheld, ended
					   changed */
	atomic_bool paused;		/* (a), changed under (g) */
	atomic_bool throttled;		/* (a), changed under (g) */
	atomic_bool ended;		/* (a) result.end is set */
	struct powerport power;		/* (g) */

	pthread_mutex_t uart_lock;
	struct uart uart;		/* (u) */
	struct guest_vcpu *uart_user;	/* (u) whose access it is, or NULL */

	pthread_mutex_t timer_lock;
	pthread_cond_t timer_cv;	/* (t) timer_next or timer_quit changed */
	pthread_t timer_thread;		/* (t) */
	bool timer_started;		/* (t) */
	bool timer_quit;		/* (t) */
	uint64_t timer_next;		/* (t) when the thread wakes next */
	uint64_t tsc0, ns0;		/* (c) host TSC and time at creation */
};

/* guest.c */
/* The guest ends now, unless it has already. The text is for a person. */
void	guest_end(struct guest *, const struct guest_vcpu *, enum guest_end,
	    uint32_t status, const char *fmt, ...)
	    __attribute__((__format__(__printf__, 5, 6)));

/* guest_dev.c */
void	guest_dev_init(struct guest *);
void	guest_dev_init_vcpu(struct guest_vcpu *);
/* Hand the console bytes gathered by this VCPU on. */
void	guest_dev_flush(struct guest_vcpu *);
extern const struct nvmm_assist_callbacks guest_dev_callbacks;

/* guest_exit.c */
/* Do what the last exit asks for; the guest may have ended then. */
void	guest_exit(struct guest_vcpu *);
/* Inject an exception. => Nothing else is injected before the next run. */
void	guest_exit_exception(struct guest_vcpu *, uint8_t vector,
	    uint64_t error);

/* guest_hold.c */
/* Stay while the guest is paused or throttled. */
void	guest_hold(struct guest_vcpu *);
/* Show the registers of a VCPU that stands still, or show none. */
void	guest_hold_publish(struct guest_vcpu *, bool show);

/* guest_mail.c */
/* Tell a VCPU. vector: of MAIL_INTR and MAIL_SIPI. */
void	guest_mail_post(struct guest_vcpu *, uint32_t what, uint8_t vector);
/* Act on the mail, if there is any. */
void	guest_mail_take(struct guest_vcpu *);
/* Sleep until there is mail. */
void	guest_mail_wait(struct guest_vcpu *);

/* guest_msr.c */
/* RDMSR and WRMSR exits. -1: errno of the driver. */
int	guest_msr_read(struct guest_vcpu *);
int	guest_msr_write(struct guest_vcpu *);

/* guest_smp.c */
void	guest_smp_ipi(void *vcpu, const struct lapic_ipi *);
void	guest_smp_init(struct guest_vcpu *);
void	guest_smp_sipi(struct guest_vcpu *, uint8_t vector);

/* guest_stats.c */
/* The index of an exit's reason in the statistics. */
unsigned guest_stats_index(uint64_t reason);
/* Count the last exit and remember it. */
void	guest_stats_exit(struct guest_vcpu *);

/* guest_timer.c */
extern const struct lapic_callbacks guest_timer_lapic;
void	guest_timer_init(struct guest *);
/* End the timer's thread. */
void	guest_timer_fini(struct guest *);
/* Learn the guest's TSC, right after an exit. */
void	guest_timer_sync_tsc(struct guest_vcpu *);

#endif /* _GUEST_IMPL_H_ */
