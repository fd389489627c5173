/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * ELF64 executables: what libguest takes over from one. The file's bytes are
 * a private copy from the first moment on, and nothing in them is trusted.
 */

#ifndef _GUEST_ELF_H_
#define _GUEST_ELF_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest.h"
#include "guest_mem.h"

#define GUEST_ELF_NSEGS_MAX	64
#define GUEST_ELF_SIZE_MAX	(256ULL << 20)	/* bytes of a file */

/* One PT_LOAD. [off, off + filesz) lies in the file, filesz <= memsz. */
struct guest_elf_seg {
	uint64_t vaddr;
	uint64_t paddr;
	uint64_t memsz;			/* never 0 */
	uint64_t filesz;
	uint64_t off;
};

struct guest_elf {
	uint8_t *data;			/* the private copy */
	size_t size;
	uint64_t entry;			/* e_entry, a virtual address */
	bool has_pvh;
	uint64_t pvh_entry;		/* a physical address */
	unsigned nsegs;
	struct guest_elf_seg segs[GUEST_ELF_NSEGS_MAX];
};

/* A range of guest-physical memory. */
struct guest_range {
	uint64_t base;
	uint64_t size;
};

/*
 * Copy the regular file behind fd, whatever its offset, and take in its
 * headers. The name is for the error's text. => guest_elf_free() either way.
 */
int	guest_elf_open(struct guest_elf *, int fd, const char *name,
	    struct guest_error *);
void	guest_elf_free(struct guest_elf *);
/* True if the file's own virtual addresses need page tables. */
bool	guest_elf_seg_moved(const struct guest_elf_seg *);
/*
 * Check that every segment is in RAM, apart from the others and from the
 * platform's range, and that the entry to be used lies in one.
 */
int	guest_elf_check(const struct guest_elf *, const struct guest_mem *,
	    const struct guest_range *, bool pvh, const char *name,
	    struct guest_error *);
/* Copy the segments in. => The guest's memory is zero there. */
int	guest_elf_place(const struct guest_elf *, const struct guest_mem *,
	    const char *name, struct guest_error *);

#endif /* _GUEST_ELF_H_ */
