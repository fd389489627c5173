/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guest memory: what its links allow, what happens when they change, also
 * under a guest that runs, and that there may be much of it.
 */

#include <sys/mman.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "h_case.h"

#define RX	(NVMM_PROT_READ | NVMM_PROT_EXEC)
#define RW	(NVMM_PROT_READ | NVMM_PROT_WRITE)
#define PAGE	4096ULL
#define GPA	0xb0000ULL		/* in the hole */
#define BACK	(G_HIGH + 0x10000)	/* what is linked there, and next to it */
#define BACK2	(G_HIGH + 0x20000)
#define GIB	(1ULL << 30)
#define PTE	0x7
#define PTE_2M	0x87

static void
link_page(struct vm *vm, uint64_t gpa, uint64_t off, int prot)
{

	ATF_REQUIRE_EQ_MSG(0, nvmm_gpa_map(&vm->mach,
	    (uintptr_t)vm->ram + off, gpa, PAGE, prot), "%s",
	    strerror(errno));
}

static void
unlink_page(struct vm *vm, uint64_t gpa, uint64_t off)
{

	ATF_REQUIRE_EQ(0, nvmm_gpa_unmap(&vm->mach,
	    (uintptr_t)vm->ram + off, gpa, PAGE));
}

static void
put32(struct vm *vm, uint64_t gpa, uint32_t val)
{

	vm_poke(vm, gpa, &val, sizeof(val));
}

static void
put64(struct vm *vm, uint64_t gpa, uint64_t val)
{

	vm_poke(vm, gpa, &val, sizeof(val));
}

/* A write to ROM is the owner's, and the ROM what it was. */
static void
rom(struct vm *vm)
{

	link_page(vm, GPA, BACK, RX);
	put32(vm, BACK + 8, 0xcafef00d);
	VM_START(vm, VM_LONG, g_rw);
	vm_gpr(vm, R_RBX, GPA + 8);
	VM_PORT(vm, 0x80);
	VM_CHECK_EQ(0xcafef00d, vm_val(vm));
	VM_EXIT(vm, NVMM_VCPU_EXIT_MEMORY);
	VM_CHECK_EQ(GPA + 8, vm_exit(vm)->u.mem.gpa);
	ATF_CHECK((vm_exit(vm)->u.mem.prot & NVMM_PROT_WRITE) != 0);
	vm_assist(vm);
	ATF_REQUIRE_EQ(1, vm->cpus[0].naccess);
	VM_CHECK_EQ(0x0badf00d, vm->cpus[0].access[0].val);
	VM_PORT(vm, 0x81);
	VM_CHECK_EQ(0xcafef00d, vm_val(vm));
	VM_CHECK_EQ(0xcafef00d, vm_peek(vm, BACK + 8, 4));
}

/* Code runs out of ROM. */
static void
rom_code(struct vm *vm)
{
	extern const uint8_t g_patched[], g_patched_end[];

	link_page(vm, GPA, BACK, RX);
	vm_poke(vm, BACK, g_patched, (size_t)(g_patched_end - g_patched));
	VM_START(vm, VM_LONG, g_jump);
	vm_gpr(vm, R_RBX, GPA);
	VM_PORT(vm, 0x80);
	VM_CHECK_EQ(0x11111111, vm_val(vm));
}

static void
noexec(struct vm *vm)
{

	link_page(vm, GPA, BACK, RW);
	VM_START(vm, VM_LONG, g_rw);
	vm_gpr(vm, R_RBX, GPA + 8);
	VM_PORT(vm, 0x80);
	VM_PORT(vm, 0x81);
	VM_CHECK_EQ(0x0badf00d, vm_val(vm));
	VM_START(vm, VM_LONG, g_jump);
	vm_gpr(vm, R_RBX, GPA + 0x10);
	VM_EXIT(vm, NVMM_VCPU_EXIT_MEMORY);
	VM_CHECK_EQ(GPA + 0x10, vm_exit(vm)->u.mem.gpa);
	ATF_CHECK((vm_exit(vm)->u.mem.prot & NVMM_PROT_EXEC) != 0);
	VM_CHECK_EQ(GPA + 0x10, vm_reg(vm, R_RIP));
}

/* Memory that nobody has touched is zero, and is the owner's too then. */
static void
fresh(struct vm *vm)
{

	link_page(vm, GPA, BACK, RWX);
	VM_START(vm, VM_LONG, g_rw);
	vm_gpr(vm, R_RBX, GPA + 0x20);
	VM_PORT(vm, 0x80);
	VM_CHECK_EQ(0, vm_val(vm));
	VM_PORT(vm, 0x81);
	VM_CHECK_EQ(0x0badf00d, vm_peek(vm, BACK + 0x20, 4));
}

/* A link that changes is seen at once. */
static void
relink(struct vm *vm)
{
	unsigned i;

	put32(vm, BACK, 1);
	put32(vm, BACK2, 2);
	link_page(vm, GPA, BACK, RWX);
	VM_START(vm, VM_LONG, g_read);
	vm_gpr(vm, R_RBX, GPA);
	for (i = 0; i < 10; i++) {
		VM_PORT(vm, 0x80);
		ATF_CHECK_EQ(1, vm_val(vm));
		unlink_page(vm, GPA, BACK);
		link_page(vm, GPA, BACK2, RWX);
		VM_PORT(vm, 0x80);
		ATF_CHECK_EQ(2, vm_val(vm));
		unlink_page(vm, GPA, BACK2);
		vm->cpus[0].answer = 1;
		VM_EXIT(vm, NVMM_VCPU_EXIT_MEMORY);
		link_page(vm, GPA, BACK, RWX);
		/* KVM has begun the instruction already. */
		if (!vm_can(NVMM_IMPL_RAW_EXITS))
			vm_assist(vm);
	}
}

/* From writable to ROM and back. */
static void
reprotect(struct vm *vm)
{

	link_page(vm, GPA, BACK, RWX);
	VM_START(vm, VM_LONG, g_rw);
	vm_gpr(vm, R_RBX, GPA);
	VM_PORT(vm, 0x80);
	VM_PORT(vm, 0x81);
	unlink_page(vm, GPA, BACK);
	link_page(vm, GPA, BACK, RX);
	put32(vm, BACK, 7);
	VM_START(vm, VM_LONG, g_rw);
	vm_gpr(vm, R_RBX, GPA);
	VM_PORT(vm, 0x80);
	VM_EXIT(vm, NVMM_VCPU_EXIT_MEMORY);
	ATF_CHECK_EQ(7, vm_peek(vm, BACK, 4));
}

static void
twice(struct vm *vm)
{

	link_page(vm, GPA, BACK, RWX);
	link_page(vm, GPA + 5 * PAGE, BACK, RWX);
	VM_START(vm, VM_LONG, g_twice);
	vm_gpr(vm, R_RBX, GPA + 0x123);
	vm_gpr(vm, R_RCX, GPA + 5 * PAGE + 0x123);
	VM_PORT(vm, 0x80);
	VM_CHECK_EQ(0x11223344, vm_val(vm));
	VM_PORT(vm, 0x81);
	VM_CHECK_EQ(0x55667788, vm_val(vm));
	VM_CHECK_EQ(0x55667788, vm_peek(vm, BACK + 0x123, 4));
}

static void *
run_thread(void *arg)
{
	struct vm *vm = arg;

	return (void *)(uintptr_t)vm_run(vm);
}

static void
wait_count(struct vm *vm, uint64_t off, uint64_t more)
{
	const volatile uint64_t *p = (volatile uint64_t *)(vm->ram + off);
	uint64_t from = *p;

	while (*p - from < more)
		(void)usleep(100);
}

/* The guest leaves for the page that was taken from under it. */
static void
unlink_running(struct vm *vm)
{
	pthread_t thread;
	uint64_t count;
	void *reason;
	unsigned i;

	link_page(vm, GPA, BACK, RWX);
	VM_START(vm, VM_LONG, g_count);
	vm_sti_cpu(vm, 0);
	vm_gpr(vm, R_RBX, GPA);
	vm_alarm(vm, VM_SECONDS);
	for (i = 0; i < 10; i++) {
		ATF_REQUIRE_EQ(0, pthread_create(&thread, NULL, run_thread,
		    vm));
		wait_count(vm, BACK, 100);
		unlink_page(vm, GPA, BACK);
		count = vm_peek(vm, BACK, 8);
		ATF_REQUIRE_EQ(0, pthread_join(thread, &reason));
		VM_CHECK_EQ(NVMM_VCPU_EXIT_MEMORY, (uintptr_t)reason);
		VM_CHECK_EQ(GPA, vm_exit(vm)->u.mem.gpa);
		VM_CHECK_EQ(count, vm_peek(vm, BACK, 8));
		link_page(vm, GPA, BACK, RWX);
		if (!vm_can(NVMM_IMPL_RAW_EXITS)) {
			vm_start_cpu(vm, 0, VM_LONG, G_CODE);
			vm_sti_cpu(vm, 0);
			vm_gpr(vm, R_RBX, GPA);
		}
	}
	vm_alarm(vm, 0);
}

/* A guest that waits sees the memory that comes in the place of another. */
static void
relink_running(struct vm *vm)
{
	pthread_t thread;
	void *reason;

	put32(vm, BACK, 1);
	put32(vm, BACK2, 2);
	link_page(vm, GPA, BACK, RWX);
	VM_START(vm, VM_LONG, g_await);
	vm_sti_cpu(vm, 0);
	vm_gpr(vm, R_RBX, GPA);
	vm_gpr(vm, R_RDX, 2);
	vm_alarm(vm, VM_SECONDS);
	ATF_REQUIRE_EQ(0, pthread_create(&thread, NULL, run_thread, vm));
	(void)usleep(20000);
	unlink_page(vm, GPA, BACK);
	link_page(vm, GPA, BACK2, RWX);
	ATF_REQUIRE_EQ(0, pthread_join(thread, &reason));
	/* In between it may have met nothing. */
	if ((uintptr_t)reason == NVMM_VCPU_EXIT_MEMORY) {
		if (!vm_can(NVMM_IMPL_RAW_EXITS))
			vm_start_cpu(vm, 0, VM_LONG, G_CODE);
		vm_gpr(vm, R_RBX, GPA);
		vm_gpr(vm, R_RDX, 2);
		VM_PORT(vm, 0x80);
	} else {
		VM_CHECK_EQ(NVMM_VCPU_EXIT_IO, (uintptr_t)reason);
	}
	vm_alarm(vm, 0);
}

/* What the owner writes while the guest runs. */
static void
write_running(struct vm *vm)
{
	pthread_t thread;
	void *reason;

	VM_START(vm, VM_LONG, g_await);
	vm_sti_cpu(vm, 0);
	vm_gpr(vm, R_RBX, BACK);
	vm_gpr(vm, R_RDX, 0x5a5a);
	vm_alarm(vm, VM_SECONDS);
	ATF_REQUIRE_EQ(0, pthread_create(&thread, NULL, run_thread, vm));
	(void)usleep(20000);
	put32(vm, BACK, 0x5a5a);
	ATF_REQUIRE_EQ(0, pthread_join(thread, &reason));
	VM_CHECK_EQ(NVMM_VCPU_EXIT_IO, (uintptr_t)reason);
	vm_alarm(vm, 0);
}

/* Map n GiB at 4 GiB by 2 MiB pages, tables from G_FREE on. */
static void
map_gib(struct vm *vm, unsigned n, uint64_t first)
{
	uint64_t i, pd;
	unsigned g;

	for (g = 0; g < n; g++) {
		pd = G_FREE + g * PAGE;
		put64(vm, G_PDPT + (4 + g) * 8, pd | PTE);
		for (i = 0; i < 512; i++)
			put64(vm, pd + i * 8,
			    (first + g * GIB + i * 0x200000) | PTE_2M);
	}
}

/* => Skips where the host is too small to be asked. */
static uint8_t *
ram_map(struct vm *vm, uint64_t size, uint64_t gpa)
{
	void *p;

	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ATF_REQUIRE(p != MAP_FAILED);
	if (nvmm_hva_map(&vm->mach, (uintptr_t)p, size) == -1) {
		ATF_REQUIRE_EQ_MSG(ENOMEM, errno, "%s", strerror(errno));
		if ((uint64_t)sysconf(_SC_PHYS_PAGES) * PAGE < 2 * size)
			atf_tc_skip("the driver's ceiling is below 4 GiB on a "
			    "host this small");
		atf_tc_fail("no 4 GiB: %s", strerror(errno));
	}
	ATF_REQUIRE_EQ_MSG(0, nvmm_gpa_map(&vm->mach, (uintptr_t)p, gpa, size,
	    RWX), "%s", strerror(errno));
	return p;
}

/* 4 GiB above 4 GiB, to the last page: a page each 32 MiB, and the last. */
static void
ram_4g(struct vm *vm)
{
	const uint64_t base = 4 * GIB, size = 4 * GIB, stride = 0x2000000;
	uint8_t *ram;
	uint64_t a;

	ram = ram_map(vm, size, base);
	map_gib(vm, 4, base);
	VM_START(vm, VM_LONG, g_fill);
	vm_gpr(vm, R_RBX, base + stride - PAGE);
	vm_gpr(vm, R_RDX, stride);
	vm_gpr(vm, R_RCX, size / stride);
	VM_PORT(vm, 0x80);
	for (a = stride - PAGE; a < size; a += stride)
		VM_CHECK_EQ(base + a, *(uint64_t *)(ram + a));
	VM_CHECK_EQ(2 * base - PAGE, *(uint64_t *)(ram + size - PAGE));
	/* The address behind it is none of the guest's. */
	map_gib(vm, 1, base + size);
	VM_START(vm, VM_LONG, g_read);
	vm_gpr(vm, R_RBX, base);
	VM_EXIT(vm, NVMM_VCPU_EXIT_MEMORY);
	VM_CHECK_EQ(base + size, vm_exit(vm)->u.mem.gpa);
	ATF_REQUIRE_EQ(0, nvmm_gpa_unmap(&vm->mach, (uintptr_t)ram, base,
	    size));
	ATF_REQUIRE_EQ(0, nvmm_hva_unmap(&vm->mach, (uintptr_t)ram, size));
	ATF_REQUIRE_EQ(0, munmap(ram, size));
}

/* A page far up, short of the 128 GiB that a machine may have. */
static void
ram_far(struct vm *vm)
{
	const uint64_t far = 127 * GIB + 0x200000;

	link_page(vm, far + 3 * PAGE, BACK, RWX);
	map_gib(vm, 1, 127 * GIB);
	put32(vm, BACK, 0x12345678);
	VM_START(vm, VM_LONG, g_rw);
	vm_gpr(vm, R_RBX, 4 * GIB + 0x200000 + 3 * PAGE);
	VM_PORT(vm, 0x80);
	VM_CHECK_EQ(0x12345678, vm_val(vm));
	VM_PORT(vm, 0x81);
	VM_CHECK_EQ(0x0badf00d, vm_peek(vm, BACK, 4));
}

/* The guest's own page tables lie where nothing is, for a while. */
static void
walk(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_rw);
	vm_gpr(vm, R_RBX, 4 * GIB);
	map_gib(vm, 1, 0);
	put32(vm, 0, 0x600d);
	put64(vm, G_PDPT + 4 * 8, (GPA + PAGE) | PTE);
	vm_poke(vm, BACK, vm->ram + G_FREE, PAGE);
	VM_EXIT(vm, NVMM_VCPU_EXIT_MEMORY);
	VM_CHECK_EQ(GPA + PAGE, vm_exit(vm)->u.mem.gpa & ~(PAGE - 1));
	link_page(vm, GPA + PAGE, BACK, RWX);
	VM_PORT(vm, 0x80);
	VM_CHECK_EQ(0x600d, vm_val(vm));
}

static void
smc(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_smc);
	VM_PORT(vm, 0x80);
}

static void
smc_alias(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_smc_alias);
	VM_PORT(vm, 0x80);
}

static void
smc_owner(struct vm *vm)
{
	uint32_t i;

	VM_START(vm, VM_LONG, g_patched);
	for (i = 1; i < 20; i++) {
		put32(vm, G_CODE + 1, i);
		VM_PORT(vm, 0x80);
		ATF_CHECK_EQ(i, vm_val(vm));
	}
}

static const struct vm_case table[] = {
	{ "rom", "A write to ROM exits and changes nothing", MUST, MUST, NULL,
	  rom, 0 },
	{ "rom_code", "Code runs in ROM", MUST, MUST, NULL, rom_code, 0 },
	{ "noexec", "Memory without EXEC runs no code", MUST,
	  "KVM has no such memory", NULL, noexec, 0 },
	{ "fresh", "New memory is zero and shared", MUST, MUST, NULL, fresh,
	  0 },
	{ "relink", "A link that changes is seen at once", MUST, MUST, NULL,
	  relink, 0 },
	{ "reprotect", "Memory becomes ROM", MUST, MUST, NULL, reprotect, 0 },
	{ "twice", "One page at two addresses", MUST, MUST, NULL, twice, 0 },
	{ "unlink_running", "Unlinked under a VCPU that runs", MUST, MUST,
	  NULL, unlink_running, 0 },
	{ "relink_running", "Linked elsewhere under a VCPU that runs", MUST,
	  MUST, NULL, relink_running, 0 },
	{ "write_running", "The owner writes under a VCPU that runs", MUST,
	  MUST, NULL, write_running, 0 },
	{ "ram_4g", "4 GiB, to the last page", MUST, MUST, NULL, ram_4g, 0 },
	{ "ram_far", "A page at 127 GiB", MUST, MUST, NULL, ram_far, 0 },
	{ "walk", "A page table that is not there yet", MUST,
	  "KVM reads its guests' tables by itself", NULL, walk, 0 },
	{ "smc", "Code that changes itself", MUST, MUST, NULL, smc, 0 },
	{ "smc_alias", "Code that changes itself by an alias", MUST, MUST,
	  NULL, smc_alias, 0 },
	{ "smc_owner", "Code that the owner changes", MUST, MUST, NULL,
	  smc_owner, 0 },
};

VM_CASES("memory", table)
