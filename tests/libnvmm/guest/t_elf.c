/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The ELF64 loader: a good file, and every way in which one can be bad. Each
 * refusal must name the file and what is wrong, and come without a crash.
 */

#include <sys/stat.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h_elf.h"

static const struct guest_range nowhere = { 0x1ff000, 0x1000 };

/* Open the bytes and check them against 2 MiB; the error's text is kept. */
static int
try(const void *buf, size_t len, int pvh, struct guest_error *err)
{
	struct guest_elf elf;
	struct guest_mem mem;
	int fd = h_elf_file(buf, len), error;

	memset(err, 0, sizeof(*err));
	h_mem_make(&mem, 2 << 20);
	error = guest_elf_open(&elf, fd, "NAME", err);
	if (error == 0)
		error = guest_elf_check(&elf, &mem, &nowhere, pvh, "NAME",
		    err);
	guest_elf_free(&elf);
	close(fd);
	return error;
}

/* The bytes must be refused with a text that holds what. */
static void
refused(const void *buf, size_t len, const char *what)
{
	struct guest_error err;

	ATF_REQUIRE_EQ_MSG(try(buf, len, 0, &err), -1, "accepted: %s", what);
	ATF_CHECK_MSG(strncmp(err.text, "NAME: ", 6) == 0, "%s", err.text);
	ATF_CHECK_MSG(strstr(err.text, what) != NULL, "want '%s': %s", what,
	    err.text);
	ATF_CHECK_MSG(strchr(err.text, '\n') == NULL, "%s", err.text);
	ATF_CHECK_EQ(err.code, errno);
}

ATF_TC_WITHOUT_HEAD(good);
ATF_TC_BODY(good, tc)
{
	struct guest_error err;
	struct guest_elf elf;
	struct guest_mem mem;
	struct h_elf e;
	uint64_t i;
	int fd;

	(void)tc;
	h_elf_make(&e, 1);
	h_mem_make(&mem, 2 << 20);
	fd = h_elf_file(&e, sizeof(e));
	ATF_REQUIRE_EQ_MSG(guest_elf_open(&elf, fd, "NAME", &err), 0, "%s",
	    err.text);
	ATF_CHECK_EQ(elf.nsegs, 2);
	ATF_CHECK_EQ(elf.entry, H_ELF_TEXT);
	ATF_CHECK(elf.has_pvh);
	ATF_CHECK_EQ(elf.pvh_entry, H_ELF_TEXT + 16);
	ATF_CHECK_EQ(guest_elf_check(&elf, &mem, &nowhere, true, "NAME",
	    &err), 0);
	ATF_CHECK_EQ(guest_elf_check(&elf, &mem, &nowhere, false, "NAME",
	    &err), 0);
	ATF_REQUIRE_EQ(guest_elf_place(&elf, &mem, "NAME", &err), 0);
	for (i = 0; i < mem.low; i++) {
		uint8_t want = 0;

		if (i >= H_ELF_TEXT && i < H_ELF_TEXT + 0x1000)
			want = 0x90;
		if (i >= H_ELF_DATA && i < H_ELF_DATA + 0x800)
			want = 0xda;
		ATF_REQUIRE_EQ_MSG(mem.base[i], want, "at 0x%llx",
		    (unsigned long long)i);
	}
	guest_elf_free(&elf);
	/* The descriptor is the caller's still. */
	ATF_CHECK_EQ(close(fd), 0);
}

ATF_TC_WITHOUT_HEAD(truncated_at_every_length);
ATF_TC_BODY(truncated_at_every_length, tc)
{
	struct guest_error err;
	struct h_elf e;
	size_t len, need = 0x2800;

	(void)tc;
	h_elf_make(&e, 1);
	for (len = 0; len <= sizeof(e); len += len < 0x300 ? 1 : 61) {
		if (try(&e, len, 0, &err) == 0)
			ATF_CHECK_MSG(len >= need, "%zu bytes accepted", len);
		else
			ATF_CHECK_MSG(len < need, "%zu bytes: %s", len,
			    err.text);
	}
	refused(&e, 0, "empty");
	refused(&e, 3, "not an ELF");
	refused(&e, 40, "cut short");
	refused(&e, 70, "cut short: program headers");
	refused(&e, 0x2000, "cut short: segment 1");
}

ATF_TC_WITHOUT_HEAD(wrong_kind);
ATF_TC_BODY(wrong_kind, tc)
{
	struct h_elf e;

	(void)tc;
	refused("#!/bin/sh\necho no\n", 18, "not an ELF");
	h_elf_make(&e, 0);
	e.eh.e_machine = EM_AARCH64;
	refused(&e, sizeof(e), "machine 183");
	h_elf_make(&e, 0);
	e.eh.e_ident[EI_CLASS] = ELFCLASS32;
	refused(&e, sizeof(e), "32-bit");
	h_elf_make(&e, 0);
	e.eh.e_ident[EI_DATA] = ELFDATA2MSB;
	refused(&e, sizeof(e), "big-endian");
	h_elf_make(&e, 0);
	e.eh.e_ident[EI_CLASS] = 77;
	refused(&e, sizeof(e), "unknown class");
	h_elf_make(&e, 0);
	e.eh.e_type = ET_DYN;
	refused(&e, sizeof(e), "-no-pie");
	h_elf_make(&e, 0);
	e.eh.e_type = ET_REL;
	refused(&e, sizeof(e), "not linked");
	h_elf_make(&e, 0);
	e.eh.e_type = ET_CORE;
	refused(&e, sizeof(e), "type 4");
	h_elf_make(&e, 0);
	e.ph[1].p_type = PT_INTERP;
	refused(&e, sizeof(e), "dynamically linked");
}

ATF_TC_WITHOUT_HEAD(bad_headers);
ATF_TC_BODY(bad_headers, tc)
{
	struct h_elf e;

	(void)tc;
	h_elf_make(&e, 0);
	e.eh.e_phnum = 0;
	refused(&e, sizeof(e), "program headers");
	h_elf_make(&e, 0);
	e.eh.e_phnum = PN_XNUM;
	refused(&e, sizeof(e), "program headers");
	h_elf_make(&e, 0);
	e.eh.e_phentsize = 8;
	refused(&e, sizeof(e), "program headers");
	h_elf_make(&e, 0);
	e.eh.e_phoff = UINT64_MAX - 8;
	refused(&e, sizeof(e), "program headers");
	h_elf_make(&e, 0);
	e.eh.e_phnum = 1000;
	refused(&e, sizeof(e), "program headers");
	h_elf_make(&e, 0);
	e.ph[0].p_type = e.ph[1].p_type = PT_NULL;
	refused(&e, sizeof(e), "nothing to load");
	h_elf_make(&e, 0);
	e.eh.e_entry = H_ELF_TEXT - 1;
	refused(&e, sizeof(e), "entry point 0xfffff");
	h_elf_make(&e, 0);
	e.eh.e_entry = H_ELF_TEXT + 0x1000;
	refused(&e, sizeof(e), "entry point 0x101000");
}

ATF_TC_WITHOUT_HEAD(bad_segments);
ATF_TC_BODY(bad_segments, tc)
{
	struct h_elf e;

	(void)tc;
	h_elf_make(&e, 0);
	e.ph[1].p_filesz = e.ph[1].p_memsz + 1;
	refused(&e, sizeof(e), "segment 1 has more bytes in the file");
	h_elf_make(&e, 0);
	e.ph[1].p_offset = UINT64_MAX;
	refused(&e, sizeof(e), "segment 1 is beyond");
	h_elf_make(&e, 0);
	e.ph[1].p_offset = H_ELF_SIZE - 0x7ff;
	refused(&e, sizeof(e), "segment 1 is beyond");
	h_elf_make(&e, 0);
	e.ph[1].p_paddr = 0x200000;
	refused(&e, sizeof(e), "at 0x200000 is outside");
	h_elf_make(&e, 0);
	e.ph[1].p_paddr = 0x1fe000;
	refused(&e, sizeof(e), "at 0x1fe000 is outside");
	h_elf_make(&e, 0);
	e.ph[1].p_memsz = UINT64_MAX;
	refused(&e, sizeof(e), "outside");
	h_elf_make(&e, 0);
	e.ph[1].p_paddr = UINT64_MAX - 0x100;
	refused(&e, sizeof(e), "outside");
	h_elf_make(&e, 0);
	e.ph[1].p_paddr = 0xfee00000;
	refused(&e, sizeof(e), "outside");
	h_elf_make(&e, 0);
	e.ph[1].p_paddr = 0x1fc001;
	refused(&e, sizeof(e), "overlaps the platform's own at 0x1ff000");
	h_elf_make(&e, 0);
	e.ph[1].p_paddr = H_ELF_TEXT + 0xfff;
	refused(&e, sizeof(e), "overlap");
}

ATF_TC_WITHOUT_HEAD(segments_may_touch);
ATF_TC_BODY(segments_may_touch, tc)
{
	struct guest_error err;
	struct h_elf e;

	(void)tc;
	h_elf_make(&e, 0);
	e.ph[1].p_paddr = 0x1ff000 - e.ph[1].p_memsz;
	ATF_CHECK_EQ_MSG(try(&e, sizeof(e), 0, &err), 0, "%s", err.text);
	h_elf_make(&e, 0);
	e.ph[1].p_paddr = H_ELF_TEXT + 0x1000;
	ATF_CHECK_EQ_MSG(try(&e, sizeof(e), 0, &err), 0, "%s", err.text);
	/* One of no size is nowhere. */
	h_elf_make(&e, 0);
	e.ph[1].p_paddr = UINT64_MAX;
	e.ph[1].p_memsz = e.ph[1].p_filesz = 0;
	ATF_CHECK_EQ_MSG(try(&e, sizeof(e), 0, &err), 0, "%s", err.text);
}

/* True if the file with these changes to its note has a PVH entry. */
static bool
has_pvh(const struct h_elf *e)
{
	struct guest_error err;
	struct guest_elf elf;
	int fd = h_elf_file(e, sizeof(*e));
	bool has;

	ATF_REQUIRE_EQ_MSG(guest_elf_open(&elf, fd, "NAME", &err), 0, "%s",
	    err.text);
	has = elf.has_pvh;
	guest_elf_free(&elf);
	close(fd);
	return has;
}

ATF_TC_WITHOUT_HEAD(notes);
ATF_TC_BODY(notes, tc)
{
	struct guest_error err;
	uint32_t *words;
	struct h_elf e;

	(void)tc;
	h_elf_make(&e, 1);
	words = (uint32_t *)(void *)e.note;
	ATF_CHECK(has_pvh(&e));
	words[1] = 4;			/* a descriptor of 32 bits */
	ATF_CHECK(has_pvh(&e));
	words[1] = 2;
	ATF_CHECK(!has_pvh(&e));
	words[1] = UINT32_MAX;
	ATF_CHECK(!has_pvh(&e));
	h_elf_make(&e, 1);
	words[0] = UINT32_MAX - 2;
	ATF_CHECK(!has_pvh(&e));
	h_elf_make(&e, 1);
	e.note[12] = 'Y';
	ATF_CHECK(!has_pvh(&e));
	h_elf_make(&e, 1);
	e.ph[2].p_filesz = 23;
	ATF_CHECK(!has_pvh(&e));
	e.ph[2].p_offset = UINT64_MAX - 4;
	ATF_CHECK(!has_pvh(&e));
	/* Behind another note. */
	h_elf_make(&e, 1);
	memmove(e.note + 20, e.note, 24);
	words[0] = 3;
	words[1] = 1;
	words[2] = 1;
	e.ph[2].p_filesz = 44;
	ATF_CHECK(has_pvh(&e));
	/* Aligned to 8, the descriptor is, not the name's length. */
	h_elf_make(&e, 1);
	e.ph[2].p_align = 8;
	ATF_CHECK(has_pvh(&e));
	memmove(e.note + 24, e.note, 24);
	words[0] = 4;
	words[1] = 4;
	words[2] = 5;
	e.ph[2].p_filesz = 48;
	ATF_CHECK(has_pvh(&e));
	/* An entry that is nowhere. */
	h_elf_make(&e, 1);
	words[4] = 0x50;
	ATF_CHECK_EQ(try(&e, sizeof(e), 1, &err), -1);
	ATF_CHECK(strstr(err.text, "entry point 0x50") != NULL);
}

ATF_TC_WITHOUT_HEAD(no_regular_file);
ATF_TC_BODY(no_regular_file, tc)
{
	struct guest_error err;
	struct guest_elf elf;
	int fds[2], fd;

	(void)tc;
	ATF_REQUIRE_EQ(pipe(fds), 0);
	ATF_CHECK_EQ(guest_elf_open(&elf, fds[0], "NAME", &err), -1);
	ATF_CHECK(strstr(err.text, "not a regular file") != NULL);
	guest_elf_free(&elf);
	fd = open("/", O_RDONLY);
	ATF_CHECK_EQ(guest_elf_open(&elf, fd, "NAME", &err), -1);
	ATF_CHECK_EQ(err.code, EISDIR);
	ATF_CHECK(strstr(err.text, "directory") != NULL);
	guest_elf_free(&elf);
	fd = open("/dev/zero", O_RDONLY);
	ATF_CHECK_EQ(guest_elf_open(&elf, fd, "NAME", &err), -1);
	guest_elf_free(&elf);
	ATF_CHECK_EQ(guest_elf_open(&elf, -1, "NAME", &err), -1);
	ATF_CHECK_EQ(err.code, EBADF);
	guest_elf_free(&elf);
}

ATF_TC_WITHOUT_HEAD(too_large);
ATF_TC_BODY(too_large, tc)
{
	struct guest_error err;
	struct guest_elf elf;
	int fd;

	(void)tc;
	fd = h_elf_file("x", 1);
	ATF_REQUIRE_EQ(ftruncate(fd, (off_t)GUEST_ELF_SIZE_MAX + 1), 0);
	ATF_CHECK_EQ(guest_elf_open(&elf, fd, "NAME", &err), -1);
	ATF_CHECK_EQ(err.code, EFBIG);
	guest_elf_free(&elf);
}

ATF_TC_WITHOUT_HEAD(truncated_and_rewritten_meanwhile);
ATF_TC_BODY(truncated_and_rewritten_meanwhile, tc)
{
	struct guest_error err;
	struct guest_elf elf;
	struct guest_mem mem;
	struct h_elf e;
	uint8_t junk[H_ELF_SIZE];
	int fd;

	(void)tc;
	h_elf_make(&e, 0);
	h_mem_make(&mem, 2 << 20);
	fd = h_elf_file(&e, sizeof(e));
	/* Its offset does not matter. */
	lseek(fd, 5, SEEK_SET);
	ATF_REQUIRE_EQ(guest_elf_open(&elf, fd, "NAME", &err), 0);
	memset(junk, 0xff, sizeof(junk));
	ATF_REQUIRE_EQ(pwrite(fd, junk, sizeof(junk), 0),
	    (ssize_t)sizeof(junk));
	ATF_REQUIRE_EQ(ftruncate(fd, 0), 0);
	ATF_CHECK_EQ(guest_elf_check(&elf, &mem, &nowhere, false, "NAME",
	    &err), 0);
	ATF_REQUIRE_EQ(guest_elf_place(&elf, &mem, "NAME", &err), 0);
	ATF_CHECK_EQ(mem.base[H_ELF_TEXT], 0x90);
	ATF_CHECK_EQ(mem.base[H_ELF_DATA + 0x7ff], 0xda);
	guest_elf_free(&elf);
}

ATF_TC_WITHOUT_HEAD(too_many_segments);
ATF_TC_BODY(too_many_segments, tc)
{
	struct h_elf e;
	uint8_t *buf;
	Elf64_Phdr *ph;
	unsigned i, n = GUEST_ELF_NSEGS_MAX + 1;

	(void)tc;
	h_elf_make(&e, 0);
	e.eh.e_phoff = sizeof(e);
	e.eh.e_phnum = (Elf64_Half)n;
	buf = calloc(1, sizeof(e) + n * sizeof(*ph));
	memcpy(buf, &e, sizeof(e));
	ph = (Elf64_Phdr *)(void *)(buf + sizeof(e));
	for (i = 0; i < n; i++) {
		ph[i] = e.ph[0];
		ph[i].p_paddr = ph[i].p_vaddr = H_ELF_TEXT + i * 0x1000;
	}
	refused(buf, sizeof(e) + n * sizeof(*ph), "more than 64 segments");
	free(buf);
}

ATF_TC_WITHOUT_HEAD(random_bytes_do_not_crash);
ATF_TC_BODY(random_bytes_do_not_crash, tc)
{
	struct guest_error err;
	struct h_elf e;
	unsigned i, k;

	(void)tc;
	srandom(1);
	for (i = 0; i < 3000; i++) {
		h_elf_make(&e, 1);
		for (k = 0; k < 1 + i % 8; k++)
			((uint8_t *)&e)[random() % (sizeof(Elf64_Ehdr) +
			    3 * sizeof(Elf64_Phdr) + 0x100)] =
			    (uint8_t)random();
		if (try(&e, sizeof(e), i & 1, &err) == -1)
			ATF_CHECK(err.text[0] != '\0');
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, good);
	ATF_TP_ADD_TC(tp, truncated_at_every_length);
	ATF_TP_ADD_TC(tp, wrong_kind);
	ATF_TP_ADD_TC(tp, bad_headers);
	ATF_TP_ADD_TC(tp, bad_segments);
	ATF_TP_ADD_TC(tp, segments_may_touch);
	ATF_TP_ADD_TC(tp, notes);
	ATF_TP_ADD_TC(tp, no_regular_file);
	ATF_TP_ADD_TC(tp, too_large);
	ATF_TP_ADD_TC(tp, truncated_and_rewritten_meanwhile);
	ATF_TP_ADD_TC(tp, too_many_segments);
	ATF_TP_ADD_TC(tp, random_bytes_do_not_crash);
	return atf_no_error();
}
