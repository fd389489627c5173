/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Segments, control registers and XCR0. KVM has most of them in one structure,
 * which is fetched once, changed, and handed back as a whole where it differs.
 */

#include "kvm.h"

#define CR8_MAX		0xF
#define CR0_PG		0x80000000ULL
#define EFER_LME	0x00000100ULL
#define EFER_LMA	0x00000400ULL

/* GDT and IDT are tables, not segments: see dtable_map. */
static const struct {
	unsigned index;
	size_t at;
} seg_map[] = {
	{ NVMM_X64_SEG_ES, AT(kvm_sregs, es) },
	{ NVMM_X64_SEG_CS, AT(kvm_sregs, cs) },
	{ NVMM_X64_SEG_SS, AT(kvm_sregs, ss) },
	{ NVMM_X64_SEG_DS, AT(kvm_sregs, ds) },
	{ NVMM_X64_SEG_FS, AT(kvm_sregs, fs) },
	{ NVMM_X64_SEG_GS, AT(kvm_sregs, gs) },
	{ NVMM_X64_SEG_LDT, AT(kvm_sregs, ldt) },
	{ NVMM_X64_SEG_TR, AT(kvm_sregs, tr) },
}, dtable_map[] = {
	{ NVMM_X64_SEG_GDT, AT(kvm_sregs, gdt) },
	{ NVMM_X64_SEG_IDT, AT(kvm_sregs, idt) },
};

/* XCR0 lies elsewhere. */
static const size_t cr_map[] = {
	[NVMM_X64_CR_CR0] = AT(kvm_sregs, cr0),
	[NVMM_X64_CR_CR2] = AT(kvm_sregs, cr2),
	[NVMM_X64_CR_CR3] = AT(kvm_sregs, cr3),
	[NVMM_X64_CR_CR4] = AT(kvm_sregs, cr4),
	[NVMM_X64_CR_CR8] = AT(kvm_sregs, cr8),
};

/* => A CR8 that was set and has not run yet is in run->cr8 alone. */
int
kvm_need_sregs(struct kvm_vcpu *vc)
{
	int error;

	if (vc->valid & KVM_VALID_SREGS)
		return 0;
	error = kvm_ioctl(vc->fd, KVM_GET_SREGS, &vc->sregs);
	if (error)
		return error;
	vc->sregs.cr8 = vc->run->cr8;
	vc->valid |= KVM_VALID_SREGS;
	return 0;
}

/* True if only CR8 differs, which travels with each run, or nothing. */
static bool
sregs_same(const struct kvm_sregs *a, const struct kvm_sregs *b)
{
	struct kvm_sregs c = *b;

	c.cr8 = a->cr8;
	return memcmp(a, &c, sizeof(c)) == 0;
}

/*
 * Hand sregs to KVM, which has them as before. LMA follows from LME and
 * paging; KVM wants it right. An interrupt under way stays so without its bit.
 */
int
kvm_put_sregs(struct kvm_vcpu *vc, const struct kvm_sregs *before)
{
	struct kvm_sregs *s = &vc->sregs;
	int error;

	s->efer &= ~EFER_LMA;
	if ((s->efer & EFER_LME) && (s->cr0 & CR0_PG))
		s->efer |= EFER_LMA;
	error = s->cr8 > CR8_MAX ? EINVAL : 0;
	if (!error && !sregs_same(s, before)) {
		memset(s->interrupt_bitmap, 0, sizeof(s->interrupt_bitmap));
		error = kvm_ioctl(vc->fd, KVM_SET_SREGS, s);
	}
	if (!error)
		vc->run->cr8 = s->cr8;
	return error;
}

static void
seg_get(struct nvmm_x64_state_seg *seg, const struct kvm_segment *k)
{

	memset(seg, 0, sizeof(*seg));
	seg->selector = k->selector;
	seg->limit = k->limit;
	seg->base = k->base;
	seg->attrib.type = k->type;
	seg->attrib.s = k->s;
	seg->attrib.dpl = k->dpl;
	seg->attrib.p = k->present && !k->unusable;
	seg->attrib.avl = k->avl;
	seg->attrib.l = k->l;
	seg->attrib.def = k->db;
	seg->attrib.g = k->g;
}

static void
seg_set(struct kvm_segment *k, const struct nvmm_x64_state_seg *seg)
{

	memset(k, 0, sizeof(*k));
	k->selector = seg->selector;
	k->limit = seg->limit;
	k->base = seg->base;
	k->type = seg->attrib.type;
	k->s = seg->attrib.s;
	k->dpl = seg->attrib.dpl;
	k->present = seg->attrib.p;
	k->avl = seg->attrib.avl;
	k->l = seg->attrib.l;
	k->db = seg->attrib.def;
	k->g = seg->attrib.g;
	k->unusable = !seg->attrib.p;
}

/* => sregs are valid, here and below. */
int
kvm_get_segs(struct kvm_vcpu *vc, struct nvmm_x64_state *state)
{
	const struct kvm_dtable *table;
	const void *sregs = &vc->sregs;
	struct nvmm_x64_state_seg *seg;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(seg_map); i++)
		seg_get(&state->segs[seg_map[i].index],
		    (const void *)((const uint8_t *)sregs + seg_map[i].at));
	for (i = 0; i < ARRAY_SIZE(dtable_map); i++) {
		table = (const void *)((const uint8_t *)sregs +
		    dtable_map[i].at);
		seg = &state->segs[dtable_map[i].index];
		memset(seg, 0, sizeof(*seg));
		seg->base = table->base;
		seg->limit = table->limit;
	}
	return 0;
}

int
kvm_set_segs(struct kvm_vcpu *vc, const struct nvmm_x64_state *state)
{
	const struct nvmm_x64_state_seg *seg;
	void *sregs = &vc->sregs;
	struct kvm_dtable *table;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(seg_map); i++)
		seg_set((void *)((uint8_t *)sregs + seg_map[i].at),
		    &state->segs[seg_map[i].index]);
	for (i = 0; i < ARRAY_SIZE(dtable_map); i++) {
		table = (void *)((uint8_t *)sregs + dtable_map[i].at);
		seg = &state->segs[dtable_map[i].index];
		table->base = seg->base;
		table->limit = (uint16_t)seg->limit;
	}
	return 0;
}

/* XCR0; where KVM has none, that of a processor without XSAVE. */
static int
need_xcr0(struct kvm_vcpu *vc)
{
	struct kvm_xcrs xcrs;
	int error;

	if (vc->valid & KVM_VALID_XCR0)
		return 0;
	vc->xcr0 = 1;
	if (kvm_host.xcrs) {
		error = kvm_ioctl(vc->fd, KVM_GET_XCRS, &xcrs);
		if (error)
			return error;
		if (xcrs.nr_xcrs > 0 && xcrs.xcrs[0].xcr == 0)
			vc->xcr0 = xcrs.xcrs[0].value;
	}
	vc->valid |= KVM_VALID_XCR0;
	return 0;
}

/* => EINVAL: not among the bits of the capability. ENOTSUP: KVM has no XCR0. */
static int
put_xcr0(struct kvm_vcpu *vc, uint64_t value)
{
	struct kvm_xcrs xcrs;
	int error;

	error = need_xcr0(vc);
	if (error || vc->xcr0 == value)
		return error;
	if (!kvm_host.xcrs)
		return ENOTSUP;
	memset(&xcrs, 0, sizeof(xcrs));
	xcrs.nr_xcrs = 1;
	xcrs.xcrs[0].value = value;
	error = kvm_ioctl(vc->fd, KVM_SET_XCRS, &xcrs);
	if (!error)
		vc->xcr0 = value;
	return error;
}

int
kvm_get_crs(struct kvm_vcpu *vc, struct nvmm_x64_state *state)
{
	size_t i;
	int error;

	for (i = 0; i < ARRAY_SIZE(cr_map); i++)
		state->crs[i] = kvm_reg_load(&vc->sregs, cr_map[i]);
	error = need_xcr0(vc);
	if (!error)
		state->crs[NVMM_X64_CR_XCR0] = vc->xcr0;
	return error;
}

int
kvm_set_crs(struct kvm_vcpu *vc, const struct nvmm_x64_state *state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cr_map); i++)
		kvm_reg_store(&vc->sregs, cr_map[i], state->crs[i]);
	return put_xcr0(vc, state->crs[NVMM_X64_CR_XCR0]);
}
