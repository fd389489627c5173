/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The ELF64 loader. The file is copied first, bounded, so that one truncated
 * or rewritten meanwhile cannot hurt; then libelf reads the copy; then each
 * number in it is checked before it is followed.
 */

#include <sys/stat.h>

#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest_abi.h"
#include "guest_elf.h"
#include "guest_error.h"

/* The size of the file to copy, if it is one that can be copied. */
static int
elf_file_size(int fd, size_t *sizep, const char *name, struct guest_error *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return guest_fail(err, errno, "%s: %s", name, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return guest_fail(err, EISDIR, "%s: is a directory", name);
	if (!S_ISREG(st.st_mode))
		return guest_fail(err, EINVAL, "%s: not a regular file", name);
	if (st.st_size == 0)
		return guest_fail(err, ENOEXEC, "%s: is empty", name);
	if ((uint64_t)st.st_size > GUEST_ELF_SIZE_MAX)
		return guest_fail(err, EFBIG, "%s: larger than %llu MiB", name,
		    GUEST_ELF_SIZE_MAX >> 20);
	*sizep = (size_t)st.st_size;
	return 0;
}

/* The private copy: as much of the file as there is, up to its first size. */
static int
elf_copy(struct guest_elf *elf, int fd, const char *name,
    struct guest_error *err)
{
	size_t size = 0;
	ssize_t n;

	if (elf_file_size(fd, &size, name, err) == -1)
		return -1;
	elf->data = malloc(size);
	if (elf->data == NULL)
		return guest_fail(err, ENOMEM, "%s: no memory for a copy",
		    name);
	while (elf->size < size) {
		n = pread(fd, elf->data + elf->size, size - elf->size,
		    (off_t)elf->size);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return guest_fail(err, errno, "%s: %s", name,
			    strerror(errno));
		if (n == 0)
			break;
		elf->size += (size_t)n;
	}
	return 0;
}

/* Passes if the first bytes are those of a little-endian ELF64 file. */
static int
elf_check_ident(const struct guest_elf *elf, const char *name,
    struct guest_error *err)
{
	const uint8_t *ident = elf->data;

	if (elf->size < SELFMAG || memcmp(ident, ELFMAG, SELFMAG) != 0)
		return guest_fail(err, ENOEXEC, "%s: not an ELF file", name);
	if (elf->size < EI_NIDENT)
		return guest_fail(err, ENOEXEC, "%s: ELF file cut short",
		    name);
	if (ident[EI_CLASS] == ELFCLASS32)
		return guest_fail(err, ENOEXEC,
		    "%s: 32-bit ELF file, not a 64-bit one", name);
	if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_VERSION] != EV_CURRENT)
		return guest_fail(err, ENOEXEC,
		    "%s: ELF file of unknown class or version", name);
	if (ident[EI_DATA] != ELFDATA2LSB)
		return guest_fail(err, ENOEXEC,
		    "%s: big-endian ELF file, not an x86-64 one", name);
	if (elf->size < sizeof(Elf64_Ehdr))
		return guest_fail(err, ENOEXEC, "%s: ELF file cut short",
		    name);
	return 0;
}

/* Passes if the file is of a machine and of a type that can be loaded. */
static int
elf_check_type(const GElf_Ehdr *eh, const char *name, struct guest_error *err)
{
	if (eh->e_machine != EM_X86_64)
		return guest_fail(err, ENOEXEC,
		    "%s: ELF file for machine %u, not for x86-64", name,
		    eh->e_machine);
	if (eh->e_type == ET_DYN)
		return guest_fail(err, ENOEXEC,
		    "%s: position-independent or shared ELF file; "
		    "link it static with -no-pie", name);
	if (eh->e_type == ET_REL)
		return guest_fail(err, ENOEXEC,
		    "%s: ELF object file that is not linked yet", name);
	if (eh->e_type != ET_EXEC)
		return guest_fail(err, ENOEXEC,
		    "%s: ELF file of type %u, not an executable", name,
		    eh->e_type);
	return 0;
}

/* Passes if the table of program headers lies in the file. */
static int
elf_check_table(const struct guest_elf *elf, const GElf_Ehdr *eh,
    const char *name, struct guest_error *err)
{
	if (eh->e_phnum == 0 || eh->e_phnum == PN_XNUM ||
	    eh->e_phentsize != sizeof(Elf64_Phdr))
		return guest_fail(err, ENOEXEC,
		    "%s: ELF file without usable program headers", name);
	if (eh->e_phoff > elf->size || (uint64_t)eh->e_phnum *
	    sizeof(Elf64_Phdr) > elf->size - eh->e_phoff)
		return guest_fail(err, ENOEXEC,
		    "%s: ELF file cut short: program headers at 0x%llx are "
		    "beyond its end", name, (unsigned long long)eh->e_phoff);
	return 0;
}

/* One more segment in the list, or an error that names it. */
static int
elf_take_load(struct guest_elf *elf, const GElf_Phdr *ph, unsigned i,
    const char *name, struct guest_error *err)
{
	if (ph->p_filesz > ph->p_memsz)
		return guest_fail(err, ENOEXEC,
		    "%s: segment %u has more bytes in the file than in memory",
		    name, i);
	if (ph->p_memsz == 0)
		return 0;
	if (ph->p_offset > elf->size ||
	    ph->p_filesz > elf->size - ph->p_offset)
		return guest_fail(err, ENOEXEC,
		    "%s: ELF file cut short: segment %u is beyond its end",
		    name, i);
	if (elf->nsegs == GUEST_ELF_NSEGS_MAX)
		return guest_fail(err, ENOEXEC, "%s: more than %d segments",
		    name, GUEST_ELF_NSEGS_MAX);
	elf->segs[elf->nsegs++] = (struct guest_elf_seg){
		.vaddr = ph->p_vaddr,
		.paddr = ph->p_paddr,
		.memsz = ph->p_memsz,
		.filesz = ph->p_filesz,
		.off = ph->p_offset,
	};
	return 0;
}

/* The PVH entry, if this note is the one. */
static void
elf_take_note(struct guest_elf *elf, uint32_t type, const uint8_t *owner,
    uint32_t ownersz, const uint8_t *desc, uint32_t descsz)
{
	uint64_t entry = 0;

	if (type != HVM_NOTE_PHYS32_ENTRY ||
	    ownersz != sizeof(HVM_NOTE_OWNER) ||
	    memcmp(owner, HVM_NOTE_OWNER, ownersz) != 0 ||
	    (descsz != 4 && descsz != 8))
		return;
	memcpy(&entry, desc, descsz);
	elf->has_pvh = true;
	elf->pvh_entry = entry;
}

/* The notes of a PT_NOTE looked through; what does not fit ends the search. */
static void
elf_take_notes(struct guest_elf *elf, const GElf_Phdr *ph)
{
	uint64_t mask = (ph->p_align == 8 ? 8 : 4) - 1;
	uint64_t size = ph->p_filesz, off = 0, desc;
	const uint8_t *p;
	Elf64_Nhdr nh;

	if (ph->p_offset > elf->size || size > elf->size - ph->p_offset)
		return;
	p = elf->data + ph->p_offset;
	/* Aligned is the place in the segment: sums of few 32-bit numbers. */
	while (off <= size && sizeof(nh) <= size - off) {
		memcpy(&nh, p + off, sizeof(nh));
		off += sizeof(nh);
		desc = (off + nh.n_namesz + mask) & ~mask;
		if (desc > size || nh.n_descsz > size - desc)
			return;
		elf_take_note(elf, nh.n_type, p + off, nh.n_namesz, p + desc,
		    nh.n_descsz);
		off = (desc + nh.n_descsz + mask) & ~mask;
	}
}

/* One program header taken in, if it matters. */
static int
elf_take_phdr(struct guest_elf *elf, const GElf_Phdr *ph, unsigned i,
    const char *name, struct guest_error *err)
{
	switch (ph->p_type) {
	case PT_LOAD:
		return elf_take_load(elf, ph, i, name, err);
	case PT_NOTE:
		elf_take_notes(elf, ph);
		return 0;
	case PT_INTERP:
		return guest_fail(err, ENOEXEC,
		    "%s: dynamically linked ELF file; link it static", name);
	default:
		return 0;
	}
}

/* The headers taken in through libelf's view of the copy. */
static int
elf_parse(struct guest_elf *elf, Elf *e, const char *name,
    struct guest_error *err)
{
	GElf_Ehdr eh;
	GElf_Phdr ph;
	unsigned i;

	if (e == NULL || elf_kind(e) != ELF_K_ELF ||
	    gelf_getehdr(e, &eh) == NULL)
		return guest_fail(err, ENOEXEC, "%s: damaged ELF file: %s",
		    name, elf_errmsg(-1));
	if (elf_check_type(&eh, name, err) == -1 ||
	    elf_check_table(elf, &eh, name, err) == -1)
		return -1;
	elf->entry = eh.e_entry;
	for (i = 0; i < eh.e_phnum; i++) {
		if (gelf_getphdr(e, (int)i, &ph) == NULL)
			return guest_fail(err, ENOEXEC,
			    "%s: damaged ELF file: %s", name, elf_errmsg(-1));
		if (elf_take_phdr(elf, &ph, i, name, err) == -1)
			return -1;
	}
	if (elf->nsegs == 0)
		return guest_fail(err, ENOEXEC,
		    "%s: ELF file with nothing to load", name);
	return 0;
}

/* A copy of the file with its headers taken in. */
int
guest_elf_open(struct guest_elf *elf, int fd, const char *name,
    struct guest_error *err)
{
	Elf *e;
	int error;

	memset(elf, 0, sizeof(*elf));
	if (elf_copy(elf, fd, name, err) == -1 ||
	    elf_check_ident(elf, name, err) == -1)
		return -1;
	elf_version(EV_CURRENT);
	e = elf_memory((char *)elf->data, elf->size);
	error = elf_parse(elf, e, name, err);
	elf_end(e);
	return error;
}

/* The copy's memory returned. */
void
guest_elf_free(struct guest_elf *elf)
{
	free(elf->data);
	elf->data = NULL;
}

/* True if the segment is linked to run elsewhere than it lies. */
bool
guest_elf_seg_moved(const struct guest_elf_seg *seg)
{
	return seg->vaddr != seg->paddr;
}

/* True if the two ranges share a byte; neither wraps. */
static bool
ranges_overlap(uint64_t a, uint64_t alen, uint64_t b, uint64_t blen)
{
	return a < b ? blen != 0 && b - a < alen : alen != 0 && a - b < blen;
}

/* Passes if segment i lies well. */
static int
elf_check_seg(const struct guest_elf *elf, unsigned i,
    const struct guest_mem *mem, const struct guest_range *platform,
    const char *name, struct guest_error *err)
{
	const struct guest_elf_seg *seg = &elf->segs[i], *o;
	unsigned long long first = seg->paddr, size = seg->memsz;

	if (!guest_mem_has(mem, seg->paddr, seg->memsz))
		return guest_fail(err, ENOEXEC,
		    "%s: segment of 0x%llx bytes at 0x%llx is outside the "
		    "guest's memory", name, size, first);
	if (ranges_overlap(seg->paddr, seg->memsz, platform->base,
	    platform->size))
		return guest_fail(err, ENOEXEC,
		    "%s: segment of 0x%llx bytes at 0x%llx overlaps the "
		    "platform's own at 0x%llx", name, size, first,
		    (unsigned long long)platform->base);
	for (o = elf->segs; o < seg; o++) {
		if (ranges_overlap(seg->paddr, seg->memsz, o->paddr,
		    o->memsz))
			return guest_fail(err, ENOEXEC,
			    "%s: segments at 0x%llx and 0x%llx overlap", name,
			    (unsigned long long)o->paddr, first);
	}
	return 0;
}

/* True if the entry to be used lies in a segment. */
static bool
elf_entry_ok(const struct guest_elf *elf, bool pvh)
{
	uint64_t entry = pvh ? elf->pvh_entry : elf->entry, base;
	unsigned i;

	for (i = 0; i < elf->nsegs; i++) {
		base = pvh ? elf->segs[i].paddr : elf->segs[i].vaddr;
		if (entry >= base && entry - base < elf->segs[i].memsz)
			return !pvh || entry <= UINT32_MAX;
	}
	return false;
}

/* Passes if the file can be loaded into this memory. */
int
guest_elf_check(const struct guest_elf *elf, const struct guest_mem *mem,
    const struct guest_range *platform, bool pvh, const char *name,
    struct guest_error *err)
{
	unsigned i;

	for (i = 0; i < elf->nsegs; i++) {
		if (elf_check_seg(elf, i, mem, platform, name, err) == -1)
			return -1;
	}
	if (!elf_entry_ok(elf, pvh))
		return guest_fail(err, ENOEXEC,
		    "%s: entry point 0x%llx is in none of its segments", name,
		    (unsigned long long)(pvh ? elf->pvh_entry : elf->entry));
	return 0;
}

/* The segments' bytes in the guest's memory. */
int
guest_elf_place(const struct guest_elf *elf, const struct guest_mem *mem,
    const char *name, struct guest_error *err)
{
	const struct guest_elf_seg *seg;

	for (seg = elf->segs; seg < elf->segs + elf->nsegs; seg++) {
		if (guest_mem_write(mem, seg->paddr, elf->data + seg->off,
		    seg->filesz) == -1)
			return guest_fail(err, errno,
			    "%s: segment at 0x%llx: %s", name,
			    (unsigned long long)seg->paddr, strerror(errno));
	}
	return 0;
}
