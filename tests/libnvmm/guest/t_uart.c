/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * The 16550's registers, one by one and with what they do to each other.
 */

#include <atf-c.h>
#include <string.h>

#include "uart.h"

#define RBR	0
#define THR	0
#define IER	1
#define IIR	2
#define FCR	2
#define LCR	3
#define MCR	4
#define LSR	5
#define MSR	6
#define SCR	7

static struct {
	char out[64];
	size_t nout;
	unsigned rooms;
	unsigned edges;
	bool line;
} w;

static void
cb_out(void *arg, uint8_t byte)
{
	ATF_REQUIRE_EQ(arg, &w);
	w.out[w.nout++ % sizeof(w.out)] = (char)byte;
}

static void
cb_room(void *arg)
{
	ATF_REQUIRE_EQ(arg, &w);
	w.rooms++;
}

static void
cb_line(void *arg, bool level)
{
	ATF_REQUIRE_EQ(arg, &w);
	ATF_CHECK_MSG(level != w.line, "a change that is none");
	w.line = level;
	w.edges++;
}

/* A UART whose callbacks are seen in w, and a guest that looks for input. */
static void
make(struct uart *u)
{
	static const struct uart_callbacks cb = { cb_out, cb_room, cb_line };

	memset(&w, 0, sizeof(w));
	uart_init(u, &cb, &w);
	uart_read(u, LSR);
}

ATF_TC_WITHOUT_HEAD(reset_values);
ATF_TC_BODY(reset_values, tc)
{
	struct uart u;

	(void)tc;
	make(&u);
	ATF_CHECK_EQ(uart_read(&u, RBR), 0);
	ATF_CHECK_EQ(uart_read(&u, IER), 0);
	ATF_CHECK_EQ(uart_read(&u, IIR), 0x01);
	ATF_CHECK_EQ(uart_read(&u, LCR), 0);
	ATF_CHECK_EQ(uart_read(&u, MCR), 0);
	ATF_CHECK_EQ(uart_read(&u, LSR), 0x60);
	ATF_CHECK_EQ(uart_read(&u, MSR), 0xb0);
	ATF_CHECK_EQ(uart_read(&u, SCR), 0);
	ATF_CHECK_EQ(uart_read(&u, 8), 0xff);
	uart_write(&u, 8, 1);
	uart_write(&u, LSR, 0);
	ATF_CHECK_EQ(uart_read(&u, LSR), 0x60);
	ATF_CHECK_EQ(w.edges, 0);
	ATF_CHECK_EQ(w.nout, 0);
}

ATF_TC_WITHOUT_HEAD(transmit);
ATF_TC_BODY(transmit, tc)
{
	struct uart u;

	(void)tc;
	make(&u);
	uart_write(&u, THR, 'h');
	uart_write(&u, THR, 'i');
	ATF_CHECK_EQ(w.nout, 2);
	ATF_CHECK_EQ(memcmp(w.out, "hi", 2), 0);
	ATF_CHECK_EQ(uart_read(&u, LSR) & 0x60, 0x60);
}

ATF_TC_WITHOUT_HEAD(divisor_latch);
ATF_TC_BODY(divisor_latch, tc)
{
	struct uart u;

	(void)tc;
	make(&u);
	uart_write(&u, LCR, 0x83);
	uart_write(&u, 0, 0x34);
	uart_write(&u, 1, 0x12);
	ATF_CHECK_EQ(uart_read(&u, 0), 0x34);
	ATF_CHECK_EQ(uart_read(&u, 1), 0x12);
	ATF_CHECK_EQ(w.nout, 0);
	uart_write(&u, LCR, 0x03);
	ATF_CHECK_EQ(uart_read(&u, 1), 0);
	uart_write(&u, 0, 'x');
	ATF_CHECK_EQ(w.nout, 1);
}

ATF_TC_WITHOUT_HEAD(scratch_and_masks);
ATF_TC_BODY(scratch_and_masks, tc)
{
	struct uart u;

	(void)tc;
	make(&u);
	uart_write(&u, SCR, 0xa5);
	ATF_CHECK_EQ(uart_read(&u, SCR), 0xa5);
	uart_write(&u, IER, 0xff);
	ATF_CHECK_EQ(uart_read(&u, IER), 0x0f);
	uart_write(&u, MCR, 0xff);
	ATF_CHECK_EQ(uart_read(&u, MCR), 0x1f);
}

ATF_TC_WITHOUT_HEAD(receive_without_fifo);
ATF_TC_BODY(receive_without_fifo, tc)
{
	struct uart u;

	(void)tc;
	make(&u);
	ATF_CHECK_EQ(uart_input(&u, "ab", 2), 1);
	ATF_CHECK_EQ(uart_read(&u, LSR), 0x61);
	ATF_CHECK_EQ(w.rooms, 0);
	ATF_CHECK_EQ(uart_read(&u, RBR), 'a');
	ATF_CHECK_EQ(w.rooms, 1);
	ATF_CHECK_EQ(uart_read(&u, LSR), 0x60);
	/* Nobody was refused since: nobody is asked back. */
	ATF_CHECK_EQ(uart_input(&u, "b", 1), 1);
	ATF_CHECK_EQ(uart_read(&u, RBR), 'b');
	ATF_CHECK_EQ(w.rooms, 1);
}

ATF_TC_WITHOUT_HEAD(receive_fifo);
ATF_TC_BODY(receive_fifo, tc)
{
	struct uart u;
	char buf[20];
	int i;

	(void)tc;
	make(&u);
	uart_write(&u, FCR, 0x01);
	ATF_CHECK_EQ(uart_read(&u, IIR), 0xc1);
	for (i = 0; i < 20; i++)
		buf[i] = (char)('a' + i);
	/* Around the ring's end, too. */
	ATF_CHECK_EQ(uart_input(&u, "12345", 5), 5);
	for (i = 0; i < 5; i++)
		ATF_CHECK_EQ(uart_read(&u, RBR), '1' + i);
	ATF_CHECK_EQ(uart_input(&u, buf, 20), 16);
	ATF_CHECK_EQ(uart_input(&u, buf, 1), 0);
	for (i = 0; i < 16; i++) {
		ATF_CHECK_EQ(w.rooms, 0);
		ATF_CHECK_EQ(uart_read(&u, RBR), 'a' + i);
	}
	ATF_CHECK_EQ(w.rooms, 1);
	ATF_CHECK_EQ(uart_read(&u, LSR), 0x60);
	/* Clearing it makes room as well. */
	ATF_CHECK_EQ(uart_input(&u, buf, 20), 16);
	uart_write(&u, FCR, 0x03);
	ATF_CHECK_EQ(uart_read(&u, LSR), 0x60);
	ATF_CHECK_EQ(w.rooms, 2);
}

ATF_TC_WITHOUT_HEAD(interrupt_receive);
ATF_TC_BODY(interrupt_receive, tc)
{
	struct uart u;
	int i;

	(void)tc;
	make(&u);
	uart_write(&u, FCR, 0x41);	/* trigger at 4 */
	uart_input(&u, "a", 1);
	ATF_CHECK(!w.line);
	uart_write(&u, IER, 0x01);
	ATF_CHECK(w.line);
	ATF_CHECK_EQ(uart_read(&u, IIR), 0xcc);
	uart_input(&u, "bcd", 3);
	ATF_CHECK_EQ(uart_read(&u, IIR), 0xc4);
	for (i = 0; i < 4; i++) {
		ATF_CHECK(w.line);
		uart_read(&u, RBR);
	}
	ATF_CHECK(!w.line);
	ATF_CHECK_EQ(uart_read(&u, IIR), 0xc1);
	ATF_CHECK_EQ(w.edges, 2);
}

ATF_TC_WITHOUT_HEAD(interrupt_transmit);
ATF_TC_BODY(interrupt_transmit, tc)
{
	struct uart u;

	(void)tc;
	make(&u);
	uart_write(&u, IER, 0x02);
	ATF_CHECK(w.line);
	ATF_CHECK_EQ(uart_read(&u, IIR), 0x02);
	ATF_CHECK(!w.line);
	ATF_CHECK_EQ(uart_read(&u, IIR), 0x01);
	uart_write(&u, THR, 'x');
	ATF_CHECK(w.line);
	/* A received byte goes first, and the other one stays. */
	uart_write(&u, IER, 0x03);
	uart_input(&u, "r", 1);
	ATF_CHECK_EQ(uart_read(&u, IIR), 0x04);
	ATF_CHECK_EQ(uart_read(&u, RBR), 'r');
	ATF_CHECK_EQ(uart_read(&u, IIR), 0x02);
	ATF_CHECK_EQ(uart_read(&u, IIR), 0x01);
	ATF_CHECK(!w.line);
}

ATF_TC_WITHOUT_HEAD(loopback);
ATF_TC_BODY(loopback, tc)
{
	struct uart u;

	(void)tc;
	make(&u);
	uart_write(&u, MCR, 0x10);
	ATF_CHECK_EQ(uart_input(&u, "z", 1), 0);
	uart_write(&u, THR, 'q');
	ATF_CHECK_EQ(w.nout, 0);
	ATF_CHECK_EQ(uart_read(&u, RBR), 'q');
	uart_read(&u, MSR);
	uart_write(&u, MCR, 0x1a);	/* RTS, OUT2 */
	ATF_CHECK_EQ(uart_read(&u, MSR), 0x99);
	ATF_CHECK_EQ(uart_read(&u, MSR), 0x90);
	uart_write(&u, MCR, 0x14);	/* OUT1: the bell's edge is silent */
	ATF_CHECK_EQ(uart_read(&u, MSR), 0x49);
	uart_write(&u, MCR, 0x10);
	ATF_CHECK_EQ(uart_read(&u, MSR), 0x04);
	/* One byte too many is an overrun, told once. */
	uart_write(&u, THR, 'a');
	uart_write(&u, IER, 0x04);
	ATF_CHECK(!w.line);
	uart_write(&u, THR, 'b');
	ATF_CHECK(w.line);
	ATF_CHECK_EQ(uart_read(&u, IIR), 0x06);
	ATF_CHECK_EQ(uart_read(&u, LSR), 0x63);
	ATF_CHECK_EQ(uart_read(&u, LSR), 0x61);
	ATF_CHECK(!w.line);
	/* Who was refused meanwhile is asked back afterwards. */
	uart_read(&u, RBR);
	uart_input(&u, "z", 1);
	w.rooms = 0;
	uart_write(&u, MCR, 0);
	ATF_CHECK_EQ(w.rooms, 1);
}

ATF_TC_WITHOUT_HEAD(reset);
ATF_TC_BODY(reset, tc)
{
	struct uart u;

	(void)tc;
	make(&u);
	uart_write(&u, IER, 0x0f);
	uart_write(&u, SCR, 1);
	uart_input(&u, "abc", 3);
	ATF_CHECK(w.line);
	uart_reset(&u);
	ATF_CHECK(!w.line);
	ATF_CHECK_EQ(uart_read(&u, IER), 0);
	ATF_CHECK_EQ(uart_read(&u, SCR), 0);
	ATF_CHECK_EQ(w.rooms, 0);
	ATF_CHECK_EQ(uart_read(&u, LSR), 0x60);
	ATF_CHECK_EQ(w.rooms, 1);
	uart_write(&u, THR, 'x');
	ATF_CHECK_EQ(w.nout, 1);
}

ATF_TC_WITHOUT_HEAD(input_before_set_up_is_not_lost);
ATF_TC_BODY(input_before_set_up_is_not_lost, tc)
{
	struct uart u;

	(void)tc;
	make(&u);
	uart_reset(&u);
	ATF_CHECK_EQ(uart_input(&u, "abc", 3), 0);
	uart_write(&u, IER, 0);
	uart_write(&u, LCR, 3);
	uart_write(&u, FCR, 7);
	uart_write(&u, MCR, 3);
	ATF_CHECK_EQ(w.rooms, 0);
	ATF_CHECK_EQ(uart_read(&u, LSR), 0x60);
	ATF_CHECK_EQ(w.rooms, 1);
	ATF_CHECK_EQ(uart_input(&u, "abc", 3), 3);
	/* A guest that waits for interrupts looks for input as well. */
	uart_reset(&u);
	uart_write(&u, IER, 1);
	ATF_CHECK_EQ(uart_input(&u, "abc", 3), 1);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, reset_values);
	ATF_TP_ADD_TC(tp, transmit);
	ATF_TP_ADD_TC(tp, divisor_latch);
	ATF_TP_ADD_TC(tp, scratch_and_masks);
	ATF_TP_ADD_TC(tp, receive_without_fifo);
	ATF_TP_ADD_TC(tp, receive_fifo);
	ATF_TP_ADD_TC(tp, interrupt_receive);
	ATF_TP_ADD_TC(tp, interrupt_transmit);
	ATF_TP_ADD_TC(tp, loopback);
	ATF_TP_ADD_TC(tp, reset);
	ATF_TP_ADD_TC(tp, input_before_set_up_is_not_lost);
	return atf_no_error();
}
