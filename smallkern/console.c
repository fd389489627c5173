/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The console, a 16550 UART driven by polling, and the port that ends the
 * machine.  These two devices are all that smallkern needs to report.
 */

#include "cpu.h"
#include "guest_abi.h"
#include "kern.h"

static unsigned burst = 1;	/* bytes that the UART takes at once */

/* The UART is ready: eight bits, no parity, no interrupts; input is kept. */
void
console_init(void)
{
	outb(GUEST_COM1_PORT + GUEST_UART_IER, 0);
	outb(GUEST_COM1_PORT + GUEST_UART_LCR, GUEST_UART_LCR_8N1);
	outb(GUEST_COM1_PORT + GUEST_UART_MCR,
	    GUEST_UART_MCR_DTR | GUEST_UART_MCR_RTS);
}

/* Output is faster from now on; switching FIFOs on loses input that waits. */
void
console_fast(void)
{
	outb(GUEST_COM1_PORT + GUEST_UART_FCR, GUEST_UART_FCR_ENABLE);
	burst = GUEST_UART_FIFO_SIZE;
}

/* Returns once one of these line status bits is set. */
static void
console_poll(uint8_t bits)
{
	while ((inb(GUEST_COM1_PORT + GUEST_UART_LSR) & bits) == 0)
		cpu_pause();
}

/* Sends len bytes, as many at a time as the UART takes. */
void
console_write(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (i % burst == 0)
			console_poll(GUEST_UART_LSR_THRE);
		outb(GUEST_COM1_PORT + GUEST_UART_DATA, (uint8_t)s[i]);
	}
}

/* Waits for a byte of input and returns it. */
char
console_getc(void)
{
	console_poll(GUEST_UART_LSR_DR);
	return (char)inb(GUEST_COM1_PORT + GUEST_UART_DATA);
}

/* Ends the machine with this status; where there is no such port, stops. */
void
platform_exit(uint8_t status)
{
	outb(GUEST_EXIT_PORT, status);
	for (;;) {
		cli();
		__asm volatile ("hlt");
	}
}
