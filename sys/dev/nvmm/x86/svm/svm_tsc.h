/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The guest's time-stamp counter: pure arithmetic, modulo 2^64, on the counters
 * of hosts' CPUs, which may differ. The guest reads its CPU's counter plus an
 * offset; the offset changes where the CPU does, so that the guest never reads
 * less than it has. AMD APM vol. 2, 15.15 (TSC_OFFSET).
 */

#ifndef _SVM_TSC_H_
#define _SVM_TSC_H_

#include "nvmm_os.h"

struct svm_tsc {
	uint64_t offset;		/* guest's TSC - host's */
	uint64_t last;			/* no later than the guest's when it
					   last stopped, no earlier than any
					   that it has read */
};

/* The guest's TSC shall read value while the host's reads now. */
void	svm_tsc_set(struct svm_tsc *, uint64_t value, uint64_t now);
/* What the guest would read. */
uint64_t svm_tsc_get(const struct svm_tsc *, uint64_t now);
/* The guest stops on a CPU whose TSC reads now. */
void	svm_tsc_stop(struct svm_tsc *, uint64_t now);
/*
 * The guest goes on, on a CPU whose TSC reads now: offset' = max(offset, last
 * guest TSC - new host TSC).
 */
void	svm_tsc_move(struct svm_tsc *, uint64_t now);

#endif /* _SVM_TSC_H_ */
