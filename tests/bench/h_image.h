/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The guests of the exit bench: the same memory and code for every driver,
 * in long mode with the first GiB mapped to itself.
 */

#ifndef _H_IMAGE_H_
#define _H_IMAGE_H_

#define I_PML4		0x1000
#define I_PDPT		0x2000
#define I_PD		0x3000
#define I_CODE		0x8000
#define I_TABLE		0x10000		/* of addresses, for guest_touch */
#define I_FRESH		0x1000000	/* touched in ascending order, once */
#define I_FRESH_RANDOM	0x2800000	/* touched in no order, once */
#define I_RAM		0x4000000	/* end of RAM */
#define I_MMIO		0x3f000000	/* nothing is there */

#define I_PORT		0x10
#define I_CPUIDS	1000		/* of guest_cpuid between two ports */
#define I_TOUCHES	512		/* of guest_touch between two ports: 2 MiB */

#ifndef __ASSEMBLER__
#include <stdint.h>

/* I_CODE holds what lies between image and image_end. */
extern const uint8_t image[], image_end[];
extern const uint8_t guest_port[];	/* writes to I_PORT forever */
extern const uint8_t guest_cpuid[];	/* I_PORT, then I_CPUIDS times CPUID */
extern const uint8_t guest_mmio[];	/* writes to I_MMIO forever */
extern const uint8_t guest_mmio_or[];	/* ORs into I_MMIO forever */
extern const uint8_t guest_touch[];	/* I_PORT, then I_TABLE's addresses */

enum touch { TOUCH_ASCENDING, TOUCH_RANDOM };

void	*image_memory(void);
void	image_load(uint8_t *);
uint64_t image_entry(const uint8_t *);
void	image_touches(enum touch, uint64_t *);
void	image_touch(const uint64_t *, uint8_t *);
#endif

#endif /* _H_IMAGE_H_ */
