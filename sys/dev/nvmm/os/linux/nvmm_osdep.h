/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The Linux kernel's part of nvmm_os.h, and, for a backend's assembler, the
 * macros by which its functions begin, return and come out of a guest as this
 * kernel wants it.
 */

#ifndef _NVMM_OSDEP_H_
#define _NVMM_OSDEP_H_

#ifdef __ASSEMBLER__

#include <linux/linkage.h>

#include <asm/asm.h>
#include <asm/nospec-branch.h>

/* A function that C calls; the END closes what the ENTRY opened. */
#define OS_ASM_ENTRY(name)	SYM_FUNC_START(name)
#define OS_ASM_END(name)	SYM_FUNC_END(name)
/* Return from it, by the kernel's return thunk. => Not after `;' in a macro. */
#define OS_ASM_RET		RET

/*
 * The last thing before the guest, where the CPU's buffers must not tell it of
 * the host. => Clobbers the flags.
 */
#ifdef VM_CLEAR_CPU_BUFFERS
#define OS_ASM_BEFORE_GUEST	VM_CLEAR_CPU_BUFFERS
#else
#define OS_ASM_BEFORE_GUEST
#endif

/*
 * The first thing after the guest once its registers are saved, and before any
 * call or return: nothing that the guest trained predicts the host's returns.
 * The return stack is stuffed as the kernel's FILL_RETURN_BUFFER does, where
 * that does, but in a straight line, which takes half the instructions.
 * => On the host's stack. Clobbers RAX, RCX, RDX and the flags.
 */
.macro OS_ASM_AFTER_GUEST
	ALTERNATIVE "jmp .Lstuffed_\@", "", X86_FEATURE_RETPOLINE
	.rept RSB_CLEAR_LOOPS
	ANNOTATE_INTRA_FUNCTION_CALL
	call	772f
	int3
772:
	.endr
	addq	$(8 * RSB_CLEAR_LOOPS), %rsp
	lfence
.Lstuffed_\@:
#ifdef X86_FEATURE_IBPB_ON_VMEXIT
	ALTERNATIVE "", "call entry_ibpb", X86_FEATURE_IBPB_ON_VMEXIT
#endif
	UNTRAIN_RET
.endm

#else /* __ASSEMBLER__ */

#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/interrupt.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/thread_info.h>
#include <linux/timekeeping.h>
#include <linux/types.h>
#include <linux/wait.h>

#include <asm/tsc.h>

/* What user space calls it; the kernel's own ENOTSUPP is for NFS alone. */
#define ENOTSUP		EOPNOTSUPP

#define OS_PAGE_SIZE	4096

/* Pages stay where they are until they are unmapped. */
#define OS_PEEK_LASTS	1

#define OS_CTASSERT(e)	static_assert(e)
#ifdef NVMM_DEBUG
#define OS_ASSERT(e)	BUG_ON(!(e))
#else
/* Not evaluated, but compiled, so that it stays right. */
#define OS_ASSERT(e)	((void)sizeof((e) ? 1 : 0))
#endif

/*
 * The kernel's macros keep their operand's type for what they hold meanwhile,
 * which of a volatile one would be in memory.
 */
#define os_atomic_load(p)						\
	smp_load_acquire((__unqual_scalar_typeof(*(p)) const *)(p))
#define os_atomic_store(p, v)	smp_store_release(p, v)

typedef struct {
	struct mutex m;
#ifdef NVMM_DEBUG
	struct task_struct *owner;	/* the holder; others may read it stale */
#endif
} os_mutex_t;

typedef wait_queue_head_t os_cv_t;

/*
 * Macros, as lockdep tells classes of locks by the place of their
 * initialization: in a function, all of them would be one.
 */
#define os_mutex_init(mtx)	mutex_init(&(mtx)->m)
#define os_cv_init(cv)	init_waitqueue_head(cv)

struct os_file;
struct os_vmobj;
struct os_vmspace;

#define os_cpu_current os_cpu_current
static inline unsigned
os_cpu_current(void)
{

	return smp_processor_id();
}

/* Of the TSC, if it goes alike on all CPUs; else 0. */
extern unsigned linux_tsc_khz;

/* => A suspend may set it back, which no run spans. */
#define os_time_ticks	os_time_ticks
static inline uint64_t
os_time_ticks(void)
{

	return likely(linux_tsc_khz != 0) ? rdtsc() : ktime_get_ns();
}
uint64_t os_ticks_to_ns(uint64_t);

/* Also what else the kernel does on the way to user space. */
#define os_return_needed os_return_needed
static inline bool
os_return_needed(void)
{

	return (read_thread_flags() & (_TIF_NEED_RESCHED | _TIF_SIGPENDING |
	    _TIF_NOTIFY_SIGNAL | _TIF_NOTIFY_RESUME)) != 0;
}

/* A quiescent state for RCU, too. */
#define os_guest_pause()	cond_resched()

/* Softirqs that were put off when the region began. That CPU, in a region. */
DECLARE_PER_CPU(unsigned, linux_softirqs);

/*
 * Softirqs raised meanwhile, which the region's end lets run. Those of before
 * the kernel has left to a thread of its own, whose turn comes by the scheduler.
 */
#define os_guest_leave_needed os_guest_leave_needed
static inline bool
os_guest_leave_needed(void)
{

	return os_return_needed() ||
	    (local_softirq_pending() & ~this_cpu_read(linux_softirqs)) != 0;
}

static inline unsigned
os_atomic_swap(volatile int *p, int v)
{

	return (unsigned)xchg((int *)p, v);
}

static inline int
os_atomic_add(volatile int *p, int v)
{

	return xadd((int *)p, v) + v;
}

#endif /* __ASSEMBLER__ */

#endif /* _NVMM_OSDEP_H_ */
