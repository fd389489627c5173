/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The table of a machine's guest-physical memory, a sorted array: machines
 * have a handful of links and look them up at every emulated access. A change
 * comes after the driver has made it and so must not fail: room is reserved
 * before.
 */

#include <stdlib.h>
#include <string.h>

#include "areas.h"

/* The last address of a link; size is never 0. */
static gpaddr_t
area_last(const struct nvmm_area *a)
{

	return a->gpa + (a->size - 1);
}

/* Index of the first link that ends at gpa or above. */
static size_t
areas_lower(const struct nvmm_areas *as, gpaddr_t gpa)
{
	size_t lo = 0, hi = as->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (area_last(&as->v[mid]) < gpa)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Open a gap of one at index i. */
static void
areas_shift_up(struct nvmm_areas *as, size_t i)
{

	memmove(&as->v[i + 1], &as->v[i], (as->n - i) * sizeof(*as->v));
	as->n++;
}

/* Remove index i. */
static void
areas_shift_down(struct nvmm_areas *as, size_t i)
{

	as->n--;
	memmove(&as->v[i], &as->v[i + 1], (as->n - i) * sizeof(*as->v));
}

/* Cut [off, off + size) out of link i; true if the link is gone. */
static bool
areas_punch(struct nvmm_areas *as, size_t i, size_t off, size_t size)
{
	struct nvmm_area *a = &as->v[i];
	size_t tail = a->size - off - size;

	if (off == 0 && tail == 0) {
		areas_shift_down(as, i);
		return true;
	}
	if (off != 0 && tail != 0) {
		areas_shift_up(as, i);
		a[0].size = off;
		a++;
	}
	if (tail != 0) {
		a->gpa += off + size;
		a->hva += off + size;
		a->size = tail;
	} else
		a->size = off;
	return false;
}

int
nvmm_areas_reserve(struct nvmm_areas *as)
{
	struct nvmm_area *v;
	size_t room;

	/* A cut may split each link once; an addition is one more. */
	room = 2 * as->n + 2;
	if (room <= as->room)
		return 0;
	v = realloc(as->v, room * sizeof(*v));
	if (v == NULL)
		return -1;
	as->v = v;
	as->room = room;
	return 0;
}

void
nvmm_areas_cut(struct nvmm_areas *as, gpaddr_t gpa, size_t size)
{
	gpaddr_t last = gpa + (size - 1), from, to;
	size_t i;

	as->changes++;
	if (size == 0)
		return;
	i = areas_lower(as, gpa);
	while (i < as->n && as->v[i].gpa <= last) {
		from = gpa > as->v[i].gpa ? gpa : as->v[i].gpa;
		to = area_last(&as->v[i]);
		if (to > last)
			to = last;
		if (!areas_punch(as, i, from - as->v[i].gpa, to - from + 1))
			i++;
	}
}

void
nvmm_areas_cut_hva(struct nvmm_areas *as, uintptr_t hva, size_t size)
{
	uintptr_t last = hva + (size - 1), alast, from, to;
	size_t i = 0;

	as->changes++;
	if (size == 0)
		return;
	while (i < as->n) {
		alast = as->v[i].hva + (as->v[i].size - 1);
		from = hva > as->v[i].hva ? hva : as->v[i].hva;
		to = last < alast ? last : alast;
		if (from > to ||
		    !areas_punch(as, i, from - as->v[i].hva, to - from + 1))
			i++;
	}
}

void
nvmm_areas_add(struct nvmm_areas *as, const struct nvmm_area *a)
{
	size_t i;

	nvmm_areas_cut(as, a->gpa, a->size);
	i = areas_lower(as, a->gpa);
	areas_shift_up(as, i);
	as->v[i] = *a;
}

const struct nvmm_area *
nvmm_areas_find(const struct nvmm_areas *as, gpaddr_t gpa)
{
	const struct nvmm_area *a = as->v;
	size_t n = as->n, half;

	if (n == 0)
		return NULL;
	/* The last link that begins at gpa or below is one of n from a on. */
	for (; n > 1; n -= half) {
		half = n / 2;
		if (a[half].gpa <= gpa)
			a += half;
	}
	return gpa - a->gpa < a->size ? a : NULL;
}

bool
nvmm_areas_overlap(const struct nvmm_areas *as, gpaddr_t gpa, size_t size)
{
	size_t i = areas_lower(as, gpa);

	return size != 0 && i < as->n && as->v[i].gpa <= gpa + (size - 1);
}

void
nvmm_areas_free(struct nvmm_areas *as)
{

	free(as->v);
	memset(as, 0, sizeof(*as));
}
