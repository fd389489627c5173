/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The library's page walk against the processor's: for random tables, registers
 * and accesses the guest makes the access, and what comes of it must be what
 * x86_walk() makes of the same tables: where it goes, or a page fault with its
 * error code and address, and the accessed and dirty bits afterwards.
 *
 *	NVMM_TEST_WALKS	cases of each mode
 *	NVMM_TEST_SEED	where the random numbers begin
 *
 * Not compared: protection keys, as PKRU is no state of a VCPU's, and G in the
 * two upper levels, which AMD's manual reserves and emulators do not look at.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h_case.h"
#include "h_tables.h"

#define UD		6
#define PF		14
#define A		0x20
#define D		0x40
#define STORED		0x5aa5a55a

enum outcome { DONE, FAULT, OUTSIDE };

/* What became of an access. */
struct result {
	enum outcome what;
	uint32_t error;			/* of a fault */
	uint64_t cr2;
	uint64_t gpa;			/* where it went, its first byte */
	uint64_t second;		/* its third, which may be elsewhere */
	uint64_t val;			/* what was there, or told by the code */
	uint64_t entry[TABLES_MAX];	/* afterwards */
};

static unsigned seen[3];		/* outcomes */

static bool
seek(struct x86_ram *ram, gpaddr_t gpa)
{
	struct vm *vm = ram->arg;

	if (gpa >= G_MMIO)
		return false;
	ram->gpa = 0;
	ram->size = G_MMIO;
	ram->base = vm->ram;
	ram->writable = true;
	return true;
}

static bool
is_ram(uint64_t gpa)
{

	return gpa < G_MMIO || (gpa >= G_HIGH && gpa < G_RAM);
}

/* Four bytes in two halves. */
static uint32_t
halves(struct vm *vm, const struct result *r)
{

	return (uint32_t)(vm_peek(vm, r->gpa, 2) |
	    vm_peek(vm, r->second, 2) << 16);
}

static void
keep_entries(struct vm *vm, const struct tables_case *c, struct result *r)
{
	unsigned i;

	for (i = 0; i < c->n; i++)
		r->entry[i] = tables_get(vm, c, i);
}

/* The walk of one page; false after a fault. */
static bool
walk_page(struct vm *vm, const struct tables_case *c, uint64_t gva,
    struct result *r, uint64_t *gpa)
{
	struct x86_ram ram = { .seek = seek, .arg = vm };
	unsigned access = (c->write ? X86_ACC_WRITE : 0) |
	    (c->exec ? X86_ACC_EXEC : 0) | (c->user ? X86_ACC_USER :
	    c->ac ? X86_ACC_AC : 0);
	struct x86_xlat t;
	int error;

	error = x86_walk(&c->pg, &ram, gva, access, &t);
	ATF_REQUIRE_MSG(error == 0 || error == EFAULT, "walk: %s",
	    strerror(error));
	*gpa = t.gpa;
	if (error == 0)
		return true;
	r->what = FAULT;
	r->error = t.error;
	r->cr2 = gva;
	return false;
}

/* What code at the page's F00 or end tells: see h_tables.c. */
static uint64_t
told(struct vm *vm, const struct tables_case *c, const struct result *r)
{

	if ((c->gva & 0xfff) == 0xf00)
		return r->gpa & ~0xfffULL;
	return (r->gpa >> 12 & 0xff) | vm_peek(vm, r->second, 3) << 8;
}

/* What the library makes of it; false if the case is none to compare. */
static bool
by_walk(struct vm *vm, const struct tables_case *c, struct result *r)
{
	const bool crosses = (c->gva & 0xfff) == 0xffe;

	memset(r, 0, sizeof(*r));
	tables_put(vm, c);
	r->what = DONE;
	if (walk_page(vm, c, c->gva, r, &r->gpa)) {
		r->second = r->gpa + 2;
		if (crosses)
			(void)walk_page(vm, c, c->gva + 2, r, &r->second);
	}
	keep_entries(vm, c, r);
	if (r->what == FAULT)
		return true;
	/* Not the guest itself. Which page is left for first is open. */
	if (r->gpa < T_DATA || r->second < T_DATA)
		return false;
	if (!is_ram(r->gpa) || !is_ram(r->second)) {
		r->what = OUTSIDE;
		return !crosses && !c->exec;
	}
	r->val = c->exec ? told(vm, c, r) : halves(vm, r);
	return true;
}

/* The VCPU at the access. */
static void
start(struct vm *vm, const struct tables_case *c)
{
	const enum vm_mode mode = c->mode == TABLES_LONG ?
	    (c->user ? VM_USER64 : VM_LONG) : VM_PAGE32;
	const unsigned at = c->exec ? 48 : !c->write ? 0 : c->adds ? 32 : 16;
	struct nvmm_x64_state *st;
	unsigned i;

	vm_start_cpu(vm, 0, mode, G_CODE + at + (c->user ? G_ALIAS : 0));
	st = vm->cpus[0].v.state;
	if (c->user) {
		for (i = NVMM_X64_SEG_ES; i <= NVMM_X64_SEG_GS; i++)
			vm_segment(vm, &st->segs[i], i != NVMM_X64_SEG_CS ?
			    SEL_UDATA : c->mode == TABLES_LONG ? SEL_UCODE64 :
			    SEL_UCODE32);
		st->gprs[R_RFLAGS] = 0x3002;
	}
	/* QEMU's takes no busy TSS from VMRUN where it then needs its stack. */
	if (vm_on_tcg() && c->mode != TABLES_LONG)
		st->segs[NVMM_X64_SEG_TR].attrib.type &= 0xd;
	st->gprs[R_RFLAGS] |= c->ac ? X86_FL_AC : 0;
	st->gprs[R_RAX] = STORED;
	st->gprs[R_RBX] = c->gva;
	st->crs[NVMM_X64_CR_CR0] = c->pg.cr0;
	st->crs[NVMM_X64_CR_CR2] = 0;
	st->crs[NVMM_X64_CR_CR3] = c->pg.cr3;
	st->crs[NVMM_X64_CR_CR4] = c->pg.cr4;
	st->msrs[NVMM_X64_MSR_EFER] = c->pg.efer;
	vm_set(vm, SEGS | GPRS | CRS | MSRS);
}

/* A stub was reached: the access faulted, or what came after it did. */
static void
trapped(struct vm *vm, struct result *r)
{
	struct nvmm_x64_state *st = vm_get(vm, GPRS | CRS);
	const unsigned w = vm_mode_width(vm->mode);
	const uint64_t sp = st->gprs[R_RSP];
	const uint32_t vector = vm_peek(vm, sp, w) & 0xff;

	if (vector == UD) {
		r->val = (uint32_t)st->gprs[R_RAX];
		return;
	}
	r->what = FAULT;
	r->error = (uint32_t)vm_peek(vm, sp + w, w) |
	    (vector != PF ? vector << 16 : 0);
	r->cr2 = st->crs[NVMM_X64_CR_CR2];
}

/* What the processor makes of it. */
static void
by_cpu(struct vm *vm, const struct tables_case *c, struct result *r)
{
	uint64_t reason;

	memset(r, 0, sizeof(*r));
	tables_put(vm, c);
	start(vm, c);
	reason = vm_run(vm);
	if (reason == NVMM_VCPU_EXIT_MEMORY) {
		r->what = OUTSIDE;
		r->gpa = vm_exit(vm)->u.mem.gpa;
		vm_assist(vm);
		reason = vm_run(vm);
	}
	ATF_REQUIRE_EQ_MSG(NVMM_VCPU_EXIT_IO, reason, "exit %s",
	    vm_strexit(vm));
	vm_assist(vm);
	trapped(vm, r);
	keep_entries(vm, c, r);
}

/*
 * QEMU's processor leaves out P where a reserved bit is set, and reads before
 * it writes where they are to be one.
 */
static void
mend_tcg(const struct tables_case *c, struct result *cpu)
{

	if ((cpu->error & X86_PF_RSVD) != 0)
		cpu->error |= X86_PF_P;
	if (c->adds)
		cpu->error |= X86_PF_W;
}

/* What a fault may leave marked: see x86_walk(). PDPTEs have no marks. */
static uint64_t
unmarked(const struct tables_case *c, const struct result *r, unsigned i)
{
	const bool crosses = (c->gva & 0xfff) == 0xffe;
	uint64_t val = r->entry[i];

	if (c->mode == TABLES_PAE && c->entry[i].level == 3)
		return val & ~(uint64_t)A;
	if (r->what != FAULT)
		return val;
	/* QEMU's marks a page of 1 GiB before it looks at the rest. */
	if (vm_on_tcg() && c->entry[i].level == 3 && i == c->n - 1)
		val &= ~(uint64_t)A;
	if (crosses && c->write && i == c->n - 2 && r->cr2 != c->gva &&
	    (c->adds || !vm_on_tcg()))
		val &= ~(uint64_t)D;
	return vm_on_tcg() && !c->adds ? val : val & ~(uint64_t)A;
}

static void
tell(const char *who, const struct tables_case *c, const struct result *r)
{
	static const char *const words[] = { "done", "fault", "outside" };
	unsigned i;

	printf("%s: %s error %#x cr2 %#llx gpa %#llx value %#llx:", who,
	    words[r->what], r->error, (unsigned long long)r->cr2,
	    (unsigned long long)r->gpa, (unsigned long long)r->val);
	for (i = 0; i < c->n; i++)
		printf(" %#llx", (unsigned long long)r->entry[i]);
	printf("\n");
}

static bool
same(const struct tables_case *c, const struct result *cpu,
    const struct result *walk)
{
	unsigned i;

	if (cpu->what != walk->what)
		return false;
	if (cpu->what == FAULT &&
	    (cpu->error != walk->error || cpu->cr2 != walk->cr2))
		return false;
	if (cpu->what == OUTSIDE && cpu->gpa != walk->gpa)
		return false;
	if (cpu->what == DONE && !c->write && cpu->val != walk->val)
		return false;
	for (i = 0; i < c->n; i++) {
		if (unmarked(c, cpu, i) != unmarked(c, walk, i))
			return false;
	}
	return true;
}

/* A store must be where the walk says; what was there is put back. */
static bool
stored(struct vm *vm, const struct tables_case *c, const struct result *walk)
{
	const uint32_t want = c->adds ? (uint32_t)walk->val + 1 : STORED;
	bool good;

	if (walk->what != DONE || !c->write)
		return true;
	good = halves(vm, walk) == want;
	vm_poke(vm, walk->gpa, &walk->val, 2);
	vm_poke(vm, walk->second, (const uint8_t *)&walk->val + 2, 2);
	return good;
}

static void
compare(struct vm *vm, enum tables_mode mode, unsigned n)
{
	struct result cpu, walk;
	struct tables_case c;

	tables_random(&c, mode);
	if (!by_walk(vm, &c, &walk)) {
		tables_clear(vm, &c);
		return;
	}
	by_cpu(vm, &c, &cpu);
	if (vm_on_tcg() && cpu.what == FAULT)
		mend_tcg(&c, &cpu);
	seen[walk.what]++;
	if (!same(&c, &cpu, &walk) || !stored(vm, &c, &walk)) {
		printf("case %u: gva %#llx %s%s%s%s cr0 %#llx cr3 %#llx cr4 "
		    "%#llx efer %#llx\n", n, (unsigned long long)c.gva,
		    c.user ? "user " : "", c.ac ? "AC " : "",
		    c.write ? "write" : "", c.exec ? "exec" : "",
		    (unsigned long long)c.pg.cr0, (unsigned long long)c.pg.cr3,
		    (unsigned long long)c.pg.cr4,
		    (unsigned long long)c.pg.efer);
		tell("processor", &c, &cpu);
		tell("walk", &c, &walk);
		atf_tc_fail("case %u: the processor does otherwise", n);
	}
	tables_clear(vm, &c);
}

static void
cases(struct vm *vm, enum tables_mode mode)
{
	const unsigned n = vm_param("NVMM_TEST_WALKS", 2500);
	extern const uint8_t g_walks[], g_walks_end[];
	unsigned i;

	srandom(vm_param("NVMM_TEST_SEED", 1) + mode);
	tables_prepare(vm);
	vm_load(vm, g_walks, g_walks_end + 1);
	vm_stubs(vm, mode == TABLES_LONG ? VM_LONG : VM_PAGE32);
	for (i = 0; i < n; i++)
		compare(vm, mode, i);
	printf("%u done, %u faults, %u outside of RAM\n", seen[DONE],
	    seen[FAULT], seen[OUTSIDE]);
	ATF_CHECK(seen[DONE] > n / 8 && seen[FAULT] > n / 8);
	ATF_CHECK(seen[OUTSIDE] > n / 100);
}

static void
walk_long(struct vm *vm)
{

	cases(vm, TABLES_LONG);
}

static void
walk_pae(struct vm *vm)
{

	cases(vm, TABLES_PAE);
}

static void
walk_32(struct vm *vm)
{

	cases(vm, TABLES_32);
}

static void
walk_pse(struct vm *vm)
{

	cases(vm, TABLES_PSE);
}

static const char kvm[] = "KVM walks and decodes by itself";

static const struct vm_case table[] = {
	{ "long", "Four levels", MUST, kvm, NULL, walk_long, 0 },
	{ "pae", "PAE", MUST, kvm, NULL, walk_pae, 0 },
	{ "bits32", "32-bit", MUST, kvm, NULL, walk_32, 0 },
	{ "pse", "32-bit with PSE", MUST, kvm, NULL, walk_pse, 0 },
};

VM_CASES("walks", table)
