/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The opcodes of one byte that can touch a device's memory, and the groups
 * that ModRM.reg tells apart, after the opcode maps in AMD APM vol. 3,
 * appendix A. What has no row is outside the set.
 */

#include "optable.h"

/* The six forms of the eight two-operand instructions. */
#define ALU(n, o, lock)							\
	[(n) + 0] = ROW(o, E, G, 1, 0, lock),				\
	[(n) + 1] = ROW(o, E, G, 0, 0, lock),				\
	[(n) + 2] = ROW(o, G, E, 1, 0, 0),				\
	[(n) + 3] = ROW(o, G, E, 0, 0, 0),				\
	[(n) + 4] = ROW(o, A, IB, 1, 0, 0),				\
	[(n) + 5] = ROW(o, A, IZ, 0, 0, 0)

/* Eight registers in the opcode. */
#define REG8(n, o, d, s, f)						\
	[(n) + 0] = ROW(o, d, s, 0, 0, f), [(n) + 1] = ROW(o, d, s, 0, 0, f), \
	[(n) + 2] = ROW(o, d, s, 0, 0, f), [(n) + 3] = ROW(o, d, s, 0, 0, f), \
	[(n) + 4] = ROW(o, d, s, 0, 0, f), [(n) + 5] = ROW(o, d, s, 0, 0, f), \
	[(n) + 6] = ROW(o, d, s, 0, 0, f), [(n) + 7] = ROW(o, d, s, 0, 0, f)

#define IMM(i, z)							\
	{ [0] = ROW(ADD, E, i, z, 0, LCK), [1] = ROW(OR, E, i, z, 0, LCK),  \
	  [2] = ROW(ADC, E, i, z, 0, LCK), [3] = ROW(SBB, E, i, z, 0, LCK), \
	  [4] = ROW(AND, E, i, z, 0, LCK), [5] = ROW(SUB, E, i, z, 0, LCK), \
	  [6] = ROW(XOR, E, i, z, 0, LCK), [7] = ROW(CMP, E, i, z, 0, 0) }

/* /6 does what /4 does. */
#define SHIFT(c, z)							\
	{ [0] = ROW(ROL, E, c, z, 1, 0), [1] = ROW(ROR, E, c, z, 1, 0),	\
	  [2] = ROW(RCL, E, c, z, 1, 0), [3] = ROW(RCR, E, c, z, 1, 0),	\
	  [4] = ROW(SHL, E, c, z, 1, 0), [5] = ROW(SHR, E, c, z, 1, 0),	\
	  [6] = ROW(SHL, E, c, z, 1, 0), [7] = ROW(SAR, E, c, z, 1, 0) }

#define UNARY(i, z)							\
	{ [0] = ROW(TEST, E, i, z, 0, 0), [1] = ROW(TEST, E, i, z, 0, 0), \
	  [2] = ROW(NOT, E, NONE, z, 0, LCK),				\
	  [3] = ROW(NEG, E, NONE, z, 0, LCK),				\
	  [4] = ROW(MUL, NONE, E, z, 0, 0),				\
	  [5] = ROW(IMULA, NONE, E, z, 0, 0),				\
	  [6] = ROW(DIV, NONE, E, z, 0, 0),				\
	  [7] = ROW(IDIV, NONE, E, z, 0, 0) }

#define D64	X86_ROW_D64
#define NO64	X86_ROW_NO64

const struct x86_row x86_rows_1[256] = {
	ALU(0x00, ADD, LCK), ALU(0x08, OR, LCK),
	ALU(0x10, ADC, LCK), ALU(0x18, SBB, LCK),
	ALU(0x20, AND, LCK), ALU(0x28, SUB, LCK),
	ALU(0x30, XOR, LCK), ALU(0x38, CMP, 0),
	[0x06] = ROW(PUSH, NONE, SOP, 0, 0, NO64),
	[0x0E] = ROW(PUSH, NONE, SOP, 0, 0, NO64),
	[0x16] = ROW(PUSH, NONE, SOP, 0, 0, NO64),
	[0x1E] = ROW(PUSH, NONE, SOP, 0, 0, NO64),
	REG8(0x50, PUSH, NONE, Z, D64), REG8(0x58, POP, Z, NONE, D64),
	/* AMD's reads 4 bytes for a 16-bit register too. */
	[0x63] = ROW(MOVSX, G, E, 0, 4, X86_ROW_LONG),
	[0x68] = ROW(PUSH, NONE, IZ, 0, 0, D64),
	[0x69] = ROW3(IMUL, G, E, IZ, 0, 0, 0),
	[0x6A] = ROW(PUSH, NONE, IB, 0, 0, D64),
	[0x6B] = ROW3(IMUL, G, E, IB, 0, 0, 0),
	[0x6C] = ROW(INS, Y, NONE, 1, 0, 0),
	[0x6D] = ROW(INS, Y, NONE, 0, 0, X86_ROW_MAX4),
	[0x6E] = ROW(OUTS, NONE, X, 1, 0, 0),
	[0x6F] = ROW(OUTS, NONE, X, 0, 0, X86_ROW_MAX4),
	[0x80] = GROUP(G1_EB_IB),
	[0x81] = GROUP(G1_EV_IZ),
	[0x82] = { .group = G1_EB_IB, .flags = X86_ROW_MODRM | NO64 },
	[0x83] = GROUP(G1_EV_IB),
	PAIR(0x84, TEST, E, G, 0),
	PAIR(0x86, XCHG, E, G, LCK),
	PAIR(0x88, MOV, E, G, 0),
	PAIR(0x8A, MOV, G, E, 0),
	[0x8C] = ROW(MOV, E, S, 0, 0, X86_ROW_SEL),
	[0x8F] = GROUP(G1A),
	[0x9C] = ROW(PUSHF, NONE, NONE, 0, 0, D64),
	PAIR(0xA0, MOV, A, O, 0),
	PAIR(0xA2, MOV, O, A, 0),
	PAIR(0xA4, MOVS, Y, X, 0),
	PAIR(0xA6, CMPS, X, Y, 0),
	[0xA8] = ROW(TEST, A, IB, 1, 0, 0),
	[0xA9] = ROW(TEST, A, IZ, 0, 0, 0),
	PAIR(0xAA, STOS, Y, A, 0),
	PAIR(0xAC, LODS, A, X, 0),
	PAIR(0xAE, SCAS, A, Y, 0),
	[0xC0] = GROUP(G2_EB_IB),
	[0xC1] = GROUP(G2_EV_IB),
	[0xC2] = ROW(RET, NONE, IW, 0, 0, D64),
	[0xC3] = ROW(RET, NONE, NONE, 0, 0, D64),
	[0xC6] = GROUP(G11_EB),
	[0xC7] = GROUP(G11_EV),
	[0xC9] = ROW(LEAVE, NONE, NONE, 0, 0, D64),
	[0xD0] = GROUP(G2_EB_1),
	[0xD1] = GROUP(G2_EV_1),
	[0xD2] = GROUP(G2_EB_CL),
	[0xD3] = GROUP(G2_EV_CL),
	[0xD7] = ROW(XLAT, A, T, 1, 0, 0),
	[0xE8] = ROW(CALL, NONE, IZ, 0, 0, D64),
	[0xF6] = GROUP(G3_EB),
	[0xF7] = GROUP(G3_EV),
	[0xFE] = GROUP(G4),
	[0xFF] = GROUP(G5),
};

const struct x86_row x86_groups[X86_NGROUPS][8] = {
	[G1_EB_IB] = IMM(IB, 1),
	[G1_EV_IZ] = IMM(IZ, 0),
	[G1_EV_IB] = IMM(IB, 0),
	/* The others may be AMD's XOP. */
	[G1A] = { [0] = ROW(POP, E, NONE, 0, 0, D64) },
	[G2_EB_IB] = SHIFT(IB, 1),
	[G2_EV_IB] = SHIFT(IB, 0),
	[G2_EB_1] = SHIFT(ONE, 1),
	[G2_EV_1] = SHIFT(ONE, 0),
	[G2_EB_CL] = SHIFT(C, 1),
	[G2_EV_CL] = SHIFT(C, 0),
	[G3_EB] = UNARY(IB, 1),
	[G3_EV] = UNARY(IZ, 0),
	[G4] = {
		[0] = ROW(INC, E, NONE, 1, 0, LCK),
		[1] = ROW(DEC, E, NONE, 1, 0, LCK),
		[2] = UD, [3] = UD, [4] = UD, [5] = UD, [6] = UD, [7] = UD,
	},
	[G5] = {
		[0] = ROW(INC, E, NONE, 0, 0, LCK),
		[1] = ROW(DEC, E, NONE, 0, 0, LCK),
		[2] = ROW(CALL, NONE, E, 0, 0, D64),
		[4] = ROW(JMP, NONE, E, 0, 0, D64),
		[6] = ROW(PUSH, NONE, E, 0, 0, D64),
		[7] = UD,
	},
	[G8] = {
		[0] = UD, [1] = UD, [2] = UD, [3] = UD,
		[4] = ROW(BT, E, IB, 0, 0, 0),
		[5] = ROW(BTS, E, IB, 0, 0, LCK),
		[6] = ROW(BTR, E, IB, 0, 0, LCK),
		[7] = ROW(BTC, E, IB, 0, 0, LCK),
	},
	[G9] = { [1] = ROW(CMPXCHGB, M, NONE, 0, 0, LCK | X86_ROW_DOUBLE) },
	/* /7 of both, without memory, is XABORT and XBEGIN. */
	[G11_EB] = {
		[0] = ROW(MOV, E, IB, 1, 0, 0),
		[1] = UD, [2] = UD, [3] = UD, [4] = UD, [5] = UD, [6] = UD,
	},
	[G11_EV] = {
		[0] = ROW(MOV, E, IZ, 0, 0, 0),
		[1] = UD, [2] = UD, [3] = UD, [4] = UD, [5] = UD, [6] = UD,
	},
	[G15] = {
		[2] = { .op = X86_OP_LDMXCSR, .unit = X86_UNIT_SSE,
		    .src = X86_ENC_W, .size = 4, .vex = X86_VEX_YES },
		[3] = { .op = X86_OP_STMXCSR, .unit = X86_UNIT_SSE,
		    .dst = X86_ENC_W, .size = 4, .vex = X86_VEX_YES },
		[7] = ROW(CLFLUSH, NONE, W, 1, 0, 0),
	},
	[G15_66] = {
		[6] = ROW(CLFLUSH, NONE, W, 1, 0, 0),	/* CLWB */
		[7] = ROW(CLFLUSH, NONE, W, 1, 0, 0),	/* CLFLUSHOPT */
	},
	[G17] = {
		[1] = { .op = X86_OP_BLSR, .unit = X86_UNIT_VEX,
		    .dst = X86_ENC_B, .src = X86_ENC_E,
		    .vex = X86_VEX_ONLY | X86_VEX_VVVV },
		[2] = { .op = X86_OP_BLSMSK, .unit = X86_UNIT_VEX,
		    .dst = X86_ENC_B, .src = X86_ENC_E,
		    .vex = X86_VEX_ONLY | X86_VEX_VVVV },
		[3] = { .op = X86_OP_BLSI, .unit = X86_UNIT_VEX,
		    .dst = X86_ENC_B, .src = X86_ENC_E,
		    .vex = X86_VEX_ONLY | X86_VEX_VVVV },
	},
};
