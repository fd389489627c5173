/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Where decoder and disassembler differ on purpose.
 */

#ifndef _H_KNOWN_H_
#define _H_KNOWN_H_

#include "h_gen.h"
#include "h_zydis.h"

/* True if the manuals side with the decoder, or leave it open. */
bool	known_disagreement(const struct testcase *, const struct zydis *);
/* True if the form is outside the set though others of its name are not. */
bool	known_outside(const struct zydis *);

#endif /* _H_KNOWN_H_ */
