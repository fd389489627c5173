/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * How many instructions getppid(2) takes in a host that counts them, the
 * kernel's part and the call: the least of some rounds, as others contain a
 * tick of the clock.
 */

#include <sys/syscall.h>

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS	50
#define CALLS	100

/* The clock in nanoseconds. */
static long
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000L + ts.tv_nsec;
}

/* The nanoseconds of one round. */
static long
round_of_calls(void)
{
	long start = now();

	for (int i = 0; i < CALLS; i++)
		(void)syscall(SYS_getppid);
	return now() - start;
}

int
main(void)
{
	long least = round_of_calls();

	for (int i = 1; i < ROUNDS; i++) {
		long spent = round_of_calls();

		if (spent < least)
			least = spent;
	}
	(void)printf("%ld\n", least / CALLS);
	return 0;
}
