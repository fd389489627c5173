/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The exit port: what is written to it is the guest's exit status.
 */

#ifndef _EXITPORT_H_
#define _EXITPORT_H_

#include <stdint.h>

struct exitport {
	void (*exited)(void *arg, uint32_t status);
	void *arg;
};

void	exitport_init(struct exitport *,
	    void (*exited)(void *arg, uint32_t status), void *arg);
/* Nothing to read: ones. */
uint32_t exitport_read(const struct exitport *, unsigned off);
/* A write at offset 0 calls back, any other is dropped. */
void	exitport_write(struct exitport *, unsigned off, uint32_t);

#endif /* _EXITPORT_H_ */
