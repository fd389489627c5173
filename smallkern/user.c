/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The programs of ring 3.  They share no page with the kernel, are compiled
 * with x87 and SSE, and talk to the kernel by system calls alone.
 */

#include "guest_abi.h"
#include "user.h"

#define TSC_READS	2000
#define PI_TERMS	26

typedef float vector4 __attribute__((vector_size(16)));

char user_stacks[USER_NTASKS][USER_STACK_SIZE] __attribute__((aligned(16)));
volatile uint64_t user_way;
volatile uint64_t user_word;

/* A system call: number in RAX, arguments in RDI and RSI, result in RAX. */
#define SYS(insn)	__asm volatile (insn : "+a" (number)		\
			    : "D" (a), "S" (b) : "rcx", "r11", "memory")

/* Makes a system call the way that the kernel wants it; SYSCALL is the best. */
static inline uint64_t
sys(uint64_t number, uint64_t a, uint64_t b)
{
	if (user_way == TRAP_SYSCALL)
		SYS("syscall");
	else if (user_way == VECTOR_SYSCALL)
		SYS("int $0x80");
	else
		SYS("int3");
	return number;
}

/* Ends with the number of right answers to n calls. */
void
user_calls(uint64_t n)
{
	uint64_t right = 0;

	for (uint64_t i = 0; i < n; i++)
		right += sys(SYS_MIX, i, n) == USER_MIX(i, n);
	sys(SYS_EXIT, right, 0);
}

/* Two calls and nothing else, so that all registers are the kernel's to set. */
__asm (	"user_bare_syscall: syscall; syscall; ud2\n"
	"user_bare_int80: int $0x80; int $0x80; ud2\n"
	"user_bare_int3: int3; int3; ud2\n"
	".globl user_bare_syscall, user_bare_int80, user_bare_int3\n");

/* The arc tangent of 1/n by its series, letting others run in the middle. */
static long double
arctan_inverse(long double n)
{
	long double power = 1 / n, sum = 0;

	for (unsigned i = 0; i < PI_TERMS; i++) {
		long double term = power / (2 * i + 1);

		sum += i % 2 == 0 ? term : -term;
		power /= n * n;
		if (i % 5 == 0)
			sys(SYS_YIELD, 0, 0);
	}
	return sum;
}

/* Ends with 1 if pi comes out to more digits than a double has. */
void
user_x87(uint64_t unused)
{
	long double pi, error;

	(void)unused;
	pi = 16 * arctan_inverse(5) - 4 * arctan_inverse(239);
	error = pi - 3.14159265358979323846264L;
	sys(SYS_EXIT, error < 2e-18L && error > -2e-18L, 0);
}

/* Ends with the sum of k^2 for k from 1 to 4 n, four at a time. */
void
user_sse(uint64_t n)
{
	vector4 k = { 1, 2, 3, 4 }, sum = { 0, 0, 0, 0 };

	for (uint64_t i = 0; i < n; i++) {
		sum += k * k;
		k += 4;
		sys(SYS_YIELD, 0, 0);
	}
	sys(SYS_EXIT, (uint64_t)(sum[0] + sum[1] + sum[2] + sum[3]), 0);
}

/* Ends with how often the TSC did not grow from one read to the next. */
void
user_tsc(uint64_t unused)
{
	uint64_t last = 0, wrong = 0;

	(void)unused;
	for (unsigned i = 0; i < TSC_READS; i++) {
		uint64_t now = __builtin_ia32_rdtsc();

		wrong += now <= last;
		last = now;
	}
	sys(SYS_EXIT, wrong, 0);
}

/* Computes without a system call, for so many cycles. */
void
user_loop(uint64_t cycles)
{
	uint64_t start = __builtin_ia32_rdtsc();

	while (__builtin_ia32_rdtsc() - start < cycles)
		continue;
	sys(SYS_EXIT, 0, 0);
}

/* Reads at an address. */
void
user_read(uint64_t va)
{
	sys(SYS_EXIT, *(volatile uint8_t *)va, 0);
}

/* Writes at an address. */
void
user_write(uint64_t va)
{
	*(volatile uint8_t *)va = 1;
	sys(SYS_EXIT, 0, 0);
}

/* Jumps to an address. */
void
user_jump(uint64_t va)
{
	__asm volatile ("jmp *%0" : : "r" (va));
}

/* Does what only ring 0 may. */
void
user_cli(uint64_t unused)
{
	(void)unused;
	__asm volatile ("cli");
	sys(SYS_EXIT, 0, 0);
}

/* Touches the FPU. */
void
user_fpu(uint64_t unused)
{
	(void)unused;
	__asm volatile ("fninit");
	sys(SYS_EXIT, 1, 0);
}
