/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The reader of case files: one case a line, # begins a comment line.
 */

#include <atf-c.h>
#include <stdio.h>
#include <string.h>

#include "h_cases.h"

void
h_cases(const char *srcdir, const char *file, unsigned min,
    void (*fn)(char *, unsigned))
{
	char path[1024], line[1024];
	unsigned number = 0, cases = 0;
	FILE *fp;

	snprintf(path, sizeof(path), "%s/%s", srcdir, file);
	fp = fopen(path, "r");
	ATF_REQUIRE_MSG(fp != NULL, "cannot open %s", path);
	while (fgets(line, sizeof(line), fp) != NULL) {
		number++;
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || line[0] == '\0')
			continue;
		cases++;
		fn(line, number);
	}
	fclose(fp);
	ATF_REQUIRE_MSG(cases >= min, "%u cases only", cases);
}

size_t
h_hex(const char *s, uint8_t *buf, size_t room)
{
	size_t n = 0;
	unsigned byte;

	for (; *s != '\0'; s += 2) {
		ATF_REQUIRE_MSG(n < room && sscanf(s, "%2x", &byte) == 1 &&
		    s[1] != '\0', "not hexadecimal: %s", s);
		buf[n++] = (uint8_t)byte;
	}
	return n;
}
