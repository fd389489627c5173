/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The instruction that a VCPU has left for, where the hardware tells neither
 * its bytes nor its length: the guest's page walk and just as much decoding as
 * tells one intercepted instruction from the next. AMD APM vol. 2, 5.2 to 5.4;
 * vol. 3, 1.2.
 */

#ifndef _NVMM_X86_FETCH_H_
#define _NVMM_X86_FETCH_H_

#include "nvmm_internal.h"

#define NVMM_X86_INSN_MAX	15

#define NVMM_X86_WALK_MAX	5	/* levels */

/*
 * A page walk remembered: by the registers it started from, and the entries it
 * went through as they were. It is right for as long as these have not changed,
 * which takes a look at each; so a guest that changes its tables is followed at
 * once, whether it flushes its TLB or not.
 */
struct nvmm_x86_walk {
	const uint8_t *page;		/* where it led; NULL: nothing known */
	uint64_t lin;			/* of that page */
	uint64_t cr0;
	uint64_t cr3;
	uint64_t cr4;
	uint64_t efer;
	uint64_t generation;		/* of the nested tables */
	unsigned n;			/* entries, of 8 bytes */
	const uint64_t *entry[NVMM_X86_WALK_MAX];
	uint64_t value[NVMM_X86_WALK_MAX];
};

/* Where a VCPU is. */
struct nvmm_x86_where {
	struct os_vmspace *vm;
	struct nvmm_x86_walk *walk;	/* the VCPU's last */
	uint64_t cr0;
	uint64_t cr3;
	uint64_t cr4;
	uint64_t efer;
	uint64_t cs_base;
	uint64_t rip;
	bool cs_l;
	bool cs_d;
};

/* What precedes an opcode. */
struct nvmm_x86_prefixes {
	unsigned len;			/* bytes of prefixes, REX included */
	bool asize;			/* 67h */
	bool lock;			/* F0h */
	uint8_t rex;			/* or 0 */
};

/* True in 64-bit mode. */
static inline bool
nvmm_x86_where_64(const struct nvmm_x86_where *w)
{

	return (w->efer & 0x400) != 0 && w->cs_l;	/* EFER.LMA */
}

/* RIP's linear address. */
static inline uint64_t
nvmm_x86_where_lin(const struct nvmm_x86_where *w)
{

	return nvmm_x86_where_64(w) ? w->rip : (uint32_t)(w->cs_base + w->rip);
}

/* True if the walk remembered leads to this page still. */
static inline bool
nvmm_x86_walk_holds(const struct nvmm_x86_where *w, uint64_t lin)
{
	const struct nvmm_x86_walk *k = w->walk;
	unsigned i;

	if (k->page == NULL || k->lin != lin - lin % OS_PAGE_SIZE ||
	    k->cr3 != w->cr3 || k->cr0 != w->cr0 || k->cr4 != w->cr4 ||
	    k->efer != w->efer ||
	    k->generation != os_vmspace_generation(w->vm))
		return false;
	for (i = 0; i < k->n; i++) {
		if (*k->entry[i] != k->value[i])
			return false;
	}
	return true;
}

/* True if the bytes are the opcode. */
static inline bool
nvmm_x86_insn_is(const uint8_t *bytes, const uint8_t *op, size_t nop)
{
	size_t i;

	for (i = 0; i < nop; i++) {
		if (bytes[i] != op[i])
			return false;
	}
	return true;
}

/*
 * True if the instruction at RIP is known to begin with op by the walk that is
 * remembered: a short way past nvmm_x86_insn_length(), all of it inline.
 */
static inline bool
nvmm_x86_insn_known(const struct nvmm_x86_where *w, const uint8_t *op,
    size_t nop)
{
	const uint64_t lin = nvmm_x86_where_lin(w);

	return lin % OS_PAGE_SIZE <= OS_PAGE_SIZE - nop &&
	    nvmm_x86_walk_holds(w, lin) &&
	    nvmm_x86_insn_is(w->walk->page + lin % OS_PAGE_SIZE, op, nop);
}

/*
 * The bytes at RIP and how many there are, at most NVMM_X86_INSN_MAX: fewer
 * where the next page is missing, none where the first is. They lie in the
 * guest's memory, whose other VCPUs may change them at any time, or in buf.
 * => Never sleeps; good as os_vmspace_peek's answers are.
 */
const uint8_t *nvmm_x86_fetch(const struct nvmm_x86_where *,
	    uint8_t buf[NVMM_X86_INSN_MAX], size_t *n);

/* The prefixes of n bytes; len is n if there is nothing else. */
void	nvmm_x86_prefixes(const uint8_t *bytes, size_t n, bool bits64,
	    struct nvmm_x86_prefixes *);

/*
 * The length of the instruction at RIP if its opcode, after any prefixes, is
 * the nop bytes of op; else 0. For instructions without operands in memory.
 */
unsigned nvmm_x86_insn_length(const struct nvmm_x86_where *, const uint8_t *op,
	    size_t nop);

#endif /* _NVMM_X86_FETCH_H_ */
