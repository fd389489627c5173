/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * nvmm_vcpu_dump(3): a VCPU's registers in clear text on standard output, the
 * one function of the library that prints.
 */

#include <inttypes.h>
#include <stdio.h>

#include "../internal.h"

/* Names and values, three to a line. */
static void
dump_regs(const char *const *names, const uint64_t *regs, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		printf("%-7s %016" PRIx64 "%s", names[i], regs[i],
		    i % 3 == 2 || i + 1 == n ? "\n" : "  ");
}

/* One segment register a line. */
static void
dump_segs(const struct nvmm_x64_state_seg *segs)
{
	static const char *const names[NVMM_X64_NSEG] = {
		"es", "cs", "ss", "ds", "fs", "gs", "gdt", "idt", "ldt", "tr",
	};
	const struct nvmm_x64_state_seg *s;
	size_t i;

	for (i = 0; i < NVMM_X64_NSEG; i++) {
		s = &segs[i];
		printf("%-7s %04x  base %016" PRIx64 "  limit %08" PRIx32
		    "  type %x s %u dpl %u p %u avl %u l %u def %u g %u\n",
		    names[i], s->selector, s->base, s->limit, s->attrib.type,
		    s->attrib.s, s->attrib.dpl, s->attrib.p, s->attrib.avl,
		    s->attrib.l, s->attrib.def, s->attrib.g);
	}
}

/* Print the VCPU's registers. */
int
nvmm_vcpu_dump(struct nvmm_machine *mach, struct nvmm_vcpu *vcpu)
{
	static const char *const gprs[NVMM_X64_NGPR] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8",
		"r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rflags",
	};
	static const char *const crs[NVMM_X64_NCR] = {
		"cr0", "cr2", "cr3", "cr4", "cr8", "xcr0",
	};
	static const char *const drs[NVMM_X64_NDR] = {
		"dr0", "dr1", "dr2", "dr3", "dr6", "dr7",
	};
	static const char *const msrs[NVMM_X64_NMSR] = {
		"efer", "star", "lstar", "cstar", "sfmask", "kgsbase", "sys_cs",
		"sys_esp", "sys_eip", "pat", "tsc",
	};
	const struct nvmm_vcpu_state *st = vcpu->state;

	if (nvmm_vcpu_getstate(mach, vcpu, NVMM_X64_STATE_ALL &
	    ~NVMM_X64_STATE_FPU) == -1)
		return -1;
	printf("machine %u vcpu %u\n", mach->machid, vcpu->cpuid);
	dump_regs(gprs, st->gprs, NVMM_X64_NGPR);
	dump_regs(crs, st->crs, NVMM_X64_NCR);
	dump_regs(drs, st->drs, NVMM_X64_NDR);
	dump_regs(msrs, st->msrs, NVMM_X64_NMSR);
	dump_segs(st->segs);
	printf("shadow %u  int-window %u  nmi-window %u  event-pending %u\n",
	    (unsigned)st->intr.int_shadow,
	    (unsigned)st->intr.int_window_exiting,
	    (unsigned)st->intr.nmi_window_exiting,
	    (unsigned)st->intr.evt_pending);
	return 0;
}
