/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * ELF64 files made by hand, good ones to spoil, and memory to load them into.
 */

#ifndef _H_ELF_H_
#define _H_ELF_H_

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#include "guest_elf.h"

#define H_ELF_NPHDRS	6
#define H_ELF_SIZE	0x3000		/* bytes of the file */

/* The layout of the file. */
struct h_elf {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[H_ELF_NPHDRS];
	uint8_t note[0x100];
	uint8_t rest[H_ELF_SIZE - sizeof(Elf64_Ehdr) -
	    H_ELF_NPHDRS * sizeof(Elf64_Phdr) - 0x100];
};

#define H_ELF_TEXT	0x100000ULL	/* segment 0, from file offset 0x1000 */
#define H_ELF_DATA	0x102000ULL	/* segment 1, from file offset 0x2000 */

/* Two segments, and a PVH note if asked for; entry at H_ELF_TEXT. */
void	h_elf_make(struct h_elf *, int pvh);
/* An open file with the bytes, unlinked. */
int	h_elf_file(const void *, size_t);
/* Anonymous memory of so many bytes as guest memory. */
void	h_mem_make(struct guest_mem *, uint64_t size);

#endif /* _H_ELF_H_ */
