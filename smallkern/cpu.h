/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The x86 itself: register bits, selectors and one-instruction functions.
 * Each function is the instruction that it is named after and nothing else.
 */

#ifndef _CPU_H_
#define _CPU_H_

/* Selectors in our GDT, in the order that SYSCALL and SYSRET ask for. */
#define SEL_KCODE		0x08
#define SEL_KDATA		0x10
#define SEL_UDATA		0x18
#define SEL_UCODE		0x20
#define SEL_TSS			0x28
#define SEL_ABSENT		0x38	/* a data segment marked not present */
#define SEL_BEYOND		0x88	/* lies beyond the table's limit */
#define SEL_RPL_USER		3

#define CR0_PE			0x00000001
#define CR0_MP			0x00000002
#define CR0_EM			0x00000004
#define CR0_TS			0x00000008
#define CR0_NE			0x00000020
#define CR0_WP			0x00010000
#define CR0_PG			0x80000000

#define CR4_PAE			0x00000020
#define CR4_OSFXSR		0x00000200
#define CR4_OSXMMEXCPT		0x00000400
#define CR4_OSXSAVE		0x00040000

#define RFLAGS_TF		0x00000100
#define RFLAGS_IF		0x00000200
#define RFLAGS_DF		0x00000400
#define RFLAGS_AC		0x00040000
#define RFLAGS_FIXED		0x00000002

#define DR6_BS			0x00004000

#define MSR_SYSENTER_CS		0x00000174
#define MSR_SYSENTER_ESP	0x00000175
#define MSR_SYSENTER_EIP	0x00000176
#define MSR_PAT			0x00000277
#define MSR_EFER		0xc0000080
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_CSTAR		0xc0000083
#define MSR_SFMASK		0xc0000084
#define MSR_FS_BASE		0xc0000100
#define MSR_GS_BASE		0xc0000101
#define MSR_KERNEL_GS_BASE	0xc0000102

#define EFER_SCE		0x001
#define EFER_LME		0x100
#define EFER_LMA		0x400
#define EFER_NXE		0x800

#define CPUID1_ECX_XSAVE	(1U << 26)
#define CPUID1_ECX_OSXSAVE	(1U << 27)
#define CPUID1_ECX_TSCDEADLINE	(1U << 24)
#define CPUID1_ECX_HYPERVISOR	(1U << 31)

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

struct cpuid_regs {
	uint32_t eax, ebx, ecx, edx;
};

/* What LGDT, LIDT and their opposites read and write. */
struct table_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static inline void
outb(uint16_t port, uint8_t val)
{
	__asm volatile ("outb %0, %1" : : "a" (val), "Nd" (port));
}

static inline uint8_t
inb(uint16_t port)
{
	uint8_t val;

	__asm volatile ("inb %1, %0" : "=a" (val) : "Nd" (port));
	return val;
}

static inline void
cpuid(uint32_t leaf, uint32_t subleaf, struct cpuid_regs *r)
{
	__asm volatile ("cpuid"
	    : "=a" (r->eax), "=b" (r->ebx), "=c" (r->ecx), "=d" (r->edx)
	    : "a" (leaf), "c" (subleaf));
}

static inline uint64_t
rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm volatile ("rdmsr" : "=a" (lo), "=d" (hi) : "c" (msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void
wrmsr(uint32_t msr, uint64_t val)
{
	__asm volatile ("wrmsr" : : "c" (msr), "a" ((uint32_t)val),
	    "d" ((uint32_t)(val >> 32)) : "memory");
}

static inline uint64_t
rdtsc(void)
{
	uint32_t lo, hi;

	__asm volatile ("rdtsc" : "=a" (lo), "=d" (hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

/* read_cr0() and write_cr0(), and so on for each control and debug register. */
#define CPU_REGISTER(reg)						\
static inline uint64_t							\
read_##reg(void)							\
{									\
	uint64_t val;							\
									\
	__asm volatile ("mov %%" #reg ", %0" : "=r" (val) : : "memory");\
	return val;							\
}									\
									\
static inline void							\
write_##reg(uint64_t val)						\
{									\
	__asm volatile ("mov %0, %%" #reg : : "r" (val) : "memory");	\
}									\
struct cpu_register_##reg

CPU_REGISTER(cr0);
CPU_REGISTER(cr2);
CPU_REGISTER(cr3);
CPU_REGISTER(cr4);
CPU_REGISTER(cr8);
CPU_REGISTER(dr0);
CPU_REGISTER(dr1);
CPU_REGISTER(dr2);
CPU_REGISTER(dr3);
CPU_REGISTER(dr6);

static inline void
cli(void)
{
	__asm volatile ("cli" : : : "memory");
}

/* Interrupts are on from the end of the next instruction: a NOP. */
static inline void
sti(void)
{
	__asm volatile ("sti; nop" : : : "memory");
}

/* Sleeps until an interrupt, and none can come between the two. */
static inline void
sti_hlt(void)
{
	__asm volatile ("sti; hlt" : : : "memory");
}

static inline void
cpu_pause(void)
{
	__asm volatile ("pause" : : : "memory");
}

static inline void
invlpg(uintptr_t va)
{
	__asm volatile ("invlpg (%0)" : : "r" (va) : "memory");
}

static inline void
lgdt(const struct table_pointer *p)
{
	__asm volatile ("lgdt %0" : : "m" (*p));
}

static inline void
lidt(const struct table_pointer *p)
{
	__asm volatile ("lidt %0" : : "m" (*p));
}

static inline void
ltr(uint16_t sel)
{
	__asm volatile ("ltr %0" : : "r" (sel));
}

#endif /* !__ASSEMBLER__ */

#endif /* !_CPU_H_ */
