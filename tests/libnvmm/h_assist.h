/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the assists are tested on: a VCPU whose RAM is a buffer of this process,
 * while what is not RAM is a device that writes down what it was asked.
 */

#ifndef _H_ASSIST_H_
#define _H_ASSIST_H_

#include "h_dev.h"
#include "x86.h"

#define RAM_SIZE	0x10000
#define DEV		0x20000		/* where the device lies */

extern struct nvmm_machine mach;
extern struct nvmm_vcpu vcpu;
extern uint8_t *ram;
/* What the device saw: "r20000.4 w20004.4=11223344 ". */
extern char seen[4096];
extern uint64_t answer;			/* to reads; counts on */

/* A VCPU in flat 32-bit mode, paging off, code at 1000. */
void	setup(void);
/* 32-bit paging: one table, identity but for what the test changes. */
void	paging(void);
/* A raw memory exit at the instruction, which lies in RAM. */
void	mem_exit(const void *bytes, size_t len);
/* A raw port exit. */
struct nvmm_x86_exit_io *io_exit(bool in, uint8_t size);
/* The device's ports. */
void	dev_io(struct nvmm_io *);

#define MEM_EXIT(...) do {						\
	static const uint8_t b_[] = { __VA_ARGS__ };			\
	mem_exit(b_, sizeof(b_));					\
} while (0)

static inline uint64_t *
gpr(unsigned n)
{

	return &vcpu.state->gprs[n];
}

#define RAX	(*gpr(NVMM_X64_GPR_RAX))
#define RCX	(*gpr(NVMM_X64_GPR_RCX))
#define RSI	(*gpr(NVMM_X64_GPR_RSI))
#define RDI	(*gpr(NVMM_X64_GPR_RDI))
#define RIP	(*gpr(NVMM_X64_GPR_RIP))
#define FLAGS	(*gpr(NVMM_X64_GPR_RFLAGS))

#endif /* _H_ASSIST_H_ */
