/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Guest images: asked of the parent by name, they come as descriptors.
 */

#ifndef _IMAGE_H_
#define _IMAGE_H_

#include "ask.h"

struct image_wait {
	struct ask_wait ask;		/* first */
	/* The descriptor is the callee's; -1: error is an errno. */
	void (*done)(struct image_wait *, int fd, int error);
};

/* Returns 0, or -1 and errno if the parent could not be asked. */
int	image_open(const char *name, struct image_wait *);

#endif /* _IMAGE_H_ */
