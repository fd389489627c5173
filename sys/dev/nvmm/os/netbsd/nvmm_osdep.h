/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The NetBSD kernel's part of nvmm_os.h, and, for a backend's assembler, the
 * macros by which its functions begin, return and come out of a guest.
 */

#ifndef _NVMM_OSDEP_H_
#define _NVMM_OSDEP_H_

#ifdef __ASSEMBLER__

#include <machine/asm.h>

/* A function that C calls; the END closes what the ENTRY opened. */
#define OS_ASM_ENTRY(name)	ENTRY(name)
#define OS_ASM_END(name)	END(name)
#define OS_ASM_RET		ret

/* The last thing before the guest. AMD's CPUs leave nothing to clear. */
#define OS_ASM_BEFORE_GUEST

/*
 * The first thing after the guest once its registers are saved, and before any
 * return: 32 calls, so that no return of the host's is predicted by what the
 * guest trained. => On the host's stack. Clobbers RAX and the flags.
 */
.macro OS_ASM_AFTER_GUEST
	movl	$16, %eax
771:	call	773f
772:	pause
	lfence
	jmp	772b
773:	call	775f
774:	pause
	lfence
	jmp	774b
775:	decl	%eax
	jnz	771b
	addq	$(32 * 8), %rsp
.endm

#else /* __ASSEMBLER__ */

#include <sys/param.h>
#include <sys/types.h>
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/mutex.h>
#include <sys/systm.h>

#define OS_PAGE_SIZE	PAGE_SIZE

#define OS_CTASSERT(e)	__CTASSERT(e)
#define OS_ASSERT(e)	KASSERT(e)

#define os_atomic_load(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define os_atomic_store(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)

typedef kmutex_t os_mutex_t;
typedef kcondvar_t os_cv_t;

struct os_file;
struct os_vmobj;
struct os_vmspace;

static inline unsigned
os_atomic_swap(volatile int *p, int v)
{

	return (unsigned)__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);
}

static inline int
os_atomic_add(volatile int *p, int v)
{

	return __atomic_add_fetch(p, v, __ATOMIC_SEQ_CST);
}

#endif /* __ASSEMBLER__ */

#endif /* _NVMM_OSDEP_H_ */
