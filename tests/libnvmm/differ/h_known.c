/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Where decoder and disassembler differ and the decoder is right, or the makers
 * of processors differ; and what is left out on purpose. Zydis is of version
 * 4.0, as Debian 12 has it.
 */

#if __has_include(<Zydis/Zydis.h>)

#include "h_known.h"

/*
 * 66h before a near branch in 64-bit mode: 16 bits by AMD APM vol. 3, CALL and
 * JMP; ignored by Intel SDM vol. 2, which Zydis follows where the target is in
 * a register or memory.
 */
static bool
branch_width(const struct testcase *tc, const struct zydis *z)
{

	return tc->bits == 64 && tc->insn.opsize == 2 &&
	    (z->insn.mnemonic == ZYDIS_MNEMONIC_CALL ||
	    z->insn.mnemonic == ZYDIS_MNEMONIC_JMP);
}

/*
 * 66h before MOVSXD: a source of 16 bits by Intel SDM vol. 2, of 32 by AMD APM
 * vol. 3 and Zydis; the result is the same.
 */
static bool
movsxd_width(const struct testcase *tc, const struct zydis *z)
{

	return tc->insn.opsize == 2 &&
	    z->insn.mnemonic == ZYDIS_MNEMONIC_MOVSXD;
}

/*
 * A SIB byte without a base, under 67h and REX.B: Zydis names r13d in place of
 * the displacement. APM vol. 3, 1.4.3: with mod 00b base 101b is none, whatever
 * REX.B.
 */
static bool
sib_without_base(const struct testcase *tc, const struct zydis *z)
{

	return tc->bits == 64 && z->insn.address_width == 32 &&
	    z->insn.raw.modrm.mod == 0 && z->insn.raw.modrm.rm == 4 &&
	    z->insn.raw.sib.base == 5;
}

/*
 * 3Eh before an indirect branch: NOTRACK to Zydis, and no DS. It is both,
 * Intel SDM vol. 1, 17.3.1.
 */
static bool
notrack(const struct testcase *tc, const struct zydis *z)
{

	return (z->insn.attributes & ZYDIS_ATTRIB_HAS_NOTRACK) != 0 &&
	    tc->insn.seg == NVMM_X64_SEG_DS;
}

bool
known_disagreement(const struct testcase *tc, const struct zydis *z)
{

	return z->taken && tc->error == 0 &&
	    tc->insn.len == z->insn.length &&
	    zydis_is_mnemonic(&tc->insn, z->insn.mnemonic) &&
	    (branch_width(tc, z) || movsxd_width(tc, z) ||
	    sib_without_base(tc, z) || notrack(tc, z));
}

/* True if the instruction writes a segment register. */
static bool
loads_segment(const struct zydis *z)
{

	return z->insn.operand_count_visible > 0 &&
	    z->ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	    ZydisRegisterGetClass(z->ops[0].reg.value) ==
	    ZYDIS_REGCLASS_SEGMENT;
}

bool
known_outside(const struct zydis *z)
{

	/* AVX-512, which no guest of these drivers is shown. */
	if (z->insn.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX)
		return true;
	/* Far branches and loads of segment registers: descriptors. */
	if (z->insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ||
	    (loads_segment(z) && (z->insn.mnemonic == ZYDIS_MNEMONIC_MOV ||
	    z->insn.mnemonic == ZYDIS_MNEMONIC_POP)))
		return true;
	/* Strings and SSE2's arithmetic share a name. */
	return z->insn.mnemonic == ZYDIS_MNEMONIC_CMPSD &&
	    z->insn.opcode_map == ZYDIS_OPCODE_MAP_0F;
}

#endif
