/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The 16550A's register file (PC16550D data sheet, section 8). Time does not
 * exist here: a byte written is out, and the receiver's time-out interrupt is
 * there as soon as the FIFO holds less than its trigger level.
 */

#include <string.h>

#include "uart.h"

#define IER_RDA		0x01		/* received data */
#define IER_THRE	0x02		/* transmitter empty */
#define IER_RLS		0x04		/* receiver line status */
#define IER_MS		0x08		/* modem status */
#define IER_MASK	0x0f
#define IIR_NONE	0x01
#define IIR_MS		0x00
#define IIR_THRE	0x02
#define IIR_RDA		0x04
#define IIR_RLS		0x06
#define IIR_TIMEOUT	0x0c
#define IIR_FIFOS	0xc0
#define FCR_ENABLE	0x01
#define FCR_RXRESET	0x02
#define FCR_MASK	0xc9
#define LCR_DLAB	0x80
#define MCR_DTR		0x01
#define MCR_RTS		0x02
#define MCR_OUT1	0x04
#define MCR_OUT2	0x08
#define MCR_LOOP	0x10
#define MCR_MASK	0x1f
#define LSR_DR		0x01
#define LSR_OE		0x02
#define LSR_THRE	0x20
#define LSR_TEMT	0x40
#define MSR_CTS		0x10
#define MSR_DSR		0x20
#define MSR_RI		0x40
#define MSR_DCD		0x80

/* How many received bytes there is room for. */
static unsigned
uart_depth(const struct uart *u)
{
	return (u->fcr & FCR_ENABLE) != 0 ? UART_FIFO : 1;
}

/* How many received bytes raise the data interrupt. */
static unsigned
uart_trigger(const struct uart *u)
{
	static const unsigned levels[4] = { 1, 4, 8, 14 };

	return (u->fcr & FCR_ENABLE) != 0 ? levels[u->fcr >> 6] : 1;
}

/* What the interrupt identification register says, FIFO bits apart. */
static uint8_t
uart_iir(const struct uart *u)
{
	if ((u->ier & IER_RLS) != 0 && u->overrun)
		return IIR_RLS;
	if ((u->ier & IER_RDA) != 0 && u->count != 0)
		return u->count >= uart_trigger(u) ? IIR_RDA : IIR_TIMEOUT;
	if ((u->ier & IER_THRE) != 0 && u->thre)
		return IIR_THRE;
	if ((u->ier & IER_MS) != 0 && u->msr_delta != 0)
		return IIR_MS;
	return IIR_NONE;
}

/* The line brought in accord with the registers; tells only of changes. */
static void
uart_update(struct uart *u)
{
	bool level = uart_iir(u) != IIR_NONE;

	if (level == u->level)
		return;
	u->level = level;
	if (u->cb.line != NULL)
		u->cb.line(u->arg, level);
}

/* The modem lines: all there, or the looped-back outputs. */
static uint8_t
uart_modem(const struct uart *u)
{
	uint8_t msr = 0;

	if ((u->mcr & MCR_LOOP) == 0)
		return MSR_CTS | MSR_DSR | MSR_DCD;
	if ((u->mcr & MCR_RTS) != 0)
		msr |= MSR_CTS;
	if ((u->mcr & MCR_DTR) != 0)
		msr |= MSR_DSR;
	if ((u->mcr & MCR_OUT1) != 0)
		msr |= MSR_RI;
	if ((u->mcr & MCR_OUT2) != 0)
		msr |= MSR_DCD;
	return msr;
}

/* A received byte queued; false if there is no room. */
static bool
uart_receive(struct uart *u, uint8_t byte)
{
	if (u->count >= uart_depth(u))
		return false;
	u->fifo[(u->head + u->count) % UART_FIFO] = byte;
	u->count++;
	return true;
}

/* Whoever was turned away asked back, once the receiver is empty. */
static void
uart_offer_room(struct uart *u)
{
	if (!u->refused || !u->listening || u->count != 0)
		return;
	u->refused = false;
	if (u->cb.room != NULL)
		u->cb.room(u->arg);
}

/* The guest looks for input from now on. */
static void
uart_listen(struct uart *u)
{
	if (u->listening)
		return;
	u->listening = true;
	uart_offer_room(u);
}

/* The oldest received byte, or 0. */
static uint8_t
uart_read_rbr(struct uart *u)
{
	uint8_t byte;

	if (u->count == 0)
		return 0;
	byte = u->fifo[u->head];
	u->head = (u->head + 1) % UART_FIFO;
	u->count--;
	uart_offer_room(u);
	return byte;
}

/* The interrupt's source; reading it takes a transmitter interrupt back. */
static uint8_t
uart_read_iir(struct uart *u)
{
	uint8_t iir = uart_iir(u);

	if (iir == IIR_THRE)
		u->thre = false;
	return iir | ((u->fcr & FCR_ENABLE) != 0 ? IIR_FIFOS : 0);
}

/* The line status; reading it clears the error. */
static uint8_t
uart_read_lsr(struct uart *u)
{
	uint8_t lsr = LSR_THRE | LSR_TEMT;

	uart_listen(u);
	if (u->count != 0)
		lsr |= LSR_DR;
	if (u->overrun)
		lsr |= LSR_OE;
	u->overrun = false;
	return lsr;
}

/* The modem status; reading it clears the changes. */
static uint8_t
uart_read_msr(struct uart *u)
{
	uint8_t msr = uart_modem(u) | u->msr_delta;

	u->msr_delta = 0;
	return msr;
}

/* The register's value, without the line brought up to date. */
static uint8_t
uart_read_reg(struct uart *u, unsigned reg)
{
	bool dlab = (u->lcr & LCR_DLAB) != 0;

	switch (reg) {
	case 0:
		return dlab ? u->dll : uart_read_rbr(u);
	case 1:
		return dlab ? u->dlm : u->ier;
	case 2:
		return uart_read_iir(u);
	case 3:
		return u->lcr;
	case 4:
		return u->mcr;
	case 5:
		return uart_read_lsr(u);
	case 6:
		return uart_read_msr(u);
	case 7:
		return u->scr;
	default:
		return 0xff;
	}
}

/* A register's value, with what reading it brings about. */
uint8_t
uart_read(struct uart *u, unsigned reg)
{
	uint8_t val = uart_read_reg(u, reg);

	uart_update(u);
	return val;
}

/* A byte sent: out, or back in. */
static void
uart_write_thr(struct uart *u, uint8_t val)
{
	if ((u->mcr & MCR_LOOP) != 0) {
		if (!uart_receive(u, val))
			u->overrun = true;
	} else if (u->cb.out != NULL)
		u->cb.out(u->arg, val);
	u->thre = true;
}

/* Interrupts enabled; the transmitter's is due at once, it being empty. */
static void
uart_write_ier(struct uart *u, uint8_t val)
{
	if ((val & IER_THRE) != 0 && (u->ier & IER_THRE) == 0)
		u->thre = true;
	if ((val & IER_RDA) != 0)
		uart_listen(u);
	u->ier = val & IER_MASK;
}

/* The FIFOs switched and cleared. */
static void
uart_write_fcr(struct uart *u, uint8_t val)
{
	if (((val ^ u->fcr) & FCR_ENABLE) != 0)
		val |= FCR_RXRESET;
	if ((val & FCR_RXRESET) != 0)
		u->head = u->count = 0;
	u->fcr = (val & FCR_ENABLE) != 0 ? val & FCR_MASK : 0;
	uart_offer_room(u);
}

/* The modem outputs set; in loopback their changes come back. */
static void
uart_write_mcr(struct uart *u, uint8_t val)
{
	uint8_t before = uart_modem(u), after, changed;

	u->mcr = val & MCR_MASK;
	after = uart_modem(u);
	changed = before ^ after;
	/* The ring indicator tells of its trailing edge only. */
	if ((after & MSR_RI) != 0)
		changed &= (uint8_t)~MSR_RI;
	u->msr_delta |= changed >> 4;
	if ((u->mcr & MCR_LOOP) == 0)
		uart_offer_room(u);
}

/* A register written, without the line brought up to date. */
static void
uart_write_reg(struct uart *u, unsigned reg, uint8_t val)
{
	bool dlab = (u->lcr & LCR_DLAB) != 0;

	switch (reg) {
	case 0:
		if (dlab)
			u->dll = val;
		else
			uart_write_thr(u, val);
		break;
	case 1:
		if (dlab)
			u->dlm = val;
		else
			uart_write_ier(u, val);
		break;
	case 2:
		uart_write_fcr(u, val);
		break;
	case 3:
		u->lcr = val;
		break;
	case 4:
		uart_write_mcr(u, val);
		break;
	case 7:
		u->scr = val;
		break;
	default:
		break;
	}
}

/* A register written, with what that brings about. */
void
uart_write(struct uart *u, unsigned reg, uint8_t val)
{
	uart_write_reg(u, reg, val);
	uart_update(u);
}

/* As many of the bytes as fit received. */
size_t
uart_input(struct uart *u, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	size_t n = 0;

	if (u->listening && (u->mcr & MCR_LOOP) == 0) {
		while (n < len && uart_receive(u, p[n]))
			n++;
	}
	if (n < len)
		u->refused = true;
	uart_update(u);
	return n;
}

/* The registers as after a master reset; the line is low. */
void
uart_reset(struct uart *u)
{
	struct uart_callbacks cb = u->cb;
	void *arg = u->arg;
	bool refused = u->refused, level = u->level;

	memset(u, 0, sizeof(*u));
	u->cb = cb;
	u->arg = arg;
	u->refused = refused;
	u->level = level;
	u->dll = 1;
	uart_update(u);
}

/* A UART with its callbacks, reset. */
void
uart_init(struct uart *u, const struct uart_callbacks *cb, void *arg)
{
	memset(u, 0, sizeof(*u));
	u->cb = *cb;
	u->arg = arg;
	uart_reset(u);
}
