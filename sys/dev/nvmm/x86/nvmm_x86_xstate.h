/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Extended state in XSAVE's standard form, between a backend's own area and
 * one that an owner gave or gets: which parts there are and where, what is
 * refused, and XSTATE_BV, by which a part says that it is in its initial
 * state and not in the area at all. Pure. AMD APM vol. 2, 11.5.
 */

#ifndef _NVMM_X86_XSTATE_H_
#define _NVMM_X86_XSTATE_H_

#include "nvmm_internal.h"

#define NVMM_X86_XCR0_X87	0x1ULL
#define NVMM_X86_XCR0_SSE	0x2ULL
#define NVMM_X86_NXPART		63	/* bit 63 of XSTATE_BV is no part */

/* Behind the 512 bytes of FXSAVE. */
struct nvmm_x86_xheader {
	uint64_t xstate_bv;		/* parts not in their initial state */
	uint64_t xcomp_bv;		/* of the compacted form: 0 */
	uint64_t rsvd[6];
};

/* Where a part lies, CPUID Fn0000_000D_xn; of x87 and SSE it is not said. */
struct nvmm_x86_xpart {
	uint32_t at;
	uint32_t size;
};

struct nvmm_x86_xlayout {
	uint64_t mask;			/* parts, by their bits in XCR0 */
	uint32_t size;			/* bytes of an area with all of them */
	uint32_t mxcsr_mask;
	struct nvmm_x86_xpart part[NVMM_X86_NXPART];
};

/* x87 and SSE alone; and one part more. */
void	nvmm_x86_xlayout_init(struct nvmm_x86_xlayout *, uint32_t mxcsr_mask);
void	nvmm_x86_xlayout_add(struct nvmm_x86_xlayout *, unsigned bit,
	    uint32_t at, uint32_t size);

/* The header of an area. */
static inline struct nvmm_x86_xheader *
nvmm_x86_xheader(void *area)
{

	return (struct nvmm_x86_xheader *)((uint8_t *)area +
	    sizeof(struct fxsave));
}

/*
 * Fill an owner's area of size bytes, at least NVMM_X64_XSTATE_MIN, from the
 * backend's: all parts that fit in it, and XSTATE_BV says that they are there.
 */
void	nvmm_x86_xstate_get(const struct nvmm_x86_xlayout *, const void *own,
	    void *area, size_t size);
/*
 * Take an owner's area. Parts that do not fit in it stay as they are; the
 * others are in own afterwards, initial or not, and own's XSTATE_BV says so.
 * => EINVAL: a part that there is not or that does not fit, the compacted form,
 *    reserved bits of the header, or MXCSR bits that there are not; own is then
 *    as it was.
 */
int	nvmm_x86_xstate_set(const struct nvmm_x86_xlayout *, void *own,
	    const void *area, size_t size);

#endif /* _NVMM_X86_XSTATE_H_ */
