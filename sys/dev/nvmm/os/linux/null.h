/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * What the null backend does, by RAX; see null.c.
 */

#ifndef _NVMM_NULL_H_
#define _NVMM_NULL_H_

#define NULL_EXIT	0
#define NULL_FAULT	1
#define NULL_SPIN	2
#define NULL_LOOK	3
#define NULL_SPIN_NEXT	4

#endif /* _NVMM_NULL_H_ */
