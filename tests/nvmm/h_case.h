/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The table of cases: one ATF test case a row, run on the backend that libnvmm
 * opens, unless the row's column says why it does not apply there. One more,
 * kvm_faults, lists the rows that the host's own KVM gets wrong and that are
 * skipped for it: only those that d_kvm_faults.txt names may be.
 */

#ifndef _H_CASE_H_
#define _H_CASE_H_

#include "h_vm.h"

#define MUST	NULL

struct vm_case {
	const char *name;
	const char *descr;
	const char *svm;		/* MUST, or why it is not applicable */
	const char *kvm;
	const char *fault;		/* of the host's KVM, see h_bare.h; or NULL */
	void (*func)(struct vm *);
	unsigned ncpus;			/* VCPUs made for it; 0 is one */
};

/* Register the rows of a group's table with ATF. */
atf_error_t vm_cases_add(atf_tp_t *, const char *group, const struct vm_case *,
	    size_t);

#define VM_CASES(group, table)						\
	ATF_TP_ADD_TCS(tp)						\
	{								\
									\
		return vm_cases_add(tp, group, table,			\
		    sizeof(table) / sizeof((table)[0]));		\
	}

#endif /* _H_CASE_H_ */
