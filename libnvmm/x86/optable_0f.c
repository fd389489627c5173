/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The opcodes behind 0F, 0F 38 and 0F 3A that can touch a device's memory, and
 * those that a prefix tells apart, with VEX and without: AMD APM vol. 3 and 4,
 * appendix A.
 */

#include "optable.h"

/* Sixteen conditions. */
#define CC4(n, o, d, s, z)						\
	[(n) + 0] = ROW(o, d, s, z, 0, 0), [(n) + 1] = ROW(o, d, s, z, 0, 0), \
	[(n) + 2] = ROW(o, d, s, z, 0, 0), [(n) + 3] = ROW(o, d, s, z, 0, 0)
#define CC16(n, o, d, s, z)						\
	CC4((n), o, d, s, z), CC4((n) + 4, o, d, s, z),			\
	CC4((n) + 8, o, d, s, z), CC4((n) + 12, o, d, s, z)

/* A vector or media instruction; V0: the VEX form's L is 0. */
#define VEC(u, o, d, s, n, m, f, v)					\
	{ .op = X86_OP_##o, .unit = X86_UNIT_##u, .dst = X86_ENC_##d,	\
	  .src = X86_ENC_##s, .size = (n), .ssize = (m), .vex = (v),	\
	  .flags = (f) | X86_ROW_MODRM }
#define VEC3(u, o, d, s, t, n, f, v)					\
	{ .op = X86_OP_##o, .unit = X86_UNIT_##u, .dst = X86_ENC_##d,	\
	  .src = X86_ENC_##s, .third = X86_ENC_##t, .size = (n),	\
	  .vex = (v), .flags = (f) | X86_ROW_MODRM }
#define BMI(o, d, s, t)							\
	{ .op = X86_OP_##o, .unit = X86_UNIT_VEX, .dst = X86_ENC_##d,	\
	  .src = X86_ENC_##s, .third = X86_ENC_##t,			\
	  .vex = X86_VEX_ONLY | X86_VEX_VVVV, .flags = X86_ROW_MODRM }
#define SPREAD(n, v)							\
	VEC(AVX, BROADCAST, V, W, 16, n, 0, X86_VEX_ONLY | X86_VEX_W0 | (v))

#define VHALF	(X86_VEX_ONLY | X86_VEX_L1 | X86_VEX_W0)
#define INSERT								\
	VEC3(AVX, INSERT, V, W, H, 16, X86_ROW_HALF | X86_ROW_IMM8,	\
	    VHALF | X86_VEX_VVVV)
#define EXTRACT								\
	VEC(AVX, EXTRACT, W, V, 16, 0, X86_ROW_HALF | X86_ROW_IMM8, VHALF)

#define V0	X86_VEX_YES
#define V256	(X86_VEX_YES | X86_VEX_256)
#define VLIG	(X86_VEX_YES | X86_VEX_LIG)
#define VH	(X86_VEX_YES | X86_VEX_VVVV)
#define ALN	X86_ROW_ALIGN
#define ALN1	X86_ROW_ALIGN1
#define HIGH	X86_ROW_HIGH
#define MOVD	X86_ROW_MOVD

/* Rows that a prefix settles, named by map and opcode. */
enum {
	P10 = 1, P11, P12, P13, P16, P17, P28, P29, P2B, P6E, P6F, P7E, P7F,
	PAE, PB8, PBC, PBD, PC3, PD6, PE7, PF0, PF7, P38_18, P38_19, P38_1A,
	P38_2A, P38_58, P38_59, P38_5A, P38_78, P38_79, P38_F0, P38_F1, P38_F2,
	P38_F3, P38_F5, P38_F6, P38_F7, P38_F9, P3A_18,
	P3A_19, P3A_38, P3A_39, P3A_F0, NPREFIXED
};
#define PREFIX(p)	{ .group = (p), .flags = X86_ROW_PREFIX }

const struct x86_row x86_rows_0f[256] = {
	[0x10] = PREFIX(P10), [0x11] = PREFIX(P11), [0x12] = PREFIX(P12),
	[0x13] = PREFIX(P13), [0x16] = PREFIX(P16), [0x17] = PREFIX(P17),
	[0x28] = PREFIX(P28), [0x29] = PREFIX(P29), [0x2B] = PREFIX(P2B),
	[0x6E] = PREFIX(P6E), [0x6F] = PREFIX(P6F), [0x7E] = PREFIX(P7E),
	[0x7F] = PREFIX(P7F), [0xAE] = PREFIX(PAE), [0xB8] = PREFIX(PB8),
	[0xBC] = PREFIX(PBC), [0xBD] = PREFIX(PBD), [0xD6] = PREFIX(PD6),
	[0xE7] = PREFIX(PE7), [0xF0] = PREFIX(PF0), [0xF7] = PREFIX(PF7),
	CC16(0x40, CMOV, G, E, 0),
	CC16(0x90, SET, E, NONE, 1),
	[0xA0] = ROW(PUSH, NONE, SOP, 0, 0, X86_ROW_D64),
	[0xA3] = ROW(BT, E, G, 0, 0, 0),
	[0xA4] = ROW3(SHLD, E, G, IB, 0, 0, 0),
	[0xA5] = ROW3(SHLD, E, G, C, 0, 0, 0),
	[0xA8] = ROW(PUSH, NONE, SOP, 0, 0, X86_ROW_D64),
	[0xAB] = ROW(BTS, E, G, 0, 0, LCK),
	[0xAC] = ROW3(SHRD, E, G, IB, 0, 0, 0),
	[0xAD] = ROW3(SHRD, E, G, C, 0, 0, 0),
	[0xAF] = ROW(IMUL, G, E, 0, 0, 0),
	[0xB3] = ROW(BTR, E, G, 0, 0, LCK),
	[0xBB] = ROW(BTC, E, G, 0, 0, LCK),
	PAIR(0xB0, CMPXCHG, E, G, LCK),
	[0xB6] = ROW(MOV, G, E, 0, 1, 0),
	[0xB7] = ROW(MOV, G, E, 0, 2, 0),
	[0xBA] = GROUP(G8),
	[0xBE] = ROW(MOVSX, G, E, 0, 1, 0),
	[0xBF] = ROW(MOVSX, G, E, 0, 2, 0),
	PAIR(0xC0, XADD, E, G, LCK),
	[0xC3] = PREFIX(PC3),
	[0xC7] = GROUP(G9),
};

const struct x86_row x86_rows_0f38[256] = {
	[0x18] = PREFIX(P38_18), [0x19] = PREFIX(P38_19),
	[0x1A] = PREFIX(P38_1A), [0x2A] = PREFIX(P38_2A),
	[0x58] = PREFIX(P38_58), [0x59] = PREFIX(P38_59),
	[0x5A] = PREFIX(P38_5A), [0x78] = PREFIX(P38_78),
	[0x79] = PREFIX(P38_79), [0xF0] = PREFIX(P38_F0),
	[0xF1] = PREFIX(P38_F1), [0xF2] = PREFIX(P38_F2),
	[0xF3] = PREFIX(P38_F3), [0xF5] = PREFIX(P38_F5),
	[0xF6] = PREFIX(P38_F6), [0xF7] = PREFIX(P38_F7),
	[0xF9] = PREFIX(P38_F9),
};

const struct x86_row x86_rows_0f3a[256] = {
	[0x18] = PREFIX(P3A_18), [0x19] = PREFIX(P3A_19),
	[0x38] = PREFIX(P3A_38), [0x39] = PREFIX(P3A_39),
	[0xF0] = PREFIX(P3A_F0),
};

const struct x86_row x86_prefixed[NPREFIXED][X86_NPP] = {
	/* MOVUPS, MOVUPD, MOVSS, MOVSD */
	[P10] = {
		[X86_PP_NONE] = VEC(SSE, MOVV, V, W, 16, 0, 0, V256),
		[X86_PP_66] = VEC(SSE, MOVV, V, W, 16, 0, 0, V256),
		[X86_PP_F3] = VEC(SSE, MOVV, V, W, 4, 0, 0, VLIG),
		[X86_PP_F2] = VEC(SSE, MOVV, V, W, 8, 0, 0, VLIG),
	},
	[P11] = {
		[X86_PP_NONE] = VEC(SSE, MOVV, W, V, 16, 0, 0, V256),
		[X86_PP_66] = VEC(SSE, MOVV, W, V, 16, 0, 0, V256),
		[X86_PP_F3] = VEC(SSE, MOVV, W, V, 4, 0, 0, VLIG),
		[X86_PP_F2] = VEC(SSE, MOVV, W, V, 8, 0, 0, VLIG),
	},
	/* MOVLPS (with registers MOVHLPS), MOVLPD */
	[P12] = {
		[X86_PP_NONE] = VEC3(SSE, MOVH, V, W, H, 8, 0, VH),
		[X86_PP_66] = VEC3(SSE, MOVH, V, M, H, 8, 0, VH),
		[X86_PP_F3] = VEC(SSE, MOVSLDUP, V, W, 16, 0, ALN1, V256),
		[X86_PP_F2] = VEC(SSE, MOVDDUP, V, W, 8, 0, 0, V256),
	},
	[P13] = {
		[X86_PP_NONE] = VEC(SSE, MOVV, M, V, 8, 0, 0, V0),
		[X86_PP_66] = VEC(SSE, MOVV, M, V, 8, 0, 0, V0),
	},
	/* MOVHPS (with registers MOVLHPS), MOVHPD */
	[P16] = {
		[X86_PP_NONE] = VEC3(SSE, MOVH, V, W, H, 8, HIGH, VH),
		[X86_PP_66] = VEC3(SSE, MOVH, V, M, H, 8, HIGH, VH),
		[X86_PP_F3] = VEC(SSE, MOVSHDUP, V, W, 16, 0, ALN1, V256),
	},
	[P17] = {
		[X86_PP_NONE] = VEC(SSE, MOVV, M, V, 8, 0, HIGH, V0),
		[X86_PP_66] = VEC(SSE, MOVV, M, V, 8, 0, HIGH, V0),
	},
	/* MOVAPS, MOVAPD */
	[P28] = {
		[X86_PP_NONE] = VEC(SSE, MOVV, V, W, 16, 0, ALN, V256),
		[X86_PP_66] = VEC(SSE, MOVV, V, W, 16, 0, ALN, V256),
	},
	[P29] = {
		[X86_PP_NONE] = VEC(SSE, MOVV, W, V, 16, 0, ALN, V256),
		[X86_PP_66] = VEC(SSE, MOVV, W, V, 16, 0, ALN, V256),
	},
	/* MOVNTPS, MOVNTPD, and AMD's MOVNTSS, MOVNTSD */
	[P2B] = {
		[X86_PP_NONE] = VEC(SSE, MOVV, M, V, 16, 0, ALN, V256),
		[X86_PP_66] = VEC(SSE, MOVV, M, V, 16, 0, ALN, V256),
		[X86_PP_F3] = VEC(SSE, MOVV, M, V, 4, 0, 0, 0),
		[X86_PP_F2] = VEC(SSE, MOVV, M, V, 8, 0, 0, 0),
	},
	/* MOVD, MOVQ */
	[P6E] = {
		[X86_PP_NONE] = VEC(MMX, MOVV, P, W, 0, 0, MOVD, 0),
		[X86_PP_66] = VEC(SSE, MOVV, V, W, 0, 0, MOVD, V0),
	},
	/* MOVQ, MOVDQA, MOVDQU */
	[P6F] = {
		[X86_PP_NONE] = VEC(MMX, MOVV, P, W, 8, 0, 0, 0),
		[X86_PP_66] = VEC(SSE, MOVV, V, W, 16, 0, ALN, V256),
		[X86_PP_F3] = VEC(SSE, MOVV, V, W, 16, 0, 0, V256),
	},
	[P7E] = {
		[X86_PP_NONE] = VEC(MMX, MOVV, W, P, 0, 0, MOVD, 0),
		[X86_PP_66] = VEC(SSE, MOVV, W, V, 0, 0, MOVD, V0),
		[X86_PP_F3] = VEC(SSE, MOVV, V, W, 8, 0, 0, V0),
	},
	[P7F] = {
		[X86_PP_NONE] = VEC(MMX, MOVV, W, P, 8, 0, 0, 0),
		[X86_PP_66] = VEC(SSE, MOVV, W, V, 16, 0, ALN, V256),
		[X86_PP_F3] = VEC(SSE, MOVV, W, V, 16, 0, 0, V256),
	},
	[PAE] = {
		[X86_PP_NONE] = GROUP(G15),
		[X86_PP_66] = GROUP(G15_66),
	},
	[PB8] = { [X86_PP_F3] = ROW(POPCNT, G, E, 0, 0, 0) },
	[PBC] = {
		[X86_PP_NONE] = ROW(BSF, G, E, 0, 0, 0),
		[X86_PP_66] = ROW(BSF, G, E, 0, 0, 0),
		[X86_PP_F3] = ROW(TZCNT, G, E, 0, 0, 0),
		[X86_PP_F2] = ROW(BSF, G, E, 0, 0, 0),
	},
	[PBD] = {
		[X86_PP_NONE] = ROW(BSR, G, E, 0, 0, 0),
		[X86_PP_66] = ROW(BSR, G, E, 0, 0, 0),
		[X86_PP_F3] = ROW(LZCNT, G, E, 0, 0, 0),
		[X86_PP_F2] = ROW(BSR, G, E, 0, 0, 0),
	},
	/* MOVNTI */
	[PC3] = {
		[X86_PP_NONE] = ROW(MOV, M, G, 0, 0, MOVD),
		[X86_PP_66] = UD, [X86_PP_F3] = UD, [X86_PP_F2] = UD,
	},
	[PD6] = { [X86_PP_66] = VEC(SSE, MOVV, W, V, 8, 0, 0, V0) },
	/* MOVNTQ, MOVNTDQ */
	[PE7] = {
		[X86_PP_NONE] = VEC(MMX, MOVV, M, P, 8, 0, 0, 0),
		[X86_PP_66] = VEC(SSE, MOVV, M, V, 16, 0, ALN, V256),
	},
	/* LDDQU */
	[PF0] = { [X86_PP_F2] = VEC(SSE, MOVV, V, M, 16, 0, 0, V256) },
	/* MASKMOVQ, MASKMOVDQU */
	[PF7] = {
		[X86_PP_NONE] = VEC3(MMX, MASKMOV, D, P, N, 8, 0, 0),
		[X86_PP_66] = VEC3(SSE, MASKMOV, D, V, U, 16, 0, V0),
	},
	[P38_18] = { [X86_PP_66] = SPREAD(4, X86_VEX_256) },
	[P38_19] = { [X86_PP_66] = SPREAD(8, X86_VEX_L1) },
	[P38_1A] = { [X86_PP_66] = SPREAD(16, X86_VEX_L1) },
	/* MOVNTDQA */
	[P38_2A] = { [X86_PP_66] = VEC(SSE, MOVV, V, M, 16, 0, ALN, V256) },
	[P38_58] = { [X86_PP_66] = SPREAD(4, X86_VEX_256) },
	[P38_59] = { [X86_PP_66] = SPREAD(8, X86_VEX_256) },
	[P38_5A] = { [X86_PP_66] = SPREAD(16, X86_VEX_L1) },
	[P38_78] = { [X86_PP_66] = SPREAD(1, X86_VEX_256) },
	[P38_79] = { [X86_PP_66] = SPREAD(2, X86_VEX_256) },
	[P38_F0] = {
		[X86_PP_NONE] = ROW(MOVBE, G, M, 0, 0, 0),
		[X86_PP_66] = ROW(MOVBE, G, M, 0, 0, 0),
		[X86_PP_F2] = ROW(CRC32, G, E, 0, 1, X86_ROW_MOVD),
	},
	[P38_F1] = {
		[X86_PP_NONE] = ROW(MOVBE, M, G, 0, 0, 0),
		[X86_PP_66] = ROW(MOVBE, M, G, 0, 0, 0),
		[X86_PP_F2] = ROW(CRC32, G, E, 0, 0, 0),
	},
	[P38_F2] = { [X86_PP_NONE] = BMI(ANDN, G, E, B) },
	[P38_F3] = { [X86_PP_NONE] = GROUP(G17) },
	[P38_F5] = {
		[X86_PP_NONE] = BMI(BZHI, G, E, B),
		[X86_PP_F3] = BMI(PEXT, G, E, B),
		[X86_PP_F2] = BMI(PDEP, G, E, B),
	},
	[P38_F6] = {
		[X86_PP_66] = ROW(ADCX, G, E, 0, 0, MOVD),
		[X86_PP_F3] = ROW(ADOX, G, E, 0, 0, MOVD),
		[X86_PP_F2] = BMI(MULX, G, E, B),
	},
	[P38_F7] = {
		[X86_PP_NONE] = BMI(BEXTR, G, E, B),
		[X86_PP_66] = BMI(SHLX, G, E, B),
		[X86_PP_F3] = BMI(SARX, G, E, B),
		[X86_PP_F2] = BMI(SHRX, G, E, B),
	},
	/* MOVDIRI */
	[P38_F9] = { [X86_PP_NONE] = ROW(MOV, M, G, 0, 0, MOVD) },
	/* VINSERTF128, VEXTRACTF128, VINSERTI128, VEXTRACTI128 */
	[P3A_18] = { [X86_PP_66] = INSERT },
	[P3A_19] = { [X86_PP_66] = EXTRACT },
	[P3A_38] = { [X86_PP_66] = INSERT },
	[P3A_39] = { [X86_PP_66] = EXTRACT },
	[P3A_F0] = {
		[X86_PP_F2] = { .op = X86_OP_RORX, .unit = X86_UNIT_VEX,
		    .dst = X86_ENC_G, .src = X86_ENC_E, .third = X86_ENC_IB,
		    .vex = X86_VEX_ONLY, .flags = X86_ROW_MODRM },
	},
};
