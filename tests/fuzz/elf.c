/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The ELF loader, from a file's bytes to the guest's memory.
 */

#include <sys/mman.h>

#include <string.h>
#include <unistd.h>

#include "guest_elf.h"
#include "guest_error.h"
#include "h_fuzz.h"

#define RAM	(2u << 20)

/* A refusal has a line that names the file. */
static void
check_error(const struct guest_error *err)
{

	FUZZ_CHECK(strncmp(err->text, "NAME: ", 6) == 0);
	FUZZ_CHECK(strchr(err->text, '\n') == NULL);
	FUZZ_CHECK(err->code != 0);
}

/* Check, and load if that is fine. */
static void
load(const struct guest_elf *elf, const struct guest_mem *mem, bool pvh)
{
	static const struct guest_range platform = { 0x1FF000, 0x1000 };
	struct guest_error err = { 0 };

	if (guest_elf_check(elf, mem, &platform, pvh, "NAME", &err) != 0) {
		check_error(&err);
		return;
	}
	if (guest_elf_place(elf, mem, "NAME", &err) != 0)
		check_error(&err);
}

void
fuzz_elf(const uint8_t *p, size_t n)
{
	static struct guest_mem mem;
	struct guest_error err = { 0 };
	struct guest_elf elf;
	void *ram;
	int fd;

	if (mem.base == NULL) {
		ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANON, -1, 0);
		FUZZ_CHECK(ram != MAP_FAILED);
		guest_mem_init(&mem, ram, RAM);
	}
	fd = fuzz_file(p, n);
	if (guest_elf_open(&elf, fd, "NAME", &err) == 0) {
		FUZZ_CHECK(elf.nsegs <= GUEST_ELF_NSEGS_MAX);
		load(&elf, &mem, false);
		load(&elf, &mem, true);
	} else
		check_error(&err);
	guest_elf_free(&elf);
	close(fd);
}
