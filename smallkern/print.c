/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copyright (c) 2026 The NVMM authors
 *
 * Formatted output to the console: the few conversions that a small kernel
 * needs.  A line goes to the UART in one piece, which keeps its FIFO full.
 */

#include <stdarg.h>

#include "guest_abi.h"
#include "kern.h"

struct line {
	size_t len;
	char buf[128];
};

/* Sends what the line holds and empties it. */
static void
line_flush(struct line *l)
{
	console_write(l->buf, l->len);
	l->len = 0;
}

/* Appends c. */
static void
line_putc(struct line *l, char c)
{
	if (l->len == sizeof(l->buf))
		line_flush(l);
	l->buf[l->len++] = c;
}

/* Appends s. */
static void
line_puts(struct line *l, const char *s)
{
	while (*s != '\0')
		line_putc(l, *s++);
}

/* Appends val in this base. */
static void
line_putn(struct line *l, uint64_t val, unsigned base)
{
	char digits[20];
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[val % base];
		val /= base;
	} while (val != 0);
	while (n > 0)
		line_putc(l, digits[--n]);
}

/* Prints: %s, %c, %u, %x, %lu, %lx and nothing else; # in %#x adds 0x. */
void
printk(const char *fmt, ...)
{
	struct line l = { .len = 0 };
	bool is_long;
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt != '\0'; fmt++) {
		if (*fmt != '%') {
			line_putc(&l, *fmt);
			continue;
		}
		if (*++fmt == '#') {
			line_puts(&l, "0x");
			fmt++;
		}
		if ((is_long = *fmt == 'l'))
			fmt++;
		if (*fmt == 's')
			line_puts(&l, va_arg(ap, const char *));
		else if (*fmt == 'c')
			line_putc(&l, (char)va_arg(ap, int));
		else
			line_putn(&l, is_long ? va_arg(ap, uint64_t) :
			    va_arg(ap, unsigned), *fmt == 'x' ? 16 : 10);
	}
	va_end(ap);
	line_flush(&l);
}

/* Says why and ends the machine with status 2. */
void
panic(const char *why)
{
	printk("Bail out! %s\n", why);
	platform_exit(2);
}
