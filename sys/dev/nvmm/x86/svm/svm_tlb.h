/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Which ASID a VCPU runs under, and when its translations must be flushed. Pure
 * policy: no emulator shows a flush that is missing, so tests drive these
 * functions with a model of TLBs. AMD APM vol. 2, 15.16.
 *
 * Every VCPU has an ASID of its own while the hardware has them; after that it
 * shares the last one with others. A TLB may hold, under an ASID, translations
 * of whoever ran under it on that CPU since its last flush there, made from the
 * tables as they were at that time.
 */

#ifndef _SVM_TLB_H_
#define _SVM_TLB_H_

#include "nvmm_os.h"

/* ASID 0 is the host's. */
#define SVM_ASID_FIRST		1
#define SVM_ASID_MAX		65536

/* The ASIDs given out. => The caller's lock. */
struct svm_asids {
	uint32_t n;			/* of the hardware, the host's included */
	uint32_t nused;
	uint64_t used[SVM_ASID_MAX / 64];
};

/* What a VCPU's translations depend on. */
struct svm_tlb_vcpu {
	uint64_t serial;		/* never given twice */
	uint32_t asid;
	bool shared;			/* the ASID is */
	bool stale;			/* its owner changed what they come from */
	bool ran;			/* the rest tells where and with what */
	unsigned cpu;
	uint64_t epoch;			/* that CPU's */
	uint64_t generation;		/* of the nested tables */
};

/* What a CPU's TLB may hold. */
struct svm_tlb_cpu {
	uint64_t epoch;			/* grows when SVM is enabled there */
	uint64_t shared_serial;		/* the last under the shared ASID, or 0 */
};

/* n ASIDs, 2 or more: with 2 all VCPUs share one. */
void	svm_asid_init(struct svm_asids *, uint32_t n);
/* An ASID for the VCPU, its own or else the shared one. */
void	svm_asid_take(struct svm_asids *, struct svm_tlb_vcpu *);
void	svm_asid_give(struct svm_asids *, const struct svm_tlb_vcpu *);

/*
 * SVM_TLB_* for the VMRUN that follows at once, of this VCPU on this CPU, with
 * nested tables of this generation. by_asid: the hardware can flush one ASID.
 */
uint32_t svm_tlb_control(struct svm_tlb_cpu *, struct svm_tlb_vcpu *,
	    unsigned cpu, uint64_t generation, bool by_asid);
/*
 * The VMRUN was refused: the manual does not say that it flushed by then, so
 * that the next one has to.
 */
void	svm_tlb_refused(struct svm_tlb_vcpu *);

#endif /* _SVM_TLB_H_ */
