/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the processor has that page walks depend on. Guests' tables are walked
 * by it, whatever CPUID tells the guest; its width of physical addresses and
 * its page sizes are those that the driver shows to guests unless told
 * otherwise. AMD APM vol. 3, E.3, E.4.7.
 */

#include <cpuid.h>
#include <string.h>

#include "x86.h"

#define HOST_KNOWN	0x10000U
#define HOST_GIBPAGES	0x100U
#define HOST_AMD	0x200U
#define HOST_PHYSBITS	0xFFU

#define EXT1_EDX_GIB	(1U << 26)

/* True on AMD's processors, and those that are made after them. */
static bool
host_is_amd(void)
{
	unsigned eax, ebx, ecx, edx;

	if (__get_cpuid(0, &eax, &ebx, &ecx, &edx) == 0)
		return false;
	return memcmp(&ebx, "Auth", 4) == 0 || memcmp(&ebx, "Hygo", 4) == 0;
}

/* Ask the processor; this takes an exit where the host is a guest itself. */
static unsigned __attribute__((noinline))
host_look(void)
{
	unsigned eax, ebx, ecx, edx, host = HOST_KNOWN | 36;

	if (__get_cpuid(0x80000008, &eax, &ebx, &ecx, &edx) != 0 &&
	    (eax & 0xFF) >= 32 && (eax & 0xFF) <= 52)
		host = HOST_KNOWN | (eax & 0xFF);
	if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) != 0 &&
	    (edx & EXT1_EDX_GIB) != 0)
		host |= HOST_GIBPAGES;
	if (host_is_amd())
		host |= HOST_AMD;
	return host;
}

void
x86_paging_host(struct x86_paging *pg)
{
	static unsigned known;			/* atomic; all agree on it */
	unsigned host = __atomic_load_n(&known, __ATOMIC_RELAXED);

	if (host == 0) {
		host = host_look();
		__atomic_store_n(&known, host, __ATOMIC_RELAXED);
	}
	pg->physbits = (uint8_t)(host & HOST_PHYSBITS);
	pg->gibpages = (host & HOST_GIBPAGES) != 0;
	pg->upperglobal = (host & HOST_AMD) != 0;
}
