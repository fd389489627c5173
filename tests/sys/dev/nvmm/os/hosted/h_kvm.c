/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The common part of the tests of the KVM backend.
 */

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include "h_kvm.h"

#define HLT		0xF4
#define IDT		0x6000
#define GPRS		NVMM_X64_STATE_GPRS
#define SEGS		NVMM_X64_STATE_SEGS
#define CRS		NVMM_X64_STATE_CRS

void (*kvm_hook)(unsigned long req, const void *arg);

/* In the place of the C library's. */
int
ioctl(int fd, unsigned long req, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, req);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (kvm_hook != NULL)
		kvm_hook(req, arg);
	return (int)syscall(SYS_ioctl, fd, req, arg);
}

void
kvm_open(void)
{

	if (access("/dev/kvm", R_OK | W_OK) == -1)
		atf_tc_skip("/dev/kvm: %s", strerror(errno));
	(void)nvmm_hosted_backend("kvm");	/* or open already */
	ATF_REQUIRE_EQ(0, nvmm_hosted_open(false));
}

static void
guest_ram(struct guest *g)
{
	struct nvmm_ioc_hva hva;
	void *p;

	p = mmap(NULL, KVM_RAM, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ATF_REQUIRE(p != MAP_FAILED);
	g->ram = p;
	hva.machid = g->machid;
	hva.hva = (uintptr_t)p;
	hva.size = KVM_RAM;
	ATF_REQUIRE_EQ(0, nvmm_hosted_request(NVMM_IOC_HVA_MAP, &hva));
}

int
guest_map(struct guest *g, uint64_t gpa, size_t off, size_t size, int prot)
{
	struct nvmm_ioc_gpa ioc = {
		.machid = g->machid,
		.hva = (uintptr_t)g->ram + off,
		.gpa = gpa,
		.size = size,
		.prot = prot,
	};

	return nvmm_hosted_request(NVMM_IOC_GPA_MAP, &ioc);
}

int
guest_unmap(struct guest *g, uint64_t gpa, size_t size)
{
	struct nvmm_ioc_gpa ioc = {
		.machid = g->machid,
		.gpa = gpa,
		.size = size,
	};

	return nvmm_hosted_request(NVMM_IOC_GPA_UNMAP, &ioc);
}

void
guest_vcpu(struct guest *g, nvmm_cpuid_t cpuid)
{
	struct nvmm_ioc_vcpu_create ioc = {
		.machid = g->machid,
		.cpuid = cpuid,
	};

	ATF_REQUIRE_EQ(0, nvmm_hosted_request(NVMM_IOC_VCPU_CREATE, &ioc));
	g->comm[cpuid] = ioc.comm;
}

void
guest_create(struct guest *g)
{
	struct nvmm_ioc_machine ioc;

	memset(g, 0, sizeof(*g));
	kvm_open();
	ATF_REQUIRE_EQ(0, nvmm_hosted_request(NVMM_IOC_MACHINE_CREATE, &ioc));
	g->machid = ioc.machid;
	guest_ram(g);
	ATF_REQUIRE_EQ(0, guest_map(g, 0, 0, KVM_RAM,
	    NVMM_PROT_READ | NVMM_PROT_WRITE | NVMM_PROT_EXEC));
	guest_vcpu(g, 0);
}

void
guest_destroy(struct guest *g)
{
	struct nvmm_ioc_machine ioc = { .machid = g->machid };

	ATF_REQUIRE_EQ(0, nvmm_hosted_request(NVMM_IOC_MACHINE_DESTROY, &ioc));
	munmap(g->ram, KVM_RAM);
	ATF_REQUIRE_EQ(0, nvmm_hosted_close());
}

static int
guest_request(struct guest *g, nvmm_cpuid_t cpuid, unsigned long cmd)
{
	struct nvmm_ioc_vcpu ioc = { .machid = g->machid, .cpuid = cpuid };

	return nvmm_hosted_request(cmd, &ioc);
}

int
guest_run(struct guest *g, nvmm_cpuid_t cpuid)
{

	return guest_request(g, cpuid, NVMM_IOC_VCPU_RUN);
}

int
guest_setstate(struct guest *g, nvmm_cpuid_t cpuid, uint64_t flags)
{
	int error;

	g->comm[cpuid]->state_commit = flags;
	error = guest_request(g, cpuid, NVMM_IOC_VCPU_SETSTATE);
	g->comm[cpuid]->state_commit = 0;
	return error;
}

int
guest_getstate(struct guest *g, nvmm_cpuid_t cpuid, uint64_t flags)
{
	int error;

	g->comm[cpuid]->state_cached = 0;
	g->comm[cpuid]->state_wanted = flags;
	error = guest_request(g, cpuid, NVMM_IOC_VCPU_GETSTATE);
	g->comm[cpuid]->state_wanted = 0;
	return error;
}

int
guest_inject(struct guest *g, unsigned type, uint8_t vector, uint64_t error)
{

	g->comm[0]->event.type = type;
	g->comm[0]->event.vector = vector;
	g->comm[0]->event.u.excp.error = error;
	return guest_request(g, 0, NVMM_IOC_VCPU_INJECT);
}

struct nvmm_x64_state *
guest_get(struct guest *g, uint64_t flags)
{

	ATF_REQUIRE_EQ(0, guest_getstate(g, 0, flags));
	return &g->comm[0]->state;
}

void
guest_set(struct guest *g, uint64_t flags)
{

	ATF_REQUIRE_EQ(0, guest_setstate(g, 0, flags));
}

/* What stays in the rest of the page halts. */
void
guest_code(struct guest *g, nvmm_cpuid_t cpuid, const void *code, size_t n)
{
	struct nvmm_x64_state *state = &g->comm[cpuid]->state;

	memset(g->ram + KVM_CODE, HLT, 256);
	memcpy(g->ram + KVM_CODE, code, n);
	ATF_REQUIRE_EQ(0, guest_getstate(g, cpuid, SEGS | GPRS));
	if (state->segs[NVMM_X64_SEG_CS].base != 0) {
		state->segs[NVMM_X64_SEG_CS].base = 0;
		state->segs[NVMM_X64_SEG_CS].selector = 0;
	}
	memset(state->gprs, 0, sizeof(state->gprs));
	state->gprs[NVMM_X64_GPR_RIP] = KVM_CODE;
	state->gprs[NVMM_X64_GPR_RSP] = KVM_STACK;
	state->gprs[NVMM_X64_GPR_RFLAGS] = 2;
	ATF_REQUIRE_EQ(0, guest_setstate(g, cpuid, SEGS | GPRS));
}

static void
flat(struct nvmm_x64_state_seg *seg, unsigned type)
{

	memset(seg, 0, sizeof(*seg));
	seg->selector = type == 0xB ? 0x8 : 0x10;
	seg->limit = 0xFFFFFFFF;
	seg->attrib.type = (uint16_t)(type & 0xF);
	seg->attrib.s = 1;
	seg->attrib.p = 1;
	seg->attrib.def = 1;
	seg->attrib.g = 1;
}

/* GDT at 0x5000: null, code, data. */
void
guest_protected(struct guest *g, uint32_t handler)
{
	static const uint64_t gdt[] = { 0, 0x00CF9B000000FFFF,
	    0x00CF93000000FFFF };
	struct nvmm_x64_state *state;
	uint64_t gate;
	unsigned i;

	memcpy(g->ram + 0x5000, gdt, sizeof(gdt));
	gate = 0x00008E0000080000ULL | handler;
	for (i = 0; i < 256; i++)
		memcpy(g->ram + IDT + i * 8, &gate, sizeof(gate));
	state = guest_get(g, SEGS | CRS);
	for (i = NVMM_X64_SEG_ES; i <= NVMM_X64_SEG_GS; i++)
		flat(&state->segs[i], i == NVMM_X64_SEG_CS ? 0xB : 0x3);
	state->segs[NVMM_X64_SEG_GDT].base = 0x5000;
	state->segs[NVMM_X64_SEG_GDT].limit = sizeof(gdt) - 1;
	state->segs[NVMM_X64_SEG_IDT].base = IDT;
	state->segs[NVMM_X64_SEG_IDT].limit = 256 * 8 - 1;
	state->crs[NVMM_X64_CR_CR0] = 0x11;
	guest_set(g, SEGS | CRS);
}

uint64_t
guest_exit(struct guest *g)
{

	do {
		ATF_REQUIRE_EQ(0, guest_run(g, 0));
	} while (g->comm[0]->exit.reason == NVMM_VCPU_EXIT_NONE);
	return g->comm[0]->exit.reason;
}

unsigned
guest_port(struct guest *g)
{
	uint64_t reason;

	reason = guest_exit(g);
	ATF_REQUIRE_MSG(reason == NVMM_VCPU_EXIT_IO, "exit %#llx, hwcode %#llx",
	    (unsigned long long)reason,
	    (unsigned long long)g->comm[0]->exit.u.inv.hwcode);
	return g->comm[0]->exit.u.io.port;
}

void
guest_access(struct guest *g, struct nvmm_access *access)
{

	ATF_REQUIRE_EQ(0, nvmm_hosted_access(g->machid, 0, access));
	ATF_REQUIRE(access->token != 0);
}

void
guest_answer(struct guest *g, uint64_t value)
{
	struct nvmm_access access;

	guest_access(g, &access);
	ATF_REQUIRE(!access.write);
	memcpy(access.data, &value, access.size);
	ATF_REQUIRE_EQ(0, nvmm_hosted_access_done(g->machid, 0, &access));
}
