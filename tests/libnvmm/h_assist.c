/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * See h_assist.h.
 */

#include <sys/mman.h>

#include <atf-c.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "h_assist.h"

struct nvmm_machine mach;
struct nvmm_vcpu vcpu;
uint8_t *ram;
char seen[4096];
uint64_t answer;

static void
note(const char *what, uint64_t addr, size_t size, const uint8_t *data,
    bool write)
{
	size_t n = strlen(seen);
	uint64_t val = 0;

	if (write) {
		memcpy(&val, data, size);
		snprintf(seen + n, sizeof(seen) - n, "%s%lx.%zu=%lx ", what,
		    addr, size, val);
	} else
		snprintf(seen + n, sizeof(seen) - n, "%s%lx.%zu ", what, addr,
		    size);
}

static void
dev_mem(struct nvmm_mem *mem)
{

	ATF_CHECK(mem->mach == &mach && mem->vcpu == &vcpu);
	note(mem->write ? "w" : "r", mem->gpa, mem->size, mem->data,
	    mem->write);
	if (!mem->write) {
		memcpy(mem->data, &answer, mem->size);
		answer++;
	}
}

void
dev_io(struct nvmm_io *io)
{

	ATF_CHECK(io->mach == &mach && io->vcpu == &vcpu);
	note(io->in ? "i" : "o", io->port, io->size, io->data, !io->in);
	if (io->in) {
		memcpy(io->data, &answer, io->size);
		answer++;
	}
}

void
setup(void)
{
	struct nvmm_assist_callbacks cbs = { .io = dev_io, .mem = dev_mem };
	struct nvmm_vcpu_state *st;
	unsigned i;

	h_machine(&mach, &vcpu);
	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON, -1, 0);
	ATF_REQUIRE(ram != MAP_FAILED);
	ATF_REQUIRE_EQ(nvmm_gpa_map(&mach, (uintptr_t)ram, 0, RAM_SIZE,
	    NVMM_PROT_READ | NVMM_PROT_WRITE | NVMM_PROT_EXEC), 0);
	ATF_REQUIRE_EQ(nvmm_vcpu_configure(&mach, &vcpu,
	    NVMM_VCPU_CONF_CALLBACKS, &cbs), 0);
	st = vcpu.state;
	memset(st, 0, sizeof(*st));
	for (i = 0; i <= NVMM_X64_SEG_GS; i++) {
		st->segs[i].limit = UINT32_MAX;
		st->segs[i].attrib.s = st->segs[i].attrib.p = 1;
		st->segs[i].attrib.def = 1;
		st->segs[i].attrib.type = i == NVMM_X64_SEG_CS ? 0xB : 3;
	}
	st->crs[NVMM_X64_CR_CR0] = X86_CR0_PE;
	st->crs[NVMM_X64_CR_CR4] = X86_CR4_OSFXSR;
	st->gprs[NVMM_X64_GPR_RIP] = 0x1000;
	st->gprs[NVMM_X64_GPR_RFLAGS] = X86_FL_FIXED;
	seen[0] = '\0';
	answer = 0xA1B2C3D4E5F60718;
}

void
mem_exit(const void *bytes, size_t len)
{

	memcpy(ram + vcpu.state->gprs[NVMM_X64_GPR_RIP], bytes, len);
	memset(vcpu.exit, 0, sizeof(*vcpu.exit));
	vcpu.exit->reason = NVMM_VCPU_EXIT_MEMORY;
}

void
paging(void)
{
	uint32_t pte;
	unsigned i;

	pte = 0x9000 | 7;
	memcpy(ram + 0x8000, &pte, 4);
	for (i = 0; i < 0x40; i++) {
		pte = i << 12 | 7;
		memcpy(ram + 0x9000 + i * 4, &pte, 4);
	}
	vcpu.state->crs[NVMM_X64_CR_CR0] |= X86_CR0_PG | X86_CR0_WP;
	vcpu.state->crs[NVMM_X64_CR_CR3] = 0x8000;
}

struct nvmm_x86_exit_io *
io_exit(bool in, uint8_t size)
{

	memset(vcpu.exit, 0, sizeof(*vcpu.exit));
	vcpu.exit->reason = NVMM_VCPU_EXIT_IO;
	vcpu.exit->u.io = (struct nvmm_x86_exit_io){
		.in = in, .port = 0x3F8, .seg = -1, .address_size = 4,
		.operand_size = size, .npc = 0x1001,
	};
	return &vcpu.exit->u.io;
}
