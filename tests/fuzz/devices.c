/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * UART and local APIC under a guest that writes and reads what it likes, and a
 * time that passes as it likes: a byte says what, up to eight more with what.
 */

#include "h_fuzz.h"
#include "lapic.h"
#include "uart.h"

struct platform {
	struct uart uart;
	struct lapic lapic;
	uint64_t now, when;
	bool line;
};

static void
on_line(void *arg, bool level)
{
	struct platform *pf = arg;

	FUZZ_CHECK(pf->line != level);		/* changes alone are told */
	pf->line = level;
}

static void
on_out(void *arg, uint8_t byte)
{

	(void)arg;
	(void)byte;
}

static uint64_t
on_now(void *arg)
{

	return ((struct platform *)arg)->now;
}

static uint64_t
on_tsc_ns(void *arg, uint64_t ticks)
{

	(void)arg;
	return ticks / 3;
}

static void
on_arm(void *arg, uint64_t when)
{

	((struct platform *)arg)->when = when;
}

static void
on_ipi(void *arg, const struct lapic_ipi *ipi)
{

	(void)arg;
	FUZZ_CHECK(ipi->to <= LAPIC_TO_OTHERS);
}

/* Time goes on; what was armed comes. */
static void
pass_time(struct platform *pf, uint64_t ns)
{

	pf->now += ns & 0xFFFFFFFFFF;
	if (pf->when != 0 && pf->when <= pf->now) {
		pf->when = 0;
		lapic_timer(&pf->lapic);
	}
}

/* Deliver what is pending. */
static void
deliver(struct platform *pf)
{
	int vector = lapic_pending(&pf->lapic);

	FUZZ_CHECK(vector >= -1 && vector <= 255);
	if (vector != -1)
		lapic_accept(&pf->lapic, (uint8_t)vector);
}

/* One act of the guest's or the host's. */
static void
act(struct platform *pf, struct fuzz_input *in)
{
	uint8_t what = fuzz_byte(in), reg = fuzz_byte(in);

	switch (what % 12) {
	case 0: uart_write(&pf->uart, reg % 9, fuzz_byte(in)); break;
	case 1: (void)uart_read(&pf->uart, reg % 9); break;
	case 2: FUZZ_CHECK(uart_input(&pf->uart, in->p, in->left < reg ?
	    in->left : reg) <= UART_FIFO); break;
	case 3: uart_reset(&pf->uart); break;
	case 4: lapic_write(&pf->lapic, reg * 16u, (uint32_t)fuzz_u64(in));
		break;
	case 5: (void)lapic_read(&pf->lapic, reg * 16u); break;
	case 6: lapic_set_tsc_deadline(&pf->lapic, fuzz_u64(in)); break;
	case 7: lapic_set_cr8(&pf->lapic, reg); break;
	case 8: lapic_post(&pf->lapic, reg); break;
	case 9: pass_time(pf, fuzz_u64(in)); break;
	case 10: lapic_enable(&pf->lapic, (reg & 1) != 0); break;
	default: deliver(pf); break;
	}
}

void
fuzz_devices(const uint8_t *p, size_t n)
{
	static const struct uart_callbacks uart = {
		.out = on_out, .line = on_line,
	};
	static const struct lapic_callbacks lapic = {
		.now = on_now, .tsc = on_now, .tsc_ns = on_tsc_ns,
		.arm = on_arm, .ipi = on_ipi,
	};
	struct platform pf = { .now = 1 };
	struct fuzz_input in = { p, n };

	uart_init(&pf.uart, &uart, &pf);
	lapic_init(&pf.lapic, 0, &lapic, &pf);
	while (in.left != 0)
		act(&pf, &in);
	FUZZ_CHECK(lapic_cr8(&pf.lapic) <= 15);
	FUZZ_CHECK(pf.uart.count <= UART_FIFO);
}
