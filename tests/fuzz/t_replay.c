/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The inputs that fuzzing has kept, each through its target: whole, cut short
 * at every length, and with each bit of its first bytes turned.
 */

#include <sys/stat.h>

#include <atf-c.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "h_fuzz.h"

#define INPUT_MAX	65536
#define FILES_MIN	20
#define TURNED		32		/* bytes of which bits are turned */

static uint8_t input[INPUT_MAX];

/* Read a file; 0 if it is none. */
static size_t
read_file(const char *path)
{
	struct stat st;
	size_t n;
	FILE *fp;

	if (stat(path, &st) == -1 || !S_ISREG(st.st_mode))
		return 0;
	fp = fopen(path, "r");
	ATF_REQUIRE_MSG(fp != NULL, "%s", path);
	n = fread(input, 1, sizeof(input), fp);
	fclose(fp);
	return n;
}

/* The input, and those near it. */
static void
replay_input(void (*target)(const uint8_t *, size_t), size_t n)
{
	size_t i;
	unsigned bit;

	for (i = n; i > 0; i = i > 256 ? i - 97 : i - 1)
		target(input, i);
	target(input, 0);
	for (i = 0; i < n && i < TURNED; i++) {
		for (bit = 0; bit < 8; bit++) {
			input[i] ^= (uint8_t)(1u << bit);
			target(input, n);
			input[i] ^= (uint8_t)(1u << bit);
		}
	}
}

/* All of a folder. */
static void
replay(const atf_tc_t *tc, const char *name,
    void (*target)(const uint8_t *, size_t))
{
	char folder[1024], path[2048];
	const struct dirent *ent;
	unsigned files = 0;
	size_t n;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s/corpus/%s",
	    atf_tc_get_config_var(tc, "srcdir"), name);
	dir = opendir(folder);
	ATF_REQUIRE_MSG(dir != NULL, "%s", folder);
	while ((ent = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", folder, ent->d_name);
		n = read_file(path);
		if (n == 0)
			continue;
		printf("%s\n", path);
		fflush(stdout);
		replay_input(target, n);
		files++;
	}
	closedir(dir);
	ATF_CHECK_MSG(files >= FILES_MIN, "%u files only", files);
}

#define TARGET(name)							\
	ATF_TC_WITHOUT_HEAD(name);					\
	ATF_TC_BODY(name, tc)						\
	{								\
		replay(tc, #name, fuzz_##name);				\
	}								\
	struct swallow_the_semicolon

TARGET(execute);
TARGET(walk);
TARGET(elf);
TARGET(devices);
TARGET(proto);
TARGET(config);

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, execute);
	ATF_TP_ADD_TC(tp, walk);
	ATF_TP_ADD_TC(tp, elf);
	ATF_TP_ADD_TC(tp, devices);
	ATF_TP_ADD_TC(tp, proto);
	ATF_TP_ADD_TC(tp, config);
	return atf_no_error();
}
