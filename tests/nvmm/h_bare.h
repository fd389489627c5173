/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Faults of the host's own KVM, told apart by guests on bare /dev/kvm, without
 * any of our code between: what fails there is not the driver's fault.
 */

#ifndef _H_BARE_H_
#define _H_BARE_H_

#include <stdbool.h>

/* True if bare KVM shows the fault of that name. */
bool	bare_has_fault(const char *name);

#endif /* _H_BARE_H_ */
