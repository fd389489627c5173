/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guest-virtual memory for the assists: instructions load and store through
 * it, RAM directly and all else through the client's callback.
 */

#ifndef _LIBNVMM_VMEM_H_
#define _LIBNVMM_VMEM_H_

#include <errno.h>
#include <string.h>

#include "../internal.h"
#include "x86.h"

/* State that an assist needs which touches guest-virtual memory. */
#define VMEM_STATE	(NVMM_X64_STATE_SEGS | NVMM_X64_STATE_GPRS | \
			 NVMM_X64_STATE_CRS | NVMM_X64_STATE_MSRS)

/*
 * A page as it was translated for one kind of access. Nothing is taken on
 * trust in the next instruction: the entries are read again.
 */
struct vmem_page {
	uint64_t key;			/* address, and X86_ACC_* in it */
	uint64_t insn;			/* that translated or checked it last */
	uint64_t changes;		/* of the links, that base and entries are by */
	struct x86_xlat xlat;		/* of the page's first byte */
	uint8_t *base;			/* RAM there, or NULL */
	bool writable;
};

#define VMEM_NPAGES	6		/* two each to read, write, execute */

/*
 * An instruction as it was decoded: by these bytes and in this mode, on which
 * alone that depends.
 */
struct vmem_insn {
	uint8_t bits;			/* 0: none */
	uint8_t bytes[X86_INSN_MAX];
	enum vmem_move { VMEM_MOVE_NONE, VMEM_MOVE_LOAD, VMEM_MOVE_STORE } move;
	struct x86_insn insn;
};

#define VMEM_NINSNS	8

/* What is kept of one VCPU from one exit to the next. */
struct vmem_tlb {
	uint64_t insn;			/* counts the instructions */
	struct x86_paging paging;	/* that all are by */
	struct vmem_page page[VMEM_NPAGES];
	struct vmem_insn decoded[VMEM_NINSNS];
};

struct vmem {
	struct nvmm_machine *mach;
	struct nvmm_vcpu *vcpu;
	struct x86_cpu cpu;
	struct vmem_tlb *tlb;
	unsigned access;		/* X86_ACC_* of the guest's own */
	unsigned items;			/* of a REP, so far */
	int unfetched;			/* why vmem_fetch() gave fewer bytes */
	const struct nvmm_areas *held;	/* the machine's links, or NULL */
	struct x86_ram ram;		/* in them */
};

/* assist_mem.c */
/* Decode, and keep it in its place. */
int	vmem_decode_keep(struct vmem_insn *, unsigned bits, const uint8_t *bytes);

/* True if the bytes are the same, all of them. */
static inline bool
vmem_same(const uint8_t a[X86_INSN_MAX], const uint8_t b[X86_INSN_MAX])
{
	uint64_t a0, a1, b0, b1;

	memcpy(&a0, a, 8);
	memcpy(&a1, a + X86_INSN_MAX - 8, 8);
	memcpy(&b0, b, 8);
	memcpy(&b1, b + X86_INSN_MAX - 8, 8);
	return ((a0 ^ b0) | (a1 ^ b1)) == 0;
}

/*
 * x86_decode() of X86_INSN_MAX bytes at rip, to *kept; a loop's few
 * instructions are decoded once.
 */
static inline int
vmem_decode(struct vmem_tlb *tlb, uint64_t rip, unsigned bits,
    const uint8_t *bytes, struct vmem_insn **kept)
{

	*kept = &tlb->decoded[(rip ^ rip >> 3) % VMEM_NINSNS];
	if ((*kept)->bits == bits && vmem_same((*kept)->bytes, bytes))
		return 0;
	return vmem_decode_keep(*kept, bits, bytes);
}

/* assist_move.c */
/* How an instruction may be carried out by vmem_move(). */
enum vmem_move vmem_move_kind(const struct x86_insn *);
#define VMEM_MOVE_NOT	1
/*
 * Carry the instruction out if it is a MOV of the plainest kind. -1 and errno;
 * VMEM_MOVE_NOT: it is not, and nothing has been done.
 */
int	vmem_move(struct nvmm_machine *, struct nvmm_vcpu *,
	    struct vmem_tlb *);

/* vmem_page.c */
/* The VCPU's, made at its first use; NULL: ENOMEM. */
struct vmem_tlb *vmem_tlb(struct nvmm_machine *, nvmm_cpuid_t);
/* Be ready to translate, by the state as it is at hand. -1: ENOMEM. */
int	vmem_init(struct vmem *, struct nvmm_machine *, struct nvmm_vcpu *);
/*
 * Let go of the machine's memory, which the other functions hold on to.
 * => To come before a callback of the client's, which may change it.
 */
void	vmem_release(struct vmem *);
/*
 * The page of gva for an access, *page, with .base as it is now. EFAULT with a
 * #PF raised, or with nothing raised where the guest's tables lie outside
 * memory; or another errno.
 */
int	vmem_page(struct vmem *, gvaddr_t, unsigned access, struct vmem_page **);
/* .base and .writable as they are now; for after vmem_release(). */
void	vmem_page_refresh(struct vmem *, struct vmem_page *);

/* Bytes from addr to the end of its page, at most size. */
static inline size_t
vmem_in_page(uint64_t addr, size_t size)
{
	size_t room = NVMM_PAGE_SIZE - (addr & (NVMM_PAGE_SIZE - 1));

	return room < size ? room : size;
}

/* vmem.c */
/* The bus that x86_execute() takes. */
struct x86_bus vmem_bus(struct vmem *);
/* The address off bytes on; it wraps at 4 GiB below 64-bit mode. */
gvaddr_t vmem_next(const struct vmem *, gvaddr_t, size_t off);

/* vmem_insn.c */
/* Fetch the state and begin. -1 and errno. => vmem_end() follows a 0. */
int	vmem_begin(struct vmem *, struct nvmm_machine *, struct nvmm_vcpu *);
/*
 * Copy up to X86_INSN_MAX bytes at CS:RIP. Returns how many there are; where
 * it is fewer for the guest's own fault, that is raised, to be vmem_end()'s if
 * the instruction goes on beyond.
 */
size_t	vmem_fetch(struct vmem *, uint8_t *bytes);
/* See vmem_end_shadow(). */
int	vmem_clear_shadow(struct nvmm_machine *, struct nvmm_vcpu *);
/*
 * Hand the state over to the next run: after an instruction (error 0), with the
 * exception that it raised, or to execute it once more (EAGAIN). -1 and errno
 * for other errors.
 */
int	vmem_end(struct vmem *, int error);

/* Have the #DB of a single step delivered. -1 and errno. */
int	vmem_trap(struct nvmm_machine *, struct nvmm_vcpu *);

/* End the interrupt shadow, as any instruction does. -1 and errno. */
static inline int
vmem_end_shadow(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{

	if (!vcpu->exit->exitstate.int_shadow)
		return 0;
	return vmem_clear_shadow(mach, vcpu);
}

/* A host-decoded exit: carry it out item by item. See assist.c. */
#define ASSIST_RAW	1		/* none: decode it */
int	nvmm_assist_decoded(const struct nvmm_dev *, struct nvmm_machine *,
	    struct nvmm_vcpu *, bool mem);

/* The same, if it is the exit that the assist is for, and has a callback. */
static inline int
assist_decoded(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu, bool mem)
{
	const uint64_t reason = mem ? NVMM_VCPU_EXIT_MEMORY : NVMM_VCPU_EXIT_IO;
	const struct nvmm_dev *dev = nvmm_dev();

	if (dev == NULL || vcpu->exit->reason != reason ||
	    (mem ? vcpu->cbs.mem == NULL : vcpu->cbs.io == NULL)) {
		errno = EINVAL;
		return -1;
	}
	if (dev->access == NULL)
		return ASSIST_RAW;
	return nvmm_assist_decoded(dev, mach, vcpu, mem);
}

#endif /* _LIBNVMM_VMEM_H_ */
