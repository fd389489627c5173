/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What processor this is, by CPUID (AMD APM volume 3, appendix E), and the
 * control bits that ring 3's floating point needs.
 */

#include "cpu.h"
#include "guest_abi.h"
#include "kern.h"

struct feature {
	uint32_t leaf;
	unsigned reg;		/* 0 to 3: EAX, EBX, ECX, EDX */
	unsigned bit;
	const char *name;
};

static const struct feature features[] = {
	{ 0x00000001, 3, 0, "fpu" }, { 0x00000001, 3, 4, "tsc" },
	{ 0x00000001, 3, 5, "msr" }, { 0x00000001, 3, 6, "pae" },
	{ 0x00000001, 3, 9, "apic" }, { 0x00000001, 3, 16, "pat" },
	{ 0x00000001, 3, 24, "fxsr" }, { 0x00000001, 3, 25, "sse" },
	{ 0x00000001, 3, 26, "sse2" }, { 0x00000001, 2, 0, "sse3" },
	{ 0x00000001, 2, 20, "sse4.2" }, { 0x00000001, 2, 21, "x2apic" },
	{ 0x00000001, 2, 24, "tscdeadline" }, { 0x00000001, 2, 26, "xsave" },
	{ 0x00000001, 2, 28, "avx" }, { 0x00000001, 2, 30, "rdrand" },
	{ 0x80000001, 3, 11, "syscall" }, { 0x80000001, 3, 20, "nx" },
	{ 0x80000001, 3, 26, "1gpages" }, { 0x80000001, 3, 27, "rdtscp" },
	{ 0x80000001, 3, 29, "lm" }, { 0x80000001, 2, 2, "svm" },
};

/* Ring 3 may use x87 and SSE; we never do. */
void
cpu_init(void)
{
	write_cr0((read_cr0() | CR0_MP | CR0_NE) & ~(uint64_t)(CR0_EM | CR0_TS));
	write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
}

/* Copies the registers' bytes to text, a string of 4 n bytes and a NUL. */
static void
cpu_text(char *text, const uint32_t *regs, unsigned n)
{
	for (unsigned i = 0; i < n * 4; i++)
		text[i] = (char)(regs[i / 4] >> (i % 4 * 8));
	text[n * 4] = '\0';
}

/* Prints the processor's name for itself, where it has one. */
static void
cpu_print_brand(void)
{
	uint32_t regs[12];
	char text[49];
	struct cpuid_regs r;

	cpuid(0x80000000, 0, &r);
	if (r.eax < 0x80000004)
		return;
	for (unsigned i = 0; i < 3; i++) {
		cpuid(0x80000002 + i, 0, &r);
		regs[i * 4] = r.eax;
		regs[i * 4 + 1] = r.ebx;
		regs[i * 4 + 2] = r.ecx;
		regs[i * 4 + 3] = r.edx;
	}
	cpu_text(text, regs, 12);
	printk("# brand: %s\n", text);
}

/* Prints the names of the features that it has. */
static void
cpu_print_features(void)
{
	struct cpuid_regs r = { 0, 0, 0, 0 };
	uint32_t leaf = 0;

	printk("# features:");
	for (unsigned i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		const struct feature *f = &features[i];

		if (f->leaf != leaf)
			cpuid(leaf = f->leaf, 0, &r);
		if (((f->reg == 2 ? r.ecx : r.edx) >> f->bit & 1) != 0)
			printk(" %s", f->name);
	}
	printk("\n");
}

/* Prints vendor, brand, features and the hypervisor, if one shows itself. */
void
cpu_print(void)
{
	struct cpuid_regs r;
	char text[13];

	cpuid(0, 0, &r);
	cpu_text(text, (uint32_t[]){ r.ebx, r.edx, r.ecx }, 3);
	printk("# vendor: %s, leaves to %#x\n", text, r.eax);
	cpu_print_brand();
	cpu_print_features();
	cpuid(1, 0, &r);
	if ((r.ecx & CPUID1_ECX_HYPERVISOR) == 0) {
		printk("# hypervisor: none\n");
		return;
	}
	cpuid(0x40000000, 0, &r);
	cpu_text(text, (uint32_t[]){ r.ebx, r.ecx, r.edx }, 3);
	printk("# hypervisor: %s, leaves to %#x\n", text, r.eax);
}
