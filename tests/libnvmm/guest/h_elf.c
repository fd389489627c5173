/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * ELF64 files made by hand for the tests of the loader.
 */

#include <sys/mman.h>

#include <atf-c.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h_elf.h"

_Static_assert(sizeof(struct h_elf) == H_ELF_SIZE, "h_elf");

/* A PT_LOAD of the file. */
static void
h_elf_load(Elf64_Phdr *ph, uint64_t addr, uint64_t off, uint64_t filesz,
    uint64_t memsz)
{
	*ph = (Elf64_Phdr){
		.p_type = PT_LOAD, .p_flags = PF_R | PF_W | PF_X,
		.p_offset = off, .p_vaddr = addr, .p_paddr = addr,
		.p_filesz = filesz, .p_memsz = memsz, .p_align = 0x1000,
	};
}

/* The note that names the PVH entry. */
static void
h_elf_note(struct h_elf *e)
{
	Elf64_Nhdr nh = { .n_namesz = 4, .n_descsz = 8, .n_type = 18 };
	uint64_t entry = H_ELF_TEXT + 16;

	memcpy(e->note, &nh, sizeof(nh));
	memcpy(e->note + 12, "Xen", 4);
	memcpy(e->note + 16, &entry, 8);
	e->ph[2] = (Elf64_Phdr){
		.p_type = PT_NOTE, .p_offset = offsetof(struct h_elf, note),
		.p_filesz = 24, .p_memsz = 24, .p_align = 4,
	};
	e->eh.e_phnum = 3;
}

void
h_elf_make(struct h_elf *e, int pvh)
{
	memset(e, 0, sizeof(*e));
	memcpy(e->eh.e_ident, ELFMAG, SELFMAG);
	e->eh.e_ident[EI_CLASS] = ELFCLASS64;
	e->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	e->eh.e_ident[EI_VERSION] = EV_CURRENT;
	e->eh.e_type = ET_EXEC;
	e->eh.e_machine = EM_X86_64;
	e->eh.e_version = EV_CURRENT;
	e->eh.e_entry = H_ELF_TEXT;
	e->eh.e_phoff = offsetof(struct h_elf, ph);
	e->eh.e_ehsize = sizeof(Elf64_Ehdr);
	e->eh.e_phentsize = sizeof(Elf64_Phdr);
	e->eh.e_phnum = 2;
	h_elf_load(&e->ph[0], H_ELF_TEXT, 0x1000, 0x1000, 0x1000);
	h_elf_load(&e->ph[1], H_ELF_DATA, 0x2000, 0x800, 0x3000);
	memset((uint8_t *)e + 0x1000, 0x90, 0x1000);
	memset((uint8_t *)e + 0x2000, 0xda, 0x1000);
	if (pvh)
		h_elf_note(e);
}

int
h_elf_file(const void *buf, size_t len)
{
	char name[] = "elf.XXXXXX";
	int fd;

	fd = mkstemp(name);
	ATF_REQUIRE(fd != -1);
	unlink(name);
	ATF_REQUIRE_EQ(write(fd, buf, len), (ssize_t)len);
	return fd;
}

void
h_mem_make(struct guest_mem *mem, uint64_t size)
{
	void *p;

	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);
	ATF_REQUIRE(p != MAP_FAILED);
	guest_mem_init(mem, p, size);
}
