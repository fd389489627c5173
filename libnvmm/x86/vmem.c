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

#include <string.h>

#include "vmem.h"

#define REP_MAX		4096		/* items before a REP pauses */
#define PIECE_MAX	8		/* bytes, towards a device */

/* An operand's one or two pages. */
struct operand {
	gpaddr_t offset;		/* in the first */
	size_t first;			/* bytes in it */
	struct vmem_page *page[2];
};

gvaddr_t
vmem_next(const struct vmem *vm, gvaddr_t gva, size_t off)
{

	gva += off;
	return x86_mode(vm->cpu.state) == 64 ? gva : (uint32_t)gva;
}

/* Translate an operand, all of it. */
static inline int
vmem_operand(struct vmem *vm, gvaddr_t gva, size_t size, unsigned access,
    struct operand *o)
{
	int error;

	o->offset = gva & (NVMM_PAGE_SIZE - 1);
	o->first = vmem_in_page(gva, size);
	error = vmem_page(vm, gva, access, &o->page[0]);
	if (error == 0 && o->first < size)
		error = vmem_page(vm, vmem_next(vm, gva, o->first), access,
		    &o->page[1]);
	return error;
}

/* True if an access of size bytes at p can be one of the processor's. */
static bool
vmem_atomic(const void *p, size_t size)
{

	return (size == 1 || size == 2 || size == 4 || size == 8) &&
	    ((uintptr_t)p & (size - 1)) == 0;
}

/* One access of the processor's, by the type that is as wide. */
#define RAM_LOAD(type, to, from) do {					\
	type val_ = __atomic_load_n((const type *)(from), __ATOMIC_RELAXED); \
									\
	memcpy(to, &val_, sizeof(val_));				\
} while (0)
#define RAM_STORE(type, to, from) do {					\
	type val_;							\
									\
	memcpy(&val_, from, sizeof(val_));				\
	__atomic_store_n((type *)(to), val_, __ATOMIC_RELAXED);		\
} while (0)
#define RAM_SWAP(type, at, old, val, done) do {				\
	type old_, val_;						\
									\
	memcpy(&old_, old, sizeof(old_));				\
	memcpy(&val_, val, sizeof(val_));				\
	done = __atomic_compare_exchange_n((type *)(at), &old_, val_,	\
	    false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);			\
} while (0)

/* From RAM, in one where that can be. */
static void
vmem_from_ram(void *to, const void *from, size_t size)
{

	if (!vmem_atomic(from, size))
		memcpy(to, from, size);
	else if (size == 4)
		RAM_LOAD(uint32_t, to, from);
	else if (size == 8)
		RAM_LOAD(uint64_t, to, from);
	else if (size == 2)
		RAM_LOAD(uint16_t, to, from);
	else
		RAM_LOAD(uint8_t, to, from);
}

/* To RAM, likewise. */
static void
vmem_to_ram(void *to, const void *from, size_t size)
{

	if (!vmem_atomic(to, size))
		memcpy(to, from, size);
	else if (size == 4)
		RAM_STORE(uint32_t, to, from);
	else if (size == 8)
		RAM_STORE(uint64_t, to, from);
	else if (size == 2)
		RAM_STORE(uint16_t, to, from);
	else
		RAM_STORE(uint8_t, to, from);
}

/*
 * One device access of at most PIECE_MAX bytes: to load, or of store. ENOTSUP:
 * the client has no callback.
 */
static int
vmem_device(struct vmem *vm, gpaddr_t gpa, void *load, const void *store,
    size_t size)
{
	uint64_t val = 0;
	struct nvmm_mem mem = {
		.mach = vm->mach, .vcpu = vm->vcpu, .gpa = gpa,
		.write = store != NULL, .size = size, .data = (uint8_t *)&val,
	};

	if (vm->vcpu->cbs.mem == NULL)
		return ENOTSUP;
	if (store != NULL)
		vmem_from_ram(&val, store, size);
	vmem_release(vm);
	vm->vcpu->cbs.mem(&mem);
	if (store == NULL)
		vmem_to_ram(load, &val, size);
	return 0;
}

/* The same of any size. */
static int
vmem_pieces(struct vmem *vm, gpaddr_t gpa, uint8_t *load, const uint8_t *store,
    size_t size)
{
	size_t n, off;
	int error;

	for (off = 0; off < size; off += n) {
		n = MIN(size - off, PIECE_MAX);
		error = vmem_device(vm, gpa + off,
		    load != NULL ? load + off : NULL,
		    store != NULL ? store + off : NULL, n);
		if (error != 0)
			return error;
	}
	return 0;
}

/* Load from one page, RAM or device. */
static inline int
vmem_load_page(struct vmem *vm, struct vmem_page *p, size_t offset, void *data,
    size_t size)
{

	vmem_page_refresh(vm, p);
	if (p->base == NULL)
		return size <= PIECE_MAX ?
		    vmem_device(vm, p->xlat.gpa + offset, data, NULL, size) :
		    vmem_pieces(vm, p->xlat.gpa + offset, data, NULL, size);
	vmem_from_ram(data, p->base + offset, size);
	return 0;
}

/* Store to one page; ROM is as a device. */
static inline int
vmem_store_page(struct vmem *vm, struct vmem_page *p, size_t offset,
    const void *data, size_t size)
{

	vmem_page_refresh(vm, p);
	if (p->base == NULL || !p->writable)
		return size <= PIECE_MAX ?
		    vmem_device(vm, p->xlat.gpa + offset, NULL, data, size) :
		    vmem_pieces(vm, p->xlat.gpa + offset, NULL, data, size);
	vmem_to_ram(p->base + offset, data, size);
	return 0;
}

/* The bus's load. */
static int
vmem_load(void *arg, gvaddr_t gva, void *data, size_t size, nvmm_prot_t prot)
{
	unsigned access = (prot & NVMM_PROT_WRITE) != 0 ? X86_ACC_WRITE : 0;
	struct operand o;
	int error;

	error = vmem_operand(arg, gva, size, access, &o);
	if (error == 0)
		error = vmem_load_page(arg, o.page[0], o.offset, data, o.first);
	if (error == 0 && o.first < size)
		error = vmem_load_page(arg, o.page[1], 0,
		    (uint8_t *)data + o.first, size - o.first);
	return error;
}

/* The bus's store. */
static int
vmem_store(void *arg, gvaddr_t gva, const void *data, size_t size)
{
	struct operand o;
	int error;

	error = vmem_operand(arg, gva, size, X86_ACC_WRITE, &o);
	if (error == 0)
		error = vmem_store_page(arg, o.page[0], o.offset, data,
		    o.first);
	if (error == 0 && o.first < size)
		error = vmem_store_page(arg, o.page[1], 0,
		    (const uint8_t *)data + o.first, size - o.first);
	return error;
}

/* The widest, CMPXCHG16B's. */
static bool
vmem_exchange_16(void *at, const void *old, const void *val)
{
	uint64_t was[2], is[2];
	bool done;

	memcpy(was, old, sizeof(was));
	memcpy(is, val, sizeof(is));
	__asm volatile("lock cmpxchg16b %1"
	    : "=@ccz" (done), "+m" (*(uint64_t (*)[2])at),
	      "+a" (was[0]), "+d" (was[1])
	    : "b" (is[0]), "c" (is[1])
	    : "memory");
	return done;
}

/* Put val where old is, in one. => EAGAIN: something else is there. */
static int
vmem_exchange(void *at, const void *old, const void *val, size_t size)
{
	bool done;

	if (size == 16)
		done = vmem_exchange_16(at, old, val);
	else if (size == 4)
		RAM_SWAP(uint32_t, at, old, val, done);
	else if (size == 8)
		RAM_SWAP(uint64_t, at, old, val, done);
	else if (size == 2)
		RAM_SWAP(uint16_t, at, old, val, done);
	else
		RAM_SWAP(uint8_t, at, old, val, done);
	return done ? 0 : EAGAIN;
}

/* The bus's swap. */
static int
vmem_swap(void *arg, gvaddr_t gva, const void *old, const void *data,
    size_t size)
{
	struct operand o;
	int error;

	error = vmem_operand(arg, gva, size, X86_ACC_WRITE, &o);
	if (error != 0)
		return error;
	vmem_page_refresh(arg, o.page[0]);
	if (!o.page[0]->writable ||
	    (!vmem_atomic(o.page[0]->base + o.offset, size) &&
	    (size != 16 || o.offset % 16 != 0)))
		return vmem_store(arg, gva, data, size);
	return vmem_exchange(o.page[0]->base + o.offset, old, data, size);
}

/* True if the client waits for the guest to take an event, or has sent one. */
static bool
vmem_event(const struct vmem *vm)
{
	const struct nvmm_vcpu_exit *exit = vm->vcpu->exit;
	const struct nvmm_comm_page *comm = nvmm_comm(vm->vcpu);

	return exit->exitstate.nmi_window_exiting ||
	    (exit->exitstate.int_window_exiting &&
	    (exit->exitstate.rflags & X86_FL_IF) != 0) ||
	    comm->event_commit != 0 ||
	    (comm->state_commit & NVMM_X64_STATE_INTR) != 0;
}

/*
 * The bus's pause: a stop was asked for, an event has its turn, or it is long
 * enough.
 */
static bool
vmem_pause(void *arg)
{
	struct vmem *vm = arg;

	return ++vm->items >= REP_MAX || vmem_event(vm) ||
	    __atomic_load_n(vm->vcpu->stop, __ATOMIC_RELAXED) != 0;
}

/* The bus's probe. */
static int
vmem_probe(void *arg, gvaddr_t gva, size_t size, nvmm_prot_t prot)
{
	unsigned access = (prot & NVMM_PROT_WRITE) != 0 ? X86_ACC_WRITE : 0;
	struct operand o;

	return vmem_operand(arg, gva, size, access, &o);
}

struct x86_bus
vmem_bus(struct vmem *vm)
{

	return (struct x86_bus){
		.arg = vm, .load = vmem_load, .store = vmem_store,
		.swap = vmem_swap, .probe = vmem_probe, .pause = vmem_pause,
	};
}
