/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guests on bare /dev/kvm: the same images and states as the tests', handed to
 * KVM by this file alone. A fault is a guest that does not come to the ports
 * which it must come to on any processor.
 */

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h_bare.h"
#include "h_vm.h"

#if defined(__linux__)
#include <linux/kvm.h>

#define MAX_PORTS	12
#define MAX_CPUID	128
#define SECONDS		2

#define WINDOW		0xffff			/* not a port: KVM's window */
#define NMI		0xfffe			/* neither: inject one */
#define VECTOR_NMI	2

#define FAULT(n, m, g, ...)						\
	{ .name = n, .mode = m, .code = g, .end = g##_end,		\
	  .ports = { __VA_ARGS__ } }

#define DECLARE(g)	extern const uint8_t g[], g##_end[]
DECLARE(b_paging32);
DECLARE(b_iopl);
DECLARE(b_ss3);
DECLARE(b_window);
DECLARE(b_iret32);
DECLARE(b_int);
DECLARE(b_nmi);
DECLARE(b_xcr0);
DECLARE(b_tsc);
DECLARE(b_watch);
DECLARE(b_syscall);

static const struct fault {
	const char *name;
	enum vm_mode mode;
	const uint8_t *code, *end;
	unsigned ports[MAX_PORTS];	/* up to a 0 */
} faults[] = {
	FAULT("32-bit paging", VM_PAGE32, b_paging32, 0x80),
	FAULT("PAE", VM_PAE, b_paging32, 0x80),
	FAULT("IOPL", VM_USER64, b_iopl, 0x80),
	FAULT("SS in ring 3", VM_USER64, b_ss3, PORT_TRAP),
	FAULT("interrupt window", VM_LONG, b_window, WINDOW, 0x80),
	FAULT("32-bit IRET", VM_PROT32, b_iret32, 0x80),
	FAULT("INT n", VM_LONG, b_int, PORT_TRAP, 0x80),
	FAULT("nested NMIs", VM_LONG, b_nmi, NMI, 0x90, NMI, 0x91, 0x90, 0x91,
	    0x80, 0x81),
	FAULT("XCR0 in ring 3", VM_USER64, b_xcr0, PORT_TRAP),
	FAULT("TSC", VM_LONG, b_tsc, 0x80),
	FAULT("data breakpoints", VM_LONG, b_watch, PORT_TRAP, 0x80),
	FAULT("SYSCALL", VM_LONG, b_syscall, 0x80, PORT_TRAP),
};

struct bare {
	int kvm, vm, vcpu;
	struct kvm_run *run;
	size_t run_size;
	struct vm image;		/* its RAM alone */
};

static void
bare_alarm(int sig)
{

	(void)sig;
}

/* The host's CPUID as it is. */
static int
bare_cpuid(struct bare *b)
{
	struct kvm_cpuid2 *cpuid;
	int ret;

	cpuid = calloc(1, sizeof(*cpuid) +
	    MAX_CPUID * sizeof(cpuid->entries[0]));
	if (cpuid == NULL)
		return -1;
	cpuid->nent = MAX_CPUID;
	ret = ioctl(b->kvm, KVM_GET_SUPPORTED_CPUID, cpuid);
	if (ret == 0)
		ret = ioctl(b->vcpu, KVM_SET_CPUID2, cpuid);
	free(cpuid);
	return ret;
}

static int
bare_memory(struct bare *b, uint32_t slot, uint64_t gpa, uint64_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (uintptr_t)b->image.ram + gpa,
	};

	return ioctl(b->vm, KVM_SET_USER_MEMORY_REGION, &region);
}

static int
bare_open(struct bare *b)
{

	memset(b, 0, sizeof(*b));
	b->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	b->vm = ioctl(b->kvm, KVM_CREATE_VM, 0UL);
	b->vcpu = ioctl(b->vm, KVM_CREATE_VCPU, 0UL);
	if (b->vcpu == -1)
		return -1;
	b->run_size = (size_t)ioctl(b->kvm, KVM_GET_VCPU_MMAP_SIZE, 0UL);
	b->run = mmap(NULL, b->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    b->vcpu, 0);
	b->image.ram = mmap(NULL, G_RAM, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b->run == MAP_FAILED || b->image.ram == MAP_FAILED)
		return -1;
	if (bare_memory(b, 0, 0, G_MMIO) == -1 ||
	    bare_memory(b, 1, G_HIGH, G_RAM - G_HIGH) == -1)
		return -1;
	return bare_cpuid(b);
}

static void
bare_close(struct bare *b)
{

	(void)munmap(b->run, b->run_size);
	(void)munmap(b->image.ram, G_RAM);
	(void)close(b->vcpu);
	(void)close(b->vm);
	(void)close(b->kvm);
}

static void
bare_segment(struct kvm_segment *to, const struct nvmm_x64_state_seg *from)
{

	memset(to, 0, sizeof(*to));
	to->base = from->base;
	to->limit = from->limit;
	to->selector = from->selector;
	to->type = from->attrib.type & 0xf;
	to->present = from->attrib.p & 1;
	to->dpl = from->attrib.dpl & 3;
	to->db = from->attrib.def & 1;
	to->s = from->attrib.s & 1;
	to->l = from->attrib.l & 1;
	to->g = from->attrib.g & 1;
	to->avl = from->attrib.avl & 1;
	to->unusable = !from->attrib.p;
}

static int
bare_sregs(struct bare *b, const struct nvmm_x64_state *st)
{
	struct kvm_sregs s;

	if (ioctl(b->vcpu, KVM_GET_SREGS, &s) == -1)
		return -1;
	bare_segment(&s.es, &st->segs[NVMM_X64_SEG_ES]);
	bare_segment(&s.cs, &st->segs[NVMM_X64_SEG_CS]);
	bare_segment(&s.ss, &st->segs[NVMM_X64_SEG_SS]);
	bare_segment(&s.ds, &st->segs[NVMM_X64_SEG_DS]);
	bare_segment(&s.fs, &st->segs[NVMM_X64_SEG_FS]);
	bare_segment(&s.gs, &st->segs[NVMM_X64_SEG_GS]);
	bare_segment(&s.tr, &st->segs[NVMM_X64_SEG_TR]);
	bare_segment(&s.ldt, &st->segs[NVMM_X64_SEG_LDT]);
	s.gdt.base = st->segs[NVMM_X64_SEG_GDT].base;
	s.gdt.limit = (uint16_t)st->segs[NVMM_X64_SEG_GDT].limit;
	s.idt.base = st->segs[NVMM_X64_SEG_IDT].base;
	s.idt.limit = (uint16_t)st->segs[NVMM_X64_SEG_IDT].limit;
	s.cr0 = st->crs[NVMM_X64_CR_CR0];
	s.cr3 = st->crs[NVMM_X64_CR_CR3];
	s.cr4 = st->crs[NVMM_X64_CR_CR4];
	s.efer = st->msrs[NVMM_X64_MSR_EFER];
	return ioctl(b->vcpu, KVM_SET_SREGS, &s);
}

/* The TSC to where no host's is. */
static int
bare_tsc(struct bare *b)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = { { .nmsrs = 1 }, { .index = 0x10, .data = 3ULL << 61 } };

	return ioctl(b->vcpu, KVM_SET_MSRS, &msrs) == 1 ? 0 : -1;
}

static int
bare_start(struct bare *b, const struct fault *f)
{
	struct nvmm_x64_state st;
	struct kvm_regs regs;

	vm_tables(&b->image);
	vm_load(&b->image, f->code, f->end + 1);
	vm_stubs(&b->image, f->mode);
	if (f->code == b_nmi)
		vm_gate(&b->image, f->mode, VECTOR_NMI, G_CODE + 64);
	memset(&st, 0, sizeof(st));
	vm_mode_state(&b->image, &st, f->mode, G_CODE);
	memset(&regs, 0, sizeof(regs));
	regs.rip = st.gprs[R_RIP];
	regs.rsp = st.gprs[R_RSP];
	regs.rflags = st.gprs[R_RFLAGS];
	if (bare_sregs(b, &st) == -1 || bare_tsc(b) == -1)
		return -1;
	return ioctl(b->vcpu, KVM_SET_REGS, &regs);
}

/* Run to one port, or to the window, which is asked for before. */
static bool
bare_port(struct bare *b, unsigned port)
{
	const struct kvm_run *run = b->run;

	if (port == NMI)
		return ioctl(b->vcpu, KVM_NMI, 0UL) == 0;
	b->run->request_interrupt_window = port == WINDOW;
	if (ioctl(b->vcpu, KVM_RUN, 0UL) == -1)
		return false;
	if (port == WINDOW)
		return run->exit_reason == KVM_EXIT_IRQ_WINDOW_OPEN;
	return run->exit_reason == KVM_EXIT_IO && run->io.port == port;
}

/* True if the guest comes to its ports, one after the other. */
static bool
bare_ports(struct bare *b, const struct fault *f)
{
	unsigned i;

	for (i = 0; i < MAX_PORTS && f->ports[i] != 0; i++) {
		if (!bare_port(b, f->ports[i]))
			return false;
	}
	return true;
}

/* An alarm bounds the run: its signal ends KVM_RUN with EINTR. */
static bool
bare_good(struct bare *b, const struct fault *f)
{
	struct sigaction sa = { .sa_handler = bare_alarm }, old;
	bool good;

	(void)sigaction(SIGALRM, &sa, &old);
	(void)alarm(SECONDS);
	good = bare_start(b, f) == 0 && bare_ports(b, f);
	(void)alarm(0);
	(void)sigaction(SIGALRM, &old, NULL);
	return good;
}

bool
bare_has_fault(const char *name)
{
	struct bare b;
	bool good;
	size_t i;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (strcmp(faults[i].name, name) != 0)
			continue;
		if (bare_open(&b) == -1)
			atf_tc_fail("bare KVM: %s", strerror(errno));
		good = bare_good(&b, &faults[i]);
		bare_close(&b);
		return !good;
	}
	atf_tc_fail("no fault is named %s", name);
}

#else

bool
bare_has_fault(const char *name)
{

	(void)name;
	return false;
}

#endif
