/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The opcode tables as the decoder reads them.
 */

#ifndef _LIBNVMM_OPTABLE_H_
#define _LIBNVMM_OPTABLE_H_

#include "x86.h"

/* Where an operand comes from; the letters are the manual's where it has any. */
enum x86_enc {
	X86_ENC_NONE,
	/* Those in ModRM come first. */
	X86_ENC_E,			/* .rm: general register or memory */
	X86_ENC_M,			/* .rm: memory, else no instruction */
	X86_ENC_W,			/* .rm: memory, else outside the set */
	X86_ENC_U,			/* .rm: XMM register only */
	X86_ENC_N,			/* .rm: MMX register only */
	X86_ENC_G,			/* .reg: general register */
	X86_ENC_V,			/* .reg: XMM register */
	X86_ENC_P,			/* .reg: MMX register */
	X86_ENC_S,			/* .reg: segment register */
	X86_ENC_MODRM = X86_ENC_S,
	X86_ENC_A,			/* rAX */
	X86_ENC_C,			/* CL */
	X86_ENC_Z,			/* register in the opcode */
	X86_ENC_SOP,			/* segment register in the opcode */
	X86_ENC_B,			/* VEX.vvvv: general register */
	X86_ENC_H,			/* VEX.vvvv: XMM register */
	X86_ENC_ONE,			/* 1 */
	X86_ENC_IB,			/* immediate byte, sign-extended */
	X86_ENC_IW,			/* immediate of 2 bytes */
	X86_ENC_IZ,			/* immediate of 1, 2 or 4 bytes */
	X86_ENC_O,			/* offset in the instruction */
	X86_ENC_T,			/* seg:rBX */
	X86_ENC_D,			/* seg:rDI */
	X86_ENC_X,			/* seg:rSI */
	X86_ENC_Y			/* ES:rDI */
};

#define X86_ROW_MODRM	0x001		/* has a ModRM byte */
#define X86_ROW_D64	0x002		/* 8 bytes by default in 64-bit mode */
#define X86_ROW_LONG	0x004		/* 64-bit mode only */
#define X86_ROW_NO64	0x008		/* none in 64-bit mode */
#define X86_ROW_LOCK	0x010		/* LOCK is allowed on memory */
#define X86_ROW_ALIGN	0x020		/* the operand must be aligned */
#define X86_ROW_PREFIX	0x040		/* look on in x86_prefixed[group] */
#define X86_ROW_DOUBLE	0x080		/* twice the operand size, at least 8 */
#define X86_ROW_MOVD	0x100		/* 4 bytes, or 8 with REX.W */
#define X86_ROW_HIGH	0x200		/* the upper half of the XMM */
#define X86_ROW_SEL	0x400		/* 2 bytes in memory */
#define X86_ROW_ALIGN1	0x800		/* it must, unless with VEX */
#define X86_ROW_MAX4	0x1000		/* 4 bytes at most */
#define X86_ROW_HALF	0x2000		/* memory has half the size */
#define X86_ROW_IMM8	0x4000		/* an immediate byte beside the operands */

/* What VEX makes of a row. */
#define X86_VEX_YES	0x01		/* there is such a form */
#define X86_VEX_ONLY	0x02		/* and none without VEX */
#define X86_VEX_256	0x04		/* L may be 1: 32 bytes */
#define X86_VEX_L1	0x08		/* L must be 1 */
#define X86_VEX_LIG	0x10		/* L means nothing */
#define X86_VEX_VVVV	0x20		/* vvvv is an operand */
#define X86_VEX_W0	0x40		/* W must be 0 */

/* What an opcode means. size, ssize: bytes, 0: operand size, 0: as size. */
struct x86_row {
	uint8_t op;			/* enum x86_op */
	uint8_t unit;			/* enum x86_unit */
	uint8_t dst;			/* enum x86_enc */
	uint8_t src;
	uint8_t third;
	uint8_t size;
	uint8_t ssize;			/* of src */
	uint8_t vex;
	uint8_t group;			/* x86_groups row by ModRM.reg, 0: none */
	uint16_t flags;
};

enum x86_map { X86_MAP_1, X86_MAP_0F, X86_MAP_0F38, X86_MAP_0F3A, X86_NMAP };

/* The prefix that is part of an opcode, numbered as VEX.pp is. */
enum x86_pp { X86_PP_NONE, X86_PP_66, X86_PP_F3, X86_PP_F2, X86_NPP };

extern const struct x86_row x86_rows_1[256];
extern const struct x86_row x86_rows_0f[256];
extern const struct x86_row x86_rows_0f38[256];
extern const struct x86_row x86_rows_0f3a[256];

/* optable.c */
extern const struct x86_row x86_groups[][8];
/* optable_0f.c */
extern const struct x86_row x86_prefixed[][X86_NPP];

/* The tables' own words. */
#define X86_MODRM(d, s)							\
	(((d) != X86_ENC_NONE && (d) <= X86_ENC_MODRM) ||		\
	 ((s) != X86_ENC_NONE && (s) <= X86_ENC_MODRM) ? X86_ROW_MODRM : 0)
#define ROW3(o, d, s, t, n, m, f)					\
	{ .op = X86_OP_##o, .dst = X86_ENC_##d, .src = X86_ENC_##s,	\
	  .third = X86_ENC_##t, .size = (n), .ssize = (m),		\
	  .flags = (f) | X86_MODRM(X86_ENC_##d, X86_ENC_##s) }
#define ROW(o, d, s, n, m, f)	ROW3(o, d, s, NONE, n, m, f)
#define GROUP(g)	{ .group = (g), .flags = X86_ROW_MODRM }
#define UD		{ .op = X86_OP_UD }
/* A byte form and, next to it, the wide one. */
#define PAIR(n, o, d, s, f)						\
	[(n) + 0] = ROW(o, d, s, 1, 0, f),				\
	[(n) + 1] = ROW(o, d, s, 0, 0, f)
#define LCK	X86_ROW_LOCK

/* Groups by ModRM.reg, as the manual numbers them. */
enum {
	G1_EB_IB = 1, G1_EV_IZ, G1_EV_IB, G1A,
	G2_EB_IB, G2_EV_IB, G2_EB_1, G2_EV_1, G2_EB_CL, G2_EV_CL,
	G3_EB, G3_EV, G4, G5, G8, G9, G11_EB, G11_EV,
	G15, G15_66, G17, X86_NGROUPS
};

#endif /* _LIBNVMM_OPTABLE_H_ */
