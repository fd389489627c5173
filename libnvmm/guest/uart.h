/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * A 16550A UART (National PC16550D). It transmits at once, so its transmitter
 * is always empty; it receives what uart_input() gives it. It has no lock and
 * no thread: calls on one UART must not overlap. Callbacks come during a call.
 */

#ifndef _UART_H_
#define _UART_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UART_FIFO	16		/* bytes */

struct uart_callbacks {
	void (*out)(void *arg, uint8_t);	/* a byte was sent */
	void (*room)(void *arg);	/* input was refused, is welcome now */
	void (*line)(void *arg, bool);	/* the interrupt line changed */
};

struct uart {
	struct uart_callbacks cb;	/* (c) */
	void *arg;			/* (c) */
	uint8_t fifo[UART_FIFO];	/* received */
	unsigned head;			/* index of the oldest */
	unsigned count;
	bool listening;			/* the guest has looked for input */
	bool refused;			/* input was turned away */
	bool thre;			/* transmitter-empty interrupt pending */
	bool level;			/* of the interrupt line */
	bool overrun;			/* LSR.OE */
	uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
	uint8_t msr_delta;
};

/* A UART after reset. Any callback may be NULL. */
void	uart_init(struct uart *, const struct uart_callbacks *, void *arg);
void	uart_reset(struct uart *);
/* Registers 0 to 7; others read as ones and ignore writes. */
uint8_t	uart_read(struct uart *, unsigned reg);
void	uart_write(struct uart *, unsigned reg, uint8_t);
/*
 * Receive bytes; returns how many were taken: none in loopback, and none before
 * the guest has read the line status or enabled the receiver's interrupt. So
 * what waits at its input when it starts is not lost when it sets the UART up.
 */
size_t	uart_input(struct uart *, const void *, size_t);

#endif /* _UART_H_ */
