/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The decoder's word beside the disassembler's, for the same bytes.
 */

#ifndef _H_ZYDIS_H_
#define _H_ZYDIS_H_

#include <Zydis/Zydis.h>

#include "x86.h"

/* What the disassembler says. */
struct zydis {
	bool taken;
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
};

/* Disassemble as code of bits 16, 32 or 64. */
void	zydis_decode(unsigned bits, const uint8_t *, size_t, struct zydis *);
/* True if the instruction has an operand in memory, a hidden one too. */
bool	zydis_has_memory(const struct zydis *);
/* h_mnemonics.c: true if the operation is what the mnemonic names. */
bool	zydis_is_mnemonic(const struct x86_insn *, ZydisMnemonic);
/* What the two disagree in, or NULL. */
const char *zydis_compare(const struct x86_insn *, const struct zydis *);

#endif /* _H_ZYDIS_H_ */
