/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Text in columns.  Cells may hold what a user chose (names, command lines),
 * so they are cleaned of control characters on their way in.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nvmmctl.h"
#include "output.h"

#define TABLE_MAXCOLS	16
#define FIELD_WIDTH	18

struct table {
	const char *const *headings;
	int ncols;
	int width[TABLE_MAXCOLS];
	char **cells;
	size_t ncells, size;
};

/* Returns an empty table of ncols headings, which must outlive it. */
struct table *
table_new(const char *const *headings, int ncols)
{
	struct table *t;
	int i;

	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	t->headings = headings;
	t->ncols = ncols;
	for (i = 0; i < ncols; i++)
		t->width[i] = (int)strlen(headings[i]) - (*headings[i] == '>');
	return t;
}

/* Returns how many columns a terminal needs for UTF-8 text, nearly. */
static int
text_width(const char *text)
{
	int n = 0;

	for (; *text != '\0'; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

/* Adds the next cell. */
void
table_cell(struct table *t, const char *text)
{
	char **cells, *copy;
	size_t col;

	if (t == NULL)
		return;
	if (t->ncells == t->size) {
		cells = realloc(t->cells, (t->size + 64) * sizeof(*cells));
		if (cells == NULL)
			return;
		t->cells = cells;
		t->size += 64;
	}
	copy = strdup(text);
	if (copy == NULL)
		return;
	text_clean(copy);
	col = t->ncells % (size_t)t->ncols;
	if (text_width(copy) > t->width[col])
		t->width[col] = text_width(copy);
	t->cells[t->ncells++] = copy;
}

/* Prints one cell; the last of a row is not padded to the right. */
static void
table_put(const struct table *t, int col, const char *text)
{
	int pad = t->width[col] - text_width(text);
	bool right = (t->headings[col][0] == '>');

	printf("%s%*s%s", col > 0 ? "  " : "", right ? pad : 0, "", text);
	if (col == t->ncols - 1)
		(void)putchar('\n');
	else
		printf("%*s", right ? 0 : pad, "");
}

/* Returns a column's heading without its mark. */
static const char *
table_heading(const struct table *t, int col)
{
	return t->headings[col] + (*t->headings[col] == '>');
}

/* Prints the headings and all whole rows, and frees the table. */
void
table_print(struct table *t)
{
	size_t i, ncols;
	int col;

	if (t == NULL)
		return;
	ncols = (size_t)t->ncols;
	for (col = 0; col < t->ncols; col++)
		table_put(t, col, table_heading(t, col));
	for (i = 0; i < t->ncells; i++) {
		if (i / ncols < t->ncells / ncols)
			table_put(t, (int)(i % ncols), t->cells[i]);
		free(t->cells[i]);
	}
	free(t->cells);
	free(t);
}

/* Prints one labelled value on a line of its own. */
void
field_print(const char *label, const char *value)
{
	char *copy;

	copy = strdup(value);
	if (copy == NULL)
		return;
	text_clean(copy);
	printf("%-*s%s\n", FIELD_WIDTH, label, copy);
	free(copy);
}
