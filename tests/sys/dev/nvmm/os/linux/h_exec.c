/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * h_exec FD: what a program finds that was executed with the device open: it
 * is refused (else status 1), and the machines are gone (else 2).
 */

#include <sys/ioctl.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <dev/nvmm/nvmm_ioctl.h>

int
main(int argc, char **argv)
{
	struct nvmm_ioc_capability ioc;
	FILE *f;
	int n;

	if (argc != 2)
		return 3;
	if (ioctl(atoi(argv[1]), NVMM_IOC_CAPABILITY, &ioc) != -1 ||
	    errno != EPERM)
		return 1;
	f = fopen("/sys/module/nvmm/parameters/machines", "r");
	if (f == NULL || fscanf(f, "%d", &n) != 1)
		return 3;
	return n == 0 ? 0 : 2;
}
