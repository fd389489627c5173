/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Host CPUs on NetBSD: the region in which guests run, calls and interrupts
 * across CPUs. A CPU that has been attached stays; one that cpuctl(8) takes
 * offline merely gets no threads. Before the system sleeps, netbsd_dev.c sees to it
 * that there are no machines.
 */

#include "netbsd.h"

#include <sys/cpu.h>
#include <sys/ipi.h>
#include <sys/kmem.h>
#include <sys/lwp.h>
#include <sys/xcall.h>

#include <machine/intr.h>

#include <x86/cpufunc.h>
#include <x86/fpu.h>

/* A thread's copies of pages of guests. */
struct cpu_copies {
	unsigned next;
	uint8_t page[NETBSD_COPIES][PAGE_SIZE];
};

/* A call on every CPU. */
struct cpu_call {
	int (*func)(void *);
	void *arg;
	volatile int error;	/* (a) of one that failed */
};

static specificdata_key_t cpu_copies_key;
static u_int cpu_nudge_id;

/*
 * fpu_kern_enter saves the thread's registers and raises the level to IPL_VM:
 * the clock and IPIs are served, softints and devices are put off. On the way
 * to user space the thread gets its registers back.
 */
void
os_guest_enter(void)
{

	if (__predict_false(lwp_getspecific(cpu_copies_key) == NULL))
		lwp_setspecific(cpu_copies_key,
		    kmem_zalloc(sizeof(struct cpu_copies), KM_SLEEP));
	kpreempt_disable();
	fpu_kern_enter();
}

void
os_guest_leave(void)
{

	fpu_kern_leave();
	kpreempt_enable();
}

uint8_t *
netbsd_copy_page(void)
{
	struct cpu_copies *copies;

	copies = lwp_getspecific(cpu_copies_key);
	if (copies == NULL)
		return NULL;
	return copies->page[copies->next++ % NETBSD_COPIES];
}

/* The thread ends, or the module goes. */
static void
cpu_copies_free(void *p)
{

	if (p != NULL)
		kmem_free(p, sizeof(struct cpu_copies));
}

/* The gate of #MC: its handler looks at the banks, not at who was there. */
void
os_machine_check(void)
{

	__asm volatile ("int $18" : : : "memory");
}

unsigned
os_cpu_max(void)
{

	return (unsigned)ncpu;
}

unsigned
os_cpu_current(void)
{

	return cpu_index(curcpu());
}

static void
cpu_call_one(void *p, void *unused)
{
	struct cpu_call *call = p;
	u_long psl;
	int error;

	psl = x86_read_psl();
	x86_disable_intr();
	error = call->func(call->arg);
	x86_write_psl(psl);
	if (error)
		os_atomic_store(&call->error, error);
}

int
os_cpu_call(int (*func)(void *), void *arg)
{
	struct cpu_call call = { .func = func, .arg = arg, .error = 0 };

	xc_wait(xc_broadcast(0, cpu_call_one, &call, NULL));
	return os_atomic_load(&call.error);
}

/* The interrupt itself is all that is wanted. */
static void
cpu_nudge(void *arg)
{
}

/* ipi(9) does not reach the CPU itself; its interrupt with nothing to do does. */
void
os_cpu_interrupt(unsigned cpu)
{
	struct cpu_info *ci;

	kpreempt_disable();
	ci = cpu_lookup(cpu);
	if (ci == curcpu())
		(void)x86_send_ipi(ci, X86_IPI_GENERIC);
	else if (ci != NULL)
		ipi_trigger(cpu_nudge_id, ci);
	kpreempt_enable();
}

int
netbsd_cpu_init(void)
{
	int error;

	error = lwp_specific_key_create(&cpu_copies_key, cpu_copies_free);
	if (error)
		return error;
	cpu_nudge_id = ipi_register(cpu_nudge, NULL);
	if (cpu_nudge_id == 0) {
		lwp_specific_key_delete(cpu_copies_key);
		return EBUSY;
	}
	return 0;
}

/* => No machine exists. */
void
netbsd_cpu_fini(void)
{

	ipi_unregister(cpu_nudge_id);
	lwp_specific_key_delete(cpu_copies_key);
}
