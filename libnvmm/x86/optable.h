/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The opcode tables as the decoder reads them.
 */

#ifndef _LIBNVMM_OPTABLE_H_
#define _LIBNVMM_OPTABLE_H_

#include "x86.h"

/* Where an operand comes from; the letters are the manual's. */
enum x86_enc {
	X86_ENC_NONE,
	X86_ENC_E,			/* ModRM.rm: general register or memory */
	X86_ENC_G,			/* ModRM.reg: general register */
	X86_ENC_M,			/* ModRM.rm: memory only */
	X86_ENC_V,			/* ModRM.reg: XMM register */
	X86_ENC_A,			/* rAX */
	X86_ENC_IB,			/* immediate byte, sign-extended */
	X86_ENC_IZ,			/* immediate of 1, 2 or 4 bytes */
	X86_ENC_O,			/* offset in the instruction */
	X86_ENC_X,			/* seg:rSI */
	X86_ENC_Y			/* ES:rDI */
};

#define X86_ROW_D64	0x01		/* 8 bytes by default in 64-bit mode */
#define X86_ROW_LONG	0x02		/* 64-bit mode only */
#define X86_ROW_LOCK	0x04		/* LOCK is allowed on memory */
#define X86_ROW_ALIGN	0x08		/* the operand must be aligned */
#define X86_ROW_SSE	0x10		/* look on in the table by prefix */
#define X86_ROW_DOUBLE	0x20		/* twice the operand size, at least 8 */
#define X86_ROW_MOVD	0x40		/* 4 bytes, or 8 with REX.W */

/* What an opcode means. size, ssize: bytes, 0: operand size, 0: as size. */
struct x86_row {
	uint8_t op;			/* enum x86_op */
	uint8_t dst;			/* enum x86_enc */
	uint8_t src;
	uint8_t size;
	uint8_t ssize;			/* of src */
	uint8_t flags;
	uint8_t group;			/* x86_groups row by ModRM.reg, 0: none */
};

enum x86_map { X86_MAP_1, X86_MAP_0F, X86_MAP_0F38, X86_NMAP };

extern const struct x86_row x86_rows[X86_NMAP][256];
extern const struct x86_row x86_groups[][8];

/* The row of an SSE opcode under its prefix (0, 0x66, 0xF2, 0xF3), or NULL. */
const struct x86_row *x86_sse_row(uint8_t opcode, uint8_t prefix);

#endif /* _LIBNVMM_OPTABLE_H_ */
