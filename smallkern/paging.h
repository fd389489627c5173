/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Page tables of four levels (AMD APM volume 2, 5.3; Intel SDM volume 3, 4.5).
 */

#ifndef _PAGING_H_
#define _PAGING_H_

#define PTE_P		0x001		/* present */
#define PTE_W		0x002		/* writable */
#define PTE_U		0x004		/* ring 3 may use it */
#define PTE_PWT		0x008
#define PTE_PCD		0x010		/* not cached: devices */
#define PTE_A		0x020		/* was accessed */
#define PTE_D		0x040		/* was written */
#define PTE_PS		0x080		/* in a page directory: a 2 MiB page */

#define PAGE_SIZE	4096

#ifndef __ASSEMBLER__

#include <stdint.h>

#define PTE_NX		(1ULL << 63)	/* holds no instructions */
#define PTE_FRAME	0x000ffffffffff000ULL

/* A virtual page that belongs to nobody, 512 GiB up, for checks to map. */
#define PAGING_WINDOW	0x8000000000ULL

void	paging_init(void);
uint64_t *paging_pte(uintptr_t);
void	paging_map(uintptr_t, uint64_t, uint64_t);

#endif /* !__ASSEMBLER__ */

#endif /* !_PAGING_H_ */
