/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What a guest sees when it starts on the guest platform: the boot protocols,
 * the addresses of the devices and their registers.  Both sides include it:
 * libguest, which provides the platform, and smallkern, which runs on it.
 * Macros and structures only; the macros are safe in assembler.
 */

#ifndef _GUEST_ABI_H_
#define _GUEST_ABI_H_

/*
 * The PVH boot ABI (Xen docs/misc/pvh.pandoc, public/arch-x86/hvm/start_info.h).
 *
 * The ELF binary carries a note of owner "Xen" and type PHYS32_ENTRY, whose
 * descriptor is the physical address (4 or 8 bytes) of the entry point.  There:
 * 32-bit protected mode, paging off, flat CS, DS, ES, SS, a valid TR, interrupts
 * off, EBX = physical address of struct hvm_start_info.
 */
#define HVM_NOTE_OWNER			"Xen"
#define HVM_NOTE_PHYS32_ENTRY		18

#define HVM_START_MAGIC_VALUE		0x336ec578	/* "xEn3", 'E' | 0x80 */
#define HVM_START_VERSION		1

#define HVM_MEMMAP_TYPE_RAM		1
#define HVM_MEMMAP_TYPE_RESERVED	2
#define HVM_MEMMAP_TYPE_ACPI		3
#define HVM_MEMMAP_TYPE_NVS		4
#define HVM_MEMMAP_TYPE_UNUSABLE	5
#define HVM_MEMMAP_TYPE_DISABLED	6
#define HVM_MEMMAP_TYPE_PMEM		7

/*
 * The long-mode boot, for an ELF64 binary without that note.  At e_entry:
 * 64-bit mode, CPL 0, interrupts off, flat segments, RDI = physical address
 * of struct hvm_start_info; all RAM and the low 4 GiB are mapped to themselves,
 * writable and executable, and each PT_LOAD also at its own p_vaddr.  RSP is
 * not to be relied on.
 */

/* Physical memory: RAM below the hole, devices in it, the rest of RAM above. */
#define GUEST_HOLE_START		0xc0000000	/* 3 GiB */
#define GUEST_HOLE_END			0x100000000	/* 4 GiB */
#define GUEST_KERNEL_BASE		0x00100000	/* where kernels link */

/* The console: a 16550 UART (PC16550D, its register map in section 8). */
#define GUEST_COM1_PORT			0x3f8
#define GUEST_COM1_NPORTS		8
#define GUEST_COM1_IRQ			4

#define GUEST_UART_DATA			0	/* RBR, THR; DLL if DLAB */
#define GUEST_UART_IER			1	/* DLM if DLAB */
#define GUEST_UART_IIR			2	/* read */
#define GUEST_UART_FCR			2	/* write */
#define GUEST_UART_LCR			3
#define GUEST_UART_MCR			4
#define GUEST_UART_LSR			5
#define GUEST_UART_MSR			6
#define GUEST_UART_SCR			7
#define GUEST_UART_FIFO_SIZE		16

#define GUEST_UART_FCR_ENABLE		0x01
#define GUEST_UART_FCR_CLEAR_RX		0x02
#define GUEST_UART_FCR_CLEAR_TX		0x04
#define GUEST_UART_LCR_8N1		0x03
#define GUEST_UART_LCR_DLAB		0x80
#define GUEST_UART_MCR_DTR		0x01
#define GUEST_UART_MCR_RTS		0x02
#define GUEST_UART_LSR_DR		0x01	/* a byte waits to be read */
#define GUEST_UART_LSR_THRE		0x20	/* the transmit FIFO is empty */

/*
 * The exit port: a byte written here ends the machine with that status.
 * QEMU's isa-debug-exit at the same port ends with (value << 1) | 1.
 */
#define GUEST_EXIT_PORT			0xf4
#define GUEST_EXIT_NPORTS		4

/*
 * The power port: a guest that ends by itself when asked to writes the vector
 * of an interrupt here, 16 to 255 (0: no more). Asked, VCPU 0 gets it, and the
 * port reads as GUEST_POWER_ASKED from then on.
 */
#define GUEST_POWER_PORT		0xf8
#define GUEST_POWER_NPORTS		1
#define GUEST_POWER_ASKED		0x01
#define GUEST_POWER_VECTOR_MIN		16

/* The local APIC (Intel SDM volume 3, chapter 11; AMD APM volume 2, 16). */
#define GUEST_LAPIC_BASE		0xfee00000
#define GUEST_LAPIC_SIZE		0x1000

#define GUEST_LAPIC_ID			0x020
#define GUEST_LAPIC_VERSION		0x030
#define GUEST_LAPIC_TPR			0x080
#define GUEST_LAPIC_APR			0x090
#define GUEST_LAPIC_PPR			0x0a0
#define GUEST_LAPIC_EOI			0x0b0
#define GUEST_LAPIC_RRD			0x0c0
#define GUEST_LAPIC_LDR			0x0d0
#define GUEST_LAPIC_DFR			0x0e0
#define GUEST_LAPIC_SVR			0x0f0
#define GUEST_LAPIC_ISR			0x100	/* 8 registers, 0x10 apart */
#define GUEST_LAPIC_TMR			0x180	/* likewise */
#define GUEST_LAPIC_IRR			0x200	/* likewise */
#define GUEST_LAPIC_ESR			0x280
#define GUEST_LAPIC_LVT_CMCI		0x2f0
#define GUEST_LAPIC_ICR_LO		0x300
#define GUEST_LAPIC_ICR_HI		0x310
#define GUEST_LAPIC_LVT_TIMER		0x320
#define GUEST_LAPIC_LVT_THERMAL		0x330
#define GUEST_LAPIC_LVT_PMC		0x340
#define GUEST_LAPIC_LVT_LINT0		0x350
#define GUEST_LAPIC_LVT_LINT1		0x360
#define GUEST_LAPIC_LVT_ERROR		0x370
#define GUEST_LAPIC_TIMER_ICR		0x380	/* initial count */
#define GUEST_LAPIC_TIMER_CCR		0x390	/* current count */
#define GUEST_LAPIC_TIMER_DCR		0x3e0	/* divide configuration */

#define GUEST_LAPIC_SVR_ENABLE		0x00000100
#define GUEST_LAPIC_LVT_MASKED		0x00010000
#define GUEST_LAPIC_LVT_ONESHOT		0x00000000
#define GUEST_LAPIC_LVT_PERIODIC	0x00020000
#define GUEST_LAPIC_LVT_TSCDEADLINE	0x00040000
#define GUEST_LAPIC_ICR_FIXED		0x00000000
#define GUEST_LAPIC_ICR_NMI		0x00000400
#define GUEST_LAPIC_ICR_PENDING		0x00001000
#define GUEST_LAPIC_ICR_ASSERT		0x00004000
#define GUEST_LAPIC_ICR_SELF		0x00040000
#define GUEST_LAPIC_DCR_BY_1		0x0b
#define GUEST_LAPIC_DCR_BY_16		0x03

#define GUEST_MSR_APIC_BASE		0x01b
#define GUEST_MSR_APIC_BASE_BSP		0x100
#define GUEST_MSR_APIC_BASE_X2APIC	0x400
#define GUEST_MSR_APIC_BASE_ENABLE	0x800
#define GUEST_MSR_TSC_DEADLINE		0x6e0

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

/* What EBX or RDI points to.  The pointers in it are physical addresses. */
struct hvm_start_info {
	uint32_t magic;			/* HVM_START_MAGIC_VALUE */
	uint32_t version;		/* HVM_START_VERSION */
	uint32_t flags;
	uint32_t nr_modules;
	uint64_t modlist_paddr;		/* struct hvm_modlist_entry[] */
	uint64_t cmdline_paddr;		/* NUL-terminated, or 0 */
	uint64_t rsdp_paddr;		/* ACPI, or 0 */
	uint64_t memmap_paddr;		/* struct hvm_memmap_table_entry[] */
	uint32_t memmap_entries;
	uint32_t reserved;
};

struct hvm_modlist_entry {
	uint64_t paddr;
	uint64_t size;
	uint64_t cmdline_paddr;
	uint64_t reserved;
};

struct hvm_memmap_table_entry {
	uint64_t addr;
	uint64_t size;
	uint32_t type;			/* HVM_MEMMAP_TYPE_* */
	uint32_t reserved;
};

_Static_assert(sizeof(struct hvm_start_info) == 56, "hvm_start_info");
_Static_assert(offsetof(struct hvm_start_info, memmap_paddr) == 40,
    "hvm_start_info.memmap_paddr");
_Static_assert(sizeof(struct hvm_modlist_entry) == 32, "hvm_modlist_entry");
_Static_assert(sizeof(struct hvm_memmap_table_entry) == 24,
    "hvm_memmap_table_entry");

#endif /* !__ASSEMBLER__ */

#endif /* !_GUEST_ABI_H_ */
