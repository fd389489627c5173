/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Pages of guest-virtual memory: translated, found in the owner's memory, and
 * remembered.
 *
 * The machine's links are held from the first look at memory on, so that no
 * other thread unmaps what is being looked at, and let go of before the client
 * is called.
 *
 * Within an instruction a page is translated once: what it loads and stores
 * back, and the items of a REP, see one translation, as on a CPU with a TLB,
 * which no other instruction comes to flush in between. The next instruction
 * reads the entries of that walk again, and walks anew unless they hold what
 * they held and the links are the same; so nothing has to be flushed, ever, and
 * what is found is what a walk would find.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../areas.h"
#include "../maps.h"
#include "vmem.h"

#define PAGE_MASK	((uint64_t)NVMM_PAGE_SIZE - 1)
#define NO_PAGE		UINT64_MAX	/* as no key is: see vmem_page() */

/* Hold the links. => False: the machine has none. */
static inline bool
page_hold(struct vmem *vm)
{

	if (vm->held == NULL)
		vm->held = nvmm_maps_hold(vm->mach->areas);
	return vm->held != NULL;
}

/* x86_ram's seek: to the link that holds gpa. */
static bool
page_seek(struct x86_ram *ram, gpaddr_t gpa)
{
	const struct nvmm_area *a;
	struct vmem *vm = ram->arg;

	if (!page_hold(vm))
		return false;
	a = nvmm_areas_find(vm->held, gpa);
	if (a == NULL)
		return false;
	ram->gpa = a->gpa;
	ram->size = a->size;
	ram->base = (uint8_t *)a->hva;
	ram->writable = (a->prot & NVMM_PROT_WRITE) != 0;
	return true;
}

void
vmem_release(struct vmem *vm)
{

	if (vm->held == NULL)
		return;
	nvmm_maps_release(vm->mach->areas);
	vm->held = NULL;
	vm->ram.size = 0;
}

/* The registers that paging depends on. */
static inline void
page_paging(struct x86_paging *pg, const struct nvmm_vcpu_state *st)
{

	pg->cr0 = st->crs[NVMM_X64_CR_CR0];
	pg->cr3 = st->crs[NVMM_X64_CR_CR3];
	pg->cr4 = st->crs[NVMM_X64_CR_CR4];
	pg->efer = st->msrs[NVMM_X64_MSR_EFER];
}

/* Forget all pages, for the registers that are in .paging now. */
static void
tlb_reset(struct vmem_tlb *tlb)
{
	unsigned i;

	for (i = 0; i < VMEM_NPAGES; i++)
		tlb->page[i].key = NO_PAGE;
}

struct vmem_tlb *
vmem_tlb(struct nvmm_machine *mach, nvmm_cpuid_t cpuid)
{
	void **slot = nvmm_maps_slot(mach->areas, cpuid);
	struct vmem_tlb *tlb = *slot;

	if (tlb != NULL)
		return tlb;
	tlb = calloc(1, sizeof(*tlb));
	if (tlb == NULL)
		return NULL;
	tlb_reset(tlb);
	x86_paging_host(&tlb->paging);
	*slot = tlb;
	return tlb;
}

int
vmem_init(struct vmem *vm, struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{
	const struct nvmm_vcpu_state *st = vcpu->state;
	struct vmem_tlb *tlb = vmem_tlb(mach, vcpu->cpuid);

	if (tlb == NULL)
		return -1;
	*vm = (struct vmem){
		.mach = mach, .vcpu = vcpu, .cpu = { .state = vcpu->state },
		.tlb = tlb, .ram = { .seek = page_seek, .arg = vm },
	};
	tlb->insn++;
	if (tlb->paging.cr3 != st->crs[NVMM_X64_CR_CR3] ||
	    tlb->paging.cr0 != st->crs[NVMM_X64_CR_CR0] ||
	    tlb->paging.cr4 != st->crs[NVMM_X64_CR_CR4] ||
	    tlb->paging.efer != st->msrs[NVMM_X64_MSR_EFER]) {
		tlb_reset(tlb);
		page_paging(&tlb->paging, st);
	}
	return 0;
}

/* Translate a guest-virtual address as the guest's tables stand. */
int
nvmm_gva_to_gpa(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu,
    gvaddr_t gva, gpaddr_t *gpa, nvmm_prot_t *prot)
{
	struct vmem vm = {
		.mach = mach, .ram = { .seek = page_seek, .arg = &vm },
	};
	struct x86_paging pg;
	struct x86_xlat t;
	int error;

	if (nvmm_vcpu_getstate(mach, vcpu,
	    NVMM_X64_STATE_CRS | NVMM_X64_STATE_MSRS) == -1)
		return -1;
	x86_paging_host(&pg);
	page_paging(&pg, vcpu->state);
	error = x86_walk(&pg, &vm.ram, gva, X86_ACC_QUERY, &t);
	vmem_release(&vm);
	if (error != 0) {
		errno = error == ENOTSUP ? ENOTSUP : EFAULT;
		return -1;
	}
	*gpa = t.gpa;
	*prot = t.prot;
	return 0;
}

/* Find out what lies at the page. => The links are held. */
static void __attribute__((noinline))
page_locate(struct vmem *vm, struct vmem_page *p)
{

	p->base = x86_ram_at(&vm->ram, p->xlat.gpa);
	p->writable = p->base != NULL && vm->ram.writable;
	p->changes = vm->held != NULL ? vm->held->changes : 0;
}

void
vmem_page_refresh(struct vmem *vm, struct vmem_page *p)
{

	if (!page_hold(vm) || p->changes != vm->held->changes)
		page_locate(vm, p);
}

/* Walk for the access to gva; see vmem_page(). */
static int __attribute__((noinline))
page_walk(struct vmem *vm, gvaddr_t gva, unsigned access, struct vmem_page *p)
{
	int error;

	p->key = NO_PAGE;
	error = x86_walk(&vm->tlb->paging, &vm->ram, gva, access, &p->xlat);
	if (error == EFAULT) {
		(void)x86_raise(&vm->cpu, X86_EXC_PF, p->xlat.error);
		vm->cpu.fault.cr2 = gva;
		return EFAULT;
	}
	if (error == ENXIO) {
		vm->cpu.fault.raised = false;
		return EFAULT;
	}
	if (error != 0)
		return error;
	p->xlat.gpa &= ~PAGE_MASK;
	p->key = (gva & ~PAGE_MASK) | access;
	p->insn = vm->tlb->insn;
	page_locate(vm, p);
	return 0;
}

/* True if the page's translation is as good as a walk's would be. */
static inline bool
page_current(struct vmem *vm, const struct vmem_page *p)
{

	return page_hold(vm) && p->changes == vm->held->changes &&
	    x86_xlat_same(&p->xlat);
}

int
vmem_page(struct vmem *vm, gvaddr_t gva, unsigned access,
    struct vmem_page **page)
{
	struct vmem_tlb *tlb = vm->tlb;
	struct vmem_page *p;

	/* Two each by kind, so that neighbours do not displace each other. */
	p = &tlb->page[(access & (X86_ACC_WRITE | X86_ACC_EXEC)) * 2 +
	    (gva / NVMM_PAGE_SIZE) % 2];
	*page = p;
	access |= vm->access;
	if (p->key != ((gva & ~PAGE_MASK) | access))
		return page_walk(vm, gva, access, p);
	if (p->insn == tlb->insn)
		return 0;
	if (!page_current(vm, p))
		return page_walk(vm, gva, access, p);
	p->insn = tlb->insn;
	return 0;
}
