/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * nvmmd proper's end of the socketpair to the parent: images are asked for by
 * name and come as descriptors.
 */

#ifndef _IMAGE_H_
#define _IMAGE_H_

#include <sys/queue.h>

#include <stdint.h>

#include "parent.h"

struct image_wait {
	TAILQ_ENTRY(image_wait) link;
	uint32_t id;
	/* The descriptor is the callee's; -1: error is an errno. */
	void (*done)(struct image_wait *, int fd, int error);
};

/* gone is called when the parent is. Returns 0, or -1 and errno. */
int	image_init(int sock, void (*gone)(void *));
void	image_fini(void);
/* Tells the parent that clients are served. */
int	image_ready(void);
/* Returns 0, or -1 and errno if the parent could not be asked. */
int	image_open(const char *name, struct image_wait *);

#endif /* _IMAGE_H_ */
