/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Registers, operand addresses and segmentation: AMD APM vol. 1, 3.1 and
 * vol. 2, chapter 4.
 */

#include <errno.h>

#include "x86.h"

#define SEG_TYPE_CODE	0x8
#define SEG_TYPE_DOWN	0x4		/* data: expands down */
#define SEG_TYPE_WRITE	0x2		/* data: writable */
#define SEG_TYPE_READ	0x2		/* code: readable */

bool
x86_is_real(const struct nvmm_x64_state *st)
{

	return (st->crs[NVMM_X64_CR_CR0] & X86_CR0_PE) == 0 ||
	    (st->gprs[NVMM_X64_GPR_RFLAGS] & X86_FL_VM) != 0;
}

unsigned
x86_cpl(const struct nvmm_x64_state *st)
{

	if ((st->crs[NVMM_X64_CR_CR0] & X86_CR0_PE) == 0)
		return 0;
	if ((st->gprs[NVMM_X64_GPR_RFLAGS] & X86_FL_VM) != 0)
		return 3;
	return st->segs[NVMM_X64_SEG_SS].attrib.dpl;
}

int64_t
x86_sext(uint64_t x, unsigned size)
{
	unsigned shift = 64 - size * 8;

	return size >= 8 ? (int64_t)x : (int64_t)(x << shift) >> shift;
}

int
x86_raise(struct x86_cpu *cpu, unsigned vector, uint32_t error)
{

	cpu->fault = (struct x86_fault){
		.raised = true, .vector = (uint8_t)vector, .error = error,
	};
	return EFAULT;
}

int
x86_raise_invalid(struct x86_cpu *cpu, int error)
{

	return x86_raise(cpu, error == E2BIG ? X86_EXC_GP : X86_EXC_UD, 0);
}

/* #SS for the stack segment, #GP for the others. */
static int
linear_fault(struct x86_cpu *cpu, unsigned seg)
{

	return x86_raise(cpu,
	    seg == NVMM_X64_SEG_SS ? X86_EXC_SS : X86_EXC_GP, 0);
}

/* True if [offset, offset + size) lies within the limit, APM vol. 2, 4.12. */
static bool
seg_in_limit(const struct nvmm_x64_state_seg *s, uint64_t offset, size_t size)
{
	uint64_t last = offset + (size - 1), top;

	if (!s->attrib.s || (s->attrib.type & SEG_TYPE_CODE) != 0 ||
	    (s->attrib.type & SEG_TYPE_DOWN) == 0)
		return last <= s->limit;
	top = s->attrib.def ? UINT32_MAX : UINT16_MAX;
	return offset > s->limit && last <= top;
}

/* True if the segment's type allows the access, APM vol. 2, 4.7. */
static bool
seg_allows(const struct nvmm_x64_state_seg *s, bool write)
{

	if ((s->attrib.type & SEG_TYPE_CODE) != 0)
		return !write && (s->attrib.type & SEG_TYPE_READ) != 0;
	return !write || (s->attrib.type & SEG_TYPE_WRITE) != 0;
}

/* 64-bit mode: bases of FS and GS only, and canonical addresses. */
static int
linear_long(struct x86_cpu *cpu, unsigned seg, uint64_t offset, size_t size,
    gvaddr_t *lin)
{
	uint64_t addr = offset, last;

	if (seg == NVMM_X64_SEG_FS || seg == NVMM_X64_SEG_GS)
		addr += cpu->state->segs[seg].base;
	last = addr + (size - 1);
	if ((uint64_t)((int64_t)(addr << 16) >> 16) != addr ||
	    (uint64_t)((int64_t)(last << 16) >> 16) != last)
		return linear_fault(cpu, seg);
	*lin = addr;
	return 0;
}

/* Other modes: a limit, and the segment must be there. */
static int
linear_segment(struct x86_cpu *cpu, unsigned seg, uint64_t offset, size_t size,
    gvaddr_t *lin)
{
	const struct nvmm_x64_state_seg *s = &cpu->state->segs[seg];

	if (!seg_in_limit(s, offset, size) ||
	    (!s->attrib.p && !x86_is_real(cpu->state)))
		return linear_fault(cpu, seg);
	*lin = (uint32_t)(s->base + offset);
	return 0;
}

int
x86_linear_any(struct x86_cpu *cpu, unsigned seg, uint64_t offset, size_t size,
    gvaddr_t *lin)
{

	if (x86_mode(cpu->state) == 64)
		return linear_long(cpu, seg, offset, size, lin);
	return linear_segment(cpu, seg, offset, size, lin);
}

/* #AC, APM vol. 2, 8.2.18: if the system and the program ask for it. */
static int
linear_unaligned(struct x86_cpu *cpu)
{
	const struct nvmm_x64_state *st = cpu->state;

	if ((st->crs[NVMM_X64_CR_CR0] & X86_CR0_AM) == 0 ||
	    (st->gprs[NVMM_X64_GPR_RFLAGS] & X86_FL_AC) == 0 ||
	    x86_cpl(st) != 3)
		return 0;
	return x86_raise(cpu, X86_EXC_AC, 0);
}

int
x86_linear(struct x86_cpu *cpu, unsigned seg, uint64_t offset, size_t size,
    bool write, gvaddr_t *lin)
{
	const struct nvmm_x64_state *st = cpu->state;
	int error;

	if (x86_mode(st) == 64)
		error = linear_long(cpu, seg, offset, size, lin);
	else if (!x86_is_real(st) && !seg_allows(&st->segs[seg], write))
		error = linear_fault(cpu, seg);
	else
		error = linear_segment(cpu, seg, offset, size, lin);
	if (error == 0 && (*lin & (size - 1)) != 0 && size <= 8)
		error = linear_unaligned(cpu);
	return error;
}
