/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guest-virtual memory: linear addresses through the guest's page tables to
 * RAM of the owner's, or to the client's device callback. An access is first
 * translated as a whole, so that a fault on its second page leaves the first
 * alone; then it is carried out in pieces that stay within a page and 8 bytes.
 */

#include <sys/param.h>

#include <errno.h>
#include <string.h>

#include "vmem.h"

#define REP_MAX		4096		/* items before a REP pauses */
#define PIECE_MAX	8		/* bytes, towards a device */
#define NPAGES		2		/* that an operand may touch */

/* Copy from RAM; page tables lie nowhere else. */
static int
vmem_read_table(void *arg, gpaddr_t gpa, void *buf, size_t size)
{
	struct nvmm_machine *mach = arg;
	nvmm_prot_t prot;
	uintptr_t hva;

	if (nvmm_gpa_to_hva(mach, gpa, &hva, &prot) == -1)
		return EFAULT;
	memcpy(buf, (const void *)hva, size);
	return 0;
}

/* The registers that paging depends on. */
static struct x86_paging
vmem_paging(const struct nvmm_vcpu_state *st)
{

	return (struct x86_paging){
		.cr0 = st->crs[NVMM_X64_CR_CR0],
		.cr3 = st->crs[NVMM_X64_CR_CR3],
		.cr4 = st->crs[NVMM_X64_CR_CR4],
		.efer = st->msrs[NVMM_X64_MSR_EFER],
	};
}

/* Translate; the tables are the machine's. 0 or an errno. */
static int
vmem_walk(struct nvmm_machine *mach, const struct nvmm_vcpu_state *st,
    gvaddr_t gva, gpaddr_t *gpa, nvmm_prot_t *prot)
{
	struct x86_paging pg = vmem_paging(st);

	return x86_walk(&pg, gva, vmem_read_table, mach, gpa, prot);
}

/* Translate a guest-virtual address as the guest's tables stand. */
int
nvmm_gva_to_gpa(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu,
    gvaddr_t gva, gpaddr_t *gpa, nvmm_prot_t *prot)
{
	int error;

	if (nvmm_vcpu_getstate(mach, vcpu,
	    NVMM_X64_STATE_CRS | NVMM_X64_STATE_MSRS) == -1)
		return -1;
	error = vmem_walk(mach, vcpu->state, gva, gpa, prot);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

int
vmem_begin(struct vmem *vm, struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{

	*vm = (struct vmem){
		.mach = mach, .vcpu = vcpu, .cpu = { .state = vcpu->state },
	};
	return nvmm_vcpu_getstate(mach, vcpu, VMEM_STATE);
}

/* Raise the #PF of an access, APM vol. 2, 8.2.15. */
static int
vmem_page_fault(struct vmem *vm, gvaddr_t gva, bool present, nvmm_prot_t want)
{
	uint32_t error = 0;

	if (present)
		error |= X86_PF_P;
	if ((want & NVMM_PROT_WRITE) != 0)
		error |= X86_PF_W;
	if (x86_cpl(vm->cpu.state) == 3)
		error |= X86_PF_U;
	(void)x86_raise(&vm->cpu, X86_EXC_PF, error);
	vm->cpu.fault.cr2 = gva;
	return EFAULT;
}

/*
 * True if the page's protection allows the access, APM vol. 2, 5.6; SMAP keeps
 * the supervisor from what is the user's, unless RFLAGS.AC is set.
 */
static bool
vmem_allowed(const struct nvmm_vcpu_state *st, nvmm_prot_t have,
    nvmm_prot_t want)
{
	bool user = x86_cpl(st) == 3;

	if (user && (have & NVMM_PROT_USER) == 0)
		return false;
	if (!user && (have & NVMM_PROT_USER) != 0 &&
	    (st->crs[NVMM_X64_CR_CR4] & X86_CR4_SMAP) != 0 &&
	    (st->gprs[NVMM_X64_GPR_RFLAGS] & X86_FL_AC) == 0)
		return false;
	if ((want & NVMM_PROT_WRITE) == 0 || (have & NVMM_PROT_WRITE) != 0)
		return true;
	return !user && (st->crs[NVMM_X64_CR_CR0] & X86_CR0_WP) == 0;
}

/* Where an access to one page goes; EFAULT with a fault raised. */
static int
vmem_translate(struct vmem *vm, gvaddr_t gva, nvmm_prot_t want, gpaddr_t *gpa)
{
	nvmm_prot_t have;
	int error;

	error = vmem_walk(vm->mach, vm->cpu.state, gva, gpa, &have);
	if (error == EFAULT)
		return vmem_page_fault(vm, gva, false, want);
	if (error != 0)
		return error;
	if (!vmem_allowed(vm->cpu.state, have, want))
		return vmem_page_fault(vm, gva, true, want);
	return 0;
}

/* Bytes from addr to the end of its page, at most size. */
static size_t
vmem_in_page(uint64_t addr, size_t size)
{
	size_t room = NVMM_PAGE_SIZE - (addr & (NVMM_PAGE_SIZE - 1));

	return MIN(room, size);
}

/* The second page's linear address; it wraps at 4 GiB below 64-bit mode. */
static gvaddr_t
vmem_next(const struct vmem *vm, gvaddr_t gva, size_t off)
{

	gva += off;
	return x86_mode(vm->cpu.state) == 64 ? gva : (uint32_t)gva;
}

/* Translate an operand's one or two pages. */
static int
vmem_translate_all(struct vmem *vm, gvaddr_t gva, size_t size,
    nvmm_prot_t want, gpaddr_t gpas[NPAGES])
{
	size_t first = vmem_in_page(gva, size);
	int error;

	error = vmem_translate(vm, gva, want, &gpas[0]);
	if (error == 0 && first < size)
		error = vmem_translate(vm, vmem_next(vm, gva, first), want,
		    &gpas[1]);
	return error;
}

/* One device access. ENOTSUP: the client has no callback. */
static int
vmem_device(struct vmem *vm, gpaddr_t gpa, uint8_t *data, size_t size,
    bool write)
{
	struct nvmm_mem mem = {
		.mach = vm->mach, .vcpu = vm->vcpu, .gpa = gpa,
		.write = write, .size = size, .data = data,
	};

	if (vm->vcpu->cbs.mem == NULL)
		return ENOTSUP;
	vm->vcpu->cbs.mem(&mem);
	return 0;
}

/* Copy within one page of RAM; false if it is not RAM for this access. */
static bool
vmem_ram(struct vmem *vm, gpaddr_t gpa, uint8_t *data, size_t size, bool write)
{
	nvmm_prot_t prot, want = write ? NVMM_PROT_WRITE : NVMM_PROT_READ;
	uintptr_t hva;

	if (nvmm_gpa_to_hva(vm->mach, gpa, &hva, &prot) == -1 ||
	    (prot & want) == 0)
		return false;
	if (write)
		memcpy((void *)hva, data, size);
	else
		memcpy(data, (const void *)hva, size);
	return true;
}

/* One access within a page, RAM or device. */
static int
vmem_piece(struct vmem *vm, gpaddr_t gpa, uint8_t *data, size_t size,
    bool write)
{
	size_t n;
	int error;

	if (vmem_ram(vm, gpa, data, size, write))
		return 0;
	for (; size != 0; gpa += n, data += n, size -= n) {
		n = MIN(size, PIECE_MAX);
		error = vmem_device(vm, gpa, data, n, write);
		if (error != 0)
			return error;
	}
	return 0;
}

/* A whole access: translated, then carried out. */
static int
vmem_access(struct vmem *vm, gvaddr_t gva, uint8_t *data, size_t size,
    bool write, nvmm_prot_t want)
{
	size_t first = vmem_in_page(gva, size);
	gpaddr_t gpas[NPAGES];
	int error;

	error = vmem_translate_all(vm, gva, size, want, gpas);
	if (error == 0)
		error = vmem_piece(vm, gpas[0], data, first, write);
	if (error == 0 && first < size)
		error = vmem_piece(vm, gpas[1], data + first, size - first,
		    write);
	return error;
}

/* The bus's load. */
static int
vmem_load(void *arg, gvaddr_t gva, void *data, size_t size, nvmm_prot_t prot)
{

	memset(data, 0, size);
	return vmem_access(arg, gva, data, size, false, prot);
}

/* The bus's store. */
static int
vmem_store(void *arg, gvaddr_t gva, const void *data, size_t size)
{
	uint8_t copy[16];

	if (size > sizeof(copy))
		return EINVAL;
	memcpy(copy, data, size);
	return vmem_access(arg, gva, copy, size, true, NVMM_PROT_WRITE);
}

/* The bus's pause: a stop was asked for, or it is long enough. */
static bool
vmem_pause(void *arg)
{
	struct vmem *vm = arg;

	return ++vm->items >= REP_MAX ||
	    __atomic_load_n(vm->vcpu->stop, __ATOMIC_RELAXED) != 0;
}

struct x86_bus
vmem_bus(struct vmem *vm)
{

	return (struct x86_bus){
		.arg = vm, .load = vmem_load, .store = vmem_store,
		.pause = vmem_pause,
	};
}

int
vmem_probe_store(struct vmem *vm, gvaddr_t gva, size_t size)
{
	gpaddr_t gpas[NPAGES];

	return vmem_translate_all(vm, gva, size, NVMM_PROT_WRITE, gpas);
}

size_t
vmem_fetch(struct vmem *vm, uint8_t *bytes)
{
	const struct nvmm_vcpu_state *st = vm->cpu.state;
	gvaddr_t gva = st->gprs[NVMM_X64_GPR_RIP];
	size_t have, n;
	nvmm_prot_t prot;
	gpaddr_t gpa;

	if (x86_mode(st) != 64)
		gva = (uint32_t)(gva + st->segs[NVMM_X64_SEG_CS].base);
	for (have = 0; have < X86_INSN_MAX; have += n) {
		n = vmem_in_page(gva, X86_INSN_MAX - have);
		if (vmem_walk(vm->mach, st, gva, &gpa, &prot) != 0 ||
		    !vmem_ram(vm, gpa, bytes + have, n, false))
			break;
		gva = vmem_next(vm, gva, n);
	}
	return have;
}

/* APM vol. 2, 15.21.5. */
int
vmem_clear_shadow(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{

	if (nvmm_vcpu_getstate(mach, vcpu, NVMM_X64_STATE_INTR) == -1)
		return -1;
	vcpu->state->intr.int_shadow = 0;
	return nvmm_vcpu_setstate(mach, vcpu, NVMM_X64_STATE_INTR);
}

/* Let the guest have the exception that its instruction raised. */
static int
vmem_inject(struct vmem *vm)
{
	const struct x86_fault *f = &vm->cpu.fault;
	uint64_t flags = NVMM_X64_STATE_GPRS;

	/* Two events would make a third; that is the client's to know. */
	if (vm->vcpu->exit->exitstate.evt_pending) {
		errno = EFAULT;
		return -1;
	}
	if (f->vector == X86_EXC_PF) {
		vm->vcpu->state->crs[NVMM_X64_CR_CR2] = f->cr2;
		flags |= NVMM_X64_STATE_CRS;
	}
	vm->vcpu->event->type = NVMM_VCPU_EVENT_EXCP;
	vm->vcpu->event->vector = f->vector;
	vm->vcpu->event->u.excp.error = f->error;
	if (nvmm_vcpu_setstate(vm->mach, vm->vcpu, flags) == -1)
		return -1;
	return nvmm_vcpu_inject(vm->mach, vm->vcpu);
}

int
vmem_end(struct vmem *vm, int error)
{

	if (error == EFAULT && vm->cpu.fault.raised)
		return vmem_inject(vm);
	if (error != 0) {
		errno = error;
		return -1;
	}
	if (nvmm_vcpu_setstate(vm->mach, vm->vcpu, NVMM_X64_STATE_GPRS) == -1)
		return -1;
	return vmem_end_shadow(vm->mach, vm->vcpu);
}
