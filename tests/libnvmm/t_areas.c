/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The table of a machine's memory against a plain array of pages.
 */

#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "areas.h"

#define NPAGES	64
#define PAGE	4096ULL

/* What each page should be linked to; 0 is nothing. */
static uintptr_t model[NPAGES];

/* Every page agrees, and the table is sorted. */
static void
check_model(const struct nvmm_areas *as)
{
	const struct nvmm_area *a;
	uintptr_t have;
	unsigned i;

	for (i = 0; i < NPAGES; i++) {
		a = nvmm_areas_find(as, i * PAGE + 5);
		have = a == NULL ? 0 : a->hva + (i * PAGE - a->gpa);
		ATF_REQUIRE_EQ(have, model[i]);
		ATF_REQUIRE_EQ(nvmm_areas_overlap(as, i * PAGE, PAGE),
		    model[i] != 0);
	}
	for (i = 1; i < as->n; i++)
		ATF_REQUIRE(as->v[i - 1].gpa + as->v[i - 1].size <=
		    as->v[i].gpa);
	ATF_REQUIRE(as->n <= as->room);
}

/* One random change to both. */
static void
change(struct nvmm_areas *as)
{
	unsigned at = (unsigned)random() % NPAGES;
	unsigned n = 1 + (unsigned)random() % (NPAGES - at), i;
	uintptr_t hva = (1 + (uintptr_t)random() % 256) * PAGE;
	struct nvmm_area a = {
		.gpa = at * PAGE, .size = n * PAGE, .hva = hva, .prot = 1,
	};

	ATF_REQUIRE_EQ(nvmm_areas_reserve(as), 0);
	switch (random() % 3) {
	case 0:
		nvmm_areas_add(as, &a);
		for (i = 0; i < n; i++)
			model[at + i] = hva + i * PAGE;
		break;
	case 1:
		nvmm_areas_cut(as, at * PAGE, n * PAGE);
		for (i = 0; i < n; i++)
			model[at + i] = 0;
		break;
	default:
		nvmm_areas_cut_hva(as, hva, 8 * PAGE);
		for (i = 0; i < NPAGES; i++) {
			if (model[i] >= hva && model[i] - hva < 8 * PAGE)
				model[i] = 0;
		}
		break;
	}
}

ATF_TC_WITHOUT_HEAD(random_changes);
ATF_TC_BODY(random_changes, tc)
{
	struct nvmm_areas as = { .v = NULL };
	unsigned i;

	srandom(1);
	for (i = 0; i < 20000; i++) {
		change(&as);
		check_model(&as);
	}
	nvmm_areas_free(&as);
}

ATF_TC_WITHOUT_HEAD(top_of_memory);
ATF_TC_BODY(top_of_memory, tc)
{
	struct nvmm_area a = { .gpa = UINT64_MAX - 0xFFF, .size = 0x1000,
	    .hva = 0x1000 };
	struct nvmm_areas as = { .v = NULL };

	ATF_REQUIRE_EQ(nvmm_areas_reserve(&as), 0);
	nvmm_areas_add(&as, &a);
	ATF_CHECK(nvmm_areas_find(&as, UINT64_MAX) != NULL);
	ATF_CHECK(nvmm_areas_find(&as, 0) == NULL);
	nvmm_areas_cut(&as, UINT64_MAX - 0xFFF, 0x1000);
	ATF_CHECK_EQ(as.n, 0);
	nvmm_areas_free(&as);
}

ATF_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, random_changes);
	ATF_TP_ADD_TC(tp, top_of_memory);
	return atf_no_error();
}
