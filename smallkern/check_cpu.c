/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The processor's own state: CPUID makes sense, and what goes into a register
 * comes out again.
 */

#include "check.h"
#include "cpu.h"
#include "guest_abi.h"
#include "kern.h"

/* The leaves that every x86-64 processor has, and has for good. */
static const char *
check_cpuid(void)
{
	struct cpuid_regs a, b;

	cpuid(0, 0, &a);
	cpuid(0, 0, &b);
	if (a.eax != b.eax || a.ebx != b.ebx || a.ecx != b.ecx || a.edx != b.edx)
		return "leaf 0 has changed";
	if (a.eax < 1)
		return "leaf 1 is missing";
	cpuid(0x80000000, 0, &a);
	return a.eax >= 0x80000001 ? NULL : "leaf 0x80000001 is missing";
}

/* CPUID clears the upper halves of its four, and touches no other register. */
static const char *
check_cpuid_registers(void)
{
	uint64_t upper = 0, kept;

	__asm volatile (
	    "movq $-1, %%rbx; movq $-1, %%rdx;"
	    "movq $0x1234, %%r8; movq $0x5678, %%r15;"
	    "xorl %%eax, %%eax; movq $-1, %%rcx; cpuid;"
	    "orq %%rbx, %%rax; orq %%rcx, %%rax; orq %%rdx, %%rax;"
	    "shrq $32, %%rax; leaq (%%r8, %%r15), %1"
	    : "=&a" (upper), "=&r" (kept) : : "rbx", "rcx", "rdx", "r8", "r15",
	    "cc");
	if (upper != 0)
		return "an upper half is not clear";
	return kept == 0x1234 + 0x5678 ? NULL : "another register has changed";
}

/* CPUID and the APIC agree on who we are. */
static const char *
check_cpuid_apic(void)
{
	struct cpuid_regs r;

	cpuid(1, 0, &r);
	return r.ebx >> 24 == lapic_read(GUEST_LAPIC_ID) >> 24 ? NULL :
	    "the APIC has another ID";
}

/* CPUID shows CR4.OSXSAVE as it is now. */
static const char *
check_cpuid_osxsave(void)
{
	struct cpuid_regs off, on;

	cpuid(1, 0, &off);
	if ((off.ecx & CPUID1_ECX_XSAVE) == 0)
		return SKIP("there is no XSAVE");
	write_cr4(read_cr4() | CR4_OSXSAVE);
	cpuid(1, 0, &on);
	write_cr4(read_cr4() & ~(uint64_t)CR4_OSXSAVE);
	if ((off.ecx & CPUID1_ECX_OSXSAVE) != 0)
		return "OSXSAVE shows while it is off";
	return (on.ecx & CPUID1_ECX_OSXSAVE) != 0 ? NULL :
	    "OSXSAVE does not show while it is on";
}

/* MSRs that hold any canonical address, or whatever fits. */
static const struct {
	uint32_t msr;
	uint64_t val;
	const char *wrong;
} msrs[] = {
	{ MSR_STAR, 0x0013000800000000, "STAR" },
	{ MSR_LSTAR, 0xffffffff81234567, "LSTAR" },
	{ MSR_CSTAR, 0xffffffff87654321, "CSTAR" },
	{ MSR_SFMASK, 0x0000000000047700, "SFMASK" },
	{ MSR_FS_BASE, 0x00007fff12345678, "FS_BASE" },
	{ MSR_GS_BASE, 0xffff800012345678, "GS_BASE" },
	{ MSR_KERNEL_GS_BASE, 0xffff888087654321, "KERNEL_GS_BASE" },
	{ MSR_SYSENTER_CS, 0x0000000000000008, "SYSENTER_CS" },
	{ MSR_SYSENTER_ESP, 0x0000000000123450, "SYSENTER_ESP" },
	{ MSR_SYSENTER_EIP, 0x0000000000543210, "SYSENTER_EIP" },
	{ MSR_PAT, 0x0007040100070406, "PAT" },
};

/* Each comes back as written; then it is as before. */
static const char *
check_msrs(void)
{
	for (unsigned i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++) {
		uint64_t old = rdmsr(msrs[i].msr), new;

		wrmsr(msrs[i].msr, msrs[i].val);
		new = rdmsr(msrs[i].msr);
		wrmsr(msrs[i].msr, old);
		if (new != msrs[i].val)
			return msrs[i].wrong;
	}
	return NULL;
}

/* Twice SWAPGS is as if nothing had been. */
static const char *
check_swapgs(void)
{
	uint64_t outer = rdmsr(MSR_GS_BASE), inner = rdmsr(MSR_KERNEL_GS_BASE);
	bool swapped;

	__asm volatile ("swapgs" : : : "memory");
	swapped = rdmsr(MSR_GS_BASE) == inner &&
	    rdmsr(MSR_KERNEL_GS_BASE) == outer;
	__asm volatile ("swapgs" : : : "memory");
	return swapped ? NULL : "the bases are not exchanged";
}

/* What the boot and our set-up have switched on. */
static const char *
check_efer(void)
{
	uint64_t want = EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE;

	return (rdmsr(MSR_EFER) & want) == want ? NULL : "a bit is missing";
}

/* Addresses only: DR7 enables none of them. */
static const char *
check_debug_registers(void)
{
	write_dr0(0x1000);
	write_dr1(0xffff800000002000);
	write_dr2(0x3000);
	write_dr3(0x4000);
	if (read_dr0() != 0x1000 || read_dr1() != 0xffff800000002000)
		return "DR0 or DR1";
	return read_dr2() == 0x3000 && read_dr3() == 0x4000 ? NULL :
	    "DR2 or DR3";
}

const struct check checks_cpu[] = {
	{ "CPUID has its basic leaves", check_cpuid },
	{ "CPUID changes four registers only", check_cpuid_registers },
	{ "CPUID knows the APIC's ID", check_cpuid_apic },
	{ "CPUID follows CR4.OSXSAVE", check_cpuid_osxsave },
	{ "EFER shows long mode, NX and SYSCALL", check_efer },
	{ "MSRs keep what is written", check_msrs },
	{ "SWAPGS exchanges the bases", check_swapgs },
	{ "DR0 to DR3 keep what is written", check_debug_registers },
	{ NULL, NULL }
};
