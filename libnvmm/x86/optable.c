/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The opcodes that can touch a device's memory, after the opcode maps in AMD
 * APM vol. 3, appendix A. What has no row is outside the set.
 */

#include "optable.h"

#define ROW(o, d, s, n, m, f)						\
	{ .op = X86_OP_##o, .dst = X86_ENC_##d, .src = X86_ENC_##s,	\
	  .size = (n), .ssize = (m), .flags = (f) }
#define GROUP(g)	{ .group = (g) }
#define SSE		{ .flags = X86_ROW_SSE }

#define LCK	X86_ROW_LOCK

enum { G1_EB_IB = 1, G1_EV_IZ, G1_EV_IB, G1A, G3_EB, G3_EV, G4, G5, G8, G9,
    G11_EB, G11_EV, NGROUPS };

/* The six forms of the eight two-operand instructions. */
#define ALU(n, o, lock)							\
	[(n) + 0] = ROW(o, E, G, 1, 0, lock),				\
	[(n) + 1] = ROW(o, E, G, 0, 0, lock),				\
	[(n) + 2] = ROW(o, G, E, 1, 0, 0),				\
	[(n) + 3] = ROW(o, G, E, 0, 0, 0),				\
	[(n) + 4] = ROW(o, A, IB, 1, 0, 0),				\
	[(n) + 5] = ROW(o, A, IZ, 0, 0, 0)

/* A byte form and, next to it, the wide one. */
#define PAIR(n, o, d, s, f)						\
	[(n) + 0] = ROW(o, d, s, 1, 0, f),				\
	[(n) + 1] = ROW(o, d, s, 0, 0, f)

/* Sixteen conditions. */
#define CC4(n, o, d, s, z)						\
	[(n) + 0] = ROW(o, d, s, z, 0, 0), [(n) + 1] = ROW(o, d, s, z, 0, 0), \
	[(n) + 2] = ROW(o, d, s, z, 0, 0), [(n) + 3] = ROW(o, d, s, z, 0, 0)
#define CC16(n, o, d, s, z)						\
	CC4((n), o, d, s, z), CC4((n) + 4, o, d, s, z),			\
	CC4((n) + 8, o, d, s, z), CC4((n) + 12, o, d, s, z)

#define IMM(i, z)							\
	{ [0] = ROW(ADD, E, i, z, 0, LCK), [1] = ROW(OR, E, i, z, 0, LCK),  \
	  [2] = ROW(ADC, E, i, z, 0, LCK), [3] = ROW(SBB, E, i, z, 0, LCK), \
	  [4] = ROW(AND, E, i, z, 0, LCK), [5] = ROW(SUB, E, i, z, 0, LCK), \
	  [6] = ROW(XOR, E, i, z, 0, LCK), [7] = ROW(CMP, E, i, z, 0, 0) }

const struct x86_row x86_rows[X86_NMAP][256] = {
	[X86_MAP_1] = {
		ALU(0x00, ADD, LCK), ALU(0x08, OR, LCK),
		ALU(0x10, ADC, LCK), ALU(0x18, SBB, LCK),
		ALU(0x20, AND, LCK), ALU(0x28, SUB, LCK),
		ALU(0x30, XOR, LCK), ALU(0x38, CMP, 0),
		[0x63] = ROW(MOVSX, G, E, 0, 4, X86_ROW_LONG),
		[0x6C] = ROW(INS, Y, NONE, 1, 0, 0),
		[0x6D] = ROW(INS, Y, NONE, 0, 0, 0),
		[0x6E] = ROW(OUTS, NONE, X, 1, 0, 0),
		[0x6F] = ROW(OUTS, NONE, X, 0, 0, 0),
		[0x80] = GROUP(G1_EB_IB),
		[0x81] = GROUP(G1_EV_IZ),
		[0x83] = GROUP(G1_EV_IB),
		PAIR(0x84, TEST, E, G, 0),
		PAIR(0x86, XCHG, E, G, LCK),
		PAIR(0x88, MOV, E, G, 0),
		PAIR(0x8A, MOV, G, E, 0),
		[0x8F] = GROUP(G1A),
		PAIR(0xA0, MOV, A, O, 0),
		PAIR(0xA2, MOV, O, A, 0),
		PAIR(0xA4, MOVS, Y, X, 0),
		PAIR(0xA6, CMPS, X, Y, 0),
		[0xA8] = ROW(TEST, A, IB, 1, 0, 0),
		[0xA9] = ROW(TEST, A, IZ, 0, 0, 0),
		PAIR(0xAA, STOS, Y, A, 0),
		PAIR(0xAC, LODS, A, X, 0),
		PAIR(0xAE, SCAS, A, Y, 0),
		[0xC6] = GROUP(G11_EB),
		[0xC7] = GROUP(G11_EV),
		[0xF6] = GROUP(G3_EB),
		[0xF7] = GROUP(G3_EV),
		[0xFE] = GROUP(G4),
		[0xFF] = GROUP(G5),
	},
	[X86_MAP_0F] = {
		[0x10] = SSE, [0x11] = SSE, [0x28] = SSE, [0x29] = SSE,
		[0x2B] = SSE, [0x6E] = SSE, [0x6F] = SSE, [0x7E] = SSE,
		[0x7F] = SSE, [0xD6] = SSE, [0xE7] = SSE,
		CC16(0x40, CMOV, G, E, 0),
		CC16(0x90, SET, E, NONE, 1),
		[0xA3] = ROW(BT, E, G, 0, 0, 0),
		[0xAB] = ROW(BTS, E, G, 0, 0, LCK),
		[0xB3] = ROW(BTR, E, G, 0, 0, LCK),
		[0xBB] = ROW(BTC, E, G, 0, 0, LCK),
		PAIR(0xB0, CMPXCHG, E, G, LCK),
		[0xB6] = ROW(MOV, G, E, 0, 1, 0),
		[0xB7] = ROW(MOV, G, E, 0, 2, 0),
		[0xBA] = GROUP(G8),
		[0xBE] = ROW(MOVSX, G, E, 0, 1, 0),
		[0xBF] = ROW(MOVSX, G, E, 0, 2, 0),
		PAIR(0xC0, XADD, E, G, LCK),
		[0xC3] = ROW(MOV, M, G, 0, 0, 0),
		[0xC7] = GROUP(G9),
	},
	[X86_MAP_0F38] = {
		[0xF0] = ROW(MOVBE, G, M, 0, 0, 0),
		[0xF1] = ROW(MOVBE, M, G, 0, 0, 0),
	},
};

const struct x86_row x86_groups[NGROUPS][8] = {
	[G1_EB_IB] = IMM(IB, 1),
	[G1_EV_IZ] = IMM(IZ, 0),
	[G1_EV_IB] = IMM(IB, 0),
	[G1A] = { [0] = ROW(POP, E, NONE, 0, 0, X86_ROW_D64) },
	[G3_EB] = {
		[0] = ROW(TEST, E, IB, 1, 0, 0),
		[1] = ROW(TEST, E, IB, 1, 0, 0),
		[2] = ROW(NOT, E, NONE, 1, 0, LCK),
		[3] = ROW(NEG, E, NONE, 1, 0, LCK),
	},
	[G3_EV] = {
		[0] = ROW(TEST, E, IZ, 0, 0, 0),
		[1] = ROW(TEST, E, IZ, 0, 0, 0),
		[2] = ROW(NOT, E, NONE, 0, 0, LCK),
		[3] = ROW(NEG, E, NONE, 0, 0, LCK),
	},
	[G4] = {
		[0] = ROW(INC, E, NONE, 1, 0, LCK),
		[1] = ROW(DEC, E, NONE, 1, 0, LCK),
	},
	[G5] = {
		[0] = ROW(INC, E, NONE, 0, 0, LCK),
		[1] = ROW(DEC, E, NONE, 0, 0, LCK),
		[6] = ROW(PUSH, NONE, E, 0, 0, X86_ROW_D64),
	},
	[G8] = {
		[4] = ROW(BT, E, IB, 0, 0, 0),
		[5] = ROW(BTS, E, IB, 0, 0, LCK),
		[6] = ROW(BTR, E, IB, 0, 0, LCK),
		[7] = ROW(BTC, E, IB, 0, 0, LCK),
	},
	[G9] = { [1] = ROW(CMPXCHGB, M, NONE, 0, 0, LCK | X86_ROW_DOUBLE) },
	[G11_EB] = { [0] = ROW(MOV, E, IB, 1, 0, 0) },
	[G11_EV] = { [0] = ROW(MOV, E, IZ, 0, 0, 0) },
};

/* Moves between XMM registers and memory, by opcode and prefix. */
static const struct {
	uint8_t opcode;
	uint8_t prefix;
	struct x86_row row;
} sse_rows[] = {
	{ 0x10, 0x00, ROW(MOVV, V, M, 16, 0, 0) },	/* MOVUPS */
	{ 0x10, 0x66, ROW(MOVV, V, M, 16, 0, 0) },	/* MOVUPD */
	{ 0x10, 0xF3, ROW(MOVV, V, M, 4, 0, 0) },	/* MOVSS */
	{ 0x10, 0xF2, ROW(MOVV, V, M, 8, 0, 0) },	/* MOVSD */
	{ 0x11, 0x00, ROW(MOVV, M, V, 16, 0, 0) },
	{ 0x11, 0x66, ROW(MOVV, M, V, 16, 0, 0) },
	{ 0x11, 0xF3, ROW(MOVV, M, V, 4, 0, 0) },
	{ 0x11, 0xF2, ROW(MOVV, M, V, 8, 0, 0) },
	{ 0x28, 0x00, ROW(MOVV, V, M, 16, 0, X86_ROW_ALIGN) },	/* MOVAPS */
	{ 0x28, 0x66, ROW(MOVV, V, M, 16, 0, X86_ROW_ALIGN) },	/* MOVAPD */
	{ 0x29, 0x00, ROW(MOVV, M, V, 16, 0, X86_ROW_ALIGN) },
	{ 0x29, 0x66, ROW(MOVV, M, V, 16, 0, X86_ROW_ALIGN) },
	{ 0x2B, 0x00, ROW(MOVV, M, V, 16, 0, X86_ROW_ALIGN) },	/* MOVNTPS */
	{ 0x2B, 0x66, ROW(MOVV, M, V, 16, 0, X86_ROW_ALIGN) },	/* MOVNTPD */
	{ 0x6E, 0x66, ROW(MOVV, V, M, 0, 0, X86_ROW_MOVD) },	/* MOVD, MOVQ */
	{ 0x7E, 0x66, ROW(MOVV, M, V, 0, 0, X86_ROW_MOVD) },
	{ 0x7E, 0xF3, ROW(MOVV, V, M, 8, 0, 0) },	/* MOVQ */
	{ 0xD6, 0x66, ROW(MOVV, M, V, 8, 0, 0) },
	{ 0x6F, 0x66, ROW(MOVV, V, M, 16, 0, X86_ROW_ALIGN) },	/* MOVDQA */
	{ 0x6F, 0xF3, ROW(MOVV, V, M, 16, 0, 0) },	/* MOVDQU */
	{ 0x7F, 0x66, ROW(MOVV, M, V, 16, 0, X86_ROW_ALIGN) },
	{ 0x7F, 0xF3, ROW(MOVV, M, V, 16, 0, 0) },
	{ 0xE7, 0x66, ROW(MOVV, M, V, 16, 0, X86_ROW_ALIGN) },	/* MOVNTDQ */
};

const struct x86_row *
x86_sse_row(uint8_t opcode, uint8_t prefix)
{
	size_t i;

	for (i = 0; i < sizeof(sse_rows) / sizeof(sse_rows[0]); i++) {
		if (sse_rows[i].opcode == opcode &&
		    sse_rows[i].prefix == prefix)
			return &sse_rows[i].row;
	}
	return NULL;
}
