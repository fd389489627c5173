/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * See nvmm_x86_xstate.h.
 */

#include "nvmm_internal.h"
#include "x86/nvmm_x86_xstate.h"

OS_CTASSERT(sizeof(struct nvmm_x86_xheader) == 64);
OS_CTASSERT(sizeof(struct fxsave) + sizeof(struct nvmm_x86_xheader) ==
    NVMM_X64_XSTATE_MIN);

/* The x87's control word once initialized, APM vol. 2, 11.5.7. */
#define X87_FCW_INITIAL		0x37F

void
nvmm_x86_xlayout_init(struct nvmm_x86_xlayout *l, uint32_t mxcsr_mask)
{

	memset(l, 0, sizeof(*l));
	l->mask = NVMM_X86_XCR0_X87 | NVMM_X86_XCR0_SSE;
	l->size = NVMM_X64_XSTATE_MIN;
	l->mxcsr_mask = mxcsr_mask;
}

void
nvmm_x86_xlayout_add(struct nvmm_x86_xlayout *l, unsigned bit, uint32_t at,
    uint32_t size)
{

	OS_ASSERT(bit >= 2 && bit < NVMM_X86_NXPART);
	OS_ASSERT(at >= NVMM_X64_XSTATE_MIN);
	l->mask |= 1ULL << bit;
	l->part[bit].at = at;
	l->part[bit].size = size;
	if (at + size > l->size)
		l->size = at + size;
}

/* The parts that an area of size bytes has room for. */
static uint64_t
xstate_fit(const struct nvmm_x86_xlayout *l, size_t size)
{
	uint64_t fit;
	unsigned i;

	fit = l->mask;
	for (i = 2; i < NVMM_X86_NXPART; i++) {
		if ((fit >> i & 1) != 0 &&
		    size < (size_t)l->part[i].at + l->part[i].size)
			fit &= ~(1ULL << i);
	}
	return fit;
}

/*
 * x87, SSE and MXCSR, which comes with every area whatever XSTATE_BV says of
 * the others.
 */
static void
copy_legacy(const struct nvmm_x86_xlayout *l, struct fxsave *to,
    const struct fxsave *from, uint64_t bv)
{

	memset(to, 0, sizeof(*to));
	if ((bv & NVMM_X86_XCR0_X87) != 0) {
		memcpy(to, from, offsetof(struct fxsave, fx_mxcsr));
		memcpy(to->fx_87_ac, from->fx_87_ac, sizeof(to->fx_87_ac));
	} else
		to->fx_cw = X87_FCW_INITIAL;
	if ((bv & NVMM_X86_XCR0_SSE) != 0)
		memcpy(to->fx_xmm, from->fx_xmm, sizeof(to->fx_xmm));
	to->fx_mxcsr = from->fx_mxcsr;
	to->fx_mxcsr_mask = l->mxcsr_mask;
}

/* The parts beyond these. Of one that bv has not, the initial state is zero. */
static void
copy_parts(const struct nvmm_x86_xlayout *l, void *to, const void *from,
    uint64_t parts, uint64_t bv)
{
	const struct nvmm_x86_xpart *p;
	unsigned i;

	for (i = 2; i < NVMM_X86_NXPART; i++) {
		if ((parts >> i & 1) == 0)
			continue;
		p = &l->part[i];
		if ((bv >> i & 1) != 0)
			memcpy((uint8_t *)to + p->at,
			    (const uint8_t *)from + p->at, p->size);
		else
			memset((uint8_t *)to + p->at, 0, p->size);
	}
}

/* The header of an area that is only read. */
static const struct nvmm_x86_xheader *
header_of(const void *area)
{

	return (const struct nvmm_x86_xheader *)((const uint8_t *)area +
	    sizeof(struct fxsave));
}

void
nvmm_x86_xstate_get(const struct nvmm_x86_xlayout *l, const void *own,
    void *area, size_t size)
{
	uint64_t bv, fit;

	OS_ASSERT(size >= NVMM_X64_XSTATE_MIN);
	memset(area, 0, size);
	bv = header_of(own)->xstate_bv;
	fit = xstate_fit(l, size);
	copy_legacy(l, area, own, bv);
	copy_parts(l, area, own, fit, bv);
	nvmm_x86_xheader(area)->xstate_bv = fit;
}

static bool
header_valid(const struct nvmm_x86_xheader *h, uint64_t fit)
{
	unsigned i;

	if ((h->xstate_bv & ~fit) != 0 || h->xcomp_bv != 0)
		return false;
	for (i = 0; i < sizeof(h->rsvd) / sizeof(h->rsvd[0]); i++) {
		if (h->rsvd[i] != 0)
			return false;
	}
	return true;
}

int
nvmm_x86_xstate_set(const struct nvmm_x86_xlayout *l, void *own,
    const void *area, size_t size)
{
	const struct fxsave *fx = area;
	uint64_t bv, fit;

	OS_ASSERT(size >= NVMM_X64_XSTATE_MIN);
	fit = xstate_fit(l, size);
	if (!header_valid(header_of(area), fit) ||
	    (fx->fx_mxcsr & ~l->mxcsr_mask) != 0)
		return EINVAL;
	bv = header_of(area)->xstate_bv;
	copy_legacy(l, own, fx, bv);
	copy_parts(l, own, area, fit, bv);
	nvmm_x86_xheader(own)->xstate_bv |= fit;
	return 0;
}
