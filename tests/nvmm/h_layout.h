/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Where things lie in the guests of the API tests, for C and assembler: tables,
 * code, data and stack below 64 KiB, so that every mode reaches them by the
 * same addresses; page tables above.
 */

#ifndef _H_LAYOUT_H_
#define _H_LAYOUT_H_

#define G_IVT		0x0000
#define G_GDT		0x1000
#define G_IDT		0x2000
#define G_TSS		0x3000
#define G_LDT		0x3800
#define G_STACK0	0x6ff0		/* ring 0's, from ring 3 */
#define G_STACK		0x7ff0		/* grows down */
#define G_CODE		0x8000
#define G_DATA		0xc000		/* what guests see, 8 KiB */
#define G_STUBS		0xe000		/* 16 bytes a vector */
#define G_STUB_SIZE	16

/* Page tables: all map the first 4 MiB to itself, and again at G_ALIAS. */
#define G_PML4		0x10000		/* long mode */
#define G_PDPT		0x11000
#define G_PD		0x12000		/* of long mode and PAE, 2 MiB pages */
#define G_PDPT_PAE	0x13000
#define G_PD_PSE	0x14000		/* 32-bit, 4 MiB pages */
#define G_PD_32		0x15000		/* 32-bit, 4 KiB pages */
#define G_PT_32		0x16000
#define G_ALIAS		0x400000

#define G_FREE		0x20000		/* RAM for a test's own use, to the hole */
#define G_MMIO		0xb0000		/* a hole of 64 KiB */
#define G_MMIO_SIZE	0x10000
#define G_HIGH		0x100000	/* RAM from here on as well */
#define G_RAM		0x300000	/* end of RAM */

#define SEL_CODE32	0x08
#define SEL_DATA	0x10
#define SEL_CODE64	0x18
#define SEL_CODE16	0x20
#define SEL_DATA16	0x28
#define SEL_TSS		0x30		/* 16 bytes */
#define SEL_UCODE32	0x43
#define SEL_UDATA	0x4b
#define SEL_UCODE64	0x53
#define SEL_LDT		0x58		/* 16 bytes */
#define G_GDT_SIZE	0x68

#define PORT_TRAP	0xe0		/* a vector's stub was reached */
#define PORT_FAIL	0xee		/* the guest does not agree */

#endif /* _H_LAYOUT_H_ */
