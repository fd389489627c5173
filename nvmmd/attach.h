/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * console.attach: a connection joined to a machine's console, both ways.
 */

#ifndef _ATTACH_H_
#define _ATTACH_H_

#include <stdbool.h>

struct client;
struct machine;

/*
 * Makes the connection a stream. replay: what the console has kept comes
 * first. Returns 0, or -1 without memory, then nothing has changed.
 */
int	attach_client(struct client *, struct machine *, bool replay);

#endif /* _ATTACH_H_ */
