/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Every exit reason, and each of its fields; what the assists then make of it.
 * A backend whose host decodes accesses (no NVMM_IMPL_RAW_EXITS) tells only what
 * an access is, and its fields for decoding are not looked at.
 */

#include <sys/time.h>

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "h_case.h"

#define DECODES	"KVM decodes by itself, and tells no more"
#define NO_CAP	"KVM does not tell"

/* A port access as its exit has to say it. */
struct port_exit {
	bool in;
	uint16_t port;
	uint8_t size;
	bool str, rep;
	int8_t seg;			/* -1: none */
	unsigned count;			/* accesses */
};

static const struct port_exit ports[] = {
	{ false, 0x10, 1, false, false, -1, 1 },
	{ false, 0x11, 2, false, false, -1, 1 },
	{ false, 0x12, 4, false, false, -1, 1 },
	{ false, 0x1234, 1, false, false, -1, 1 },
	{ false, 0x1234, 2, false, false, -1, 1 },
	{ false, 0x1234, 4, false, false, -1, 1 },
	{ true, 0x13, 1, false, false, -1, 1 },
	{ true, 0x14, 2, false, false, -1, 1 },
	{ true, 0x15, 4, false, false, -1, 1 },
	{ true, 0x1234, 1, false, false, -1, 1 },
	{ true, 0x1234, 2, false, false, -1, 1 },
	{ true, 0x1234, 4, false, false, -1, 1 },
};

#define DS	NVMM_X64_SEG_DS
#define ES	NVMM_X64_SEG_ES
#define FS	NVMM_X64_SEG_FS

static const struct port_exit strings[] = {
	{ false, 0x20, 1, true, false, DS, 1 },
	{ false, 0x20, 2, true, false, DS, 1 },
	{ false, 0x20, 4, true, false, DS, 1 },
	{ false, 0x20, 1, true, true, DS, 5 },
	{ false, 0x20, 4, true, true, DS, 3 },
	{ false, 0x20, 1, true, false, FS, 1 },
	{ true, 0x20, 1, true, false, ES, 1 },
	{ true, 0x20, 2, true, false, ES, 1 },
	{ true, 0x20, 4, true, false, ES, 1 },
	{ true, 0x20, 2, true, true, ES, 4 },
	{ true, 0x20, 1, true, false, ES, 1 },
};

#define NPORTS		(sizeof(ports) / sizeof(ports[0]))
#define NSTRINGS	(sizeof(strings) / sizeof(strings[0]))

/* What OUTS move, and the INs' answer. */
#define ANSWER		0x8877665544332211ULL

struct port_test {
	const struct port_exit *exits;
	size_t n;
	const uint8_t *guest, *end;
	uint8_t address_size;		/* of the mode */
};

/* The label of a guest whose table stands at its end. => n labels in all. */
static uint32_t
label(struct vm *vm, const uint8_t *guest, const uint8_t *end, size_t n,
    size_t i)
{
	size_t size = (size_t)(end - guest);

	return (uint32_t)vm_peek(vm, G_CODE + size - (n - i) * 4, 4);
}

/* The fields for those who decode. */
static void
check_raw(struct vm *vm, const struct port_test *t, size_t i)
{
	const struct nvmm_x86_exit_io *io = &vm_exit(vm)->u.io;
	const struct port_exit *e = &t->exits[i];
	uint8_t asize = t->address_size;

	VM_CHECK_EQ(label(vm, t->guest, t->end, t->n + 1, i),
	    vm_reg(vm, R_RIP));
	if (e->str) {
		/* The override of segment comes with one of addresses. */
		if (e->seg == FS && asize == 8)
			asize = 4;
		ATF_CHECK_EQ_MSG(asize, io->address_size,
		    "exit %zu, address size %u", i, io->address_size);
		ATF_CHECK_MSG(io->seg == -1 || io->seg == e->seg,
		    "exit %zu, segment %d", i, io->seg);
	}
	ATF_CHECK_EQ_MSG(e->str, io->str, "exit %zu", i);
	ATF_CHECK_EQ_MSG(e->rep, io->rep, "exit %zu", i);
}

/* The instruction's end, where npc said that it is. */
static uint64_t
npc_of(struct vm *vm, const struct port_test *t, size_t i)
{
	static const uint8_t prefixes[] = { 0x66, 0x67, 0xf3, 0x64 };
	uint64_t rip = label(vm, t->guest, t->end, t->n + 1, i);

	while (memchr(prefixes, (int)vm_peek(vm, rip, 1), sizeof(prefixes)) !=
	    NULL)
		rip++;
	/* E4 to E7 have the port behind them. */
	return rip + ((vm_peek(vm, rip, 1) & 0xfc) == 0xe4 ? 2 : 1);
}

static void
check_access(struct vm *vm, const struct port_exit *e)
{
	const struct vm_access *a;
	size_t i;

	for (i = 0; i < vm->cpus[0].naccess; i++) {
		a = &vm->cpus[0].access[i];
		ATF_CHECK(!a->mem);
		ATF_CHECK_EQ(!e->in, a->write);
		ATF_CHECK_EQ(e->port, a->addr);
		ATF_CHECK_EQ(e->size, a->size);
	}
}

/* One instruction: all of its exits. */
static void
port_exit(struct vm *vm, const struct port_test *t, size_t i)
{
	const struct port_exit *e = &t->exits[i];
	uint64_t npc = 0;
	size_t done;

	for (done = 0; done < e->count; done += vm->cpus[0].naccess) {
		VM_EXIT(vm, NVMM_VCPU_EXIT_IO);
		ATF_CHECK_EQ_MSG(e->in, vm_exit(vm)->u.io.in, "exit %zu", i);
		ATF_CHECK_EQ_MSG(e->port, vm_exit(vm)->u.io.port,
		    "exit %zu", i);
		ATF_CHECK_EQ_MSG(e->size, vm_exit(vm)->u.io.operand_size,
		    "exit %zu", i);
		if (vm_can(NVMM_IMPL_RAW_EXITS)) {
			check_raw(vm, t, i);
			npc = npc_of(vm, t, i);
			VM_CHECK_EQ(npc, vm_exit(vm)->u.io.npc);
		}
		vm_assist(vm);
		check_access(vm, e);
		ATF_REQUIRE(vm->cpus[0].naccess != 0);
	}
	ATF_CHECK_EQ(e->count, done);
	if (npc != 0)
		VM_CHECK_EQ(npc, vm_reg(vm, R_RIP));
}

static void
port_exits(struct vm *vm, enum vm_mode mode, const struct port_test *t)
{
	size_t i;

	vm_start(vm, mode, t->guest, t->end + 1);
	for (i = 0; i < 0x40; i++)
		vm->ram[G_DATA + i] = (uint8_t)(i + 1);
	vm->cpus[0].answer = ANSWER;
	for (i = 0; i < t->n; i++)
		port_exit(vm, t, i);
	VM_PORT(vm, 0x80);
}

#define PORT_TEST(which, n, g, asize, mode)				\
	do {								\
		extern const uint8_t g[], g##_end[];			\
		const struct port_test t = { which, n, g, g##_end,	\
		    asize };						\
									\
		port_exits(vm, mode, &t);				\
	} while (0)

/* EAX after the INs: each of its size over what was there. */
static void
check_ports(struct vm *vm)
{

	VM_CHECK_EQ(ANSWER & 0xffffffff, vm_val(vm));
}

static void
io_real(struct vm *vm)
{

	PORT_TEST(ports, NPORTS, g_ports16, 2, VM_REAL);
	check_ports(vm);
}

static void
io_prot16(struct vm *vm)
{

	PORT_TEST(ports, NPORTS, g_ports16, 2, VM_PROT16);
	check_ports(vm);
}

static void
io_prot32(struct vm *vm)
{

	PORT_TEST(ports, NPORTS, g_ports32, 4, VM_PROT32);
	check_ports(vm);
}

static void
io_pae(struct vm *vm)
{

	PORT_TEST(ports, NPORTS, g_ports32, 4, VM_PAE);
	check_ports(vm);
}

static void
io_compat(struct vm *vm)
{

	PORT_TEST(ports, NPORTS, g_ports32, 4, VM_COMPAT);
	check_ports(vm);
}

static void
io_long(struct vm *vm)
{

	PORT_TEST(ports, NPORTS, g_ports64, 8, VM_LONG);
	check_ports(vm);
}

/* The registers and the memory after the strings. */
static void
check_strings(struct vm *vm)
{
	static const uint8_t want[] = { 0x11, 0x11, 0x22, 0x11, 0x22, 0x33,
	    0x44, 0x11, 0x22, 0x11, 0x22, 0x11, 0x22, 0x11, 0x22, 0x11, 0x00 };

	VM_CHECK_EQ(G_DATA + 25, vm_reg(vm, R_RSI));
	VM_CHECK_EQ(G_DATA + 0x100 + 14, vm_reg(vm, R_RDI));
	VM_CHECK_EQ(0, vm_reg(vm, R_RCX));
	ATF_CHECK_EQ(0, memcmp(want, vm->ram + G_DATA + 0x100, sizeof(want)));
}

static void
str_real(struct vm *vm)
{

	PORT_TEST(strings, NSTRINGS, g_strings16, 2, VM_REAL);
	check_strings(vm);
}

static void
str_prot32(struct vm *vm)
{

	PORT_TEST(strings, NSTRINGS, g_strings32, 4, VM_PROT32);
	check_strings(vm);
}

static void
str_pae(struct vm *vm)
{

	PORT_TEST(strings, NSTRINGS, g_strings32, 4, VM_PAE);
	check_strings(vm);
}

static void
str_long(struct vm *vm)
{

	PORT_TEST(strings, NSTRINGS, g_strings64, 8, VM_LONG);
	check_strings(vm);
}

/* A memory access as its exit and its assist have to say it. */
static void
memory_exit(struct vm *vm, bool write, uint64_t gpa, size_t size,
    uint64_t val)
{
	const struct nvmm_x86_exit_memory *mem = &vm_exit(vm)->u.mem;
	const struct vm_access *a = &vm->cpus[0].access[0];
	size_t i;

	vm->cpus[0].answer = val;
	VM_EXIT(vm, NVMM_VCPU_EXIT_MEMORY);
	VM_CHECK_EQ(gpa, mem->gpa);
	ATF_CHECK_EQ_MSG(write ? NVMM_PROT_WRITE : NVMM_PROT_READ,
	    mem->prot & (NVMM_PROT_READ | NVMM_PROT_WRITE | NVMM_PROT_EXEC),
	    "prot %#x", (unsigned)mem->prot);
	for (i = 0; i < mem->inst_len; i++)
		VM_CHECK_EQ(vm_peek(vm, vm_reg(vm, R_RIP) + i, 1),
		    mem->inst_bytes[i]);
	vm_assist(vm);
	ATF_REQUIRE_EQ(1, vm->cpus[0].naccess);
	ATF_CHECK(a->mem);
	ATF_CHECK_EQ(write, a->write);
	VM_CHECK_EQ(gpa, a->addr);
	ATF_CHECK_EQ(size, a->size);
	VM_CHECK_EQ(val, a->val);
}

static void
memory_exits(struct vm *vm)
{

	memory_exit(vm, true, G_MMIO + 0x10, 1, 0x11);
	memory_exit(vm, true, G_MMIO + 0x11, 2, 0x2211);
	memory_exit(vm, true, G_MMIO + 0x13, 4, 0x44332211);
	memory_exit(vm, false, G_MMIO + 0x10, 1, 0x5a);
	memory_exit(vm, false, G_MMIO + 0x10, 2, 0x6b5a);
	memory_exit(vm, false, G_MMIO + 0x10, 4, 0xcafef00d);
	VM_PORT(vm, 0x80);
	VM_CHECK_EQ(0xcafef00d, vm_val(vm));
	ATF_CHECK_EQ(0x5a, vm_reg(vm, R_RCX) & 0xff);
	ATF_CHECK_EQ(0x6b5a, vm_reg(vm, R_RDX) & 0xffff);
}

static void
mem_real(struct vm *vm)
{

	VM_START(vm, VM_REAL, g_memory16);
	memory_exits(vm);
}

static void
mem_prot32(struct vm *vm)
{

	VM_START(vm, VM_PROT32, g_memory32);
	memory_exits(vm);
}

static void
mem_page32(struct vm *vm)
{

	VM_START(vm, VM_PAGE32, g_memory32);
	memory_exits(vm);
}

static void
mem_pae(struct vm *vm)
{

	VM_START(vm, VM_PAE, g_memory32);
	memory_exits(vm);
}

static void
mem_compat(struct vm *vm)
{

	VM_START(vm, VM_COMPAT, g_memory32);
	memory_exits(vm);
}

static void
mem_long(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_memory64);
	memory_exits(vm);
	memory_exit(vm, true, G_MMIO + 0x18, 8, 0xcafef00d);
	memory_exit(vm, false, G_MMIO + 0x20, 8, ANSWER);
	VM_PORT(vm, 0x81);
	VM_CHECK_EQ(ANSWER, vm_reg(vm, R_RCX));
}

static void
mem_fetch(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_fetch);
	VM_EXIT(vm, NVMM_VCPU_EXIT_MEMORY);
	ATF_CHECK((vm_exit(vm)->u.mem.prot & NVMM_PROT_EXEC) != 0);
	VM_CHECK_EQ(G_MMIO + 0x20, vm_exit(vm)->u.mem.gpa);
	VM_CHECK_EQ(G_MMIO + 0x20, vm_reg(vm, R_RIP));
}

/* Answer an RDMSR. */
static void
rdmsr_exit(struct vm *vm, uint32_t msr, uint64_t val)
{
	struct nvmm_x64_state *state;
	uint64_t npc;

	VM_EXIT(vm, NVMM_VCPU_EXIT_RDMSR);
	VM_CHECK_EQ(msr, vm_exit(vm)->u.rdmsr.msr);
	npc = vm_exit(vm)->u.rdmsr.npc;
	state = vm_get(vm, GPRS);
	VM_CHECK_EQ(state->gprs[R_RIP] + 2, npc);
	state->gprs[R_RAX] = (uint32_t)val;
	state->gprs[R_RDX] = val >> 32;
	state->gprs[R_RIP] = npc;
	vm_set(vm, GPRS);
}

static void
msr(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_msrs);
	VM_EXIT(vm, NVMM_VCPU_EXIT_WRMSR);
	VM_CHECK_EQ(0x1b7, vm_exit(vm)->u.wrmsr.msr);
	VM_CHECK_EQ(0x5566778811223344, vm_exit(vm)->u.wrmsr.val);
	VM_CHECK_EQ(vm_reg(vm, R_RIP) + 2, vm_exit(vm)->u.wrmsr.npc);
	vm_gpr(vm, R_RIP, vm_exit(vm)->u.wrmsr.npc);
	rdmsr_exit(vm, 0x1b7, 0x1122334455667788);
	rdmsr_exit(vm, 0xc0011fed, 0x0102030405060708);
	VM_PORT(vm, 0x80);
	VM_CHECK_EQ(0x1122334455667788, vm_data(vm, 0));
	VM_CHECK_EQ(0x0102030405060708, vm_data(vm, 1));
}

/* The owner may answer an MSR with #GP. */
static void
msr_fault(struct vm *vm)
{
	struct vm_trap t;
	uint64_t rip;

	VM_START(vm, VM_LONG, g_msrs);
	VM_EXIT(vm, NVMM_VCPU_EXIT_WRMSR);
	rip = vm_reg(vm, R_RIP);
	vm_inject(vm, NVMM_VCPU_EVENT_EXCP, 13, 0);
	vm_trap(vm, &t);
	ATF_CHECK_EQ(13, t.vector);
	VM_CHECK_EQ(0, t.error);
	VM_CHECK_EQ(rip, t.rip);
}

/* Run CPUID with a leaf; what the guest gets lies in G_DATA. */
static void
cpuid(struct vm *vm, uint32_t leaf)
{

	VM_START(vm, VM_LONG, g_cpuid);
	vm_gpr(vm, R_RAX, leaf);
}

static void
cpuid_name(struct vm *vm)
{

	cpuid(vm, 0x40000000);
	VM_PORT(vm, 0x80);
	ATF_CHECK_EQ(0, memcmp(vm->ram + G_DATA + 4, "___ NVMM ___", 12));
}

static int
cpuid_configure(struct vm *vm, struct nvmm_vcpu_conf_cpuid *conf)
{

	return nvmm_vcpu_configure(&vm->mach, &vm->cpus[0].v,
	    NVMM_VCPU_CONF_CPUID, conf);
}

static void
cpuid_mask(struct vm *vm)
{
	struct nvmm_vcpu_conf_cpuid conf;

	memset(&conf, 0, sizeof(conf));
	conf.mask = 1;
	conf.leaf = 0x40000000;
	conf.u.mask.set.eax = 0x81;
	conf.u.mask.del.ebx = 0xff;
	conf.u.mask.set.ecx = 0xffffffff;
	conf.u.mask.del.edx = 0xffffffff;
	ATF_REQUIRE_EQ(0, cpuid_configure(vm, &conf));
	cpuid(vm, 0x40000000);
	VM_PORT(vm, 0x80);
	VM_CHECK_EQ(0x40000081, vm_peek(vm, G_DATA, 4));
	ATF_CHECK_EQ(0, vm_peek(vm, G_DATA + 4, 1));
	ATF_CHECK_EQ('_', vm_peek(vm, G_DATA + 5, 1));
	VM_CHECK_EQ(0xffffffff, vm_peek(vm, G_DATA + 8, 4));
	VM_CHECK_EQ(0, vm_peek(vm, G_DATA + 12, 4));
}

static void
cpuid_exit(struct vm *vm)
{
	struct nvmm_vcpu_conf_cpuid conf;
	struct nvmm_x64_state *state;

	memset(&conf, 0, sizeof(conf));
	conf.exit = 1;
	conf.leaf = 0x00bada55;
	ATF_REQUIRE_EQ(0, cpuid_configure(vm, &conf));
	cpuid(vm, 0x00bada55);
	VM_EXIT(vm, NVMM_VCPU_EXIT_CPUID);
	VM_CHECK_EQ(G_CODE, vm_reg(vm, R_RIP));
	VM_CHECK_EQ(G_CODE + 2, vm_exit(vm)->u.insn.npc);
	state = vm_get(vm, GPRS);
	state->gprs[R_RAX] = 1;
	state->gprs[R_RBX] = 2;
	state->gprs[R_RCX] = 3;
	state->gprs[R_RDX] = 4;
	state->gprs[R_RIP] = vm_exit(vm)->u.insn.npc;
	vm_set(vm, GPRS);
	VM_PORT(vm, 0x80);
	VM_CHECK_EQ(0x0000000200000001, vm_data(vm, 0));
	VM_CHECK_EQ(0x0000000400000003, vm_data(vm, 1));
	/* Taken back, the leaf is served without an exit. */
	conf.exit = 0;
	ATF_REQUIRE_EQ(0, cpuid_configure(vm, &conf));
	cpuid(vm, 0x00bada55);
	VM_PORT(vm, 0x80);
}

static void
halted(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_hlt);
	VM_EXIT(vm, NVMM_VCPU_EXIT_HALTED);
	VM_CHECK_EQ(G_CODE + 1, vm_reg(vm, R_RIP));
	VM_PORT(vm, 0x80);
}

static void
halted_shadow(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_hlt);
	vm_gpr(vm, R_RFLAGS, FL_IF | 2);
	vm_get(vm, INTR)->intr.int_shadow = 1;
	vm_set(vm, INTR);
	VM_EXIT(vm, NVMM_VCPU_EXIT_HALTED);
	ATF_CHECK(!vm_exit(vm)->exitstate.int_shadow);
	ATF_CHECK((vm_exit(vm)->exitstate.rflags & FL_IF) != 0);
}

static void
shut_down(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_ud2);
	vm_get(vm, SEGS)->segs[NVMM_X64_SEG_IDT].limit = 0;
	vm_set(vm, SEGS);
	VM_EXIT(vm, NVMM_VCPU_EXIT_SHUTDOWN);
	/* The owner may start it again. */
	VM_START(vm, VM_LONG, g_tell);
	VM_PORT(vm, 0x80);
}

static void
monitor(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_monitor);
	VM_EXIT(vm, NVMM_VCPU_EXIT_MONITOR);
	VM_CHECK_EQ(vm_reg(vm, R_RIP) + 3, vm_exit(vm)->u.insn.npc);
	vm_gpr(vm, R_RIP, vm_exit(vm)->u.insn.npc);
	VM_EXIT(vm, NVMM_VCPU_EXIT_MWAIT);
	VM_CHECK_EQ(vm_reg(vm, R_RIP) + 3, vm_exit(vm)->u.insn.npc);
	vm_gpr(vm, R_RIP, vm_exit(vm)->u.insn.npc);
	VM_PORT(vm, 0x80);
}

static void
int_ready(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_window);
	vm_get(vm, INTR)->intr.int_window_exiting = 1;
	vm_set(vm, INTR);
	VM_EXIT(vm, NVMM_VCPU_EXIT_INT_READY);
	ATF_CHECK((vm_exit(vm)->exitstate.rflags & FL_IF) != 0);
	ATF_CHECK(!vm_exit(vm)->exitstate.int_window_exiting);
	ATF_CHECK(!vm_get(vm, INTR)->intr.int_window_exiting);
	/* POPF is at G_CODE + 5. */
	VM_CHECK_EQ(G_CODE + 6, vm_reg(vm, R_RIP));
	VM_PORT(vm, 0x80);
}

static void
nmi_ready(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_tell);
	vm_get(vm, INTR)->intr.nmi_window_exiting = 1;
	vm_set(vm, INTR);
	VM_EXIT(vm, NVMM_VCPU_EXIT_NMI_READY);
	ATF_CHECK(!vm_exit(vm)->exitstate.nmi_window_exiting);
	ATF_CHECK(!vm_get(vm, INTR)->intr.nmi_window_exiting);
	VM_PORT(vm, 0x80);
}

static void
tpr_changed(struct vm *vm)
{
	struct nvmm_vcpu_conf_tpr conf;

	memset(&conf, 0, sizeof(conf));
	conf.exit_changed = 1;
	ATF_REQUIRE_EQ(0, nvmm_vcpu_configure(&vm->mach, &vm->cpus[0].v,
	    NVMM_VCPU_CONF_TPR, &conf));
	VM_START(vm, VM_LONG, g_tpr);
	VM_EXIT(vm, NVMM_VCPU_EXIT_TPR_CHANGED);
	ATF_CHECK_EQ(9, vm_exit(vm)->exitstate.cr8);
	ATF_CHECK_EQ(9, vm_get(vm, CRS)->crs[NVMM_X64_CR_CR8]);
	VM_PORT(vm, 0x80);
	VM_EXIT(vm, NVMM_VCPU_EXIT_TPR_CHANGED);
	ATF_CHECK_EQ(2, vm_exit(vm)->exitstate.cr8);
	VM_PORT(vm, 0x81);
	VM_PORT(vm, 0x82);
	ATF_CHECK_EQ(2, vm_val(vm));
}

static void
stopped(struct vm *vm)
{
	unsigned i;

	VM_START(vm, VM_LONG, g_tell);
	for (i = 0; i < 3; i++)
		ATF_REQUIRE_EQ(0, nvmm_vcpu_stop(&vm->cpus[0].v));
	VM_EXIT(vm, NVMM_VCPU_EXIT_STOPPED);
	VM_CHECK_EQ(G_CODE, vm_reg(vm, R_RIP));
	VM_PORT(vm, 0x80);
	VM_PORT(vm, 0x81);
}

static struct vm *stop_vm;

static void
on_timer(int sig)
{

	(void)sig;
	if (stop_vm != NULL)
		(void)nvmm_vcpu_stop(&stop_vm->cpus[0].v);
}

/* => SIGVTALRM does not fit: time in the kernel counts too. */
static void
timer(void)
{
	struct sigaction sa = { .sa_handler = on_timer };
	struct itimerval it = { { 0, 20000 }, { 0, 20000 } };

	ATF_REQUIRE_EQ(0, sigaction(SIGPROF, &sa, NULL));
	ATF_REQUIRE_EQ(0, setitimer(ITIMER_PROF, &it, NULL));
}

static void
none_signal(struct vm *vm)
{
	unsigned i;

	VM_START(vm, VM_LONG, g_spin);
	vm_sti_cpu(vm, 0);
	timer();
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE_EQ(0, nvmm_vcpu_run(&vm->mach, &vm->cpus[0].v));
		VM_CHECK_EQ(NVMM_VCPU_EXIT_NONE, vm_exit(vm)->reason);
	}
	VM_CHECK_EQ(G_CODE, vm_reg(vm, R_RIP));
}

static void
stops(struct vm *vm)
{
	unsigned i;

	stop_vm = vm;
	timer();
	for (i = 0; i < 3; i++)
		VM_EXIT(vm, NVMM_VCPU_EXIT_STOPPED);
	stop_vm = NULL;
}

static void
stopped_signal(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_spin);
	vm_sti_cpu(vm, 0);
	stops(vm);
}

/* The host's interrupts are none of the guest's. */
static void
stopped_off(struct vm *vm)
{

	VM_START(vm, VM_LONG, g_spin);
	stops(vm);
}

/* Long mode's code segment cannot be of 32 bits too, APM vol. 2, 15.5.1. */
static void
invalid(struct vm *vm)
{
	int ret;

	VM_START(vm, VM_LONG, g_tell);
	vm_get(vm, SEGS)->segs[NVMM_X64_SEG_CS].attrib.def = 1;
	vm_set(vm, SEGS);
	ret = nvmm_vcpu_run(&vm->mach, &vm->cpus[0].v);
	if (ret == 0)
		VM_CHECK_EQ(NVMM_VCPU_EXIT_INVALID, vm_exit(vm)->reason);
	else
		ATF_CHECK_EQ(EINVAL, errno);
	VM_START(vm, VM_LONG, g_tell);
	VM_PORT(vm, 0x80);
}

#define PORTS_ARE	"Each size and form of IN and OUT"
#define STRINGS_ARE	"Each size of INS and OUTS, repeated and not"
#define MEMORY_IS	"Reads and writes of memory that is not there"

static const struct vm_case table[] = {
	{ "io_real", PORTS_ARE, MUST, MUST, NULL, io_real, 0 },
	{ "io_prot16", PORTS_ARE, MUST, MUST, NULL, io_prot16, 0 },
	{ "io_prot32", PORTS_ARE, MUST, MUST, NULL, io_prot32, 0 },
	{ "io_pae", PORTS_ARE, MUST, MUST, "PAE", io_pae, 0 },
	{ "io_compat", PORTS_ARE, MUST, MUST, NULL, io_compat, 0 },
	{ "io_long", PORTS_ARE, MUST, MUST, NULL, io_long, 0 },
	{ "str_real", STRINGS_ARE, MUST, MUST, NULL, str_real, 0 },
	{ "str_prot32", STRINGS_ARE, MUST, MUST, NULL, str_prot32, 0 },
	{ "str_pae", STRINGS_ARE, MUST, MUST, "PAE", str_pae, 0 },
	{ "str_long", STRINGS_ARE, MUST, MUST, NULL, str_long, 0 },
	{ "mem_real", MEMORY_IS, MUST, MUST, NULL, mem_real, 0 },
	{ "mem_prot32", MEMORY_IS, MUST, MUST, NULL, mem_prot32, 0 },
	{ "mem_page32", MEMORY_IS, MUST, MUST, "32-bit paging", mem_page32, 0 },
	{ "mem_pae", MEMORY_IS, MUST, MUST, "PAE", mem_pae, 0 },
	{ "mem_compat", MEMORY_IS, MUST, MUST, NULL, mem_compat, 0 },
	{ "mem_long", MEMORY_IS, MUST, MUST, NULL, mem_long, 0 },
	{ "mem_fetch", "A fetch where no memory is", MUST, DECODES, NULL,
	  mem_fetch, 0 },
	{ "msr", "MSRs that the driver does not know are the owner's", MUST,
	  MUST, NULL, msr, 0 },
	{ "msr_fault", "The owner answers an MSR with #GP", MUST, MUST, NULL,
	  msr_fault, 0 },
	{ "cpuid_name", "The guest learns that it is NVMM's", MUST, MUST, NULL,
	  cpuid_name, 0 },
	{ "cpuid_mask", "A leaf with bits set and cleared", MUST, MUST, NULL,
	  cpuid_mask, 0 },
	{ "cpuid_exit", "A leaf of the owner's own", MUST, NO_CAP, NULL,
	  cpuid_exit, 0 },
	{ "halted", "HLT, and the guest behind it", MUST, MUST, NULL, halted,
	  0 },
	{ "halted_shadow", "HLT ends an interrupt shadow", MUST, MUST, NULL,
	  halted_shadow, 0 },
	{ "shutdown", "A triple fault", MUST, MUST, NULL, shut_down, 0 },
	{ "monitor", "MONITOR and MWAIT", MUST, NO_CAP, NULL, monitor, 0 },
	{ "int_ready", "The interrupt window opens at the instruction", MUST,
	  MUST, "interrupt window", int_ready, 0 },
	{ "nmi_ready", "The NMI window", MUST, NO_CAP, NULL, nmi_ready, 0 },
	{ "tpr_changed", "CR8 changes", MUST, NO_CAP, NULL, tpr_changed, 0 },
	{ "stopped", "A stop before the run ends it once", MUST, MUST, NULL,
	  stopped, 0 },
	{ "stopped_signal", "A stop out of a signal handler", MUST, MUST, NULL,
	  stopped_signal, 0 },
	{ "stopped_off", "The same where the guest has interrupts off", MUST,
	  MUST, NULL, stopped_off, 0 },
	{ "none_signal", "A signal ends a run, with no exit", MUST, MUST, NULL,
	  none_signal, 0 },
	{ "invalid", "A state that no processor can have", MUST,
	  "a KVM that interprets does not mind", NULL, invalid, 0 },
};

VM_CASES("exits", table)
